"""Space-time Shiryaev-Roberts sum over single cases with place and time (Assunção & Correa 2009)."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from tongchou.science.detection.model import Floats


@dataclass(frozen=True, slots=True)
class SpaceTimeCusumParams:
    """Size of a cluster, its excess, and when to ring."""

    radius: float  # in the points' unit; a case at exactly this distance is outside, as in R surveillance
    threshold: float  # cases to a false alarm, on average: one a year = the cases of a usual year (Assunção & Correa 2009)
    excess: float = 0.5  # assumption: a cluster multiplies the intensity by 1 + excess

    def __post_init__(self) -> None:
        if not (self.radius > 0 and self.excess > 0 and self.threshold > 0):
            raise ValueError(f"SpaceTimeCusumParams: radius, excess and threshold are positive; got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class SpaceTimeCusumResult:
    """Log statistic after each case; the case that rang first, the first case of its cluster, and all its cases (none: no alarm)."""

    log_statistic: Floats
    alarm_case: int | None
    first_case: int | None
    cluster_cases: tuple[int, ...]

    @property
    def statistic(self) -> Floats:
        """The sum itself; infinite where a float cannot hold it."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_statistic))


@njit(cache=True, error_model="numpy")
def _statistics(xy, radius, excess, log_statistic, leading):  # type: ignore[no-untyped-def]
    """Log of the sum after each case, and the case k whose term is the largest; each new case changes every term once."""
    n, step = xy.shape[0], math.log1p(excess)
    since, ever = np.zeros(n), np.zeros(n)  # cases in the circle round k: from k on, and since the beginning
    for m in range(n):
        highest = -np.inf
        for k in range(m + 1):
            near = math.hypot(xy[k, 0] - xy[m, 0], xy[k, 1] - xy[m, 1]) < radius
            if k < m:
                since[k] += near
                ever[k] += near
            elif m > 0:
                for earlier in range(m):
                    ever[m] += math.hypot(xy[m, 0] - xy[earlier, 0], xy[m, 1] - xy[earlier, 1]) < radius
            if k == m:
                since[m] = 1.0
                ever[m] += 1.0
            term = since[k] * step - excess * ever[k] * (m + 1 - k) / (m + 1)
            if term > highest:
                highest, leading[m] = term, k
        total = 0.0
        for k in range(m + 1):
            total += math.exp(since[k] * step - excess * ever[k] * (m + 1 - k) / (m + 1) - highest)
        log_statistic[m] = highest + math.log(total)


def space_time_cusum(points: ArrayLike, times: ArrayLike, params: SpaceTimeCusumParams) -> SpaceTimeCusumResult:
    """Watch a stream of single cases for a cluster that began at one of them.

    Parameters
    ----------
    points: (cases, 2) in a plane. times: (cases,), not falling. NaN is refused: a case without place or time cannot be used here.

    Notes
    -----
    After case n, R_n = sum_k (1 + excess)^N exp(-excess m) over every case k as the first of a cluster: N = cases k..n within the radius of case k,
    m = (cases 1..n within that radius) (n - k + 1) / n, what they would be if place and time were independent. Equal to R `stcd`.
    Without a cluster R_n grows by about 1 a case: the threshold counts cases, and after an alarm one starts anew. The background is estimated
    from the same cases: measured mean runs were 0.9 to 2.5 times the threshold, and a cluster that goes on for long becomes its own background.
    With a radius that holds hardly any other case an alarm comes after about `threshold` cases whatever happens: choose one that holds several.

    References
    ----------
    Assunção & Correa 2009, Computational Statistics & Data Analysis 53:2817-2830.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> spread, cluster = rng.uniform(0, 100, (60, 2)), rng.normal(50, 1, (20, 2))
    >>> found = space_time_cusum(np.vstack([spread, cluster]), np.arange(80.0), SpaceTimeCusumParams(radius=5, threshold=200))
    >>> found.alarm_case >= 60, found.first_case >= 60
    (True, True)
    """
    xy, when = np.asarray(points, dtype=np.float64), np.asarray(times, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or when.shape != xy.shape[:1]:
        raise ValueError(f"space_time_cusum: points (cases, 2) and as many times; got {xy.shape} and {when.shape}")
    if not (np.isfinite(xy).all() and np.isfinite(when).all()):
        raise ValueError("space_time_cusum: points and times are finite; leave cases without place or time out")
    if (np.diff(when) < 0).any():
        raise ValueError(
            f"space_time_cusum: cases in order of time; case {int(np.argmax(np.diff(when) < 0)) + 1} is earlier than the one before"
        )
    log_statistic, leading = np.empty(len(xy)), np.empty(len(xy), np.int64)
    _statistics(xy, params.radius, params.excess, log_statistic, leading)
    over = np.flatnonzero(log_statistic > math.log(params.threshold))
    if len(over) == 0:
        return SpaceTimeCusumResult(log_statistic, None, None, ())
    alarm, first = int(over[0]), int(leading[over[0]])
    near = np.hypot(*(xy[first : alarm + 1] - xy[first]).T) < params.radius
    return SpaceTimeCusumResult(log_statistic, alarm, first, tuple(int(c) for c in np.flatnonzero(near) + first))
