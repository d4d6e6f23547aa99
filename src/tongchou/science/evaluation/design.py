"""The weekly benchmark's 42 scenarios and the outbreaks laid into them (N13: Noufaily 2013, B17: Bédubourg & Le Strat 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats

WEEKS = 624  # N13: twelve years of 52 weeks
WEEKS_PER_YEAR = 52
PAST_OUTBREAK_STARTS = (312, 575)  # N13: weeks 313-575, here from 0, the end not included
CURRENT = np.arange(575, WEEKS)  # N13: weeks 576-624
CURRENT_STARTS = (575, 619)  # assumption: weeks 576-619, so that an outbreak has weeks left to be seen in
PAST_OUTBREAKS = 4  # N13
PAST_SIZES = (0, 2, 3, 5, 10)  # N13
SIZES = tuple(range(1, 11))  # N13: in standard deviations of the baseline
DELAY_LOG_SD = 0.5  # B17: a case appears floor(LogNormal(0, .5)) weeks after the start

# B17, abstract: lowest and highest of the 21 methods tried there, each at its nominal setting (so at very different rates of false alarms).
PUBLISHED_RANGES: Mapping[str, tuple[float | None, float | None]] = {
    "fpr": (0.007, 0.599),
    "pod": (0.433, 0.887),
    "ppv": (0.065, 0.684),
    "sensitivity": (None, 0.795),
    "specificity": (None, 0.994),
}


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One row of N13's table, by way of a public transcription (see tests/data/simulation_design/PROVENANCE.md)."""

    theta: float
    beta: float
    gamma1: float
    gamma2: float
    phi: float


SETS = (
    ParameterSet(0.1, 0.0025, 0.6, 0.6, 1.5),
    ParameterSet(-2.0, 0.005, 0.1, 0.3, 2.0),
    ParameterSet(1.5, 0.003, 0.2, -0.4, 1.0),
    ParameterSet(0.5, 0.002, 0.5, 0.5, 5.0),
    ParameterSet(2.5, 0.001, 1.0, 0.1, 3.0),
    ParameterSet(3.75, 0.001, 0.1, -0.1, 1.1),
    ParameterSet(5.0, 0.0001, 0.05, 0.01, 1.2),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A parameter set with or without trend, with 0, 1 or 2 harmonics."""

    set_number: int
    harmonics: int
    has_trend: bool

    @property
    def parameters(self) -> ParameterSet:
        return SETS[self.set_number - 1]

    def mean(self) -> Floats:
        """Expected counts without outbreaks, (WEEKS,): N13 equation (1)."""
        p, t = self.parameters, np.arange(1, WEEKS + 1)
        log_mean = p.theta + p.beta * t * self.has_trend
        for j in range(1, self.harmonics + 1):
            angle = 2 * np.pi * j * t / WEEKS_PER_YEAR
            log_mean = log_mean + p.gamma1 * np.cos(angle) + p.gamma2 * np.sin(angle)
        return np.asarray(np.exp(log_mean))


SCENARIOS = tuple(Scenario(s, m, trend) for s in range(1, len(SETS) + 1) for m in (0, 1, 2) for trend in (False, True))


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Series of all scenarios, one after another.

    counts: (series, WEEKS), without a current outbreak. added: (series, sizes, current weeks), cases of one current outbreak of each size.
    mean: (series, WEEKS), dispersion and scenario (its position): (series,).
    """

    counts: Floats
    added: Floats
    mean: Floats
    dispersion: Floats
    scenario: NDArray[np.int64]

    def with_outbreaks(self) -> Floats:
        """Every series once with each of its current outbreaks: (series x sizes, WEEKS)."""
        counts = np.repeat(self.counts, self.added.shape[1], axis=0)
        counts[:, CURRENT] += self.added.reshape(-1, len(CURRENT))
        return counts


def simulate(seed: int, series_per_scenario: int = 20, scenarios: tuple[Scenario, ...] = SCENARIOS) -> Simulated:
    """Draw the design.

    Notes
    -----
    Counts are NegBin(mean mu, variance phi mu): size = mu/(phi - 1); phi = 1 is Poisson. (A public script sets size = (mu + mu^2)/(phi mu),
    which does not give that variance.) An outbreak has Poisson(k sd) cases, sd = sqrt(phi mu) of its first week, each a lognormal delay
    later. A current outbreak without a case is drawn again. Counts, past and current outbreaks have a random stream each per series, named
    by seed, scenario and position: more series a scenario leave the first ones as they were.

    Examples
    --------
    >>> simulate(1, 1).counts.shape
    (42, 624)
    """
    if seed < 0 or series_per_scenario < 1:
        raise ValueError(f"simulate: seed from 0, series_per_scenario from 1; got {seed} and {series_per_scenario}")
    parts = []
    for scenario in scenarios:
        mean, phi = scenario.mean(), scenario.parameters.phi
        name = (SCENARIOS.index(scenario),)
        for replicate in range(series_per_scenario):
            key = (seed, *name, replicate)
            counts = _counts(_stream("counts", key), mean, phi) + _past_outbreaks(_stream("past outbreaks", key), mean, phi)
            parts.append((counts, _current_outbreaks(_stream("current outbreaks", key), mean, phi), mean, phi, name[0]))
    counts, added, means, dispersions, numbers = (np.array(column) for column in zip(*parts, strict=True))
    return Simulated(counts, added, means, dispersions, numbers)


def _stream(purpose: str, key: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng([crc32(purpose.encode()), *key])


def _counts(rng: np.random.Generator, mean: Floats, phi: float) -> Floats:
    drawn = rng.poisson(mean) if phi == 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
    return drawn.astype(np.float64)


def _past_outbreaks(rng: np.random.Generator, mean: Floats, phi: float) -> Floats:
    """Four outbreaks of one size that nobody labelled."""
    size, added = int(rng.choice(PAST_SIZES)), np.zeros(WEEKS)
    for _ in range(PAST_OUTBREAKS):
        added += outbreak(rng, mean, phi, int(rng.integers(*PAST_OUTBREAK_STARTS)), size)
    return added


def _current_outbreaks(rng: np.random.Generator, mean: Floats, phi: float) -> Floats:
    """One outbreak of each size, with at least one case in the current weeks: (sizes, current weeks)."""
    rows = []
    for size in SIZES:
        added = np.zeros(WEEKS)
        while not added.any():
            added = outbreak(rng, mean, phi, int(rng.integers(*CURRENT_STARTS)), size)
        rows.append(added[CURRENT])
    return np.array(rows)


def outbreak(rng: np.random.Generator, mean: Floats, phi: float, start: int, size: float) -> Floats:
    """Cases by week of one outbreak; those after the last week are lost."""
    cases = rng.poisson(size * np.sqrt(phi * mean[start]))
    weeks = start + np.floor(rng.lognormal(0.0, DELAY_LOG_SD, cases)).astype(np.int64)
    return np.bincount(weeks[weeks < len(mean)], minlength=len(mean)).astype(np.float64)
