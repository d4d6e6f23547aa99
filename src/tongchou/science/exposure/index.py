"""The day's index: visits sorted by venue and entry, in blocks that are never sorted again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tongchou.science.exposure.model import Codes, Ints, Visits

DAY_S = 86_400
LONG_STAY_S = 7_200  # stays longer than this lie in a block of their own: the search looks back by the longest stay of a block. Speed only.


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Visits entered on one day, sorted by venue, then entry; those of venue v are the rows venue_starts[v] to venue_starts[v + 1].

    entered, left: seconds since `origin_at`. longest_s: the longest stay in it.
    """

    origin_at: int
    venue_starts: Ints
    person: Codes
    entered: Codes
    left: Codes
    first_at: int
    last_at: int
    longest_s: int
    largest_person: int

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True, eq=False)
class VisitIndex:
    """Blocks of visits; made by `index_visits`, put together by `join_indexes`."""

    blocks: tuple[Block, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.blocks))


def index_visits(visits: Visits, *, utc_offset_s: int = 28_800) -> VisitIndex:
    """Sort visits into blocks by the local day of entry; the order of the rows does not matter.

    Parameters
    ----------
    visits : Visits
        A day, many days, or the scans of the last minutes.
    utc_offset_s : int
        Where the day is cut: UTC+8 unless said otherwise. Changes no answer.

    Notes
    -----
    Time O(n log n). A closed day is indexed once and joined with the rest; of today only what is new needs sorting.

    Examples
    --------
    >>> import numpy as np
    >>> from tongchou.science import Visits, join_indexes
    >>> closed = index_visits(Visits(np.array([0, 1]), np.array([0, 0]), np.array([0, 600]), np.array([3600, 4200])))
    >>> new = index_visits(Visits(np.array([2]), np.array([0]), np.array([86400]), np.array([90000])))
    >>> len(join_indexes(closed, new))
    3
    """
    day = (visits.entered_at + utc_offset_s) // DAY_S
    kind = day * 2 + (visits.left_at - visits.entered_at > LONG_STAY_S)
    if kind.size and int(kind.max() - kind.min()) < 2**15:
        kind = (kind - kind.min()).astype(np.int16)  # numpy sorts 16 bits by radix
    order = np.argsort(kind, kind="stable")
    cuts = np.flatnonzero(np.diff(kind[order])) + 1
    return VisitIndex(tuple(_block(visits, rows) for rows in np.split(order, cuts) if rows.size))


def join_indexes(*indexes: VisitIndex) -> VisitIndex:
    """One index over the visits of all; nothing is sorted or copied."""
    return VisitIndex(tuple(block for index in indexes for block in index.blocks))


def forget_before(index: VisitIndex, at: int) -> VisitIndex:
    """The index without visits entered before that second (retention): whole blocks go, the block of that day is copied without them.

    Examples
    --------
    >>> import numpy as np
    >>> from tongchou.science import Visits
    >>> index = index_visits(Visits(np.array([0, 1]), np.array([0, 0]), np.array([0, 600]), np.array([3600, 4200])))
    >>> len(forget_before(index, 600))
    1
    """
    return VisitIndex(tuple(_kept(index, at)))


def _kept(index: VisitIndex, at: int) -> Iterator[Block]:
    for block in index.blocks:
        if block.first_at >= at:
            yield block
        elif block.last_at >= at:
            venue = np.repeat(np.arange(len(block.venue_starts) - 1), np.diff(block.venue_starts))
            kept = np.flatnonzero(block.entered >= at - block.origin_at)
            entered, left = (block.origin_at + column[kept].astype(np.int64) for column in (block.entered, block.left))
            yield _block(Visits(block.person[kept].astype(np.int64), venue[kept], entered, left), np.arange(kept.size))


def _block(visits: Visits, rows: Ints) -> Block:
    entered, venue = visits.entered_at[rows], visits.venue[rows]
    origin = int(entered.min())
    order = np.argsort((venue << 32) | (entered - origin))
    rows, venue = rows[order], venue[order]
    entered, left = entered[order], visits.left_at[rows]
    person = visits.person[rows].astype(np.int32)
    return Block(
        origin,
        np.searchsorted(venue, np.arange(int(venue[-1]) + 2)),
        person,
        (entered - origin).astype(np.int32),
        (left - origin).astype(np.int32),
        origin,
        int(entered.max()),
        int((left - entered).max()),
        int(person.max()),
    )
