"""The examples on the method pages run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Example = Callable[[str], dict[str, Any]]


def test_the_example_of_the_nowcast_runs(example: Example) -> None:
    left = example("nowcast.md")
    assert left["found"].reported[-1] < left["found"].expected[-1] == pytest.approx(40, rel=0.3)
    assert left["weekly"].expected[-1] == pytest.approx(280, rel=0.15)
    assert left["histories"].counts.shape == (400, 110)


def test_the_example_of_the_reproduction_number_runs(example: Example) -> None:
    left = example("reproduction.md")
    assert left["now"].quantiles[-1, 0] > 1.2
    assert left["speed"].doubling_days == pytest.approx(np.log(2) / 0.1, rel=0.05)
    np.testing.assert_allclose(left["honest"].starts, left["now"].starts)
