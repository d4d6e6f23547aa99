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
def _carry_week_on(levels, j, damping, days):  # type: ignore[no-untyped-def]
    """Sum of the seven days before and the damped growth to it, carried on for some days."""
    week, week_before = 0.0, 0.0
    for i in range(1, 8):
        week += levels[j - i]
        week_before += levels[j - 7 - i]
    growth = 1.0
    if week > 0 and week_before > 0:
        power = days / 7
        growth = min(HIGHEST_GROWTH**power, max(LOWEST_GROWTH**power, (week / week_before) ** (damping * power)))
    return week, growth


@njit(cache=True, error_model="numpy")
def _expect_level(levels, profile, kinds, t, j, weeks, damping, total):  # type: ignore[no-untyped-def]
    """Level the days before let expect of one day."""
    if weeks == 0:
        return levels[j - 7] * _carry_week_on(levels, j, damping, 7)[1] + LEVEL_FLOOR
    share, found = 0.0, 0
    for i in range(1, min(j - 14, 7 * weeks) + 1):
        if kinds[t - i] == kinds[t] and profile[j - i] >= 0:
            share += profile[j - i]
            found += 1
    return total * (share / found if found > 0 else 1 / 7) + LEVEL_FLOOR


@njit(cache=True, error_model="numpy")
def _fill_levels(known, kinds, morning, grown, use_level, weeks, damping, knobs, open_sd, levels):  # type: ignore[no-untyped-def]
    """Daily nowcasts made on one morning, oldest first; ``knobs`` = (log variance of the level, dispersion); ``grown`` = 1 / share reported."""
    longest, back = known.shape[1] - 1, levels.shape[0]
    profile = np.full(back, -1.0)  # level / week before; -1 = not known
    for j in range(back):
        t = morning - back + 1 + j
        if t < 0:
            levels[j] = 0.0
            continue
        lag, total = morning - t, -1.0
        if use_level and t >= 14 and j >= 14:
            # The week before is centred four days ago.
            week, growth = _carry_week_on(levels, j, damping, 4)
            total = week * growth
        if lag >= longest:
            levels[j] = known[t, longest]
        else:
            share, seen = 1 / grown[j], known[t, lag]
            levels[j] = seen * grown[j]
            if total >= 0:
                expected = _expect_level(levels, profile, kinds, t, j, weeks, damping, total)
                own = knobs[0] / (knobs[0] + knobs[1] / (expected * share) + (open_sd * (1 - share)) ** 2)
                levels[j] = seen + (1 - share) * (own * seen * grown[j] + (1 - own) * expected)
        if total > 0:
            profile[j] = levels[j] / total


@njit(cache=True, error_model="numpy")
def _growth_to_come(kinds, morning, hazards, grown):  # type: ignore[no-untyped-def]
    """Factor by which each day's reports are still expected to grow, oldest first."""
    longest, back = hazards.shape[0] - 1, grown.shape[0]
    for j in range(back):
        t = morning - back + 1 + j
        grown[j] = 1.0
        if t >= 0:
            for delay in range(morning - t + 1, longest + 1):
                grown[j] *= 1 + hazards[delay, kinds[t + delay]]


@njit(cache=True, error_model="numpy")
def nowcast_mornings(  # type: ignore[no-untyped-def]
    counts, known, kinds, classes, mornings, back, window, rounds, credibility, use_level, weeks, damping, knobs, open_sds
):
    """Daily nowcasts (open_sds, mornings, back) of the last mornings, newest first, oldest day first; each sees its own past only.

    Mornings before the triangle begins are NaN. Counts are whole numbers, so that taking a day out of a sum leaves no trace.
    """
    longest, last = counts.shape[1] - 1, counts.shape[0] - 1
    events, exposed = np.zeros((longest + 1, KINDS)), np.zeros((longest + 1, KINDS))
    hazards, grown = np.zeros((longest + 1, KINDS)), np.ones(back)
    found = np.full((open_sds.shape[0], mornings, back), np.nan)
    for day in range(max(last - window + 1, 0), last + 1):
        _add_reports(counts, known, kinds, day, 1.0, events, exposed)
    for k in range(min(mornings, last + 1)):
        morning = last - k
        _fit_hazards(events, exposed, classes, rounds, credibility, hazards)
        _growth_to_come(kinds, morning, hazards, grown)
        for e in range(open_sds.shape[0]):
            _fill_levels(known, kinds, morning, grown, use_level, weeks, damping, knobs, open_sds[e], found[e, k])
        _add_reports(counts, known, kinds, morning, -1.0, events, exposed)
        if morning - window >= 0:
            _add_reports(counts, known, kinds, morning - window, 1.0, events, exposed)
    return found
