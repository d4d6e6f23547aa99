"""`tongchou replay` on the real data of Germany, without an installation; `tongchou watch` and `init` on a home of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TONGCHOU_HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "tongchou.settings"}
    environment.pop("TONGCHOU_DATABASE", None)
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_replay_finds_the_wave_of_autumn_2023_where_nothing_is_installed(tmp_path: Path) -> None:
    done = _run(tmp_path / "none", "replay", "packs/germany", "--from", "2023-08-25", "--to", "2023-09-08", "--json")
    assert done.returncode == 0, done.stderr
    alarms = json.loads(done.stdout)
    found = {a["place"] for a in alarms if a["target"] == "covid19"}
    assert len(found) >= 8
    one = alarms[0]
    assert {"day", "place", "grade", "streams", "probability"} <= set(one)
    assert one["streams"] and sum(s["share"] for s in one["streams"]) == pytest.approx(1.0, abs=0.05)
    assert not (tmp_path / "none").exists()


def test_replay_prints_a_line_per_alarm_and_whose_data_it_is(tmp_path: Path) -> None:
    done = _run(tmp_path, "replay", "packs/germany", "--from", "2023-09-01", "--to", "2023-09-01")
    assert done.returncode == 0, done.stderr
    assert "2023-09-01" in done.stdout and "Bremen" in done.stdout and "CC BY 4.0" in done.stdout
    lines = done.stdout.splitlines()
    alarms = next(int(words[4]) for line in lines if (words := line.split())[1:2] == ["mornings,"])
    assert sum(line.startswith("2023-09-01") for line in lines) == alarms
    assert not any(line.startswith("  ") and "%" in line for line in lines)  # none is folded


def test_wrong_input_is_told_in_one_line(tmp_path: Path) -> None:
    swapped = _run(tmp_path, "replay", "packs/germany", "--from", "2024-01-02", "--to", "2024-01-01")
    assert swapped.returncode == 1 and "Exchange the two dates" in swapped.stderr
    nowhere = _run(tmp_path, "replay", "packs/nowhere", "--from", "2024-01-01", "--to", "2024-01-02")
    assert nowhere.returncode == 1 and "Traceback" not in nowhere.stderr
    before = _run(tmp_path, "replay", "packs/germany", "--from", "1990-09-01", "--to", "1990-10-15")
    assert (
        before.returncode == 1
        and before.stderr.count("\n") == 1
        and "alarm.repeat_window of the pack has no value on 1990" in before.stderr
    )
    uninstalled = _run(tmp_path / "home", "watch", "--day", "2022-06-02")
    assert uninstalled.returncode == 1 and "tongchou init" in uninstalled.stderr


def test_a_town_is_made_and_a_morning_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = _run(home, "init", "packs/xujing", "--without-people", "--without-registers")
    assert made.returncode == 0, made.stderr
    read = _run(home, "watch", "--from", "2022-05-03", "--to", "2022-05-04", "--json")
    assert read.returncode == 0, read.stderr
    rows = json.loads(read.stdout)
    assert {r["day"] for r in rows} == {"2022-05-03", "2022-05-04"}
    assert 2 * 20 < len(rows) <= 2 * 28  # the town and its villages; one without a stream of its own has no evidence
    whole = next(r for r in rows if r["place"] == "310118106")
    assert sum(s["share"] for s in whole["streams"]) == pytest.approx(1.0, abs=0.1)
    table = _run(home, "watch", "--day", "2022-05-04")
    assert table.returncode == 0 and "徐泾镇" in table.stdout
