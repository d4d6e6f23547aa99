"""Case reproduction number (Wallinga and Teunis 2004): how many cases each case caused in the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tongchou.science.reproduction.serial_interval import Floats, SerialInterval, checked_incidence, infectiousness


@dataclass(frozen=True, slots=True, eq=False)
class CaseReproduction:
    """``by_day``: mean number caused by a case of each day (NaN: no case). One row per window: first and last day (0-based), mean over its cases."""

    by_day: Floats
    starts: np.ndarray
    ends: np.ndarray
    mean: Floats


def case_reproduction_number(incidence: ArrayLike, interval: SerialInterval, window_days: int = 7) -> CaseReproduction:
    """Share every case among those that may have caused it, and count what each day's cases caused.

    Parameters
    ----------
    incidence: (days,) daily cases, 0 or more, by onset; no NaN.
    window_days: days averaged over, weighted by their cases.

    Returns
    -------
    CaseReproduction; window means equal to R EpiEstim 2.2-4 `wallinga_teunis` (1e-9).

    Notes
    -----
    R_t = sum_{u > t} w_{u-t} I_u / L_u, L_u = sum_s w_s I_{u-s}. A look forward: the last days are too low by the cases still to come
    (right truncation; no correction here). A case nobody can have caused (L_u = 0) is shared among nobody.

    References
    ----------
    10.1093/aje/kwh255

    Examples
    --------
    >>> import numpy as np
    >>> found = case_reproduction_number([1, 2, 4, 8, 16, 0], SerialInterval(np.array([0.0, 1.0])), window_days=2)
    >>> found.mean.round(2)
    array([2.  , 2.  , 0.67, 0.  ])
    """
    cases = checked_incidence(incidence, least_days=2)
    days = len(cases)
    if not 1 <= window_days <= days - 1:
        raise ValueError(f"window_days must lie in 1..{days - 1}, got {window_days}")
    w, infectious = interval.probabilities, infectiousness(cases, interval)
    shared = np.divide(cases, infectious, out=np.zeros(days), where=infectious > 0)
    caused = np.zeros(days)
    for lag in range(1, min(len(w), days)):
        caused[: days - lag] += w[lag] * shared[lag:]
    starts = np.arange(1, days - window_days + 1)
    per_window = np.array([cases[s : s + window_days].sum() for s in starts])
    weighted = np.array([(cases * caused)[s : s + window_days].sum() for s in starts])
    mean = np.divide(weighted, per_window, out=np.full(len(starts), np.nan), where=per_window > 0)
    return CaseReproduction(np.where(cases > 0, caused, np.nan), starts, starts + window_days - 1, mean)
