"""Backup and restore of one folder: nothing is called a backup unread, nothing is overwritten, nothing half-restored."""

import json
import shutil
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tongchou.core.keys import load_keys
from tongchou.interfaces.cli import archive
from tongchou.interfaces.cli.shell import Fault

AT = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)
HEAD = (3, "ab" * 32)


@pytest.fixture(autouse=True)
def on_sqlite(monkeypatch):
    monkeypatch.delenv("TONGCHOU_DATABASE", raising=False)


@pytest.fixture
def town(tmp_path):
    """An installation with a row still in the write-ahead log, one evidence file, a demo clock and keys."""
    home = tmp_path / "town"
    load_keys(home)
    live = sqlite3.connect(home / archive.SQLITE_FILE)
    live.executescript("PRAGMA journal_mode=WAL; CREATE TABLE task (name TEXT); INSERT INTO task VALUES ('trace contacts');")
    photo = b"\xff\xd8\xff photo"
    digest = sha256(photo).hexdigest()
    (home / "evidence" / digest[:2]).mkdir(parents=True)
    (home / "evidence" / digest[:2] / digest).write_bytes(photo)
    (home / "evidence" / digest[:2] / f".{digest}.77").write_bytes(b"half-written")
    (home / "clock.json").write_text('{"shift_seconds": 0}')
    yield home
    live.close()


@pytest.fixture
def kept(town, tmp_path):
    """A backup of the town and its keys, kept apart."""
    archive.make_backup(town, tmp_path / "kept.tar", at=AT, head=HEAD)
    return tmp_path / "kept.tar", shutil.copy(town / "keys.json", tmp_path / "keys.json")


