"""The examples on the method pages run."""

from collections.abc import Callable
from typing import Any

Example = Callable[[str], dict[str, Any]]


def test_the_classical_example_runs(example: Example) -> None:
    found = example("classical.md")["found"]
    assert found.alarm[-1]
    assert 8 < found.upper[-1] < 25


def test_the_example_of_the_watch_runs(example: Example) -> None:
    morning = example("detection.md")["morning"]
    assert not morning.assessment.alarm
    assert 0 < morning.assessment.outbreak_probability < 0.2
    assert morning.scores[0].upper >= 5
