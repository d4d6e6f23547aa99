"""Writes the contract of each block into its page, read from the code: python -m tongchou.interfaces.cli.contracts FOLDER."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from tongchou.core.people.rules import CAPABILITIES

PACKAGE = Path(__file__).resolve().parents[2]
CONTRACT_MARKS = ("<!-- contract: written by python dev.py docs -->", "<!-- end of contract -->")
# Page of the reference → the block or domain it describes.
CONTRACTS = {
    **{name: f"core/{name}" for name in ("places", "people", "parameters", "audit", "casework", "outbox", "importing", "runs", "passes")},
    "registers": "domains/registry",
    **{
        name: f"domains/{name}"
        for name in (
            "sentinels",
            "warning",
            "response",
            "gate",
            "testing",
            "tracing",
            "exposures",
            "spot_checks",
            "suspensions",
            "resumption",
            "footfall",
            "difficulties",
            "approvals",
            "projects",
            "calls",
            "firms",
            "policies",
        )
    },
}


def with_contract(page: str, package: Path) -> str:
    """A page with the contract of its block between the two marks, read from the code: tables, constraints, actions, queries."""
    begin, end = CONTRACT_MARKS
    before, rest = page.split(begin, 1)
    return f"{before}{begin}\n{_contract(package)}\n{end}{rest.split(end, 1)[1]}"


def _contract(package: Path) -> str:
    functions = {
        path.name: [n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
        for path in sorted(package.glob("*.py"))
    }
    actions = [(n, call) for name, found in functions.items() if name.startswith("actions") for n in found if (call := _action_call(n))]
    parts = [
        _table(("table", "what a row is", "constraints that the database holds"), _models(package / "models.py")),
        _table(
            ("action", "capability", "asked in", "what it does"),
            [(f"`{n.name}`", f"`{ast.literal_eval(call.args[0])}`", _asked_in(call), _first_line(n)) for n, call in actions],
        ),
        _table(("query", "gives"), [(f"`{n.name}`", _first_line(n)) for n in functions.get("queries.py", [])]),
    ]
    if package.name == "people":
        needed = _capability_users(package.parents[1])
        parts.append(
            _table(
                ("capability", "held by posts of kind", "actions that ask for it"),
                [
                    (
                        f"`{name}`",
                        ", ".join(kind for kind, names in CAPABILITIES.items() if name in names) or "the system alone",
                        needed.get(name, ""),
                    )
                    for name in sorted(frozenset(needed).union(*CAPABILITIES.values()))
                ],
            )
        )
    return "\n\n".join(part for part in parts if part)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = [heads, ("---",) * len(heads), *((cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _first_line(node: ast.FunctionDef | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").split("\n", 1)[0]


def _action_call(node: ast.FunctionDef) -> ast.Call | None:
    return next((d for d in node.decorator_list if isinstance(d, ast.Call) and ast.unparse(d.func) == "action"), None)


def _asked_in(call: ast.Call) -> str:
    named = {k.arg: k.value for k in call.keywords}
    if "on" in named:
        return f"the place of the {ast.unparse(named['on'])}"
    return "the place it is about" if "place" in named else "any place"


def _models(path: Path) -> list[tuple[str, str, str]]:
    tree = ast.parse(path.read_text("utf-8")) if path.exists() else ast.Module([], [])
    return [
        (f"`{node.name}`", _first_line(node), ", ".join(f"`{name}`" for name in _constraints(node)))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]


def _constraints(model: ast.ClassDef) -> list[str]:
    """Names given in `constraints = [...]`: the keyword `name`, or the last argument of a shorthand."""
    lists = (n.value for n in ast.walk(model) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "constraints")
    calls = (call for found in lists if isinstance(found, ast.List) for call in found.elts if isinstance(call, ast.Call))
    names = ([k.value for k in call.keywords if k.arg == "name"] or call.args[-1:] for call in calls)
    return [str(ast.literal_eval(name[0])) for name in names]


def _capability_users(package: Path) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for path in sorted(package.glob("*/*/actions*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            call = _action_call(node) if isinstance(node, ast.FunctionDef) else None
            if call and isinstance(node, ast.FunctionDef):
                found.setdefault(ast.literal_eval(call.args[0]), []).append(f"`{node.name}`")
    return {name: ", ".join(names) for name, names in found.items()}


if __name__ == "__main__":
    for name, package in CONTRACTS.items():
        page = Path(sys.argv[1]) / f"{name}.md"
        page.write_text(with_contract(page.read_text("utf-8"), PACKAGE / package), "utf-8")
