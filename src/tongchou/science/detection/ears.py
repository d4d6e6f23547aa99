"""EARS C1, C2, C3: a count against the mean and spread of one recent week."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm

from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import Calendar, Detection, checked_counts, exceedance, shaped

GUARD_STEPS = {"C1": 0, "C2": 2, "C3": 2}  # CDC EARS


@dataclass(frozen=True, slots=True)
class EarsParams:
    """Parameters of EARS (F08: Fricker, Hegler & Dunfee 2008, 10.1002/sim.3197)."""

    kind: Literal["C1", "C2", "C3"] = "C2"  # F08
    baseline_steps: int = 7  # F08
    alpha: float = 0.001  # F08: about three standard deviations; CDC uses 0.025 for C3
    least_sigma: float = 0.0  # R surveillance default; Burkom: 0.5 or 1 for sparse data
    least_present: int = 4  # assumption: fewer present values in the baseline give no bound

    def __post_init__(self) -> None:
        if self.kind not in GUARD_STEPS or self.baseline_steps < 2 or self.least_sigma < 0 or not 0 < self.alpha < 1:
            raise ValueError(
                f"EarsParams: kind C1, C2 or C3, baseline of at least 2 steps, least_sigma of at least 0, alpha in (0, 1); got {self}"
            )


def ears(counts: Floats, params: EarsParams = EarsParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag counts above mean + z sd of the baseline (C1, C2), or after two days of excess (C3).

    Parameters
    ----------
    counts: (..., steps), also rates; NaN = missing: never alarms, and is left out of later baselines.
    calendar: not used; every detector takes one.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `earsC` (1e-8). C3 is undefined for two steps after a baseline without spread.

    Notes
    -----
    C1: bound = mean + z(1 - alpha) max(sd, least_sigma) over the 7 steps before; C2: over the 7 before the last 2.
    C3: with e = max(0, (y - mean)/sd - 1) by the baseline of C2, an alarm where e of the two steps before adds up to more than z. That is R's
    rule; its bound is y + sd (z - sum), at least 0, so it says how much room there was. C3 tells of yesterday, not of today.
    Assumes a constant level for ten steps: with weekday effects, or with counts below about 5, it raises far more alarms than alpha says.

    References
    ----------
    10.1002/sim.3197

    Examples
    --------
    >>> import numpy as np
    >>> ears(np.array([1, 2, 1, 2, 1, 2, 1, 1, 1, 9.0])).alarm[-1]
    np.True_
    """
    values = checked_counts(counts, whole=False)
    z = float(norm.ppf(1 - params.alpha))
    mean, sd = _baseline(values, params)
    if params.kind != "C3":
        upper = mean + z * sd
        return shaped(counts, mean, upper, exceedance(values, mean, upper), values > upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.maximum(0.0, (values - mean) / sd - 1)  # 0/0 stays NaN: without spread there is nothing to compare with
        score = np.full(values.shape, np.nan)
        score[:, 2:] = excess[:, 1:-1] + excess[:, :-2]
        upper = np.maximum(0.0, values + sd * (z - score))
    score = np.where(np.isnan(upper), np.nan, score)
    return shaped(counts, mean, upper, score, values > upper)


def _baseline(values: Floats, params: EarsParams) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each step's baseline; NaN where too little is present."""
    width, guard = params.baseline_steps, GUARD_STEPS[params.kind]
    reach = width + guard
    mean, sd = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    if values.shape[-1] > reach:
        windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=-1)[..., : -guard - 1, :]
        present = ~np.isnan(windows)
        n = present.sum(axis=-1)
        enough = n >= max(2, min(params.least_present, width))
        centre = np.where(present, windows, 0.0).sum(axis=-1) / np.maximum(n, 1)
        squares = np.where(present, (windows - centre[..., None]) ** 2, 0.0).sum(axis=-1)
        mean[..., reach:] = np.where(enough, centre, np.nan)
        sd[..., reach:] = np.where(enough, np.maximum(np.sqrt(squares / np.maximum(n - 1, 1)), params.least_sigma), np.nan)
    return mean, sd
