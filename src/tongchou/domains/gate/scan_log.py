"""Writing to the log of scans: many at once, each exactly once.

A scan is no act of an office, so it is no entry of the audit chain; what makes it safe is its number, counted by the device, and the
digest of what was sent. Called by the lane alone, which holds the only connection that writes.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from django.conf import settings
from django.db import connections, transaction

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
_SQLITE = f"INSERT OR IGNORE INTO {_TABLE} ({_COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))})"
_KNOWN_AT_ONCE = 400


def append(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Put scans on disk in one transaction; those known already change nothing. Gives the (device, seq) that clash: known with other contents.

    When this returns, everything else is on disk; when it raises, nothing is.
    """
    connection = connections[settings.SCANS_DATABASE]
    with transaction.atomic(using=settings.SCANS_DATABASE):
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            written = connection.connection.executemany(_SQLITE, rows).rowcount
        else:
            with connection.cursor() as cursor:
                cursor.execute(_POSTGRES, [list(map(itemgetter(column), rows)) for column in range(len(Row._fields))])
                written = cursor.rowcount
        return set() if written == len(rows) else _clashes(rows)


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
