"""A day of visits to firms: planned by need, walked, told from a phone.

1. What is known of each firm of a place (register, visits, difficulties, its filing to resume) says how much it needs a visit, and why (`needs_at`).
2. Those most in need that fit into the time become a round, in the order of the way (`plan`).
3. The phone takes the plan along with what is known of its firms (`bundle_for`): nobody is asked twice.
4. What the phone brings is kept once (`report`): the visit, difficulties said there, and what the firm says of those answered before.
5. The day's report is counted from what was kept (`day_report`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from django.db import transaction

from tongchou.core.errors import Refusal, Stale, Unseen
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.calls.actions import Chosen, Visit, keep_call, note_raised, plan_day
from tongchou.domains.calls.models import Call, DayPlan
from tongchou.domains.calls.queries import gone, last_met, made_of, points_of
from tongchou.domains.calls.routing import Pace, Point, plan_round
from tongchou.domains.calls.rules import DETOUR, OUTCOMES, REST_DAYS, SPEED_KM_H, STAY_MINUTES, WEIGHTS, Known, Need, Weights, need_of
from tongchou.domains.difficulties.actions import Told, raise_difficulties
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.models import Difficulty, FirmWord
from tongchou.domains.difficulties.queries import open_counts, open_of_firms
from tongchou.domains.difficulties.rules import STATES
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.queries import living_firms
from tongchou.domains.registry.rules import RESUMPTIONS, SIZE_CLASSES
from tongchou.domains.resumption.queries import stuck_since

CONSIDERED = 60  # firms most in need that a round is made of: more than anybody visits in a day
CLOCK_TOLERANCE = timedelta(minutes=10)  # a phone's clock may be this far ahead
OTHERS = 2_000  # firms whose names a phone takes along, to tell of a visit that was not planned


@dataclass(frozen=True, slots=True)
class Candidate:
    """A firm and how much it needs a visit; `point` none: nobody has measured where it is."""

    firm: Firm
    need: Need
    point: Point | None


@dataclass(frozen=True, slots=True)
class Needs:
    """How many firms of a place need a visit, and those that need it most, the most first."""

    count: int
    most: tuple[Candidate, ...]


def needs_at(place: Place, at: datetime, *, at_most: int = CONSIDERED, only: Collection[int] | None = None) -> Needs:
    """Step 1: the firms of a place most in need of a visit; of `only` these (row numbers) also those in no need. Eight queries. Raises Refusal when a parameter has no value."""
    given = _parameters([WEIGHTS, REST_DAYS], at.date(), place.path)
    weights, rest_days = Weights(**given[WEIGHTS]), int(given[REST_DAYS])
    firms = living_firms().filter(place__path__startswith=place.path)
    firms = firms if only is None else firms.filter(pk__in=only)
    met, left, waiting, stuck = last_met(firms), gone(firms), open_counts(firms), stuck_since(firms)
    found: list[tuple[int, Need]] = []
    for pk, resumption, staff in firms.values_list("pk", "resumption", "staff_count"):
        waits, asked = waiting.get(pk, (0, 0))
        days = (at - met[pk]).days if pk in met else None
        stuck_days = (at - stuck[pk]).days if pk in stuck else 0
        need = need_of(Known(days, resumption, staff, waits, asked, stuck_days), weights, rest_days)
        if pk not in left and (need.points > 0 or only is not None):
            found.append((pk, need))
    most = sorted(found, key=lambda one: (-one[1].points, one[0]))[:at_most]
    shown, points = Firm.objects.select_related("place").defer("phone").in_bulk([pk for pk, _ in most]), points_of([pk for pk, _ in most])
    return Needs(len(found), tuple(Candidate(shown[pk], need, points.get(pk)) for pk, need in most))


def _parameters(keys: Sequence[str], on: date, place_path: str) -> dict[str, Any]:
    found = values_on(keys, on, place_path)
    if missing := [key for key in keys if key not in found]:
        raise Refusal(
            T(f"参数 {'、'.join(missing)} 在 {on} 没有取值。", f"No value on {on}: {', '.join(missing)}."),
            T("请在“参数”页补录带日期和依据的取值。", "Enter one with its date and source on the Parameters page."),
        )
    return {key: value.value for key, value in found.items()}


@transaction.atomic
def plan(place: Place, *, day: date, limit_minutes: int, firms: Collection[int] | None = None, by: Actor, at: datetime) -> DayPlan:
    """Step 2: the round of a day, through `firms` (row numbers) as far as they fit, or through those most in need. Raises what `plan_day` raises.

    A firm that nobody has measured counts as lying at its village's point, from where the round also begins.
    """
    given = _parameters([SPEED_KM_H, DETOUR, STAY_MINUTES], at.date(), place.path)
    pace = Pace(float(given[SPEED_KM_H]), float(given[DETOUR]), float(given[STAY_MINUTES]))
    candidates = needs_at(place, at, only=firms).most
    known = [one.point for one in candidates if one.point]
    start = _point(place) or (known[0] if known else (0.0, 0.0))
    found = plan_round(start, [one.point or _point(one.firm.place) or start for one in candidates], pace, limit_minutes)
    chosen = [Chosen(candidates[n].firm.pk, way, candidates[n].need) for n, way in zip(found.order, found.way_minutes, strict=True)]
    return plan_day(day=day, place=place, stops=chosen, limit_minutes=limit_minutes, minutes=found.minutes, by=by, at=at)


def _point(place: Place) -> Point | None:
    return (place.point[0], place.point[1]) if place.point else None


def bundle_for(found: DayPlan, kinds: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Step 3: what a phone needs for the day, as JSON. Six queries. `kinds`: the parameter difficulty.kinds."""
    stops = list(found.stops.select_related("firm__place"))
    firms = [stop.firm_id for stop in stops]
    met, points, made = last_met(firms), points_of(firms), made_of(found)
    waiting: dict[int, list[dict[str, Any]]] = {}
    for row in open_of_firms(firms):
        waiting.setdefault(row.firm_id, []).append(_waiting(row))
    others = living_firms().filter(place__path__startswith=found.place.path).exclude(pk__in=firms).order_by("name", "pk")
    return {
        "day": found.day.isoformat(),
        "minutes": found.minutes,
        "kinds": [[key, {"zh": said["zh"], "en": said["en"]}] for key, said in kinds.items()],
        "stops": [
            {
                **_known(stop.firm),
                "turn": stop.turn,
                "way": round(stop.way_minutes),
                "reasons": stop.reasons,
                "point": points.get(stop.firm_id),
                "met_at": round(met[stop.firm_id].timestamp() * 1000) if stop.firm_id in met else None,
                "open": waiting.get(stop.firm_id, []),
                "outcome": made.get(stop.firm_id),
            }
            for stop in stops
        ],
        "others": [list(pair) for pair in others.values_list("pk", "name")[:OTHERS]],
    }


