"""The examples on the method pages and in the docstrings run."""

import doctest
import importlib
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

PAGES = Path(__file__).parents[3] / "docs" / "methods"
MODULES = [
    *(f"nowcasting.{name}" for name in ("delay_hazard", "lawless", "triangle")),
    *(f"reproduction.{name}" for name in ("back_projection", "cori", "growth", "serial_interval", "wallinga_teunis")),
]


def example(page: str, folder: Path) -> dict[str, object]:
    found = re.search(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    assert found
    script = folder / "example.py"
    script.write_text(found.group(1), "utf-8")
    return runpy.run_path(str(script))


def test_the_example_of_the_nowcast_runs(tmp_path: Path) -> None:
    left = example("nowcast.md", tmp_path)
    assert left["found"].reported[-1] < left["found"].expected[-1] == pytest.approx(40, rel=0.3)
    assert left["weekly"].expected[-1] == pytest.approx(280, rel=0.15)
    assert left["histories"].counts.shape == (400, 110)


def test_the_example_of_the_reproduction_number_runs(tmp_path: Path) -> None:
    left = example("reproduction.md", tmp_path)
    assert left["now"].quantiles[-1, 0] > 1.2
    assert left["speed"].doubling_days == pytest.approx(np.log(2) / 0.1, rel=0.05)
    np.testing.assert_allclose(left["honest"].starts, left["now"].starts)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"tongchou.science.{name}"))
    assert result.attempted > 0 and result.failed == 0
