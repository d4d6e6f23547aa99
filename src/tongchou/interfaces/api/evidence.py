"""Evidence for programs: what proves a dossier, and the files themselves."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.casework.models import Dossier, Evidence
from tongchou.core.errors import Unseen
from tongchou.interfaces.api.wording import both
from tongchou.interfaces.web.pages.evidence import NEEDS, file_answer, seen_evidence

router = Router(tags=["evidence"])


class ProofFileOut(Schema):
    """一份佐证 One piece of evidence."""

    id: int
    name: str
    note: str
    media_type: str
    size_bytes: int
    sha256: str = Field(description=both("只有说明时为空", "empty for a note without a file"))
    taken_at: datetime
    received_at: datetime
    by: str | None
    place: str


@router.get(
    "/dossiers/{number}/evidence", response=list[ProofFileOut], summary=both("一件事的佐证", "evidence of an alarm, incident or task")
)
def list_evidence(request: HttpRequest, number: str) -> Any:
    head = Dossier.objects.select_related("place").filter(number=number).first()
    if head is None or not request.auth.may(NEEDS.get(head.kind, "desk.read"), head.place.path):  # type: ignore[attr-defined]
        raise Unseen("dossier")
    shown = ("name", "note", "media_type", "size_bytes", "sha256", "taken_at", "received_at")
    rows = Evidence.objects.filter(dossier=head).select_related("by", "place").order_by("pk")
    return [
        {**{n: getattr(e, n) for n in shown}, "id": e.pk, "by": e.by.username if e.by else None, "place": e.place.code} for e in rows[:500]
    ]


@router.get(
    "/evidence/{evidence_id}",
    summary=both("佐证文件", "the file itself"),
    response={200: None},
    openapi_extra={
        "responses": {200: {"description": "文件 The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}
    },
)
def get_evidence_file(request: HttpRequest, evidence_id: int) -> HttpResponse:
    return file_answer(seen_evidence(evidence_id, request.auth))  # type: ignore[attr-defined]
