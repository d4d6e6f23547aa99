"""What a draw is made from and what it gives."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything that may be drawn: unit (a pseudonymous name), its stratum, its risk figure (1 where none is known)."""

    units: tuple[str, ...]
    strata: tuple[str, ...]
    risk: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.units) == len(self.strata) == len(self.risk):
            raise ValueError(f"Frame: {len(self.units)} units, {len(self.strata)} strata, {len(self.risk)} risks; the three must be equal")
        if len(set(self.units)) < len(self.units):
            twice = next(u for u in self.units if self.units.count(u) > 1)
            raise ValueError(f"Frame: unit {twice!r} stands more than once")
        for unit, risk in zip(self.units, self.risk, strict=True):
            if not (math.isfinite(risk) and risk >= 0):
                raise ValueError(f"Frame: the risk of unit {unit!r} must be a finite number of 0 or more; got {risk}")


@dataclass(frozen=True, slots=True)
class StratumDesign:
    """How many to draw in one stratum, how many more to hold in reserve; by risk: weight = risk held between floor and cap."""

    name: str
    size: int
    reserve: int = 0
    by_risk: bool = False
    floor: float = 0.25  # assumption: nobody is safe enough never to be drawn
    cap: float = 4.0  # assumption: with the floor, no weight is more than 16 times another

    def __post_init__(self) -> None:
        if self.size < 1 or self.reserve < 0:
            raise ValueError(f"stratum {self.name!r}: size from 1, reserve from 0; got {self.size}, {self.reserve}")
        if not 0 < self.floor <= self.cap < math.inf:
            raise ValueError(f"stratum {self.name!r}: 0 < floor <= cap; got {self.floor}, {self.cap}")


@dataclass(frozen=True, slots=True)
class DrawnUnit:
    """One unit drawn: its place in the order of its stratum (from 1; the reserve has an order of its own), its inclusion probability."""

    unit: str
    stratum: str
    is_reserve: bool
    order: int
    probability: float


@dataclass(frozen=True, slots=True)
class Draw:
    """Sample and reserve; `certain`: units that the weights would have drawn with more than certainty, taken for sure."""

    units: tuple[DrawnUnit, ...]
    certain: tuple[str, ...]
