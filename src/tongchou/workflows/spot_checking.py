"""Spot checks joined with the registers, key workers and notices.

1. The frame is made from the register of residents or of venues, or from a list of goods; households checked lately rest.
2. Sizes follow from a number, or from how surely a share is to be found (`science.size_to_find`), and are laid over the strata.
3. Results come in. Whoever is positive alone, or called back from a pool, is told to those who must act; the notice names nobody.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.parameters.queries import value, values_on
from tongchou.core.people.models import Post
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident, Venue
from tongchou.domains.spot_checks.actions import CheckSpec, Part, plan_check
from tongchou.domains.spot_checks.actions_taking import Finding, Found, keep_results
from tongchou.domains.spot_checks.framing import Candidate, FrameMade, make_frame
from tongchou.domains.spot_checks.imports import ALL
from tongchou.domains.spot_checks.models import SpotCheck
from tongchou.domains.spot_checks.queries import resting_households
from tongchou.domains.spot_checks.rules import (
    HOUSEHOLD_REST,
    KINDS,
    PARAMETERS,
    PEOPLE_RISK,
    RESERVE_SHARE,
    REST_ENDS_AT_RISK,
    SENSITIVITY,
    VENUE_RISK,
    sizes_by_stratum,
)
from tongchou.domains.testing.models import KeyWorker
from tongchou.science import size_to_find

ELDER_FROM = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants checked. `size`, or `chance` to find a share of `prevalence`; `by_village` lays strata over villages."""

    title: T
    place: Place
    kind: str
    prevalence: float
    size: int | None = None
    chance: float | None = None
    by_village: bool = True
    by_risk: bool = False
    pool_size: int = 1
    goods: Sequence[Candidate] = ()


@transaction.atomic
def plan(wish: Wish, *, secret: str, owner: Post | None = None, by: Actor, at: datetime) -> SpotCheck:
    """Make the frame, lay the sizes and plan the check. Raises Invalid naming what does not fit."""
    path, given = wish.place.path, values_on(PARAMETERS, at.date(), wish.place.path)
    for key in PARAMETERS:
        if key not in given:
            value(key, on=at.date(), place_path=path)  # says which is missing, and where to enter it
    if wish.kind not in KINDS:
        raise Invalid([FieldProblem("kind", T("没有这类抽检。", "There is no such kind of check."))])
    if not by.may("spot_check.run", path):
        raise Unseen("place")
    risks = {key: given[key].value for key in (PEOPLE_RISK, VENUE_RISK)}
    rest_days = int(given[HOUSEHOLD_REST].value) if wish.kind == "people" else 0
    frame = make_frame(
        _candidates(wish, risks, at.date()),
        by_risk=wish.by_risk,
        resting=resting_households(rest_days, at) if rest_days else (),
        rest_ends_at_risk=float(given[REST_ENDS_AT_RISK].value),
        secret=secret,
        pseudonym=blind_index,
    )
    spec = _spec(wish, float(given[SENSITIVITY].value), rest_days)
    parts = _parts(wish, frame, _size(wish, frame, spec.sensitivity), float(given[RESERVE_SHARE].value))
    return plan_check(spec=spec, frame=frame, parts=parts, secret=secret, owner=owner, by=by, at=at)


def _spec(wish: Wish, sensitivity: float, rest_days: int) -> CheckSpec:
    return CheckSpec(
        wish.title, wish.place, wish.kind, wish.by_risk, wish.pool_size, wish.prevalence, None if wish.size else wish.chance, sensitivity, rest_days
    )  # fmt: skip


def _size(wish: Wish, frame: FrameMade, sensitivity: float) -> int:
    people = sum(frame.people.values())
    if not people:
        raise Invalid(
            [
                FieldProblem(
                    "place",
                    T(
                        "这里没有可抽的对象：请先导入底数，或上传清单。",
                        "Nothing to draw from here: bring in the register, or upload a list.",
                    ),
                )
            ]
        )
    if wish.size:
        return wish.size
    if wish.chance is None or not 0.5 <= wish.chance < 1 or not 0 < wish.prevalence < 1:
        raise Invalid(
            [
                FieldProblem(
                    "size",
                    T(
                        "请填抽样数，或填要以多大把握（50%至99.9%）发现多少阳性率。",
                        "Give a number, or how surely (50 % to 99.9 %) which share is to be found.",
                    ),
                )
            ]
        )
    try:
        return size_to_find(wish.chance, wish.prevalence, people, sensitivity)
    except ValueError as error:
        said = T(f"即使全检 {people} 也达不到这个把握，请降低要求。", f"Even testing all {people} is not as sure as that; ask for less.")
        raise Invalid([FieldProblem("chance", said)]) from error


