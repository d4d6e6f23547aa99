"""Writes docs/reference/commands.md from the program itself: python -m tongchou.interfaces.cli.reference FILE."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from tongchou.interfaces.cli.main import app


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its full name, in the order of registration."""
    group = group or typer.main.get_command(app)
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def page() -> str:
    """The reference page as Markdown."""
    lines = [
        "# Commands 命令",
        "",
        "Written by `python dev.py docs`. `--home FOLDER` (or `TONGCHOU_HOME`) names the installation and may stand anywhere.",
        "Exit code 0: done; 1: refused or failed, with one line saying what, where and what to do; 2: wrong usage.",
    ]
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        shown = " ".join(p.human_readable_name.upper() if p.required else f"[{p.human_readable_name.upper()}]" for p in arguments)
        lines += ["", f"## `tongchou {f'{name} {shown}'.strip()}`", "", (command.help or "").strip()]
        rows = [(p.human_readable_name.upper(), getattr(p, "help", "")) for p in arguments] + [
            (", ".join(p.opts) + (" (required)" if p.required else ""), getattr(p, "help", "")) for p in options
        ]
        if rows:
            lines += ["", "| | |", "|---|---|", *(f"| `{left}` | {right or ''} |" for left, right in rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
