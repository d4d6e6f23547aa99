"""Quiet towns as they are and as they should not be: what a town counts without an outbreak in each of the benchmark's null worlds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.towns import POSITION, STREAMS, YEAR_DAYS, Town, background_mean, visiting

Bools = NDArray[np.bool_]
MONITORING = POSITION["monitoring"]


@dataclass(frozen=True, slots=True)
class WorldParams:
    """How large each disturbance is. A: assumption."""

    drift_sd: float = 0.15  # A: weekday factors wander with this log standard deviation
    drift_memory_weeks: float = 26.0  # A: and so long a memory
    shock_sd: float = 0.12  # science.md 2.3: log standard deviation of a day common to all villages, by stream
    holiday_level: float = 0.5  # A: on statutory holidays people stay away from every stream but the spot check
    after_holiday_level: float = 1.3  # A: on the two days after
    dispersion_up: float = 1.6  # science.md 2.3: phi - 1 times this from the first judged day on
    outages_per_year: float = 2.0  # A
    outage_days: int = 21  # issue 4
    outage_share: float = 0.2  # issue 4: share of villages
    site_share: float = 0.2  # A: share of villages that gain or lose a site of monitoring every half year
    site_factor: float = 1.5  # A
    method_factor: float = 1.5  # issue 4: level of monitoring in every village, up or down once a year from the judged period on
    school_level: float = 0.4  # issue 4: monitoring falls by 60 %
    school_rebound: float = 1.3  # A: for two weeks after


# First day of the year, from 0, and length. A: one calendar for every year.
HOLIDAYS = {0: 1, 39: 7, 94: 1, 120: 5, 160: 1, 259: 1, 273: 7}  # A: statutory holidays, their lengths of about 2024
SCHOOL_HOLIDAYS = {19: 28, 186: 56}  # A: four weeks in winter, eight in summer
REBOUND_DAYS = 14


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What quiet counts are drawn from: mean and exposure (streams, villages, days), dispersion (streams, days), silent (villages, days).

    exposure: reporting sites as the detector knows them. catches_up: the first report after a silence carries what was not reported.
    """

    mean: Floats
    dispersion: Floats
    exposure: Floats
    silent: Bools
    catches_up: bool
    judged_from: int

    @property
    def days(self) -> int:
        return int(self.mean.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """Counts of a quiet town, NaN = no report, with the truth behind them; all (streams, villages, days), dispersion (streams, days)."""

    counts: Floats
    mean: Floats
    dispersion: Floats
    exposure: Floats


Change = Callable[[np.random.Generator, Course, WorldParams], Course]


def weekday_drift(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """Weekday factors of every stream wander from week to week."""
    weeks = -(-course.days // 7)
    keep = np.exp(-1 / params.drift_memory_weeks)
    step = rng.normal(0.0, params.drift_sd * np.sqrt(1 - keep**2), (weeks, len(STREAMS), 7))
    wander = np.empty_like(step)
    wander[0] = rng.normal(0.0, params.drift_sd, step.shape[1:])
    for week in range(1, weeks):
        wander[week] = keep * wander[week - 1] + step[week]
    factor = np.exp(wander.transpose(1, 0, 2).reshape(len(STREAMS), -1)[:, : course.days] - params.drift_sd**2 / 2)
    return replace(course, mean=course.mean * factor[:, None, :])


def day_shock(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """A day is good or bad in all villages at once, by stream."""
    shock = rng.lognormal(-(params.shock_sd**2) / 2, params.shock_sd, (len(STREAMS), course.days))
    return replace(course, mean=course.mean * shock[:, None, :])


def holidays(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """Statutory holidays empty every stream but the spot check; the two days after them are busy."""
    factor = _in_year(course.days, HOLIDAYS, params.holiday_level, params.after_holiday_level, 2)
    followed = np.array([not stream.visits for stream in STREAMS])[:, None]
    return replace(course, mean=course.mean * np.where(followed, factor, 1.0)[:, None, :])


def more_dispersion(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """phi - 1 is larger from the first judged day on than in all the past."""
    later = np.arange(course.days) >= course.judged_from
    return replace(course, dispersion=np.where(later, 1 + params.dispersion_up * (course.dispersion - 1), course.dispersion))


def outage(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """A share of the villages sends nothing at all for three weeks, twice a year."""
    silent = course.silent.copy()
    for _ in range(rng.poisson(params.outages_per_year * course.days / YEAR_DAYS)):
        begin = int(rng.integers(0, course.days))
        hit = rng.choice(len(silent), round(params.outage_share * len(silent)), replace=False)
        silent[hit, begin : begin + params.outage_days] = True
    return replace(course, silent=silent)


def outage_with_catch_up(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """The same, and the first report afterwards carries all that had happened."""
    return replace(outage(rng, course, params), catches_up=True)


def sites_known(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """Every half year some villages gain or lose a site of monitoring; the detector is told."""
    return _sites(rng, course, params, is_known=True)


def sites_unknown(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """The same, and nobody tells the detector."""
    return _sites(rng, course, params, is_known=False)


def _sites(rng: np.random.Generator, course: Course, params: WorldParams, *, is_known: bool) -> Course:
    villages = course.mean.shape[1]
    has_more = np.zeros((villages, course.days), dtype=np.bool_)
    for begin in range(int(rng.integers(0, 182)), course.days, 182):
        hit = rng.choice(villages, round(params.site_share * villages), replace=False)
        has_more[hit, begin:] ^= True
    factor = np.where(has_more, params.site_factor, 1.0)
    mean, exposure = course.mean.copy(), course.exposure.copy()
    mean[MONITORING] *= factor
    if is_known:
        exposure[MONITORING] *= factor
    return replace(course, mean=mean, exposure=exposure)


def method_change(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """Monitoring counts otherwise from one day to the next, in every village: once in each judged year, up and down in turn."""
    changed = np.zeros(course.days, dtype=np.bool_)
    for begin in range(course.judged_from + int(rng.integers(0, 365)), course.days, 365):
        changed[begin:] ^= True
    mean = course.mean.copy()
    mean[MONITORING] *= np.where(changed, params.method_factor, 1.0)
    return replace(course, mean=mean)


def school_holidays(rng: np.random.Generator, course: Course, params: WorldParams) -> Course:
    """Monitoring falls by 60 % for weeks, twice a year, and rebounds."""
    mean = course.mean.copy()
    mean[MONITORING] *= _in_year(course.days, SCHOOL_HOLIDAYS, params.school_level, params.school_rebound, REBOUND_DAYS)
    return replace(course, mean=mean)


def _in_year(days: int, spans: Mapping[int, int], inside: float, after: float, after_days: int) -> Floats:
    day = (np.arange(days) % YEAR_DAYS).astype(np.int64)
    factor = np.ones(days)
    for first, length in spans.items():
        factor[(day >= first) & (day < first + length)] = inside
        factor[(day >= first + length) & (day < first + length + after_days)] = after
    return factor


WORLDS: Mapping[str, tuple[Change, ...]] = {
    "as modelled": (),
    "weekday drift": (weekday_drift,),
    "common day shock": (day_shock,),
    "holidays": (holidays,),
    "more dispersion": (more_dispersion,),
    "all four": (weekday_drift, day_shock, holidays, more_dispersion),
    "outage": (outage,),
    "outage, caught up": (outage_with_catch_up,),
    "sites change, known": (sites_known,),
    "sites change, unknown": (sites_unknown,),
    "method change": (method_change,),
    "school holidays": (school_holidays,),
}


def quiet_town(rng: np.random.Generator, town: Town, world: str, days: int, judged_from: int, params: WorldParams = WorldParams()) -> Quiet:
    """Draw the counts of a town without an outbreak.

    Notes
    -----
    NegBin(mean, variance phi mean), Poisson where phi = 1. The disturbances of a world are drawn after what they disturb and the counts last,
    each from a generator of its own, so that a world differs from "as modelled" in nothing but its changes.

    Examples
    --------
    >>> from tongchou.science.evaluation.fusion.towns import town_of
    >>> town = town_of(np.random.default_rng(1))
    >>> one = quiet_town(np.random.default_rng(2), town, "as modelled", 70, 35)
    >>> one.counts.shape, one.mean.shape, round(float(np.nanmean(one.counts[3])), 1)
    ((5, 60, 70), (5, 60, 70), 10.6)
    """
    if world not in WORLDS:
        raise ValueError(f"quiet_town: no world {world!r}; there are {', '.join(WORLDS)}")
    if not 0 <= judged_from < days:
        raise ValueError(f"quiet_town: the judged period begins inside the days; got {judged_from} of {days}")
    changing, reporting, counting = rng.spawn(3)
    villages = len(town.population)
    course = Course(
        background_mean(town, days), np.repeat(np.array([[s.dispersion] for s in STREAMS]), days, axis=1),
        np.ones((len(STREAMS), villages, days)), np.zeros((villages, days), dtype=np.bool_), False, judged_from,
    )  # fmt: skip
    for change in WORLDS[world]:
        course = change(changing, course, params)
    return _drawn(reporting, counting, course)


def _drawn(reporting: np.random.Generator, counting: np.random.Generator, course: Course) -> Quiet:
    drawn = np.empty_like(course.mean)
    for k in range(len(STREAMS)):
        spread = course.dispersion[k] - 1
        mean = course.mean[k]
        drawn[k] = counting.negative_binomial(mean / spread, 1 / (1 + spread)) if spread.min() > 0 else counting.poisson(mean)
    visits = visiting(course.days, drawn.shape[1])
    due = np.array([np.where(stream.visits, visits, True) for stream in STREAMS])
    drawn[~due] = 0.0  # nobody samples without a visit
    lost = reporting.random(drawn.shape) < np.array([s.missing for s in STREAMS])[:, None, None]
    counts = np.where(due & ~lost & ~course.silent, drawn, np.nan)
    if course.catches_up:
        _catch_up(counts, np.where(lost, 0.0, drawn), course.silent)
    return Quiet(counts, np.where(due, course.mean, np.nan), course.dispersion, course.exposure)


def _catch_up(counts: Floats, drawn: Floats, silent: Bools) -> None:
    """Add what fell into each silence to the first report after it."""
    for village in np.flatnonzero(silent.any(axis=1)):
        edges = np.flatnonzero(np.diff(np.r_[False, silent[village], False].astype(np.int8)))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            for k in range(len(counts)):
                back = np.flatnonzero(~np.isnan(counts[k, village, end:]))
                if len(back):
                    counts[k, village, end + back[0]] += drawn[k, village, begin:end].sum()
