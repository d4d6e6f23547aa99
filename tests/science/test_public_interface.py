"""`from tongchou.science import …`: light, typed, complete on its page, and every name with an example that runs."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import signature
from typing import Any

import pytest

import tongchou.science as science
from tests.science.conftest import DOCS, blocks_of
from tongchou.interfaces.cli.science_names import names_of, with_names

PAGE, SOURCE = DOCS / "reference/science.md", DOCS.parent / "src"
SECTIONS = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
RECORDS = {name for name in science.__all__ if is_dataclass(getattr(science, name))}


def loaded_by(code: str) -> set[str]:
    """What a fresh Python has loaded after the code."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_it_loads_nothing_and_no_name_loads_django() -> None:
    assert not loaded_by("import tongchou.science") & {"numpy", "numba", "scipy", "django"}
    everything = loaded_by("import tongchou.science as s\nfor name in s.__all__: getattr(s, name)")
    assert "numpy" in everything
    assert not everything & {"django", "ninja", "psycopg", "typer"}


def test_each_name_is_that_of_its_module_and_others_are_refused_by_name() -> None:
    for name, module in science.MODULE_OF.items():
        assert getattr(science, name) is getattr(import_module(module), name)
    assert dir(science) == science.__all__ == sorted(science.MODULE_OF)
    with pytest.raises(AttributeError, match=r"'farringtonFlexible'.*public names: Additive"):
        science.farringtonFlexible  # noqa: B018  # type: ignore[attr-defined]


def test_the_page_lists_every_public_name_and_is_that_of_this_program() -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_names(page), "run: python dev.py docs"
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == science.__all__


def test_each_section_leads_to_its_method() -> None:
    for section in SECTIONS[:-1]:
        assert re.match(r".*\(\[method\]\(\.\./methods/\w+\.md\)\)\n", section), section[:40]
        assert "```python" in section and "<!-- names:" in section


@pytest.mark.parametrize("number", range(len(blocks_of(PAGE))))
def test_the_examples_of_the_page_run(number: int, example: Callable[..., dict[str, Any]]) -> None:
    assert example("reference/science.md", number)


def test_the_page_s_examples_find_what_they_show(example: Callable[..., dict[str, Any]]) -> None:
    assert example("reference/science.md", 1)["found"].alarm[:, -1].tolist() == [False, False, True]
    assert example("reference/science.md", 2)["found"].alarm[0].tolist() == [False, False, False, True]
    assert not example("reference/science.md", 3)["morning"].assessment.alarm
    best = example("reference/science.md", 4)["best"]
    assert (best.days, best.p_value) == (4, 0.01)
    assert 0.9 < example("reference/science.md", 5)["r_now"][3] < 1.1


def test_every_function_is_shown_at_work_and_every_record_is_given_or_taken_by_one() -> None:
    """An example is a doctest of its docstring or a block of the page: both are run by the tests."""
    shown = "\n".join(blocks_of(PAGE)) + "\n".join(
        part.source for name in science.__all__ for part in doctest.DocTestParser().get_examples(getattr(science, name).__doc__ or "")
    )
    used = set(re.findall(r"\w+", shown))
    assert [name for name in science.__all__ if name not in used | RECORDS] == []
    asked = [str(signature(getattr(science, name))) for name in set(science.__all__) - RECORDS if callable(getattr(science, name))]
    asked += [str(field.type) for name in RECORDS for field in fields(getattr(science, name))]
    taken = set(re.findall(r"\w+", "\n".join(asked)))
    assert sorted(RECORDS - used - taken) == []


def test_every_name_of_a_listed_module_has_one_home() -> None:
    """No name hides another: each stands in one module's row only."""
    assert sum(len(names_of(module.removeprefix("tongchou.science."))) for module in set(science.MODULE_OF.values())) == len(
        science.__all__
    )
