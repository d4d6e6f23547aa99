"""`tongchou detect`: R's rows from R's own control values, and one clear line on bad input; no database, no town."""

import csv
import gzip
import json
import math
from collections import defaultdict
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
R_METHODS = sorted(p.name.removeprefix("alarms_").removesuffix(".csv.gz") for p in (DATA / "reference_r").glob("alarms_*.csv.gz"))
TOLERANCE = {"farrington": 1e-6, "farringtonFlexible": 1e-6}  # of the others: 1e-8, the digits that R wrote


def as_number(text: str) -> float:
    return float(text) if text not in ("", "NA") else math.nan


def same(ours: float, theirs: float, tolerance: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or ours == theirs or abs(ours - theirs) <= tolerance * max(1.0, abs(theirs))


@pytest.mark.parametrize("method", R_METHODS)
def test_the_series_and_the_variant_of_every_reference_row_give_rs_row(method, tongchou, tmp_path):
    """Each variant once, all series it stands for in one file, units still apart."""
    variants = defaultdict(lambda: defaultdict(list))
    with gzip.open(DATA / "reference_r" / f"alarms_{method}.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            variants[row["variant"]][row["series"]].append(row)
    compared = 0
    for variant, wanted in variants.items():
        path, out = tmp_path / "in.csv", tmp_path / "out.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["series", "t", "year", "period", "date", "unit", "observed", "population"])
            for name in wanted:
                with (DATA / "surveillance_series" / f"{name}.csv").open() as source:
                    writer.writerows(
                        [name, *(r[c] for c in ("t", "year", "period", "date", "unit", "observed", "population"))]
                        for r in csv.DictReader(source)
                    )
        code, said, _ = tongchou("detect", str(path), "--method", method, "--freq", "52", "--param", variant, "--out", str(out))
        assert (code, said) == (0, "")
        with out.open() as file:
            ours = {(row["series"], int(row["t"])): row for row in csv.DictReader(file)}
        for name, rows in wanted.items():
            for theirs in rows:
                row = ours[name, int(theirs["t"])]
                tolerance = TOLERANCE.get(method, 1e-8)
                assert same(as_number(row["upperbound"]), as_number(theirs["upperbound"]), tolerance), (theirs, row)
                assert same(as_number(row["alarm"]), as_number(theirs["alarm"]), 0), (theirs, row)
                for column in ("score", "expected"):
                    if theirs[column]:
                        assert same(as_number(row[column]), as_number(theirs[column]), 1e-6), (theirs, row)
                compared += 1
    assert compared > 2600


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


STEPS = [f"{t},{3 + t % 3}" for t in range(1, 31)]


def test_a_file_without_series_or_unit_is_named_after_itself_and_written_to_the_screen(tongchou, tmp_path):
    path = write(tmp_path / "clinic.csv", "t,observed", *STEPS, "31,40")
    code, out, err = tongchou("detect", str(path), "--method", "earsC1", "--param", "alpha=0.05")
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0
    assert list(rows[0]) == ["series", "t", "upperbound", "alarm", "score", "expected"]
    assert [row["alarm"] for row in rows] == [""] * 7 + ["0"] * 23 + ["1"]
    assert rows[-1]["series"] == "clinic"
    assert "1/1 clinic: steps 期数 31, alarms 预警 1" in err


def test_json_has_the_same_rows_and_null_for_what_is_not_known(tongchou, tmp_path):
    path = write(tmp_path / "a.csv", "t,observed", *[f"{t},2" for t in range(1, 12)], "12,9")
    code, out, _ = tongchou("detect", str(path), "--method", "earsC1", "--json")
    rows = json.loads(out)
    assert code == 0
    assert rows[0] == {"series": "a", "t": 1, "upperbound": None, "alarm": None, "score": None, "expected": None}
    assert rows[-1]["alarm"] == 1
    assert rows[-1]["score"] == "Infinity"  # above a past without any spread


def test_units_are_summed_and_a_step_that_lacks_is_missing_not_zero(tongchou, tmp_path):
    lines = [f"{t},{u},{v}" for t in range(1, 31) if t != 20 for u, v in (("a", 2), ("b", 3))]
    lines = [line if not line.startswith("25,b") else "25,b,NA" for line in lines]
    path = write(tmp_path / "two.csv", "t,unit,observed", *lines)
    _, out, _ = tongchou("detect", str(path), "--method", "earsC1", "--json")
    by_t = {row["t"]: row for row in json.loads(out)}
    assert 20 not in by_t
    assert by_t[24]["expected"] == 5
    assert by_t[30]["expected"] == pytest.approx((5 * 6 + 2) / 7)


def test_leading_zeros_chinese_names_blank_lines_and_gb18030_are_read(tongchou, tmp_path):
    path = write(
        tmp_path / "x.csv", "series,t,observed", *[f"徐泾,{t:03d},{t % 2:02d}" for t in range(1, 20)], "", ",,", encoding="gb18030"
    )
    code, out, _ = tongchou("detect", str(path), "--method", "exactPoisson", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {row["series"] for row in rows} == {"徐泾"}
    assert rows[-1]["upperbound"] is not None


def test_dates_make_calendar_years_and_monthly_series_their_own(tongchou, tmp_path):
    from datetime import date, timedelta

    days = [date(2014, 12, 29) + timedelta(weeks=t) for t in range(330)]
    values = [20 if 50 <= d.timetuple().tm_yday < 57 else 5 for d in days]
    dated = write(tmp_path / "d.csv", "t,date,observed", *[f"{t + 1},{d},{v}" for t, (d, v) in enumerate(zip(days, values, strict=True))])
    plain = write(tmp_path / "p.csv", "t,year,period,observed", *[f"{t + 1},2001,1,{v}" for t, v in enumerate(values)])
    found = []
    for path in (dated, plain):
        _, out, _ = tongchou("detect", str(path), "--method", "movingPercentile", "--param", "half_window=0", "--json")
        found.append(sum(row["alarm"] or 0 for row in json.loads(out)))
    assert found[0] < found[1]
    monthly = write(tmp_path / "m.csv", "t,observed", *[f"{t},{30 if t % 12 == 1 else 5}" for t in range(1, 100)])
    _, out, _ = tongchou("detect", str(monthly), "--method", "rki2", "--freq", "12", "--param", "w=1", "--json")
    assert json.loads(out)[-1]["alarm"] is not None


def test_spot_checks_take_their_samples_from_population(tongchou, tmp_path):
    lines = [f"{t},{t % 3},100" for t in range(1, 105)] + ["105,9,100", "106,8,100"]
    path = write(tmp_path / "s.csv", "t,observed,population", *lines)
    _, out, _ = tongchou("detect", str(path), "--method", "binomialCusum", "--param", "odds_ratio=2", "--param", "h=3", "--json")
    assert json.loads(out)[-2]["alarm"] == 1
    code, _, err = tongchou("detect", str(write(tmp_path / "n.csv", "t,observed", *STEPS)), "--method", "binomialCusum")
    assert code == 2
    assert "column population, the samples taken, is missing" in err


@pytest.mark.parametrize(
    ("lines", "method", "options", "words"),
    [
        (["t,count", "1,2"], "earsC1", [], "column observed is missing"),
        (["t,observed"], "earsC1", [], "has no rows"),
        ([], "earsC1", [], "has no rows"),
        (["t,observed", "1,2", "x,3"], "earsC1", [], "row 3, column t: 'x' cannot be read. Write a whole number"),
        (["t,observed", "1,2", "2,-3"], "earsC1", [], "row 3, column observed: '-3' cannot be read. Write a number of 0 or more"),
        (["t,observed", "1,2", "2,many"], "earsC1", [], "row 3, column observed: 'many'"),
        (["t,observed", "1,2", "2,inf"], "earsC1", [], "row 3, column observed: 'inf'"),
        (["t,observed", "1,2", "1,3"], "earsC1", [], "row 3, column t: 1 stands twice in in"),
        (["t,observed", "1,2", "20240101,3"], "earsC1", [], "row 3, column t: 20240101 is too far"),
        (["t,observed", "1,2,3"], "earsC1", [], "row 2: 3 cells under 2 columns"),
        (["t,date,observed", "1,2024-01-01,2", "2,2024-01-09,2"], "earsC1", [], "row 3, column date: by t, one week a step, 2024-01-08 is due"),
        (["t,date,observed", "1,1/1/2024,2"], "earsC1", [], "row 2, column date: '1/1/2024' cannot be read"),
        (["t,observed", "1,2.5"], "bayes1", [], "series in (step 0 is t = 1): counts must be whole numbers"),
        (["t,observed", "1,2"], "ears", [], "--method: there is no ears"),
        (["t,observed", "1,2"], "earsC1", ["--param", "b=3"], "earsC1 has no parameter 'b'"),
        (["t,observed", "1,2"], "earsC1", ["--param", "alpha=2"], "alpha in (0, 1)"),
        (["t,observed", *STEPS], "farringtonFlexible", ["--freq", "12"], "make them smaller"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_2_and_says_file_row_and_column(lines, method, options, words, tongchou, tmp_path):
    path = write(tmp_path / "in.csv", *lines)
    out = tmp_path / "out.csv"
    code, said, err = tongchou("detect", str(path), "--method", method, "--out", str(out), *options)
    assert code == 2
    assert words in err
    assert said == ""
    assert not out.exists()
    assert "Traceback" not in err


def test_files_that_cannot_be_opened_are_named(tongchou, tmp_path):
    code, _, err = tongchou("detect", str(tmp_path / "none.csv"), "--method", "earsC1")
    assert code == 2
    assert "none.csv" in err
    path = write(tmp_path / "in.csv", "t,observed", *STEPS)
    code, _, err = tongchou("detect", str(path), "--method", "earsC1", "--out", str(tmp_path / "no" / "folder.csv"))
    assert code == 2
    assert "--out" in err
