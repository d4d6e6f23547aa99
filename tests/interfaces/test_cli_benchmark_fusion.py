"""`tongchou benchmark fusion` writes figures and a report in two forms, without a town; wrong input is told in one line."""

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.interfaces.test_cli_benchmark import run_benchmark
from tongchou.interfaces.cli.benchmark_fusion_charts import DRAWN, NAMES, WORLD_NAMES, named
from tongchou.interfaces.cli.benchmark_fusion_figures import Figures, WorldRow
from tongchou.interfaces.cli.benchmark_fusion_goals import goals_of
from tongchou.interfaces.cli.benchmark_fusion_report import blocks_of, records_of
from tongchou.interfaces.cli.benchmark_fusion_run import Plan, run
from tongchou.science.evaluation.fusion.budgets import Timeline
from tongchou.science.evaluation.fusion.contenders import CONTENDERS, FUSED, SINGLE
from tongchou.science.evaluation.fusion.outbreaks import OutbreakParams
from tongchou.science.evaluation.fusion.worlds import WORLDS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("benchmark") / "made"
    done = run_benchmark("fusion", "--quick", "--seed", "41", "--jobs", "1", "--report", str(out))
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.fixture(scope="module")
def tiny() -> Figures:
    """The same benchmark on two towns, in this process."""
    outbreaks = OutbreakParams(reproductions=(2.5, 4.0), horizons=(40, 30), qualities=(1.0,), past=399)
    told: list[float] = []
    results = run(Plan(5, 1, 1, 2, 1, 3, Timeline(392, 35, 182), outbreaks), lambda share, what: told.append(share))
    assert told == sorted(told) and told[-1] == 1.0
    return Figures(results)


def test_all_figures_are_written_and_progress_goes_to_the_error_stream(made) -> None:
    out, done = made
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert {row["part"] for row in rows} == {"thresholds", "worlds", "outbreaks"}
    assert {row["method"] for row in rows if row["part"] == "outbreaks"} == set(CONTENDERS)
    assert {row["where"] for row in rows if row["part"] == "worlds"} == set(WORLDS)
    cells = {(row["where"], row["interval"]) for row in rows if row["part"] == "outbreaks"}
    assert len(cells) == 27 and ("R0 2.5 x1", "365") in cells
    assert len(json.loads((out / "results.json").read_text("utf-8"))) == len(rows)
    assert "100%" in done.stderr and "null world: school holidays" in done.stderr
    assert "report.pdf" in done.stdout and "%" not in done.stdout


def test_the_page_stands_alone_and_says_both_languages(made) -> None:
    page = (made[0] / "report.html").read_text("utf-8")
    assert page.count("<svg") == 5
    assert not re.search(r"(?:src|href)=[\"']?https?:", page) and "<script" not in page
    assert "--quick --seed 41" in page and "融合（五类哨点）" in page and "school holidays 学校假期" in page
    assert len(re.findall(r"\bnan\b", page)) == 0
    assert (made[0] / "report.pdf").read_bytes().startswith(b"%PDF")


def test_every_method_and_world_has_a_name_in_both_languages() -> None:
    assert set(NAMES) == set(CONTENDERS) and set(WORLD_NAMES) == set(WORLDS) and set(DRAWN) <= set(CONTENDERS)
    assert named("Fisher") == "Fisher CUSUM Fisher 合并 CUSUM" and named(FUSED) == "fused, five streams 融合（五类哨点）"


def test_the_same_plan_gives_the_same_figures(tiny: Figures) -> None:
    again = Figures(run(tiny.results.plan, lambda share, what: None))
    assert records_of(again) == records_of(tiny)


def test_every_goal_stands_beside_what_was_measured(tiny: Figures) -> None:
    goals = goals_of(tiny)
    assert len(goals) == 3 + 3 * 2 + 1 + 2  # intervals; single stream, testing, Bonferroni in two cells; top 3; the gap
    best = min((cell := tiny.cells_at(2)[0]).rows[m].days[0] for m in SINGLE)
    slower = next(g for g in goals if g.goal.startswith("best single") and "2.5" in g.goal)
    assert slower.is_met == (cell.rows[FUSED].days[0] <= best)
    world = tiny.worlds[0]
    assert isinstance(world, WorldRow) and world.is_kept == (world.by_replay[1] >= world.promise)
    assert any("met" in line[2] for line in blocks_of(tiny, "here")[2].cells)


def test_figures_go_to_the_screen_as_json() -> None:
    done = run_benchmark("fusion", "--help")
    assert "--json" in done.stdout and "--quick" in done.stdout and "--report" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "give --report FOLDER, --json, or both"), (("--seed", "-1", "--json"), "seed"), (("--jobs", "0", "--json"), "jobs")],
)
def test_wrong_input_is_told_in_a_line(arguments: tuple[str, ...], words: str) -> None:
    done = run_benchmark("fusion", *arguments)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
