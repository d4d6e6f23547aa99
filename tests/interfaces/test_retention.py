"""The check that old scans are gone: one is planted in each place, and is found there and nowhere else."""

import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from tests.domains.gate.door import door  # noqa: F401
from tests.domains.testing.samplers import parameter
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.people.models import Post, Posting, User
from tongchou.core.wording import use_language
from tongchou.domains.gate.models import Device, Scan
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.visits.scan_columns import ScanColumns
from tongchou.interfaces import clock, retention
from tongchou.interfaces.cli import archive, operating
from tongchou.interfaces.cli.archive_scans import COLUMNS
from tongchou.interfaces.cli.shell import Fault
from tongchou.interfaces.retention import Limit, Looked, archives_of, limit_at, look_everywhere, note_archive, young_enough

pytestmark = pytest.mark.django_db(databases="__all__")
DAY = timedelta(days=1)
MARKER = 0x5A17C0DE5A17C0DE
YOUNG, OLD = AT - 27 * DAY, AT - 40 * DAY


@pytest.fixture
def home(door: Device, installed_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:  # noqa: F811
    """A folder for the installation, a log of one young scan laid out in columns, and a process's log."""
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "logs/gate.log").write_text("2022-06-02T10:00:00Z [info] book read doors=3\n")
    monkeypatch.setattr(settings, "HOME", home)
    # The file of the test run holds what other tests have left in it.
    monkeypatch.setattr(retention, "log_files", lambda: [home.parent / "live.sqlite3"])
    with closing(live(home)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    monkeypatch.setattr(clock, "now", lambda: AT)
    parameter("gate.keep_scans_for", "day", 28)
    parameter("gate.backup_scans_for", "day", 7)
    Scan.objects.all().delete()
    scan(1, YOUNG)
    ScanColumns().bring_up_to_date()
    with use_language("en"):
        yield home


def live(home: Path, *, secure: bool = True) -> sqlite3.Connection:
    """The file of a log in use; what is done stays in its write-ahead log until that is emptied."""
    file = sqlite3.connect(home.parent / "live.sqlite3", isolation_level=None)
    file.executescript(f"PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = {'ON' if secure else 'OFF'};")
    file.execute(f"CREATE TABLE IF NOT EXISTS gate_scan (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(COLUMNS.split(', ')[1:])})")
    return file


def put(file: sqlite3.Connection, at: datetime, count: int = 1) -> None:
    at_s = int(at.timestamp())
    rows = [(None, 1, n, 1, 1, 2**50 + n, at_s, at_s, 0, 0, 0, 0, 0, MARKER + n) for n in range(count)]
    file.executemany(f"INSERT INTO gate_scan VALUES ({', '.join('?' * 14)})", rows)


def scan(seq: int, at: datetime) -> None:
    at_s = int(at.timestamp())
    append([Row(1, seq, 1, 1, 7, at_s, at_s, 0, 0, 0, 0, 0, seq)])


def limit() -> Limit:
    found = limit_at(AT, "/")
    assert found is not None
    return found


def found(*folders: Path) -> list[Looked]:
    return look_everywhere(limit(), at=AT, folders=folders)


def in_the_table(home: Path) -> None:
    scan(2, OLD)


def in_a_file_left_over(home: Path) -> None:
    with closing(sqlite3.connect(home / "scans.before-the-move")) as file:
        file.executescript(f"CREATE TABLE gate_scan (id INTEGER, at_s INTEGER); INSERT INTO gate_scan VALUES (1, {int(OLD.timestamp())});")


def in_the_write_ahead_log(home: Path) -> None:
    """Deleted, and nobody has emptied the log since."""
    held = live(home)
    KEPT_OPEN.append(held)
    put(held, OLD)
    held.execute("DELETE FROM gate_scan")


def in_pages_beneath_it(home: Path) -> None:
    """On disk, then deleted in the log only."""
    held = live(home)
    KEPT_OPEN.append(held)
    put(held, OLD)
    held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held.execute("DELETE FROM gate_scan")


def in_pages_set_free(home: Path) -> None:
    with closing(live(home, secure=False)) as held:
        put(held, OLD, 500)
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        held.execute("DELETE FROM gate_scan")
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")


KEPT_OPEN: list[sqlite3.Connection] = []  # closing the last connection would empty the log


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while KEPT_OPEN:
        KEPT_OPEN.pop().close()


def in_columns_of_another_log(home: Path) -> None:
    other = ScanColumns(home / "scan-columns" / "0123456789abcdef")
    with other._changing():
        other._write(0, 1, np.array([[7], [1], [int(OLD.timestamp())], [0]]))


def in_a_log(home: Path) -> None:
    (home / "logs/pages.1.log").write_text("2022-04-20T08:00:00Z [error] no answer holder=123456789 venue=4\n")


def in_an_archive(home: Path) -> None:
    note_archive(
        home, written(home.parent / "kept/town.tar", {"count": 5, "oldest": OLD.isoformat(), "newest": OLD.isoformat(), "last_number": 5})
    )


def in_an_archive_that_does_not_say(home: Path) -> None:
    note_archive(home, written(home.parent / "kept/older.tar", None, AT - DAY))


def written(path: Path, scans: dict[str, Any] | None, made_at: datetime = AT) -> Path:
    """An archive with a manifest and nothing else: the check must not need the rest."""
    path.parent.mkdir(exist_ok=True)
    told: dict[str, Any] = {"format": 1 if scans is None else 2, "made_at": made_at.isoformat(), "database": "sqlite", "files": {}}
    (path.parent / "manifest.json").write_text(json.dumps(told if scans is None else told | {"scans": scans}))
    with tarfile.open(path, "w") as tar:
        tar.add(path.parent / "manifest.json", arcname="manifest.json")
    (path.parent / "manifest.json").unlink()
    return path


PLANTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "table": (in_the_table, "tables"),
    "file": (in_a_file_left_over, "tables"),
    "write-ahead log": (in_the_write_ahead_log, "bytes of the database file"),
    "pages": (in_pages_beneath_it, "bytes of the database file"),
    "free pages": (in_pages_set_free, "bytes of the database file"),
    "columns": (in_columns_of_another_log, "column files"),
    "log": (in_a_log, "logs"),
    "archive": (in_an_archive, "backups"),
    "older archive": (in_an_archive_that_does_not_say, "backups"),
}


