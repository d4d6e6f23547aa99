"""Passes in hands: the address at which a phone shows one, and one phone for several people."""

from collections.abc import Collection, Sequence
from datetime import datetime

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.gate.models import Holder, PassLink


@action("pass.issue", on=Holder)
def give_link(holder: Holder, *, token: str, by: Actor, at: datetime) -> PassLink:
    """Give a holder the address that ends in `token` (random, kept as a digest). The address given before leads nowhere from now on."""
    ended = PassLink.objects.filter(holder=holder, ended_at=None).update(ended_at=at)
    row = PassLink.objects.create(holder=holder, digest=token_digest(token), made_at=at)
    record("pass_link.give", row, detail={"holder": holder.number, "replaces": ended})
    return row


@action("pass.issue", on=Holder)
def end_link(holder: Holder, *, reason: str, by: Actor, at: datetime) -> None:
    """End a holder's address, as when a phone is lost. Raises Stale when there is none."""
    if len(reason.strip()) < 2:
        raise Invalid([FieldProblem("reason", T("请写明原因，如“手机丢失”。", "Say why, for example: phone lost."))])
    row = PassLink.objects.filter(holder=holder, ended_at=None).first()
    if row is None:
        raise Stale(T("此人没有可停用的链接。", "This person has no link to end."))
    row.ended_at = at
    row.save(update_fields=["ended_at"])
    record("pass_link.end", row, reason=reason.strip(), detail={"holder": holder.number})


@action("pass.issue", on=Holder)
def carry_passes(carrier: Holder, *, of: Collection[int], by: Actor, at: datetime) -> list[Holder]:
    """Let one phone carry the passes of these holders (numbers), and of nobody else from now on. Who is carried carries nobody."""
    rows = list(Holder.objects.select_for_update(of=("self",)).select_related("place").filter(number__in=of))
    if len(rows) != len(set(of)) or not all(by.may("pass.issue", row.place_path) for row in rows):
        raise Unseen("holder")
    if carrier.proxy_id is not None or carrier.number in of or Holder.objects.filter(proxy__in=rows).exists():
        raise Invalid(
            [FieldProblem("of", T("代持人须有自己的码，且不能由别人代持。", "Who carries for others must not be carried themselves."))]
        )
    Holder.objects.filter(proxy=carrier).exclude(number__in=of).update(proxy=None)
    Holder.objects.filter(number__in=of).update(proxy=carrier)
    record("holder.carry", carrier, detail={"carrier": carrier.number, "of": sorted(of)})
    return rows


@action("pass.issue")
def look_at_holders(holders: Sequence[Holder], *, purpose: str, by: Actor, at: datetime) -> None:
    """Note that what passes say of these people is read, and what for. Raises Unseen when one of them is not the actor's."""
    for holder in holders:
        if not by.may("pass.issue", holder.place_path):
            raise Unseen("holder")
        record_access(holder.resident or holder, fields=["sampled_at"], purpose=purpose)
