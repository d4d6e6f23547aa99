"""From observations to a proposed alarm: one morning of a watched town, in the order in which it happens.

1. Observe: every stream as it was known at that instant, two years back.
2. Score each stream and fuse them into one assessment per area and target (`domains.warning.watching`, pure).
3. Keep what the morning said: a run, a signal per stream, the evidence per place.
4. Propose an alarm where the evidence passes its threshold, or renew the one this rise already has.
5. A named person confirms it: `activation.confirm`. A parameter may do so for some grades, and then the entry says so.

Every step stands on a natural key: reading the same morning again, from the same observations, changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from tongchou.core.errors import Refusal
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.places.queries import installation, places_below
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.response.queries import plans_in_force
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.queries import observations_as_known
from tongchou.domains.warning.actions import Finding, Share, keep_morning, propose_alarm, renew_alarm
from tongchou.domains.warning.models import Alarm, PlaceEvidence, Signal
from tongchou.domains.warning.queries import known_alarms, last_decision_on
from tongchou.domains.warning.rules import Move, grade_of_place, may_confirm_alone, next_move
from tongchou.domains.warning.watching import (
    HISTORY_DAYS,
    WEEK,
    WEEKLY_READING_DAY,
    Area,
    Block,
    Reading,
    Spot,
    Watched,
    areas_of,
    parameters_from,
    place_of,
    read_area,
)
from tongchou.science.detection.model import DetectionParams
from tongchou.workflows.activation import confirm

FUNCTION = "detection.screen"
MORNING = time(8, 0)
PARAMETERS = (
    "alarm.promised_per_year",
    "alarm.prior_odds",
    "alarm.grade_thresholds",
    "alarm.grade_quorum",
    "alarm.margin_log",
    "alarm.repeat_window",
    "alarm.confirm_automatically",
)


@dataclass(frozen=True, slots=True)
class Told:
    """One area's reading on one morning and what came of it; `alarm` is None where nothing was raised or renewed."""

    reading: Reading
    move: Move
    alarm: Alarm | None


@dataclass(frozen=True, slots=True)
class Screening:
    """One morning of the whole town (or country)."""

    day: date
    as_known_at: datetime
    told: tuple[Told, ...]

    @property
    def proposed(self) -> tuple[Alarm, ...]:
        return tuple(t.alarm for t in self.told if t.alarm is not None and t.move == "propose")


@dataclass(frozen=True, slots=True)
class Town:
    """What a morning needs to know of the town: its tree, streams, targets and the numbers in force that day."""

    installation: Installation
    places: Mapping[str, Place]
    areas: tuple[Area, ...]
    targets: Mapping[str, T]
    streams: tuple[Watched, ...]
    stream_ids: Mapping[str, int]
    homes: Mapping[str, str]
    values: Mapping[str, Any]
    params: DetectionParams


def screen_morning(day: date, as_known_at: datetime, *, by: Actor, at: datetime) -> Screening:
    """Read one morning from what was known at an instant; raise or renew alarms. Raises Refusal before `tongchou init`."""
    town = town_on(day)
    block = _observe(town, day, as_known_at)
    told: list[Told] = []
    for area in town.areas:
        for target in town.targets:
            with transaction.atomic():
                one = _read_and_tell(town, area, target, block, day, as_known_at, by=by, at=at)
            told += [one] if one else []
    return Screening(day, as_known_at, tuple(told))


def screen_range(first_day: date, last_day: date, *, by: Actor) -> Iterator[Screening]:
    """Each morning of a range as it was known then, at eight o'clock of the town; entries bear that instant."""
    town = _installed()
    for day in mornings(first_day, last_day, town.step_days):
        at = datetime.combine(day, MORNING, ZoneInfo(town.zone))
        yield screen_morning(day, at, by=by, at=at)


def mornings(first_day: date, last_day: date, step_days: int) -> list[date]:
    """The days on which the watch reads: every day, or once a week where figures come weekly."""
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    return [d for d in days if step_days != WEEK or d.weekday() == WEEKLY_READING_DAY]


def town_on(day: date) -> Town:
    """The town as it stood on a day. Raises Refusal before `tongchou init`."""
    installed = _installed()
    root = installed.place
    places = {p.path: p for p in places_below(root.path, day)}
    parents = {p.parent_id for p in places.values()}
    spots = [_spot(p) for p in places.values() if p.pk not in parents and p.pk != root.pk]
    values = {key: found.value for key, found in values_on(PARAMETERS, day, root.path).items()}
    streams, ids = _streams(root, places)
    areas = areas_of(_spot(root), spots)
    return Town(
        installation=installed,
        places=places,
        areas=areas,
        targets={t["code"]: T(t["zh"], t["en"]) for t in installed.targets},
        streams=streams,
        stream_ids=ids,
        homes=_homes(streams, areas),
        values=values,
        params=parameters_from(values, installed.step_days),
    )


