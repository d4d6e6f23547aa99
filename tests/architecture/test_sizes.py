"""Small enough to read: module 400 lines, function 50, domain 1,500; and nothing written twice."""

import ast
import io
import itertools
import keyword
import re
import tokenize
from collections import Counter

from tests.architecture.source import PACKAGE, Module, line_count, modules

MODULE_LINES, FUNCTION_LINES, DOMAIN_LINES = 400, 50, 1500
SHINGLE_TOKENS, TWIN_SHARE, TWIN_MINIMUM = 12, 0.5, 100
FIELD = re.compile(r"\s+\w+: [\w\[\]., |]+( = [\w.]+\(.*\))?$")


def test_modules_are_short():
    assert {m.where: n for m in modules() if (n := m.text.count("\n")) > MODULE_LINES} == {}


def test_functions_are_short():
    assert {f"{m.where}:{f.lineno} {f.name}": n for m in modules() for f in m.functions() if (n := line_count(f)) > FUNCTION_LINES} == {}


def test_domains_are_small():
    lines: Counter[str] = Counter()
    for module in modules():
        parts = module.name.split(".")
        if parts[1:2] == ["domains"] and len(parts) > 2:
            lines[parts[2]] += module.text.count("\n")
    assert {name: n for name, n in lines.items() if n > DOMAIN_LINES} == {}


def is_machine(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "Machine"


def shingles(module: Module) -> set[tuple[str, ...]]:
    """Runs of tokens with names reduced to one sign, so that a renamed copy is still a copy.

    Imports, declared fields, tables of states and texts do not count: declarations look alike because the grammar is small.
    """
    tables = [range(n.lineno, (n.end_lineno or 0) + 1) for n in module.tree.body if is_machine(n)]
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if any(token.start[0] in table for table in tables):
            continue
        if (
            token.line.lstrip().startswith(("import ", "from "))
            or FIELD.match(token.line)
            or token.type in {tokenize.COMMENT, tokenize.STRING, tokenize.NL}
        ):
            continue
        if token.type == tokenize.NAME:
            kept.append(token.string if keyword.iskeyword(token.string) else "n")
        elif token.type in {tokenize.OP, tokenize.NUMBER}:
            kept.append(token.string)
    return {tuple(kept[i : i + SHINGLE_TOKENS]) for i in range(len(kept) - SHINGLE_TOKENS + 1)}


def test_no_two_modules_are_near_twins():
    # models and migrations are declarations, and one action alone is little more.
    sets = {m.where: s for m in modules() if m.path.stem not in {"models", "__init__"} and len(s := shingles(m)) >= TWIN_MINIMUM}
    twins = {
        (a, b): round(share, 2)
        for a, b in itertools.combinations(sorted(sets), 2)
        if (share := len(sets[a] & sets[b]) / min(len(sets[a]), len(sets[b]))) > TWIN_SHARE
    }
    assert twins == {}


def test_every_domain_has_its_readme():
    domains = [d for d in sorted((PACKAGE / "domains").iterdir()) if (d / "models.py").exists()]
    assert [d.name for d in domains if not (d / "README.md").exists()] == []
