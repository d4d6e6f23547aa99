"""What every floor of science shares: the example of a method page, run as a reader would run it."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "methods"


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Run the first Python block of a page of docs/methods; gives back the names it leaves."""

    def run(page: str) -> dict[str, Any]:
        found = re.search(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
        assert found, f"{page} has no example"
        script = tmp_path / "example.py"
        script.write_text(found.group(1), "utf-8")
        return runpy.run_path(str(script))

    return run
