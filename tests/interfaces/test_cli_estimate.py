"""`tongchou nowcast` and `tongchou rt`: files in, tables out, one line and exit code 2 for whatever cannot be."""

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.science.nowcasting.cases import GERMAN_FIRST_DAY, german
from tongchou.science.nowcasting.delay_hazard import nowcast
from tongchou.science.reproduction.cori import reproduction_number
from tongchou.science.reproduction.serial_interval import gamma_serial_interval

REFERENCE = Path(__file__).parents[1] / "data" / "reference_r"
TRIANGLE = """reference_day,reported_day,count
2022-05-01,2022-05-01,3
2022-05-01,2022-05-02,2
2022-05-02,2022-05-02,4
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes, name: str = "in.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def german_csv(as_of: date, groups: tuple[str, ...] = ("00+",)) -> str:
    lines = ["reference_day,reported_day,count,group"]
    for group in groups:
        counts = german(as_of, group).counts
        for t, d in zip(*np.nonzero(counts > 0), strict=True):
            day = GERMAN_FIRST_DAY + timedelta(int(t))
            lines.append(f"{day},{day + timedelta(int(d))},{counts[t, d]:g},{group}")
    return "\n".join(lines)


def test_a_triangle_becomes_quantiles_by_reference_day_and_group(tongchou, file):
    as_of = date(2021, 9, 12)
    path = file(german_csv(as_of, ("00+", "35-59")))
    code, out, err = tongchou("nowcast", path, "--as-of", as_of, "--sum-days", 7)
    rows = table(out)
    assert (code, len(rows), len(err.splitlines())) == (0, 82, 2)
    assert "nowcast 2/2 35-59: 2021-04-06 to 2021-09-12" in err
    assert list(rows[0]) == [
        "group", "reference_day", "reported", "expected", "q0.025", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9", "q0.975", "spread",
    ]  # fmt: skip
    wanted = nowcast(german(as_of, "35-59"), sum_days=7)
    assert rows[-1]["reference_day"] == "2021-09-12"
    assert [float(rows[-1][f"q{p}"]) for p in ("0.025", "0.5", "0.975")] == wanted.quantiles[-1, [0, 3, 6]].tolist()


def test_reports_after_the_day_are_not_looked_at(tongchou, file):
    text = german_csv(date(2021, 9, 12))
    later = file(text + "\n2021-09-12,2021-09-13,9999,00+\n2021-09-20,2021-09-20,5,00+", "later.csv")
    a = tongchou("nowcast", file(text), "--as-of", "2021-09-12")
    b = tongchou("nowcast", later, "--as-of", "2021-09-12")
    assert a[1] == b[1] and a[0] == b[0] == 0


def test_json_and_a_file_to_write(tongchou, file, tmp_path):
    target = tmp_path / "out.json"
    code, out, _ = tongchou("nowcast", file(TRIANGLE), "--as-of", "2022-05-02", "--json", "--out", target)
    records = json.loads(target.read_text("utf-8"))
    assert (code, out) == (0, "")
    assert [r["reference_day"] for r in records] == ["2022-05-01", "2022-05-02"]
    assert records[1]["spread"] == "assumed" and records[1]["q0.025"] == 4
    code, out, _ = tongchou("nowcast", file(TRIANGLE), "--as-of", "2022-05-02", "--json")
    assert json.loads(out) == records


@pytest.mark.parametrize("method", ["hazard", "ladder", "lawless"])
def test_every_method_runs_and_stays_above_the_reports(tongchou, file, method):
    code, out, _ = tongchou("nowcast", file(german_csv(date(2021, 9, 12))), "--as-of", "2021-09-12", "--method", method)
    rows = table(out)
    assert code == 0 and len(rows) == 41
    assert all(float(r["reported"]) <= float(r["q0.025"]) <= float(r["q0.975"]) for r in rows)


def test_a_holiday_to_come_matters(tongchou, file):
    path = file(german_csv(date(2021, 9, 12)))
    days = file("day\n2021-09-13\n", "closed.csv")
    plain, written, listed = (
        tongchou("nowcast", path, "--as-of", "2021-09-12", *more)[1]
        for more in ([], ["--holidays", days], ["--holidays", "2021-09-13, 2021-12-25"])
    )
    assert written == listed != plain


def test_withdrawn_events_are_netted_off_when_asked(tongchou, file):
    path = file(TRIANGLE + "2022-05-01,2022-05-03,-4\n")
    code, out, _ = tongchou("nowcast", path, "--as-of", "2022-05-03", "--corrections", "net")
    assert code == 0 and table(out)[0]["reported"] == "1"


def test_late_reports_and_groups_without_reports_are_told(tongchou, file):
    path = file("reference_day,reported_day,count,group\n2022-05-01,2022-05-09,3,a\n2022-05-01,2022-05-02,1,a\n2022-06-01,2022-06-01,1,b\n")
    code, out, err = tongchou("nowcast", path, "--as-of", "2022-05-10", "--max-delay", 3)
    assert code == 0 and {r["group"] for r in table(out)} == {"a"}
    assert "3 events later than 3 days" in err and "b: no report by 2022-05-10" in err


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("reference_day,count\n2022-05-01,1\n", [], "in.csv: column reported_day is missing"),
        (
            "reference_day,reported_day,count\n2022-05-01,2022-05-32,1\n",
            [],
            "in.csv, row 2, column reported_day: '2022-05-32' cannot be read",
        ),
        (TRIANGLE + "2022-05-02,2022-05-01,1\n", [], "row 5, column reported_day: 2022-05-01 lies before the reference day 2022-05-02"),
        (TRIANGLE + "2022-05-01,2022-05-02,1\n", [], "row 5, column reported_day: 2022-05-01 reported 2022-05-02 stands in row 3 as well"),
        (TRIANGLE + "2022-05-02,2022-05-03,-1\n", [], "row 5, column count: -1 is negative. For withdrawn events add --corrections net"),
        (TRIANGLE + "2022-05-02,2022-05-03,\n", [], "row 5, column count: '' cannot be read"),
        (TRIANGLE + "2022-05-02,2022-05-03,nan\n", [], "row 5, column count: 'nan' cannot be read"),
        (TRIANGLE + "2022-05-02,2022-05-03,1,2\n", [], "row 5: 4 cells under 3 columns"),
        (TRIANGLE, ["--as-of", "2021-01-01"], "no report on or before 2021-01-01"),
        (TRIANGLE, ["--sum-days", "7"], "use sum_days=1"),
        (TRIANGLE, ["--sum-days", "7", "--method", "lawless"], "daily counts only"),
        (TRIANGLE, ["--holidays", "yesterday"], "--holidays: 'yesterday' is neither days nor a file"),
        (TRIANGLE, ["--corrections", "guess"], "guess"),
        ("reference_day,reported_day,count\n", [], "in.csv: has no rows"),
        ("", [], "in.csv: has no rows"),
        (b"reference_day,reported_day,count\n\x00\xff", [], "in.csv"),
    ],
)
def test_a_triangle_that_cannot_be_ends_with_two(tongchou, file, text, words, told):
    day = [] if "--as-of" in words else ["--as-of", "2022-05-03"]
    code, out, err = tongchou("nowcast", file(text), *day, *words)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_ends_with_two(tongchou, tmp_path):
    code, _, err = tongchou("nowcast", tmp_path / "none.csv", "--as-of", "2022-05-03")
    assert code == 2 and "none.csv: cannot be read" in err


def test_chinese_tables_are_read(tongchou, file):
    text = "reference_day,reported_day,count,group\n2022-05-01,2022-05-01,3,徐泾\n"
    for raw in (text.encode("gb18030"), text.encode("utf-8-sig")):
        code, out, _ = tongchou("nowcast", file(raw), "--as-of", "2022-05-02")
        assert code == 0 and table(out)[0]["group"] == "徐泾"


def rows_of_r(method: str, variant: str) -> list[dict[str, str]]:
    with (REFERENCE / "epiestim_R.csv").open() as handle:
        return [r for r in csv.DictReader(handle) if r["method"] == method and r["variant"].startswith(variant)]


@pytest.mark.parametrize(
    ("words", "method", "variant"),
    [
        (["--serial-interval", REFERENCE / "epiestim_si.csv"], "cori_non_parametric_si", "window=7"),
        (["--serial-interval", REFERENCE / "epiestim_si.csv", "--window", "14"], "cori_non_parametric_si", "window=14"),
        (["--serial-interval", "2.6,1.5"], "cori_parametric_si", "window=7;mean_si=2.6"),
        (["--serial-interval", "8.4, 3.8"], "cori_parametric_si", "window=7;mean_si=8.4"),
        (["--serial-interval", REFERENCE / "epiestim_si.csv", "--method", "wallinga-teunis"], "wallinga_teunis", "window=7"),
    ],
)
def test_rt_prints_what_r_prints(tongchou, words, method, variant):
    code, out, _ = tongchou("rt", REFERENCE / "epiestim_incidence.csv", *words)
    ours, wanted = table(out), rows_of_r(method, variant)
    assert code == 0 and len(ours) == len(wanted) > 60
    names = {"mean": "mean", "std": "std", "q0.025": "q025", "q0.5": "median", "q0.975": "q975"}
    for mine, theirs in zip(ours, wanted, strict=True):
        assert (mine["group"], mine["t_start"], mine["t_end"]) == (theirs["series"], theirs["t_start"], theirs["t_end"])
        for name, column in names.items():
            if name in mine:
                assert (mine[name] == "") == (theirs[column] == "")
                assert float(mine[name] or 0) == pytest.approx(float(theirs[column] or 0), rel=1e-9)


def test_rt_counts_imported_cases_as_sources_only(tongchou, file):
    text = (REFERENCE / "epiestim_mers_incidence.csv").read_text()
    total = "day,incidence,imported\n" + "".join(
        f"{date(2014, 8, 1) + timedelta(i)},{int(r['local']) + int(r['imported'])},{r['imported']}\n" for i, r in enumerate(table(text))
    )
    code, out, _ = tongchou("rt", file(total), "--serial-interval", "6.8,4.1")
    ours, wanted = table(out), table((REFERENCE / "epiestim_mers_R.csv").read_text())
    assert code == 0 and ours[0]["day_end"] == "2014-08-08"
    assert [float(r["mean"]) for r in ours] == pytest.approx([float(r["MeanR"]) for r in wanted], rel=1e-9)


def test_rt_of_a_triangle_is_wider_than_of_complete_counts_and_reproducible(tongchou, file):
    path = file(german_csv(date(2021, 9, 12)))
    words = ("rt", path, "--as-of", "2021-09-12", "--serial-interval", "4.7,2.9", "--draws", "100")
    first, again, other = tongchou(*words), tongchou(*words), tongchou(*words, "--seed", "2")
    rows = table(first[1])
    assert first[0] == 0 and first[1] == again[1] != other[1]
    assert rows[-1]["day_end"] == "2021-09-12" and rows[-1]["spread"] == "known"
    final = german(date(2021, 10, 30)).reported[: len(german(date(2021, 9, 12)).counts)]
    complete = reproduction_number(final, gamma_serial_interval(4.7, 2.9))
    widths = [(float(r["q0.975"]) - float(r["q0.025"])) / (q[6] - q[0]) for r, q in zip(rows, complete.quantiles, strict=True)]
    assert widths[-1] > 1.5
    assert widths[-60] == pytest.approx(1, abs=0.15)


def test_growth_needs_no_serial_interval(tongchou, file):
    text = "t,incidence\n" + "".join(f"{t},{round(100 * 2 ** (t / 5))}\n" for t in range(1, 15))
    code, out, _ = tongchou("rt", file(text), "--method", "growth", "--window", 14)
    (row,) = table(out)
    assert code == 0 and float(row["doubling_days"]) == pytest.approx(5, abs=0.05)
    assert list(row) == [
        "t_start",
        "t_end",
        "growth_per_day",
        "growth_low",
        "growth_high",
        "doubling_days",
        "doubling_low",
        "doubling_high",
    ]


DAILY = "t,incidence\n" + "".join(f"{t},{t}\n" for t in range(1, 11))


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        (DAILY, [], "--serial-interval is missing. Give MEAN,SD in days"),
        (DAILY, ["--serial-interval", "seven"], "--serial-interval: 'seven' cannot be read"),
        (DAILY, ["--serial-interval", "0.5,1"], "the mean must be above 1 day"),
        (DAILY, ["--serial-interval", "3,2", "--window", "10"], "need 11 days, got 10"),
        (DAILY, ["--serial-interval", "3,2", "--prior", "5"], "--prior: '5' cannot be read"),
        (DAILY, ["--serial-interval", "3,2", "--prior", "0,1"], "CoriParams out of range"),
        (DAILY.replace("5,5\n", ""), ["--serial-interval", "3,2"], "row 6, column t: 1 days are missing before it, after row 5"),
        (DAILY + "10,3\n", ["--serial-interval", "3,2"], "row 12, column t: is the same day as row 11"),
        (DAILY.replace("5,5", "5,-5"), ["--serial-interval", "3,2"], "row 6, column incidence: '-5' cannot be read"),
        (
            DAILY.replace("5,5", "5,NA"),
            ["--serial-interval", "3,2"],
            "row 6, column incidence: 'NA' cannot be read. Write a number of 0 or more",
        ),
        (DAILY.replace("incidence", "many"), ["--serial-interval", "3,2"], "column incidence is missing"),
        (DAILY.replace("5,5", "x,5"), ["--serial-interval", "3,2"], "row 6, column t: 'x' cannot be read"),
        ("t,incidence,imported\n1,1,2\n", ["--serial-interval", "3,2"], "row 2, column imported: 2 is more than the total of 1"),
        (TRIANGLE, ["--serial-interval", "3,2"], "is a triangle; --as-of is missing"),
        (TRIANGLE, ["--as-of", "2022-05-03", "--serial-interval", "3,2", "--method", "wallinga-teunis"], "cannot use a triangle"),
    ],
)
def test_counts_that_cannot_be_end_with_two(tongchou, file, text, words, told):
    code, out, err = tongchou("rt", file(text), *words)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_serial_interval_in_a_file_is_checked(tongchou, file):
    for text, told in (
        ("lag,prob\n0,0\n2,1\n", "must be 0, 1, 2"),
        ("lag,prob\n0,0\n1,0.5\n", "add up to 0.5"),
        ("lag,prob\n0,1\n", "chances"),
    ):
        code, _, err = tongchou("rt", file(DAILY), "--serial-interval", file(text, "si.csv"))
        assert code == 2 and told in err


def test_no_town_is_needed(tongchou, file, monkeypatch, tmp_path):
    monkeypatch.setenv("TONGCHOU_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TONGCHOU_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    code, _, _ = tongchou("rt", file(DAILY), "--serial-interval", "3,2")
    assert code == 0 and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_place_that_takes_no_file_is_named(as_json, tongchou, file, tmp_path):
    nowhere = tmp_path / "missing" / "out.csv"
    code, out, said = tongchou("nowcast", file(TRIANGLE), "--as-of", "2022-05-02", "--out", nowhere, *as_json)
    assert (code, out) == (2, "")
    assert "cannot be written" in said and "Choose another place" in said
    assert not nowhere.parent.exists()
