"""What every floor of science shares: the examples of a page, run as a reader would run them."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, as written."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run one Python block (the first, unless said) of a page of docs, docs/methods if no folder is named; gives back the names it leaves."""

    def run(page: str, number: int = 0) -> dict[str, Any]:
        path = DOCS / page if "/" in page else DOCS / "methods" / page
        found = blocks_of(path)
        assert number < len(found), f"{page} has no example {number + 1}"
        script = tmp_path / "example.py"
        script.write_text(found[number], "utf-8")
        return runpy.run_path(str(script))

    return run
