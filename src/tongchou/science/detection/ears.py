"""EARS C2: a count against the mean and spread of one week, two days back."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from tongchou.science.detection.model import Floats


@dataclass(frozen=True, slots=True)
class EarsParams:
    """Parameters of EARS C2 (Fricker, Hegler & Dunfee 2008, 10.1002/sim.3197)."""

    baseline_steps: int = 7  # CDC EARS
    guard_steps: int = 2  # CDC EARS, C2
    alpha: float = 0.001  # CDC EARS: about three standard deviations
    least_sigma: float = 0.0  # R surveillance default
    least_present: int = 4  # assumption: fewer present values in the baseline give no bound

    def __post_init__(self) -> None:
        if self.baseline_steps < 2 or self.guard_steps < 0 or not 0 < self.alpha < 1:
            raise ValueError(f"EarsParams: baseline of at least 2 steps, guard of at least 0, alpha in (0, 1); got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class EarsResult:
    """Per step: expected count, upper bound (NaN: no bound), alarm."""

    expected: Floats
    upper: Floats
    alarm: np.ndarray


def ears_c2(counts: Floats, params: EarsParams = EarsParams()) -> EarsResult:
    """Flag counts above mean + z sd of the baseline.

    Parameters
    ----------
    counts: (..., steps); NaN = missing: never alarms, and is left out of later baselines.

    Notes
    -----
    bound = mean + z(1 - alpha) max(sd, least_sigma) over the baseline before the guard. Assumes a constant level for ten days:
    with weekday effects, or with counts below about 5, it raises far more alarms than alpha says.

    Examples
    --------
    >>> ears_c2(np.array([1, 2, 1, 2, 1, 2, 1, 1, 1, 9.0])).alarm[-1]
    np.True_
    """
    values = np.asarray(counts, dtype=np.float64)
    reach = params.baseline_steps + params.guard_steps
    expected = np.full(values.shape, np.nan)
    upper = np.full(values.shape, np.nan)
    if values.shape[-1] > reach:
        windows = np.lib.stride_tricks.sliding_window_view(values, params.baseline_steps, axis=-1)[..., : -params.guard_steps - 1, :]
        present = ~np.isnan(windows)
        n = present.sum(axis=-1)
        enough = n >= max(2, min(params.least_present, params.baseline_steps))
        mean = np.where(present, windows, 0.0).sum(axis=-1) / np.maximum(n, 1)
        squares = np.where(present, (windows - mean[..., None]) ** 2, 0.0).sum(axis=-1)
        sd = np.maximum(np.sqrt(squares / np.maximum(n - 1, 1)), params.least_sigma)
        expected[..., reach:] = np.where(enough, mean, np.nan)
        upper[..., reach:] = np.where(enough, mean + norm.ppf(1 - params.alpha) * sd, np.nan)
    return EarsResult(expected, upper, values > upper)
