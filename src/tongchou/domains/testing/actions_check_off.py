"""Checking people off as they are sampled: one crew's delivery, or those of many crews in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.testing import roll
from tongchou.domains.testing.models import Receipt, Round, Site, Tube
from tongchou.domains.testing.rules import SAMPLING_STATES, TUBE_SIZES, WAYS

MOST_AT_ONCE = 4000
_BATCH, _CODE_LENGTH = 400, range(4, 33)
_CLOCK_TOLERANCE = timedelta(minutes=10)
_NOT_SAMPLING = (
    T("本轮未在采样。", "The round is not sampling."), T("请核对轮次，或由检测组长开始采样。", "Check the round, or ask the head of testing to start it."),
)  # fmt: skip
_TOO_LATE = T("其中有人或有管刚被另一组登记，请重新发送。", "Another crew was just first with one of the people or tubes; send it again.")


@dataclass(frozen=True, slots=True)
class Sampled:
    """One person sampled into a tube: row number of the register, bar code, how the person was recognised, when (none: now)."""

    person: int
    tube: str
    way: str = "household"
    sampled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one crew sends at once. A bar code seen for the first time becomes a tube of `tube_size` (none: the round's).

    `id` is made by whoever sends it (a phone without a network): one that was kept is not looked at again.
    """

    round: Round
    site: Site
    sampled: Sequence[Sampled]
    by: Actor
    tube_size: int | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CheckedOff:
    """What became of a delivery: how many are new, and person → tube of those that were checked off before, in whatever tube."""

    new: int
    known: dict[int, str]
    room: dict[str, int]  # tube → how many more it takes


@action("testing.sample", place=lambda given: given["site"].place_path)
def check_off(
    *, testing_round: Round, site: Site, sampled: Sequence[Sampled], tube_size: int | None = None, key: UUID | None = None, by: Actor, at: datetime
) -> CheckedOff:  # fmt: skip
    """Check people off as sampled, all of them or (Invalid, naming each row) none. Sending the same again changes nothing.

    Raises Stale when the round is not sampling, or another crew was first with one of the people.
    """
    (told,) = _take_each([Delivery(testing_round, site, sampled, by, tube_size, key)], at)
    if isinstance(told, Refusal):
        raise told
    return told


@action("testing.sample")
def check_off_together(*, deliveries: Sequence[Delivery], by: Actor, at: datetime) -> list[CheckedOff | Refusal]:
    """Check off what many crews deliver, each all or none and each with an entry of its own crew, in one transaction with a set of statements for all.

    Gives for each what `check_off` gives or raises; `by` only gathers them. Raises the first refusal when none can be kept, and Stale, nothing
    being kept, when a transaction beside this one was first with a person or a tube: then send each alone.
    """
    told = _take_each(deliveries, at)
    refusals = [one for one in told if isinstance(one, Refusal)]
    if len(refusals) == len(told):
        raise refusals[0]
    return told


