"""What is released of a day of entries: which numbers, and which are hidden so that none tells of fewer than k people. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tongchou.core.wording import T
from tongchou.science.disclosure.suppression import Mark, Marks, protect_counts, protect_groups

K_ANONYMITY, RELEASE_AFTER = "trace.k_anonymity", "footfall.release_after"
MARKS: dict[str, T] = {
    "shown": T("公布", "given"),
    "small": T("少于{k}人", "fewer than {k} people"),
    "withheld": T("不公布，以免推算出小数", "withheld, or a small number could be worked out"),
}
MarkName = Literal["shown", "small", "withheld"]
_NAMES: dict[int, MarkName] = {Mark.SHOWN: "shown", Mark.SMALL: "small", Mark.WITHHELD: "withheld"}
HOURS = 24  # by the town's clock; on the day on which it is set back an hour holds two

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A count as it may be given: a number, or why there is none."""

    mark: MarkName
    count: int | None


@dataclass(frozen=True, slots=True)
class DayOfScans:
    """Everybody who came to a door on a day. Arrays of one length: place in `classes` of the door, hour, who (different people, different numbers), let in or not."""

    door: Whole
    hour: Whole
    who: Whole
    let_in: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What is given of a day: entries of the town, by class of venue, by class and hour, by door; people turned away by door."""

    town: int | None
    classes: dict[str, Figure]
    hours: dict[str, list[Figure]]
    doors: list[Figure]
    refused: list[int | None]


def days_to_release(first: date | None, last: date | None, now: datetime, after: timedelta, at_most: int) -> list[date]:
    """Days over for at least `after`, following the last released one, else from the first with scans; the oldest first. `now` in the town's zone."""
    start = last + timedelta(days=1) if last else first
    if start is None:
        return []
    days = (start + timedelta(days=n) for n in range(at_most))
    return [day for day in days if datetime.combine(day + timedelta(days=1), time(), now.tzinfo) + after <= now]


def day_figures(scans: DayOfScans, classes: Sequence[str], k: int) -> DayFigures:
    """The figures of a day. `classes`: the class of venue of each door, in an order that does not depend on the day's counts.

    Town and classes, classes and hours, classes and doors are three sums that everybody can do: each is protected, and of a class
    that is itself hidden nothing inside is given. Sums over classes by hour are left to the reader, who has only what is shown.
    """
    kinds, of_door = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    entered = scans.let_in
    door, hour, who = scans.door[entered], scans.hour[entered], scans.who[entered]
    kind = of_door[door] if len(door) else door
    by_kind = _counted(kind, who, len(kinds))
    by_hour = _counted(kind * HOURS + hour, who, len(kinds) * HOURS)
    by_door = _counted(door, who, len(classes))
    may_town, tops = protect_groups(*by_kind, len(np.unique(who)), k)
    hours: dict[str, list[Figure]] = {}
    doors = np.full(len(classes), Mark.WITHHELD, np.int8)
    for n, name in enumerate(kinds.tolist()):
        inside = slice(n * HOURS, (n + 1) * HOURS)
        mine = np.flatnonzero(of_door == n)
        hours[name] = _figures(by_hour[0][inside], _inside(tops[n], by_hour[0][inside], by_hour[1][inside], k))
        doors[mine] = _inside(tops[n], by_door[0][mine], by_door[1][mine], k)
    turned, turned_people = _counted(scans.door[~entered], scans.who[~entered], len(classes))
    return DayFigures(
        len(door) if may_town else None,
        dict(zip(kinds.tolist(), _figures(by_kind[0], tops), strict=True)),
        hours,
        _figures(by_door[0], doors),
        [int(n) if people >= k else None for n, people in zip(turned, turned_people, strict=True)],
    )


def count_of_acts(count: int, k: int) -> int | None:
    """What a door did wrong, as it may be given: 0 and k or more as numbers, None between. That it happened at all is among what is odd, and no secret."""
    return None if 0 < count < k else count


def _counted(cell: Whole, who: Whole, cells: int) -> tuple[Whole, Whole]:
    """Entries and different people of each cell."""
    pairs = np.unique(np.stack([cell, who]), axis=1)[0] if len(cell) else cell
    return np.bincount(cell, minlength=cells), np.bincount(pairs, minlength=cells)


def _inside(top: int, counts: Whole, people: Whole, k: int) -> Marks:
    # A class of fewer than k people has fewer in each part: saying so again tells nothing.
    return protect_counts(counts, people, k) if top == Mark.SHOWN else np.full(len(counts), top, np.int8)


def _figures(counts: Whole, marks: Marks) -> list[Figure]:
    return [Figure(_NAMES[mark], int(n) if mark == Mark.SHOWN else None) for n, mark in zip(counts, marks.tolist(), strict=True)]
