"""The alarm budget: thresholds from a replay of the own past."""

from typing import Literal

import numpy as np
from scipy.stats import chi2

from tongchou.science.detection.model import Calibration, Floats


def calibrate_threshold(
    excess: Floats, alarms_per_year: float, *, step_days: int = 1, silence_days: int = 28, floor_log: float = 0.0
) -> Calibration:
    """Find the margin at which a replay of past mornings keeps the promised alarms per year.

    Parameters
    ----------
    excess: `Assessment.excess` of each replayed morning in order (margin 0); NaN = excluded (a confirmed outbreak, no data).
    silence_days: after an alarm this many days are not counted again.
    floor_log: lowest margin; 0 = never below the theoretical threshold, -inf = replay alone.
    """
    if alarms_per_year <= 0:
        raise ValueError(f"alarms_per_year must be positive, got {alarms_per_year}")
    values = np.asarray(excess, dtype=np.float64)
    present = values[~np.isnan(values)]
    years = len(present) * step_days / 365.25
    if years == 0:
        return Calibration(max(floor_log, 0.0), "theory", 0.0, 0, float("inf"), alarms_per_year)
    allowed = int(np.floor(alarms_per_year * years))
    silence = max(1, -(-silence_days // step_days))
    margin = _lowest_margin(values, allowed, silence)
    basis: Literal["replay", "extrapolated", "theory"] = "replay"
    if allowed == 0:
        # The tail of a Shiryaev-Roberts statistic has slope 1: halving the rate costs log 2.
        margin += float(np.log(1.0 / (alarms_per_year * years)))
        basis = "extrapolated"
    if margin < floor_log:
        margin, basis = floor_log, "theory"
    left = _count_alarms(values, margin, silence)
    return Calibration(margin, basis, years, left, alarm_rate_upper(left, years), alarms_per_year)


def _lowest_margin(values: Floats, allowed: int, silence: int) -> float:
    for candidate in np.sort(np.unique(values[~np.isnan(values)])):
        just_above = float(np.nextafter(candidate, np.inf))
        if _count_alarms(values, just_above, silence) <= allowed:
            return just_above
    raise AssertionError("no value lies above the largest one")


def _count_alarms(values: Floats, margin: float, silence: int) -> int:
    """Alarms in a replay that stays silent for some steps after each."""
    alarms, quiet_until = 0, -1
    for step in np.flatnonzero(values >= margin):
        if step > quiet_until:
            alarms += 1
            quiet_until = int(step) + silence - 1
    return alarms


def alarm_rate_upper(alarms: int, years: float) -> float:
    """Exact Poisson 95 % upper limit of a yearly rate (Garwood 1936); infinite without a past."""
    return float("inf") if years <= 0 else float(chi2.ppf(0.95, 2 * (alarms + 1)) / 2 / years)


def interval_limits(alarms: int, days: float, coverage: float = 0.95) -> tuple[float, float, float]:
    """Mean days between alarms with exact Poisson limits (Garwood 1936); infinite where no alarm fell.

    Examples
    --------
    >>> [round(x, 1) for x in interval_limits(200, 9000)]
    [45.0, 39.2, 52.0]
    """
    tail = (1 - coverage) / 2
    most, least = chi2.ppf(1 - tail, 2 * alarms + 2) / 2, chi2.ppf(tail, 2 * alarms) / 2 if alarms else 0.0
    return (days / alarms if alarms else np.inf), float(days / most), (float(days / least) if least else np.inf)