def _installed() -> Installation:
    found = installation()
    if found is None:
        raise Refusal(
            T("本系统尚未安装任何地方。", "No town is installed here."), T("请先运行 tongchou init。", "Run first: tongchou init PACK")
        )
    return found


def _spot(place: Place) -> Spot:
    return Spot(place.code, place.path, place.kind, float(place.population or 1))


def _streams(root: Place, places: Mapping[str, Place]) -> tuple[tuple[Watched, ...], dict[str, int]]:
    rows = (
        Stream.objects.filter(~Q(state="closed"), sentinel__state="live")
        .select_related("sentinel__place")
        .prefetch_related("sentinel__catchments__place")
        .order_by("code")
    )
    watched, ids = [], {}
    for row in rows:
        seen = [(c.place.path, c.share * (c.place.population or 1)) for c in row.sentinel.catchments.all() if c.place.path in places]
        place = place_of(root.path, seen or [(row.sentinel.place.path, 1.0)])
        watched.append(
            Watched(
                code=row.code,
                kind=row.kind,
                place=place,
                targets=tuple(row.targets),
                value_kind=row.value_kind,
                step_days=row.step_days,
                period_days=row.period_days,
                direction=row.direction,
                weight=row.weight,
                model=row.model,
            )
        )
        ids[row.code] = row.pk
    return tuple(watched), ids


def _homes(streams: Iterable[Watched], areas: Sequence[Area]) -> dict[str, str]:
    """Stream code → path of the area that keeps its signal: its own. A stream that spans several is kept once, with the first of them."""
    found = {}
    for s in streams:
        spans = [a.path for a in areas if s.place.startswith(a.path) or a.path.startswith(s.place)]
        found[s.code] = spans[0] if spans else ""
    return found


def _observe(town: Town, day: date, as_known_at: datetime) -> Block:
    """Step 1."""
    codes = [s.code for s in town.streams]
    series = observations_as_known([town.stream_ids[c] for c in codes], day - timedelta(days=HISTORY_DAYS), day, as_known_at)
    return Block(tuple(codes), series.first_day, series.values)


def _read_and_tell(
    town: Town, area: Area, target: str, block: Block, day: date, as_known_at: datetime, *, by: Actor, at: datetime
) -> Told | None:
    """Steps 2 to 5 for one area and target."""
    place = town.places[area.path]
    reading = read_area(area, target, town.streams, block, day, town.params, last_decision_on(place, target, day))
    if reading is None:
        return None
    if Run.objects.filter(function=FUNCTION, input_digest=reading.digest).exists():
        return Told(reading, "none", None)
    run = _run_of(reading, town.params, as_known_at, at)
    keep_morning(
        area=place,
        run=run,
        signals=_signals(reading, town, day, as_known_at),
        evidence=_evidence(reading, town, day, as_known_at),
        by=by,
        at=at,
    )
    if not reading.assessment.alarm:
        return Told(reading, "none", None)
    return _tell(town, reading, run, as_known_at, by=by, at=at)


def _run_of(reading: Reading, params: DetectionParams, as_known_at: datetime, at: datetime) -> Run:
    a = reading.assessment
    return Run(
        function=FUNCTION,
        version=a.version,
        parameters=asdict(params),
        input_digest=reading.digest,
        as_known_at=as_known_at,
        recorded_at=at,
        result={
            "area": reading.area.path,
            "place": reading.place_path,
            "target": reading.target,
            "day": a.day.isoformat(),
            "statistic": _log(a.statistic),
            "threshold": _log(a.threshold),
            "probability": _finite(a.outbreak_probability),
            "grade": a.grade,
            "streams": {s.stream: {"share": _finite(s.share) or 0.0, "statistic": _log(s.statistic), "threshold": _finite(s.threshold)} for s in a.streams},
        },
    )


def _log(number: float) -> float:
    """A logarithm that a database and JSON can hold: no evidence at all is a very small one."""
    return float(number) if number > -999 else -999.0


def _finite(number: float) -> float | None:
    return float(number) if number == number and abs(number) != float("inf") else None


