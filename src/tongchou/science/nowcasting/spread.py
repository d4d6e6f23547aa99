"""How far a nowcast was off: spread by its own past revisions, for one day at a time and for all days together."""

from functools import cache

import numpy as np
from scipy.special import pdtrik
from scipy.stats import t as student

from tongchou.science.nowcasting.model import PROBABILITIES, SpreadParams
from tongchou.science.nowcasting.triangle import Floats

FEW_OPEN = 20  # open events from which the past errors hold the noise of counts as well (assumption)
STEP = 7  # days between two looks at the same reference day: the weekday of the report stays the same


def moving_sums(levels: Floats, days: int) -> Floats:
    """(mornings, back) daily nowcasts, oldest day first -> (mornings, lags) sums over the ``days`` days that end ``lag`` days ago."""
    total = np.concatenate([np.zeros((len(levels), 1)), np.cumsum(levels, axis=1)], axis=1)
    return np.asarray((total[:, days:] - total[:, :-days])[:, ::-1])


def revisions(sums: Floats, longest: int, params: SpreadParams, usable: int) -> tuple[Floats, Floats]:
    """Log changes of past nowcasts over one step, (mornings, lags 0..longest), and their weights, newest first.

    ``usable``: mornings whose nowcast may be judged. Only changes already seen on the last morning are used.
    """
    kept = max(0, min(params.revisions, usable - STEP))
    logs = np.log(np.maximum(sums, 0.5))
    changes = logs[:kept, STEP : STEP + longest + 1] - logs[STEP : STEP + kept, : longest + 1]
    return changes, 0.5 ** (np.arange(kept) / params.half_life_days)


def weights_by_past(each: Floats, params: SpreadParams, usable: int, power: float) -> Floats:
    """Weights of several nowcasts, (n,): (mean absolute log error)^-power of their seven-day sums at lags 0..6, seen a week later.

    ``each``: (n, mornings, back), newest morning first. The later value is the mean of all, so that none judges itself. Equal weights
    while there is no past to learn from, and when one of them was never off.
    """
    kept = max(0, min(params.revisions, usable - STEP))
    if len(each) == 1 or kept == 0:
        return np.full(len(each), 1 / len(each))
    logs = np.log(np.maximum([moving_sums(one[: kept + STEP], 7)[:, : 2 * STEP] for one in each], 0.5))
    later = logs[:, :kept, STEP:].mean(axis=0)
    fading = 0.5 ** (np.arange(kept) / params.half_life_days)
    errors = np.abs(later[None] - logs[:, STEP:, :STEP]).mean(axis=2) @ fading
    if errors.min() <= 0:
        return np.full(len(each), 1 / len(each))
    weights = (errors / errors.min()) ** -power
    return np.asarray(weights / weights.sum())


def log_spread(sums: Floats, longest: int, params: SpreadParams, usable: int) -> tuple[Floats, bool]:
    """Standard deviation of the log nowcast by lag 0..longest, and whether the past was long enough to know it.

    A nowcast made l days after reaches its final value by steps of seven days; the squares of the steps at l, l + 7, … add up.
    """
    changes, weights = revisions(sums, longest, params, usable)
    if len(changes) >= params.least_revisions:
        variance, known = np.asarray(weights @ changes**2 / weights.sum()), True
    else:
        variance, known = np.full(longest + 1, params.assumed_step_sd**2), False
    variance[longest] = 0.0
    for lag in range(longest - STEP, -1, -1):
        variance[lag] += variance[lag + STEP]
    return np.sqrt(variance), known


@cache
def _student_quantiles(df: float) -> Floats:
    return np.asarray(student.ppf(np.array(PROBABILITIES), df), dtype=np.float64)


def quantiles_of(expected: Floats, reported: Floats, log_sd: Floats, df: float) -> Floats:
    """(days, 7) quantiles of a log-Student spread, in whole events (P(Y <= k) = F(k + 1/2)), never below what is reported already."""
    with np.errstate(over="ignore"):
        spread = expected[:, None] * np.exp(np.minimum(log_sd[:, None] * _student_quantiles(df)[None, :], 50.0))
    found = np.maximum(np.ceil(spread - 0.5), reported[:, None])
    # At a few events a day past revisions are mostly 0 or 1; what is open still has the noise of a count.
    few = np.flatnonzero(expected - reported < FEW_OPEN)
    upper = np.array(PROBABILITIES) > 0.5
    counts = np.ceil(pdtrik(np.array(PROBABILITIES)[None, upper], np.maximum(expected - reported, 1e-9)[few, None]))
    found[np.ix_(few, upper)] = np.maximum(found[np.ix_(few, upper)], reported[few, None] + np.nan_to_num(counts))
    return np.asarray(found)


def joint_log_errors(
    daily: Floats, longest: int, params: SpreadParams, usable: int, draws: int, rng: np.random.Generator
) -> tuple[Floats, bool]:
    """(draws, lags 0..longest) log errors of the daily nowcast, all lags of a step from the same past morning.

    Keeping a morning together keeps the correlation between days, so that sums and ratios of days spread as they did.
    """
    changes, weights = revisions(daily, longest + longest % STEP, params, usable)
    known = len(changes) >= params.least_revisions
    errors = np.zeros((draws, longest + 1))
    if known:
        chance = weights / weights.sum()
        changes = changes - chance @ changes
        for start in range(0, longest, STEP):
            width = min(changes.shape[1], longest) - start
            errors[:, :width] += changes[rng.choice(len(changes), size=draws, p=chance)][:, start : start + width]
    else:
        sd, _ = log_spread(daily, longest, params, usable)
        errors = sd[None, :] * rng.standard_normal((draws, 1))
    scale = params.joint_inflation * np.sqrt(params.df / rng.chisquare(params.df, size=draws))
    return np.asarray(errors * scale[:, None]), known
