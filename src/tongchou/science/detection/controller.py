"""The budget controller: what false alarms beyond the promise add to the alarm line, recomputed from the log of alarms."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

DAYS_PER_YEAR = 365.25
Verdict = Literal["", "true", "false", "unclear"]


@dataclass(frozen=True, slots=True)
class ControllerParams:
    """How an overdrawn alarm account moves the alarm line (docs/methods/promise.md 2 gives the reasons and what was measured)."""

    gain_log: float = math.log(2)  # assumption: one alarm too many doubles the evidence asked for, which halves the rate of chance alarms
    credit_alarms: float = 1.0  # assumption: quiet years save up one alarm and no more, so that the next false one is not punished
    largest_log: float = math.log(
        64
    )  # assumption: six alarms too many; beyond this the background is wrong, and a higher line would only hide it
    unclear_weight: float = 0.5  # assumption: where nothing could be found out it was as likely false as true
    undecided_days: int = 30  # assumption: an alarm nobody has judged by then counts as unclear

    def __post_init__(self) -> None:
        if not (self.gain_log > 0 and self.credit_alarms >= 0 and self.largest_log > 0):
            raise ValueError(f"ControllerParams: gain and ceiling must be positive, the credit not negative, got {self}")
        if not 0 <= self.unclear_weight <= 1 or self.undecided_days < 0:
            raise ValueError(f"ControllerParams: unclear_weight lies in [0, 1] and undecided_days is not negative, got {self}")


@dataclass(frozen=True, slots=True)
class AlarmOutcome:
    """One alarm as the log knows it: the day it was raised, its standing verdict ("" = none) and the day that verdict was given."""

    raised_on: date
    verdict: Verdict = ""
    judged_on: date | None = None

    def __post_init__(self) -> None:
        if (self.verdict == "") != (self.judged_on is None):
            raise ValueError(f"alarm of {self.raised_on}: a verdict needs its day, and a day its verdict")

    def charge(self, params: ControllerParams) -> tuple[date, float]:
        """The day from which the alarm weighs on the account, and how much."""
        if self.judged_on is None:
            return self.raised_on + timedelta(days=params.undecided_days), params.unclear_weight
        return self.judged_on, {"true": 0.0, "false": 1.0}.get(self.verdict, params.unclear_weight)


@dataclass(frozen=True, slots=True)
class ControlledMargin:
    """The account on one morning: alarms charged over the mornings watched, alarms above promise and credit, and the margin they add (log)."""

    charged_alarms: float
    watched_days: int
    overdraft_alarms: float
    margin_log: float
    is_at_ceiling: bool


def next_balance(balance: float, charged: float, allowed: float, params: ControllerParams) -> float:
    """The account after one morning: alarms charged less alarms allowed, between the credit and the ceiling."""
    return min(max(balance + charged - allowed, -params.credit_alarms), params.largest_log / params.gain_log)


def controlled_margin(
    watched: Collection[date],
    alarms: Sequence[AlarmOutcome],
    day: date,
    promised_per_year: float,
    params: ControllerParams = ControllerParams(),
    step_days: int = 1,
) -> ControlledMargin:
    """What the alarms judged before a morning add to its alarm line.

    Parameters
    ----------
    watched: mornings that were read, each once; days not watched neither charge nor pay back. Those on or after ``day`` do not count.
    alarms: every alarm of the same area and target, in any order, with the verdict that stands on ``day``.
    promised_per_year: false alarms per area, target and year that were promised.
    step_days: days one morning stands for (7 where figures are read weekly).

    Notes
    -----
    B <- clip(B + charged - promised_per_year * step_days / 365.25, -credit, ceiling); margin = gain * max(B, 0). Above the floor this is
    log c <- log c + gain * (false alarm - 1/A): the integral controller of adaptive conformal inference, applied to the line itself
    (Gibbs and Candes 2021, arXiv 2106.00170 (2); Angelopoulos 2023, arXiv 2307.16895, quantile tracking). The sum over T mornings gives,
    whatever the data, false alarms <= promise * T + B_T + credit as long as the ceiling is not touched.

    True alarms charge nothing: outbreaks never raise the line. A verdict weighs from the day it was given, so the figures of every
    past morning follow from the log alone, to the bit. An alarm wrongly judged false raises the line.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> mornings = [date(2024, 1, 1) + timedelta(days=n) for n in range(100)]
    >>> false = [AlarmOutcome(date(2024, 2, d), "false", date(2024, 2, d + 1)) for d in (1, 8)]
    >>> found = controlled_margin(mornings, false, date(2024, 3, 1), promised_per_year=1.0)
    >>> round(found.overdraft_alarms, 2), round(found.margin_log, 2)
    (1.84, 1.27)
    """
    if promised_per_year <= 0 or step_days <= 0:
        raise ValueError(f"promised_per_year and step_days must be positive, got {promised_per_year} and {step_days}")
    charges: dict[date, float] = defaultdict(float)
    for alarm in sorted(alarms, key=lambda a: (a.raised_on, a.charge(params))):
        charged_on, weight = alarm.charge(params)
        if weight and charged_on < day:
            charges[charged_on] += weight
    mornings = sorted(d for d in set(watched) if d < day)
    allowed = promised_per_year * step_days / DAYS_PER_YEAR
    balance, ceiling, steps = 0.0, params.largest_log / params.gain_log, sorted({*mornings, *charges})
    read = set(mornings)
    for one in steps:
        balance = next_balance(balance, charges.get(one, 0.0), allowed if one in read else 0.0, params)
    overdraft = max(balance, 0.0)
    return ControlledMargin(sum(charges.values()), len(mornings) * step_days, overdraft, params.gain_log * overdraft, balance >= ceiling)