def test_where_nothing_is_too_old_nothing_is_found_and_what_cannot_be_seen_is_named(home: Path) -> None:
    rows = found()
    assert {row.state for row in rows} == {"ok", "unseen", "kept"}
    assert [(row.kind.en, row.held, row.oldest_at) for row in rows if row.held and row.state == "ok"] == [
        ("tables", 1, YOUNG), ("column files", 1, YOUNG), ("logs", 1, None),
    ]  # fmt: skip
    unseen = {row.where for row in rows if row.state == "unseen"}
    assert {"scanners", "machine"} <= unseen


def test_bytes_of_rows_that_are_wiped_or_young_are_no_old_scans(home: Path) -> None:
    with closing(live(home)) as held:
        put(held, OLD, 500)
        put(held, YOUNG, 3)
        held.execute(f"DELETE FROM gate_scan WHERE at_s < {int(AT.timestamp()) - 30 * 86_400}")
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        put(held, YOUNG)
        (row,) = [row for row in found() if row.kind.en.startswith("bytes")]
        assert row.state == "ok" and row.held and row.held > 1, "pages were freed, and wiped"
        put(held, OLD)
        (row,) = [row for row in found() if row.kind.en.startswith("bytes")]
        assert row.state == "unseen" and "First delete" in row.said.en  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PLANTED)
def test_an_old_scan_is_found_where_it_was_planted_and_nowhere_else(home: Path, name: str) -> None:
    plant, kind = PLANTED[name]
    plant(home)
    (row,) = [row for row in found() if row.state == "old"]
    assert row.kind.en == kind and row.old > 0 and row.said is not None
    if name == "free pages":
        assert row.oldest_at is None and row.old == row.held and row.held > 1
        return
    assert row.oldest_at == (AT - 29 * DAY if name == "older archive" else datetime(2022, 4, 20, 8, tzinfo=UTC) if name == "log" else OLD)


def test_the_table_is_looked_at_in_both_databases(home: Path) -> None:
    """Where the log has a database of its own, one left in the other is found as well."""
    if settings.SCANS_DATABASE == "default":
        in_the_table(home)
    else:
        with connections["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE gate_scan (id INTEGER, at_s INTEGER)")
            cursor.execute("INSERT INTO gate_scan VALUES (1, %s)", [int(OLD.timestamp())])
    (row,) = [row for row in found() if row.state == "old"]
    assert row.where.startswith("default ")


def test_what_is_too_old_by_minutes_is_the_workers_to_delete(home: Path) -> None:
    scan(2, AT - 28 * DAY - timedelta(minutes=30))
    assert not [row for row in found() if row.state == "old"]


def test_a_pass_in_a_log_is_told_even_while_it_is_young(home: Path) -> None:
    (home / "logs/gate.log").write_text(f"2022-06-02T10:00:00Z scanned TC1:{'A' * 80}\n2022-06-02T10:00:01Z ID:31019919900101123X\n")
    (row,) = [row for row in found() if row.kind.en == "logs"]
    assert (row.state, row.held, row.old) == ("ok", 2, 0) and "2 lines speak of scans" in row.said.en  # type: ignore[union-attr]


