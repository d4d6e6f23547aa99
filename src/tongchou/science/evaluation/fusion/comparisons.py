"""Outcomes of many outbreaks as medians and paired differences, with bootstrap intervals; outbreaks are the units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.outbreaks import Outcomes

DRAWS = 1000
Interval = tuple[float, float, float]  # estimate, lower and upper 95 % limit


def stacked(parts: Sequence[Outcomes]) -> Outcomes:
    """Outcomes of many towns, a last axis of towns."""
    return Outcomes(*(np.stack([getattr(p, name) for p in parts], axis=-1) for name in ("delay", "infected", "rank")))


@dataclass(frozen=True, slots=True)
class Row:
    """One method in one cell: median days (inf: most were not found) and infected, with limits; share found; top-1 and top-3 among those found."""

    days: Interval
    infected: Interval
    found: float
    top_1: Interval
    top_3: Interval


def row_of(delay: Floats, infected: Floats, rank: Floats, seed: int = 1) -> Row:
    """Summarise (outbreaks,); the median is over all of them, found or not."""
    late = np.where(np.isnan(delay), np.inf, delay)
    there = ~np.isnan(rank)
    tops = [bootstrapped(np.mean, (rank[there] <= limit).astype(np.float64), seed=seed) for limit in (1, 3)]
    return Row(
        bootstrapped(lower_median, late, seed=seed), bootstrapped(lower_median, infected, seed=seed), float(there.mean()), tops[0], tops[1]
    )  # fmt: skip


def lower_median(values: Floats, axis: int = -1) -> Floats:
    """The middle value along an axis, of two the lower: never a mean of a day and "not found".

    Examples
    --------
    >>> float(lower_median(np.array([3.0, np.inf, 1.0, np.inf])))
    3.0
    """
    middle = (values.shape[axis] - 1) // 2
    return np.asarray(np.partition(values, middle, axis=axis).take(middle, axis=axis))


def days_between(one: Floats, other: Floats, horizon: float, seed: int = 1) -> Interval:
    """Mean of one minus other in days (negative: earlier), an outbreak that is not found counting with the horizon."""
    return bootstrapped(np.mean, np.where(np.isnan(one), horizon, one) - np.where(np.isnan(other), horizon, other), seed=seed)


def fewer_infected(one: Floats, other: Floats, seed: int = 1) -> Interval:
    """Share by which the median number infected is below the other's, the same outbreaks drawn for both."""

    def share(values: Floats, axis: int) -> Floats:
        return np.asarray(1 - lower_median(values[0], axis) / lower_median(values[1], axis))

    return bootstrapped(share, np.stack([one, other]), seed=seed)


def bootstrapped(statistic: Callable[..., Floats], values: Floats, seed: int = 1, draws: int = DRAWS) -> Interval:
    """A statistic (values, axis=-1) with its 95 % percentile interval, units (last axis) drawn anew.

    Examples
    --------
    >>> bootstrapped(np.mean, np.ones(10))
    (1.0, 1.0, 1.0)
    """
    n = values.shape[-1]
    if not n:
        return float("nan"), float("nan"), float("nan")
    chosen = np.random.default_rng(seed).integers(0, n, (draws, n))
    drawn = np.sort(statistic(values[..., chosen], axis=-1))
    return float(statistic(values, axis=-1)), float(drawn[int(0.025 * draws)]), float(drawn[int(np.ceil(0.975 * draws)) - 1])
