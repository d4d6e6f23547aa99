"""Whether the promise of few false alarms is in doubt: kept signals laid out for the drift monitors, and what they find, in words. Pure.

1. Which days an outbreak explains (`outbreaks_known`).
2. Kept signals as one table a kind of stream, places by steps, those days left out (`seen_streams`); `science.detection.drift` judges them.
3. A finding as an officer reads it (`finding_said`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np

from tongchou.core.wording import T
from tongchou.domains.warning.learning import Given
from tongchou.domains.warning.promise import KeptSignal, Raised
from tongchou.domains.warning.watching import WEEK, Watched
from tongchou.science.detection.drift import DriftReading
from tongchou.science.detection.drift_ratios import SeenStream
from tongchou.science.detection.model import DetectionParams

# Assumptions: an outbreak begins about three weeks before its alarm and fades for two after it was last seen;
# an alarm nobody has judged for a month is no longer taken for an outbreak.
BEFORE_ALARM, AFTER_SEEN, UNJUDGED = timedelta(days=21), timedelta(days=14), timedelta(days=30)

MONITOR_NAMES = {
    "missing": T("缺报", "Missing"),
    "sites": T("站点增减", "Sites"),
    "step": T("单处突变", "One place"),
    "level": T("总体水平", "Level"),
    "shared": T("同涨同落", "Shared days"),
    "spread": T("波动", "Spread"),
    "tails": T("偏高的日子", "High days"),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """Days in a place and below on which an outbreak explains what was seen."""

    place_path: str
    first_day: date
    last_day: date


def outbreaks_known(raised: Iterable[Raised], log: Iterable[Given], day: date) -> list[Explained]:
    """The days of alarms judged true, or not judged yet. `log`: the verdicts known, oldest first."""
    standing = {given.alarm_id: given.decision for given in log}
    found = []
    for alarm in raised:
        decision = standing.get(alarm.alarm_id)
        if decision == "true" or (decision is None and day - alarm.raised_on <= UNJUDGED):
            found.append(Explained(alarm.place_path, alarm.raised_on - BEFORE_ALARM, alarm.last_seen_on + AFTER_SEEN))
    return found


def seen_streams(
    streams: Iterable[Watched],
    signals: Iterable[KeptSignal],
    explained: Sequence[Explained],
    day: date,
    params: DetectionParams,
    window_days: int,
) -> list[SeenStream]:
    """Kind by kind, places by steps up to a morning. Streams read together in one place count once; the newest reading of a value stands."""
    kinds: dict[tuple[str, bool], dict[str, Watched]] = defaultdict(dict)
    for s in streams:
        kinds[s.kind, _is_weekly(s, params)].setdefault(s.place, s)
    by_code: dict[str, list[KeptSignal]] = defaultdict(list)
    for signal in sorted(signals, key=lambda s: s.day):
        by_code[signal.code].append(signal)
    found = (_laid_out(kind, weekly, of, by_code, explained, day, params, window_days) for (kind, weekly), of in kinds.items())
    return [seen for seen in found if seen is not None]


def _is_weekly(stream: Watched, params: DetectionParams) -> bool:
    """Multiplicative streams are read in weeks that end on the newest day (docs/methods/detection.md 2)."""
    return WEEK in (stream.step_days, stream.period_days, params.calendar_step_days) or stream.model.get("form") != "additive"


def _laid_out(
    kind: str,
    is_weekly: bool,
    of: Mapping[str, Watched],
    by_code: Mapping[str, Sequence[KeptSignal]],
    explained: Sequence[Explained],
    day: date,
    params: DetectionParams,
    window_days: int,
) -> SeenStream | None:
    rows = [by_code.get(s.code, ()) for s in of.values()]
    ages = [(s.day - s.observed_on).days for row in rows for s in row]
    if not ages:
        return None
    one, step = next(iter(of.values())), WEEK if is_weekly else 1
    # Every second morning the newest value is at least this old: later days are not late yet.
    last_day = max(s.observed_on for row in rows for s in row) if is_weekly else day - timedelta(days=int(median(ages)))
    steps = window_days // step
    table = np.full((3, len(rows), steps), np.nan)
    for r, row in enumerate(rows):
        for s in row:
            back = (last_day - s.observed_on).days
            if 0 <= back < steps * step and back % step == 0:
                table[:, r, steps - 1 - back // step] = s.observed, s.expected, s.mid_p if one.direction == "higher" else 1 - s.mid_p
    is_additive = one.model.get("form") == "additive"
    return SeenStream(
        kind, tuple(of), last_day, observed=table[0], expected=table[1], mid_p=table[2], explained=_explained(tuple(of), last_day, steps, step, explained),
        step_days=step, is_count=one.value_kind == "count", day_effect_variance=params.day_effect_variance if is_additive and len(of) > 1 else 0.0,
    )  # fmt: skip


def _explained(places: Sequence[str], last_day: date, steps: int, step: int, explained: Sequence[Explained]) -> np.ndarray:
    found = np.zeros((len(places), steps), dtype=bool)
    ends = [last_day - timedelta(days=(steps - 1 - n) * step) for n in range(steps)]
    for e in explained:
        inside = [p.startswith(e.place_path) or e.place_path.startswith(p) for p in places]
        found |= np.outer(inside, [e.first_day <= end and end - timedelta(days=step - 1) <= e.last_day for end in ends])
    return found


def finding_said(found: DriftReading, kind: T, places: Sequence[T]) -> T:
    """A finding as an officer reads it: what, where, since when, how much."""
    assert found.since is not None
    zh_since, en_since = f"{found.since.month}月{found.since.day}日", f"{found.since:%-d %b}"
    where = T("、".join(p.zh for p in places), ", ".join(p.en for p in places))
    x = f"{found.size:.1f}"
    match found.monitor:
        case "missing":
            return T(
                f"{kind.zh}自{zh_since}起有 {found.size:.0%} 应报未报", f"{kind.en}: {found.size:.0%} of reports missing since {en_since}"
            )
        case "sites":
            zh, en = ("停止上报", "no report") if found.size < 0 else ("开始上报", "first reports")
            return T(f"{where.zh}的{kind.zh}自{zh_since}起{zh}", f"{kind.en} in {where.en}: {en} since {en_since}")
        case "step":
            return T(
                f"{where.zh}的{kind.zh}自{zh_since}起为预期的 {x} 倍，别处不变：查检测或上报方法",
                f"{kind.en} in {where.en}: {x} times the expected since {en_since}, not elsewhere: check how it is measured or reported",
            )
        case "level":
            return T(f"{kind.zh}自{zh_since}起为预期的 {x} 倍", f"{kind.en}: {x} times the expected since {en_since}")
        case "shared":
            return T(
                f"{kind.zh}自{zh_since}起各处同涨同落，一天可差 {found.size:.0%}",
                f"{kind.en}: all places move together since {en_since}, by {found.size:.0%} a day",
            )
        case "spread":
            return T(f"{kind.zh}自{zh_since}起波动为假定的 {x} 倍", f"{kind.en}: scatters {x} times as much as assumed since {en_since}")
        case "tails":
            return T(
                f"{kind.zh}自{zh_since}起异常偏高的日子为应有的 {x} 倍",
                f"{kind.en}: {x} times as many very high days as there should be since {en_since}",
            )
