"""Writing to the log of scans: many at once, each exactly once.

A scan is no act of an office, so it is no entry of the audit chain; what makes it safe is its number, counted by the device, and the
digest of what was sent. Called by the lane alone, which holds the only connection that writes.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tongchou.domains.gate.models import Scan


class Row(NamedTuple):
    """The columns of a scan in the order of `COLUMNS`; what they mean stands at the model."""

    device: int
    seq: int
    entrance: int
    venue: int
    holder: int | None
    at_s: int
    received_s: int
    way: int
    verdict: int
    reason: int
    told: int
    flags: int
    digest: int


_TABLE = Scan._meta.db_table
_TYPES = {"SmallIntegerField": "smallint", "IntegerField": "integer", "BigIntegerField": "bigint"}
_ARRAYS = ", ".join(f"%s::{_TYPES[Scan._meta.get_field(name).get_internal_type()]}[]" for name in Row._fields)
_COLUMNS = ", ".join(Row._fields)
_POSTGRES = f"INSERT INTO {_TABLE} ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT (device, seq) DO NOTHING"
_ONE = f"({', '.join('?' * len(Row._fields))})"
_ONE_STATEMENT = 256  # rows; more are several statements in one transaction
_KNOWN_AT_ONCE = 400


def append(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Put scans on disk in one transaction; those known already change nothing. Gives the (device, seq) that clash: known with other contents.

    When this returns, everything else is on disk; when it raises, nothing is.
    """
    if not rows:
        return set()
    connection = connections[settings.SCANS_DATABASE]
    if len(rows) > _ONE_STATEMENT:
        with transaction.atomic(using=settings.SCANS_DATABASE):
            written = sum(_insert(connection, rows[start : start + _ONE_STATEMENT]) for start in range(0, len(rows), _ONE_STATEMENT))
    else:
        written = _insert(connection, rows)
    return set() if written == len(rows) else _clashes(rows)


def empty_write_ahead_log() -> bool:
    """On SQLite, move what was written beside the file into it, so that nothing deleted is left there. False when a reader kept it from doing so."""
    connection = connections[settings.SCANS_DATABASE]
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return not cursor.fetchone()[0]


def _insert(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> int:
    """Insert by one statement and give how many were new; outside a transaction it is one of its own, with a single flush."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        with connection.wrap_database_errors:
            return int(connection.connection.execute(_sqlite(len(rows)), tuple(chain.from_iterable(rows))).rowcount)
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRES, [f"{{{','.join(map(_literal, column))}}}" for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


@cache
def _sqlite(count: int) -> str:
    return f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES {', '.join([_ONE] * count)} ON CONFLICT (device, seq) DO NOTHING"


def _literal(number: int | None) -> str:
    return "NULL" if number is None else f"{number:d}"


def _clashes(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Of rows that are all in the table under their numbers now, those that stand there with other contents."""
    found: dict[tuple[int, int], int] = {}
    by_device: dict[int, list[int]] = {}
    for row in rows:
        by_device.setdefault(row.device, []).append(row.seq)
    for device, numbers in by_device.items():
        for start in range(0, len(numbers), _KNOWN_AT_ONCE):
            known = Scan.objects.filter(device=device, seq__in=numbers[start : start + _KNOWN_AT_ONCE]).order_by()
            found |= {(device, seq): digest for seq, digest in known.values_list("seq", "digest")}
    return {(row.device, row.seq) for row in rows if found[row.device, row.seq] != row.digest}
