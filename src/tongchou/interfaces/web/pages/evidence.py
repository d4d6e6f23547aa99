"""Evidence files, shown to those who may read their dossier: pictures in the page, everything else as a download."""

from typing import Any

from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.http import content_disposition_header

from tongchou.core.casework.evidence import evidence_path
from tongchou.core.casework.models import Evidence
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page

# What one must be allowed to read to see the proof beside it.
NEEDS = {"alarm": "alarm.read", "incident": "incident.read", "task": "incident.read"}


def shown_evidence(row: Evidence) -> dict[str, Any]:
    """One piece of evidence as components/evidence.html shows it."""
    url = reverse("evidence", args=[row.pk])
    return {
        "name": row.name or row.note[:60] or row.sha256[:12],
        "url": url,
        "thumb_url": url if row.media_type.startswith("image/") else None,
        "taken_at": row.taken_at,
        "place": row.place,
        "by": row.by.name if row.by else None,
        "sha256": row.sha256,
    }


def seen_evidence(pk: int, actor: Actor) -> Evidence:
    """One piece of evidence that has a file. Raises Unseen when missing or elsewhere."""
    row = Evidence.objects.select_related("dossier__place").filter(pk=pk).exclude(sha256="").first()
    if row is None or not actor.may(NEEDS.get(row.dossier.kind, "desk.read"), row.dossier.place.path):
        raise Unseen("evidence")
    return row


def file_answer(row: Evidence) -> HttpResponse:
    """The file itself. Raises Refusal when it is gone from the disk."""
    file = evidence_path(row.sha256)
    if not file.exists():
        raise Refusal(
            T(f"佐证文件 {row.sha256[:12]} 不在存储目录中。", f"Evidence file {row.sha256[:12]} is not in the store."),
            T("请从备份恢复 evidence 目录。", "Restore the evidence folder from a backup."),
        )
    is_picture = row.media_type.startswith("image/")
    answer = HttpResponse(file.read_bytes(), content_type=row.media_type)
    answer.headers["Content-Disposition"] = content_disposition_header(not is_picture, row.name or row.sha256[:12]) or "inline"
    # Whatever the file holds, it may not act as a page of ours.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer


@page("desk.read")
def evidence(request: Asked, pk: int) -> HttpResponse:
    """The file itself, for those who may read its dossier."""
    return file_answer(seen_evidence(pk, request.actor))


urlpatterns = [path("evidence/<int:pk>", evidence, name="evidence")]
