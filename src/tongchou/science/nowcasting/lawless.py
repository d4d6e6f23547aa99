"""Nowcast by the reverse-time hazard of the delay, with its asymptotic interval (Lawless 1994): for a first look at a new stream."""

from datetime import timedelta

import numpy as np
from scipy.stats import norm

from tongchou.science.nowcasting.model import PROBABILITIES, Nowcast, kept_array
from tongchou.science.nowcasting.triangle import ReportingTriangle


def nowcast_lawless(triangle: ReportingTriangle) -> Nowcast:
    """Divide what is reported by the share reported by then, estimated from the whole triangle.

    Parameters
    ----------
    triangle: what is known; NaN cells count as 0.

    Returns
    -------
    Nowcast of daily counts; ``is_spread_known`` False: the interval comes from the model, not from past errors.

    Notes
    -----
    g_d = events at delay d / events at delays 0..d, over the reference days for which d is observed; F(l) = prod_{d > l} (1 - g_d).
    expected = C / F; variance = C (1 - F) / F^2 + expected^2 sum_{d > l} g_d / (n_d (1 - g_d)), n_d the denominator of g_d; normal
    quantiles, cut below at what is reported. Assumes one delay distribution for all days, no weekday, independent events: the
    interval is too narrow on real streams. Where nothing is reported it expects nothing, however likely a report still is.

    References
    ----------
    10.2307/3315826.n1

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> found = nowcast_lawless(ReportingTriangle(date(2022, 1, 1), np.tile([8.0, 8.0], (10, 1))))
    >>> float(found.expected[-1])
    16.0
    """
    counts = triangle.counts
    rows, longest = counts.shape[0], triangle.max_delay
    filled = np.nan_to_num(counts)
    known = np.cumsum(filled, axis=1)
    hazard, noise = np.zeros(longest + 1), np.zeros(longest + 1)
    for delay in range(1, min(longest, rows - 1) + 1):
        base = known[: rows - delay, delay].sum()
        if base > 0:
            hazard[delay] = filled[: rows - delay, delay].sum() / base
            # All events of the days seen at their last delay: the share before is unknown, not zero.
            noise[delay] = hazard[delay] / (base * max(1 - hazard[delay], 1 / (base + 1)))
    shown = min(longest + 1, rows)
    lags = np.arange(shown)[::-1]
    reported = triangle.reported[rows - shown :]
    reported_share = np.array([np.prod(np.maximum(1 - hazard[lag + 1 :], 1e-12)) for lag in lags])
    log_noise = np.array([noise[lag + 1 :].sum() for lag in lags])
    expected = reported / reported_share
    sd = np.sqrt(reported * (1 - reported_share) / reported_share**2 + expected**2 * log_noise)
    quantiles = np.maximum(expected[:, None] + sd[:, None] * np.asarray(norm.ppf(np.array(PROBABILITIES)))[None, :], reported[:, None])
    first = triangle.as_of - timedelta(shown - 1)
    return Nowcast(first, triangle.as_of, 1, kept_array(reported), kept_array(expected), kept_array(quantiles), False)
