"""Backup and restore: one archive with the database, the log of scans, the evidence files and a manifest of digests. The keys travel apart.

Nothing is called a backup before it has been read back, and nothing is restored before every digest has been compared. The manifest comes
first and says how old the oldest scan is, so that an archive can be judged without reading it; `forget_scans_in` takes the scans out.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from tongchou.core.wording import T
from tongchou.interfaces.cli.archive_scans import (
    SCANS_FILE,
    SCANS_TABLE_FILE,
    copy_table,
    cut_file,
    emptied,
    load_table,
    oldest_in,
    scans_url,
)
from tongchou.interfaces.cli.shell import Fault

FORMAT, WITHOUT_OLDEST = 2, 1  # the first form did not say how old its scans are
MANIFEST, SQLITE_FILE, POSTGRES_FILE, KEYS_FILE = "manifest.json", "tongchou.sqlite3", "tongchou.dump", "keys.json"
MEMBER = re.compile(r"tongchou\.(sqlite3|dump)|scans\.(sqlite3|csv)|clock\.json|evidence/[0-9a-f]{2}/[0-9a-f]{64}")
SCRATCH = ".tongchou-backup-"  # beside the archive, gone when it is done
CHUNK_BYTES = 1 << 20
ANOTHER_ARCHIVE = T("请换一份备份。", "Use another backup.")


def make_backup(
    home: Path, target: Path, *, at: datetime, head: tuple[int, str], since: datetime | None = None, keep: timedelta | None = None
) -> dict[str, Any]:
    """Write a verified archive of the installation in `home` to `target`; gives back its manifest. `head` is the end of the audit chain.

    `since`: scans made before stay out of it. `keep`: how long a scan may be kept; the manifest says from when on its own are too old.
    """
    if target.exists():
        raise Fault(T(f"{target} 已存在。", f"{target}: already there."), T("请换一个文件名。", "Name a new file."))
    target.parent.mkdir(parents=True, exist_ok=True)
    # The log of scans once more: cutting it takes room as well.
    stored = [p for p in (home / SQLITE_FILE, home / SCANS_FILE, home / SCANS_FILE, *_loose_files(home).values()) if p.exists()]
    with (
        _room(target.parent, 2 * sum(p.stat().st_size for p in stored)),
        tempfile.TemporaryDirectory(dir=target.parent, prefix=SCRATCH) as scratch,
    ):
        database = _copy_database(home, Path(scratch))
        apart, scans = _copy_scans(home, Path(scratch), int(since.timestamp()) if since else None)
        oldest = oldest_in(scans)
        files = {database.name: database, **{path.name: path for path in apart}, **_loose_files(home)}
        manifest = {
            "format": FORMAT,
            "made_at": at.isoformat(),
            "database": "sqlite" if database.name == SQLITE_FILE else "postgresql",
            "audit": {"entries": head[0], "digest": head[1]},
            "keys": fingerprint(home / KEYS_FILE),
            "scans": {**scans, "due_at": (oldest + keep).isoformat() if oldest and keep else None},
            "files": _listed(files),
        }
        draft = Path(scratch) / "archive.tar"
        _write_archive(draft, manifest, files)
        verify_archive(draft)
        draft.rename(target)
    return manifest


def forget_scans_in(archive: Path, *, at: datetime) -> dict[str, Any]:
    """Write an archive anew without its scans, in its place; gives back the manifest. One that holds none is left as it is.

    The old bytes are on the disk until it reuses their room.

    Raises Fault when it is no sound archive; then it is left as it was.
    """
    manifest = manifest_of(archive)
    if manifest["format"] == FORMAT and not manifest["scans"]["count"]:
        return manifest
    verify_archive(archive)
    if manifest["format"] == WITHOUT_OLDEST and manifest["database"] == "postgresql":
        raise Fault(
            T(f"{archive} 是旧版备份，扫码记录在数据库转储里，取不出。", f"{archive}: of an older version, its scans are inside the dump."),
            T("请另做新备份，然后删除它。", "Make a new backup, then delete it."),
        )
    members = [name for name in manifest["files"] if name in (SCANS_FILE, SCANS_TABLE_FILE)]
    with (
        _room(archive.parent, 2 * archive.stat().st_size),
        tempfile.TemporaryDirectory(dir=archive.parent, prefix=SCRATCH) as scratch,
    ):
        with _opened(archive) as tar:
            tar.extractall(scratch, members=[tar.getmember(name) for name in manifest["files"]], filter="data")
        files = {name: Path(scratch) / name for name in manifest["files"]}
        scans = manifest.get("scans") or {"count": 0, "oldest": None, "newest": None, "last_number": 0}
        for name in members:
            scans = emptied(files[name], scans["last_number"])
        manifest |= {"format": FORMAT, "scans": {**scans, "due_at": None, "forgotten_at": at.isoformat()}, "files": _listed(files)}
        draft = Path(scratch) / "archive.tar"
        _write_archive(draft, manifest, files)
        verify_archive(draft)
        draft.replace(archive)
    return manifest


def manifest_of(archive: Path) -> dict[str, Any]:
    """What an archive says of itself, without reading what it holds. Raises Fault."""
    with _opened(archive) as tar:
        return _read_manifest(archive, tar)


def _listed(files: dict[str, Path]) -> dict[str, Any]:
    return {name: {"bytes": path.stat().st_size, "sha256": _digest(path.open("rb"))} for name, path in files.items()}


def verify_archive(archive: Path) -> dict[str, Any]:
    """Read every byte of an archive and compare it with its manifest, which is given back. Raises Fault at the first difference."""
    with _opened(archive) as tar:
        manifest = _read_manifest(archive, tar)
        wanted = dict(manifest["files"])
        for member in tar:
            if member.name == MANIFEST:
                continue
            told = wanted.pop(member.name, None)
            content = tar.extractfile(member) if member.isreg() else None
            if told is None or content is None or not MEMBER.fullmatch(member.name):
                raise _unfit(archive, T(f"多出 {member.name}", f"{member.name} does not belong there"))
            if (member.size, _digest(content)) != (told["bytes"], told["sha256"]):
                raise _unfit(archive, T(f"{member.name} 与清单不符", f"{member.name} differs from the manifest"))
        if wanted:
            raise _unfit(archive, T(f"缺少 {min(wanted)}", f"{min(wanted)} is missing"))
    return manifest


def restore_backup(archive: Path, home: Path, keys: Path, database_url: str) -> dict[str, Any]:
    """Lay an archive out in `home`, which must be empty or absent, with the keys that belong to it; gives back the manifest."""
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Fault(
            T(f"{home} 不是空目录。", f"{home}: not empty."),
            T("请恢复到新目录，以免覆盖。", "Restore into a new folder; nothing is overwritten."),
        )
    manifest = verify_archive(archive)
    if not keys.is_file():
        raise Fault(
            T(f"{keys} 不存在。", f"{keys}: not there."),
            T("请用 --keys 指定 keys.json。", "Name the keys.json kept for this backup: --keys FILE."),
        )
    if fingerprint(keys) != manifest["keys"]:
        raise Fault(
            T(f"{keys} 不是这份备份的密钥。", f"{keys}: not the keys of this backup."),
            T("请用 --keys 指定与备份一同保存的 keys.json。", "Name the keys.json kept for it: --keys FILE."),
        )
    if (manifest["database"] == "postgresql") != bool(database_url):
        raise Fault(
            T(f"备份来自 {manifest['database']}。", f"{archive}: holds a {manifest['database']} database."),
            T("请设置或取消 TONGCHOU_DATABASE。", "Set TONGCHOU_DATABASE to an empty database for postgresql, unset it for sqlite."),
        )
    scans_apart = os.environ.get("TONGCHOU_SCANS", "")
    if (SCANS_TABLE_FILE in manifest["files"]) != bool(scans_apart or database_url) and manifest.get("scans", {}).get("count"):
        raise Fault(
            T("备份里的扫码日志属于另一种数据库。", f"{archive}: its log of scans is of the other kind of database."),
            T("请设置或取消 TONGCHOU_SCANS。", "Set or unset TONGCHOU_SCANS as it was at the backup."),
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    with _room(home.parent, archive.stat().st_size), tempfile.TemporaryDirectory(dir=home.parent, prefix=".tongchou-restore-") as scratch:
        laid = Path(scratch) / "home"
        laid.mkdir(mode=0o700)
        with _opened(archive) as tar:
            tar.extractall(laid, members=[tar.getmember(name) for name in manifest["files"]], filter="data")
        shutil.copyfile(keys, laid / KEYS_FILE)
        (laid / KEYS_FILE).chmod(0o600)
        if database_url:
            _load_postgres(laid / POSTGRES_FILE, database_url)
            (laid / POSTGRES_FILE).unlink()
            if (laid / SCANS_TABLE_FILE).exists() and not scans_apart:
                load_scans(laid, manifest, database_url)
        if home.exists():
            home.rmdir()
        laid.rename(home)
    return manifest


def load_scans(home: Path, manifest: dict[str, Any], url: str) -> None:
    """Put a restored log of scans into the server it belongs to; nothing without one. Its table must be there."""
    if (home / SCANS_TABLE_FILE).exists():
        load_table(home / SCANS_TABLE_FILE, url, manifest["scans"]["last_number"], _run_postgres)
        (home / SCANS_TABLE_FILE).unlink()


def fingerprint(keys: Path) -> str:
    """Which keys these are, without giving anything of them away: they are random, so a digest cannot be guessed back. Empty for no key file."""
    try:
        read = json.loads(keys.read_text("utf-8"))
        return hashlib.sha256("".join(read[name] for name in ("session", "fields", "index")).encode()).hexdigest()[:16]
    except (ValueError, KeyError, TypeError):
        return ""


def _copy_database(home: Path, scratch: Path) -> Path:
    url = os.environ.get("TONGCHOU_DATABASE", "")
    if url:
        copy = scratch / POSTGRES_FILE
        # Its scans are a member of their own, so that they can be taken out again.
        _run_postgres(
            ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--exclude-table-data=gate_scan", f"--file={copy}"], url
        )
        return copy
    return _copy_sqlite(home / SQLITE_FILE, scratch)


def _copy_scans(home: Path, scratch: Path, since_s: int | None) -> tuple[list[Path], dict[str, Any]]:
    """The log of scans as a file of the archive, and what is in it."""
    if url := scans_url(home):
        copy = scratch / SCANS_TABLE_FILE
        return [copy], copy_table(copy, url, since_s, _run_postgres)
    apart = [_copy_sqlite(home / SCANS_FILE, scratch)] if (home / SCANS_FILE).exists() else []
    return apart, cut_file(apart[0], since_s) if apart else {"count": 0, "oldest": None, "newest": None, "last_number": 0}


def _copy_sqlite(source: Path, scratch: Path) -> Path:
    copy = scratch / source.name
    try:
        # SQLite's own backup: a consistent copy while others read and write. A plain copy would miss what still lies in the WAL.
        with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as live, closing(sqlite3.connect(copy)) as kept:
            live.backup(kept)
            sound = kept.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise
        sound = str(error)
    if sound != "ok":
        told = T(f"{source} 无法完好读出：{sound}。", f"{source}: cannot be read soundly: {sound}.")
        raise Fault(told, T("请从较早的备份恢复。", "Restore an earlier backup."))
    return copy


def _load_postgres(dump: Path, url: str) -> None:
    tables = _run_postgres(["psql", "--no-psqlrc", "-Atc", "select count(*) from pg_tables where schemaname = 'public'"], url)
    if tables.strip() != "0":
        raise Fault(
            T("目标数据库不是空的。", "TONGCHOU_DATABASE: the database is not empty."),
            T("请新建一个空库。", "Make an empty one: createdb."),
        )
    _run_postgres(["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(dump)], url)


def _run_postgres(command: list[str], url: str) -> str:
    """Run one of PostgreSQL's own programs on `url`; the password goes by the environment, where `ps` does not show it."""
    parts = urlsplit(url)
    address = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@")).geturl()
    secret = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    if shutil.which(command[0]) is None:
        raise Fault(T(f"找不到 {command[0]}。", f"{command[0]}: not found."), T("请安装 postgresql-client。", "Install postgresql-client."))
    result = subprocess.run([*command, f"--dbname={address}"], env=os.environ | secret, capture_output=True, text=True)
    if result.returncode:
        told = " ".join(result.stderr.split())[-300:]
        raise Fault(
            T(f"{command[0]} 失败：{told}", f"{command[0]} failed: {told}"),
            T("请检查数据库服务。", "See that the server answers and has the same version."),
        )
    return result.stdout


