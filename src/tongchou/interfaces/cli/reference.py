"""Writes the pages about commands and parameters from the program and the packs: python -m tongchou.interfaces.cli.reference FOLDER."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
import yaml

from tongchou.interfaces.cli.main import app


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its full name, in the order of registration."""
    group = group or typer.main.get_command(app)
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def commands_page() -> str:
    """Every command with its arguments, as Markdown."""
    lines = [
        "# Commands 命令",
        "",
        "Written by `python dev.py docs`. `--home FOLDER` (or `TONGCHOU_HOME`) names the installation and may stand anywhere.",
        "Exit code 0: done; 1: refused or failed, with one line saying what, where and what to do; 2: wrong usage.",
    ]
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        shown = " ".join(p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments)
        lines += ["", f"## `tongchou {f'{name} {shown}'.strip()}`", "", (command.help or "").strip()]
        rows = [(p.name.upper(), getattr(p, "help", "")) for p in arguments] + [
            (", ".join(p.opts) + (" (required)" if p.required else ""), getattr(p, "help", "")) for p in options
        ]
        if rows:
            lines += ["", "| | |", "|---|---|", *(f"| `{left}` | {right or ''} |" for left, right in rows)]
    return "\n".join(lines) + "\n"


def parameters_page(packs: Path) -> str:
    """Every parameter of every pack with its values, days and sources, as Markdown."""
    lines = [
        "# Values of parameters 参数取值",
        "",
        "Written by `python dev.py docs` from `packs/*/parameters/`; what a parameter is: [parameters](parameters.md). A value holds from its day until the next one begins.",
    ]
    for pack in sorted(p.parent.name for p in packs.glob("*/parameters")):
        rows = [
            row
            for path in sorted((packs / pack / "parameters").glob("*.yaml"))
            for row in yaml.safe_load(path.read_text("utf-8"))["parameters"]
        ]
        lines += ["", f"## {pack}"]
        for row in sorted(rows, key=lambda r: str(r["key"])):
            lines += ["", f"### `{row['key']}`", "", f"{row['description']['en']} {row['description']['zh']}. Unit: {row['unit']}.", ""]
            lines += ["| from | value | where | source |", "|---|---|---|---|"]
            for entry in row["entries"]:
                source = f"{entry['source']['en']} {entry['source']['zh']}"
                value = json.dumps(entry["value"], ensure_ascii=False, default=str)
                lines.append(f"| {entry['from']} | `{value}` | {entry.get('place', '')} | {source} ({entry.get('confidence', '')}) |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "cli.md").write_text(commands_page(), "utf-8")
    (folder / "parameter-values.md").write_text(parameters_page(Path("packs")), "utf-8")
