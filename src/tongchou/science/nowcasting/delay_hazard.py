"""Nowcast by the hazard of a report on each weekday, with a credible level for the last days; the chain ladder is its plain form."""

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tongchou.science.nowcasting.kernel import nowcast_mornings
from tongchou.science.nowcasting.model import CountDraws, HazardParams, LadderParams, Nowcast, kept_array
from tongchou.science.nowcasting.spread import FEW_OPEN, STEP, joint_log_errors, log_spread, moving_sums, quantiles_of, weights_by_past
from tongchou.science.nowcasting.triangle import Floats, ReportingTriangle

LEAST_PAST_DAYS = 14  # a morning with fewer days behind it is no guide to how far a nowcast is off
SUNDAY, MONDAY = 6, 0


def nowcast(
    triangle: ReportingTriangle,
    params: HazardParams | LadderParams = HazardParams(),
    holidays: Collection[date] = (),
    sum_days: int = 1,
) -> Nowcast:
    """Say what the counts of the last days will be when all reports are in, with quantiles.

    Parameters
    ----------
    triangle: what is known; one group. NaN cells are left out of the fit.
    params: `HazardParams` for the weekday hazard, `LadderParams` for the chain ladder.
    holidays: days on which offices are closed as on a Sunday, past and to come. The day after counts as a Monday.
    sum_days: 1 = daily counts, 7 = sums over the seven days that end with each reference day.

    Returns
    -------
    Nowcast for the reference days whose reports are still open and the last closed one, oldest first. Never below what is reported.

    Notes
    -----
    N[t, d] events of day t reported after d days, C cumulated. E N[t, d] = C[t, d-1] g_d r[class(d), kind(t + d)], kind = weekday of the
    report; each cell's hazard is pulled to that product by 50 events. F = prod over d > l of (1 + hazard), Q = 1/F.
    Level expected from the days before: mu = (mean share of that weekday, 4 weeks) x (sum of 7 days) x G^(4/7), G = (that sum / the sum
    of the 7 before)^.7 within [.5, 2]. Weight of the own reports z = v / (v + phi/(mu Q) + (tau (1 - Q))^2);
    expected = C + (1 - Q)(z C F + (1 - z) mu), for tau = .1 (own reports) and 1 (last week); the two weigh (mean past error)^-6.
    Spread: see `spread.log_spread`; quantiles exp(log S + s t_6).
    Assumes that delays change slowly over eight weeks and that no report is withdrawn. Errs downwards when delays lengthen suddenly and
    upwards for some days after a long steady wave has turned; two weeks without this method's own errors behind it give an assumed spread.

    References
    ----------
    Chain ladder: Mack 1993 10.2143/AST.23.2.2005092. Reverse hazard: Lawless 1994 10.2307/3315826.n1. Nowcast hub: Wolffram 2023
    10.1371/journal.pcbi.1011394.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> reports = rng.poisson(40 * np.array([0.3, 0.4, 0.2, 0.1]), size=(120, 4)).astype(float)
    >>> found = nowcast(ReportingTriangle(date(2022, 1, 1), reports))
    >>> bool(found.reported[-1] < found.quantiles[-1, 0] <= found.expected[-1] <= found.quantiles[-1, -1])
    True
    """
    rows, longest = triangle.counts.shape[0], triangle.max_delay
    if not 1 <= sum_days <= 28:
        raise ValueError(f"nowcast: sum_days must lie in 1..28, got {sum_days}")
    if rows < sum_days:
        raise ValueError(f"nowcast: sums over {sum_days} days need as many days, the triangle has {rows}; use sum_days=1")
    mornings = nowcasts_of_mornings(triangle, params, holidays, sum_days)
    sums = moving_sums(mornings, sum_days)
    log_sd, known = log_spread(sums, longest, params.spread, _usable(rows))
    shown = min(longest + 1, rows - sum_days + 1)
    expected, log_sd = sums[0, :shown][::-1], log_sd[:shown][::-1]
    reported = moving_sums(triangle.reported[None, :], sum_days)[0, :shown][::-1]
    expected = np.maximum(expected, reported)
    first = triangle.as_of - timedelta(shown - 1)
    quantiles = quantiles_of(expected, reported, log_sd, params.spread.df)
    return Nowcast(first, triangle.as_of, sum_days, kept_array(reported), kept_array(expected), kept_array(quantiles), known)


