"""The scan statistic written as slowly and plainly as can be: sets of places, one logarithm at a time."""

from __future__ import annotations

import math

import numpy as np


def zones(distances: np.ndarray, populations: np.ndarray, largest_share: float) -> set[frozenset[int]]:
    """All circles round a place that hold at most the share, and every place alone."""
    n, found = len(populations), {frozenset([i]) for i in range(len(populations))}
    for centre in range(n):
        for radius in distances[centre]:
            inside = frozenset(j for j in range(n) if distances[centre][j] <= radius * (1 + 1e-9))
            if sum(populations[j] for j in inside) <= largest_share * sum(populations) * (1 + 1e-9):
                found.add(inside)
    return found


def score(model: str, zone: frozenset[int], days: int, counts: np.ndarray, expected: np.ndarray, phi: float) -> float:
    """Score of one zone over the last days; NaN counts are left out on both sides."""
    c = b = everything = total = 0.0
    for place in range(counts.shape[0]):
        for day in range(counts.shape[1]):
            if math.isnan(counts[place, day]):
                continue
            everything += expected[place, day]
            total += counts[place, day]
            if place in zone and day >= counts.shape[1] - days:
                c += counts[place, day]
                b += expected[place, day]
    if model == "negative_binomial":
        return max(0.0, (c / phi - b / phi) / math.sqrt(b / phi)) if b > 0 else 0.0
    if model == "poisson":
        return c * math.log(c / b) + b - c if c > b else 0.0
    e = total * b / everything if everything > 0 else 0.0
    if c <= e:
        return 0.0
    rest = total - c
    return c * math.log(c / e) + (rest * math.log(rest / (total - e)) if rest else 0.0)


def scores(
    model: str, all_zones: set[frozenset[int]], longest: int, counts: np.ndarray, expected: np.ndarray, phi: float
) -> dict[tuple[frozenset[int], int], float]:
    """Score of every zone and duration."""
    durations = range(1, min(longest, counts.shape[1]) + 1)
    return {(z, d): score(model, z, d, counts, expected, phi) for z in all_zones for d in durations}
