"""Evidence by onset: shaped likelihood ratios of every village, stream and onset day, summed so that any restart can be read off afterwards."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.vectorised import exponentials, logs

CEILING = 1e280  # a likelihood ratio is cut there: no threshold is near, and sums stay finite
POISSON_BELOW = 1.0001


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """What a rule looks at: (streams, places, days), NaN = no report or nothing expected. dispersion: variance / mean, the same shape.

    weights: prior of every place, (places,), summing to 1. villages: the first so many places; a place after them is the whole town.
    """

    counts: Floats
    expected: Floats
    dispersion: Floats
    weights: Floats
    villages: int

    @property
    def of_villages(self) -> "Panel":
        """Without the place that is the whole town."""
        n = self.villages
        return Panel(self.counts[:, :n], self.expected[:, :n], self.dispersion[:, :n], self.weights[:n] / self.weights[:n].sum(), n)


@dataclass(frozen=True, slots=True, eq=False)
class Windowed:
    """A rule that weighs onsets of a limited age.

    reach: (days, ages), the statistic when only onsets of at most each age count, so that any restart can be read off afterwards.
    places: evidence by village on a day when onsets up to another day do not count.
    """

    reach: Floats
    places: Callable[[int, int], Floats]

    def alarms(self, threshold: float) -> NDArray[np.int64]:
        """Days of alarm; after each, only onsets after it count."""
        return np.asarray(alarm_days(self.reach, threshold))

    def place_scores(self, day: int, restarted: int) -> Floats:
        """Evidence by village on a day, (villages,); onsets up to day `restarted` (-1: none) do not count."""
        return self.places(day, restarted)


def summed_over_onsets(parts: Floats, places: Floats | None = None) -> Windowed:
    """A Shiryaev-Roberts sum from its parts by age of the onset, (days, ages), and by village, (days, villages, ages); its logarithm counts."""
    with np.errstate(divide="ignore"):
        reach = np.log(np.cumsum(parts, axis=1))
    return Windowed(reach, _by_place(places, np.sum))


def largest_over_onsets(parts: Floats, places: Floats | None = None) -> Windowed:
    """A likelihood ratio maximised over the onset, from the largest of each age."""
    with np.errstate(divide="ignore"):
        reach = np.log(np.maximum.accumulate(parts, axis=1))
    return Windowed(reach, _by_place(places, np.max))


def _by_place(places: Floats | None, join: Callable[..., Floats]) -> Callable[[int, int], Floats]:
    def scores(day: int, restarted: int) -> Floats:
        if places is None:
            raise ValueError("place_scores: this rule was made without its places")
        return np.asarray(join(places[day, :, : day - restarted], axis=1))

    return scores


@njit(cache=True, error_model="numpy")
def alarm_days(reach, threshold):  # type: ignore[no-untyped-def]
    """Days on which `reach` (days, ages) passes a threshold, with a restart after each."""
    days, ages = reach.shape
    found, restarted = np.empty(days, np.int64), -1
    n = 0
    for t in range(days):
        if reach[t, min(t - restarted, ages) - 1] >= threshold:
            found[n] = t
            n += 1
            restarted = t
    return found[:n]


@dataclass(frozen=True, slots=True, eq=False)
class Shaped:
    """Likelihood ratios by age of the onset, summed over places with their weights: (days, ages).

    fused: of all streams together; largest: the largest of any place; alone: of each stream, (streams, days, ages). `_places`: the same by
    village, (…, days, villages, ages), None unless asked for.
    """

    fused: Floats
    largest: Floats
    alone: Floats
    fused_places: Floats | None = None
    largest_places: Floats | None = None
    alone_places: Floats | None = None


def shaped_evidence(panel: Panel, table: Floats, *, with_streams: bool = True, with_places: bool = False) -> Shaped:
    """Likelihood ratios of an outbreak of known shape in one place.

    Parameters
    ----------
    table: (streams, ages, shapes), what an outbreak of an age adds to the expected count; a mean over shapes is taken.

    Notes
    -----
    science.md (9): Lambda(v, tau) = prod over days from tau and streams of NB(y; mu + h, k) / NB(y; mu, k), k = mu / (phi - 1); missing cells are left
    out. A day's cost does not depend on the past: every ratio is carried on by one factor.

    Examples
    --------
    >>> y = np.array([[[0.0, 0, 3, 4]]])
    >>> panel = Panel(y, np.full(y.shape, 0.5), np.ones(y.shape), np.ones(1), 1)
    >>> found = shaped_evidence(panel, np.array([[[1.0], [2.0], [4.0]]]))
    >>> summed_over_onsets(found.fused).alarms(2.0)
    array([2, 3])
    """
    streams, days = len(panel.counts), panel.counts.shape[2]
    ages, villages = table.shape[1], panel.villages
    alone = streams if with_streams else 0
    fused, largest, single = np.zeros((days, ages)), np.zeros((days, ages)), np.zeros((alone, days, ages))
    shape = (days, villages, ages) if with_places else (0, villages, ages)
    of_places = np.zeros((alone + 2, *shape))
    counts, expected, dispersion, table = (np.ascontiguousarray(a) for a in (panel.counts, panel.expected, panel.dispersion, table))
    _shaped(counts, expected, dispersion, panel.weights, table, fused, largest, single, of_places)
    if not with_places:
        return Shaped(fused, largest, single)
    return Shaped(fused, largest, single, of_places[alone], of_places[alone + 1], of_places[:alone])


@njit(cache=True, error_model="numpy")
def _shaped(counts, expected, dispersion, weights, table, fused, largest, single, of_places):  # type: ignore[no-untyped-def]
    streams, places, days = counts.shape
    ages, shapes = table.shape[1], table.shape[2]
    alone, villages = single.shape[0], of_places.shape[2]
    cells = ages * shapes  # age by age, so that a day older means so many cells further on
    added = table.reshape((streams, cells))
    none = np.exp(-added)
    factor, product = np.empty(cells), np.empty(cells)
    room, bits = np.empty((2, cells)), np.empty(cells, np.int64)
    ratios, older = np.empty((alone + 1, cells)), np.empty(cells)
    for v in range(places):
        ratios[:] = 1.0
        for t in range(days):
            product[:] = 1.0
            for s in range(streams):
                y, mu, phi = counts[s, v, t], expected[s, v, t], dispersion[s, v, t]
                if np.isnan(y) or not mu > 0:
                    factor[:] = 1.0
                else:
                    _factors(y, mu, phi, added[s], none[s], room, bits, factor)
                    for i in range(cells):
                        product[i] = min(product[i] * factor[i], CEILING)
                if alone > 0:
                    _carry_on(ratios[s], factor, shapes, older)
            _carry_on(ratios[alone], product, shapes, older)
            for s in range(alone + 1):
                for a in range(min(t + 1, ages)):
                    of_age = ratios[s, a * shapes : (a + 1) * shapes]
                    part = weights[v] * of_age.sum() / shapes
                    if s < alone:
                        single[s, t, a] += part
                    else:
                        fused[t, a] += part
                        largest[t, a] = max(largest[t, a], of_age.max())
                    if v < villages and of_places.shape[1] > 0:
                        of_places[s, t, v, a] = part
                        if s == alone:
                            of_places[alone + 1, t, v, a] = of_age.max()


@njit(cache=True, error_model="numpy")
def _carry_on(ratios, factor, shapes, older):  # type: ignore[no-untyped-def]
    """Every onset is a day older, one begins, and the day's factor goes in."""
    older[shapes:], older[:shapes] = ratios[:-shapes], 1.0
    for i in range(len(older)):
        ratios[i] = min(older[i] * factor[i], CEILING)


@njit(cache=True, error_model="numpy")
def _factors(y, mu, phi, added, none, room, bits, factor):  # type: ignore[no-untyped-def]
    """Likelihood ratios of one count for every age and shape; room (2, cells) and bits (cells,) to work in."""
    size = mu / (phi - 1) if phi > POISSON_BELOW else 0.0
    if size == 0 and y == 0:
        factor[:] = none
        return
    log_ratio, shifted = room[0], room[1]
    if size > 0:
        shifted[:] = 1 + added / (mu + size)
        logs(shifted, bits, factor)
        log_ratio[:] = -(y + size) * factor
    else:
        log_ratio[:] = -added
    if y > 0:
        shifted[:] = 1 + added / mu
        logs(shifted, bits, factor)
        log_ratio += y * factor
    exponentials(log_ratio, bits, factor)
