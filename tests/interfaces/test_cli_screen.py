"""`tongchou screen`: files in, alarms out, each day judged on what was reported by then."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.science.detection.towns import FIRST, LAST, town
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import DetectionParams

STREAMS = """
places: {v0: 2000, v1: 2100, v2: 2200, v3: 2300}
streams:
  clinic: {kind: count, model: {events_per_infection: 0.245, delay_mean_days: 7, delay_sd_days: 2.5}}
  testing: {kind: count, model: {events_per_infection: 0.3, delay_mean_days: 5, delay_sd_days: 2}}
"""
HEAD = "place,stream,day,reported_at,value"
ONE = f"{HEAD}\nv0,clinic,2024-01-01,2024-01-01,3\n"


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str) -> str:
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return write


def reports(histories, late=lambda stream: 0) -> list[str]:
    lines = []
    for h in histories:
        for i in np.flatnonzero(np.isfinite(h.values)):
            day = FIRST + timedelta(days=int(i))
            lines.append(f"{h.place},{h.stream},{day},{day + timedelta(days=late(h.stream))},{h.values[i]:g}")
    return lines


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_an_outbreak_is_found_where_it_is_and_each_day_is_what_the_science_says(tongchou, file):
    histories = town(11, places=4, seeded_in=2, seeded_ago=24)
    source, streams = file("\n".join([HEAD, *reports(histories)]), "o.csv"), file(STREAMS, "s.yaml")
    code, out, err = tongchou("screen", source, "--streams", streams, "--from", LAST - timedelta(days=20), "--every-day")
    rows = table(out)
    assert (code, len(rows)) == (0, 21) and "21 days" in err
    first = next(r for r in rows if r["raised_by"])
    assert (first["place"], first["grade"]) == ("v2", first["grade"]) and first["grade"] in ("yellow", "orange", "red")
    assert float(first["share_clinic"]) + float(first["share_testing"]) == pytest.approx(1)
    day = LAST - timedelta(days=20)
    wanted = screen(histories, day, DetectionParams(alarms_per_year=365.25 / 365)).assessment
    assert float(rows[0]["evidence"]) == pytest.approx(wanted.statistic, rel=1e-9)
    alarms = table(tongchou("screen", source, "--streams", streams, "--from", day)[1])
    assert [r["day"] for r in alarms] == [r["day"] for r in rows if r["raised_by"]]


def test_a_day_is_judged_on_what_was_reported_by_then(tongchou, file):
    """The same counts told a week later raise the alarm later; a correction changes only the days after it."""
    histories, streams = town(11, places=4, seeded_in=2, seeded_ago=24), file(STREAMS, "s.yaml")
    words = ("--streams", streams, "--from", LAST - timedelta(days=20), "--to", LAST, "--every-day")
    prompt = table(tongchou("screen", file("\n".join([HEAD, *reports(histories)]), "a.csv"), *words)[1])
    late = table(tongchou("screen", file("\n".join([HEAD, *reports(histories, lambda s: 7)]), "b.csv"), *words)[1])
    assert min(r["day"] for r in prompt if r["raised_by"]) < min(r["day"] for r in late if r["raised_by"])
    spoilt = [*reports(histories), f"v1,testing,{LAST - timedelta(days=12)},{LAST - timedelta(days=5)}T10:00,40"]
    after = table(tongchou("screen", file("\n".join([HEAD, *spoilt]), "c.csv"), *words)[1])
    assert after[:15] == prompt[:15] and after[15] != prompt[15]


def test_the_null_replay_and_the_learnt_margin_are_told(tongchou, file):
    source, streams = file("\n".join([HEAD, *reports(town(3, places=4))]), "o.csv"), file(STREAMS, "s.yaml")
    learn, begin = LAST - timedelta(days=30), LAST - timedelta(days=90)
    words = ("screen", source, "--streams", streams, "--from", begin, "--alarm-every", 30, "--null", 2, "--json")
    code, out, err = tongchou(*words, "--learn-until", learn)
    assert (code, json.loads(out)) == (0, json.loads(out)) and "learnt from 61 mornings" in err
    assert "2 copies without an outbreak, 60 days:" in err and "promised 30" in err
    assert tongchou(*words, "--learn-until", learn)[2] == err


def test_weekly_streams_and_sites(tongchou, file):
    rng = np.random.default_rng(2)
    ends = [FIRST + timedelta(days=7 * n + 6) for n in range(90)]
    rows = [f",cases,{d},{d + timedelta(days=3)},{rng.poisson(40 * (1.0 if n < 84 else 1.6 ** (n - 83)))}," for n, d in enumerate(ends)]
    rows += [f",calls,{d},{d},{rng.normal(300, 10):.1f}," for d in ends]
    said = "calendar: weekly\nstreams:\n  cases: {kind: count, step: week, model: multiplicative}\n  calls: {kind: rate, step: week, weight: 0.25, model: multiplicative}\n"
    source, streams = file("\n".join([f"{HEAD},sites", *rows]), "o.csv"), file(said, "s.yaml")
    code, out, _ = tongchou("screen", source, "--streams", streams, "--from", "2023-12-01")
    alarms = table(out)
    assert code == 0 and alarms and alarms[0]["place"] == "" and float(alarms[0]["share_cases"]) > 0.5
    assert all(r["day"] > str(ends[83]) for r in alarms)
    code, _, err = tongchou("screen", source, "--streams", streams, "--null", 2)
    assert code == 2 and "--null" in err


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("v0,clinic,2024-01-01,2024-01-01,-3", "row 2, column value: '-3'"),
        ("v0,clinic,2024-01-01,2024-01-01,many", "row 2, column value"),
        ("v0,clinic,2024-01-05,2024-01-01,3", "row 2, column reported_at: 2024-01-01 lies before"),
        ("v0,clinc,2024-01-01,2024-01-01,3", "row 2, column stream: there is no stream 'clinc'"),
        ("v9,clinic,2024-01-01,2024-01-01,3", "row 2, column place"),
        ("v0,clinic,2024-02-30,2024-03-01,3", "row 2, column day"),
        ("v0,clinic,2024-01-01,2024-01-01,3\nv0,clinic,2024-01-01,2024-01-01,4", "row 3, column reported_at"),
        ("v0,clinic,1024-01-01,2024-01-01,3", "days apart"),
    ],
)
def test_bad_rows_are_named(tongchou, file, rows, words):
    code, out, err = tongchou("screen", file(f"{HEAD}\n{rows}\n", "o.csv"), "--streams", file(STREAMS, "s.yaml"))
    assert (code, out) == (2, "") and words in err


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("streams: {}", "s.yaml"),
        ("streams: {a: {kind: counts, model: multiplicative}}", "kind"),
        ("streams: {a: {kind: rate, model: {events_per_infection: 1, delay_mean_days: 2, delay_sd_days: 1}}}", "counts that rise"),
        ("streams: {a: {kind: count, model: {events_per_infection: 1}}}", "model"),
        ("streams: [", "broken YAML"),
    ],
)
def test_bad_descriptions_are_named(tongchou, file, yaml, words):
    code, out, err = tongchou("screen", file(ONE, "o.csv"), "--streams", file(yaml, "s.yaml"))
    assert (code, out) == (2, "") and words in err


def test_a_week_must_end_on_one_weekday_and_days_must_be_there(tongchou, file):
    said = file("streams: {a: {kind: count, step: week, model: multiplicative}}", "s.yaml")
    rows = f"{HEAD}\n,a,2024-01-07,2024-01-08,3\n,a,2024-01-13,2024-01-14,4\n"
    code, _, err = tongchou("screen", file(rows, "o.csv"), "--streams", said)
    assert code == 2 and "row 3, column day" in err
    code, _, err = tongchou("screen", file(ONE, "o.csv"), "--streams", file(STREAMS, "t.yaml"), "--from", "2025-01-01")
    assert code == 2 and "no day to judge" in err


def test_the_how_to_page_s_own_files_are_read(tongchou, file):
    page = (Path(__file__).parents[2] / "docs/how-to/screen.md").read_text("utf-8")
    source, streams = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("csv", "yaml"))
    code, out, err = tongchou("screen", file(source, "o.csv"), "--streams", file(streams, "s.yaml"), "--every-day")
    assert code == 0 and [r["day"] for r in table(out)] == ["2024-01-01", "2024-01-02", "2024-01-03"] and "3 days, 0 alarms" in err