def rewritten(source, target, change):
    """The same archive with one member changed, its own header made right again."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is not None:
                path = target.parent / "piece"
                path.write_bytes(content)
                new.add(path, arcname=member.name)
    return target


def test_a_backup_holds_everything_but_the_keys(town, kept):
    with tarfile.open(kept[0]) as tar:
        names = set(tar.getnames())
    assert {"manifest.json", "tongchou.sqlite3", "clock.json"} < names
    assert not any("keys" in name or "/." in name for name in names)
    assert kept[0].stat().st_mode & 0o077 == 0


def test_a_restored_town_is_the_town(town, kept, tmp_path):
    manifest = archive.restore_backup(kept[0], tmp_path / "again", tmp_path / "keys.json", "")
    with closing(sqlite3.connect(tmp_path / "again" / archive.SQLITE_FILE)) as copy:
        assert copy.execute("SELECT name FROM task").fetchall() == [("trace contacts",)]
    assert manifest["audit"] == {"entries": 3, "digest": "ab" * 32}
    for name in manifest["files"]:
        if name.startswith("evidence/"):
            assert (tmp_path / "again" / name).read_bytes() == (town / name).read_bytes()
    assert load_keys(tmp_path / "again") == load_keys(town)
    assert (tmp_path / "again" / "keys.json").stat().st_mode & 0o077 == 0


def test_a_backup_never_replaces_a_file(town, kept):
    before = kept[0].read_bytes()
    with pytest.raises(Fault, match="already there"):
        archive.make_backup(town, kept[0], at=AT, head=HEAD)
    assert kept[0].read_bytes() == before


def test_restoring_never_touches_a_folder_that_holds_something(town, kept, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in town.rglob("*")}
    with pytest.raises(Fault, match="not empty"):
        archive.restore_backup(kept[0], town, tmp_path / "keys.json", "")
    assert {p: p.stat().st_mtime_ns for p in town.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda name, content: content + b"x" if name.startswith("evidence") else content, "differs from the manifest"),
        (lambda name, content: None if name == "clock.json" else content, "clock.json is missing"),
        (lambda name, content: None if name == "manifest.json" else content, "no manifest"),
        (lambda name, content: b"not json" if name == "manifest.json" else content, "no manifest"),
        (lambda name, content: content.replace(b"clock.json", b"clock.jsom") if name == "manifest.json" else content, "does not belong"),
    ],
)
def test_a_changed_archive_is_refused_and_leaves_nothing(kept, tmp_path, change, told):
    changed = rewritten(kept[0], tmp_path / "changed.tar", change)
    with pytest.raises(Fault, match=told):
        archive.restore_backup(changed, tmp_path / "again", tmp_path / "keys.json", "")
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".tongchou-*"))


def test_a_path_that_leads_out_of_the_folder_is_refused(kept, tmp_path):
    outside = json.dumps(
        {"format": 1, "database": "sqlite", "files": {"../out": {"bytes": 1, "sha256": sha256(b"x").hexdigest()}}}
    ).encode()
    trap = tmp_path / "trap.tar"
    with tarfile.open(trap, "w") as tar:
        for name, content in (("manifest.json", outside), ("../out", b"x")):
            (tmp_path / "piece").write_bytes(content)
            tar.add(tmp_path / "piece", arcname=name)
    with pytest.raises(Fault, match="does not belong"):
        archive.restore_backup(trap, tmp_path / "again", tmp_path / "keys.json", "")
    assert not (tmp_path.parent / "out").exists()


@pytest.mark.parametrize("cut", [100, 5000, 9000])
def test_a_cut_off_archive_is_refused(kept, tmp_path, cut):
    short = tmp_path / "short.tar"
    short.write_bytes(kept[0].read_bytes()[:cut])
    with pytest.raises(Fault, match="not a sound backup"):
        archive.restore_backup(short, tmp_path / "again", tmp_path / "keys.json", "")


def test_the_keys_of_another_town_are_refused(kept, tmp_path):
    load_keys(tmp_path / "other")
    with pytest.raises(Fault, match="not the keys of this backup"):
        archive.restore_backup(kept[0], tmp_path / "again", tmp_path / "other" / "keys.json", "")
    assert not (tmp_path / "again").exists()


def test_a_backup_of_the_other_kind_of_database_is_refused(kept, tmp_path):
    with pytest.raises(Fault, match="holds a sqlite database"):
        archive.restore_backup(kept[0], tmp_path / "again", tmp_path / "keys.json", "postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), sqlite3.OperationalError("database or disk is full")])
def test_a_disk_that_fills_up_leaves_nothing_behind(town, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(archive, "_write_archive", fail)
    with pytest.raises(Fault, match="not enough room"):
        archive.make_backup(town, tmp_path / "kept.tar", at=AT, head=HEAD)
    assert [p.name for p in tmp_path.iterdir()] == ["town"]


def test_a_damaged_database_is_not_called_a_backup(town, tmp_path):
    shutil.copytree(town, tmp_path / "damaged")
    database = tmp_path / "damaged" / archive.SQLITE_FILE
    with closing(sqlite3.connect(database)) as live:
        live.executescript("PRAGMA wal_checkpoint(TRUNCATE); CREATE INDEX by_name ON task (name);")
        live.executescript("PRAGMA journal_mode=DELETE; PRAGMA writable_schema=1; UPDATE sqlite_master SET rootpage=2 WHERE name='by_name'")
    with pytest.raises(Fault, match="cannot be read soundly"):
        archive.make_backup(tmp_path / "damaged", tmp_path / "kept.tar", at=AT, head=HEAD)
    assert not (tmp_path / "kept.tar").exists()


def test_a_file_that_is_no_archive_and_keys_that_are_not_there_are_one_line(town, tmp_path):
    (tmp_path / "letter.tar").write_text("dear colleague")
    with pytest.raises(Fault, match="not a sound backup") as told:
        archive.restore_backup(tmp_path / "letter.tar", tmp_path / "again", town / "keys.json", "")
    assert "\n" not in told.value.said.en
    archive.make_backup(town, tmp_path / "kept.tar", at=AT, head=HEAD)
    with pytest.raises(Fault, match=r"gone\.json: not there"):
        archive.restore_backup(tmp_path / "kept.tar", tmp_path / "again", tmp_path / "gone.json", "")
    assert not (tmp_path / "again").exists()
