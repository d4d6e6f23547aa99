"""The examples in the docstrings run."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["e_values", "hysteresis", "scoring", "verdicts"])
def test_the_examples_run(name: str) -> None:
    found = doctest.testmod(import_module(f"tongchou.science.evidence.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
