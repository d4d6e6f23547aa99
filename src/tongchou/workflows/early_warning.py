"""From observations to a proposed alarm: one morning of a watched town, in the order in which it happens.

1. Observe: every stream as it was known at that instant, two years back.
2. Score each stream and fuse them into one assessment per area and target (`domains.warning.watching`, pure), with the prior and the weights
   that the verdicts known at that instant teach (`domains.warning.learning`, pure), and the line that false alarms have raised (`promise`).
3. Keep what the morning said: a run, a signal per stream, the evidence per place.
4. Propose an alarm where the evidence passes its threshold, or renew the one this rise already has.
5. A named person confirms it: `activation.confirm`. A parameter may do so for some grades, and then the entry says so.

Every step stands on a natural key: reading the same morning again, from the same observations, changes nothing.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from tongchou.core.people.rules import Actor
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.response.queries import plans_in_force
from tongchou.domains.warning.actions import Finding, Share, keep_morning, propose_alarm, renew_alarm
from tongchou.domains.warning.learning import Learnt
from tongchou.domains.warning.models import Alarm, PlaceEvidence, Signal
from tongchou.domains.warning.queries import known_alarms, memory_of, verdict_log
from tongchou.domains.warning.rules import Move, may_confirm_alone, next_move
from tongchou.domains.warning.watching import WEEK, WEEKLY_READING_DAY, Area, Block, Morning, Reading, read_area, read_morning
from tongchou.science.detection.model import DetectionParams
from tongchou.science.evidence.e_values import e_bh
from tongchou.workflows.activation import confirm
from tongchou.workflows.promise import control_record, with_controls
from tongchou.workflows.watched_town import Town, installed_town, observe, town_on

FUNCTION = "detection.screen"
MORNING = time(8, 0)
PLACES_KEPT = 10
LIST_FALSE_SHARE = 0.1  # assumption: of the parts listed as rising one in ten may be wrong on average


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


def screen_morning(day: date, as_known_at: datetime, *, by: Actor, at: datetime) -> Screening:
    """Read one morning from what was known at an instant; raise or renew alarms. Raises Refusal before `tongchou init`."""
    log = verdict_log()
    town = with_controls(town_on(day), day, as_known_at, log)
    block = observe(town, day, as_known_at)
    told: list[Told] = []
    for area in town.areas:
        for target in town.targets:
            learnt = town.learnt(log, area, target, day, as_known_at)
            with transaction.atomic():
                told += _read_and_tell(town, area, target, block, learnt, day, as_known_at, by=by, at=at)
    return Screening(day, as_known_at, tuple(told))


def screen_range(first_day: date, last_day: date, *, by: Actor) -> Iterator[Screening]:
    """Each morning of a range as it was known then, at eight o'clock of the town; entries bear that instant."""
    town = installed_town()
    for day in mornings(first_day, last_day, town.step_days):
        at = datetime.combine(day, MORNING, ZoneInfo(town.zone))
        yield screen_morning(day, at, by=by, at=at)


def mornings(first_day: date, last_day: date, step_days: int) -> list[date]:
    """The days on which the watch reads: every day, or once a week where figures come weekly."""
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    return [d for d in days if step_days != WEEK or d.weekday() == WEEKLY_READING_DAY]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A reading done again: whether inputs and evidence are the ones kept."""

    is_same: bool
    digest: str
    statistic: float


def recompute(run: Run) -> Recomputed | None:
    """Do a kept reading again from what is in the database now, as known at the run's instant; None when nothing is left to read."""
    day, target = date.fromisoformat(run.result["day"]), run.result["target"]
    log = verdict_log()
    town = with_controls(town_on(day), day, run.as_known_at, log)
    area = next(a for a in town.areas if a.path == run.result["area"])
    memory = memory_of(town.places[area.path], target, day, run.as_known_at, town.repeat_days)
    params = town.learnt(log, area, target, day, run.as_known_at).taught(town.params_for(target, area.path))
    block = observe(town, day, run.as_known_at)
    again = read_area(area, target, town.streams, block, day, params, memory.restarted_on(area.path, day))
    if again is None:
        return None
    statistic = _log(again.assessment.statistic)
    return Recomputed(again.digest == run.input_digest and statistic == run.result["statistic"], again.digest, statistic)


