"""How many will be at work in the days ahead: daily hazards of coming back, of reaching full capacity, of stopping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HazardFitParams:
    """Priors of a hazard's log level and its change a week, and how the change fades; all assumptions, weak beside two weeks of a town's counts."""

    level_mean: float = -4.0  # complementary log-log: about 2 % a day
    level_sd: float = 3.0
    trend_mean: float = 0.0
    trend_sd: float = 0.3
    damping: float = 0.9  # of the trend, a day ahead (assumption; Gardner & McKenzie 1985 damp likewise)
    correlation: float = 0.02  # of firms of a day beyond the hazard, weighing as much as `correlation_days` days seen
    correlation_days: float = 3.0
    no_stayers: float = 0.3  # prior chance that nobody stays for good; else any share of those still closed is as likely
    stayer_steps: int = 60  # shares of stayers looked at
    iterations: int = 50


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened by day: `events` of `at_risk`, both shape (days,), and in which `stage` of the rules each day lay (0, 1 …)."""

    at_risk: ArrayLike
    events: ArrayLike
    stage: ArrayLike


@dataclass(frozen=True, slots=True)
class FittedHazard:
    """Log-log level of the last stage, change of it a week, their covariance (dispersion included), and the dispersion (1: binomial).

    `log_likelihood` of the counts and `log_prior` of the fit with its width: what numbers of stayers are weighed by.
    """

    level: float
    trend: float
    covariance: Floats
    dispersion: float
    log_likelihood: float
    log_prior: float


@dataclass(frozen=True, slots=True)
class RecoveryForecast:
    """Shares of all firms at the end of each day ahead: rows are `levels` (quantiles), columns days. Full capacity is part of at work."""

    levels: tuple[float, ...]
    at_work: Floats
    full: Floats


