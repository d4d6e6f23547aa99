"""The lane and the database server killed while devices send: nothing acknowledged is lost, nothing is in the log twice.

A few kills here; `benchmarks/gate/kills.py` does it fifty times.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.gate import kills
from django.conf import settings

ON_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


def found(folder: Path, what: str, *words: str) -> dict[str, Any]:
    home = folder / "home"
    home.mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TONGCHOU_", "DJANGO_"))}
    own = {"TONGCHOU_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tongchou.settings", "PYTHONPATH": str(kills.ROOT / "src")}
    command = [sys.executable, kills.__file__, "--what", what, "--times", "2", *words]
    said = subprocess.run(command, env=clean | own, capture_output=True, text=True, timeout=240)
    assert said.returncode == 0, said.stdout + said.stderr
    told: dict[str, Any] = json.loads(said.stdout.split("found: ", 1)[1])
    return told


@pytest.mark.database
@pytest.mark.parametrize("what", [what for what in kills.WHAT if ON_SQLITE is (what == kills.WHAT[0])])
def test_no_acknowledged_scan_is_lost_and_none_is_there_twice(tmp_path: Path, what: str) -> None:
    told = found(tmp_path, what)
    assert told["acknowledged"] > 0 and told["sent_again"] > 0, told
    assert (told["lost"], told["twice"], told["missing"], told["unasked"]) == (0, 0, 0, 0), told


def test_a_lane_that_acknowledges_before_it_writes_and_a_count_that_loses_its_place_are_found_out(tmp_path: Path) -> None:
    told = found(tmp_path, kills.WHAT[0], "--careless")
    assert told["lost"] > 0 and told["twice"] > 0, told
