"""The book of projects: every fault named by its line."""

from pathlib import Path

import pytest

from tests.packs_once import PACKS
from tongchou.core.packs.checks import project_problems
from tongchou.core.packs.reading import read_yaml

TEXT = (PACKS / "xujing/projects.yaml").read_text("utf-8")


def told(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    assert old in TEXT
    path = tmp_path / "projects.yaml"
    path.write_text(TEXT.replace(old, new, 1) if old else TEXT, "utf-8")
    document = read_yaml(path, path.name, "projects")
    return [f"{p.where} {p.what.en}" for p in document.problems or project_problems(document)]


def test_the_town_s_book_is_sound(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("after: [started]", "after: [begun]", "milestone begun"),
        ("after: []", "after: [land]", "first batch asks for nothing"),
        ("- {id: land,", "- {id: signed,", "signed"),
        ("- {id: started, name: {zh: 开工,", "- {id: begun, name: {zh: 开工,", "milestone started is missing"),
        ("src: [brief,", "src: [rumour,", "rumour"),
        ("- {id: reserve,", "- {id: signed,", "reserve, signed, started, finished"),
        ("from: 2020-01-01", "from: soon", "soon"),
    ],
)
def test_a_fault_is_named_by_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = told(tmp_path, old, new)
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    assert any(said in one and one.startswith("line ") for one in found)
    if "missing" not in said:
        assert any(f"line {line}," in one for one in found), (line, found)
