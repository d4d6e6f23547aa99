"""Inputs of the three risks (B7: imported, mobility, gathering) and what is said of them."""

import math
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the lower and upper end of what it may be; ends left out: known exactly."""

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        low, high = self.ends
        if not (math.isfinite(low) and math.isfinite(high) and 0 <= low <= self.value <= high):
            raise ValueError(f"Estimate: finite, 0 <= low <= value <= high; got {self.low} {self.value} {self.high}")

    @property
    def ends(self) -> tuple[float, float]:
        return (self.value if self.low is None else self.low, self.value if self.high is None else self.high)


def require_share(name: str, estimate: Estimate, *, least: float = 0.0) -> None:
    """Refuse what is no share."""
    low, high = estimate.ends
    if low < least or high > 1:
        raise ValueError(f"{name} is a share in [{least}, 1]; got {low} to {high}")


@dataclass(frozen=True, slots=True)
class RiskParams:
    """What an infectious person does to others. Configuration of the disease, not of the town."""

    horizon_days: int = 7  # assumption: the duty desk plans a week
    reproduction_number: Estimate = Estimate(2.5, 1.6, 4.0)  # assumption: the three worlds of docs/methods/fusion_benchmark.md
    infectious_days: Estimate = Estimate(5.0)  # assumption: as in docs/methods/fusion_benchmark.md
    susceptible: Estimate = Estimate(1.0)  # assumption: a new variant meets no immunity; errs high
    contacts_per_day: float = 18.8  # Shanghai before the epidemic: Zhang et al. 2020 10.1126/science.abb8001
    away_share: Estimate = Estimate(
        0.25
    )  # assumption: a quarter of a traveller's contacts are made where she travels (docs/methods/fusion_benchmark.md: 75 % inside)

    def __post_init__(self) -> None:
        require_share("susceptible", self.susceptible)
        require_share("away_share", self.away_share)
        if self.horizon_days < 1 or self.contacts_per_day <= 0 or self.infectious_days.ends[0] <= 0:
            raise ValueError(f"RiskParams: horizon of at least a day, positive contacts and infectious days; got {self}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where people come from: arrivals a day who stay (commuters once a day), reported cases there, and how many infectious are stopped."""

    name: str
    arrivals_per_day: Estimate
    reported_per_100k_day: Estimate
    ascertainment: Estimate  # share of infections there that are reported
    stopped: Estimate  # share of infectious arrivals found or quarantined before they meet anybody

    def __post_init__(self) -> None:
        require_share(f"{self.name}: ascertainment", self.ascertainment, least=1e-6)
        require_share(f"{self.name}: stopped", self.stopped)


@dataclass(frozen=True, slots=True)
class Village:
    """A village: its people, and how many of them are infectious today (from the nowcast or the posterior size)."""

    name: str
    residents: float
    infectious: Estimate

    def __post_init__(self) -> None:
        if not self.residents > 0 or self.infectious.ends[1] > self.residents:
            raise ValueError(
                f"village {self.name}: residents positive, no more infectious than residents; got {self.residents}, {self.infectious}"
            )


@dataclass(frozen=True, slots=True)
class Flow:
    """Residents of `home` who spend part of a day in `visited`, a day."""

    home: str
    visited: str
    people_per_day: Estimate

    def __post_init__(self) -> None:
        if self.home == self.visited:
            raise ValueError(f"flow within {self.home}: a flow joins two villages")

    @property
    def name(self) -> str:
        return f"{self.home} → {self.visited}"


@dataclass(frozen=True, slots=True)
class Gathering:
    """A venue, an event or a school over the horizon: people at a time, how often, how long, how close, and how many infectious come in."""

    name: str
    people: Estimate
    sessions: float
    hours: float
    close_contacts_per_hour: Estimate
    infectious_share: Estimate  # among those who want to come in
    stopped: Estimate  # share of them turned away at the door

    def __post_init__(self) -> None:
        require_share(f"{self.name}: infectious_share", self.infectious_share)
        require_share(f"{self.name}: stopped", self.stopped)
        if not (0 <= self.sessions < math.inf and 0 <= self.hours <= 24):
            raise ValueError(f"{self.name}: sessions not negative, hours in [0, 24]; got {self.sessions}, {self.hours}")


@dataclass(frozen=True, slots=True)
class Part:
    """One cause: expected events, and its part of the score (tenths; the parts add up to the score exactly)."""

    name: str
    expected: float
    points: Decimal


@dataclass(frozen=True, slots=True)
class Risk:
    """A score from 0 to 100, largest parts first.

    `score` = 100 (1 - e^(-expected)): the chance, in per cent, of at least one such event within the horizon if events come independently.
    `low`, `high`: the score with every input at its harmless and at its harmful end. Above `expected` = 5 the score says 99 and more: read `expected`.
    """

    score: Decimal
    low: Decimal
    high: Decimal
    expected: float
    expected_low: float
    expected_high: float
    parts: tuple[Part, ...]
