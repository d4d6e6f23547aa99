"""Every example in a docstring of science runs and says what it says."""

import doctest
import importlib
import pkgutil

import pytest

import tongchou.science

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(tongchou.science.__path__, "tongchou.science.")
    if any(test.examples for test in doctest.DocTestFinder().find(importlib.import_module(found.name)))
)


def test_there_are_examples() -> None:
    assert {"tongchou.science.detection.seasonal", "tongchou.science.nowcasting.delay_hazard"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0 and result.failed == 0
