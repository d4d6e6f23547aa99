"""Who most likely had it from whom: the days between onsets, weighed by what is known of how two people met."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tongchou.science.reproduction.serial_interval import Floats, SerialInterval


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """``probability[i, j]``: chance that case i had it from case j; ``outside[i]``: from nobody among them. Each row and its outside add up to 1."""

    probability: Floats
    outside: Floats

    def likeliest(self, case: int) -> int | None:
        """The case it most likely came from; None when somebody outside is likelier than each of them."""
        best = int(np.argmax(self.probability[case]))
        return best if self.probability[case, best] > self.outside[case] else None


def likely_sources(onset: ArrayLike, interval: SerialInterval, evidence: ArrayLike, outside_weight: float = 0.01) -> Sources:
    """Share every case among those that may have caused it and the world outside.

    Parameters
    ----------
    onset: (cases,) days of onset as numbers, or (cases, 2) first and last possible day; NaN: not known, such a case causes and has no source here.
    interval: serial interval over whole days. evidence: (cases, cases) weight 0 or more of i having met j in time to catch it, 0 = ruled out.
    outside_weight: weight of a source nobody knows, on the scale of serial interval chance times evidence; above 0.

    Returns
    -------
    Sources.

    Notes
    -----
    p_ij = w_ij x_ij / (sum_k w_ik x_ik + e), w_ij the mean of w(t_i - t_j) over the days that both onsets may have been, x the evidence, e the
    outside weight. With all evidence equal and e going to 0 this is the share of Wallinga and Teunis. Cases are taken as independent of each
    other given their onsets: two links that cannot both hold are not told apart. Errs towards known cases when cases were missed and e is
    too small.

    References
    ----------
    Wallinga and Teunis 2004 10.1093/aje/kwh255; the product with contact evidence as in Campbell 2019 10.1371/journal.pcbi.1006930

    Examples
    --------
    >>> w = SerialInterval(np.array([0.0, 0.2, 0.6, 0.2]))
    >>> met = np.array([[0, 0, 0], [1, 0, 0], [1, 4, 0]])
    >>> found = likely_sources([0, 1, 2], w, met, outside_weight=0.2)
    >>> found.probability[2].round(2), float(found.outside[2].round(2))
    (array([0.38, 0.5 , 0.  ]), 0.13)
    """
    days = np.asarray(onset, dtype=np.float64)
    days = np.stack([days, days], axis=1) if days.ndim == 1 else days
    if days.ndim != 2 or days.shape[1:] != (2,):
        raise ValueError(f"onset: needs (cases,) or (cases, 2) days, got shape {days.shape}")
    known: NDArray[np.bool_] = np.asarray(np.isfinite(days).all(axis=1))
    if np.any(np.isinf(days)) or np.any(days[known, 1] < days[known, 0]):
        raise ValueError("onset: the last possible day lies before the first, or is infinite")
    met = np.asarray(evidence, dtype=np.float64)
    if met.shape != (len(days), len(days)) or not np.all(np.isfinite(met)) or np.any(met < 0):
        raise ValueError(f"evidence: needs one weight of 0 or more for each pair of {len(days)} cases, got shape {met.shape}")
    if not (np.isfinite(outside_weight) and outside_weight > 0):
        raise ValueError(f"outside_weight must be above 0, got {outside_weight:g}")
    weights = np.zeros_like(met)
    for i, j in zip(*np.nonzero(met), strict=True):
        if i != j and known[i] and known[j]:
            weights[i, j] = met[i, j] * _mean_chance(days[i], days[j], interval.probabilities)
    total = weights.sum(axis=1) + outside_weight
    return Sources(weights / total[:, None], outside_weight / total)


def _mean_chance(later: Floats, earlier: Floats, w: Floats) -> float:
    """Mean of w over every pair of whole days that the two onsets may have been."""
    lags = np.subtract.outer(np.arange(round(later[0]), round(later[1]) + 1), np.arange(round(earlier[0]), round(earlier[1]) + 1))
    inside = (lags >= 0) & (lags < len(w))
    return float(np.where(inside, w[np.clip(lags, 0, len(w) - 1)], 0.0).mean())


def clusters_of(cases: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Cases that hang together by any chain of pairs (a link, a venue in common): each cluster sorted, largest first; a case alone is one.

    Examples
    --------
    >>> clusters_of(4, [(0, 2), (2, 1)])
    [[0, 1, 2], [3]]
    """
    if any(not 0 <= end < cases for pair in pairs for end in pair):
        raise ValueError(f"pairs: every case must lie in 0..{cases - 1}")
    if cases == 0:
        return []
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    _, labels = connected_components(coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(cases, cases)), directed=False)
    found: dict[int, list[int]] = {}
    for case, label in enumerate(labels.tolist()):
        found.setdefault(label, []).append(case)
    return sorted(found.values(), key=lambda cluster: (-len(cluster), cluster[0]))
