"""The examples on the pages of localisation, verdicts and risks run and say what the pages say."""

from collections.abc import Callable
from typing import Any

import pytest

Example = Callable[[str], dict[str, Any]]


def test_the_example_of_localisation_runs(example: Example) -> None:
    left = example("localisation.md")
    assert len(set(left["best"].places) & set(left["ill"])) >= 3
    assert left["best"].p_value == 0.001
    assert set(left["villages"]) <= set(left["ill"])
    assert left["villages"]


def test_the_example_of_verdicts_runs(example: Example) -> None:
    left = example("verdicts.md")
    assert (left["ppv"].right, left["ppv"].wrong) == (1, 1)
    assert left["onsets"].per_year == pytest.approx((0.5 * 2 + 1) / 4)
    assert left["weights"]["fever clinic"] > 0.5
    assert left["weights"]["absences"] < 0.25
    assert left["shown"] == ("yellow", "red", "red", "red", "orange")


def test_the_example_of_the_risks_runs(example: Example) -> None:
    left = example("risks.md")
    assert [p.name for p in left["imported"].parts] == ["city centre", "next district"]
    assert left["mobility"].parts[0].name == "east → west"
    assert 0 < left["gathering"].score < 100
