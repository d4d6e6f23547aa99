"""What the verdicts known at an instant teach: how often outbreaks begin, how much each kind of stream counts, how often such an alarm is right.

Pure, and computed anew from the log each time: a corrected verdict corrects every later morning, and a past one is replayed exactly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from tongchou.core.wording import T
from tongchou.science.detection.model import DetectionParams, Grade
from tongchou.science.evidence.verdicts import Decision, LearningParams, Ppv, Verdict, onset_rate, ppv_of, stream_weights

# Assumption: about three generations of infection. A true alarm where one was last seen so lately belongs to the same outbreak.
OUTBREAK_GAP_DAYS = 21
DAYS_A_YEAR = 365.25
LEARNING = LearningParams()


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict as it was given, with the grade and shares that the alarm had when it was first decided."""

    at: datetime
    alarm_id: int
    area_path: str
    place_path: str
    target: str
    grade: Grade
    decision: Decision
    shares: Mapping[str, float]
    raised_on: date
    last_seen_on: date


def verdicts_known(log: Iterable[Given], at: datetime) -> list[Verdict]:
    """The verdict that stood on each alarm at an instant; true alarms of one outbreak bear its name. `log` is oldest first."""
    standing = {given.alarm_id: given for given in log if given.at <= at}
    first_of = _outbreaks([g for g in standing.values() if g.decision == "true"])
    return [
        Verdict(str(g.alarm_id), g.grade, g.target, g.decision, g.shares, str(first_of.get(g.alarm_id, g.alarm_id)))
        for g in standing.values()
    ]


def _outbreaks(true: Sequence[Given]) -> dict[int, int]:
    """Alarm → the first alarm of its outbreak: one place inside the other, and raised within the gap after the other was last seen."""
    first_of: dict[int, int] = {}
    earlier: list[Given] = []
    for one in sorted(true, key=lambda g: (g.raised_on, g.alarm_id)):
        same = (
            e
            for e in reversed(earlier)
            if (e.target, e.area_path) == (one.target, one.area_path)
            and (one.place_path.startswith(e.place_path) or e.place_path.startswith(one.place_path))
            and one.raised_on - e.last_seen_on <= timedelta(days=OUTBREAK_GAP_DAYS)
        )
        found = next(same, None)
        first_of[one.alarm_id] = first_of[found.alarm_id] if found else one.alarm_id
        earlier.append(one)
    return first_of


def ppv_at(log: Iterable[Given], at: datetime, grade: Grade, target: str) -> Ppv:
    """How probably an alarm of this grade and target is right, from the verdicts known at an instant."""
    return ppv_of(verdicts_known(log, at), grade, target, LEARNING)


def ppv_said(ppv: Ppv) -> T:
    """The same in one sentence: what it rests on, what to expect, and how sure that is."""
    decided = ppv.right + ppv.wrong
    zh, en = (
        (f"同类预警 {decided} 次有结论，{ppv.right} 次属实", f"{ppv.right} of {decided} such alarms were right")
        if decided
        else ("同类预警尚无结论", "No such alarm has a verdict yet")
    )
    mean, low, high = (f"{share:.0%}" for share in (ppv.mean, ppv.low, ppv.high))
    return T(f"{zh}；预计属实 {mean}，在 {low} 与 {high} 之间", f"{en}; expected {mean}, between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a morning used in place of the stated numbers, and what it rests on. `weights`: only kinds that verdicts moved."""

    onsets_per_year: float
    onsets_low: float
    onsets_high: float
    stated_onsets_per_year: float
    outbreaks: int
    watched_years: float
    verdicts: int
    weights: Mapping[str, float]

    def taught(self, params: DetectionParams) -> DetectionParams:
        """The parameters with what was learnt."""
        return replace(params, prior_onsets_per_year=self.onsets_per_year, learnt_weights=tuple(sorted(self.weights.items())))

    def record(self) -> dict[str, Any]:
        """As it is kept with a run."""
        return {name: getattr(self, name) for name in self.__slots__} | {"weights": dict(self.weights)}


def learn(
    log: Iterable[Given],
    *,
    at: datetime,
    area_path: str,
    target: str,
    stated_onsets_per_year: float,
    watched_years: float,
    stated_weights: Mapping[str, float],
) -> Learnt:
    """What the verdicts on this target known at an instant teach; outbreaks are counted in the area, streams are judged wherever they stand."""
    rows = [g for g in log if g.target == target]
    verdicts, here = verdicts_known(rows, at), verdicts_known((g for g in rows if g.area_path == area_path), at)
    rate = onset_rate(here, target, prior_per_year=stated_onsets_per_year, watched_years=watched_years, params=LEARNING)
    # A weight stated below the bound is the office's will; verdicts leave it alone.
    movable = {kind: w for kind, w in stated_weights.items() if w >= LEARNING.least_weight}
    weights = stream_weights(verdicts, movable, LEARNING)
    return Learnt(
        onsets_per_year=rate.per_year,
        onsets_low=rate.low,
        onsets_high=rate.high,
        stated_onsets_per_year=stated_onsets_per_year,
        outbreaks=len({v.outbreak for v in here if v.decision == "true"}),
        watched_years=watched_years,
        verdicts=sum(v.decision != "unclear" for v in verdicts),
        weights={kind: w for kind, w in weights.items() if w != stated_weights[kind]},
    )
