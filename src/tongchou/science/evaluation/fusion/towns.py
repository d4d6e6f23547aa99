"""The benchmark's town: 60 villages, five daily streams, what they count without an outbreak and what an infection adds.

Every number here is invented and plausible, none is fitted: the benchmark compares methods on one town, it does not describe a real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from tongchou.science.detection.model import Additive, Floats

FIRST_DAY = date(2021, 1, 4)  # a Monday
LONGEST_DELAY = 60  # assumption: no event comes later than two months after its infection
YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class TownParams:
    """The town and its people. P: the first simulation of this project, unpublished; A: assumption."""

    villages: int = 60  # P
    residents: int = 200_000  # P
    size_log_sd: float = 0.5  # A: the largest village in sixty has about three times the mean
    side_km: float = 15.0  # A: villages lie anywhere in a square of this side
    mixing_inside: float = 0.75  # P
    gravity_km: float = 3.0  # P
    level_log_sd: float = 0.2  # A: villages of one size differ so much in what their streams count


@dataclass(frozen=True, slots=True)
class Sampling:
    """A stream that tests people: share of residents a day (or samples a visit) times the chance that PCR finds an infection of an age."""

    share_per_day: float | None
    samples_per_visit: float = 0.0
    risk_weight: float = 1.0
    peak: float = 0.85  # P: on days 4 and 5
    rise_days: float = 4.0  # P
    decay_days: float = 8.0  # A: after the peak the chance falls by a factor e in so many days

    def found(self) -> Floats:
        """Chance that a sample finds an infection of age 0, 1, ... days, (LONGEST_DELAY,)."""
        age = np.arange(LONGEST_DELAY)
        rising, falling = age / self.rise_days, np.exp((self.rise_days + 1 - age) / self.decay_days)
        return np.asarray(self.peak * np.minimum(np.minimum(rising, falling), 1.0))


@dataclass(frozen=True, slots=True)
class StreamParams:
    """One kind of sentinel. `weekday`: Monday first, relative; `visits`: a village reports on two days a week only. P: the first simulation of this project, unpublished; A: assumption."""

    name: str
    background: float  # events in a village of mean size on a day that counts 1 in `weekday`
    dispersion: float  # variance / mean
    events: Additive | Sampling  # what an infection adds
    weekday: tuple[float, ...] = (1.0,) * 7
    season: float = 0.0  # log amplitude over the year
    visits: bool = False
    missing: float = 0.03  # share of reports that never come; P: 2-5 %


WORKDAYS_AND_SUNDAY = (1.45, 1.02, 1.02, 1.02, 1.02, 1.02, 0.45)  # P: Monday 1.45, Sunday .45; the mean is 1
STREAMS = (
    StreamParams("testing", 0.02, 1.0, Sampling(0.01), weekday=(1.0,) * 5 + (0.4,) * 2, missing=0.02),
    StreamParams("scanner", 4.0, 1.8, Additive(0.105, 5.5, 2.0), missing=0.05),
    StreamParams("spot check", 0.004, 1.0, Sampling(None, samples_per_visit=20.0, risk_weight=3.0), visits=True, missing=0.04),
    StreamParams("monitoring", 8.0, 2.5, Additive(0.245, 7.0, 2.5), weekday=WORKDAYS_AND_SUNDAY, season=0.3, missing=0.03),  # season: A
    StreamParams("case investigation", 0.01, 1.2, Additive(0.08, 10.0, 3.0), missing=0.02),
)  # P, where no A stands
POSITION: Mapping[str, int] = {stream.name: k for k, stream in enumerate(STREAMS)}


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """One layout. population, (villages,); place_km, (villages, 2); mixing, (villages, villages): where a resident's contacts live, rows sum to 1.

    level: (streams, villages), mean events on a day that counts 1.
    """

    population: Floats
    place_km: Floats
    mixing: Floats
    level: Floats

    @property
    def weights(self) -> Floats:
        return np.asarray(self.population / self.population.sum())


def town_of(rng: np.random.Generator, params: TownParams = TownParams()) -> Town:
    """Draw a layout.

    Notes
    -----
    Village sizes are lognormal, scaled to the residents; contacts outside the own village go to village j in proportion to
    population_j exp(-distance / gravity_km).

    Examples
    --------
    >>> town = town_of(np.random.default_rng(1))
    >>> int(town.population.sum()), town.level.shape, bool(np.allclose(town.mixing.sum(axis=1), 1))
    (200000, (5, 60), True)
    """
    n = params.villages
    sizes = rng.lognormal(0.0, params.size_log_sd, n)
    population = np.floor(sizes / sizes.sum() * params.residents)
    population[0] += params.residents - population.sum()
    place = rng.uniform(0, params.side_km, (n, 2))
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    pull = population * np.exp(-distance / params.gravity_km)
    np.fill_diagonal(pull, 0.0)
    mixing = (1 - params.mixing_inside) * pull / pull.sum(axis=1, keepdims=True)
    np.fill_diagonal(mixing, params.mixing_inside)
    relative = population / population.mean()
    spread = rng.lognormal(-(params.level_log_sd**2) / 2, params.level_log_sd, (len(STREAMS), n))
    per_visit = np.array([stream.visits for stream in STREAMS])[:, None]
    # A visit takes its samples whatever the size of the village, so what it finds by chance does not grow with it.
    level = np.array([s.background for s in STREAMS])[:, None] * np.where(per_visit, 1.0, relative) * spread
    return Town(population, place, mixing, level)


def visiting(days: int, villages: int) -> NDArray[np.bool_]:
    """Days on which the spot check visits each village, (villages, days): Monday and Thursday, Tuesday and Friday, or Wednesday and Saturday."""
    weekday, first = np.arange(days) % 7, np.arange(villages) % 3
    return np.asarray((weekday[None] == first[:, None]) | (weekday[None] == first[:, None] + 3))


def weekday_course(days: int) -> Floats:
    """Relative activity by weekday, (streams, days); day 0 is a Monday."""
    return np.asarray(np.array([stream.weekday for stream in STREAMS])[:, np.arange(days) % 7])


def background_mean(town: Town, days: int) -> Floats:
    """Expected counts without an outbreak, (streams, villages, days)."""
    from_mid_january = np.arange(days) - 15  # where the season is highest
    season = np.array([s.season for s in STREAMS])[:, None] * np.cos(2 * np.pi * from_mid_january / YEAR_DAYS)
    return np.asarray(town.level[:, :, None] * (weekday_course(days) * np.exp(season))[:, None, :])


@cache
def events_by_age(stream: StreamParams, residents: float) -> Floats:
    """Expected events of one infection at age 0, 1, ... on a day that counts 1, (LONGEST_DELAY,), in a village with so many residents.

    Examples
    --------
    >>> float(events_by_age(STREAMS[POSITION["monitoring"]], 3000).sum().round(3))
    0.245
    """
    if isinstance(stream.events, Additive):
        return gamma_by_age(stream.events, LONGEST_DELAY)
    sampling = stream.events
    share = sampling.share_per_day if sampling.share_per_day is not None else sampling.samples_per_visit * sampling.risk_weight / residents
    return share * sampling.found()


def gamma_by_age(model: Additive, ages: int) -> Floats:
    """Events of one infection by whole days of age, the delay rounded to the nearest day, (ages,)."""
    shape = (model.delay_mean_days / model.delay_sd_days) ** 2
    cdf = gamma.cdf(np.arange(ages + 1) - 0.5, shape, scale=model.delay_sd_days**2 / model.delay_mean_days)
    return np.asarray(model.events_per_infection * np.diff(np.maximum(cdf, 0)))


def assumed_model(stream: StreamParams, params: TownParams = TownParams()) -> Additive:
    """What the detector is told of a stream: events and Gamma delay of the same mean and spread, in a village of mean size.

    It is not told that testing rests at weekends (its mean over the week is) nor that a visit finds less in a larger village.

    Examples
    --------
    >>> [round(assumed_model(stream).events_per_infection, 3) for stream in STREAMS]
    [0.077, 0.105, 0.168, 0.245, 0.08]
    """
    if isinstance(stream.events, Additive):
        return stream.events
    events, age = events_by_age(stream, params.residents / params.villages), np.arange(LONGEST_DELAY)
    mean = float(events @ age / events.sum())
    sd = float(np.sqrt(events @ (age - mean) ** 2 / events.sum()))
    return Additive(float(events.sum()) * sum(stream.weekday) / 7, mean, sd)