def _read_and_tell(
    town: Town, area: Area, target: str, block: Block, learnt: Learnt, day: date, as_known_at: datetime, *, by: Actor, at: datetime
) -> list[Told]:
    """Steps 2 to 5 for one area and target."""
    memory = memory_of(town.places[area.path], target, day, as_known_at, town.repeat_days)
    params = learnt.taught(town.params_for(target, area.path))
    morning = read_morning(
        area,
        target,
        town.streams,
        block,
        day,
        params,
        memory,
        repeat_days=town.repeat_days,
        spread_days=town.spread_days,
    )
    if morning is None or Run.objects.filter(function=FUNCTION, input_digest=morning.whole.digest).exists():
        return []
    run = keep_morning(
        area=town.places[area.path],
        run=_run_of(morning.whole, params, {"learnt": learnt.record(), **control_record(town, area.path, target)}, as_known_at, at),
        signals=_signals(morning.whole, town, day, as_known_at),
        evidence=_evidence(morning, town, day, as_known_at),
        by=by,
        at=at,
    )
    told = [_tell(town, area, reading, run, as_known_at, by=by, at=at) for reading in morning.found]
    return told or [Told(morning.whole, "none", None)]


def _run_of(reading: Reading, params: DetectionParams, reasons: dict[str, Any], as_known_at: datetime, at: datetime) -> Run:
    a = reading.assessment
    return Run(
        function=FUNCTION,
        version=a.version,
        parameters=asdict(params) | reasons,
        input_digest=reading.digest,
        as_known_at=as_known_at,
        recorded_at=at,
        result={
            "area": reading.area.path,
            "place": reading.place_path,
            "without": list(reading.without),
            "target": reading.target,
            "day": a.day.isoformat(),
            "statistic": _log(a.statistic),
            "threshold": _log(a.threshold),
            "probability": _finite(a.outbreak_probability),
            "grade": a.grade,
            "places": list(_likeliest(reading)),
            "streams": {
                s.stream: {"share": _finite(s.share) or 0.0, "statistic": _log(s.statistic), "threshold": _finite(s.threshold)}
                for s in a.streams
            },
        },
    )


def _likeliest(reading: Reading) -> tuple[dict[str, Any], ...]:
    """Where an outbreak, if there is one, probably began; the area's own path stands for everywhere at once. `listed`: on the e-BH list of parts."""
    parts = [p for p in reading.assessment.places if p.place is not None]
    found = e_bh([p.log_e for p in parts], LIST_FALSE_SHARE).listed if parts else ()
    listed = {parts[i].place for i in found}
    ranked = sorted(reading.assessment.places, key=lambda p: -p.share)[:PLACES_KEPT]
    return tuple(
        {"place": p.place or reading.area.path, "share": p.share, "probability": p.outbreak_probability, "listed": p.place in listed}
        for p in ranked
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
            basis=[[name, round(value, 6)] for name, value in score.basis],
            pooled=len(codes),
            method=score.method,
            version=score.version,
        )
        for score, codes in zip(reading.scores, reading.members, strict=True)
        for code in codes
        if town.homes[code] == reading.area.path
    ]


def _evidence(morning: Morning, town: Town, day: date, as_known_at: datetime) -> list[PlaceEvidence]:
    return [
        PlaceEvidence(
            place=town.places[path],
            target=morning.whole.target,
            day=day,
            as_known_at=as_known_at,
            log_evidence=_log(log_evidence),
            threshold=morning.whole.assessment.threshold,
            probability=min(1.0, max(0.0, probability)),
            grade=grade,
        )
        for path, (log_evidence, probability, grade) in morning.places.items()
    ]


def _tell(town: Town, area: Area, reading: Reading, run: Run, as_known_at: datetime, *, by: Actor, at: datetime) -> Told:
    """Steps 4 and 5."""
    finding = _finding(town, area, reading, run, as_known_at)
    repeat_days = town.repeat_days
    known = known_alarms(finding.area, reading.target, finding.day)
    move, same = next_move(
        known, place_path=finding.place.path, target=reading.target, grade=finding.grade, day=finding.day, repeat_days=repeat_days
    )
    if move == "none" or (same is None and move != "propose"):
        return Told(reading, "none", None)
    if same is not None:
        return Told(
            reading, move, renew_alarm(Alarm.objects.get(pk=same.alarm_id), finding=finding, fall_after=town.fall_after, by=by, at=at)
        )
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


def _finding(town: Town, area: Area, reading: Reading, run: Run, as_known_at: datetime) -> Finding:
    a = reading.assessment
    loudest: dict[str, tuple[float, int | None]] = {}
    for score, codes in zip(reading.scores, reading.members, strict=True):
        # Where the alarm is, a quieter stream of that place explains more than a louder one elsewhere.
        weight = score.statistic + (1e6 if score.place == reading.place_path else 0.0)
        if score.stream not in loudest or weight > loudest[score.stream][0]:
            loudest[score.stream] = (weight, None if score.outside else town.stream_ids[codes[0]])
    return Finding(
        place=town.places[reading.place_path],
        area=town.places[area.path],
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
        places=_likeliest(reading),
        shares=tuple(
            Share(s.stream, loudest[s.stream][1], _finite(s.share) or 0.0, _log(s.statistic), _finite(s.threshold))
            for s in sorted(a.streams, key=lambda s: -s.share)
            if s.stream in loudest
        ),
        run=run,
    )