def _known(firm: Firm) -> dict[str, Any]:
    place = firm.place
    words = {"village": place.name, "size": SIZE_CLASSES[firm.size_class], "resumption": RESUMPTIONS[firm.resumption]}
    pairs = {key: {"zh": said.zh, "en": said.en} for key, said in words.items()}
    return {"firm": firm.pk, "name": firm.name, "address": firm.address, "staff": firm.staff_count, "contact": firm.contact_name, **pairs}


def _waiting(row: Difficulty) -> dict[str, Any]:
    head, said = row.dossier, STATES[row.dossier.state]
    return {
        "number": head.number,
        "kind": row.kind,
        "words": row.words,
        "state": {"zh": said.zh, "en": said.en},
        "answer": row.answer,
        "asks": head.state in {"answered", "to_check"},
    }


@dataclass(frozen=True, slots=True)
class Word:
    """What the firm said on a visit of a difficulty raised before."""

    number: str
    verdict: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """A visit as it is kept. `passed_over`: difficulties of which the firm's word came too late, as they had moved on or are not this firm's."""

    call: Call
    is_new: bool
    raised: tuple[str, ...]
    passed_over: tuple[str, ...] = ()


@transaction.atomic
def report(
    visit: Visit, *, told: Sequence[Told] = (), heard: Sequence[Word] = (), draw: Callable[[], float], by: Actor, at: datetime
) -> Reported:
    """Step 4. Sent again it is the same visit and nothing happens twice. All of it or, refused, none: Invalid for what is told wrong, Unseen elsewhere."""
    firm = Firm.objects.select_related("place").filter(pk=visit.firm).first()
    if firm is None:
        raise Unseen("firm")
    if at < visit.called_at <= at + CLOCK_TOLERANCE:
        visit = replace(visit, called_at=at)
    call, is_new = keep_call(visit=visit, place=firm.place, by=by, at=at)
    if not is_new:
        return Reported(call, False, tuple(call.raised.order_by("pk").values_list("dossier__number", flat=True)))
    rows = []
    if told:
        given: dict[str, Any] = {"firm": firm.pk, "name": firm.name, "place": firm.place, "source": "visit", "said_at": visit.called_at}
        rows = raise_difficulties(told=told, **given, by=by, at=at)
        note_raised(call=call, difficulties=[row.pk for row in rows], place=firm.place, by=by, at=at)
    late = [word.number for word in heard if not _hear(word, visit, draw, by, at)]
    return Reported(call, True, tuple(row.dossier.number for row in rows), tuple(late))


