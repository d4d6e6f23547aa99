"""Back-projection: from days of onset to days of infection (Becker, Watson and Carlin 1991)."""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from tongchou.science.reproduction.serial_interval import Floats, checked_incidence


@dataclass(frozen=True, slots=True)
class BackProjectionParams:
    """Parameters of the estimate (B91: 10.1002/sim.4780101005)."""

    smoothing: int = 2  # B91: even; binomial weights over this many days plus one
    tolerance: float = 0.005  # relative change at which to stop; R surveillance's usual value
    rounds: int = 250  # R surveillance's usual value

    def __post_init__(self) -> None:
        if self.smoothing < 0 or self.smoothing % 2 or self.tolerance <= 0 or self.rounds < 1:
            raise ValueError(f"BackProjectionParams out of range (smoothing is even): {self}")


@dataclass(frozen=True, slots=True, eq=False)
class BackProjection:
    """``infections``: expected infections of each day, (days,); rounds done, and whether the change fell below the tolerance."""

    infections: Floats
    rounds: int
    is_converged: bool


def back_project(onsets: ArrayLike, incubation: ArrayLike, params: BackProjectionParams = BackProjectionParams()) -> BackProjection:
    """Estimate on which days those with known onset were infected.

    Parameters
    ----------
    onsets: (days,) daily onsets, 0 or more, no NaN. Begin with one longest incubation time of zeros, else early infections have no day.
    incubation: (k,) chance of an incubation time of 0, 1, … days; sum 1.

    Returns
    -------
    BackProjection; equal to R surveillance 1.20.3 `backprojNP` (1e-9, tail of the first days 1e-10 absolute).

    Notes
    -----
    onsets_t ~ Poisson(sum_d f_d lambda_{t-d}). Each round: EM step lambda_t / F_{T-t} sum_d f_d y_{t+d} / mu_{t+d}, F the chance of an
    onset by today (0 where none is possible); then a binomial moving average, with the weights inside the series set to sum 1. Start:
    the mean count. Smoothing hides jumps, and stopping early is part of the smoothing: more rounds give a rougher curve.
    Infections of the last days are guesses from few onsets: cut off a mean incubation time.

    References
    ----------
    10.1002/sim.4780101005

    Examples
    --------
    >>> found = back_project([0, 0, 0, 1, 4, 9, 5, 2, 0, 0], [0, 0.2, 0.6, 0.2])
    >>> int(found.infections.argmax())
    3
    """
    y, f = checked_incidence(onsets, "onsets"), checked_incidence(incubation, "incubation")
    if abs(f.sum() - 1) > 1e-6:
        raise ValueError(f"incubation: the chances add up to {f.sum():g}, not to 1")
    days = len(y)
    lag = np.arange(days)[:, None] - np.arange(days)[None, :]
    chance = np.where((lag >= 0) & (lag < len(f)), f[np.clip(lag, 0, len(f) - 1)], 0.0)
    seen = chance.sum(axis=0)
    weights = np.array([comb(params.smoothing, j) for j in range(params.smoothing + 1)]) / 2**params.smoothing
    inside = _smooth(np.ones(days), weights)
    infections, done, change = np.full(days, y.mean()), 0, np.inf
    while done < params.rounds and change > params.tolerance and y.any():
        expected = chance @ infections
        ratio = np.divide(y, expected, out=np.zeros(days), where=expected > 0)
        step = np.divide(infections * (chance.T @ ratio), seen, out=np.zeros(days), where=seen > 0)
        smoothed = _smooth(step, weights) / inside
        size = float(np.linalg.norm(infections))
        change = float(np.linalg.norm(smoothed - infections)) / size if size > 0 else 0.0
        infections, done = smoothed, done + 1
    infections.flags.writeable = False
    return BackProjection(infections, done, not y.any() or change <= params.tolerance)


def _smooth(values: Floats, weights: Floats) -> Floats:
    """Moving average; beyond the ends there is nothing."""
    half = len(weights) // 2
    return np.asarray(np.convolve(np.pad(values, half), weights, "valid"))
