"""Finding the words a user sees: pairs in Python and in templates, and Chinese that stands alone."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import HAN, Module

SAY = re.compile(r"""\{%-?\s*say\s+("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s+("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
INVISIBLE = re.compile(
    r"\{%\s*block\s+\w*class\w*\s*%\}.*?\{%\s*endblock|<(script|style|svg|kbd|code)\b.*?</\1\s*>|\{%\s*block page_class\s*%\}.*?endblock|\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|<!--.*?-->",
    re.S,
)
TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
ELEMENT = re.compile(r"<[^>]*>", re.S)
SPOKEN_ATTRIBUTE = re.compile(r"""\b(?:title|alt|placeholder|aria-label|aria-description)\s*=\s*("[^"]*"|'[^']*')""")


def text_of(node: ast.expr) -> str | None:
    """The literal part of a string expression; None when it is not one."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value for v in node.values if isinstance(v, ast.Constant) and isinstance(v.value, str)).strip() or None
    if isinstance(node, ast.BinOp):
        parts = [text_of(node.left), text_of(node.right)]
        return None if parts == [None, None] else "".join(p or "" for p in parts)
    return None


def pairs(module: Module) -> Iterator[tuple[int, str | None, str | None]]:
    """Line, Chinese and English text of every T(...) (None where it is computed)."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "T":
            given = {k.arg: text_of(k.value) for k in node.keywords if k.arg in {"zh", "en"}}
            given |= dict(zip(("zh", "en"), map(text_of, node.args), strict=False))
            yield node.lineno, given.get("zh"), given.get("en")


def lone_chinese(module: Module) -> Iterator[tuple[int, str]]:
    """Line and text of every Chinese string that has no partner in the same call, tuple, list or dict."""
    parents = {child: node for node in ast.walk(module.tree) for child in ast.iter_child_nodes(node)}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and HAN.search(node.value)):
            continue
        parent = parents[node]
        if isinstance(parent, ast.Expr) and isinstance(parents.get(parent), documented):
            continue
        if not _has_partner(node, parents):
            yield node.lineno, node.value


def _has_partner(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """True when somewhere above, up to the statement, stands text without Chinese beside this one."""
    child = node
    while (parent := parents.get(child)) is not None:
        if isinstance(parent, ast.Call) and ast.unparse(parent.func).startswith("re."):
            return True  # what is looked for in a text is not said to anybody
        if isinstance(child, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr | ast.AugAssign):
            return _function_speaks_both(child, parents)
        if isinstance(parent, ast.Call | ast.Tuple | ast.List | ast.Set | ast.Dict):
            for sibling in ast.iter_child_nodes(parent):
                if sibling is child or sibling is getattr(parent, "func", None):
                    continue
                texts = [n.value for n in ast.walk(sibling) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                if texts and not any(map(HAN.search, texts)) and any(re.search("[A-Za-z]", t) for t in texts):
                    return True
        child = parent
    return False


def _function_speaks_both(statement: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """True in a function that asks for the language, or that makes a text named zh beside one named en."""
    function: ast.AST | None = statement
    while function is not None and not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        function = parents.get(function)
    names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)} if function else set()
    return "current_language" in names or {"zh", "en"} <= names


def said(template: str) -> list[tuple[str, str]]:
    """Every pair of a template's {% say %}."""
    return [(zh[1:-1], en[1:-1]) for zh, en in SAY.findall(template)]


def bare_text(template: str) -> str:
    """What a template shows that no tag computes: text between elements and in spoken attributes."""
    visible = TAGS.sub(" ", INVISIBLE.sub(" ", template))
    attributes = " ".join(value for element in ELEMENT.findall(visible) for value in SPOKEN_ATTRIBUTE.findall(element))
    return re.sub(r"&\w+;", " ", ELEMENT.sub(" ", visible) + " " + attributes)
