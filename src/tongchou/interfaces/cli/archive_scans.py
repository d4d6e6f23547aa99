"""The log of scans in a backup: a member of its own, cut to what may still be kept for a while, and taken out again when its time has come.

Who was where must be gone after `gate.keep_scans_for`, wherever it lies. So an archive holds only scans young enough to stay in it for
`gate.backup_scans_for` days, its manifest says how old the oldest is, and `forget_scans_in` writes the archive anew without them.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCANS_FILE, SCANS_TABLE_FILE, TABLE = "scans.sqlite3", "scans.csv", "gate_scan"
COLUMNS = "id, device, seq, entrance, venue, holder, at_s, received_s, way, verdict, reason, told, flags, digest"
Psql = Callable[[list[str], str], str]


def scans_url(home: Path) -> str:
    """Where the log of scans lies when it lies on a server; empty for a file of this folder."""
    return os.environ.get("TONGCHOU_SCANS", "") or ("" if (home / SCANS_FILE).exists() else os.environ.get("TONGCHOU_DATABASE", ""))


def cut_file(copy: Path, since_s: int | None) -> dict[str, Any]:
    """Leave in a copied file only scans made from an instant on (seconds since 1970 UTC; None: all), without a byte of the others; says what is left."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as kept:
        if not kept.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone():
            return _said(0, None, None, 0)
        if since_s is not None:
            kept.execute("PRAGMA journal_mode = DELETE")
            kept.execute("PRAGMA secure_delete = ON")
            kept.execute(f"DELETE FROM {TABLE} WHERE at_s < ?", (since_s,))
            kept.execute("VACUUM")
        count, oldest, newest = kept.execute(f"SELECT COUNT(*), MIN(at_s), MAX(at_s) FROM {TABLE}").fetchone()
        numbered = kept.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (TABLE,)).fetchone()
    return _said(count, oldest, newest, numbered[0] if numbered else 0)


def copy_table(target: Path, url: str, since_s: int | None, psql: Psql) -> dict[str, Any]:
    """Write the scans of a server, made from an instant on, to a CSV file; says what is in it. One snapshot."""
    since = f"WHERE at_s >= {since_s}" if since_s is not None else ""
    told = psql(
        [
            "psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "-c", f"SELECT COUNT(*), MIN(at_s), MAX(at_s) FROM {TABLE} {since}",
            "-c", f"SELECT COALESCE(MAX(last_value), 0) FROM pg_sequences WHERE sequencename = '{TABLE}_id_seq'",
            "-c", f"\\copy (SELECT {COLUMNS} FROM {TABLE} {since} ORDER BY id) TO '{target}' WITH (FORMAT csv, HEADER)",
            "-c", "COMMIT",
        ],
        url,
    ).splitlines()  # fmt: skip
    count, oldest, newest = told[0].split("|")
    return _said(int(count), int(oldest) if oldest else None, int(newest) if newest else None, int(told[1]))


def load_table(source: Path, url: str, last_number: int, psql: Psql) -> None:
    """Put the scans of a CSV file into a server's empty log, and go on numbering behind the last number that was given there."""
    psql(
        [
            "psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", f"\\copy {TABLE} ({COLUMNS}) FROM '{source}' WITH (FORMAT csv, HEADER)",
            "-c", f"SELECT setval(pg_get_serial_sequence('{TABLE}', 'id'), {max(last_number, 1)}, {'true' if last_number else 'false'})",
        ],
        url,
    )  # fmt: skip


def emptied(member: Path, last_number: int) -> dict[str, Any]:
    """Take every scan out of a member of an archive, keeping the number behind which a restored log goes on."""
    if member.name == SCANS_FILE:
        cut_file(member, 2**62)
    else:
        member.write_text(COLUMNS.replace(" ", "") + "\n", "utf-8")
    return _said(0, None, None, last_number)


def oldest_in(told: dict[str, Any] | None) -> datetime | None:
    """When the oldest scan that a manifest speaks of was made; None: it holds none."""
    return datetime.fromisoformat(told["oldest"]) if told and told["oldest"] else None


def _said(count: int, oldest_s: int | None, newest_s: int | None, last_number: int) -> dict[str, Any]:
    instants = {name: _instant(at_s) for name, at_s in (("oldest", oldest_s), ("newest", newest_s))}
    return {"count": count, **instants, "last_number": last_number}


def _instant(at_s: int | None) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat()
