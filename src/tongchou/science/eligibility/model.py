"""Who may get what: rules of conditions on fields, the facts of firms as columns, and what changing a fact takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
SEPARATOR = "|"  # between the values of a cell that holds several


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field has one of these values; a flag has the values "true" and "false"."""

    values: frozenset[str]

    def holds(self, value: str) -> bool:
        return not self.values.isdisjoint(value.split(SEPARATOR))


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The field is a code below one of these in its hierarchy, as GB/T 4754 codes are: 5234 is below 52."""

    codes: tuple[str, ...]

    def holds(self, value: str) -> bool:
        return any(part.startswith(self.codes) for part in value.split(SEPARATOR))


@dataclass(frozen=True, slots=True)
class Within:
    """The field is a number from `low` to `high`, each end included unless open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise ValueError("Within: an end that is no number")

    def meeting(self, other: "Within") -> "Within":
        """What both hold of."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        low_open = any(w.low == low and w.low_open for w in (self, other))
        high_open = any(w.high == high and w.high_open for w in (self, other))
        return Within(low, high, low_open, high_open)

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


Test = OneOf | StartsWith | Within


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one field; `negated`: it must not hold. Not known either way while the field is unknown."""

    field: str
    test: Test
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold; without parts it always does."""

    parts: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must hold; without parts it never does."""

    parts: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not hold."""

    part: "Rule"


Rule = Condition | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """A column of words: (firms,) positions in `values`; -1 where the fact is not known."""

    codes: Codes
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        codes = np.ascontiguousarray(self.codes, np.int32)
        if codes.ndim != 1 or (codes.size and not -1 <= codes.min() <= codes.max() < len(self.values)):
            raise ValueError(f"Choices: codes must be one column from -1 to {len(self.values) - 1}")
        object.__setattr__(self, "codes", codes)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column of numbers: (firms,), NaN where the fact is not known; days as their ordinal."""

    values: Floats

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, np.float64)
        if values.ndim != 1:
            raise ValueError(f"Numbers: one column wanted; got shape {values.shape}")
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.values)


Column = Choices | Numbers


def choices(cells: Sequence[str | bool | None]) -> Choices:
    """A column from words or flags; None and the empty text are not known.

    Examples
    --------
    >>> choices(["micro", None, "small", "micro"]).codes.tolist()
    [0, -1, 1, 0]
    >>> choices([True, False]).values
    ('false', 'true')
    """
    words = [None if cell is None or cell == "" else str(cell).lower() if isinstance(cell, bool) else cell for cell in cells]
    values = tuple(sorted({word for word in words if word is not None}))
    number = {word: n for n, word in enumerate(values)}
    return Choices(np.array([-1 if word is None else number[word] for word in words], np.int32), values)


@dataclass(frozen=True, slots=True)
class Effort:
    """What changing a fact takes, in one unit for all fields, for example days of work.

    fixed: any change; per_unit: more for each unit by which a number must move; step: least move of a number beyond an end that is open.
    possible=False: nobody can change it (an industry, a district). ask: what finding it out takes where it is not known.
    """

    fixed: float = 1.0
    per_unit: float = 0.0
    step: float = 1.0
    possible: bool = True
    ask: float = 0.1

    def __post_init__(self) -> None:
        for name in ("fixed", "per_unit", "step", "ask"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"Effort: {name} must be finite and not below 0; got {value}")


@dataclass(frozen=True, slots=True)
class Efforts:
    """The effort of each field; `otherwise` for those not named."""

    by_field: Mapping[str, Effort] = field(default_factory=dict)
    otherwise: Effort = Effort()

    def of(self, name: str) -> Effort:
        return self.by_field.get(name, self.otherwise)