def fit_hazard(seen: Transition, params: HazardFitParams = HazardFitParams(), stay: int = 0) -> FittedHazard:
    """Fit a daily hazard with a level for each stage and one change a week within a stage.

    Parameters
    ----------
    seen: counts by day, oldest first. Days on which nobody was at risk say nothing.
    stay: how many of those at risk in the last stage do not move as long as it lasts.

    Returns
    -------
    FittedHazard on the last day.

    Notes
    -----
    Binomial with complementary log-log link: log(-log(1 - h)) = level[stage] + trend x (days into the stage) / 7, priors normal, by
    penalised Fisher scoring. Dispersion: Pearson chi-square over degrees of freedom, at least 1 (quasi-likelihood), shrunk
    towards days that hang together by `correlation`; it widens the covariance and the days to come. Errs: days within a week differ (nobody files on Sunday), which the dispersion takes as chance.

    References
    ----------
    McCullagh & Nelder 1989, Generalized Linear Models, 4.3 and 4.5; Prentice & Gloeckler 1978, 10.2307/2529588

    Examples
    --------
    >>> import numpy as np
    >>> flat = Transition(np.full(14, 1000), np.full(14, 50), np.zeros(14, int))
    >>> found = fit_hazard(flat)
    >>> round(float(1 - np.exp(-np.exp(found.level))), 3), round(found.dispersion, 1)
    (0.05, 4.2)
    """
    m, y, stage = (np.asarray(part, dtype=float) for part in (seen.at_risk, seen.events, seen.stage))
    if m.ndim != 1 or m.shape != y.shape or m.shape != stage.shape:
        raise ValueError(f"fit_hazard: one row of days each, got {m.shape}, {y.shape}, {stage.shape}")
    if np.any((y < 0) | (y > m)):
        raise ValueError("fit_hazard: events must lie between 0 and those at risk")
    count = int(stage.max(initial=0)) + 1
    last = stage == count - 1
    m = np.where(last, np.maximum(m - stay, y), m)  # never fewer than moved: such a share is simply unlikely
    kept = m > 0
    design = np.zeros((m.size, count + 1))
    design[np.arange(m.size), stage.astype(int)] = 1
    design[:, -1] = np.concatenate([np.arange(np.sum(stage == s)) - np.sum(stage == s) + 1 for s in range(count)]) / 7 if m.size else 0
    x, m, y = design[kept], m[kept], y[kept]
    centre = np.array([params.level_mean] * count + [params.trend_mean])
    penalty = np.diag([params.level_sd**-2] * count + [params.trend_sd**-2])
    beta, information = centre.copy(), penalty
    for _ in range(params.iterations):
        rate = np.exp(np.clip(x @ beta, -20, 2))
        h = np.clip(-np.expm1(-rate), 1e-12, 1 - 1e-9)
        slope = rate * (1 - h)
        weight = m * slope**2 / (h * (1 - h))
        information = x.T @ (weight[:, None] * x) + penalty
        step = np.linalg.solve(information, x.T @ ((y - m * h) * slope / (h * (1 - h))) - penalty @ (beta - centre))
        beta = beta + np.clip(step, -2, 2)
        if np.max(np.abs(step)) < 1e-9:
            break
    h = np.clip(-np.expm1(-np.exp(np.clip(x @ beta, -20, 2))), 1e-12, 1 - 1e-9)
    usual = params.correlation_days * (1 + params.correlation * max(0.0, float(np.mean(m)) - 1)) if m.size else 0.0
    chi2, df = float(np.sum((y - m * h) ** 2 / (m * h * (1 - h)))), max(0, y.size - count - 1) + params.correlation_days
    dispersion = max(1.0, (usual + chi2) / df) if df > 0 else 1.0
    covariance = dispersion * np.linalg.inv(information)
    pick = [count - 1, count]
    likely = float(np.sum(gammaln(m + 1) - gammaln(y + 1) - gammaln(m - y + 1) + y * np.log(h) + (m - y) * np.log1p(-h)))
    off = beta - centre
    prior = float(-off @ penalty @ off / 2 - np.linalg.slogdet(information)[1] / 2)
    return FittedHazard(float(beta[count - 1]), float(beta[-1]), covariance[np.ix_(pick, pick)], dispersion, likely, prior)


