"""Who was where, who was infectious when, and who met them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
LARGEST_CODE = 2**31 - 2
LONGEST_S = 2_000_000_000  # times are kept as 32-bit seconds from the first of a day or of the windows: 63 years


def _columns(name: str, columns: dict[str, ArrayLike]) -> dict[str, Ints]:
    """Whole numbers of one length, and the codes among them in range."""
    found: dict[str, Ints] = {}
    for key, given in columns.items():
        column = np.asarray(given)
        if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
            raise ValueError(f"{name}: {key} must be one column of whole numbers; got {column.dtype} of shape {column.shape}")
        found[key] = np.ascontiguousarray(column, np.int64)
    if len({c.size for c in found.values()}) > 1:
        raise ValueError(f"{name}: the columns must be equally long; got {', '.join(f'{k} {c.size}' for k, c in found.items())}")
    for key in ("person", "venue"):
        if key in found and (wrong := np.flatnonzero((found[key] < 0) | (found[key] > LARGEST_CODE))).size:
            raise ValueError(f"{name}, row {wrong[0]}: {key} must be a code from 0 to {LARGEST_CODE}; got {found[key][wrong[0]]}")
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Stays [entered_at, left_at) of persons at venues, a row each, in any order.

    person, venue: codes 0, 1, 2, ... (tables as long as the largest code are made: number the names first). entered_at, left_at: whole seconds
    since 1970 UTC. Equal times are a stay of no length: kept, met by nobody. Where nobody saw the person leave, see `assume_departures`.
    Raises ValueError with the row for a departure before the entry or more than 63 years after it.
    """

    person: Ints
    venue: Ints
    entered_at: Ints
    left_at: Ints

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in ("person", "venue", "entered_at", "left_at")}
        for name, column in _columns("Visits", columns).items():
            object.__setattr__(self, name, column)
        wrong = np.flatnonzero((self.left_at < self.entered_at) | (self.left_at - self.entered_at > LONGEST_S))
        if wrong.size:
            row = wrong[0]
            raise ValueError(f"Visits, row {row}: entered_at {self.entered_at[row]}, left_at {self.left_at[row]} is no stay")

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Infectious windows [from_at, to_at) of persons, a row each, seconds since 1970 UTC; overlapping windows of one person are one."""

    person: Ints
    from_at: Ints
    to_at: Ints

    def __post_init__(self) -> None:
        for name, column in _columns("Cases", {name: getattr(self, name) for name in ("person", "from_at", "to_at")}).items():
            object.__setattr__(self, name, column)
        if wrong := np.flatnonzero(self.to_at <= self.from_at).tolist():
            row = wrong[0]
            raise ValueError(f"Cases, row {row}: the window from {self.from_at[row]} to {self.to_at[row]} is empty")
        if len(self.person) and self.to_at.max() - self.from_at.min() > LONGEST_S:
            raise ValueError("Cases: the windows span more than 63 years; look for a wrong date")

    def __len__(self) -> int:
        return len(self.person)

    def merged(self) -> "Cases":
        """The same times, sorted by person and begin, no two windows of a person touching."""
        order = np.lexsort((self.to_at, self.from_at, self.person))
        rows: list[list[int]] = []
        for person, begin, end in zip(self.person[order].tolist(), self.from_at[order].tolist(), self.to_at[order].tolist(), strict=True):
            if rows and rows[-1][0] == person and begin <= rows[-1][2]:
                rows[-1][2] = max(rows[-1][2], end)
            else:
                rows.append([person, begin, end])
        table = np.array(rows, np.int64).reshape(-1, 3)
        return Cases(table[:, 0], table[:, 1], table[:, 2])


@dataclass(frozen=True, slots=True)
class ExposureParams:
    """What counts as a meeting, and how many steps are followed."""

    minimum_overlap_s: int = 900  # 15 minutes, the usual close-contact rule; the office states its own
    generations: int = 1  # 2: also those who met the exposed

    def __post_init__(self) -> None:
        if self.minimum_overlap_s < 1 or self.generations < 1:
            raise ValueError(f"ExposureParams: minimum_overlap_s and generations from 1; got {self.minimum_overlap_s}, {self.generations}")


@dataclass(frozen=True, slots=True, eq=False)
class Exposures:
    """Everyone exposed, each once, sorted by generation and person; all columns equally long.

    generation: 1 met a case, 2 met someone of generation 1 after that one's first exposure, and so on; cases are not listed.
    first_at: second in which the first meeting with the generation before began. contacts: meetings with it, a meeting being a pair of
    stays at one venue that overlap by at least the minimum. shared_s: their overlaps added up; two at a time count twice.
    risk: chance of infection (Wells and Riley) if those met were infectious; NaN where no ventilation was given.
    """

    person: Ints
    generation: NDArray[np.int8]
    first_at: Ints
    contacts: Ints
    shared_s: Ints
    risk: Floats

    def __len__(self) -> int:
        return len(self.person)
