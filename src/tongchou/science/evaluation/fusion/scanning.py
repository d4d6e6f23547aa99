"""Expectation-based space-time scan over all streams: which circle of villages has more than expected over the last days."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.evidence import Panel, Windowed
from tongchou.science.evaluation.fusion.vectorised import logs

TIE = 1e-9


@dataclass(frozen=True, slots=True)
class ScanRuleParams:
    """P: the first simulation of this project, unpublished; A: assumption."""

    nearest: int = 8  # P
    longest_days: int = 14  # P


def scan_rule(panel: Panel, place_km: Floats, params: ScanRuleParams = ScanRuleParams()) -> Windowed:
    """The scan of a town; after an alarm only later days are looked at.

    Notes
    -----
    Score of a circle and duration: sum over streams of c log(c/b) + b - c where c > b, with c, b = sums of counts and expectations over their
    dispersion (Neill 2005, several streams as in Kulldorff 2007). Circles: every village with up to 7 nearest others. A village is as likely as the
    best circle that holds it; of several, the smallest circle first.

    References
    ----------
    Neill 2005 10.1145/1081870.1081897; Kulldorff 2007 10.1002/sim.2818.
    """
    distance = np.hypot(*(place_km[:, None] - place_km[None]).transpose(2, 0, 1))
    neighbours = np.argsort(distance, axis=1, kind="stable")[:, : params.nearest]
    there = np.isfinite(panel.counts) & np.isfinite(panel.expected)
    seen, expected = (np.where(there, part / panel.dispersion, 0.0) for part in (panel.counts, panel.expected))

    def scores(day: int, restarted: int) -> Floats:
        longest = min(params.longest_days, day - restarted)
        best = np.zeros((*neighbours.shape, longest))
        circle_scores(seen[:, :, : day + 1], expected[:, :, : day + 1], neighbours, longest, best)
        of_village = np.zeros(len(neighbours))
        for size, highest in enumerate(best.max(axis=2).T):
            for inside in range(size + 1):
                # Villages of one circle tie; those of smaller circles and nearer its centre go first.
                np.maximum.at(of_village, neighbours[:, inside], highest * (1 - TIE * (size + inside)))
        return of_village

    return Windowed(np.asarray(scan_reach(seen, expected, neighbours, params.longest_days)), scores)


@njit(cache=True, error_model="numpy")
def scan_reach(seen, expected, neighbours, longest):  # type: ignore[no-untyped-def]
    """Best score by day and longest duration; (days, longest)."""
    days = seen.shape[2]
    reach = np.zeros((days, longest))
    best = np.empty((neighbours.shape[0], neighbours.shape[1], longest))
    for t in range(days):
        lengths = min(longest, t + 1)
        circle_scores(seen[:, :, : t + 1], expected[:, :, : t + 1], neighbours, lengths, best)
        top = 0.0
        for d in range(longest):
            if d < lengths:
                top = max(top, best[:, :, d].max())
            reach[t, d] = top
    return reach


@njit(cache=True, error_model="numpy")
def circle_scores(seen, expected, neighbours, lengths, best):  # type: ignore[no-untyped-def]
    """Score of every centre, size and duration that ends on the last day, into best (villages, nearest, lengths)."""
    streams, villages, days = seen.shape
    c, b = np.zeros((streams, villages, lengths)), np.zeros((streams, villages, lengths))
    for s in range(streams):
        for v in range(villages):
            total, mean = 0.0, 0.0
            for d in range(lengths):
                total += seen[s, v, days - 1 - d]
                mean += expected[s, v, days - 1 - d]
                c[s, v, d], b[s, v, d] = total, mean
    of_circle, mean_of_circle = np.empty(streams * lengths), np.empty(streams * lengths)
    ratio, bits, log_ratio = np.empty(streams * lengths), np.empty(streams * lengths, np.int64), np.empty(streams * lengths)
    for i in range(neighbours.shape[0]):
        of_circle[:], mean_of_circle[:] = 0.0, 0.0
        for k in range(neighbours.shape[1]):
            other = neighbours[i, k]
            for s in range(streams):
                for d in range(lengths):
                    of_circle[s * lengths + d] += c[s, other, d]
                    mean_of_circle[s * lengths + d] += b[s, other, d]
            for j in range(streams * lengths):
                is_more = of_circle[j] > mean_of_circle[j] > 0
                ratio[j] = of_circle[j] / mean_of_circle[j] if is_more else 1.0
            logs(ratio, bits, log_ratio)
            best[i, k, :lengths] = 0.0
            for j in range(streams * lengths):
                if ratio[j] > 1:
                    best[i, k, j % lengths] += of_circle[j] * log_ratio[j] + mean_of_circle[j] - of_circle[j]
