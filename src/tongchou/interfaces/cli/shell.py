"""What every command needs: the installation's folder, Django when it is wanted, words, and refusals of one line."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tongchou.core.wording import T

# Into a pipe a table is not folded to the width of a screen that nobody looks at.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 1000)
err = Console(stderr=True, highlight=False)


class Fault(Exception):
    """An expected failure: what and where, and what to do now. Ends the program with 1 and one line, no traceback."""

    def __init__(self, said: T, remedy: T) -> None:
        self.said, self.remedy = said, remedy
        super().__init__(f"{said.en} {remedy.en}")


def home() -> Path:
    """Folder of this installation: --home, else TONGCHOU_HOME, else ./tongchou-home."""
    return Path(os.environ.get("TONGCHOU_HOME", "tongchou-home")).resolve()


def start_django(*, new_home: bool = False) -> None:
    """Load settings and applications. Refused when the folder is no installation, so that a typing error makes no empty one."""
    if not new_home and not (home() / "keys.json").exists():
        if (home() / "tongchou.sqlite3").exists():
            raise lost_keys()
        raise Fault(
            T(f"{home()} 不是统筹的安装目录。", f"{home()}: not an installation of tongchou."),
            T("请用 --home 指定，或先运行 tongchou init。", "Name one with --home, or make one: tongchou init PACK."),
        )
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
    try:
        if not apps.ready:
            django.setup()
    except RuntimeError as error:
        raise Fault(
            T("密钥文件无法读取。", f"keys: {error}."), T("请恢复 keys.json。", "Put back the keys.json of this installation.")
        ) from error


def start_new_home() -> None:
    """As `start_django`, for a folder that may still be empty. New keys beside an old database would seal its fields for ever: refused."""
    keys = home() / "keys.json"
    is_new = not keys.exists()
    start_django(new_home=True)
    if is_new and _holds_a_town():
        keys.unlink()
        raise lost_keys()


def bring_up_to_date() -> None:
    """Give every database of the installation the form of this version."""
    from django.conf import settings
    from django.core.management import call_command

    for name in settings.DATABASES:
        call_command("migrate", database=name, verbosity=0, interactive=False)


def lost_keys() -> Fault:
    """A database whose keys are gone: nothing may go on, least of all with new ones."""
    return Fault(
        T(f"{home()} 缺少 keys.json，而数据库里已有一个镇。", f"{home()}: keys.json is missing, and the database already holds a town."),
        T(
            "请放回与它配套的 keys.json；要建新镇，请用空目录和空数据库。",
            "Put back the keys.json that belongs to it; for a new town use an empty folder and an empty database.",
        ),
    )


def _holds_a_town() -> bool:
    from django.db import connection

    from tongchou.core.audit.models import Entry

    return Entry._meta.db_table in connection.introspection.table_names() and Entry.objects.exists()


@contextmanager
def progress() -> Iterator[Callable[[float, T], None]]:
    """Shows how far a long piece of work is: a bar on a terminal, a line for every tenth in a file."""
    if out.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
        with Progress(*columns, console=out) as bar:
            task = bar.add_task("database 数据库", total=1.0)
            yield lambda share, what: bar.update(task, completed=share, description=f"{what.en} {what.zh}")
        return
    told = -1

    def show(share: float, what: T) -> None:
        nonlocal told
        if int(share * 10 + 1e-9) > told:
            told = int(share * 10 + 1e-9)
            out.print(f"  {share:4.0%} {what.en} {what.zh}", markup=False, soft_wrap=True)

    show(0.0, T("数据库", "database"))
    yield show


def say(text: T) -> None:
    """One line in both languages, English first as in every shell."""
    out.print(f"{text.en}  {text.zh}", markup=False, soft_wrap=True)


def pair_lines(text: T | None) -> str:
    """Both languages in one cell of a table, one under the other."""
    return f"{text.en}\n{text.zh}" if text else ""


def refuse(said: T, remedy: T | None = None) -> None:
    """The one line of an error, on the error stream."""
    en, zh = (said.en, said.zh) if remedy is None else (f"{said.en} {remedy.en}", f"{said.zh} {remedy.zh}")
    err.print(f"tongchou: {en}  {zh}", markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Machine-readable output: one JSON document and nothing else."""
    out.print(json.dumps(value, ensure_ascii=False, indent=2, default=str), markup=False, soft_wrap=True)


def print_table(columns: Sequence[T], rows: Iterable[Sequence[object]]) -> None:
    """A table for people."""
    table = Table(*(f"{c.en} {c.zh}" for c in columns), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)
