"""The reporting triangle: events by the day they belong to and the days until they were reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LONGEST_PAST_DAYS = 36_600


@dataclass(frozen=True, slots=True, eq=False)
class ReportingTriangle:
    """What was known at the end of ``as_of``: ``counts[t, d]`` events of reference day ``first_day + t``, first reported d days later.

    The last row is ``as_of`` itself. Cells reported after it are NaN, whatever was passed. NaN at or before it = that report was never
    published (0 = published, nothing new). ``late`` counts the events left out because they came after the longest delay kept.
    """

    first_day: date
    counts: Floats
    late: float = 0.0

    def __post_init__(self) -> None:
        counts = np.array(self.counts, dtype=np.float64)
        if counts.ndim != 2 or counts.shape[0] < 1 or counts.shape[1] < 2:
            raise ValueError(f"triangle: counts must be (reference days, delays 0..D) with D of 1 or more, got shape {counts.shape}")
        days, delays = np.indices(counts.shape)
        counts[days + delays >= len(counts)] = np.nan
        bad = np.argwhere((counts < 0) | np.isinf(counts))
        if len(bad):
            t, d = (int(x) for x in bad[0])
            day = self.first_day + timedelta(t)
            raise ValueError(
                f"triangle: {counts[t, d]:g} events of {day} reported {d} days later; a count is 0 or more: net corrections off against "
                'earlier reports of the same day (corrections="net") or leave the cell NaN'
            )
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)

    @property
    def as_of(self) -> date:
        """The last day whose reports are in the triangle."""
        return self.first_day + timedelta(len(self.counts) - 1)

    @property
    def max_delay(self) -> int:
        """The longest delay kept, in days."""
        return int(self.counts.shape[1]) - 1

    @property
    def reported(self) -> Floats:
        """Events reported so far, by reference day."""
        return np.asarray(np.nansum(self.counts, axis=1))

    def seen_on(self, day: date) -> "ReportingTriangle":
        """The triangle as it was known at the end of an earlier day."""
        rows = (day - self.first_day).days + 1
        if not 1 <= rows <= len(self.counts):
            raise ValueError(f"triangle: {day} lies outside {self.first_day}..{self.as_of}")
        return ReportingTriangle(self.first_day, self.counts[:rows])


def triangle_of(
    reference_days: Sequence[date],
    reported_days: Sequence[date],
    counts: Sequence[float] | Floats,
    as_of: date,
    max_delay: int = 40,
    corrections: Literal["refuse", "net"] = "refuse",
) -> ReportingTriangle:
    """Lay out a list of reports as it was known at the end of ``as_of``.

    Parameters
    ----------
    reference_days, reported_days, counts: one report each, (n,): newly reported events of a reference day. A pair of days that is absent
        means 0. Reports after ``as_of`` are left out: they were not known.
    max_delay: longest delay kept, days; later reports are left out and counted in ``late``.
    corrections: what a negative count means. "refuse": an error; "net": events withdrawn, taken from the latest earlier reports of that
        day (as known on that report day; withdrawing more than was reported is an error).

    Returns
    -------
    ReportingTriangle from the first reference day known to ``as_of``.

    Examples
    --------
    >>> from datetime import date
    >>> triangle_of([date(2022, 5, 1), date(2022, 5, 1)], [date(2022, 5, 1), date(2022, 5, 2)], [3, 2], date(2022, 5, 2), 1).reported
    array([5., 0.])
    """
    if not len(reference_days) == len(reported_days) == len(counts):
        raise ValueError("triangle: reference_days, reported_days and counts differ in length")
    if max_delay < 1:
        raise ValueError(f"triangle: max_delay must be 1 or more, got {max_delay}")
    known: list[tuple[date, date, float]] = []
    seen: set[tuple[date, date]] = set()
    for n, (day, reported, count) in enumerate(zip(reference_days, reported_days, counts, strict=True)):
        _check_report(n, day, reported, float(count), seen, corrections)
        seen.add((day, reported))
        if reported <= as_of:
            known.append((day, reported, float(count)))
    if not known:
        raise ValueError(f"triangle: no report on or before {as_of}")
    first = min(day for day, _, _ in known)
    rows = (as_of - first).days + 1
    if rows > LONGEST_PAST_DAYS:
        raise ValueError(f"triangle: {first}..{as_of} is longer than a hundred years; look for a mistyped date")
    cells, late = np.zeros((rows, max_delay + 1)), 0.0
    for day, reported, count in sorted(known, key=lambda report: report[:2]):
        t, delay = (day - first).days, (reported - day).days
        if delay > max_delay:
            late += count
        elif count >= 0:
            cells[t, delay] = count
        else:
            _withdraw(cells[t], delay, -count, day)
    return ReportingTriangle(first, cells, late)


def _check_report(
    n: int, day: date, reported: date, count: float, seen: set[tuple[date, date]], corrections: Literal["refuse", "net"]
) -> None:
    """Refuse a report that cannot be: ``n`` is its 0-based position."""
    where = f"report {n + 1} ({day}, reported {reported})"
    if reported < day:
        raise ValueError(f"{where}: reported before the day it belongs to; exchange the two days")
    if not np.isfinite(count):
        raise ValueError(f"{where}: the count is {count}; leave the report out when nothing was published")
    if count < 0 and corrections == "refuse":
        raise ValueError(f'{where}: the count is {count:g}; withdrawn events need corrections="net"')
    if (day, reported) in seen:
        raise ValueError(f"{where}: these two days stand there twice; add the counts up or name a group")


def _withdraw(cells: Floats, delay: int, amount: float, day: date) -> None:
    """Take withdrawn events from the latest earlier reports of the same day."""
    for d in range(delay, -1, -1):
        taken = min(amount, cells[d])
        cells[d] -= taken
        amount -= taken
        if amount <= 0:
            return
    raise ValueError(f"triangle: {day}: {amount:g} more events withdrawn than had been reported")
