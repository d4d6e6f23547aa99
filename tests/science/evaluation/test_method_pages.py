"""The examples on the pages about the seasonal baseline and the weekly benchmark run."""

from collections.abc import Callable
from typing import Any

Example = Callable[[str], dict[str, Any]]


def test_the_seasonal_example_finds_its_outbreak(example: Example) -> None:
    made = example("seasonal.md")
    assert made["found"].alarm[0].tolist() == [False, False, False, True]
    p, bounds = made["one_week"]
    assert (p > 0.01).all() and (made["counts"][316:] <= bounds).all()  # neither week passes alone
    assert made["found"].upper[0, 3] < made["counts"][319] < made["found"].upper[0, 2]


def test_the_benchmark_example_measures_a_rule_of_ones_own(example: Example) -> None:
    made = example("weekly_benchmark.md")
    assert made["row"].rate == 0.01
    assert 0.003 < made["row"].values["fpr"] <= 0.01
    assert 0 < made["row"].errors["pod"] < 0.2


def test_the_example_of_real_streams_combines_them(example: Example) -> None:
    made = example("fusion_real.md")
    assert made["scores"]["fused"].shape == (2, 30)
    assert {"best", "weighted", "fisher"} <= set(made["scores"])


def test_the_fusion_example_runs_a_rule_of_ones_own_beside_the_fused_one(example: Example) -> None:
    made = example("fusion_benchmark.md")
    assert made["mine"].increments.shape == (1, 60, 182)
    assert 0 < len(made["rang"]["mine"]) < 60 and 0 < len(made["rang"]["fused"]) < 30
