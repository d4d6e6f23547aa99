"""Exact limits for streams with few events: a township sees fewer than 5 in 4 weeks as a rule."""

from dataclasses import dataclass

import numpy as np

from tongchou.science.detection.model import Floats
from tongchou.science.detection.reference_values import predictive_quantile, surprise
from tongchou.science.detection.series import Calendar, Detection, checked_counts, shaped


@dataclass(frozen=True, slots=True)
class ExactParams:
    """Parameters of the exact Poisson prediction limit (T64: Thatcher 1964, 10.1111/j.2517-6161.1964.tb00551.x)."""

    window_steps: int = 1  # 1: this step; 4: the last four together, for slow clusters
    baseline_steps: int = 52  # assumption: one year, so that a season averages out
    guard_steps: int = 4  # assumption: the steps just before may belong to the same outbreak
    least_present: int = 8  # assumption: fewer present steps give no bound
    alpha: float = 0.01  # as the improved Farrington algorithm

    def __post_init__(self) -> None:
        if min(self.window_steps, self.least_present) < 1 or self.guard_steps < 0 or not 0 < self.alpha < 1:
            raise ValueError(f"ExactParams: window_steps, least_present from 1, guard_steps from 0, alpha in (0, 1); got {self}")
        if self.baseline_steps < self.least_present:
            raise ValueError(f"ExactParams: baseline_steps must be at least least_present; got {self}")


def exact_poisson(counts: Floats, params: ExactParams = ExactParams(), calendar: Calendar = Calendar()) -> Detection:
    """Bound a count by the exact Poisson prediction limit: the mean is estimated and its uncertainty is paid for.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: never alarms, and is left out of baseline and window.
    calendar: not used: at these counts a season cannot be estimated, so none is.

    Returns
    -------
    Detection. upper = largest count of this step that is no alarm, given the earlier steps of the window; score = -log10 of the mid-p value.
    A step without an event never alarms. No R counterpart.

    Notes
    -----
    S events in n baseline steps, y in a window of k: given S + y, y ~ Binomial(S + y, k/(n + k)) whatever the mean (the conditional test of
    Przyborowski & Wilenski 1940). P(Y >= y) is the upper tail of NegBin(size S + 1, prob n/(n + k)), so it is also the Gamma(1, 0)-Poisson
    prediction. The false-alarm probability of one step is at most alpha for every mean; at means near zero far below. Chosen before a plug-in quantile
    (which breaks alpha when S is small: S = 0 would bound at 0) and before a Poisson quantile at Garwood's upper limit of the mean (two safety
    margins on top of one another: with S = 5 in 52 weeks it lets pass what this one flags). Assumes Poisson counts and a level mean: clustered reports
    alarm too often, and a season does so at its top: use `bayes` or Farrington once there are 5 events in 4 weeks.

    References
    ----------
    10.1111/j.2517-6161.1964.tb00551.x; Przyborowski & Wilenski 1940, 10.1093/biomet/31.3-4.313; Garwood 1936, 10.1093/biomet/28.3-4.437

    Examples
    --------
    >>> import numpy as np
    >>> exact_poisson(np.r_[np.zeros(60), 2.0]).upper[-1]
    np.float64(1.0)
    """
    values = checked_counts(counts)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    gap = params.window_steps + params.guard_steps
    k, recent = _moving(present, params.window_steps, 0), _moving(filled, params.window_steps, 0)
    n, total = _moving(present, params.baseline_steps, gap), _moving(filled, params.baseline_steps, gap)
    known = (n >= params.least_present) & (k > 0)
    size, prob = np.where(known, total + 1, 1.0), np.where(known, n / np.maximum(n + k, 1), 0.5)
    limit = predictive_quantile(1 - params.alpha, size.ravel(), prob.ravel()).reshape(size.shape)
    upper = np.where(known, np.maximum(limit - (recent - filled), 0.0), np.nan)
    alarm = known & present & (recent > limit) & (filled > 0)
    score = np.where(known & present, surprise(recent, size, prob), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(known, total / n, np.nan)
    return shaped(counts, expected, upper, score, alarm)


def _moving(parts: Floats | np.ndarray, width: int, back: int) -> Floats:
    """Sum over the ``width`` steps that end ``back`` steps before each step; what lies before the first step adds nothing."""
    running = np.concatenate([np.zeros((parts.shape[0], 1)), np.cumsum(parts, axis=1, dtype=np.float64)], axis=1)
    end = np.maximum(np.arange(parts.shape[1]) + 1 - back, 0)
    return np.asarray(running[:, end] - running[:, np.maximum(end - width, 0)])
