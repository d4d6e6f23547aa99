"""The days between a case and the cases it causes, as a distribution over whole days."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincinv

Floats = NDArray[np.float64]
LONGEST_DAYS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class SerialInterval:
    """``probabilities[k]``: chance that a case is followed by one it caused k days later; entry 0 is 0, the sum is 1."""

    probabilities: Floats

    def __post_init__(self) -> None:
        w = np.array(self.probabilities, dtype=np.float64)
        if w.ndim != 1 or len(w) < 2 or not np.all(np.isfinite(w)) or np.any(w < 0):
            raise ValueError("serial interval: needs the chances of 0, 1, 2, … days, each 0 or more and none missing")
        if w[0] != 0:
            raise ValueError(
                f"serial interval: the chance of 0 days is {w[0]:g} and must be 0; a case cannot cause one on its own day here"
            )
        if abs(w.sum() - 1) > 1e-3:
            raise ValueError(f"serial interval: the chances add up to {w.sum():g}, not to 1")
        w.flags.writeable = False
        object.__setattr__(self, "probabilities", w)

    @property
    def mean_days(self) -> float:
        """Mean of the distribution over whole days."""
        return float(self.probabilities @ np.arange(len(self.probabilities)))


def gamma_serial_interval(mean_days: float, sd_days: float) -> SerialInterval:
    """Serial interval of 1 day plus a Gamma, spread over whole days.

    Parameters
    ----------
    mean_days: mean, above 1. sd_days: standard deviation, above 0.

    Returns
    -------
    SerialInterval; equal to R EpiEstim `discr_si` (1e-12), without the last 1e-12 of the tail.

    Notes
    -----
    w_k is the chance of an interval of k days when both moments are uniform within their days: the triangular kernel on [k-1, k+1] of a
    Gamma with mean - 1 and sd, shape a = ((mean - 1)/sd)^2, scale b = sd^2/(mean - 1), F_a its distribution function:
    w_k = k F_a(k) + (k-2) F_a(k-2) - 2 (k-1) F_a(k-1) + a b (2 F_{a+1}(k-1) - F_{a+1}(k-2) - F_{a+1}(k)), never below 0.

    References
    ----------
    Cori 2013 10.1093/aje/kwt133, web appendix 11.

    Examples
    --------
    >>> gamma_serial_interval(2.6, 1.5).probabilities[:3].round(4)
    array([0.    , 0.2332, 0.3586])
    """
    if not (math.isfinite(mean_days) and math.isfinite(sd_days)) or mean_days <= 1 or sd_days <= 0:
        raise ValueError(f"serial interval: the mean must be above 1 day and the sd above 0, got {mean_days:g} and {sd_days:g}")
    shape, scale = ((mean_days - 1) / sd_days) ** 2, sd_days**2 / (mean_days - 1)
    longest = math.ceil(float(gammaincinv(shape, 1 - 1e-12)) * scale) + 2
    if longest > LONGEST_DAYS:
        raise ValueError(f"serial interval: mean {mean_days:g} and sd {sd_days:g} reach beyond {LONGEST_DAYS} days; are the units days?")
    k = np.arange(longest + 1, dtype=np.float64)

    def below(days: Floats, a: float) -> Floats:
        return np.asarray(gammainc(a, np.maximum(days, 0) / scale))

    w = k * below(k, shape) + (k - 2) * below(k - 2, shape) - 2 * (k - 1) * below(k - 1, shape)
    w += shape * scale * (2 * below(k - 1, shape + 1) - below(k - 2, shape + 1) - below(k, shape + 1))
    w[0] = 0.0
    return SerialInterval(np.maximum(w, 0))


def infectiousness(incidence: Floats, interval: SerialInterval) -> Floats:
    """Total infectiousness of each day, (…, days): past cases weighted by the serial interval; day 0 has none."""
    w, days = interval.probabilities, incidence.shape[-1]
    total = np.zeros(incidence.shape)
    for lag in range(1, min(len(w), days)):
        total[..., lag:] += w[lag] * incidence[..., : days - lag]
    return total


def checked_incidence(incidence: ArrayLike, name: str = "incidence", least_days: int = 1) -> Floats:
    """Daily counts (days,) as floats; refused when one is missing, negative or infinite."""
    values = np.asarray(incidence, dtype=np.float64)
    if values.ndim != 1 or len(values) < least_days:
        raise ValueError(f"{name}: needs one count a day for at least {least_days} days, got shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if len(bad):
        raise ValueError(
            f"{name}: day {bad[0] + 1} is {values[bad[0]]:g}; every day needs a count of 0 or more (nowcast or interpolate missing days first)"
        )
    return values
