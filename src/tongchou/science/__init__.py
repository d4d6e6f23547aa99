"""The methods of the watch, usable alone: ``from tongchou.science import detect``.

Every public name stands in ``__init__.pyi`` with the module it lives in, and on the page docs/reference/science.md. A module is loaded when a name
of it is first asked for (PEP 562), so importing this package costs nothing, and nothing here knows Django.
"""

import ast
from importlib import import_module
from pathlib import Path

MODULE_OF = {
    name.name: statement.module
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8")).body
    if isinstance(statement, ast.ImportFrom)
    for name in statement.names
}
__all__ = sorted(MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its public names: {', '.join(__all__)}")
    value = globals()[name] = getattr(import_module(MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
