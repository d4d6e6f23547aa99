"""What every command needs: the installation's folder, Django when it is wanted, words, and refusals of one line."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tongchou.core.wording import T

# Into a pipe a table is not folded to the width of a screen that nobody looks at.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
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
