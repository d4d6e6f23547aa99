"""What the person suspended says against it, and the answer."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post, require_another
from tongchou.core.errors import Stale, in_words
from tongchou.core.identity import check_mobile
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.suspensions.models import Objection, Suspension
from tongchou.domains.suspensions.rules import OBJECTION


@action("suspension.object", on=Suspension)
def object_to(row: Suspension, *, words: str, phone: str = "", by: Actor, at: datetime) -> Objection:
    """Object to a suspension: from one's own pass page, or told to the office. The duty post has until its clock runs out. Again gives the one there is.

    Raises Stale when the suspension is not in force, Invalid without words, Refusal for a wrong phone.
    """
    said, checked = in_words("words", words), check_mobile(phone) if phone.strip() else None
    known = Objection.objects.select_related("dossier").filter(suspension=row).first()
    if known is not None:
        record("objection.again", known.dossier)
        return known
    if row.dossier.state != "in_force":
        raise Stale(T("这次暂停已不在执行中。", "This suspension is not in force."))
    head = row.dossier
    title = T(f"对 {head.number} 的申诉", f"Objection to {head.number}")
    opening = Opening(title, head.place, nearest_post("duty_officer", head.place), caused_by=head, part_of=row.incident)
    (opened,) = open_dossiers(OBJECTION, [opening], by=by, at=at)
    return Objection.objects.create(dossier=opened, suspension=row, words=said[:500], phone=checked)


@action("appeal.decide", on=Objection)
def answer_objection(row: Objection, *, upheld: bool, answer: str, by: Actor, at: datetime) -> Objection:
    """Uphold an objection or reject it, in plain words. Rejecting takes somebody who had no part in the suspension: Invalid otherwise."""
    if not upheld:
        require_another(by, row.suspension.asked_by_id, row.suspension.decided_by_id)
    said = in_words("answer", answer, 4)
    advance(row.dossier, OBJECTION, "uphold" if upheld else "reject", at=at, reason=said)
    row.answer = said[:500]
    row.save(update_fields=["answer"])
    return row