def test_damaged_files_missing_archives_and_leftovers_are_named(home: Path) -> None:
    (columns,) = (home / "scan-columns").iterdir()
    (file,) = columns.glob("*.scans")
    content = file.read_bytes()
    file.write_bytes(content[:16] + b"\xff" + content[17:])  # in the instant
    (home / "scan-columns" / columns.name / ".99-1").write_bytes(b"half")
    kept = home.parent / "kept"
    kept.mkdir()
    note_archive(home, kept / "moved.tar")
    (kept / "letter.tar").write_text("dear colleague")
    (kept / f"{archive.SCRATCH}x").mkdir()
    (home / "scans.csv").write_text("id\n")
    unseen = {Path(row.where).name for row in found(home.parent / "nowhere") if row.state == "unseen"}
    assert {file.name, ".99-1", "moved.tar", "letter.tar", f"{archive.SCRATCH}x", "scans.csv", "nowhere"} <= unseen


def test_archives_beside_a_known_one_and_in_named_folders_are_looked_at(home: Path) -> None:
    young = {"count": 1, "oldest": YOUNG.isoformat(), "newest": YOUNG.isoformat(), "last_number": 1}
    note_archive(home, written(home.parent / "kept/a.tar", young))
    note_archive(home, home.parent / "kept/a.tar")
    written(home.parent / "kept/copied.tar", young | {"oldest": OLD.isoformat()})
    written(home.parent / "usb/b.tar", None, AT - DAY)
    rows = {Path(row.where).name: row for row in found(home.parent / "usb") if row.kind.en == "backups"}
    assert {name: row.state for name, row in rows.items()} == {"a.tar": "ok", "copied.tar": "old", "b.tar": "old"}
    assert "due by 2022-06-03" in rows["a.tar"].said.en and archives_of(home) == [home.parent / "kept/a.tar"]  # type: ignore[union-attr]


