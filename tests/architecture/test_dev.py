"""dev.py, the one door: what it installs, what it says about floors, when it fails."""

import ast
import json
import os
import subprocess
import sys

import dev
import pytest
from tests.architecture.source import ROOT


def test_dev_py_needs_the_standard_library_only():
    tree = ast.parse((ROOT / "dev.py").read_text("utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


FLOORS = [dev.Floor("sqlite", 0, "12 passed in 1.00s"), dev.Floor("browser", None, "apt-get install chromium")]


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_missing_floor_is_named_with_its_remedy_and_fails_in_ci_only(capsys, monkeypatch, ci, code):
    monkeypatch.setenv("CI", ci)
    assert dev.close(FLOORS, 1.0) == code
    said = capsys.readouterr().out
    assert "12 passed in 1.00s" in said
    assert "Could not run here: browser." in said and "apt-get install chromium" in said


def test_a_failed_floor_fails_everywhere(capsys, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert dev.close([dev.Floor("sqlite", 1, "1 failed in 1.00s"), FLOORS[0]], 1.0) == 1
    assert capsys.readouterr().out.endswith("FAILED: sqlite\n")


def test_the_demo_installs_no_development_tools():
    runtime, development = dev.wanted(False)[0], dev.wanted(True)[0]
    assert set(runtime) < set(development)
    assert not any(name in requirement for requirement in runtime for name in ("pytest", "mypy", "ruff", "playwright"))


def test_spark_comes_only_when_it_is_asked_for_and_says_so_without_java(monkeypatch, tmp_path):
    assert not any("pyspark" in requirement for requirement in dev.wanted(True)[0])
    assert any("pyspark" in requirement for requirement in dev.wanted(True, engines=True)[0])
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    floor = dev.engines_floor(True, ["tests"])
    assert (floor.code, floor.said) == (None, dev.JAVA_REMEDY)


def test_a_wider_installation_will_do(monkeypatch, tmp_path):
    monkeypatch.setattr(dev, "VENV", tmp_path)
    monkeypatch.setattr(dev, "PYTHON", ROOT / "dev.py")
    monkeypatch.setattr(dev, "_install", lambda requirements: installed.append(len(requirements)))
    installed: list[int] = []
    dev.make_environment(dev=True, engines=True)
    dev.make_environment(dev=True)
    dev.make_environment(dev=False)
    assert len(installed) == 1


def test_only_dependencies_and_pins_make_it_install_again(tmp_path, monkeypatch):
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"))
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "CONSTRAINTS", tmp_path / "constraints.txt")
    before = dev.wanted(True)[1]
    with (tmp_path / "pyproject.toml").open("a") as project:
        project.write("\n[tool.something]\nlinter = true\n")
    assert dev.wanted(True)[1] == before
    with (tmp_path / "constraints.txt").open("a") as pins:
        pins.write("another==1.0\n")
    assert dev.wanted(True)[1] != before


@pytest.mark.parametrize(
    ("log", "unreachable"),
    [
        ("WARNING: Retrying ... NewConnectionError: Failed to establish a new connection: [Errno 111] Connection refused", True),
        ("ERROR: Could not find a version that satisfies the requirement django (from versions: none)", True),
        ("ERROR: Cannot install numba because these package versions have conflicting dependencies.", False),
    ],
)
def test_a_registry_that_does_not_answer_is_told_from_a_conflict(log, unreachable):
    assert bool(dev.UNREACHABLE.search(log)) is unreachable


def test_it_works_from_any_folder_and_refuses_what_it_does_not_know(tmp_path):
    told = subprocess.run([sys.executable, str(ROOT / "dev.py"), "demo", "--frsh"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 2 and "--frsh" in told.stderr
    shown = subprocess.run([sys.executable, str(ROOT / "dev.py"), "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert all(name in shown.stdout for name in ("demo", "test", "bench", "lint", "docs", "pin"))


@pytest.mark.parametrize("path", [".ci/run", "dev.py"])
def test_the_doors_can_be_opened(path):
    assert os.access(ROOT / path, os.X_OK)


@pytest.mark.parametrize(("page", "language"), dev.READMES.items())
def test_the_table_of_figures_is_written_by_the_command(page, language):
    text = (ROOT / page).read_text("utf-8")
    figures = json.loads(dev.FIGURES.read_text("utf-8"))
    assert figures
    assert text == dev.with_table(text, figures, language), "run: python dev.py bench --write"


def test_the_page_of_benchmarks_is_written_by_the_command():
    text = (ROOT / dev.FIGURES_PAGE).read_text("utf-8")
    figures = json.loads(dev.FIGURES.read_text("utf-8"))
    assert text == dev.with_areas(text, figures), "run: python dev.py bench --write"
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == sorted({n.split("/")[0] for n in figures})


def test_a_benchmark_shows_its_figures_and_a_broken_promise_fails(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    row = {"promise": {"zh": "快", "en": "soon"}, "measured": "9 s", "peer": {"zh": "无", "en": "none"}, "kept": False}
    (folder / "slow.py").write_text(f"if __name__ == \"__main__\":\n    print('figures: ' + {json.dumps(json.dumps([row]))})\n")
    (tmp_path / "docs").mkdir()
    for page in [*dev.READMES, dev.FIGURES_PAGE]:
        (tmp_path / page).write_text("before\n" + "\nold\n".join(dev.FIGURE_MARKS) + "\nafter\n")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "FIGURES", folder / "figures.json")
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    monkeypatch.setattr(dev, "make_environment", lambda dev: None)
    assert dev.bench(["slow"], write=True) == 1
    assert "NOT KEPT: soon" in capsys.readouterr().out
    english = (tmp_path / "README.md").read_text("utf-8")
    assert "| soon | 9 s | none | NO |" in english and "old" not in english and english.endswith("\nafter\n")
    assert "| 快 | 9 s | 无 | 否 |" in (tmp_path / "README.zh-CN.md").read_text("utf-8")
    by_area = (tmp_path / dev.FIGURES_PAGE).read_text("utf-8")
    assert "## slow.py" in by_area and "| 快<br>soon | 9 s | 无<br>none | 否 NO |" in by_area and by_area.endswith("\nafter\n")
