"""Checking people off as they are sampled, and saying why somebody is not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError
from django.db.models import F

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.testing import roll
from tongchou.domains.testing.models import Account, Round, Site, Tube
from tongchou.domains.testing.rules import REASONS, SAMPLING_STATES, TUBE_SIZES, WAYS

MOST_AT_ONCE = 4000
_BATCH, _CODE_LENGTH = 400, range(4, 33)
_CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sampled:
    """One person sampled into a tube: row number of the register, bar code, how the person was recognised, when (none: now)."""

    person: int
    tube: str
    way: str = "household"
    sampled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckedOff:
    """What became of a delivery: how many are new, and person → tube of those that were checked off before, in whatever tube."""

    new: int
    known: dict[int, str]
    room: dict[str, int]  # tube → how many more it takes


@action("testing.sample", place=lambda given: given["site"].place_path)
def check_off(
    *, testing_round: Round, site: Site, sampled: Sequence[Sampled], tube_size: int | None = None, by: Actor, at: datetime
) -> CheckedOff:
    """Check people off as sampled, all of them or (Invalid, naming each row) none. Sending the same again changes nothing.

    A bar code seen for the first time becomes a tube of this round and site, of `tube_size` (none: the round's). One statement inserts
    the whole delivery, one entry speaks for it. Raises Stale when the round is not sampling, or another crew was first with one of the people.
    """
    _require_sampling(testing_round)
    problems = _problems(sampled, tube_size, at)
    people = list(dict.fromkeys(s.person for s in sampled))
    standing = roll.standing_of(testing_round.pk, people)
    before = {who: found.tube for who, found in standing.items() if found.tube is not None}
    problems += [
        FieldProblem(f"sampled[{n}].person", T("不在本轮名册上，请先登记", "not on the roll of this round; register first"))
        for n, s in enumerate(sampled, start=1)
        if s.person not in standing
    ]
    fresh = {s.person: s for s in sampled if s.person not in before}
    if problems:
        raise Invalid(problems)
    tubes = _tubes(testing_round, site, [s.tube for s in fresh.values()], tube_size or testing_round.pool_size, at)
    rows = [
        roll.Row(who, standing[who].place, tubes[s.tube].pk, min(s.sampled_at or at, at), WAYS.index(s.way)) for who, s in fresh.items()
    ]
    if rows:
        try:
            roll.write_check_offs(testing_round.pk, by.user_id, rows)
        except IntegrityError as error:
            raise Stale(
                T("其中有人刚被另一组采样登记，请重新发送。", "Another crew just checked one of them off; send it again.")
            ) from error
        _replace_accounts(testing_round.pk, [who for who in fresh if standing[who].is_accounted], at)
    said = "\n".join(f"{row.person},{row.tube}" for row in rows)
    record(
        "round.check_off", site,
        detail={"round": testing_round.pk, "new": len(rows), "known": len(people) - len(rows), "tubes": sorted(tubes), "sha256": sha256(said.encode()).hexdigest()},
    )  # fmt: skip
    held = dict(Tube.objects.filter(pk__in=set(before.values())).values_list("pk", "code")) if before else {}
    room = {code: tube.size - tube.filled for code, tube in tubes.items()}
    return CheckedOff(len(rows), {who: held[tube] for who, tube in before.items()}, room)


@action("testing.sample")
def account_for(
    *, testing_round: Round, people: Sequence[int], reason: str, note: str = "", to_post: Post | None = None, by: Actor, at: datetime
) -> int:
    """Say why people on the roll are not sampled; a missing person is handed on to a post. A later word replaces it. Gives how many rows are new.

    Raises Invalid for people who are not on the roll, not the actor's, or sampled already.
    """
    _require_sampling(testing_round)
    wanted = list(dict.fromkeys(people))
    problems = []
    if reason not in REASONS:
        problems.append(FieldProblem("reason", T("请选择原因。", "Choose a reason.")))
    elif REASONS[reason][0] == "handed_on" and to_post is None:
        problems.append(FieldProblem("to_post", T("失联须移交岗位。", "A missing person is handed on to a post.")))
    standing = roll.standing_of(testing_round.pk, wanted)
    paths = Place.objects.filter(pk__in={found.place for found in standing.values()}).values_list("path", flat=True)
    if not wanted or len(standing) != len(wanted) or not all(by.may("testing.sample", path) for path in paths):
        problems.append(FieldProblem("people", T("其中有人不在本轮名册上或不归您管。", "Some are not on the roll, or not yours.")))
    if any(found.tube is not None for found in standing.values()):
        problems.append(FieldProblem("people", T("其中有人已采样。", "Some have been sampled already.")))
    if problems:
        raise Invalid(problems)
    same = set(
        Account.objects.filter(
            round=testing_round, person__in=wanted, replaced_at=None, reason=reason, note=note.strip()[:200], to_post=to_post
        )
        .order_by()
        .values_list("person_id", flat=True)
    )
    changed = [who for who in wanted if who not in same]
    _replace_accounts(testing_round.pk, changed, at)
    Account.objects.bulk_create(
        [
            Account(
                round=testing_round, person_id=who, place_id=standing[who].place, reason=reason, note=note.strip()[:200], to_post=to_post, at=at, by_id=by.user_id
            )
            for who in changed
        ],
        batch_size=_BATCH,
    )  # fmt: skip
    record(
        "round.account_for",
        testing_round,
        reason=note.strip(),
        detail={"reason": reason, "people": len(changed), "to": to_post.code if to_post else None},
    )
    return len(changed)


@action("testing.sample")
def withdraw_account(*, testing_round: Round, person: int, by: Actor, at: datetime) -> int:
    """Put a person back on the missing list: what was said of them was wrong. Gives 1, or 0 when nothing was said."""
    _require_sampling(testing_round)
    place = testing_round.roll.filter(person=person).select_related("place").first()
    if place is None or not by.may("testing.sample", place.place.path):
        raise Invalid([FieldProblem("people", T("不在本轮名册上或不归您管。", "Not on the roll, or not yours."))])
    count = _replace_accounts(testing_round.pk, [person], at)
    record("round.withdraw_account", testing_round, detail={"withdrawn": count})
    return count


def _replace_accounts(round_id: int, people: Sequence[int], at: datetime) -> int:
    count = 0
    for start in range(0, len(people), _BATCH):
        standing = Account.objects.filter(round=round_id, person__in=people[start : start + _BATCH], replaced_at=None)
        count += standing.update(replaced_at=at)
    return count


def _require_sampling(testing_round: Round) -> None:
    state = Dossier.objects.values_list("state", flat=True).get(pk=testing_round.pk)
    if state not in SAMPLING_STATES:
        raise Stale(T("本轮未在采样。", "The round is not sampling."), T("请核对轮次，或由检测组长开始采样。", "Check the round, or ask the head of testing to start it."))  # fmt: skip


def _problems(sampled: Sequence[Sampled], tube_size: int | None, at: datetime) -> list[FieldProblem]:
    if not 1 <= len(sampled) <= MOST_AT_ONCE:
        return [FieldProblem("sampled", T(f"一次1至{MOST_AT_ONCE}人。", f"1 to {MOST_AT_ONCE} people at once."))]
    problems = []
    if tube_size is not None and tube_size not in TUBE_SIZES:
        problems.append(FieldProblem("tube_size", T("混采规格为1、5、10或20。", "A pool holds 1, 5, 10 or 20.")))
    in_tube: dict[int, str] = {}
    for n, one in enumerate(sampled, start=1):
        if not (one.tube.isascii() and one.tube.isalnum() and len(one.tube) in _CODE_LENGTH):
            problems.append(FieldProblem(f"sampled[{n}].tube", T("管码为4至32位字母或数字", "a tube's code has 4 to 32 letters or digits")))
        if one.way not in WAYS:
            problems.append(FieldProblem(f"sampled[{n}].way", T("没有这种识别方式", "no such way of recognising")))
        if one.sampled_at is not None and not at - timedelta(days=3) <= one.sampled_at <= at + _CLOCK_TOLERANCE:
            problems.append(FieldProblem(f"sampled[{n}].sampled_at", T("采样时间在将来或三天前，请核对时钟", "in the future, or over three days ago; check the clock")))  # fmt: skip
        if in_tube.setdefault(one.person, one.tube) != one.tube:
            problems.append(FieldProblem(f"sampled[{n}].tube", T("同一人写了两支管", "the same person in two tubes")))
    return problems


def _tubes(testing_round: Round, site: Site, codes: Sequence[str], size: int, at: datetime) -> dict[str, Tube]:
    """Code → tube with these people counted in, new ones made. Raises Invalid naming each that cannot take them."""
    counted = Counter(codes)
    wanted = list(counted)
    found: dict[str, Tube] = {}
    for start in range(0, len(wanted), _BATCH):
        found |= {tube.code: tube for tube in Tube.objects.filter(code__in=wanted[start : start + _BATCH])}
    problems = []
    for code, tube in found.items():
        if tube.round_id != testing_round.pk:
            problems.append(FieldProblem(f"tube {code}", T("这支管属于另一轮", "this tube belongs to another round")))
        elif tube.box_id is not None:
            problems.append(FieldProblem(f"tube {code}", T("这支管已装箱，请换新管", "this tube is packed already; take a new one")))
    for code, count in counted.items():
        room = found[code].size - found[code].filled if code in found else size
        if count > room:
            problems.append(
                FieldProblem(f"tube {code}", T(f"这支管还能放 {room} 人，请换新管", f"this tube takes {room} more; take a new one"))
            )
    if problems:
        raise Invalid(problems)
    _fill(found, counted)
    fresh = [
        Tube(code=code, round=testing_round, site=site, size=size, filled=counted[code], opened_at=at)
        for code in wanted
        if code not in found
    ]
    if fresh:
        try:
            Tube.objects.bulk_create(fresh, batch_size=_BATCH)
        except IntegrityError as error:
            raise Stale(T("管码刚被另一组使用，请重新发送。", "Another crew just used that tube's code; send it again.")) from error
    return found | {tube.code: tube for tube in fresh}


def _fill(tubes: dict[str, Tube], counted: Counter[str]) -> None:
    """Count the people into their tubes; the condition decides between crews that saw the same room."""
    for code, tube in tubes.items():
        count = counted[code]
        room = Tube.objects.filter(pk=tube.pk, box=None, filled__lte=F("size") - count)
        if not room.update(filled=F("filled") + count):
            raise Stale(T(f"管 {code} 刚被装满或装箱，请换新管。", f"Tube {code} was just filled or packed; take a new one."))
        tube.filled += count
