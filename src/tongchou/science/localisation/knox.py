"""Knox's test: are cases that are near in place also near in time more often than by chance?"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike
from scipy.stats import poisson

REPLICATES_AT_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class KnoxResult:
    """Pairs near in both, what independence expects, and how often it gives as many.

    `p_value`: Poisson P(X >= pairs). `p_beyond`: P(X > pairs), what R `surveillance` prints; it is the smaller.
    `p_permuted`: share of shuffled times with at least as many (None without replicates). Prefer it: pairs are not independent.
    """

    pairs: int
    expected: float
    p_value: float
    p_beyond: float
    p_permuted: float | None


@njit(cache=True, error_model="numpy")
def _margins(xy, times, near_distance, near_time, near):  # type: ignore[no-untyped-def]
    """Count pairs near in place and pairs near in time; write those near in place into `near` as far as it reaches."""
    in_place, in_time = 0, 0
    for i in range(len(times)):
        for j in range(i):
            in_time += abs(times[i] - times[j]) <= near_time
            if math.hypot(xy[i, 0] - xy[j, 0], xy[i, 1] - xy[j, 1]) <= near_distance:
                if in_place < len(near):
                    near[in_place, 0], near[in_place, 1] = i, j
                in_place += 1
    return in_place, in_time


@njit(cache=True, error_model="numpy")
def _near_pairs(near, times, near_time):  # type: ignore[no-untyped-def]
    pairs = 0
    for r in range(near.shape[0]):
        pairs += abs(times[near[r, 0]] - times[near[r, 1]]) <= near_time
    return pairs


def knox_test(
    points: ArrayLike, times: ArrayLike, *, near_distance: float, near_time: float, replicates: int = 0, seed: int = 0
) -> KnoxResult:
    """Count pairs of cases within a distance and a time of one another.

    Parameters
    ----------
    points: (cases, 2) in a plane. times: (cases,), any order. near_distance, near_time: both limits are included.
    replicates: shuffles of the times, drawn with `seed`.

    Notes
    -----
    expected = (pairs near in place)(pairs near in time) / (all pairs). Says that there is contagion or a common source, not where. A population that
    grows faster in one place than in another looks the same (Knox's known bias).

    References
    ----------
    Knox 1964, Applied Statistics 13:25-29, 10.2307/2985220.

    Examples
    --------
    >>> found = knox_test([[0, 0], [0, 1], [9, 9], [9, 8]], [1, 1, 5, 5], near_distance=2, near_time=1)
    >>> found.pairs, round(found.expected, 3)
    (2, 0.667)
    """
    xy, when = np.asarray(points, dtype=np.float64), np.asarray(times, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or when.shape != xy.shape[:1] or len(when) < 2:
        raise ValueError(f"knox_test: at least two points (cases, 2) and as many times; got {xy.shape} and {when.shape}")
    if not (np.isfinite(xy).all() and np.isfinite(when).all()):
        raise ValueError("knox_test: points and times are finite; leave cases without place or time out")
    if not (near_distance >= 0 and near_time >= 0 and 0 <= replicates <= REPLICATES_AT_MOST):
        raise ValueError(
            f"knox_test: distance and time not negative, 0 to {REPLICATES_AT_MOST} replicates; got {near_distance}, {near_time}, {replicates}"
        )
    # Once to count, once to keep: all pairs of ten thousand cases would not fit into memory.
    in_place, in_time = _margins(xy, when, near_distance, near_time, np.empty((0, 2), np.int64))
    near = np.empty((in_place, 2), np.int64)
    _margins(xy, when, near_distance, near_time, near)
    pairs, expected = int(_near_pairs(near, when, near_time)), in_place * in_time / (len(when) * (len(when) - 1) / 2)
    rng = np.random.default_rng(seed)
    reached = sum(_near_pairs(near, rng.permutation(when), near_time) >= pairs for _ in range(replicates))
    permuted = (1 + reached) / (1 + replicates) if replicates else None
    return KnoxResult(pairs, expected, float(poisson.sf(pairs - 1, expected)), float(poisson.sf(pairs, expected)), permuted)
