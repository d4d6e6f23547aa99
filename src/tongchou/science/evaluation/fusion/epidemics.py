"""Stochastic epidemics in the villages of a town, and the events that they add to its streams."""

from dataclasses import dataclass

import numpy as np

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.towns import LONGEST_DELAY, STREAMS, Town, events_by_age, visiting, weekday_course

MOST_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class EpidemicParams:
    """The course of an infection. P: the first simulation of this project, unpublished; A: assumption."""

    reproduction: float = 2.5
    latent_days: float = 3.0  # P, mean
    infectious_days: float = 5.0  # P, mean
    seeds: int = 2  # P
    least_infected: int = 40  # P: outbreaks with no more than that end by themselves and are drawn again
    within_days: int = 120  # A: counted so long after seeding


@dataclass(frozen=True, slots=True, eq=False)
class Epidemic:
    """New infections (villages, days), day 0 = seeding; the village that was seeded."""

    infections: Floats
    village: int

    @property
    def infected_by(self) -> Floats:
        """Infected in the whole town up to and including each day, (days,)."""
        return np.cumsum(self.infections.sum(axis=0))


def epidemic(rng: np.random.Generator, town: Town, params: EpidemicParams = EpidemicParams()) -> Epidemic:
    """Draw an epidemic that takes hold; the seeded village in proportion to its residents.

    Notes
    -----
    Chain binomial in days: P(infected on a day) = 1 - exp(-beta sum_j m_ij I_j / N_j), beta = R0 / infectious days; leaving the latent and the
    infectious state with probability 1 / mean duration (geometric durations).

    Examples
    --------
    >>> from tongchou.science.evaluation.fusion.towns import town_of
    >>> town = town_of(np.random.default_rng(1))
    >>> one = epidemic(np.random.default_rng(2), town)
    >>> one.infections.shape, float(one.infections[one.village, 0]), bool(one.infected_by[-1] > 40)
    ((60, 120), 2.0, True)
    """
    for _ in range(MOST_DRAWS):
        village = int(rng.choice(len(town.population), p=town.weights))
        infections = _course(rng, town, params, village)
        if infections.sum() > params.least_infected:
            return Epidemic(infections, village)
    raise ValueError(
        f"epidemic: none of {MOST_DRAWS} infected more than {params.least_infected}; raise reproduction ({params.reproduction})"
    )


def _course(rng: np.random.Generator, town: Town, params: EpidemicParams, village: int) -> Floats:
    susceptible = town.population.astype(np.int64)
    latent, infectious = np.zeros_like(susceptible), np.zeros_like(susceptible)
    infections = np.zeros((len(susceptible), params.within_days))
    infections[village, 0] = params.seeds
    latent[village] += params.seeds
    susceptible[village] -= params.seeds
    beta = params.reproduction / params.infectious_days
    for day in range(1, params.within_days):
        if not (latent.any() or infectious.any()):
            break
        force = beta * (town.mixing @ (infectious / town.population))
        new = rng.binomial(susceptible, -np.expm1(-force))
        onset, recovered = rng.binomial(latent, 1 / params.latent_days), rng.binomial(infectious, 1 / params.infectious_days)
        susceptible -= new
        latent += new - onset
        infectious += onset - recovered
        infections[:, day] = new
    return infections


def expected_events(outbreak: Epidemic, town: Town, first_day: int, days: int) -> Floats:
    """Expected events of an outbreak seeded on day `first_day` of the town's calendar, (streams, villages, days from seeding).

    Notes
    -----
    Testing and monitoring follow their weekdays (an ill person finds the clinic closed on Sunday); the spot check counts on its visits only.
    """
    villages = len(town.population)
    activity = weekday_course(first_day + days)[:, None, first_day:]
    visits = visiting(first_day + days, villages)[:, first_day:]
    added = np.zeros((len(STREAMS), villages, days))
    infections = outbreak.infections[:, :days]
    touched = np.flatnonzero(infections.any(axis=1))
    for k, stream in enumerate(STREAMS):
        for v in touched:
            by_age = events_by_age(stream, float(town.population[v]))
            added[k, v] = np.convolve(infections[v], by_age[: min(days, LONGEST_DELAY)])[:days] * (visits[v] if stream.visits else 1.0)
    return np.asarray(added * activity)
