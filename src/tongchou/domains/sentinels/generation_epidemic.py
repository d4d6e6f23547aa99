"""The hidden epidemic of a generated town: a small stochastic SEIR over villages, one run per outbreak of the story."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tongchou.core.packs.contents import OutbreakSpec, PlaceSpec


@dataclass(frozen=True)
class EpidemicParams:
    """Assumptions of the generated epidemic (science note 2.1: plausible, not fitted)."""

    latent_days: float = 3.0  # assumption
    infectious_days: float = 5.0  # assumption
    inside_share: float = 0.75  # assumption: contacts inside the own village
    gravity_km: float = 1.5  # assumption: contacts elsewhere fall by e over this distance


def infections_by_village(
    random: np.random.Generator, villages: Sequence[PlaceSpec], outbreak: OutbreakSpec, first_day: date, days: int, params: EpidemicParams
) -> NDArray[np.int64]:
    """New infections of one outbreak, villages x days from `first_day`; zero before it is seeded."""
    people = np.array([village.population for village in villages])
    mixing = mixing_matrix(villages, params)
    susceptible, exposed, infectious = people.copy(), np.zeros_like(people), np.zeros_like(people)
    found = np.zeros((len(villages), days), dtype=np.int64)
    start = (outbreak.seeded_on - first_day).days
    contained = (outbreak.contained_on - first_day).days if outbreak.contained_on else days
    home = [village.code for village in villages].index(outbreak.place)
    for day in range(max(0, start), days):
        reproduction = outbreak.reproduction if day < contained else outbreak.reproduction_after
        force = reproduction / params.infectious_days * mixing @ (infectious / people)
        fresh = random.binomial(susceptible, -np.expm1(-force))
        if day == start:
            fresh[home] += outbreak.seeds
        turned = random.binomial(exposed, -np.expm1(-1 / params.latent_days))
        ended = random.binomial(infectious, -np.expm1(-1 / params.infectious_days))
        susceptible, exposed, infectious = susceptible - fresh, exposed + fresh - turned, infectious + turned - ended
        found[:, day] = fresh
    return found


def mixing_matrix(villages: Sequence[PlaceSpec], params: EpidemicParams) -> NDArray[np.float64]:
    """Row v: where the contacts of village v take place; rows sum to one. Gravity by population and distance."""
    people = np.array([village.population for village in villages], dtype=float)
    lat = np.array([village.lat or 0.0 for village in villages])
    lon = np.array([village.lon or 0.0 for village in villages])
    north = 111.32 * (lat[:, None] - lat[None, :])
    east = 111.32 * np.cos(np.radians(lat.mean())) * (lon[:, None] - lon[None, :])
    pull = people[None, :] * np.exp(-np.hypot(north, east) / params.gravity_km)
    np.fill_diagonal(pull, 0.0)
    away = pull / np.maximum(pull.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(params.inside_share * np.eye(len(people)) + (1 - params.inside_share) * away)
