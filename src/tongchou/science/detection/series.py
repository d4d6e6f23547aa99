"""What every detector takes and gives: counts in equal steps, a calendar, and one frozen result aligned to the input."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats

WEEKS_PER_YEAR = 52
LARGEST_COUNT = 10_000_000


@dataclass(frozen=True)
class Calendar:
    """How steps make a year. ``first_day`` (Monday of step 0) makes weekly years those of the calendar, 52 or 53 weeks long."""

    steps_per_year: int = WEEKS_PER_YEAR
    first_day: date | None = None

    def __post_init__(self) -> None:
        if self.steps_per_year < 1:
            raise ValueError(f"Calendar: a year has at least one step; got steps_per_year={self.steps_per_year}")

    @cached_property
    def is_dated(self) -> bool:
        return self.first_day is not None and self.steps_per_year == WEEKS_PER_YEAR

    def anniversaries(self, step: int, years_back: int) -> list[int]:
        """Positions of the same season one to ``years_back`` years before, oldest first; may be negative.

        With dates: the week whose Monday is nearest to the same date, as R `surveillance` does; without: whole steps back.
        """
        if not self.is_dated or self.first_day is None:
            return [step - self.steps_per_year * year for year in range(years_back, 0, -1)]
        day = self.first_day + timedelta(weeks=step)
        positions = []
        for year in range(years_back, 0, -1):
            leap_day = day.month == 2 and day.day == 29
            past = date(day.year - year, 3, 1) if leap_day else day.replace(year=day.year - year)
            positions.append(((past - self.first_day).days + 3) // 7)
        return positions


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One verdict per step; all arrays have the shape of the counts.

    expected: what the past lets expect (NaN: not known). upper: largest count that is no alarm (NaN: the method gives none here).
    score: the method's own evidence, larger = more unusual (NaN: nothing can be said). alarm: False wherever the count is missing.
    """

    expected: Floats
    upper: Floats
    score: Floats
    alarm: NDArray[np.bool_]


def checked_counts(counts: Floats, whole: bool = True) -> Floats:
    """Counts as (series, steps); NaN = missing. Refuses what is no count."""
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    if values.ndim != 2:
        raise ValueError(f"counts must be (steps,) or (series, steps); got {values.ndim} dimensions")
    wrong = (values < 0) | np.isinf(values) | (values > LARGEST_COUNT)
    if whole:
        wrong |= values != np.floor(values)
        wrong &= ~np.isnan(values)
    if wrong.any():
        row, step = (int(i) for i in np.argwhere(wrong)[0])
        kind = "whole numbers" if whole else "numbers"
        raise ValueError(
            f"counts must be {kind} of 0 or more, at most {LARGEST_COUNT} (beyond that no method here is meant), NaN = missing; "
            f"series {row}, step {step} is {values[row, step]}"
        )
    return np.ascontiguousarray(values)


def exceedance(values: Floats, expected: Floats, upper: Floats) -> Floats:
    """(value - expected) / (upper - expected): above 1 exactly where the value is above its bound (Noufaily 2013).

    Where the bound is the expectation itself, anything above it is infinitely unusual and the rest not at all.
    """
    above, room = values - expected, upper - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(room > 0, above / np.where(room > 0, room, 1.0), np.where(above > 0, np.inf, 0.0))
    return np.where(np.isnan(above) | np.isnan(room), np.nan, score)


def shaped(counts: Floats, expected: Floats, upper: Floats, score: Floats, alarm: NDArray[np.bool_]) -> Detection:
    """The result in the shape the caller gave: one series in, one series out."""
    shape = np.shape(counts)
    return Detection(expected.reshape(shape), upper.reshape(shape), score.reshape(shape), alarm.reshape(shape))
