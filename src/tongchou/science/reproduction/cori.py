"""Instantaneous reproduction number (Cori 2013): new cases per infectious case of the same days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from tongchou.science.reproduction.serial_interval import Floats, SerialInterval, checked_incidence, infectiousness

PROBABILITIES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


@dataclass(frozen=True, slots=True)
class CoriParams:
    """Parameters of the estimate (C13: Cori 2013, 10.1093/aje/kwt133)."""

    window_days: int = 7  # C13: R is constant over this window
    prior_mean: float = 5.0  # C13: so high that control is not claimed without data
    prior_sd: float = 5.0  # C13

    def __post_init__(self) -> None:
        if self.window_days < 1 or self.prior_mean <= 0 or self.prior_sd <= 0:
            raise ValueError(f"CoriParams out of range: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Reproduction:
    """One row per window: positions (0-based) of its first and last day, mean, sd, and quantiles (windows, 7) at `PROBABILITIES`.

    NaN where the window ends before one mean serial interval has passed: too early to say.
    """

    starts: np.ndarray
    ends: np.ndarray
    mean: Floats
    sd: Floats
    quantiles: Floats


def reproduction_number(
    incidence: ArrayLike, interval: SerialInterval, params: CoriParams = CoriParams(), imported: ArrayLike | None = None
) -> Reproduction:
    """Estimate R in every window of days from the second day on.

    Parameters
    ----------
    incidence: (days,) daily cases infected here, 0 or more, by day of onset or infection; no NaN.
    imported: (days,) daily cases infected elsewhere, beside them: they infect, and are not counted as infected here. Cases of the first
        day infect in either list and lie in no window.

    Returns
    -------
    Reproduction; equal to R EpiEstim 2.2-4 `estimate_R` (1e-9), known or parametric serial interval.

    Notes
    -----
    Infectiousness L_t = sum_s w_s I_{t-s}; I_t ~ Poisson(R L_t) within the window, prior Gamma(a, b): posterior
    Gamma(a + sum I, 1/(1/b + sum L)). With no case and no infectiousness this is the prior, not evidence.
    Assumes complete reports: on raw recent counts R is far too low and its interval far too narrow; use `reproduction_of_draws`.
    Poisson noise only, so clusters make the interval too narrow; a serial interval taken too long pushes R away from 1.

    References
    ----------
    Cori 2013 10.1093/aje/kwt133; Thompson 2019 10.1016/j.epidem.2019.100356 (imported cases).

    Examples
    --------
    >>> from tongchou.science.reproduction.serial_interval import gamma_serial_interval
    >>> found = reproduction_number([5, 6, 8, 9, 11, 14, 17, 20, 25, 30], gamma_serial_interval(4.7, 2.9))
    >>> bool(found.quantiles[-1, 0] > 1)
    True
    """
    local = checked_incidence(incidence)
    total = local if imported is None else local + _as_long(checked_incidence(imported, "imported"), local)
    cases, infectious, starts, ends = _window_sums(local, total, interval, params.window_days)
    shape, rate = _posterior(cases, infectious, params)
    mean, sd = shape / rate, np.sqrt(shape) / rate
    quantiles = gammaincinv(shape[:, None], np.array(PROBABILITIES)[None, :]) / rate[:, None]
    early = ends + 1 <= interval.mean_days
    for values in (mean, sd, quantiles):
        values[early] = np.nan
        values.flags.writeable = False
    return Reproduction(starts, ends, mean, sd, quantiles)


def reproduction_of_draws(
    counts: Floats, interval: SerialInterval, rng: np.random.Generator, params: CoriParams = CoriParams(), per_draw: int = 4
) -> Reproduction:
    """Estimate R from equally likely histories, so that what is not yet reported widens the interval.

    Parameters
    ----------
    counts: (draws, days) daily counts, as `nowcasting` draws them (`CountDraws.counts`).
    rng: source of chance. per_draw: values of R drawn from the posterior of each history.

    Returns
    -------
    Reproduction of the pooled values; with one history repeated it tends to `reproduction_number`.

    Notes
    -----
    Mixture over draws of the Gamma posteriors; all days of a draw belong together, so errors of neighbouring days do not cancel.

    Examples
    --------
    >>> import numpy as np
    >>> from tongchou.science.reproduction.serial_interval import gamma_serial_interval
    >>> rng = np.random.default_rng(1)
    >>> histories = rng.poisson(50.0, size=(200, 40)).astype(float)
    >>> found = reproduction_of_draws(histories, gamma_serial_interval(4.7, 2.9), rng)
    >>> bool(0.9 < found.mean[-1] < 1.1)
    True
    """
    histories = np.asarray(counts, dtype=np.float64)
    if histories.ndim != 2 or not histories.size or not np.all(np.isfinite(histories)) or np.any(histories < 0) or per_draw < 1:
        raise ValueError("draws: needs (draws, days) of counts of 0 or more, none missing, and per_draw of 1 or more")
    cases, infectious, starts, ends = _window_sums(histories, histories, interval, params.window_days)
    shape, rate = _posterior(cases, infectious, params)
    drawn = (rng.gamma(np.repeat(shape, per_draw, axis=0)) / np.repeat(rate, per_draw, axis=0)).reshape(-1, len(starts))
    mean, sd = drawn.mean(axis=0), drawn.std(axis=0)
    quantiles = np.quantile(drawn, PROBABILITIES, axis=0).T.copy()
    early = ends + 1 <= interval.mean_days
    for values in (mean, sd, quantiles):
        values[early] = np.nan
        values.flags.writeable = False
    return Reproduction(starts, ends, mean, sd, quantiles)


def _window_sums(local: Floats, total: Floats, interval: SerialInterval, window: int) -> tuple[Floats, Floats, np.ndarray, np.ndarray]:
    """Cases and infectiousness of every window from the second day on, (…, windows), with the windows."""
    days = local.shape[-1]
    if days < window + 1:
        raise ValueError(f"incidence: windows of {window} days from the second day on need {window + 1} days, got {days}")
    starts = np.arange(1, days - window + 1)

    def summed(values: Floats) -> Floats:
        running = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        return np.asarray(running[..., starts + window] - running[..., starts])

    return summed(local), np.maximum(summed(infectiousness(total, interval)), 0), starts, starts + window - 1


def _posterior(cases: Floats, infectious: Floats, params: CoriParams) -> tuple[Floats, Floats]:
    """Shape and rate of the Gamma posterior."""
    shape = (params.prior_mean / params.prior_sd) ** 2
    return shape + cases, params.prior_mean / params.prior_sd**2 + infectious


def _as_long(imported: Floats, local: Floats) -> Floats:
    if len(imported) != len(local):
        raise ValueError(f"imported: has {len(imported)} days where incidence has {len(local)}")
    return imported
