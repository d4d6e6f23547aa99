"""Days from the onset of a season to the first alarm, at equal false alarms: each week judged on what was published by then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.contenders import Verdict

Bools = NDArray[np.bool_]
WEEKS_PER_YEAR = 52.18
WINDOW_DAYS = (-21, 28)  # assumption, fixed before any alarm was looked at: alarms count from three weeks before to four weeks after
DECISION_DAYS = 11  # the Friday after a week ends lies 11 days after its Monday
SILENCE_WEEKS = 4  # the same: after a false alarm none counts for four weeks
MISSED_DAYS = 35.0  # the same: an onset without an alarm counts as found five weeks late
CALM_WEEKS = 4  # assumption: a wave is over after four weeks below the line
WAVE_GAP_WEEKS = 8  # assumption: onsets of several places less than this apart are one wave


@dataclass(frozen=True, slots=True)
class OnsetRule:
    """When a wave begins: the first of so many weeks at a rate or above, after so many below it; rates are means of the last weeks."""

    per_100k: float
    lasting_weeks: int
    below_weeks: int = 0
    mean_weeks: int = 1


INFLUENZA = OnsetRule(3.0, lasting_weeks=2)  # assumption: notified influenza at 60 and over
COVID19 = OnsetRule(1.0, lasting_weeks=6, below_weeks=4, mean_weeks=3)  # assumption: patients admitted in 7 days, all ages


@dataclass(frozen=True, slots=True)
class Onset:
    """Position of the place, position of the week, and the season (year in which it began)."""

    place: int
    week: int
    season: int


@dataclass(frozen=True, slots=True, eq=False)
class OnsetGround:
    """Judged weeks, (places, weeks): in the window of an onset (its position, else -1), quiet, or neither (the wave that runs)."""

    onsets: tuple[Onset, ...]
    window: NDArray[np.int64]
    is_quiet: Bools

    @property
    def quiet_years(self) -> float:
        return float(self.is_quiet.sum()) / WEEKS_PER_YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Delays:
    """Days from each onset to the first alarm, on average over the two thresholds between which a coin decides; false alarms per year.

    ``strict`` and ``loose`` are the days at the higher and the lower threshold, ``loose_share`` how often the coin takes the lower.
    """

    method: str
    false_alarms_per_year: float
    days: Floats
    strict: Floats | None = None
    loose: Floats | None = None
    loose_share: float = 1.0

    @property
    def mean(self) -> float:
        return float(self.days.mean())


def onset_ground(rate_per_100k: Floats, season: Sequence[int], first: int, rule: OnsetRule = INFLUENZA) -> OnsetGround:
    """Find the onsets of the final rates, (places, weeks), and sort the weeks from ``first`` on; NaN: not known, so not judged."""
    places, weeks = rate_per_100k.shape
    found: list[Onset] = []
    window, is_quiet = np.full((places, weeks), -1), np.ones((places, weeks), dtype=np.bool_)
    reach = [k for k in range(-8, 9) if WINDOW_DAYS[0] <= 7 * k + DECISION_DAYS <= WINDOW_DAYS[1]]
    for place in range(places):
        rates = trailing_mean(rate_per_100k[place], rule.mean_weeks)
        is_quiet[place, np.isnan(rates)] = False
        is_quiet[place, : _first_calm(rates, rule)] = False
        for begin, end in _waves(rates, rule):
            is_quiet[place, max(0, begin + reach[0]) : max(end, begin + reach[-1] + 1)] = False
            if begin + reach[0] >= first and begin + reach[-1] < weeks:
                window[place, begin + reach[0] : begin + reach[-1] + 1] = len(found)
                found.append(Onset(place, begin, season[begin]))
    return OnsetGround(tuple(found), window[:, first:], is_quiet[:, first:])


def settled(ground: OnsetGround, rule: OnsetRule) -> OnsetGround:
    """The same ground without its last weeks: a wave that begins just after the data may have made them its window."""
    is_quiet = ground.is_quiet.copy()
    is_quiet[:, is_quiet.shape[1] - (rule.lasting_weeks - 1) + _first_week_of_window() :] = False
    return OnsetGround(ground.onsets, ground.window, is_quiet)


def part_of(ground: OnsetGround, mask: Bools) -> OnsetGround:
    """The quiet weeks inside a mask (places, weeks), and the onsets whose first alarm week lies inside."""
    kept = [n for n, o in enumerate(ground.onsets) if mask[o.place, int(np.flatnonzero(ground.window[o.place] == n)[0])]]
    window = np.full(ground.window.shape, -1)
    for number, n in enumerate(kept):
        window[ground.window == n] = number
    return OnsetGround(tuple(ground.onsets[n] for n in kept), window, ground.is_quiet & mask)


def _first_week_of_window() -> int:
    return -((DECISION_DAYS - WINDOW_DAYS[0]) // 7)


def _first_calm(rates: Floats, rule: OnsetRule) -> int:
    """First of so many low weeks as a wave must follow: what runs when the data begin is a wave whose onset nobody saw."""
    low = np.lib.stride_tricks.sliding_window_view(rates < rule.per_100k, rule.below_weeks or 1).all(axis=1)
    return int(np.argmax(low)) if low.any() else len(rates)


def trailing_mean(values: Floats, weeks: int) -> Floats:
    """Mean of each week and the ones before it; NaN until so many are known.

    >>> trailing_mean(np.array([1.0, 2.0, 6.0]), 2)
    array([nan, 1.5, 4. ])
    """
    padded = np.concatenate([np.full(weeks - 1, np.nan), values])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, weeks).mean(axis=1))


def _waves(rates: Floats, rule: OnsetRule) -> list[tuple[int, int]]:
    """First week and the first one after the last, of every wave; CALM_WEEKS low weeks end it."""
    waves, begin, calm = [], -1, 0
    is_high, is_low = rates >= rule.per_100k, rates < rule.per_100k
    for week in range(len(rates)):
        lasts = is_high[week : week + rule.lasting_weeks].sum() == rule.lasting_weeks
        rises = is_low[max(0, week - rule.below_weeks) : week].sum() == rule.below_weeks
        if begin < 0 and lasts and rises:
            begin, calm = week, 0
        elif begin >= 0:
            calm = 0 if is_high[week] else calm + 1
            if calm == CALM_WEEKS:
                waves.append((begin, week - CALM_WEEKS + 1))
                begin = -1
    return waves if begin < 0 else [*waves, (begin, len(rates))]


def by_wave(onsets: Sequence[Onset]) -> tuple[Onset, ...]:
    """The same onsets, each with the number of its wave (from 1) for a season: places that follow one another closely share one.

    >>> [o.season for o in by_wave([Onset(0, 10, 2023), Onset(1, 14, 2023), Onset(0, 60, 2024)])]
    [1, 1, 2]
    """
    weeks = np.array(sorted({o.week for o in onsets}))
    wave = dict(zip(weeks.tolist(), (1 + np.cumsum(np.diff(weeks, prepend=weeks[:1]) >= WAVE_GAP_WEEKS)).tolist(), strict=True))
    return tuple(Onset(o.place, o.week, wave[o.week]) for o in onsets)


def as_known(values: Floats) -> Floats:
    """One series per place and judged week, its newest value in the last column: (places x judged, weeks) from (places, judged, weeks).

    The newest value of judged week j stands at position weeks - judged + j; what lies before the first week is missing.
    """
    places, judged, weeks = values.shape
    rows = np.full(values.shape, np.nan)
    for j in range(judged):
        last = weeks - judged + j + 1
        rows[:, j, weeks - last :] = values[:, j, :last]
    return rows.reshape(places * judged, weeks)


def judge_onsets(values: Floats, family: Callable[[Floats, NDArray[np.int64]], dict[str, Verdict]]) -> dict[str, Floats]:
    """Scores (places, judged weeks) of every row of a family; the mixture without its restart, since false alarms are silenced here."""
    places, judged, weeks = values.shape
    rows = family(as_known(values), np.array([weeks - 1]))
    return {name: verdict.score[:, 0].reshape(places, judged) for name, verdict in rows.items()}


def delays(method: str, score: Floats, ground: OnsetGround, per_year: float) -> Delays:
    """Days to the first alarm at exactly ``per_year`` false alarms a quiet place and year; a coin decides between two thresholds."""
    wanted = per_year * ground.quiet_years
    levels = np.unique(score[~np.isnan(score)])[::-1]
    if len(levels) == 0:  # nothing was heard: no alarm at any threshold
        missed = np.full(len(ground.onsets), MISSED_DAYS)
        return Delays(method, 0.0, missed, missed, missed)
    low, high = -1, len(levels) - 1  # the alarms at levels[low] are too few or just enough, at levels[high] too many
    if count_false_alarms(score, ground, levels[high]) <= wanted:
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        if count_false_alarms(score, ground, levels[middle]) <= wanted:
            low = middle
        else:
            high = middle
    fewer = count_false_alarms(score, ground, levels[low]) if low >= 0 else 0
    more = count_false_alarms(score, ground, levels[high])
    share = (wanted - fewer) / (more - fewer) if more > fewer else 1.0
    strict = days_at(score, ground, levels[low] if low >= 0 else np.inf)
    loose = days_at(score, ground, levels[high])
    rate = (fewer + share * (more - fewer)) / ground.quiet_years
    return Delays(method, rate, (1 - share) * strict + share * loose, strict, loose, share)


def count_false_alarms(score: Floats, ground: OnsetGround, threshold: float) -> int:
    with np.errstate(invalid="ignore"):
        alarms = (score >= threshold) & ground.is_quiet
    counted = 0
    for row in alarms:
        silent_until = -1
        for week in np.flatnonzero(row).tolist():
            if week > silent_until:
                counted += 1
                silent_until = week + SILENCE_WEEKS
    return counted


def days_at(score: Floats, ground: OnsetGround, threshold: float) -> Floats:
    found = np.full(len(ground.onsets), MISSED_DAYS)
    for number, onset in enumerate(ground.onsets):
        weeks = np.flatnonzero(ground.window[onset.place] == number)
        with np.errstate(invalid="ignore"):
            hits = weeks[score[onset.place, weeks] >= threshold]
        if len(hits):
            # The window begins WINDOW_DAYS before the Monday of the onset, rounded to the Friday of a decision.
            first_decision = -(-(WINDOW_DAYS[0] - DECISION_DAYS) // 7)
            found[number] = 7 * (hits[0] - weeks[0] + first_decision) + DECISION_DAYS
    return found


def paired(one: Delays, other: Delays, onsets: Sequence[Onset], draws: int = 2000, seed: int = 1) -> tuple[float, float, float]:
    """Mean of one minus other in days (negative: earlier) and its 95 % interval, drawing seasons and places anew."""
    gap = one.days - other.days
    seasons, places = sorted({o.season for o in onsets}), sorted({o.place for o in onsets})
    in_season = np.array([seasons.index(o.season) for o in onsets])
    in_place = np.array([places.index(o.place) for o in onsets])
    rng, means = np.random.default_rng(seed), []
    for _ in range(draws):
        weight = np.bincount(rng.integers(0, len(seasons), len(seasons)), minlength=len(seasons))[in_season]
        weight = weight * np.bincount(rng.integers(0, len(places), len(places)), minlength=len(places))[in_place]
        if weight.sum():
            means.append(float((weight * gap).sum() / weight.sum()))
    low, high = np.quantile(means, (0.025, 0.975))
    return float(gap.mean()), float(low), float(high)
