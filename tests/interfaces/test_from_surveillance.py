"""docs/how-to/from-surveillance.md, done as its reader would; every result beside what R returned for the same call."""

import csv
import gzip
import math
import re
import runpy
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/from-surveillance.md").read_text("utf-8")
REFERENCE = ROOT / "tests/data/reference_r"
NEWPORT = ROOT / "tests/data/surveillance_series/salmNewport.csv"
DEFAULTS = re.findall(r"^\| `\w+\(x.*?\)` \| `(\w+)` \| (?:`(.*?)` )?\|$", PAGE, re.MULTILINE)


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found[-1])


def rows_of(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    return list(csv.DictReader((gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()))


def number(text: str) -> float:
    return math.nan if text in ("", "NA") else float(text)


def test_the_command_gives_rs_rows_for_every_state(tongchou, tmp_path, monkeypatch):
    prepare, detect = block("sh").splitlines()
    subprocess.run(["sh", "-c", prepare.replace("series.csv", str(tmp_path / "series.csv"))], cwd=ROOT, check=True)
    monkeypatch.chdir(tmp_path)
    assert tongchou(*shlex.split(detect)[1:])[0] == 0
    ours = {(row["series"], row["t"]): row for row in rows_of(tmp_path / "alarms.csv")}
    theirs = rows_of(REFERENCE / "by_unit_farringtonFlexible_salmNewport.csv.gz")
    assert (len(ours), len(theirs)) == (16 * 528, 3456)
    for row in theirs:
        mine = ours[row["series"], row["t"]]
        np.testing.assert_equal(
            [number(mine[c]) for c in ("upperbound", "alarm")], [number(row[c]) for c in ("upperbound", "alarm")], str(row)
        )


def test_the_python_of_the_page_gives_the_same(monkeypatch, tmp_path):
    (tmp_path / "example.py").write_text(block("python"), "utf-8")
    monkeypatch.chdir(ROOT)
    made = runpy.run_path(str(tmp_path / "example.py"))
    theirs = rows_of(REFERENCE / "by_unit_farringtonFlexible_salmNewport.csv.gz")
    for state, upper, alarm in zip(made["states"], made["found"].upper, made["found"].alarm, strict=True):
        rows = [row for row in theirs if row["series"] == state]
        np.testing.assert_array_equal(upper[312:], [number(row["upperbound"]) for row in rows])
        np.testing.assert_array_equal(alarm[312:], [row["alarm"] == "1" for row in rows])


def test_the_table_of_defaults_has_every_call_that_was_made_in_r():
    assert [method for method, _ in DEFAULTS] == list(
        dict.fromkeys(row["method"] for row in rows_of(REFERENCE / "defaults_salmNewport.csv.gz"))
    )


@pytest.mark.parametrize(("method", "param"), DEFAULTS)
def test_the_settings_that_stand_for_rs_defaults_give_rs_rows(method, param, tongchou, tmp_path):
    """All states summed, as the file's column unit is."""
    out = tmp_path / "out.csv"
    code, _, said = tongchou("detect", NEWPORT, "--method", method, *(["--param", param] if param else []), "--out", out)
    assert code == 0, said
    ours = {row["t"]: row for row in rows_of(out)}
    theirs = [row for row in rows_of(REFERENCE / "defaults_salmNewport.csv.gz") if row["method"] == method]
    assert len(theirs) == 216
    assert [number(ours[row["t"]]["alarm"]) for row in theirs] == [number(row["alarm"]) for row in theirs]
    np.testing.assert_allclose(
        [number(ours[row["t"]]["upperbound"]) for row in theirs], [number(row["upperbound"]) for row in theirs], rtol=1e-8, atol=1e-8
    )


def test_every_control_and_every_name_of_the_table_is_known():
    from tongchou.science import METHODS

    section = PAGE.split("## 3.")[1].split("## 4.")[0]
    methods: list[str] = []
    for line in re.findall(r"^\| .*\|$", section, re.MULTILINE)[2:]:
        _, names, controls, ours = (re.findall(r"`(\w[\w.]*)(?: ?=.*?)?`", cell) for cell in line.split("|")[1:-1])
        methods = names or methods
        for method in methods:
            known = METHODS[method]
            assert set(controls) <= {*known.controls, *known.default.__dataclass_fields__}, (method, controls)
            assert set(ours) <= {*known.controls, *known.default.__dataclass_fields__}, (method, ours)


@pytest.mark.parametrize(
    ("method", "param"),
    [("glrnb", "ret=cases"), ("glrpois", "theta=1.2"), ("glrnb", "dir=dec"), ("farringtonFlexible", "populationOffset=T")],
)
def test_what_is_not_here_is_refused_by_name(method, param, tongchou):
    code, _, said = tongchou("detect", NEWPORT, "--method", method, "--param", param)
    assert code == 2
    assert param.partition("=")[0] in said
