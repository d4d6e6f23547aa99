"""interfaces > workflows > domains > core > science, and no file that the graph does not see."""

import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from tests.architecture.source import PACKAGE, ROOT, SOURCE, modules

BELOW_INTERFACES = ("tongchou.science", "tongchou.core", "tongchou.domains", "tongchou.workflows")


def lint_imports(config: Path, source: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache", "--config", str(config)]
    return subprocess.run(command, cwd=config.parent, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True)


def test_the_contracts_of_pyproject_are_kept():
    result = lint_imports(ROOT / "pyproject.toml", SOURCE)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("core/places/models.py", "tongchou.domains.warning"),
        ("domains/warning/queries.py", "tongchou.domains.response"),
        ("domains/warning/rules.py", "django.db"),
        ("science/detection.py", "django.db"),
        ("science/detection.py", "tongchou.core.places"),
        ("workflows/activation.py", "tongchou.interfaces.web"),
    ],
)
def test_a_breach_of_the_law_is_reported(tmp_path, importer, imported):
    for folder in "interfaces/web workflows domains/warning domains/response core/places core/packs core/people science".split():  # noqa: SIM905
        (tmp_path / "src/tongchou" / folder).mkdir(parents=True)
    for folder in [p for p in (tmp_path / "src").rglob("*") if p.is_dir()]:
        (folder / "__init__.py").touch()
    for leaf in ("core/identity.py", "core/wording.py", "core/people/rules.py"):
        (tmp_path / "src/tongchou" / leaf).touch()
    (tmp_path / "src/tongchou" / importer).write_text(f"import {imported}\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"))
    result = lint_imports(tmp_path / "pyproject.toml", tmp_path / "src")
    assert result.returncode == 1, result.stdout[-2000:] + result.stderr[-2000:]
    assert "BROKEN" in result.stdout


def test_the_import_graph_sees_every_file():
    graph = grimp.build_graph("tongchou", cache_dir=None)
    on_disk = {module.name for module in modules(migrations=True)}
    assert on_disk - graph.modules == set(), "files that no import law can see; is an __init__.py missing?"


def test_every_package_folder_has_an_init_and_only_that_of_science_holds_names():
    folders = {m.path.parent for m in modules(migrations=True)}
    folders |= {parent for f in folders for parent in f.parents if parent.is_relative_to(PACKAGE)}
    missing = sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists())
    filled = sorted(str(f.relative_to(ROOT)) for f in folders if (f / "__init__.py").exists() and (f / "__init__.py").read_text().strip())
    assert (missing, filled) == ([], ["src/tongchou/science"])


def test_names_say_what_is_inside():
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "data", "misc"}
    assert [m.where for m in modules() if m.path.stem in vague or m.path.parent.name in vague] == []
