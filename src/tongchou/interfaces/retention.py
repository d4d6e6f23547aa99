"""Are scans older than the retention time gone? Looked for wherever this machine can look; every place where it cannot is named as well.

1. The tables: the log in each database, the bytes of its file, and every SQLite file in the installation's folder, whatever it is called.
2. The columns laid out of the log, of this database and of any that was used before.
3. The logs of the processes: a scan, a pass or a card has no business there at all.
4. The archives this installation has written, and whatever lies beside them: judged by their manifests, unopened.
5. What was made of scans and is kept on purpose; and what only others can look at.
"""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Count, Max, Min, Q

from tongchou.core.parameters.queries import duration, values_on
from tongchou.core.wording import T
from tongchou.domains.exposures.models import Exposed
from tongchou.domains.gate.models import Device, Scan
from tongchou.domains.visits.scan_columns import Damaged, times_in
from tongchou.interfaces.cli.archive import FORMAT, SCRATCH, manifest_of
from tongchou.interfaces.cli.archive_scans import SCANS_TABLE_FILE, TABLE, oldest_in
from tongchou.interfaces.cli.shell import Fault
from tongchou.interfaces.retention_bytes import leftovers

KEEP, IN_BACKUPS = "gate.keep_scans_for", "gate.backup_scans_for"
GRACE = timedelta(hours=1)  # the worker deletes every ten minutes, some at a time
ARCHIVES = "backups.json"  # in the installation's folder: the archives it has written
# What a line of a log would hold of a scan: a pass, an identity card as a scanner sends it, a holder's number.
TRACE = re.compile(rb"TC1:[0-9A-Z $%*+./:-]{60}|ID:\d{17}[0-9X]|\bholder\W{1,4}\d{4}")
STAMP = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
BYTES = T("数据库文件的字节", "bytes of the database file")  # held: pages freed
TABLES, COLUMNS, LOGS, BACKUPS = T("扫码记录表", "tables"), T("分列文件", "column files"), T("运行日志", "logs"), T("备份", "backups")
ELSEWHERE, MADE_OF = T("本机看不到的", "not to be seen from here"), T("由扫码得出、按规定保留的", "made of scans, kept on purpose")
State = Literal["ok", "old", "unseen", "kept"]
STATES = {
    "ok": T("没有过期的", "nothing too old"), "old": T("有过期的", "too old"), "unseen": T("没看到", "not looked at"), "kept": T("保留", "kept"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Looked:
    """One place: its kind, which one, how many scans (lines, archives) it holds, how many of them are too old, the oldest; what to do."""

    kind: T
    where: str
    state: State
    held: int | None = None
    old: int = 0
    oldest_at: datetime | None = None
    said: T | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """Scans made before `before` are too old."""

    keep: timedelta
    before: datetime

    @property
    def before_s(self) -> int:
        return int(self.before.timestamp())


def limit_at(at: datetime, place_path: str) -> Limit | None:
    """The retention time in force; None where the town has set none, and nothing is ever too old."""
    if KEEP not in values_on([KEEP], at.date(), place_path):
        return None
    keep = duration(KEEP, on=at.date(), place_path=place_path)
    return Limit(keep, at - keep - GRACE)


def young_enough(at: datetime, place_path: str) -> tuple[datetime | None, timedelta | None]:
    """Since when scans may be in an archive made now so that it can lie for a while, and how long a scan may be kept; None: no limit is set."""
    limit = limit_at(at, place_path)
    if limit is None:
        return None, None
    lying = (
        duration(IN_BACKUPS, on=at.date(), place_path=place_path)
        if IN_BACKUPS in values_on([IN_BACKUPS], at.date(), place_path)
        else timedelta(0)
    )
    return at - limit.keep + min(lying, limit.keep), limit.keep


def look_everywhere(limit: Limit, *, at: datetime, folders: Sequence[Path] = ()) -> list[Looked]:
    """Every place in order. `folders`: where else archives may lie."""
    home = Path(settings.HOME)
    looks: tuple[Callable[[], Iterable[Looked]], ...] = (
        lambda: _tables(limit), lambda: _bytes(limit), lambda: _files(home, limit), lambda: _columns(home / "scan-columns", limit), lambda: _logs(home / "logs", limit),
        lambda: _archives(home, folders, limit, at), lambda: _kept(limit), _elsewhere,
    )  # fmt: skip
    return [row for look in looks for row in look()]


def _verdict(kind: T, where: str, held: int, old: int, oldest_s: int | None, said: T | None = None) -> Looked:
    oldest_at = datetime.fromtimestamp(oldest_s, UTC) if oldest_s is not None else None
    return Looked(kind, where, "old" if old else "ok", held, old, oldest_at, said)


# 1
def _tables(limit: Limit) -> Iterator[Looked]:
    """The log in each database of the settings where its table stands, whichever of them is written to now."""
    for alias in settings.DATABASES:
        connection = connections[alias]
        try:
            if Scan._meta.db_table not in connection.introspection.table_names():
                continue
            counted = Scan.objects.using(alias).aggregate(
                n=Count("pk"), oldest=Min("at_s"), old=Count("pk", filter=Q(at_s__lt=limit.before_s))
            )
        except DatabaseError as error:
            yield Looked(TABLES, alias, "unseen", said=T(f"数据库无法使用：{error}", f"the database cannot be used: {error}"))
            continue
        remedy = T(
            "后台应每十分钟删除：请看 tongchou serve 是否在运行。",
            "The worker deletes them every ten minutes: see that tongchou serve runs.",
        )
        name = f"{alias} · {connection.vendor} · {connection.settings_dict['NAME']}"
        yield _verdict(TABLES, name, counted["n"], counted["old"], counted["oldest"], remedy if counted["old"] else None)


def _bytes(limit: Limit) -> Iterator[Looked]:
    """What the file of a log still holds although it was deleted: pages beneath the write-ahead log, that log itself, free pages."""
    columns = tuple(field.attname for field in Scan._meta.concrete_fields)
    for path in log_files():
        try:
            left = leftovers(path, TABLE, columns, limit.before_s)
        except (OSError, ValueError, sqlite3.DatabaseError) as error:
            yield Looked(BYTES, str(path), "unseen", said=T(f"读不了：{error}", f"cannot be read: {error}"))
            continue
        if left is None:
            continue
        if left.in_table:
            said = T("先删除表里的，再看字节。", "First delete what is in the table, then look at the bytes.")
            yield Looked(BYTES, str(path), "unseen", said=said)
            continue
        times = (*left.in_pages, *left.in_log)
        said = T(
            f"已删而字节还在：文件页 {len(left.in_pages)}，预写日志 {len(left.in_log)}，未清空页 {left.unwiped}。后台下次删除时清空；不行请停服后运行 VACUUM。",
            f"Deleted, but the bytes are there: {len(left.in_pages)} in pages, {len(left.in_log)} in the write-ahead log, {left.unwiped} pages not wiped. "
            "The worker empties them when it next deletes; if not, stop serving and run VACUUM on the file.",
        )
        old = len(times) + left.unwiped
        yield _verdict(BYTES, str(path), left.free, old, min(times, default=None), said if old else None)


def log_files() -> list[Path]:
    """The SQLite files of the databases in use."""
    used = (connections[alias] for alias in settings.DATABASES)
    return [path for c in used if c.vendor == "sqlite" and (path := Path(str(c.settings_dict["NAME"]))).is_file()]


def _files(home: Path, limit: Limit) -> Iterator[Looked]:
    """SQLite files that no setting names: left over from a move to a server, copied by hand; and a log of scans that a restore has not loaded."""
    used = {
        Path(str(connections[alias].settings_dict["NAME"])).name for alias in settings.DATABASES if connections[alias].vendor == "sqlite"
    }
    for path in sorted(p for p in home.iterdir() if p.is_file() and p.name not in used):
        with path.open("rb") as file:
            if file.read(16) == b"SQLite format 3\0":
                yield _file(path, limit)
    if (left := home / SCANS_TABLE_FILE).exists():
        yield Looked(TABLES, str(left), "unseen", said=T("恢复中断所留，请删除。", "Left by a restore that was cut off: delete it."))


def _file(path: Path, limit: Limit) -> Looked:
    try:
        # A file that nobody has open is read without leaving anything beside it.
        how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{path.as_uri()}?{how}", uri=True)) as file:
            if not file.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone():
                return _verdict(TABLES, str(path), 0, 0, None)
            held, oldest = file.execute(f"SELECT COUNT(*), MIN(at_s) FROM {TABLE}").fetchone()
            old = file.execute(f"SELECT COUNT(*) FROM {TABLE} WHERE at_s < ?", (limit.before_s,)).fetchone()[0]
    except sqlite3.DatabaseError as error:
        return Looked(TABLES, str(path), "unseen", said=T(f"读不了：{error}", f"cannot be read: {error}"))
    return _verdict(
        TABLES, str(path), held, old, oldest, T("没有在用的数据库文件，请删除。", "No database in use: delete the file.") if old else None
    )


# 2
def _columns(folder: Path, limit: Limit) -> Iterator[Looked]:
    for log in sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else ():
        held, old, oldest, damaged = 0, 0, None, []
        for path in sorted(p for p in log.iterdir() if p.name != ".lock"):
            try:
                for block in times_in(path):
                    held, old = held + len(block), old + int((block < limit.before_s).sum())
                    oldest = int(block.min()) if oldest is None else min(oldest, int(block.min()))
            except FileNotFoundError:
                continue  # put in place of another just now
            except (Damaged, OSError):
                damaged.append(path.name)
        remedy = T("请删除该目录，它会从记录表重建。", "Delete the folder: it is made anew from the log.")
        yield _verdict(COLUMNS, str(log), held, old, oldest, remedy if old else None)
        yield from (Looked(COLUMNS, str(log / name), "unseen", said=remedy) for name in damaged)


# 3
def _logs(folder: Path, limit: Limit) -> Iterator[Looked]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else ():
        lines, times = 0, []
        try:
            stamped = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with path.open("rb") as file:
                for line in file:
                    lines += 1
                    if found := STAMP.search(line):
                        stamped = datetime.fromisoformat(found[0].decode()).replace(tzinfo=UTC)
                    if TRACE.search(line):
                        times.append(int(stamped.timestamp()))
        except (OSError, ValueError) as error:
            yield Looked(LOGS, str(path), "unseen", said=T(f"读不了：{error}", f"cannot be read: {error}"))
            continue
        said = T(
            f"{len(times)} 行提到扫码、通行码或证件号，日志里本不该有；请删除该文件并报告。",
            f"{len(times)} lines speak of scans, passes or cards, which no log should: delete the file, and report it.",
        )
        old = sum(at_s < limit.before_s for at_s in times)
        yield _verdict(LOGS, str(path), lines, old, min(times, default=None), said if times else None)


# 4
def note_archive(home: Path, archive: Path) -> None:
    """Remember that an archive was written, so that it is looked at later."""
    known = archives_of(home)
    if archive not in known:
        beside = home / f".{ARCHIVES}.{os.getpid()}"
        beside.write_text(json.dumps([str(path) for path in (*known, archive)], ensure_ascii=False, indent=1), "utf-8")
        beside.replace(home / ARCHIVES)


def archives_of(home: Path) -> list[Path]:
    """The archives this installation has written, as far as it remembers."""
    try:
        return [Path(path) for path in json.loads((home / ARCHIVES).read_text("utf-8"))]
    except FileNotFoundError:
        return []


def _archives(home: Path, folders: Sequence[Path], limit: Limit, at: datetime) -> Iterator[Looked]:
    known = archives_of(home)
    around = sorted({*(path.parent for path in known), *(folder.resolve() for folder in folders)})
    beside = {path for folder in around if folder.is_dir() for path in folder.glob("*.tar")}
    for path in sorted({*known, *beside}):
        if path.exists():
            yield _archive(path, limit, at)
        else:
            said = T(
                "已不在原处：若移到别处，请用 --backups 指明那里。",
                "Not where it was written: if it was moved, name the place with --backups.",
            )
            yield Looked(BACKUPS, str(path), "unseen", said=said)
    for folder in around:
        if not folder.is_dir():
            yield Looked(BACKUPS, str(folder), "unseen", said=T("目录不存在或未挂载。", "The folder is not there, or not mounted."))
            continue
        left = T("备份中断所留，请删除。", "Left by a backup that was cut off: delete it.")
        yield from (Looked(BACKUPS, str(path), "unseen", said=left) for path in sorted(folder.glob(f"{SCRATCH}*")))
    if not around:
        said = T("本机没有做过备份；别处的请用 --backups 指明。", "No backup was made here; name others with --backups.")
        yield Looked(BACKUPS, str(home / ARCHIVES), "unseen", said=said)


def _archive(path: Path, limit: Limit, at: datetime) -> Looked:
    """An archive by its manifest. One of the first form does not say: it may hold scans as old as were kept when it was made."""
    try:
        told = manifest_of(path)
        made_at = datetime.fromisoformat(told["made_at"])
    except (Fault, OSError, KeyError, ValueError) as error:
        return Looked(
            BACKUPS, str(path), "unseen", said=error.said if isinstance(error, Fault) else T("清单读不了。", "No manifest to be read.")
        )
    remedy = T("请运行 tongchou forget-scans，或删除该备份。", "Run tongchou forget-scans on it, or delete it.")
    if told["format"] != FORMAT:
        oldest = made_at - limit.keep
        said = T(
            f"旧版备份，最早的扫码按 {oldest:%Y-%m-%d} 计。{remedy.zh}",
            f"Of an older version; its oldest scan is taken to be of {oldest:%Y-%m-%d}. {remedy.en}",
        )
        return Looked(BACKUPS, str(path), "old" if oldest < limit.before else "ok", None, int(oldest < limit.before), oldest, said)
    scans, oldest_at = told["scans"], oldest_in(told["scans"])
    if oldest_at is None:
        return Looked(BACKUPS, str(path), "ok", 0)
    if oldest_at < limit.before:
        return Looked(BACKUPS, str(path), "old", scans["count"], scans["count"], oldest_at, remedy)
    due = oldest_at + limit.keep
    advice = T(f"{due:%Y-%m-%d} 之前须取出扫码记录。", f"Its scans are due by {due:%Y-%m-%d}.")
    return Looked(BACKUPS, str(path), "ok", scans["count"], 0, oldest_at, advice)


# 5
def _kept(limit: Limit) -> Iterator[Looked]:
    lines = Exposed.objects.aggregate(n=Count("pk"), old=Count("pk", filter=Q(first_at__lt=limit.before)), oldest=Min("first_at"))
    said = T(
        "经批准查询的同时段人员名单，随案卷保存，不是扫码记录。",
        "Lists of exposed people that were asked for and approved: kept with their case, no scans.",
    )
    yield Looked(MADE_OF, Exposed._meta.db_table, "kept", lines["n"], lines["old"], lines["oldest"], said)


def _elsewhere() -> Iterator[Looked]:
    """What this machine cannot look at, and who can."""
    if any(connections[alias].vendor == "postgresql" for alias in settings.DATABASES):
        said = T(
            "已删行在清理（VACUUM）前仍在文件里；预写日志归档和物理备份由管理员查。",
            "Deleted rows stay in its files until VACUUM; archived WAL and base backups are for its administrator.",
        )
        yield Looked(ELSEWHERE, "PostgreSQL", "unseen", said=said)
    scanners = Device.objects.filter(kind="scanner", token_digest__isnull=False).aggregate(n=Count("pk"), last=Max("enrolled_at"))
    said = T(
        "设备只存尚未上传的扫码；久未联网的请收回或停用。", "Devices hold what they have not sent yet: fetch or revoke those long offline."
    )
    yield Looked(ELSEWHERE, "scanners", "unseen", scanners["n"], said=said)
    for name in ("TONGCHOU_MQTT", "TONGCHOU_NATS"):
        if os.environ.get(name):
            yield Looked(
                ELSEWHERE,
                name,
                "unseen",
                said=T("消息服务器自行保存的内容由其管理员查。", "What the broker keeps is for its administrator."),
            )
    said = T("磁盘快照、虚拟机备份、别人拷走的文件。", "Snapshots of the disk, backups of the machine, files somebody took away.")
    yield Looked(ELSEWHERE, "machine", "unseen", said=said)
