"""What many sites have reported by one instant, how their curve is completed, and the completed curve."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tongchou.science.nowcasting.model import HazardParams, LadderParams
from tongchou.science.nowcasting.triangle import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Method = Literal["hazard", "ladder", "lawless", "none"]


@dataclass(frozen=True, slots=True)
class SiteParams:
    """When a curve is completed, and how. Steps are days, or weeks of a weekly curve."""

    least_steps: int = 35  # below it the spread of the hazard is assumed: 14 days of past, a week, 14 revisions (SpreadParams)
    least_steps_lawless: int = 14  # assumption: below it nobody knows how late reports come
    least_events: float = 20.0  # assumption: below it a share of late events is noise
    late_share: float = 0.005  # assumption: fewer events that come later than this are not worth a correction
    longest_steps: int = 40  # delays kept
    share_steps: int = 28  # the last reports of a site from which its share is taken; and how long a silent site is waited for; assumption
    share_prior_steps: float = 7.0  # reports of an average site each site starts with; assumption
    most_missing: float = 0.8  # assumption: with a larger share missing nothing is said of the day
    open_share: float = 0.05  # assumption: a day of which less than this is open counts as in; day-to-day noise is larger
    dispersion: float = 2.0  # variance of counts over their mean, as HazardParams
    hazard: HazardParams = field(default_factory=HazardParams)
    ladder: LadderParams = field(default_factory=LadderParams)

    def __post_init__(self) -> None:
        if min(self.least_steps, self.least_steps_lawless, self.longest_steps, self.share_steps) < 1 or not 0 < self.most_missing < 1:
            raise ValueError(f"SiteParams out of range: {self}")
        if min(self.least_events, self.late_share, self.share_prior_steps) < 0 or self.dispersion <= 0:
            raise ValueError(f"SiteParams out of range: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class SiteReports:
    """Every value sites have reported by one instant, a row per report: by site, then reference day, then instant of the report.

    site: (rows,) 0-based. back: (rows,) steps from the reference day to ``last_day``. ago: (rows,) whole steps of time since the report.
    value: (rows,) the whole count of that day as reported then, 0 or more. due: (sites, steps) on which days a site reports, oldest
    first; the last column is ``last_day``. recorded_steps: for so many of the last days the instants are those at which a value really
    became known (of older ones only the final value is kept).
    """

    last_day: date
    step_days: int
    site: Ints
    back: Ints
    ago: Ints
    value: Floats
    due: Bools
    recorded_steps: int

    def __post_init__(self) -> None:
        rows = {len(self.site), len(self.back), len(self.ago), len(self.value)}
        if len(rows) != 1 or self.due.ndim != 2:
            raise ValueError(f"site reports: site, back, ago and value need one length, due two axes; got {sorted(rows)}, {self.due.shape}")
        bad = np.flatnonzero(~np.isfinite(self.value) | (self.value < 0))
        if len(bad):
            raise ValueError(f"site reports: row {bad[0] + 1} is {self.value[bad[0]]:g}; a count is 0 or more")
        sites, steps = self.due.shape
        if len(self.site) and not (self.site.min() >= 0 and self.site.max() < sites and self.back.min() >= 0 and self.back.max() < steps):
            raise ValueError(f"site reports: a row lies outside {sites} sites x {steps} days")


@dataclass(frozen=True, slots=True, eq=False)
class CompletedCurve:
    """A curve by reference day, oldest first. NaN in ``reported``: nobody has; in ``expected`` and ``quantiles``: nothing is said.

    ``quantiles`` is (days, 7) at `PROBABILITIES`. ``missing``: share of the usual count whose sites have not reported that day.
    ``incomplete``: the day may still rise. ``method`` "none": reports that come late are not corrected; see ``late_share`` (of events,
    None = unknown), ``usual_delay`` (steps to the first reports) and ``longest_delay`` (steps after it in which they still change).
    """

    last_day: date
    step_days: int
    reported: Floats
    expected: Floats
    quantiles: Floats
    missing: Floats
    incomplete: Bools
    method: Method
    late_share: float | None
    usual_delay: int
    longest_delay: int
    is_spread_known: bool

    @property
    def days(self) -> tuple[date, ...]:
        """The reference day of each row."""
        count = len(self.reported)
        return tuple(self.last_day - timedelta(days=self.step_days * (count - 1 - i)) for i in range(count))


def weekly_params(params: SiteParams = SiteParams()) -> SiteParams:
    """The same for weekly curves: a year of delays is never needed."""
    return replace(params, longest_steps=min(params.longest_steps, 12))
