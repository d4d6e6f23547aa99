"""The examples on the pages about the seasonal baseline and the weekly benchmark run."""

import re
import runpy
from pathlib import Path

PAGES = Path(__file__).parents[3] / "docs" / "methods"


def ran(page: str, tmp_path: Path) -> dict[str, object]:
    found = re.search(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    assert found
    script = tmp_path / "example.py"
    script.write_text(found.group(1), "utf-8")
    return runpy.run_path(str(script))


def test_the_seasonal_example_finds_its_outbreak(tmp_path: Path) -> None:
    made = ran("seasonal.md", tmp_path)
    assert made["found"].alarm[0].tolist() == [False, False, False, True]
    p, bounds = made["one_week"]
    assert (p > 0.01).all() and (made["counts"][316:] <= bounds).all()  # neither week passes alone
    assert made["found"].upper[0, 3] < made["counts"][319] < made["found"].upper[0, 2]


def test_the_benchmark_example_measures_a_rule_of_ones_own(tmp_path: Path) -> None:
    made = ran("weekly_benchmark.md", tmp_path)
    assert made["row"].rate == 0.01
    assert 0.003 < made["row"].values["fpr"] <= 0.01
    assert 0 < made["row"].errors["pod"] < 0.2