def _loose_files(home: Path) -> dict[str, Path]:
    found = {"clock.json": home / "clock.json"} if (home / "clock.json").exists() else {}
    kept = (home / "evidence").glob("??/*") if (home / "evidence").exists() else []
    return found | {f"evidence/{p.parent.name}/{p.name}": p for p in sorted(kept) if not p.name.startswith(".")}


def _write_archive(draft: Path, manifest: dict[str, Any], files: dict[str, Path]) -> None:
    with draft.open("wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as tar:
            text = draft.with_name(MANIFEST)
            text.write_text(json.dumps(manifest, indent=1), "utf-8")
            for name, path in ((MANIFEST, text), *files.items()):
                tar.add(path, arcname=name, recursive=False)
        raw.flush()
        os.fsync(raw.fileno())
    draft.chmod(0o600)


def _read_manifest(archive: Path, tar: tarfile.TarFile) -> dict[str, Any]:
    try:
        content = tar.extractfile(MANIFEST)
        manifest: dict[str, Any] = json.load(content) if content else {}
    except (KeyError, ValueError):
        manifest = {}
    if manifest.get("format") not in (FORMAT, WITHOUT_OLDEST):
        raise _unfit(archive, T("没有可读的清单", "it has no manifest that this version reads"))
    return manifest


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except FileNotFoundError:
        raise Fault(T(f"{archive} 不存在。", f"{archive}: not there."), T("请核对文件名。", "Check the name.")) from None
    except (tarfile.TarError, EOFError) as error:
        raise _unfit(archive, T(f"无法读完（{error}）", f"it cannot be read to its end ({error})")) from None


@contextmanager
def _room(where: Path, needed_bytes: int) -> Iterator[None]:
    """Refuse before the disk is full, and say so when it becomes full on the way; the scratch folder goes with all it holds."""
    needed_mib = (needed_bytes >> 20) + 1
    full = Fault(
        T(f"{where} 空间不足，约需 {needed_mib} MiB。", f"{where}: not enough room, about {needed_mib} MiB needed."),
        T("请换一个磁盘。", "Use another disk. Nothing was left behind."),
    )
    if shutil.disk_usage(where).free < needed_bytes:
        raise full
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "full" in str(error):
            raise full from error
        raise


def _digest(content: IO[bytes]) -> str:
    running = hashlib.sha256()
    with content:
        while block := content.read(CHUNK_BYTES):
            running.update(block)
    return running.hexdigest()


def _unfit(archive: Path, why: T) -> Fault:
    return Fault(T(f"{archive} 不是完好的备份：{why.zh}。", f"{archive}: not a sound backup: {why.en}."), ANOTHER_ARCHIVE)
