"""Parameters and results of the nowcasts."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from tongchou.science.nowcasting.triangle import Floats

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # those of the German nowcast hub, 10.1371/journal.pcbi.1011394


@dataclass(frozen=True, slots=True)
class SpreadParams:
    """How own past revisions become an interval. "Measured": see docs/methods/nowcast.md."""

    revisions: int = 42  # past mornings looked at; measured
    half_life_days: float = 21.0  # weight of a past morning; measured
    least_revisions: int = 14  # assumption: below it the spread is assumed, and the result says so
    assumed_step_sd: float = 0.5  # assumption: log sd of a week's change while nothing is known
    df: float = 6.0  # Student degrees of freedom; an earlier study had seen the evaluation period when it chose 6
    joint_inflation: float = 1.15  # of joint draws; from that study as well

    def __post_init__(self) -> None:
        if min(self.revisions, self.least_revisions) < 1 or min(self.half_life_days, self.df, self.joint_inflation) <= 0:
            raise ValueError(f"SpreadParams out of range: {self}")


@dataclass(frozen=True, slots=True)
class LadderParams:
    """The chain ladder (10.2143/AST.23.2.2005092): one growth factor per delay from the last report days."""

    window_days: int = 42  # report days used; measured
    spread: SpreadParams = field(default_factory=SpreadParams)

    def __post_init__(self) -> None:
        if self.window_days < 1:
            raise ValueError(f"LadderParams: window_days must be 1 or more, got {self.window_days}")


@dataclass(frozen=True, slots=True)
class HazardParams:
    """The delay hazard by weekday. "Measured": chosen on reports to November 2021, see docs/methods/nowcast.md."""

    window_days: int = 56  # report days used; measured
    class_starts: tuple[int, int, int] = (2, 7, 15)  # delays 1, 2-6, 7-14, 15+ share a weekday pattern; measured
    rounds: int = 8  # of fitting delays and weekdays in turn; converged to 1e-6 there
    credibility_events: float = 50.0  # pull of one cell to the common pattern; 20 to 400 make no difference
    use_level: bool = True  # False: the own reports of a day alone, as in a chain ladder
    profile_weeks: int = 4  # weeks of the weekday profile of the level; 0 = the same day of last week alone; measured
    growth_damping: float = 0.7  # of last week's growth: best on German case counts 2020-21
    level_log_variance: float = 0.03  # of the expected level: error of that damped growth over a week, 0.17 squared
    dispersion: float = 2.0  # of the counts; 1 to 8 make little difference
    open_share_sds: tuple[float, ...] = (0.1, 1.0)  # relative sd of what is open: trust own reports, trust last week; measured
    learning: float = 6.0  # those two weigh (mean past error)^-6; 0 = alike; measured
    spread: SpreadParams = field(default_factory=SpreadParams)

    def __post_init__(self) -> None:
        first, second, third = self.class_starts
        if not 2 <= first < second < third:
            raise ValueError(f"HazardParams: class_starts must rise from 2, got {self.class_starts}")
        if self.window_days < 1 or self.rounds < 1 or self.profile_weeks < 0 or self.credibility_events < 0:
            raise ValueError(f"HazardParams out of range: {self}")
        if not 0 <= self.growth_damping <= 1 or min(self.level_log_variance, self.dispersion) <= 0:
            raise ValueError(f"HazardParams out of range: {self}")
        if not self.open_share_sds or min(self.open_share_sds) <= 0 or self.learning < 0:
            raise ValueError(f"HazardParams: open_share_sds must be above 0 and learning 0 or more: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Nowcast:
    """Counts as they will stand when all reports are in, by reference day, oldest first.

    With ``sum_days`` 7 each number is the sum over the seven days that end with that reference day. ``quantiles`` is (days, 7) at
    `PROBABILITIES`. ``is_spread_known`` False: the past is too short to know the spread, which is then an assumption.
    """

    first_day: date
    as_of: date
    sum_days: int
    reported: Floats
    expected: Floats
    quantiles: Floats
    is_spread_known: bool

    @property
    def days(self) -> tuple[date, ...]:
        """The reference day of each row."""
        return tuple(self.first_day + timedelta(i) for i in range(len(self.expected)))


@dataclass(frozen=True, slots=True, eq=False)
class CountDraws:
    """Equally likely daily counts (draws, days) from ``first_day`` to ``as_of``; days older than the longest delay are as reported."""

    first_day: date
    as_of: date
    counts: Floats
    is_spread_known: bool


def kept_array(values: Floats) -> Floats:
    """A copy nobody can write to."""
    kept = np.array(values, dtype=np.float64)
    kept.flags.writeable = False
    return kept
