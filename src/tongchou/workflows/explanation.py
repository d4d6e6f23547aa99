"""What is to be known of an alarm, as records: `explaining` makes them; page, interface and command show them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from tongchou.core.wording import T
from tongchou.domains.warning.learning import ppv_said
from tongchou.domains.warning.models import Alarm
from tongchou.science.evidence.verdicts import Ppv
from tongchou.workflows.early_warning import LIST_FALSE_SHARE, Recomputed


@dataclass(frozen=True, slots=True)
class Seen:
    """One morning's newest value of a stream, against what was expected of it; `statistic` is the stream's own log evidence that morning."""

    day: date
    observed: float
    expected: float | None
    lower: float | None
    upper: float | None
    p: float | None
    statistic: float


@dataclass(frozen=True, slots=True)
class StreamStory:
    """What one kind of stream contributes, as the morning of the alarm knew it. `days_summed`: how many days one value covers."""

    kind: str
    stream: str | None
    name: T
    sentinel: T | None
    unit: T
    days_summed: int
    share: float
    statistic: float
    threshold: float | None
    method: str
    method_said: T
    gist: T | None
    why_expected: T | None
    pooled: int
    days: tuple[Seen, ...]

    @property
    def is_over_its_line(self) -> bool:
        return self.threshold is not None and self.statistic >= self.threshold


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where the outbreak may have begun; `is_whole`: everywhere at once, or not to be located."""

    place: str
    path: str
    name: T
    share: float
    probability: float
    is_whole: bool
    is_listed: bool

    @property
    def said(self) -> T:
        return T("全域同时，或无法定位", "Everywhere at once, or not to be located") if self.is_whole else self.name


@dataclass(frozen=True, slots=True)
class Cost:
    """What an alarm costs of the promise: the how-manieth of its area and target in 365 days, and how many of them are known to be false."""

    nth: int
    false: int
    promised_per_year: float | None

    @property
    def said(self) -> T:
        zh, en = (
            f"本地同类第 {self.nth} 条预警（365 天内），已判误报 {self.false} 条",
            f"alarm {self.nth} of its kind here in 365 days; false so far: {self.false}",
        )
        if self.promised_per_year is None:
            return T(zh, en)
        return T(f"{zh}；承诺每年误报不超过 {self.promised_per_year:g} 条", f"{en} (promised: at most {self.promised_per_year:g} a year)")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a stream is expected to bring over each horizon if nothing is done: (days, median, lower, upper); the interval is of 80 %."""

    kind: str
    name: T
    unit: T
    is_local: bool
    horizons: tuple[tuple[int, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is to be known of an alarm."""

    alarm: Alarm
    gist: T
    rule: T
    line: T
    prior: T
    streams: tuple[StreamStory, ...]
    candidates: tuple[Candidate, ...]
    ppv: Ppv
    cost: Cost
    ahead: tuple[Ahead, ...]
    learnt: Mapping[str, Any]
    again: Recomputed | None

    @property
    def ppv_said(self) -> T:
        return ppv_said(self.ppv)

    @property
    def listed_said(self) -> T | None:
        """The parts in which a rise is to be reckoned with, by e-BH; None where the list is empty."""
        names = [c.name for c in self.candidates if c.is_listed]
        if not names:
            return None
        zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
        wrong = f"{LIST_FALSE_SHARE:.0%}"
        return T(
            f"应按有上升对待的地方（这样的名单平均至多 {wrong} 有误）：{zh}",
            f"To be treated as rising (of such lists at most {wrong} is wrong on average): {en}",
        )

    def record(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        a, head, run = self.alarm, self.alarm.dossier, self.alarm.run
        figures = ("day", "last_seen_on", "as_known_at", "target", "raised_by", "log_evidence", "threshold", "probability",
                   "prior_onsets_per_year", "growth_per_day", "growth_low", "growth_high", "verdict")  # fmt: skip
        return {
            "number": head.number, "title": asdict(head.title), "place": head.place.code, "grade": head.grade, "state": head.state,
            **{name: getattr(a, name) for name in figures},
            **{name: asdict(getattr(self, name)) for name in ("gist", "rule", "line", "prior", "ppv_said", "ppv")},
            "cost": asdict(self.cost) | {"said": asdict(self.cost.said)},
            "streams": [asdict(s) | {"is_over_its_line": s.is_over_its_line} for s in self.streams],
            "candidates": [asdict(c) for c in self.candidates],
            "ahead": [
                asdict(x) | {"horizons": [dict(zip(("days", "median", "lower", "upper"), h, strict=True)) for h in x.horizons]}
                for x in self.ahead
            ],
            "learnt": dict(self.learnt),
            "run": {name: getattr(run, name) for name in ("function", "version", "input_digest", "as_known_at", "recorded_at", "parameters")},
            "is_same_again": None if self.again is None else self.again.is_same,
        }  # fmt: skip
