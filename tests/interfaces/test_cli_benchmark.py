"""`tongchou benchmark weekly` writes figures and a report in two forms, without a town; wrong input is told in one line."""

import csv
import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tongchou.core.wording import T
from tongchou.interfaces.cli.paper import Figure, Heading, Paragraph, Rows, as_html, as_pdf
from tongchou.interfaces.web.chart_parts import layer, quantity, spec_of

ROOT = Path(__file__).parents[2]
SCENARIOS = (3, 17, 38)
FEW = ("--seed", "41", "--series-per-scenario", "1", "--fpr", "0.01", *chain(*(("--scenario", str(n)) for n in SCENARIOS)))
WEEKS = 49 * len(SCENARIOS)


def run_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", "benchmark", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("benchmark") / "made"
    sources = ("--labelled", "tests/data/surveillance_series", "--pack", "packs/germany")
    done = run_benchmark("weekly", *FEW, "--jobs", "1", *sources, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out, done


def test_all_figures_are_written_and_progress_goes_to_the_error_stream(made) -> None:
    out, done = made
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert {row["part"] for row in rows} == {"simulated", "labelled", "onsets"}
    assert {"mixture", "farringtonFlexible", "oracleMixture", "earsC1", "glrnb"} <= {row["method"] for row in rows}
    measures = {"fpr", "pod", "pod_week_1", "sensitivity", "ppv", "specificity", "weeks_to_alarm", "highest_fpr", "threshold"}
    assert {row["measure"] for row in rows if row["part"] == "simulated"} == measures
    matched = [float(r["value"]) for r in rows if r["part"] == "simulated" and r["rate"] == "0.01" and r["measure"] == "fpr"]
    assert len(matched) > 15 and all(0.01 - 1 / WEEKS < rate <= 0.01 for rate in matched)
    assert len(json.loads((out / "results.json").read_text("utf-8"))) == len(rows)
    assert "100%" in done.stderr and "seed 41" in done.stderr
    assert "report.pdf" in done.stdout and "%" not in done.stdout


def test_false_alarms_before_onsets_are_exactly_equal(made) -> None:
    rows = list(csv.DictReader((made[0] / "results.csv").open()))
    held = [(float(r["rate"]), float(r["value"])) for r in rows if r["measure"] == "false_alarms_a_year"]
    found = {r["method"]: float(r["value"]) for r in rows if r["measure"] == "days_to_alarm" and r["rate"] == "1"}
    assert len(held) == 2 * len(found) > 10
    # A method that is mute most of the time cannot ring so often as all others; it may then ring less, never more.
    assert all(value <= rate + 1e-9 for rate, value in held)
    assert sum(value == pytest.approx(rate) for rate, value in held) > len(held) * 0.7
    assert found["levelMixture"] < found["farringtonFlexible"]


def test_the_page_stands_alone_and_says_both_languages(made) -> None:
    page = (made[0] / "report.html").read_text("utf-8")
    assert page.count("<svg") == 4
    assert not re.search(r"(?:src|href)=[\"']?https?:", page) and "<script" not in page
    assert "Every method at its published setting" in page and "各方法按发表时的设定" in page
    assert (
        "--seed 41" in page
        and "--scenario 38" in page
        and "3 scenarios, 3 series" in page
        and "Farrington flexible 改进 Farrington" in page
    )
    assert len(page) < 400_000


def test_the_pdf_has_pages_of_a4(made) -> None:
    pdf = (made[0] / "report.pdf").read_bytes()
    pages = pages_of(pdf)
    assert len(pages) >= 3 and set(pages) == {(0, 0, 595, 842)}


def test_the_same_command_gives_the_same_figures(made, tmp_path: Path) -> None:
    again = run_benchmark("weekly", *FEW, "--jobs", "2", "--out", str(tmp_path))
    assert again.returncode == 0, again.stderr
    first = [r for r in csv.reader((made[0] / "results.csv").open()) if r[0] in ("part", "simulated")]
    assert list(csv.reader((tmp_path / "results.csv").open())) == first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fpr", "1.5"), "at most 0.2"),
        (("--labelled", "nowhere"), "nowhere/k1.csv: cannot be read"),
        (("--pack", "packs/xujing"), "influenza.csv.gz: not found"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_wrong_input_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run_benchmark("weekly", *arguments, "--out", str(tmp_path / "none"))
    assert done.returncode in (1, 2)
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "none").exists()


def chart() -> Figure:
    values = [{"x": k, "y": k % 3} for k in range(9)]
    return Figure(T("图", "figure"), spec_of({"values": values}, [layer("point", {"x": quantity("x"), "y": quantity("y")})], 200, {}))


def pages_of(pdf: bytes) -> list[tuple[int, ...]]:
    """The edges of each page in points."""
    return [tuple(round(float(edge)) for edge in box.split()) for box in re.findall(rb"/MediaBox ?\[([^\]]*)\]", pdf)]


def test_a_long_table_goes_on_overleaf_and_a_chart_is_never_cut() -> None:
    table = Rows(T("表", "table"), (T("甲", "a"), T("乙", "b")), [["x", "1"]] * 120)
    pages = pages_of(as_pdf(T("题", "title"), [table])), pages_of(as_pdf(T("题", "title"), [Heading(T("末", "end")), *[chart()] * 4]))
    assert [len(found) for found in pages] == [2, 2]


def test_markup_in_a_text_is_shown_as_text() -> None:
    page = as_html(T("题", "a < b & c"), [Paragraph(T("中", "<script>alert(1)</script>")), Rows(T("表", "t"), (T("甲", "a"),), [["<b>"]])])
    assert "<script" not in page and "<b>" not in page and "a &lt; b &amp; c" in page
    assert pages_of(
        as_pdf(T("#题", "*a* $b$ #c"), [Paragraph(T("#panic()", '#read("x")')), Rows(T("_表_", "t"), (T("甲", "a"),), [["#x"]])])
    )