def forecast_recovery(
    now: tuple[int, int, int],
    coming: Transition,
    filling: Transition | None,
    stopping: Transition | None,
    *,
    days: int,
    random: np.random.Generator,
    draws: int = 1000,
    levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95),
    params: HazardFitParams = HazardFitParams(),
) -> RecoveryForecast:
    """Say which share of firms will be at work, and at full capacity, on each of the days ahead.

    Parameters
    ----------
    now: firms closed, at work below full capacity, at full capacity.
    coming: closed → at work. filling: at work → full capacity. stopping: at work or full → closed. Days of each may differ;
        None: it does not happen.
    days: 1 to 60. draws: of the simulation. levels: quantiles, rising.

    Returns
    -------
    RecoveryForecast.

    Notes
    -----
    Three hazards (`fit_hazard`), drawn from their normal approximation, trend damped, then lived day by day with beta-binomial counts of
    the fitted dispersion. Of those still closed a share does not move while the stage lasts (stayers: a cure model); each share
    is weighed by its prior and its likelihood (Laplace, log-likelihood over the least dispersion), so that right after an opening, when a
    day or two cannot tell, the interval is wide. A firm that stops may come back; full firms stop at the others' hazard.
    Errs: a stage that begins within the days ahead is not foreseen, so it is too low across an opening, and too high across a new
    outbreak; stayers of today may be helped tomorrow, so it is rather low where the town helps.

    References
    ----------
    Gardner & McKenzie 1985, 10.1287/mnsc.31.10.1237; stayers: Farewell 1982, 10.2307/2529885; Goodman 1961, 10.1080/01621459.1961.10482130

    Examples
    --------
    >>> import numpy as np
    >>> closed = np.round(1000 * 0.95 ** np.arange(15))
    >>> seen = Transition(closed[:-1], -np.diff(closed), np.zeros(14, int))  # one in twenty comes back each day
    >>> found = forecast_recovery((int(closed[-1]), 500, 12), seen, None, None, days=14, random=np.random.default_rng(1))
    >>> found.at_work[:, -1].round(1).tolist()
    [0.6, 0.7, 0.7, 0.8, 0.8]
    """
    if min(now) < 0 or sum(now) == 0 or not 1 <= days <= 60:
        raise ValueError(f"forecast_recovery: counts of firms >= 0, not all 0, and 1 to 60 days; got {now}, {days}")
    u = np.linspace(0, 1, params.stayer_steps, endpoint=False)  # finer where nearly all stay: there a few per cent are many days
    stays = np.floor(now[0] * (1 - (1 - u) ** 2)).astype(int)
    prior = np.where(u == 0, params.no_stayers, (1 - params.no_stayers) * (1 - u) / np.sum(1 - u[1:]))
    shares = [fit_hazard(coming, params, int(stay)) for stay in stays]
    spread_at_least = min(fit.dispersion for fit in shares)
    weight = np.array([fit.log_likelihood / spread_at_least + fit.log_prior for fit in shares])
    weight = np.exp(weight - weight.max()) * prior
    which = random.choice(len(shares), size=draws, p=weight / weight.sum())
    stay = stays[which]
    come_at = np.stack([_paths(fit, days, draws, random, params) for fit in shares])[which, :, np.arange(draws)].T
    fits = [fit_hazard(part, params) if part is not None else None for part in (filling, stopping)]
    paths = [come_at, *(_paths(fit, days, draws, random, params) for fit in fits)]
    spread = [spread_at_least, *(fit.dispersion if fit is not None else 1.0 for fit in fits)]
    closed, working, at_full = (np.full(draws, n, dtype=np.int64) for n in now)
    at_work, full, total = np.empty((days, draws)), np.empty((days, draws)), sum(now)
    for day in range(days):
        come = _count(np.maximum(closed - stay, 0), paths[0][day], spread[0], random)
        fill = _count(working, paths[1][day], spread[1], random)
        stop = _count(working - fill, paths[2][day], spread[2], random)
        stop_full = _count(at_full, paths[2][day], spread[2], random)
        closed, working, at_full = closed - come + stop + stop_full, working + come - fill - stop, at_full + fill - stop_full
        at_work[day], full[day] = (working + at_full) / total, at_full / total
    return RecoveryForecast(levels, np.quantile(at_work, levels, axis=1), np.quantile(full, levels, axis=1))


def _paths(fit: FittedHazard | None, days: int, draws: int, random: np.random.Generator, params: HazardFitParams) -> Floats:
    """Daily hazards of each draw, shape (days, draws)."""
    if fit is None:
        return np.zeros((days, draws))
    drawn = random.multivariate_normal([fit.level, fit.trend], fit.covariance, size=draws, method="cholesky")
    ahead = np.cumsum(params.damping ** np.arange(1, days + 1)) / 7
    return np.asarray(-np.expm1(-np.exp(np.clip(drawn[:, 0] + ahead[:, None] * drawn[:, 1], -20, 2))))


def _count(at_risk: Whole, hazard: Floats, dispersion: float, random: np.random.Generator) -> Whole:
    """Events of a day: beta-binomial whose variance is `dispersion` times the binomial one (as far as those at risk allow)."""
    h = np.clip(hazard, 0, 1 - 1e-9)
    if dispersion > 1.001:
        spread = np.maximum((at_risk - dispersion) / (dispersion - 1), 0.5)  # a + b of the beta distribution
        h = np.where(at_risk > 1, random.beta(np.maximum(h * spread, 1e-6), np.maximum((1 - h) * spread, 1e-6)), h)
    return np.asarray(random.binomial(at_risk, np.clip(h, 0, 1)), dtype=np.int64)
