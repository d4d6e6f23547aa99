"""The exposed-visit query: everyone whose stay overlapped that of an infectious person at one venue, over one or more generations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tongchou.science.exposure.index import Block, VisitIndex
from tongchou.science.exposure.kernel import CONTACTS, FIRST, SHARED, UNREACHED, candidates, collect, push, rows_of, sweep
from tongchou.science.exposure.model import Cases, Codes, ExposureParams, Exposures, Floats, Ints

Method = Literal["auto", "push", "sweep"]
METHODS = ("auto", "push", "sweep")
SAMPLED_STAYS = 1000
PUSH_NS, SWEEP_NS, SORT_NS = 4.0, 8.0, 60.0  # per candidate, visit, infectious stay; measured. They choose the way, never the answer.
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class _Stays:
    """Infectious stays, clipped to the windows, by venue: those of venue v are starts[v] to stops[v]; seconds since the origin."""

    starts: Ints
    stops: Ints
    begins: Codes
    ends: Codes

    def __len__(self) -> int:
        return int((self.stops - self.starts[:-1]).sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Reached:
    """What is known of each person by code: generation; number, seconds and first second of the meetings with the one before; their dose."""

    generation: NDArray[np.int8]
    tally: Ints  # (persons, 4): one column is spare, so that a row never lies on two lines of memory
    dose: Floats


def find_exposed(
    index: VisitIndex,
    cases: Cases,
    params: ExposureParams = ExposureParams(),
    *,
    dose_per_s: Floats | None = None,
    method: Method = "auto",
) -> Exposures:
    """Find everyone whose stay overlapped an infectious one at the same venue by at least the minimum, over one or more generations.

    Parameters
    ----------
    index : VisitIndex
        From `index_visits`; join the newest scans with `join_indexes`.
    cases : Cases
        Persons with the windows in which they were infectious. A person without visits is no error.
    params : ExposureParams
        Minimum overlap in seconds, generations.
    dose_per_s : Floats, optional
        By venue code, from `dose_rate`: gives the column `risk`. A code beyond its end is an error.
    method : {"auto", "push", "sweep"}
        The way of searching; the answer is the same. "auto" estimates which is quicker.

    Returns
    -------
    Exposures

    Notes
    -----
    Stays and windows are half-open. Generation g + 1 are those not yet listed who met someone of generation g in that one's visits from first exposure
    until the end of the last window of all cases. Who shares two venues at once with someone meets twice.

    Examples
    --------
    >>> import numpy as np
    >>> from tongchou.science import Cases, ExposureParams, Visits, index_visits
    >>> visits = Visits(np.array([0, 1, 2]), np.array([7, 7, 7]), np.array([0, 1800, 4000]), np.array([3600, 7200, 8000]))
    >>> found = find_exposed(index_visits(visits), Cases(np.array([0]), np.array([0]), np.array([86400])), ExposureParams(900, generations=2))
    >>> found.person.tolist(), found.generation.tolist(), found.first_at.tolist(), found.shared_s.tolist()
    ([1, 2], [1, 2], [1800, 4000], [1800, 3200])
    """
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    windows = cases.merged()
    origin = int(windows.from_at.min()) if len(windows) else 0
    until = int(windows.to_at.max()) - origin if len(windows) else 0
    weight = _weights(index, dose_per_s)
    reached = _nobody(1 + max([b.largest_person for b in index.blocks] + windows.person.tolist(), default=-1))
    reached.generation[windows.person] = 0
    spells = (windows.person, windows.from_at - origin, windows.to_at - origin)
    for generation in range(1, params.generations + 1):
        stays = _stays(index, reached.generation, generation - 1, spells, origin, params.minimum_overlap_s)
        _meet(index, stays, origin, params.minimum_overlap_s, weight, reached, method)
        exposed = np.flatnonzero((reached.tally[:, CONTACTS] > 0) & (reached.generation == UNREACHED))
        reached.generation[exposed] = generation
        spells = (exposed, reached.tally[exposed, FIRST], np.full(exposed.size, until))
        if not exposed.size:
            break
    return _listed(reached, origin, dose_per_s is not None)


def _weights(index: VisitIndex, dose_per_s: Floats | None) -> Floats:
    venues = _venues(index.blocks)
    if dose_per_s is None:
        return np.zeros(0)
    weight = np.asarray(dose_per_s, np.float64)
    if weight.ndim != 1 or len(weight) < venues or not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError(f"dose_per_s: one finite number of 0 or more for each of {venues} venues; got {weight.shape}")
    return weight


def _nobody(persons: int) -> _Reached:
    tally = np.zeros((persons, 4), np.int64)
    tally[:, FIRST] = NEVER
    return _Reached(np.full(persons, UNREACHED, np.int8), tally, np.zeros(persons))


def _stays(
    index: VisitIndex, generation: NDArray[np.int8], wanted: int, spells: tuple[Ints, Ints, Ints], origin: int, shortest: int
) -> _Stays:
    """The visits of one generation within the spells (person, begin, end; sorted by person), by venue."""
    persons, begin, end = spells
    rank = np.arange(persons.size) - np.searchsorted(persons, persons)  # 0 for the first spell of a person, 1 for the second, ...
    near = [b for b in index.blocks if persons.size and b.first_at - origin < end.max() and b.last_at + b.longest_s - origin > begin.min()]
    room, counts, found = np.empty(max(map(len, near), default=0) + 1, np.int32), np.zeros(_venues(near), np.int64), []
    for block in near:
        rows = room[: rows_of(block.person, generation, wanted, room)].copy()
        found.append(rows)
        counts[: len(block.venue_starts) - 1] += np.diff(np.searchsorted(rows, block.venue_starts))
    ranks = int(rank.max(initial=-1)) + 1
    starts = np.concatenate([[0], np.cumsum(counts * ranks)])
    stays = _Stays(starts, starts[:-1].copy(), np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32))
    window = np.zeros((len(generation), 2), np.int32)
    for k in range(ranks):
        window[:] = 0
        window[persons[rank == k]] = np.column_stack([begin, end])[rank == k]
        for block, rows in zip(near, found, strict=True):
            collect(rows, *_columns(block), block.origin_at - origin, window, shortest, stays.stops, stays.begins, stays.ends)
    return stays


def _venues(blocks: Sequence[Block]) -> int:
    return max((len(b.venue_starts) - 1 for b in blocks), default=0)


def _columns(block: Block) -> tuple[Ints, Codes, Codes, Codes]:
    return block.venue_starts, block.person, block.entered, block.left


def _meet(index: VisitIndex, stays: _Stays, origin: int, shortest: int, weight: Floats, reached: _Reached, method: Method) -> None:
    """Add the meetings of those not yet reached with these infectious stays."""
    if not len(stays):
        return
    by_venue = (stays.starts, stays.stops, stays.begins, stays.ends)
    tally = (weight, reached.generation, reached.tally, reached.dose)
    if method == "push" or (method == "auto" and _push_is_quicker(index.blocks, stays, origin, shortest)):
        for block in index.blocks:
            push(*by_venue, *_columns(block), block.longest_s, block.origin_at - origin, shortest, *tally)
        return
    for column in (stays.begins, stays.ends):
        for low, high in zip(stays.starts.tolist(), stays.stops.tolist(), strict=False):
            column[low:high].sort()
    for block in index.blocks:
        sweep(*by_venue, *_columns(block), block.longest_s, block.origin_at - origin, shortest, *tally)


def _push_is_quicker(blocks: Sequence[Block], stays: _Stays, origin: int, shortest: int) -> bool:
    """Compare estimated times; how many visits stand around an infectious stay is taken from every so many-th of them."""
    step = max(1, len(stays) // SAMPLED_STAYS)
    by_venue = (stays.starts, stays.stops, stays.begins, stays.ends)
    looked_at = sum(candidates(*by_venue, b.venue_starts, b.entered, b.longest_s, b.origin_at - origin, shortest, step) for b in blocks)
    return bool(PUSH_NS * step * looked_at <= SWEEP_NS * sum(map(len, blocks)) + SORT_NS * len(stays))


def _listed(reached: _Reached, origin: int, has_risk: bool) -> Exposures:
    person = np.flatnonzero(reached.generation > 0)
    person = person[np.argsort(reached.generation[person], kind="stable")]
    risk = -np.expm1(-reached.dose[person]) if has_risk else np.full(person.size, np.nan)
    contacts, shared, first = reached.tally[person][:, [CONTACTS, SHARED, FIRST]].T
    return Exposures(person, reached.generation[person], first + origin, contacts, shared, risk)
