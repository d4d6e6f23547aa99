"""The command-line program `tongchou`: reads the command, calls one thing, and says in one line what went wrong."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli import (
    accounts,
    benchmarking,
    bridging,
    demo,
    detecting,
    drawing,
    estimating,
    explaining,
    exposing,
    importing,
    installing,
    operating,
    policies,
    screening,
    serving,
    watching,
)
from tongchou.interfaces.cli.shell import Fault, refuse

app = typer.Typer(
    name="tongchou",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Township duty desk: watch, respond, recover. 镇域统筹：监测预警、应急处置、恢复重振。",
)
serving.register(app)
operating.register(app)
installing.register(app)
importing.register(app)
watching.register(app)
explaining.register(app)
detecting.register(app)
estimating.register(app)
screening.register(app)
exposing.register(app)
demo.register(app)
app.add_typer(accounts.app, name="users")
app.add_typer(benchmarking.app, name="benchmark")
app.add_typer(policies.app, name="policy")
app.add_typer(drawing.app, name="draw")
app.add_typer(bridging.app, name="bridge")


@app.callback()
def choose_home(
    home: Annotated[
        str, typer.Option("--home", help="Folder of this installation; may stand anywhere. 安装目录。", envvar="TONGCHOU_HOME")
    ] = "",
) -> None:
    if home:
        os.environ["TONGCHOU_HOME"] = home


def take_home(arguments: Sequence[str]) -> list[str]:
    """Move --home to the front, so that it may stand after the command as well."""
    rest: list[str] = []
    chosen: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*chosen, *rest, word, *words]
        if word == "--home":
            chosen = [word, next(words, "")]
        elif word.startswith("--home="):
            chosen = [word]
        else:
            rest.append(word)
    return [*chosen, *rest]


def run() -> None:
    """Entry point. Exit code 2 for wrong usage, 1 for a refusal, 130 when interrupted."""
    os.umask(0o077)  # a town's database, evidence and backups are for the account that runs it
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    try:
        app(take_home(sys.argv[1:]))
    except Fault as fault:
        refuse(fault.said, fault.remedy)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _told(error):
            raise
    else:
        return
    sys.exit(1)


def _told(error: Exception) -> bool:
    """Say an expected failure in one line; False for a defect of ours, whose traceback must be seen."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError, ProgrammingError

    from tongchou.core.errors import Refusal
    from tongchou.interfaces.web.trouble import FULL, trouble_of

    told = " ".join(str(error).split())[:300]
    if isinstance(error, Refusal):
        refuse(error.said, error.remedy)
    elif trouble_of(error) is FULL:
        refuse(
            T(f"磁盘已满或不可写，什么都没有改动（{told}）。", f"the disk is full or cannot be written; nothing has changed ({told})."),
            T(
                "请腾出空间，用安装目录所属的账号重新运行。",
                "Make room, and run it again as the account that owns the folder.",
            ),
        )
    elif isinstance(error, OperationalError | ProgrammingError | ImproperlyConfigured):
        refuse(
            T(f"数据库无法使用：{told}。", f"database: cannot be used: {told}."),
            T("请运行 tongchou check。", "Look closer with: tongchou check"),
        )
    elif isinstance(error, OSError) and error.errno in {errno.EPERM, errno.EEXIST, errno.ENOTDIR}:
        refuse(T(f"文件无法使用：{told}。", f"a file cannot be used: {told}."), T("请核对路径。", "Check the path."))
    else:
        return False
    return True


if __name__ == "__main__":
    run()