def test_the_command_ends_with_1_when_anything_is_too_old(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(operating, "start_django", lambda: None)
    operating.check(operating.What.RETENTION)
    assert "nothing too old" in capsys.readouterr().out
    in_an_archive(home)
    with pytest.raises(Fault, match="1 places hold scans from before"):
        operating.check(operating.What.RETENTION)
    assert "forget-scans" in capsys.readouterr().out
    with pytest.raises(Fault):
        operating.check(operating.What.RETENTION, backups=[home.parent / "usb"], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [(place["kind"], place["old"]) for place in told["places"] if place["state"] == "old"] == [("backups", 5)]


def test_a_town_that_sets_no_time_is_told_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tongchou.core.parameters.models import ParameterValue

    assert young_enough(AT, "/") == (AT - 21 * DAY, 28 * DAY)
    ParameterValue.objects.filter(parameter__key="gate.keep_scans_for").delete()
    assert limit_at(AT, "/") is None and young_enough(AT, "/") == (None, None)
    monkeypatch.setattr(operating, "start_django", lambda: None)
    with pytest.raises(Fault, match="no retention time"):
        operating.check(operating.What.RETENTION)


def test_the_page_and_programs_say_the_same(home: Path, installed_town: Town) -> None:
    auditor = User.objects.create_user("jin", password="correct horse", name_zh="金", name_en="Jin")
    post = Post.objects.create(
        code="auditor",
        kind="auditor",
        unit=installed_town.posts["duty-leader"].unit,
        place=installed_town.town,
        name_zh="审计",
        name_en="Auditor",
    )
    Posting.objects.create(user=auditor, post=post, from_at=AT - DAY)
    client = Client()
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = "en"
    assert "Nothing too old" in client.get("/audit/retention").content.decode()
    in_the_table(home)
    in_a_log(home)
    text = client.get("/audit/retention").content.decode()
    assert "2 places hold scans that are too old" in text and "pages.1.log" in text
    told = Caller("jin").get("/audit/retention").json()
    assert [place["kind"]["en"] for place in told["places"] if place["state"] == "old"] == ["tables", "logs"]
    assert Caller("lin").get("/audit/retention").status_code == 404


# The archives themselves.


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's files with two scans, one of them nearly too old, numbered up to 9."""
    from tongchou.core.keys import load_keys

    monkeypatch.delenv("TONGCHOU_DATABASE", raising=False)
    town = tmp_path / "town"
    load_keys(town)
    with closing(sqlite3.connect(town / archive.SQLITE_FILE)) as file:
        file.execute("CREATE TABLE task (name TEXT)")
    columns = COLUMNS.split(", ")
    with closing(sqlite3.connect(town / archive.SCANS_FILE)) as file:
        file.execute(f"CREATE TABLE gate_scan (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(columns[1:])})")
        for number, at in ((8, AT - 24 * DAY), (9, AT)):
            at_s = int(at.timestamp())
            file.execute(
                f"INSERT INTO gate_scan VALUES ({', '.join('?' * 14)})",
                [number, 1, number, 1, 1, 7, at_s, at_s, 0, 0, 0, 0, 0, MARKER + number],
            )
        file.commit()
    return town


def scans_in(folder: Path) -> tuple[list[int], int]:
    with closing(sqlite3.connect(folder / archive.SCANS_FILE)) as file:
        return [n for (n,) in file.execute("SELECT id FROM gate_scan")], file.execute("SELECT seq FROM sqlite_sequence").fetchone()[0]


def test_scans_too_old_to_lie_in_an_archive_stay_out_of_it_to_the_last_byte(town: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.tar"
    told = archive.make_backup(town, kept, at=AT, head=(0, "0" * 64), since=AT - 21 * DAY, keep=28 * DAY)
    assert (told["scans"]["count"], told["scans"]["oldest"], told["scans"]["due_at"]) == (1, AT.isoformat(), (AT + 28 * DAY).isoformat())
    content = kept.read_bytes()
    assert [(MARKER + n).to_bytes(8) in content for n in (8, 9)] == [False, True] and scans_in(town) == ([8, 9], 9)
    assert archive.manifest_of(kept) == told == archive.verify_archive(kept)


def test_the_scans_of_an_archive_are_taken_out_and_all_else_stays(town: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.tar"
    before = archive.make_backup(town, kept, at=AT, head=(3, "ab" * 32))
    after = archive.forget_scans_in(kept, at=AT + DAY)
    assert (after["scans"]["count"], after["scans"]["oldest"], after["audit"]) == (0, None, before["audit"])
    content = kept.read_bytes()
    assert not any((MARKER + n).to_bytes(8) in content for n in (8, 9)) and kept.stat().st_mode & 0o077 == 0
    assert before["files"][archive.SQLITE_FILE] == after["files"][archive.SQLITE_FILE]
    archive.restore_backup(kept, tmp_path / "again", town / "keys.json", "")
    assert scans_in(tmp_path / "again") == ([], 9), "what comes next goes on behind the last number"
    assert archive.forget_scans_in(kept, at=AT + DAY)["scans"]["last_number"] == 9


def test_the_table_of_a_server_is_emptied_in_its_archive_too(tmp_path: Path) -> None:
    kept = tmp_path / "kept.tar"
    rows = "id,device\n8,1\n9,1\n"
    told = {
        "format": 2,
        "made_at": AT.isoformat(),
        "database": "postgresql",
        "scans": {"count": 2, "oldest": OLD.isoformat(), "newest": None, "last_number": 9},
    }
    told["files"] = {"scans.csv": {"bytes": len(rows), "sha256": sha256(rows.encode()).hexdigest()}}
    for name, text in (("manifest.json", json.dumps(told)), ("scans.csv", rows)):
        (tmp_path / name).write_text(text)
    with tarfile.open(kept, "w") as tar:
        for name in ("manifest.json", "scans.csv"):
            tar.add(tmp_path / name, arcname=name)
    after = archive.forget_scans_in(kept, at=AT)
    with tarfile.open(kept) as tar:
        left = tar.extractfile("scans.csv").read().decode()  # type: ignore[union-attr]
    assert left.count("\n") == 1 and left.startswith("id,device,seq,") and after["scans"] | {"count": 0, "last_number": 9} == after["scans"]


def test_an_archive_that_is_no_archive_is_left_as_it_is(tmp_path: Path) -> None:
    letter = tmp_path / "letter.tar"
    letter.write_text("dear colleague")
    with pytest.raises(Fault, match="not a sound backup"):
        archive.forget_scans_in(letter, at=AT)
    assert letter.read_text() == "dear colleague"


def test_a_dump_of_the_first_form_holds_its_scans_inside(tmp_path: Path) -> None:
    old = written(tmp_path / "kept/old.tar", None)
    with tarfile.open(old) as tar:
        told = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    (tmp_path / "manifest.json").write_text(json.dumps(told | {"database": "postgresql"}))
    with tarfile.open(old, "w") as tar:
        tar.add(tmp_path / "manifest.json", arcname="manifest.json")
    with pytest.raises(Fault, match="inside the dump"):
        archive.forget_scans_in(old, at=AT)
