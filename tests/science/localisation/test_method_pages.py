"""The examples on the pages of localisation, verdicts and risks run and say what the pages say."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parents[3] / "docs" / "methods"


def example(page: str, folder: Path) -> dict[str, Any]:
    found = re.search(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    assert found
    script = folder / "example.py"
    script.write_text(found.group(1), "utf-8")
    return runpy.run_path(str(script))


def test_the_example_of_localisation_runs(tmp_path: Path) -> None:
    left = example("localisation.md", tmp_path)
    assert len(set(left["best"].places) & set(left["ill"])) >= 3
    assert left["best"].p_value == 0.001
    assert set(left["villages"]) <= set(left["ill"])
    assert left["villages"]


def test_the_example_of_verdicts_runs(tmp_path: Path) -> None:
    left = example("verdicts.md", tmp_path)
    assert (left["ppv"].right, left["ppv"].wrong) == (1, 1)
    assert left["onsets"].per_year == pytest.approx((0.5 * 2 + 1) / 4)
    assert left["weights"]["fever clinic"] > 0.5
    assert left["weights"]["absences"] < 0.25
    assert left["shown"] == ("yellow", "red", "red", "red", "orange")


def test_the_example_of_the_risks_runs(tmp_path: Path) -> None:
    left = example("risks.md", tmp_path)
    assert [p.name for p in left["imported"].parts] == ["city centre", "next district"]
    assert left["mobility"].parts[0].name == "east → west"
    assert 0 < left["gathering"].score < 100
