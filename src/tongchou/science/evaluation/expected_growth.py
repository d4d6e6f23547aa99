"""A stream without the growth that its season brings every year: tried for streams that are not specific to one pathogen."""

from dataclasses import replace
from datetime import date

import numpy as np

from tongchou.science.detection.model import Floats, History

WEEKS_OF_YEAR = 52
SMOOTHING_WEEKS = 2  # assumption: a season comes up to two weeks earlier or later
PRIOR_YEARS = 1.0  # assumption: one year of no season; a single past year is believed by half


def without_season(history: History, day: date) -> History:
    """A weekly rate divided by the level that past years had in the same week, relative to the year around it.

    Parameters
    ----------
    history: weekly steps; values before the day by half a year and more make the profile, so that it never sees what it is to judge.

    Notes
    -----
    Profile of week t = sum over past years k of (mean log of weeks t - 52 k +- 2 less mean log of weeks t - 52 k +- 26) / (years + 1).
    On the log scale this subtracts from the growth expected between two weeks what past years showed between the same two.
    It errs towards silence in the weeks in which past waves came.

    Examples
    --------
    >>> from tongchou.science.detection.model import Multiplicative
    >>> autumn = np.tile(np.concatenate([np.full(26, 10.0), np.full(26, 40.0)]), 6)
    >>> long = History("visits", autumn, date(2020, 1, 6), 7, "rate", Multiplicative(), weight=0.25)
    >>> flat = without_season(long, long.last_day(311)).values
    >>> round(float(flat[290:305].mean() / flat[265:280].mean()), 2)
    1.32
    """
    if history.step_days != 7:
        raise ValueError(f"without_season: stream {history.stream!r} has steps of {history.step_days} days; it takes weeks")
    end = history.upto(day)
    positive = history.values > 0
    logs = np.where(positive, np.log(np.where(positive, history.values, 1.0)), np.nan)
    profile = np.zeros(len(logs))
    for week in range(max(0, end - WEEKS_OF_YEAR * 2), len(logs)):
        differences = [_relative(logs, centre, end) for centre in range(week - WEEKS_OF_YEAR, 0, -WEEKS_OF_YEAR)]
        known = [d for d in differences if not np.isnan(d)]
        profile[week] = sum(known) / (len(known) + PRIOR_YEARS)
    return replace(history, values=history.values / np.exp(profile))


def _relative(logs: Floats, centre: int, end: int) -> float:
    """Log level around a past week beside the year around it; NaN unless all of that year has been seen."""
    half = WEEKS_OF_YEAR // 2
    year = logs[max(0, centre - half) : centre + half]
    near = logs[max(0, centre - SMOOTHING_WEEKS) : centre + SMOOTHING_WEEKS + 1]
    if centre + half > end or np.isfinite(year).sum() < half or not np.isfinite(near).any():
        return float("nan")
    return float(np.nanmean(near) - np.nanmean(year))
