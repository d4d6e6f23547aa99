"""What a SQLite file still holds of rows that are gone: its write-ahead log, its free pages, and its own pages while the log waits.

Deleting is not forgetting: a deleted row stays in the file until its page is written anew, and in the write-ahead log until that is cut to
nothing. Formats: https://www.sqlite.org/fileformat2.html
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_LEAF, _LONGEST_FREE_LIST = 0x0D, 2**24
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes of a value by its serial type
_EARLIEST_S, _LATEST_S = 10**9, 2**32  # 2001 to 2106: what may be the instant of a scan


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Instants (seconds since 1970 UTC) of old scans in the table as it is now, in the file beneath its write-ahead log, in that log; free pages not wiped, of how many.

    What is in the table is found in its pages too: only once nothing is there do the others tell of rows that were deleted.
    """

    in_table: tuple[int, ...]
    in_pages: tuple[int, ...]
    in_log: tuple[int, ...]
    unwiped: int
    free: int


def leftovers(path: Path, table: str, columns: tuple[str, ...], before_s: int) -> Leftovers | None:
    """What a database file still holds of scans made before an instant, although no query finds them; None: the table is none of its own.

    Raises OSError, sqlite3.DatabaseError, ValueError.
    """
    in_table = _old_rows(path, table, before_s, "")
    if in_table is None:
        return None
    place = columns.index("at_s")
    log = Path(f"{path}-wal")
    old = tuple(at_s for at_s in _instants(log, len(columns), place) if at_s < before_s) if log.exists() else ()
    unwiped, free = _free_pages(path)
    return Leftovers(in_table, _old_rows(path, table, before_s, "&immutable=1") or (), old, unwiped, free)


def _old_rows(path: Path, table: str, before_s: int, how: str) -> tuple[int, ...] | None:
    """Old rows as a query finds them; `&immutable=1`: of the file itself, as it is without its write-ahead log."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro{how}", uri=True)) as file:
        if not file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return None
        return tuple(at_s for (at_s,) in file.execute(f"SELECT at_s FROM {table} WHERE at_s < ?", (before_s,)))


def _free_pages(path: Path) -> tuple[int, int]:
    """(not wiped, all): pages of the free list whose bytes are not all zero, and how many there are."""
    with path.open("rb") as file:
        head = file.read(100)
        if len(head) < 100:
            return 0, 0
        size = struct.unpack(">H", head[16:18])[0]
        size = 65_536 if size == 1 else size
        trunk, left = struct.unpack(">II", head[32:40])
        wiped, unwiped, free = bytes(size), 0, 0
        while trunk and free <= min(left, _LONGEST_FREE_LIST):
            page = _page(file, trunk, size)
            trunk, count = struct.unpack(">II", page[:8])
            if 8 + 4 * count > size:
                raise ValueError("the free list is damaged")
            free += 1 + count
            unwiped += page[8 + 4 * count :].strip(b"\0") != b""
            unwiped += sum(_page(file, number, size) != wiped for number in struct.unpack(f">{count}I", page[8 : 8 + 4 * count]))
    return unwiped, free


def _page(file, number: int, size: int) -> bytes:  # type: ignore[no-untyped-def]
    file.seek((number - 1) * size)
    page: bytes = file.read(size)
    if len(page) < size:
        raise ValueError("the free list leads out of the file")
    return page


def _instants(log: Path, columns: int, place: int) -> Iterator[int]:
    """The instants of all rows in a write-ahead log that have this many columns: of every frame, those of former rounds too."""
    content = log.read_bytes()
    if len(content) < 32:
        return
    size = struct.unpack(">I", content[8:12])[0]
    if size not in {2**n for n in range(9, 17)}:
        raise ValueError("no write-ahead log of SQLite")
    for start in range(32 + 24, len(content) - size + 1, size + 24):
        page = content[start : start + size]
        if page[0] == _LEAF:  # the first page of a file begins with a header instead, and holds no rows of a large table
            yield from _rows(page, columns, place)


def _rows(page: bytes, columns: int, place: int) -> Iterator[int]:
    """The values at a place of the rows on a leaf page; what is no such row is passed over."""
    count = struct.unpack(">H", page[3:5])[0]
    for n in range(min(count, (len(page) - 8) // 2)):
        try:
            found = _value(page, struct.unpack(">H", page[8 + 2 * n : 10 + 2 * n])[0], columns, place)
        except (IndexError, struct.error):
            continue
        if found is not None and _EARLIEST_S <= found < _LATEST_S:
            yield found


def _value(page: bytes, at: int, columns: int, place: int) -> int | None:
    _, at = _varint(page, at)  # length of the row
    _, at = _varint(page, at)  # its number
    begin = at
    length, at = _varint(page, at)
    kinds = []
    while at < begin + length:
        kind, at = _varint(page, at)
        kinds.append(kind)
    if len(kinds) != columns or any(kind > 9 for kind in kinds):
        return None
    at = begin + length + sum(_SIZES[kind] for kind in kinds[:place])
    size = _SIZES[kinds[place]]
    return int.from_bytes(page[at : at + size], signed=True) if size else None


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(8):
        byte = page[at + n]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at + n + 1
    return value << 8 | page[at + 8], at + 9
