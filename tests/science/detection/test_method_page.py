"""The examples on the method pages run."""

import re
import runpy
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[3] / "docs" / "methods"


def run_example(page: str, folder: Path) -> dict[str, Any]:
    found = re.search(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    assert found
    script = folder / "example.py"
    script.write_text(found.group(1), "utf-8")
    return runpy.run_path(str(script))


def test_the_classical_example_runs(tmp_path: Path) -> None:
    found = run_example("classical.md", tmp_path)["found"]
    assert found.alarm[-1]
    assert 8 < found.upper[-1] < 25


def test_the_example_of_the_watch_runs(tmp_path: Path) -> None:
    morning = run_example("detection.md", tmp_path)["morning"]
    assert not morning.assessment.alarm
    assert 0 < morning.assessment.outbreak_probability < 0.2
    assert morning.scores[0].upper >= 5
