"""`tongchou benchmark real` on one winter: figures, dates of every alarm, a report; the README of data and wrong input told in a line."""

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tongchou.interfaces.cli.real_districts import BACKGROUND_PER_DAY, judge_districts, read_districts
from tongchou.science.detection.model import DetectionParams

ROOT = Path(__file__).parents[2]
SHANGHAI = ROOT / "tests" / "data" / "shanghai_2022"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", "benchmark", "real", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("real") / "made"
    done = _run(
        "--pack", "packs/germany", "--from", "2023-07-28", "--to", "2024-03-01", "--held-out", "09", "--per-year", "1", "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.fixture(scope="module")
def rows(made) -> list[dict[str, str]]:
    return list(csv.DictReader((made[0] / "results.csv").open(encoding="utf-8")))


def test_every_method_is_measured_at_exactly_equal_false_alarms(made, rows) -> None:
    assert {r["target"] for r in rows} == {"influenza", "covid19"}
    methods = {r["method"] for r in rows}
    assert {
        "fused",
        "weighted",
        "best",
        "bestWeek",
        "bestAndRest",
        "product",
        "rootProduct",
        "meanE",
        "bonferroni",
        "fisher",
        "stouffer",
    } <= methods
    assert {"twoOfAll", "others", "alone influenza_under60", "alone outside:hospitalised_7d", "fusedWithoutSeason"} <= methods
    assert "alone influenza_60plus" not in methods  # it defines the onsets
    held = [float(r["value"]) for r in rows if r["measure"] == "false_alarms_a_year" and not r["method"].startswith("alone")]
    assert len(held) > 50 and sum(value == pytest.approx(1) for value in held) > 0.9 * len(held) and max(held) < 1 + 1e-9
    assert "100%" not in made[1].stdout and "read 2024-03-01" in made[1].stderr
    assert len(json.loads((made[0] / "results.json").read_text("utf-8"))) == len(rows)


def test_the_date_of_every_alarm_stands_by_wave_and_state(made) -> None:
    alarms = list(csv.DictReader((made[0] / "alarms.csv").open(encoding="utf-8")))
    fused = [r for r in alarms if r["method"] == "fused" and r["target"] == "influenza"]
    assert len(fused) == len({r["state"] for r in fused}) > 8  # one winter
    assert [r["state"] for r in fused if r["part"] == "held out"] == ["09"]
    for r in fused:
        onset = date.fromisoformat(r["onset"])
        assert onset.weekday() == 0 and 0 <= float(r["share_of_loose_line"]) <= 1
        for at in (r["alarm_at_strict_line"], r["alarm_at_loose_line"]):
            if at:
                assert date.fromisoformat(at).weekday() == 4 and -21 <= (date.fromisoformat(at) - onset).days <= 28


def test_the_report_says_goals_split_and_command_in_both_languages(made) -> None:
    page = (made[0] / "report.html").read_text("utf-8")
    assert "--held-out 09" in page and "留出部分" in page and "Best single stream, picked on the development part:" in page
    assert "<script" not in page and (made[0] / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pack", "packs/xujing"), "no stream that defines an onset"),
        (("--pack", "packs/germany", "--from", "2024-01-05", "--to", "2023-01-06"), "must lie after"),
        (("--pack", "packs/germany", "--per-year", "0"), "above 0"),
        (("--pack", "packs/germany", "--from", "2023-06-02", "--to", "2023-06-30", "--held-out", "99"), "no such state"),
        (("--pack", "packs/germany", "--from", "2023-06-02", "--to", "2023-06-30"), "no onset before"),
        (("--pack", "packs/germany", "--shanghai", "nowhere"), "district_daily.csv"),
    ],
)
def test_wrong_input_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = _run(*arguments, "--out", str(tmp_path / "none"))
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "none").exists()


def test_shanghai_districts_are_read_without_counting_anybody_twice_and_alarm_on_their_own_rise() -> None:
    found = read_districts(SHANGHAI)
    assert len(found) == 12
    minhang = found["闵行区"]["total"]
    assert minhang[68] == BACKGROUND_PER_DAY and minhang[69] == 17 and np.isnan(found["闵行区"]["total"]).sum() == 0
    two = {name: found[name] for name in ("虹口区", "崇明区")}
    hongkou, chongming = judge_districts(two, DetectionParams())
    assert hongkou.listed_on == date(2022, 3, 11) < hongkou.alarms["total"] < hongkou.reached[20] < hongkou.reached[100]  # type: ignore[operator]
    assert hongkou.alarms["fused"] <= hongkou.alarms["total"]  # type: ignore[operator]
    assert chongming.alarms["total"] == date(2022, 3, 19)
    assert chongming.alarms["rest"] < chongming.alarms["fused"]  # type: ignore[operator]  # a neighbour alone wakes nobody