def draw_counts(
    triangle: ReportingTriangle,
    rng: np.random.Generator,
    params: HazardParams | LadderParams = HazardParams(),
    holidays: Collection[date] = (),
    draws: int = 400,
) -> CountDraws:
    """Draw daily counts of the whole triangle, as they may stand when all reports are in, all days of a draw together.

    Parameters
    ----------
    triangle, params, holidays: as for `nowcast`.
    rng: source of chance; the same generator state gives the same draws.
    draws: number of draws.

    Returns
    -------
    CountDraws; its days reach back to the first day of the triangle.

    Notes
    -----
    Each step of seven days takes the log changes of one past morning for all lags, centred; steps add up, times 1.15 sqrt(6 / chi2_6).
    Of few open events (below 20 a day) a Poisson count is drawn, since past changes are then mostly 0.
    Sums, growth and R of a draw therefore vary as they did in the past. Use `nowcast` for the interval of one day.
    """
    if draws < 1:
        raise ValueError(f"draw_counts: draws must be 1 or more, got {draws}")
    rows, longest = triangle.counts.shape[0], triangle.max_delay
    mornings = nowcasts_of_mornings(triangle, params, holidays, 1)
    errors, known = joint_log_errors(mornings[:, ::-1], longest, params.spread, _usable(rows), draws, rng)
    counts = np.tile(triangle.reported, (draws, 1))
    open_days = min(longest + 1, rows)
    centre, log_error = mornings[0, ::-1][:open_days][::-1], errors[:, :open_days][:, ::-1]
    still_open = np.maximum(centre * np.exp(np.minimum(log_error, 50.0)) - counts[:, rows - open_days :], 0)
    counts[:, rows - open_days :] += np.where(still_open < FEW_OPEN, rng.poisson(np.minimum(still_open, FEW_OPEN)), still_open)
    return CountDraws(triangle.first_day, triangle.as_of, kept_array(counts), known)


def nowcasts_of_mornings(
    triangle: ReportingTriangle, params: HazardParams | LadderParams, holidays: Collection[date], sum_days: int
) -> Floats:
    """Daily nowcasts (mornings, days back) as they were made on each of the last mornings; newest morning first, oldest day first."""
    if isinstance(params, LadderParams):
        return np.asarray(one_by_one(triangle, params, holidays, sum_days)[0])
    each = one_by_one(triangle, params, holidays, sum_days)
    weights = weights_by_past(each, params.spread, _usable(len(triangle.counts)), params.learning)
    return np.asarray(np.tensordot(weights, each, axes=1))


def one_by_one(triangle: ReportingTriangle, params: HazardParams | LadderParams, holidays: Collection[date], sum_days: int) -> Floats:
    """The same for each trust in the level, (trusts, mornings, days back); the chain ladder has one."""
    counts = np.ascontiguousarray(triangle.counts)
    known = np.cumsum(np.nan_to_num(counts), axis=1)
    longest, spread = triangle.max_delay, params.spread
    mornings, back = spread.revisions + STEP, longest + 2 * STEP + max(sum_days, 28 + STEP)
    if isinstance(params, LadderParams):
        kinds = np.zeros(len(counts) + longest, dtype=np.int64)
        classes = np.zeros(longest + 1, dtype=np.int64)
        rest = (params.window_days, 1, 0.0, False, 1, 0.0, np.ones(2), np.ones(1))
        return np.asarray(nowcast_mornings(counts, known, kinds, classes, mornings, back, *rest))
    kinds = report_kinds(triangle.first_day, len(counts) + longest, holidays)
    classes = np.searchsorted(np.array(params.class_starts), np.arange(longest + 1), side="right").astype(np.int64)
    knobs = np.array([params.level_log_variance, params.dispersion])
    trusts = np.array(params.open_share_sds if params.use_level else params.open_share_sds[:1])
    found = nowcast_mornings(
        counts, known, kinds, classes, mornings, back, params.window_days, params.rounds, params.credibility_events, params.use_level,
        params.profile_weeks, params.growth_damping, knobs, trusts,
    )  # fmt: skip
    return np.asarray(found)


def report_kinds(first_day: date, days: int, holidays: Collection[date]) -> NDArray[np.int64]:
    """Kind of each day: 0 Monday … 6 Sunday; a holiday is a Sunday and the day after it a Monday, unless that is one as well."""
    kinds = (first_day.weekday() + np.arange(days, dtype=np.int64)) % 7
    closed = {(day - first_day).days for day in holidays}
    kinds[[i for i in closed if 0 <= i < days]] = SUNDAY
    kinds[[i + 1 for i in closed if 0 <= i + 1 < days and kinds[i + 1] != SUNDAY]] = MONDAY
    return kinds


def _usable(rows: int) -> int:
    """Mornings with enough days behind them for their nowcast to be judged."""
    return max(0, rows - LEAST_PAST_DAYS)
