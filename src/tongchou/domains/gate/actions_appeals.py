"""Objections to a refusal at a door: opened from the scanner, decided at the office."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.errors import FieldProblem, Invalid, Refusal
from tongchou.core.identity import check_mobile
from tongchou.core.outbox.queue import tell_post
from tongchou.core.passes.verdicts import REFUSED
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.gate.models import Appeal, Device, Scan
from tongchou.domains.gate.rules import APPEAL, REASON_CODES, REASONS

_LONGEST = 500


@action("gate.appeal", on=Device)
def open_appeal(device: Device, *, seq: int, words: str, phone: str, by: Actor, at: datetime) -> Appeal:
    """Object to the refusal that a device logged under a number; the duty post of the door's place has until its clock runs out.

    Raises Refusal when the log knows no such refusal (yet), Invalid for a wrong phone. The same number again gives the appeal there is.
    """
    problems = [] if words.strip() else [FieldProblem("words", T("请写明理由。", "Say why."))]
    checked = None
    if phone.strip():
        try:
            checked = check_mobile(phone)
        except Refusal as refusal:
            problems.append(FieldProblem("phone", refusal.said))
    if problems:
        raise Invalid(problems)
    known = Appeal.objects.select_related("dossier").filter(device=device, seq=seq).first()
    if known is not None:
        record("appeal.again", known.dossier, detail={"seq": seq})
        return known
    scan = Scan.objects.filter(device=device.pk, seq=seq).first()
    if scan is None or REFUSED not in (scan.verdict, scan.told):
        raise Refusal(
            T("没有找到这次“不予进入”的记录。", "There is no refusal on record under this number."),
            T("请先联网上传扫码记录，再提交申诉。", "Let the scans be sent first, then appeal."),
        )
    entrance, reason = device.entrance, REASON_CODES[scan.reason]
    post = nearest_post("duty_officer", entrance.place)
    said = REASONS[reason][0]
    opening = Opening(
        T(f"{entrance.code} {said.zh}", f"{entrance.code}: {said.en}"),
        entrance.place,
        post,
        detail={"device": device.pk, "seq": seq, "reason": reason},
    )
    (dossier,) = open_dossiers(APPEAL, [opening], by=by, at=at)
    appeal = Appeal.objects.create(
        dossier=dossier,
        entrance=entrance,
        device=device,
        seq=seq,
        reason=reason,
        refused_at=datetime.fromtimestamp(scan.at_s, at.tzinfo),
        words=words.strip()[:_LONGEST],
        phone=checked,
    )
    told = T(f"新门岗申诉 {dossier.number}：{dossier.title_zh}", f"New gate appeal {dossier.number}: {dossier.title_en}")
    tell_post(post, told, dossier, at=at)
    return appeal


@action("appeal.decide", on=Appeal)
def decide_appeal(appeal: Appeal, *, upheld: bool, answer: str, by: Actor, at: datetime) -> Appeal:
    """Uphold an objection or reject it, with an answer in plain words. Raises Stale when it is decided already, Invalid without an answer."""
    said = answer.strip()
    if not 4 <= len(said) <= _LONGEST:
        raise Invalid([FieldProblem("answer", T("请写明答复（4至500字）。", "Give the answer (4 to 500 characters)."))])
    advance(appeal.dossier, APPEAL, "uphold" if upheld else "reject", at=at, reason=said)
    appeal.answer = said
    appeal.save(update_fields=["answer"])
    return appeal
