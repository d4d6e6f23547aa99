"""`tongchou check`: is this installation fit to be relied on? Each check says what it found and what to do."""

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tongchou.core.wording import T

State = Literal["ok", "warn", "fail"]
CLOCK_TOLERANCE = timedelta(seconds=60)
LEAST_FREE_BYTES, SCARCE_FREE_BYTES = 200 * 2**20, 2 * 2**30
OLDEST_POSTGRES = 150000
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts", "~/.fonts")
CJK_FONTS = ("noto*cjk*", "sourcehan*", "pingfang*", "msyh*", "simsun*", "wqy*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its part, its state, what was found, what to do."""

    part: T
    state: State
    said: T
    remedy: T | None = None


CONFIGURATION, DATABASE, KEYS = T("配置", "configuration"), T("数据库", "database"), T("密钥", "keys")
CLOCK, FONTS, DISK, WORK = T("时钟", "clock"), T("字体", "fonts"), T("磁盘", "disk"), T("后台任务", "work")


def check_configuration() -> Iterator[Finding]:
    from django.conf import settings

    hosts = ", ".join(settings.ALLOWED_HOSTS)
    yield Finding(CONFIGURATION, "ok", T(f"目录 {settings.HOME}，主机名 {hosts}", f"home {settings.HOME}, hosts {hosts}"))
    if settings.DEBUG:
        yield Finding(
            CONFIGURATION,
            "fail",
            T("调试模式已打开，错误页会泄露内容", "debug mode is on: error pages give contents away"),
            T("请去掉 TONGCHOU_DEBUG", "unset TONGCHOU_DEBUG"),
        )
    if not settings.EMAIL_HOST:
        yield Finding(
            CONFIGURATION,
            "warn",
            T("没有邮件服务器，消息只在页面上", "no mail server: messages appear in the pages only"),
            T("请设置 TONGCHOU_SMTP_HOST", "set TONGCHOU_SMTP_HOST"),
        )
    try:
        ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        yield Finding(CONFIGURATION, "fail", T("找不到时区资料", "no time zone database"), T("请安装 tzdata", "install the package tzdata"))


def check_database() -> Iterator[Finding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA quick_check(1)")
            sound = cursor.fetchone()[0]
            if sound != "ok":
                yield Finding(
                    DATABASE,
                    "fail",
                    T(f"文件已损坏：{sound}", f"the file is damaged: {sound}"),
                    T("请停止服务并从备份恢复", "stop serving and restore a backup"),
                )
            named = T("SQLite，完好", "SQLite, sound")
        else:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0])
            named = T(f"PostgreSQL {version // 10000} 版", f"PostgreSQL {version // 10000}")
            if version < OLDEST_POSTGRES:
                yield Finding(DATABASE, "fail", T("版本过旧", "the server is too old"), T("需要 15 或更新", "use 15 or newer"))
    if not connection.introspection.table_names():
        yield Finding(
            DATABASE,
            "fail",
            T("是空的", "empty"),
            T(
                "TONGCHOU_DATABASE 指的是这个镇的数据库吗？新建请运行 tongchou init PACK",
                "does TONGCHOU_DATABASE name the one of this town? New here: tongchou init PACK",
            ),
        )
        return
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding(
            DATABASE,
            "fail",
            T(f"{len(waiting)} 个结构变更尚未执行", f"{len(waiting)} schema changes are not applied"),
            T("请先备份，再运行 tongchou upgrade", "back up, then: tongchou upgrade"),
        )
    yield Finding(DATABASE, "ok", named)


def check_keys() -> Iterator[Finding]:
    from django.apps import apps
    from django.conf import settings

    from tongchou.core.secrecy import SealedTextField

    path = Path(settings.HOME) / "keys.json"
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            KEYS, "fail", T(f"{path} 可被他人读取", f"{path} can be read by others"), T("请运行 chmod 600", f"run: chmod 600 {path}")
        )
    sealed = [(m, f.attname) for m in apps.get_models() for f in m._meta.get_fields() if isinstance(f, SealedTextField)]
    shut = []
    for model, column in sealed:
        try:
            model._default_manager.exclude(**{column: None}).values_list(column, flat=True).first()
        except RuntimeError:
            shut.append(f"{model._meta.label}.{column}")
    if shut:
        named = ", ".join(shut)
        yield Finding(
            KEYS,
            "fail",
            T(f"密钥打不开 {named}", f"the keys do not open {named}"),
            T("请恢复与数据库同时的 keys.json", "put back the keys.json that belongs to this database"),
        )
        return
    yield Finding(KEYS, "ok", T(f"已核对 {len(sealed)} 个加密字段", f"{len(sealed)} sealed fields tried"))


