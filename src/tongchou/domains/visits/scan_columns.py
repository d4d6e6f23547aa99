"""The log of scans as columns in files, so that who was where is found among tens of millions of scans in a second.

Each file holds one span of the log's row numbers: four rows of whole numbers (holder, venue, instant, way) of the scans that name somebody
and were not refused, then a checksum of every block of each row. Its name says the span and the count. A file is written beside, flushed and
renamed: a crash leaves the old ones, and a span that lies inside another is what such a crash left over. What is new in the log is added
before every question; without files all are made again. A block is checked whenever it is read, and a file that does not hold what was
written is read from the log again. One process writes the log, so its row numbers come into sight in order. Whoever changes files holds
the folder's lock alone; readers share it while they open the files, which stay theirs when others are put in their place.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
import structlog
from django.apps import apps
from django.conf import settings
from django.db.models import Max
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from tongchou.core.passes.verdicts import REFUSED
from tongchou.domains.visits.rules import Whole

FULL = 1_000_000  # scans in a file before the next is begun
BLOCK = 16_384  # scans under one checksum: what is checked is still in the processor's cache when it is searched
_LOCK = ".lock"
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.scans")
_SIEVE = 1 << 20  # places of a sieve that passes every wanted number and few others, and stays in the cache
_NOTHING = np.empty((4, 0), np.int64)
log = structlog.get_logger("tongchou.visits")


def scans() -> Any:
    """The rows of the gate's log: a domain knows another's table by name only."""
    return apps.get_model("gate", "Scan")._default_manager.all()


class Segment(NamedTuple):
    """One file: the scans with row numbers above `after` up to `upto`, and how many of them it holds."""

    after: int
    upto: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.after}-{self.upto}-{self.size}.scans"

    @property
    def blocks(self) -> int:
        return -(-self.size // BLOCK)

    @property
    def bytes(self) -> int:
        return 8 * 4 * (self.size + self.blocks)


class Damaged(Exception):
    """A file does not hold what was written."""


class _File:
    """An open file: its scans in blocks, each checked when it is read. Raises Damaged."""

    def __init__(self, path: Path, segment: Segment) -> None:
        held = np.asarray(np.memmap(path, "<i8", "r")) if segment.size else _NOTHING.ravel()
        self._segment, self._rows = segment, held[: 4 * segment.size].reshape(4, segment.size)
        self._sums = held[4 * segment.size :].view(np.uint64).reshape(4, segment.blocks).tolist()

    def block(self, row: int, number: int) -> Whole:
        held = self._rows[row, number * BLOCK : (number + 1) * BLOCK]
        if xxh3_64_intdigest(held.data) != self._sums[row][number]:
            raise Damaged(self._segment.name)
        return held

    def found(self, row: int, pick: Callable[[Whole], Whole]) -> Iterator[NDArray[np.int64]]:
        """(4, n) for each block of which `pick`, given that row, gives positions; of a block without any the other rows are not read."""
        for number in range(self._segment.blocks):
            at = pick(self.block(row, number))
            if len(at):
                yield np.stack([self.block(each, number)[at] for each in range(4)])


class ScanColumns:
    """The files in one folder. `bring_up_to_date` first; then ask."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _folder()

    def bring_up_to_date(self) -> int:
        """Add what has come into the log; gives how many row numbers that were."""
        with self._changing():
            return self._add_from_log()

    def _add_from_log(self) -> int:
        segments = self._tidied()
        last = scans().aggregate(n=Max("pk"))["n"] or 0
        if segments and segments[-1].upto > last:  # the log was restored from a backup
            self._remove(segments)
            segments = []
        started = upto = segments[-1].upto if segments else 0
        while upto < last:
            open_one = segments.pop() if segments and segments[-1].size < FULL else None
            kept = self._whole(open_one) if open_one else _NOTHING
            end = min(last, upto + FULL)
            new = self._write(open_one.after if open_one else upto, end, np.concatenate([kept, _from_log(upto, end)], axis=1))
            self._remove([open_one] if open_one and open_one != new else [])
            segments.append(new)
            upto = end
        return upto - started

    def of_holders(self, holders: Whole, from_s: int, to_s: int) -> NDArray[np.int64]:
        """(4, n): holder, venue, instant and way of these people's scans between two instants, both included."""
        return self._where(0, holders, from_s, to_s)

    def at_venues(self, venues: Whole, from_s: int, to_s: int) -> NDArray[np.int64]:
        """(4, n): the same of everybody's scans at these venues."""
        return self._where(1, venues, from_s, to_s)

    def between(self, from_s: int, to_s: int) -> NDArray[np.int64]:
        """(4, n): the same of all scans."""
        return self._found(2, lambda at_s: np.flatnonzero((at_s >= from_s) & (at_s <= to_s)))

    def forget_before(self, at_s: int) -> int:
        """Drop what is older than an instant; gives how many scans. The row numbers stay counted."""
        dropped = 0
        with self._changing():
            for segment in self._tidied():
                held = self._whole(segment)
                young = held[:, held[2] >= at_s]
                if young.shape[1] < segment.size:
                    dropped += segment.size - young.shape[1]
                    self._write(segment.after, segment.upto, young)
                    self._remove([segment])
        return dropped

    def segments(self) -> list[Segment]:
        """Whole files in the order of the log, up to the first gap."""
        names = filter(None, (_NAME.fullmatch(path.name) for path in self.folder.glob("*.scans")))
        found = sorted((Segment(*map(int, name.groups())) for name in names), key=lambda s: (s.after, -s.upto, s.size))
        kept: list[Segment] = []
        for segment in found:
            if segment.after == (kept[-1].upto if kept else 0) and self._is_whole(segment):
                kept.append(segment)
        return kept

    def _tidied(self) -> list[Segment]:
        """The same, after removing what a crash left behind and what lies behind a gap."""
        kept = self.segments()
        for path in set(self.folder.iterdir()) - {self.folder / segment.name for segment in kept} - {self.folder / _LOCK}:
            path.unlink(missing_ok=True)
        return kept

    @contextmanager
    def _changing(self) -> Iterator[None]:
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(shared=False):
            yield

    @contextmanager
    def _locked(self, shared: bool) -> Iterator[None]:
        with open(self.folder / _LOCK, "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
            try:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            except ImportError:  # no such lock on Windows, where an open file cannot be replaced anyway
                pass
            yield

    def _is_whole(self, segment: Segment) -> bool:
        try:
            return (self.folder / segment.name).stat().st_size == segment.bytes
        except OSError:
            return False

    def _whole(self, segment: Segment) -> NDArray[np.int64]:
        """All that a file holds; if it is damaged, what the log says of its span, and it is made anew."""
        try:
            file = _File(self.folder / segment.name, segment)
            return np.concatenate([_NOTHING, *file.found(0, lambda row: np.arange(len(row)))], axis=1)
        except Damaged:
            log.warning("visits.file_damaged", file=segment.name, folder=str(self.folder), remedy="read from the log again")
            held = _from_log(segment.after, segment.upto)
            if self._write(segment.after, segment.upto, held) != segment:  # meanwhile something was forgotten
                self._remove([segment])
            return held

    def _write(self, after: int, upto: int, held: NDArray[np.int64]) -> Segment:
        segment, beside = Segment(after, upto, held.shape[1]), self.folder / f".{os.getpid()}-{get_ident()}"
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            held = np.ascontiguousarray(held, "<i8")
            sums = [xxh3_64_intdigest(row[start : start + BLOCK].data) for row in held for start in range(0, held.shape[1], BLOCK)]
            file.write(held.tobytes() + np.array(sums, "<u8").tobytes())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.folder / segment.name)
        return segment

    def _remove(self, segments: list[Segment]) -> None:
        for segment in segments:
            (self.folder / segment.name).unlink(missing_ok=True)

    def _opened(self) -> list[_File]:
        if not self.folder.exists():
            return []
        with self._locked(shared=True):
            return [_File(self.folder / segment.name, segment) for segment in self.segments()]

    def _found(self, row: int, pick: Callable[[Whole], Whole]) -> NDArray[np.int64]:
        try:
            return np.concatenate([_NOTHING, *(part for file in self._opened() for part in file.found(row, pick))], axis=1)
        except Damaged:
            with self._changing():
                for segment in self._tidied():
                    self._whole(segment)
            return np.concatenate([_NOTHING, *(part for file in self._opened() for part in file.found(row, pick))], axis=1)

    def _where(self, row: int, wanted: Whole, from_s: int, to_s: int) -> NDArray[np.int64]:
        sieve, masked = np.zeros(_SIEVE, bool), np.empty(BLOCK, np.int64)
        sieve[wanted & (_SIEVE - 1)] = True
        near = self._found(row, lambda held: np.flatnonzero(sieve[np.bitwise_and(held, _SIEVE - 1, out=masked[: len(held)])]))
        near = near[:, (near[2] >= from_s) & (near[2] <= to_s)]
        return near[:, np.isin(near[row], wanted)]


def times_in(path: Path) -> Iterator[Whole]:
    """The instants of the scans that a file of any log's columns holds, block by block. Raises Damaged when it does not hold what its name says."""
    named = _NAME.fullmatch(path.name)
    segment = Segment(*map(int, named.groups())) if named else Segment(0, 0, 0)
    if named is None or path.stat().st_size != segment.bytes:
        raise Damaged(path.name)
    file = _File(path, segment)
    yield from (file.block(2, number) for number in range(segment.blocks))


def _folder() -> Path:
    """A folder for each log, so that another database never meets the files of this one."""
    database = settings.DATABASES[settings.SCANS_DATABASE]
    named = "|".join(str(database.get(key, "")) for key in ("ENGINE", "HOST", "PORT", "NAME"))
    return Path(settings.HOME) / "scan-columns" / sha256(named.encode()).hexdigest()[:16]


def _from_log(after: int, upto: int) -> NDArray[np.int64]:
    rows = scans().filter(pk__gt=after, pk__lte=upto, holder__isnull=False).exclude(verdict=REFUSED).order_by("pk")
    read = list(rows.values_list("holder", "venue", "at_s", "way"))
    return np.array(read, dtype=np.int64).reshape(-1, 4).T
