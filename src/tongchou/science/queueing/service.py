"""How long a clerk works on a step: a distribution fitted from measured times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, gammaln, ndtri

Floats = npt.NDArray[np.float64]
Family = Literal["exponential", "lognormal", "gamma", "fixed"]
SHORTEST_DAYS = 1 / 480  # one minute of an eight-hour day: what is shorter was not measured


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Working time of one step in working days.

    `family` and its parameters: exponential (mean), fixed (value), gamma (shape, scale), lognormal (mean and sd of the log).
    `measured`: the times it was fitted to; none: assumed. Where there are some, a comparison fits anew to a fresh draw of them each time.
    """

    family: Family
    parameters: tuple[float, ...]
    measured: tuple[float, ...] = ()

    @property
    def mean_days(self) -> float:
        first, *rest = self.parameters
        if self.family == "gamma":
            return first * rest[0]
        return float(np.exp(first + rest[0] ** 2 / 2)) if self.family == "lognormal" else first

    def quantile(self, chance: Floats) -> Floats:
        """The times below which these shares lie; same shape."""
        first, *rest = self.parameters
        if self.family == "fixed":
            return np.full(chance.shape, first)
        if self.family == "exponential":
            return np.asarray(-first * np.log1p(-chance))
        if self.family == "gamma":
            return np.asarray(gammaincinv(first, chance) * rest[0])
        return np.asarray(np.exp(first + rest[0] * ndtri(chance)))


def fit_service(days: Sequence[float] | Floats) -> ServiceTime:
    """Fit a distribution to measured working times, choosing by Akaike's criterion among exponential, gamma and lognormal.

    Parameters
    ----------
    days
        Working times in working days, (n,), n >= 1, not negative; NaN is refused. Times below a minute count as a minute.

    Returns
    -------
    ServiceTime
        Exponential for fewer than five times: so few tell a mean and no shape.

    Notes
    -----
    Lognormal by maximum likelihood; gamma by the closed form of Ye and Chen (2017), which stays within a few per cent of it. Of a heavy
    tail seen in few times the fit knows too little: waiting is then under-estimated.

    References
    ----------
    Akaike (1974) 10.1109/TAC.1974.1100705; Ye and Chen (2017) 10.1080/00031305.2016.1209129.
    """
    times = np.asarray(days, float)
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all() or times.min() < 0:
        raise ValueError("days: one or more times, none negative or missing")
    return _fitted(np.maximum(times, SHORTEST_DAYS))


def _fitted(times: Floats) -> ServiceTime:
    n, mean, kept = len(times), float(times.mean()), tuple(times.tolist())
    logs = np.log(times)
    spread = float(logs.std())
    if n < 5 or spread < 1e-9:
        return ServiceTime("exponential" if n < 5 else "fixed", (mean,), kept)
    scale = float((times * logs).mean() - mean * logs.mean())
    shape = mean / scale
    likelihoods = {
        "exponential": -n * np.log(mean) - n - 1,
        "gamma": float(((shape - 1) * logs - times / scale).sum() - n * (gammaln(shape) + shape * np.log(scale))) - 2,
        "lognormal": float(-logs.sum() - n * np.log(spread) - n / 2 * np.log(2 * np.pi) - n / 2) - 2,
    }
    best = max(likelihoods, key=lambda name: likelihoods[name])
    if best == "gamma":
        return ServiceTime("gamma", (shape, scale), kept)
    return (
        ServiceTime("lognormal", (float(logs.mean()), spread), kept) if best == "lognormal" else ServiceTime("exponential", (mean,), kept)
    )


def refitted(service: ServiceTime, random: np.random.Generator) -> ServiceTime:
    """Fitted anew to a draw with replacement of what was measured; one that was assumed stays."""
    if not service.measured:
        return service
    times = np.asarray(service.measured)
    return _fitted(times[random.integers(0, len(times), len(times))])