def check_clock() -> Iterator[Finding]:
    from django.db import connection

    from tongchou.core.audit.models import Entry
    from tongchou.interfaces.clock import is_demo_clock, now

    remedy = T("请打开网络校时（NTP）后再用", "set the clock by network time (NTP) before going on")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = abs(cursor.fetchone()[0] - datetime.now(UTC))
        if apart > CLOCK_TOLERANCE:
            seconds = round(apart.total_seconds())
            told = T(f"与数据库服务器相差 {seconds} 秒", f"{seconds} s away from the database server's clock")
            yield Finding(CLOCK, "fail", told, remedy)
    last = Entry.objects.order_by("-seq").values_list("at", flat=True).first()
    if last is not None and last > now() + CLOCK_TOLERANCE:
        yield Finding(
            CLOCK, "fail", T(f"落后于最后一条记录 {last:%Y-%m-%d %H:%M}", f"behind the last entry, {last:%Y-%m-%d %H:%M} UTC"), remedy
        )
    kind = T("演示时钟", "demo clock") if is_demo_clock() else T("系统时钟", "wall clock")
    yield Finding(CLOCK, "ok", T(f"{kind.zh}，世界时 {now():%Y-%m-%d %H:%M}", f"{kind.en}, {now():%Y-%m-%d %H:%M} UTC"))


def check_fonts() -> Iterator[Finding]:
    folders = [path for path in (Path(f).expanduser() for f in FONT_FOLDERS) if path.is_dir()]
    found = next((p for f in folders for p in f.rglob("*") if any(fnmatch(p.name.lower(), glob) for glob in CJK_FONTS)), None)
    if found:
        yield Finding(FONTS, "ok", T(f"中文字体 {found.name}", f"Chinese font {found.name}"))
    else:
        yield Finding(
            FONTS,
            "warn",
            T("没有中文字体，报告会缺字", "no Chinese font: reports will lack characters"),
            T("Debian 系统请运行 apt-get install fonts-noto-cjk", "Debian: apt-get install fonts-noto-cjk"),
        )


def check_disk() -> Iterator[Finding]:
    from django.conf import settings

    free = shutil.disk_usage(settings.HOME).free
    state: State = "fail" if free < LEAST_FREE_BYTES else "warn" if free < SCARCE_FREE_BYTES else "ok"
    remedy = None if state == "ok" else T("请清理磁盘或换盘", "make room, or move to a larger disk")
    yield Finding(DISK, state, T(f"剩余 {free / 2**30:.1f} GiB", f"{free / 2**30:.1f} GiB free"), remedy)


def check_work() -> Iterator[Finding]:
    from tongchou.core.outbox.models import Message
    from tongchou.interfaces.clock import now

    dead = Message.objects.exclude(dead_at=None).count()
    late = Message.objects.filter(done_at=None, dead_at=None, due_at__lt=now() - timedelta(minutes=10)).count()
    if dead:
        yield Finding(
            WORK,
            "warn",
            T(f"{dead} 条死信", f"{dead} dead letters"),
            T("请在“发件箱”页查看并重试", "look at them on the outbox page and retry"),
        )
    if late:
        yield Finding(
            WORK,
            "warn",
            T(f"{late} 条任务晚了 10 分钟以上", f"{late} pieces of work are more than 10 minutes late"),
            T("请查看后台进程：tongchou serve 或 tongchou work", "see that a worker runs: tongchou serve, or tongchou work"),
        )
    if not dead and not late:
        yield Finding(WORK, "ok", T("没有积压", "nothing waits"))


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_configuration,
    check_database,
    check_keys,
    check_clock,
    check_fonts,
    check_disk,
    check_work,
)


def check_installation() -> list[Finding]:
    """Every finding, in order. A database that does not answer ends the list, since nothing after it could be looked at."""
    from django.db import DatabaseError

    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check()
            if check is check_database and found[-1].state == "fail":
                break  # empty: nothing after it could be looked at
        except DatabaseError as error:
            told = " ".join(str(error).split())[:200]
            remedy = T(
                "请检查 TONGCHOU_DATABASE 与数据库服务", "see TONGCHOU_DATABASE and the database server; new here: tongchou init PACK"
            )
            if "readonly" in told:
                remedy = T("请用安装目录所属的账号运行", "run this as the account that owns the folder")
            found.append(Finding(DATABASE, "fail", T(f"无法使用：{told}", f"cannot be used: {told}"), remedy))
            break
    return found
