"""Compiled core of the nowcasts: hazards of report and daily levels of the last mornings, newest first."""

import math

import numpy as np
from numba import njit

KINDS = 7
CLASSES = 4
LOWEST_GROWTH, HIGHEST_GROWTH = 0.5, 2.0
LEVEL_FLOOR = 0.3  # events a day that a quiet past still lets expect (assumption, as measured with it)


@njit(cache=True, error_model="numpy")
def _add_reports(counts, known, kinds, day, sign, events, exposed):  # type: ignore[no-untyped-def]
    """Add (or take out) the reports of one day to the sums by delay and kind of report day."""
    kind = kinds[day]
    for delay in range(1, min(counts.shape[1] - 1, day) + 1):
        count = counts[day - delay, delay]
        if not math.isnan(count):
            events[delay, kind] += sign * count
            exposed[delay, kind] += sign * known[day - delay, delay - 1]


@njit(cache=True, error_model="numpy")
def _fit_hazards(events, exposed, classes, rounds, credibility, hazards):  # type: ignore[no-untyped-def]
    """Hazard by delay x factor by class and kind, fitted in turn; then each cell weighs its own counts against that product."""
    longest = events.shape[0] - 1
    factor = np.ones((CLASSES, KINDS))
    base = np.zeros(longest + 1)
    for _ in range(rounds):
        seen, expected = np.zeros((CLASSES, KINDS)), np.zeros((CLASSES, KINDS))
        for delay in range(1, longest + 1):
            a, b = 0.0, 0.0
            for kind in range(KINDS):
                a += events[delay, kind]
                b += exposed[delay, kind] * factor[classes[delay], kind]
            base[delay] = a / b if b > 0 else 0.0
            for kind in range(KINDS):
                seen[classes[delay], kind] += events[delay, kind]
                expected[classes[delay], kind] += exposed[delay, kind] * base[delay]
        for c in range(CLASSES):
            for kind in range(KINDS):
                factor[c, kind] = seen[c, kind] / expected[c, kind] if expected[c, kind] > 0 else 1.0
    for delay in range(1, longest + 1):
        for kind in range(KINDS):
            product = base[delay] * factor[classes[delay], kind]
            pull = exposed[delay, kind] * product + credibility
            hazards[delay, kind] = product * (events[delay, kind] + credibility) / pull if pull > 0 else product


@njit(cache=True, error_model="numpy")
def _expect_level(levels, profile, kinds, t, j, weeks, damping):  # type: ignore[no-untyped-def]
    """Level the days before let expect, and the same without the weekday profile; -1 without a past of two weeks."""
    if t < 14 or j < 14:
        return -1.0, -1.0
    week, week_before = 0.0, 0.0
    for i in range(1, 8):
        week += levels[j - i]
        week_before += levels[j - 7 - i]
    growth = 1.0
    if week > 0 and week_before > 0:
        growth = min(HIGHEST_GROWTH, max(LOWEST_GROWTH, (week / week_before) ** damping))
    # The week before is centred four days ago; growth is per seven days.
    total = week * growth ** (4 / 7)
    if weeks == 0:
        return levels[j - 7] * growth + LEVEL_FLOOR, total
    share, found = 0.0, 0
    for i in range(1, min(j - 14, 7 * weeks) + 1):
        if kinds[t - i] == kinds[t] and profile[j - i] >= 0:
            share += profile[j - i]
            found += 1
    return total * (share / found if found > 0 else 1 / 7) + LEVEL_FLOOR, total


@njit(cache=True, error_model="numpy")
def _fill_levels(counts, known, kinds, morning, hazards, use_level, weeks, damping, knobs, levels):  # type: ignore[no-untyped-def]
    """Daily nowcasts made on one morning, oldest first; ``knobs`` = (log variance of the level, dispersion, sd of the open share)."""
    longest, back = counts.shape[1] - 1, levels.shape[0]
    profile = np.full(back, -1.0)
    for j in range(back):
        t = morning - back + 1 + j
        if t < 0:
            levels[j] = 0.0
            continue
        expected, total = _expect_level(levels, profile, kinds, t, j, weeks, damping) if use_level else (-1.0, -1.0)
        lag = morning - t
        if lag >= longest:
            levels[j] = known[t, longest]
        else:
            grown = 1.0
            for delay in range(lag + 1, longest + 1):
                grown *= 1 + hazards[delay, kinds[t + delay]]
            share, seen = 1 / grown, known[t, lag]
            levels[j] = seen * grown
            if expected >= 0:
                own = knobs[0] / (knobs[0] + knobs[1] / (expected * share) + (knobs[2] * (1 - share)) ** 2)
                levels[j] = seen + (1 - share) * (own * seen * grown + (1 - own) * expected)
        if total > 0:
            profile[j] = levels[j] / total


@njit(cache=True, error_model="numpy")
def nowcast_mornings(  # type: ignore[no-untyped-def]
    counts, known, kinds, classes, mornings, back, window, rounds, credibility, use_level, weeks, damping, knobs
):
    """Daily nowcasts (mornings, back) of the last mornings, newest morning first, oldest day first; each morning sees its own past only.

    Rows of mornings before the triangle begins are NaN. Counts are whole numbers, so that taking a day out of a sum leaves no trace.
    """
    longest, last = counts.shape[1] - 1, counts.shape[0] - 1
    events, exposed = np.zeros((longest + 1, KINDS)), np.zeros((longest + 1, KINDS))
    hazards = np.zeros((longest + 1, KINDS))
    found = np.full((mornings, back), np.nan)
    for day in range(max(last - window + 1, 0), last + 1):
        _add_reports(counts, known, kinds, day, 1.0, events, exposed)
    for k in range(min(mornings, last + 1)):
        morning = last - k
        _fit_hazards(events, exposed, classes, rounds, credibility, hazards)
        _fill_levels(counts, known, kinds, morning, hazards, use_level, weeks, damping, knobs, found[k])
        _add_reports(counts, known, kinds, morning, -1.0, events, exposed)
        if morning - window >= 0:
            _add_reports(counts, known, kinds, morning - window, 1.0, events, exposed)
    return found
