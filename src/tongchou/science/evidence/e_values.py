"""e-BH: a list of places in which at most a stated share is false, from e-values that may depend on one another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tongchou.science.detection.model import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Discoveries:
    """Which hypotheses are on the list; `listed` names them, strongest evidence first; `least_log_e` is what it took."""

    on_list: NDArray[np.bool_]
    listed: tuple[int, ...]
    least_log_e: float
    false_discovery_rate: float


def e_bh(log_e: ArrayLike, false_discovery_rate: float) -> Discoveries:
    """List the hypotheses whose e-values are large enough together.

    Parameters
    ----------
    log_e: (hypotheses,) natural logarithms of e-values (mean of e at most 1 without an outbreak); NaN = nothing known: never listed, still counted.
    false_discovery_rate: q in (0, 1): the mean share of false ones on the list is at most q times the share of true nulls.

    Notes
    -----
    With K hypotheses and e sorted downwards, the largest k with k e_(k) >= K / q; the k largest are listed. Holds whatever the dependence
    between places. A Shiryaev-Roberts sum over W onsets has mean W, not 1: take its mean over onsets (log M_v - log W). Where the background
    is estimated, e-values are only approximately so: keep the margin of the alarm (docs/methods/detection.md).

    References
    ----------
    Wang & Ramdas 2022, Journal of the Royal Statistical Society B 84:822-852, 10.1111/rssb.12489.

    Examples
    --------
    >>> e_bh(np.log([400.0, 1.0, 150.0, 0.2]), 0.05).listed
    (0, 2)
    """
    values = np.asarray(log_e, dtype=np.float64)
    if values.ndim != 1 or np.isposinf(values).any():
        raise ValueError(f"e_bh: log e-values of one dimension, none +infinite; got shape {values.shape}")
    if not 0 < false_discovery_rate < 1:
        raise ValueError(f"e_bh: false_discovery_rate lies in (0, 1); got {false_discovery_rate}")
    known: Floats = np.where(np.isnan(values), -np.inf, values)
    order = np.argsort(-known, kind="stable")
    needed = np.log(max(len(known), 1)) - np.log(false_discovery_rate) - np.log(np.arange(1, len(known) + 1))
    enough = np.flatnonzero(known[order] >= needed)
    # The smallest e that stands on a list: equal e-values are all on it or all off it.
    least = float(needed[enough[-1]]) if len(enough) else np.inf
    on_list = known >= least
    listed = tuple(int(i) for i in order if on_list[i])
    return Discoveries(on_list, listed, least, false_discovery_rate)