def _signals(reading: Reading, town: Town, day: date, as_known_at: datetime) -> list[Signal]:
    return [
        Signal(
            stream_id=town.stream_ids[code],
            day=day,
            as_known_at=as_known_at,
            observed_on=score.observed_on,
            observed=_finite(score.observed),
            expected=_finite(score.expected),
            lower=_finite(score.lower),
            upper=_finite(score.upper),
            statistic=_log(score.statistic),
            threshold=_finite(score.threshold),
            p=_finite(score.mid_p),
            pooled=len(codes),
            method=score.method,
            version=score.version,
        )
        for score, codes in zip(reading.scores, reading.members, strict=True)
        for code in codes
        if town.homes[code] == reading.area.path
    ]


def _evidence(reading: Reading, town: Town, day: date, as_known_at: datetime) -> list[PlaceEvidence]:
    a, grade = reading.assessment, reading.assessment.grade or ""
    blue = town.params.grades.blue_outbreak_probability
    found = {reading.area.path: (a.statistic, a.outbreak_probability, grade)}
    for p in a.places:
        if p.place is not None and p.place != reading.area.path:
            shown = grade_of_place(p.outbreak_probability, p.place == reading.place_path, grade, blue)
            found[p.place] = (p.log_evidence, p.outbreak_probability, shown)
    return [
        PlaceEvidence(
            place=town.places[path],
            target=reading.target,
            day=day,
            as_known_at=as_known_at,
            log_evidence=_log(log_evidence),
            threshold=a.threshold,
            probability=min(1.0, max(0.0, probability)),
            grade=shown,
        )
        for path, (log_evidence, probability, shown) in found.items()
    ]


def _tell(town: Town, reading: Reading, run: Run, as_known_at: datetime, *, by: Actor, at: datetime) -> Told:
    """Steps 4 and 5."""
    area = town.places[reading.area.path]
    finding = _finding(town, reading, run, as_known_at)
    repeat_days = int(town.values["alarm.repeat_window"])
    known = known_alarms(area, reading.target, finding.day)
    move, same = next_move(
        known, place_path=finding.place.path, target=reading.target, grade=finding.grade, day=finding.day, repeat_days=repeat_days
    )
    if move == "none" or (same is None and move != "propose"):
        return Told(reading, "none", None)
    if same is not None:
        return Told(reading, move, renew_alarm(Alarm.objects.get(pk=same.alarm_id), finding=finding, by=by, at=at))
    alarm = propose_alarm(finding=finding, repeat_days=repeat_days, by=by, at=at)
    if may_confirm_alone(finding.grade, town.values.get("alarm.confirm_automatically", [])):
        plan = next(iter(plans_in_force(at.date(), finding.place.path)), None)
        if plan is not None:
            reason = T(
                "按参数 alarm.confirm_automatically 由系统自动确认",
                "confirmed by the system, as parameter alarm.confirm_automatically says",
            )
            confirm(alarm, plan_code=plan.code, reason=f"{reason.zh} / {reason.en}", by=by, at=at)
    return Told(reading, move, alarm)


def _finding(town: Town, reading: Reading, run: Run, as_known_at: datetime) -> Finding:
    a = reading.assessment
    loudest: dict[str, tuple[float, int]] = {}
    for score, codes in zip(reading.scores, reading.members, strict=True):
        # Where the alarm is, a quieter stream of that place explains more than a louder one elsewhere.
        weight = score.statistic + (1e6 if score.place == reading.place_path else 0.0)
        if score.stream not in loudest or weight > loudest[score.stream][0]:
            loudest[score.stream] = (weight, town.stream_ids[codes[0]])
    return Finding(
        place=town.places[reading.place_path],
        area=town.places[reading.area.path],
        target=reading.target,
        target_name=town.targets[reading.target],
        day=a.day,
        as_known_at=as_known_at,
        grade=a.grade or "blue",
        raised_by=a.alarm_by or "fusion",
        log_evidence=_log(a.statistic),
        threshold=a.threshold,
        probability=a.outbreak_probability,
        prior_onsets_per_year=a.prior_onsets_per_year,
        growth_per_day=_finite(a.growth_per_day),
        growth_low=_finite(a.growth_interval[0]),
        growth_high=_finite(a.growth_interval[1]),
        expected=tuple(
            {
                "kind": f.stream,
                "place": f.place,
                "horizon_days": f.horizon_days,
                "median": _finite(f.median),
                "lower": _finite(f.lower),
                "upper": _finite(f.upper),
            }
            for f in a.forecasts
            if f.place in (None, reading.place_path)
        ),
        shares=tuple(
            Share(s.stream, loudest[s.stream][1], _finite(s.share) or 0.0, _log(s.statistic), _finite(s.threshold))
            for s in sorted(a.streams, key=lambda s: -s.share)
            if s.stream in loudest
        ),
        run=run,
    )