def _hear(word: Word, visit: Visit, draw: Callable[[], float], by: Actor, at: datetime) -> bool:
    row = Difficulty.objects.filter(dossier__number=word.number, firm=visit.firm).first()
    if row is None:
        return False
    heard = Heard(word.verdict, "visit", max(visit.called_at, row.said_at), word.words, visit.spoke_to)
    try:
        hear_firm(row, heard=heard, draw=draw(), by=by, at=at)
    except Stale:
        return False
    return True


@dataclass(frozen=True, slots=True)
class DayReport:
    """What came of a person's visits on one day: how many by outcome, difficulties raised, and how many the firm said were solved, or not."""

    day: date
    outcomes: Mapping[str, int]
    raised: tuple[str, ...]
    solved: int
    not_yet: int

    @property
    def words(self) -> T:
        """One sentence to report up."""
        told = [(OUTCOMES[key], n) for key, n in self.outcomes.items()]
        zh = f"{self.day.month}月{self.day.day}日走访 {sum(self.outcomes.values())} 家（{'，'.join(f'{said.zh} {n} 家' for said, n in told)}）；提出困难 {len(self.raised)} 件；当面问到已解决 {self.solved} 件、未解决 {self.not_yet} 件。"
        en = f"{self.day:%-d %b}: {sum(self.outcomes.values())} visited ({', '.join(f'{said.en} {n}' for said, n in told)}); difficulties raised: {len(self.raised)}; asked on the spot: {self.solved} solved, {self.not_yet} not yet."
        return T(zh, en)


def day_report(by: Actor, day: date, zone: tzinfo) -> DayReport | None:
    """What came of the actor's visits on a day; none where there were none. Three queries."""
    begins = datetime.combine(day, time(0), zone)
    span = (begins, begins + timedelta(days=1) - timedelta(microseconds=1))
    calls = list(Call.objects.filter(visitor=by.user_id, called_at__range=span))
    if not calls:
        return None
    counted = Counter(row.outcome for row in calls)
    raised = Difficulty.objects.filter(calls__in=calls).order_by("pk").values_list("dossier__number", flat=True)
    heard = Counter(FirmWord.objects.filter(heard_by=by.user_id, way="visit", spoken_at__range=span).values_list("verdict", flat=True))
    outcomes = {key: counted[key] for key in OUTCOMES if counted[key]}
    return DayReport(day, outcomes, tuple(raised), heard["solved"], heard["not_yet"])
