"""Writes the tables of the page on science from its public names: python -m tongchou.interfaces.cli.science_names FOLDER."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import tongchou.science

MARKED = re.compile(r"(<!-- names: (?P<modules>[\w. ]+) -->\n).*?(<!-- end of names -->)", re.DOTALL)
CONSTANTS = {
    "METHODS": "Every detector by its name in R `surveillance`: `.detect`, its `.default` parameters, `.controls` (R's names → ours)."
}


def with_names(page: str) -> str:
    """A page with one row for each public name of the modules that each pair of marks names: functions first, then records."""
    return MARKED.sub(lambda found: f"{found[1]}{_table(found['modules'].split())}\n{found[3]}", page)


def names_of(module: str) -> list[str]:
    """Public names of one module of science."""
    return [name for name, place in tongchou.science.MODULE_OF.items() if place == f"tongchou.science.{module}"]


def _table(modules: Sequence[str]) -> str:
    names = sorted((name for module in modules for name in names_of(module)), key=lambda name: (name[0].isupper(), name.lower()))
    return "\n".join(["| name | what it does, what it holds |", "|---|---|", *(f"| `{name}` | {_first_line(name)} |" for name in names)])


def _first_line(name: str) -> str:
    """First line of the docstring, in Markdown."""
    said = CONSTANTS.get(name) or (getattr(tongchou.science, name).__doc__ or "").strip().splitlines()[0]
    return said.replace("``", "`").replace("|", "\\|").replace(" -> ", " → ")


if __name__ == "__main__":
    written = Path(sys.argv[1]) / "science.md"
    written.write_text(with_names(written.read_text("utf-8")), "utf-8")