def _take_each(deliveries: Sequence[Delivery], at: datetime) -> list[CheckedOff | Refusal]:
    ledger = _Ledger(deliveries, at)
    told: list[CheckedOff | Refusal] = []
    for delivery in deliveries:
        try:
            told.append(ledger.take(delivery))
        except Refusal as refusal:
            told.append(refusal)
    ledger.write()
    return told


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery that will be kept: its new people, each with their tube."""

    delivery: Delivery
    fresh: dict[int, tuple[Sampled, Tube]]
    known: int
    codes: list[str]


class _Ledger:
    """What stood in the database when the transaction began, and what is to be written: each delivery sees those taken before it."""

    def __init__(self, deliveries: Sequence[Delivery], at: datetime) -> None:
        self.at = at
        rounds = {d.round.pk for d in deliveries}
        self.states = dict(Dossier.objects.filter(pk__in=rounds).values_list("pk", "state"))
        asked = {pk: dict.fromkeys(s.person for d in deliveries if d.round.pk == pk for s in d.sampled) for pk in rounds}
        self.standing = {pk: roll.standing_of(pk, list(people)) for pk, people in asked.items()}
        codes = list(dict.fromkeys(s.tube for d in deliveries for s in d.sampled if _is_code(s.tube)))
        self.tubes: dict[str, Tube] = {}
        for start in range(0, len(codes), _BATCH):
            self.tubes |= {tube.code: tube for tube in Tube.objects.filter(code__in=codes[start : start + _BATCH])}
        before = {(pk, who): found.tube for pk, people in self.standing.items() for who, found in people.items() if found.tube is not None}
        code_of = dict(Tube.objects.filter(pk__in=set(before.values())).values_list("pk", "code")) if before else {}
        self.tube_of = {who: code_of[tube] for who, tube in before.items()}  # (round, person) → code
        self.added: Counter[str] = Counter()
        self.taken: list[_Taken] = []
        ids = [d.id for d in deliveries if d.id is not None]
        self.kept = set(Receipt.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
        self.receipts: list[Receipt] = []

    def take(self, delivery: Delivery) -> CheckedOff:
        """Decide one delivery. Raises what `check_off` raises, having taken nothing of it."""
        pk, people = delivery.round.pk, list(dict.fromkeys(s.person for s in delivery.sampled))
        if not delivery.by.may("testing.sample", delivery.site.place_path):
            raise Unseen("site")
        known = {who: self.tube_of[pk, who] for who in people if (pk, who) in self.tube_of}
        if delivery.id in self.kept:
            self.taken.append(_Taken(delivery, {}, len(known), []))
            return CheckedOff(0, known, {})
        if self.states.get(pk) not in SAMPLING_STATES:
            raise Stale(*_NOT_SAMPLING)
        problems = _problems(delivery.sampled, delivery.tube_size, self.at)
        problems += [
            FieldProblem(f"sampled[{n}].person", T("不在本轮名册上，请先登记", "not on the roll of this round; register first"))
            for n, s in enumerate(delivery.sampled, start=1)
            if s.person not in self.standing[pk]
        ]
        if problems:
            raise Invalid(problems)
        fresh = {s.person: s for s in delivery.sampled if s.person not in known}
        counted = Counter(s.tube for s in fresh.values())
        tubes = self._tubes(delivery, counted)
        self.added.update(counted)
        self.tube_of |= {(pk, who): s.tube for who, s in fresh.items()}
        if delivery.id is not None:
            self.kept.add(delivery.id)
            self.receipts.append(Receipt(id=delivery.id, round=delivery.round, at=self.at))
        self.taken.append(_Taken(delivery, {who: (s, tubes[s.tube]) for who, s in fresh.items()}, len(known), sorted(tubes)))
        return CheckedOff(len(fresh), known, {code: self._room(tube) for code, tube in tubes.items()})

    def _tubes(self, delivery: Delivery, counted: Counter[str]) -> dict[str, Tube]:
        """Code → tube, new ones made but not yet written. Raises Invalid naming each that cannot take these people."""
        testing_round, size = delivery.round, delivery.tube_size or delivery.round.pool_size
        tubes, problems = {}, []
        for code, count in counted.items():
            tube = self.tubes.get(code) or Tube(
                code=code, round=testing_round, site=delivery.site, size=size, opened_at=self._first(delivery, code)
            )
            tubes[code] = tube
            if tube.round_id != testing_round.pk:
                problems.append(FieldProblem(f"tube {code}", T("这支管属于另一轮", "this tube belongs to another round")))
            elif tube.box_id is not None:
                problems.append(
                    FieldProblem(
                        f"tube {code}", T("这支管已装箱送检，请用新管重采", "this tube is packed already; sample again into a new one")
                    )
                )
            elif count > (room := self._room(tube)):
                said = T(f"这支管还能放 {room} 人，请换新管", f"this tube takes {room} more; take a new one")
                problems.append(FieldProblem(f"tube {code}", said))
        if problems:
            raise Invalid(problems)
        self.tubes |= tubes
        return tubes

    def _first(self, delivery: Delivery, code: str) -> datetime:
        """When the first sample went into a new tube: what comes late was taken before it came."""
        return min(s.sampled_at or self.at for s in delivery.sampled if s.tube == code)

    def _room(self, tube: Tube) -> int:
        return tube.size - tube.filled - self.added[tube.code]

    def write(self) -> None:
        """Write what was taken. Raises Stale, nothing being kept, when somebody beside this transaction was first."""
        found = [self.tubes[code] for code in self.added if self.tubes[code].pk is not None]
        if roll.fill_tubes({tube.pk: self.added[tube.code] for tube in found}) != len(found):
            raise Stale(_TOO_LATE)
        fresh = [self.tubes[code] for code in self.added if self.tubes[code].pk is None]
        for tube in fresh:
            tube.filled = self.added[tube.code]
        try:
            Receipt.objects.bulk_create(self.receipts, batch_size=_BATCH)
            Tube.objects.bulk_create(fresh, batch_size=_BATCH)
            rows = [self._rows(taken) for taken in self.taken]
            roll.write_check_offs([row for some in rows for row in some])
        except IntegrityError as error:
            raise Stale(_TOO_LATE) from error
        for pk, people in self.standing.items():
            now_sampled = [row.person for some in rows for row in some if row.round == pk and people[row.person].is_accounted]
            roll.replace_accounts(pk, now_sampled, self.at)
        for taken, some in zip(self.taken, rows, strict=True):
            digest = sha256("\n".join(f"{row.person},{row.tube}" for row in some).encode()).hexdigest()
            detail: dict[str, object] = {
                "round": taken.delivery.round.pk,
                "new": len(some),
                "known": taken.known,
                "tubes": taken.codes,
                "sha256": digest,
            }
            if taken.delivery.id is not None:
                detail["id"] = str(taken.delivery.id)
            record("round.check_off", taken.delivery.site, detail=detail, by=taken.delivery.by)

    def _rows(self, taken: _Taken) -> list[roll.Row]:
        of, by, at = taken.delivery.round.pk, taken.delivery.by.user_id, self.at
        return [
            roll.Row(of, who, self.standing[of][who].place, tube.pk, min(s.sampled_at or at, at), by, WAYS.index(s.way))
            for who, (s, tube) in taken.fresh.items()
        ]


def _is_code(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) in _CODE_LENGTH


def _problems(sampled: Sequence[Sampled], tube_size: int | None, at: datetime) -> list[FieldProblem]:
    if not 1 <= len(sampled) <= MOST_AT_ONCE:
        return [FieldProblem("sampled", T(f"一次1至{MOST_AT_ONCE}人。", f"1 to {MOST_AT_ONCE} people at once."))]
    problems = []
    if tube_size is not None and tube_size not in TUBE_SIZES:
        problems.append(FieldProblem("tube_size", T("混采规格为1、5、10或20。", "A pool holds 1, 5, 10 or 20.")))
    in_tube: dict[int, str] = {}
    for n, one in enumerate(sampled, start=1):
        if not _is_code(one.tube):
            problems.append(FieldProblem(f"sampled[{n}].tube", T("管码为4至32位字母或数字", "a tube's code has 4 to 32 letters or digits")))
        if one.way not in WAYS:
            problems.append(FieldProblem(f"sampled[{n}].way", T("没有这种识别方式", "no such way of recognising")))
        if one.sampled_at is not None and not at - timedelta(days=3) <= one.sampled_at <= at + _CLOCK_TOLERANCE:
            problems.append(FieldProblem(f"sampled[{n}].sampled_at", T("采样时间在将来或三天前，请核对时钟", "in the future, or over three days ago; check the clock")))  # fmt: skip
        if in_tube.setdefault(one.person, one.tube) != one.tube:
            problems.append(FieldProblem(f"sampled[{n}].tube", T("同一人写了两支管", "the same person in two tubes")))
    return problems
