"""Reading the house itself: its modules, their syntax trees, its templates and tracked files."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "tongchou"
HAN = re.compile(r"[\u3400-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]{3,}")


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def where(self) -> str:
        return str(self.path.relative_to(ROOT))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def modules(*, migrations: bool = False) -> tuple[Module, ...]:
    """Every Python file below src/tongchou, read from the disk and not from an import graph."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "__pycache__" in path.parts or (not migrations and "migrations" in path.parts):
            continue
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        found.append(Module(path, name, text, ast.parse(text)))
    return tuple(found)


@cache
def templates() -> tuple[tuple[str, str], ...]:
    """Every page template: where, text."""
    return tuple((str(p.relative_to(ROOT)), p.read_text("utf-8")) for p in sorted(PACKAGE.rglob("templates/**/*.html")))


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git keeps. Raises when this is not a checkout: a rule about tracked files cannot be checked without them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def line_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its decorators and docstring: a long description is no long function."""
    first = node.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring
