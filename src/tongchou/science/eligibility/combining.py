"""Of measures that exclude one another, which together are worth most to a firm."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tongchou.science.eligibility.model import Floats

_A_MEASURE = 1e-4  # less than any sum: of equal sums more measures are better
MOST_TOGETHER = 24  # measures that exclude one another, directly or through others: every choice among them is tried


def best_together(worth: Floats, exclusions: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which measures each firm should take so that no two exclude each other and the sum is greatest.

    Parameters
    ----------
    worth: (measures, firms) yuan, 0 or more; NaN where the firm does not get the measure. exclusions: pairs of measures that may not be combined.

    Returns
    -------
    (measures, firms), False where worth is NaN. Of equal sums the one with more measures, then with earlier ones.

    Raises ValueError for a pair out of range, a measure that excludes itself, a negative worth, or more than 24 measures hanging together.

    Notes
    -----
    A maximum-weight independent set in each connected part of the graph of exclusions, found exactly: every maximal independent set of a part is
    weighed for all firms at once (Bron and Kerbosch 1973, on the complement). Taking the largest first is not optimal: of 2 – 3 – 2 in a
    chain it would keep 3 where 2 + 2 is possible.

    Examples
    --------
    >>> best_together(np.array([[2.0], [3.0], [2.0]]), [(0, 1), (1, 2)])[:, 0].tolist()
    [True, False, True]
    """
    if worth.ndim != 2 or (worth < 0).any():
        raise ValueError(f"worth: (measures, firms) of 0 or more wanted; got shape {worth.shape}")
    neighbours: list[set[int]] = [set() for _ in range(len(worth))]
    for one, other in exclusions:
        if one == other or not (0 <= one < len(worth) and 0 <= other < len(worth)):
            raise ValueError(f"exclusions: {one, other} is no pair of different measures below {len(worth)}")
        neighbours[one].add(other)
        neighbours[other].add(one)
    taken = ~np.isnan(worth)
    value = np.where(taken, worth + _A_MEASURE, 0.0)
    for part in _parts(neighbours):
        if len(part) > MOST_TOGETHER:
            raise ValueError(f"exclusions: {len(part)} measures hang together; at most {MOST_TOGETHER}")
        sets = sorted(_independent(part, neighbours))
        sums = np.array([value[list(chosen)].sum(axis=0) for chosen in sets])
        best = sums.argmax(axis=0)
        for row in part:
            taken[row] &= np.array([row in chosen for chosen in sets])[best]
    return taken


def _parts(neighbours: Sequence[set[int]]) -> Iterator[list[int]]:
    """Connected parts of two or more."""
    seen: set[int] = set()
    for start in range(len(neighbours)):
        if start in seen or not neighbours[start]:
            continue
        part, ahead = {start}, [start]
        while ahead:
            fresh = neighbours[ahead.pop()] - part
            part |= fresh
            ahead += fresh
        seen |= part
        yield sorted(part)


def _independent(part: Sequence[int], neighbours: Sequence[set[int]]) -> Iterator[tuple[int, ...]]:
    """Every maximal set of `part` without two that exclude each other."""
    apart = {row: set(part) - neighbours[row] - {row} for row in part}

    def grow(chosen: tuple[int, ...], could: set[int], done: set[int]) -> Iterator[tuple[int, ...]]:
        if not could and not done:
            yield tuple(sorted(chosen))
        for row in sorted(could):
            yield from grow((*chosen, row), could & apart[row], done & apart[row])
            could, done = could - {row}, done | {row}

    return grow((), set(part), set())
