"""What can be done to any dossier, whatever its kind."""

from datetime import datetime, timedelta

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.evidence import keep_file
from tongchou.core.casework.life import assign
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Evidence
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.parameters.queries import duration
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T

_CLOCK_TOLERANCE, _OLDEST = timedelta(minutes=10), timedelta(days=366)


@action("task.assign", on=Dossier)
def hand_over(dossier: Dossier, *, post: Post, reason: str, by: Actor, at: datetime) -> Assignment:
    """Give an open dossier to another post. Raises Stale when it is closed, Invalid without a reason."""
    _require_open(dossier)
    if not reason.strip():
        raise Invalid([FieldProblem("reason", T("请写明移交原因。", "Say why it is handed over."))])
    return assign(dossier, post, at=at, why="handed_over", reason=reason)


@action("task.work", on=Dossier)
def attach_evidence(
    dossier: Dossier,
    *,
    content: bytes | None = None,
    name: str = "",
    note: str = "",
    taken_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Evidence:
    """Add a file, a note or both. Raises Invalid for an empty one, a wrong kind of file, or a picture from the future."""
    _require_open(dossier)
    if content is None and not note.strip():
        raise Invalid([FieldProblem("note", T("请附文件或填写说明。", "Attach a file or write a note."))])
    if taken_at is not None and not at - _OLDEST <= taken_at <= at + _CLOCK_TOLERANCE:
        said = T("拍摄时间晚于现在或早于一年前，请核对手机时间。", "Taken in the future or over a year ago; check the clock of the phone.")
        raise Invalid([FieldProblem("taken_at", said)])
    digest, media_type = keep_file(content) if content is not None else ("", "")
    row = Evidence.objects.create(
        dossier=dossier,
        sha256=digest,
        name=name[:200],
        media_type=media_type,
        size_bytes=len(content or b""),
        note=note.strip(),
        taken_at=taken_at or at,
        received_at=at,
        by_id=by.user_id,
        place=dossier.place,
    )
    record("evidence.attach", dossier, detail={"evidence": row.pk, "sha256": digest, "note": note.strip()})
    return row


@action("task.assign", on=Dossier)
def escalate(dossier: Dossier, *, by: Actor, at: datetime) -> Deadline | None:
    """Pass an overdue dossier to the next post up, once per interval; at the top it stays, and nobody is told again.

    Gives back the deadline that was escalated, None when nothing is overdue (another worker was first).
    """
    running = Deadline.objects.select_for_update().filter(dossier=dossier, stopped_at=None, escalate_at__lte=at).order_by("due_at", "pk")
    overdue = list(running)
    if not overdue or dossier.closed_at is not None:
        record("dossier.escalate", dossier, detail={"outcome": "nothing overdue"})
        return None
    above = dossier.owner_post.reports_to if dossier.owner_post else None
    late = overdue[0]
    late.escalations += 1
    # Clocks that ran out together are one delay and climb one step: all of them wait for the next interval.
    for clock in overdue:
        clock.escalate_at = at + duration("task.escalate_every", on=at.date(), place_path=dossier.place.path) if above else None
        clock.save(update_fields=["escalations", "escalate_at"])
    if above is None:
        record("dossier.escalate", dossier, detail={"key": late.key, "level": late.escalations, "to": None})
    else:
        assign(dossier, above, at=at, why="escalated", reason=f"{late.key} +{late.escalations}")
    return late


def _require_open(dossier: Dossier) -> None:
    if dossier.closed_at is not None:
        raise Stale(T(f"{dossier.number} 已办结，不能再改。", f"{dossier.number} is closed and cannot be changed."))