def _parts(wish: Wish, frame: FrameMade, size: int, reserve_share: float) -> list[Part]:
    units = frame.units()
    try:
        sizes = sizes_by_stratum(size, frame.people, units)
    except ValueError as error:
        held = sum(units.values())
        said = T(
            f"{len(units)} 层、{held} 个单元，不能抽 {size} 个：每层至少2个，且不超过单元数（一户只抽一人）。",
            f"{size} cannot be drawn from {len(units)} strata with {held} units: at least 2 each, and one of a household at most.",
        )
        raise Invalid([FieldProblem("size", said)]) from error  # fmt: skip
    places = {p.code: p for p in places_below(wish.place.path)} | {ALL: wish.place}
    return [
        Part(name, places.get(name, wish.place), n, min(units[name] - n, round(n * reserve_share + 0.5)))
        for name, n in sorted(sizes.items())
    ]  # fmt: skip


def _candidates(wish: Wish, risks: Mapping[str, Mapping[str, float]], day: date) -> Iterable[Candidate]:
    if wish.kind == "goods":
        return wish.goods
    codes = dict(places_below(wish.place.path).values_list("pk", "code"))
    return (
        _people(codes, wish.by_village, risks[PEOPLE_RISK], day)
        if wish.kind == "people"
        else _venues(codes, wish.by_village, risks[VENUE_RISK])
    )


def _people(codes: Mapping[int, str], by_village: bool, risk: Mapping[str, float], day: date) -> Iterator[Candidate]:
    """Everybody of the register in these places; no name is read."""
    noted = KeyWorker.objects.filter(Q(to_on=None) | Q(to_on__gt=day), from_on__lte=day)
    key_workers = set(noted.values_list("person_id", flat=True))
    elder_until = date(day.year - ELDER_FROM, day.month, min(day.day, 28))
    rows = Resident.objects.filter(place__in=codes).order_by("pk")
    for pk, place, home, is_collective, born_on in rows.values_list(
        "pk", "place_id", "household_id", "household__is_collective", "born_on"
    ).iterator(5000):
        weight = float(risk.get("key_worker", 1)) if pk in key_workers else float(risk.get("aged_60", 1)) if born_on <= elder_until else 1.0
        # People of a dormitory share an address, not a table: each is a unit of their own.
        yield Candidate(pk, codes[place] if by_village else ALL, None if is_collective else home, weight)


def _venues(codes: Mapping[int, str], by_village: bool, risk: Mapping[str, float]) -> Iterator[Candidate]:
    rows = Venue.objects.filter(place__in=codes).order_by("pk").values_list("pk", "place_id", "venue_class")
    for pk, place, venue_class in rows.iterator(5000):
        yield Candidate(pk, codes[place] if by_village else ALL, None, float(risk.get(venue_class, 1)))


@transaction.atomic
def take_results(check: SpotCheck, findings: Sequence[Finding], *, source: str, by: Actor, at: datetime) -> Found:
    """Keep results and tell of what they found, in one transaction. The same again changes nothing."""
    found = keep_results(check, findings=findings, source=source, by=by, at=at)
    head = check.dossier
    tellings: list[tuple[Post, T]] = []
    if found.positive:
        n = len(found.positive)
        text = T(
            f"抽检阳性 {n} 例：{head.number} {head.title_zh}，请启动流调",
            f"Positive in a spot check: {n} in {head.number} {head.title_en}; begin the investigation",
        )
        towns = [code for code in head.place.path.split("/") if code]
        posts = list(Post.objects.filter(kind__in=("duty_officer", "duty_leader"), place__code__in=towns, place__valid_to=None))
        tellings += [(post, text) for post in posts]
        if head.owner_post is not None and head.owner_post not in posts:
            tellings.append((head.owner_post, text))
    by_village = Counter(unit.place_id for unit in found.called_back)
    for post in Post.objects.filter(kind="village_secretary", place__in=by_village):
        n = by_village[post.place_id]
        tellings.append((post, T(f"抽检复采：{n} 人须单采复核", f"Spot check: call {n} back, sample each alone")))
    holders = holders_at([post for post, _ in tellings], at)
    once = {(holders[post.pk].pk, text): Telling(holders[post.pk], text, head) for post, text in tellings if post.pk in holders}
    notify(list(once.values()), at=at, is_exercise=head.is_exercise)
    return found
