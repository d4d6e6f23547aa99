"""Passes in people's hands: from a result to a code on a phone or on paper.

1. Everybody in the register gets a random holder number, given by whoever calls.
2. A negative result becomes a fact of its holder at once. A corrected result takes the fact back, and with it the passes that say it.
3. Whoever opens a pass is shown the one signed before, or a fresh one when a fact changed or half of its time is over.
4. One address shows the pass of its holder and of those for whom they carry it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import duration
from tongchou.core.passes.actions import LOST, Application, issue_passes, revoke_lost, revoke_pass
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import standing_passes, text_again
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.gate.actions import learn_facts, register_residents
from tongchou.domains.gate.actions_passes import end_link
from tongchou.domains.gate.models import Holder, PassLink
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.queries import corrected_people, latest_negatives, negative_people

MACHINE = system_actor("passing")
VALID_FOR, PRINTED_FOR = "gate.pass_valid_for", "gate.printed_pass_valid_for"
CORRECTED = T("检测结果已更正，请重新打开通行码", "a result was corrected; open the pass again")
Chance = Callable[[], int]  # a random number from 1 to HIGHEST_HOLDER
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TOGETHER = 5_000  # people in one transaction: a database file has one writer, which must not keep the doors waiting


@dataclass(frozen=True, slots=True)
class ShownPass:
    """A pass as its holder sees it. `text` is the content of the QR code; none while the pass is suspended."""

    holder: Holder
    issued: IssuedPass
    text: str | None


def holders_of(people: Sequence[int], chance: Chance, *, by: Actor, at: datetime) -> dict[int, int]:
    """Resident → holder number; those without one get it now, with the test they had before. Raises Unseen for nobody known."""
    numbers: dict[int, int] = {}
    for some in _split(people):
        with transaction.atomic():
            known, fresh = _registered(some, chance, by, at)
            if tested := latest_negatives(fresh):
                learn_facts(sampled_at={known[who]: day for who, day in tested.items()}, doses={}, by=MACHINE, at=at)
            numbers |= known
    return numbers


def _registered(people: Sequence[int], chance: Chance, by: Actor, at: datetime) -> tuple[dict[int, int], list[int]]:
    """Holder numbers of these residents, and who of them had none until now."""
    numbers = dict(Holder.objects.filter(resident__in=people).order_by().values_list("resident_id", "number"))
    fresh = {who: chance() for who in people if who not in numbers}
    if fresh:
        register_residents(numbers=fresh, by=by, at=at)
    return {**numbers, **fresh}, list(fresh)


def register_everybody(chance: Chance, *, at_most: int, by: Actor, at: datetime) -> int:
    """Give residents without a holder number theirs, `at_most` of them. Gives how many: none when everybody has one."""
    people = list(Resident.objects.filter(holder=None).order_by("pk").values_list("pk", flat=True)[:at_most])
    if people:
        holders_of(people, chance, by=by, at=at)
    return len(people)


def hand_on_results(tubes: Sequence[int], chance: Chance, *, by: Actor, at: datetime) -> int:
    """Tell the holders what the results of these tubes say as they stand now. Gives how many holders changed; the same again changes none."""
    negative, corrected = negative_people(tubes), corrected_people(tubes)
    still = latest_negatives(sorted(corrected))
    said: dict[int, datetime | None] = {**negative, **{who: still.get(who) for who in corrected}}
    changed = 0
    for some in _split(sorted(said)):
        with transaction.atomic():
            number_of, _ = _registered(some, chance, by, at)
            replaced = {number_of[who] for who in some if who in corrected}
            changed += learn_facts(sampled_at={number_of[who]: said[who] for who in some}, doses={}, replaced=replaced, by=by, at=at)
            for issued in IssuedPass.objects.filter(holder__in=replaced, revoked_at=None, expires_at__gt=at, issued_at__lt=at):
                revoke_pass(issued, reason=f"{CORRECTED.zh} {CORRECTED.en}", by=by, at=at)
    return changed


def passes_of(holders: Sequence[Holder], town: Place, *, by: Actor, at: datetime, valid_for: timedelta | None = None) -> list[ShownPass]:
    """The pass of each, in order: as signed before, or fresh. `valid_for`: none for what the town's parameter says.

    A suspended pass stands until it is resumed: nobody gets round it by opening the page again. Raises Refusal without a signing key.
    """
    standing = standing_passes([holder.number for holder in holders], at)
    found: dict[int, ShownPass] = {}
    fresh = []
    for holder in holders:
        issued = standing.get(holder.number)
        if issued is not None and issued.is_suspended(at):
            found[holder.number] = ShownPass(holder, issued, None)
        elif (
            issued is not None and valid_for is None and _still_good(issued, holder, at) and (text := text_again(issued, facts_of(holder)))
        ):
            found[holder.number] = ShownPass(holder, issued, text)
        else:
            fresh.append(holder)
    if fresh:
        span = valid_for or duration(VALID_FOR, on=at.date(), place_path=town.path)
        texts = issue_passes(issuer=town, applications=[Application(h.number, facts_of(h), span, h.place) for h in fresh], by=by, at=at)
        signed = standing_passes([holder.number for holder in fresh], at)
        found |= {h.number: ShownPass(h, signed[h.number], text) for h, text in zip(fresh, texts, strict=True)}
    return [found[holder.number] for holder in holders]


def facts_of(holder: Holder) -> dict[str, int]:
    """What a pass says of its holder."""
    said: dict[str, int] = {}
    if holder.sampled_at is not None:
        said["sampled_at"] = int(holder.sampled_at.timestamp())
    if holder.doses:
        said["doses"] = holder.doses
    if holder.last_dose_on is not None:
        said["last_dose_on"] = holder.last_dose_on.toordinal() - _EPOCH_DAY
    return said


def _still_good(issued: IssuedPass, holder: Holder, at: datetime) -> bool:
    """Signed after the last fact, and not yet past half of its time."""
    return (holder.facts_at is None or issued.issued_at >= holder.facts_at) and at < issued.issued_at + (
        issued.expires_at - issued.issued_at
    ) / 2


@transaction.atomic
def report_lost(holder: Holder, *, by: Actor, at: datetime) -> int:
    """A phone or a printed pass is lost: the address ends and every pass that is out is revoked. Gives how many; new ones may be given at once."""
    if PassLink.objects.filter(holder=holder, ended_at=None).exists():
        end_link(holder, reason=f"{LOST.zh} {LOST.en}", by=by, at=at)
    people = [holder, *Holder.objects.filter(proxy=holder).select_related("place")]
    return sum(revoke_lost(holder=one.number, place=one.place, by=by, at=at) for one in people)


def people_behind(token: str) -> list[Holder]:
    """Whose passes the address that ends in `token` shows: its holder first, then those carried. Raises Unseen. Two queries."""
    link = PassLink.objects.filter(digest=token_digest(token), ended_at=None).first()
    if link is None:
        raise Unseen("pass")
    rows = Holder.objects.select_related("resident", "place")
    carried = rows.filter(proxy=link.holder_id).order_by("number")
    return [rows.get(pk=link.holder_id), *carried]


def _split(people: Sequence[int]) -> Iterator[Sequence[int]]:
    return (people[start : start + _TOGETHER] for start in range(0, len(people), _TOGETHER))
