"""The examples in the docstrings run."""

import doctest
from importlib import import_module

import pytest

WITH_EXAMPLES = ("zones", "scan", "space_time_cusum", "knox")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_run(name: str) -> None:
    found = doctest.testmod(import_module(f"tongchou.science.localisation.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
