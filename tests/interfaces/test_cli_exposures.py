"""`tongchou exposures`: files in, exposed persons out, by every engine alike; docs/how-to/exposures.md done as its reader would."""

import csv
import io
import os
import re
import runpy
import shlex
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.interfaces.exposure_worlds import by_kernel, rows_of, town
from tongchou.interfaces.cli.exposure_engines import answered_by
from tongchou.science import ExposureParams

PAGE = (Path(__file__).parents[2] / "docs/how-to/exposures.md").read_text("utf-8")
CSV = re.findall(r"^```csv\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^tongchou exposures .*$", PAGE, re.MULTILINE)]
VISITS, CASES, ANSWER, VENUES = CSV
HEAD = "person,venue,entered_at,left_at\n"
GOOD = "p1,a,2022-05-01T08:00Z,2022-05-01T09:00Z\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    for name, text in (("visits.csv", VISITS), ("cases.csv", CASES), ("venues.csv", VENUES)):
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(tongchou, *words: str) -> tuple[int, str, str]:
    return tongchou("exposures", "--visits", "visits.csv", "--cases", "cases.csv", *words)


def test_the_page_s_commands_write_what_it_shows(folder, tongchou):
    assert tongchou(*COMMANDS[0])[0] == 0
    assert (folder / "exposed.csv").read_text("utf-8") == ANSWER
    assert tongchou(*COMMANDS[1])[0] == 0
    rows = list(csv.DictReader(io.StringIO((folder / "exposed.csv").read_text("utf-8"))))
    assert [{k: v for k, v in r.items() if k != "risk"} for r in rows] == list(csv.DictReader(io.StringIO(ANSWER)))
    assert float(rows[0]["risk"]) < float(rows[2]["risk"]) < 0.1, "half an hour in the canteen is worse than in the market hall"
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_the_page_s_program_runs(folder):
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (folder / "ask.py").write_text(block, "utf-8")
    answer = runpy.run_path(str(folder / "ask.py"))["answer"]
    assert answer == [{"person": 2, "generation": 1, "first_at": 1800, "contacts": 1, "shared_s": 1800}]


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
@pytest.mark.parametrize("generations", [1, 3])
def test_every_engine_gives_the_kernel_s_answer(engine, generations):
    for seed in range(4):
        visits, cases = town(seed)
        params = ExposureParams(900, generations)
        wanted = by_kernel(visits, cases, params)
        assert len(wanted) > 5 and {row[1] for row in wanted} >= {1, min(generations, 2)}
        assert rows_of(answered_by(engine, visits, cases, params)) == wanted


def test_the_command_s_engine_writes_the_same_file(folder, tongchou):
    for engine in ("own", "duckdb", "polars"):
        assert ask(tongchou, "--generations", "2", "--engine", engine)[:2] == (0, ANSWER)


def test_parquet_is_read_as_csv_is(folder, tongchou):
    rows = list(csv.DictReader(io.StringIO(VISITS)))
    moments = [[datetime.fromisoformat(r[c]) if r[c] else None for r in rows] for c in ("entered_at", "left_at")]
    names = {c: [r[c] for r in rows] for c in ("person", "venue")}
    kind = pa.timestamp("ms", "Asia/Shanghai")
    stamped = {
        c: pa.array([m and m.astimezone(UTC) for m in column], kind) for c, column in zip(("entered_at", "left_at"), moments, strict=True)
    }
    counted = {c: [m and int(m.timestamp()) for m in column] for c, column in zip(("entered_at", "left_at"), moments, strict=True)}
    for times in (stamped, counted):
        pq.write_table(pa.table(names | times), folder / "visits.parquet")
        code, out, _ = tongchou("exposures", "--visits", "visits.parquet", "--cases", "cases.csv", "--generations", "2")
        assert (code, out) == (0, ANSWER)
    pq.write_table(
        pa.table(names | {c: pa.array(column.to_pylist(), pa.timestamp("s")) for c, column in stamped.items()}), "visits.parquet"
    )
    code, _, err = tongchou("exposures", "--visits", "visits.parquet", "--cases", "cases.csv")
    assert code == 2 and "visits.parquet: column entered_at is timestamp[ms], which has no zone" in err
    (folder / "visits.parquet").write_bytes(b"PAR1 no more")
    assert "is no readable Parquet" in tongchou("exposures", "--visits", "visits.parquet", "--cases", "cases.csv")[2]


def test_what_was_read_and_what_was_assumed_is_told(folder, tongchou):
    (folder / "cases.csv").write_text(CASES + "p99,2022-05-01T00:00+08:00,2022-05-02T00:00+08:00\n", "utf-8")
    code, out, err = ask(tongchou, "--generations", "2", "--stay-minutes", "10")
    assert code == 0 and "p4" not in out, "ten minutes are too few to have met p2 for fifteen"
    assert "6 visits, 6 persons, 2 venues" in err and "1 without left_at" in err and "1 of 2 cases have no visit" in err


def test_nobody_exposed_is_a_heading_and_no_error(folder, tongchou):
    code, out, err = ask(tongchou, "--minutes", "600")
    assert (code, out) == (0, "person,generation,first_at,contacts,minutes\n") and "0 persons exposed" in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("visits.csv", "person,venue,entered_at\np1,a,2022-05-01T08:00Z\n", "visits.csv: column left_at is missing"),
        ("visits.csv", HEAD + GOOD + "p1,a,2022-05-01T08:00Z,2022-05-01T07:59Z\n", "visits.csv, row 3: left_at lies before entered_at"),
        ("visits.csv", HEAD + "p1,a,2022-05-01T08:00,2022-05-01T09:00Z\n", "row 2: entered_at '2022-05-01T08:00' is no time with a zone"),
        ("visits.csv", HEAD + "p1,a,yesterday,\n", "row 2: entered_at 'yesterday' is no time with a zone"),
        ("visits.csv", HEAD + GOOD + "\np1,a,,2022-05-01T09:00Z\n", "row 4: entered_at '' is no time"),
        ("visits.csv", HEAD + ",a,2022-05-01T08:00Z,\n", "row 2: person is empty"),
        ("visits.csv", HEAD + "p1,a\n", "row 2: too few cells"),
        ("visits.csv", HEAD, "visits.csv: has no visits"),
        ("visits.csv", "", "column person is missing"),
        ("cases.csv", "person,from_at\np1,2022-05-01T08:00Z\n", "column to_at is missing"),
        ("cases.csv", "person,from_at,to_at\np1,2022-05-02T08:00Z,2022-05-01T08:00Z\n", "row 2, column to_at: not after from_at"),
        ("cases.csv", "person,from_at,to_at\np1,2022-05-01,2022-05-02T08:00Z\n", "row 2, column from_at: '2022-05-01' cannot be read"),
        ("cases.csv", "person,from_at,to_at\n", "has no rows"),
        ("venues.csv", "venue,ventilation\nmarket,breezy\n", "row 2, column ventilation: 'breezy'"),
        ("venues.csv", "venue,ventilation\nmarket,poor\n", "1 venues of the visits are not in it, such as 'canteen'"),
        ("venues.csv", "venue,ventilation,volume_m3\nmarket,poor,-3\n", "row 2, column volume_m3: '-3'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_row_and_nothing_is_written(folder, tongchou, name: str, text: str, said: str):
    (folder / name).write_text(text, "utf-8")
    (folder / "out.csv").write_text("what was there\n", "utf-8")
    code, _, err = ask(tongchou, "--out", "out.csv", *(["--venues", "venues.csv"] if name == "venues.csv" else []))
    assert code == 2 and said in err and err.count("\n") <= 3
    assert (folder / "out.csv").read_text("utf-8") == "what was there\n"


def test_other_wrong_words_are_refused_in_one_line(folder, tongchou):
    for words, said in [
        (("--visits", "visits.xlsx"), "unknown kind of file '.xlsx'"),
        (("--visits", "gone.csv"), "cannot be read"),
        (("--engine", "duckdb", "--venues", "venues.csv"), "--venues works with --engine own"),
        (("--out", "nowhere/out.csv"), "cannot be written"),
    ]:
        code, _, err = ask(tongchou, *words)
        assert code == 2 and said in err, words


def test_a_pipe_and_a_link_are_written_through(folder, tongchou):
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit((folder / "pipe").read_text, "utf-8")
        assert ask(tongchou, "--generations", "2", "--out", "pipe")[0] == 0
        assert read.result(30) == ANSWER
    (folder / "kept").mkdir()
    (folder / "kept/real.csv").write_text("old\n", "utf-8")
    (folder / "link.csv").symlink_to(folder / "kept/real.csv")
    assert ask(tongchou, "--generations", "2", "--out", "link.csv")[0] == 0
    assert (folder / "link.csv").is_symlink() and (folder / "kept/real.csv").read_text("utf-8") == ANSWER


def test_an_engine_that_is_not_installed_says_how_to_get_it(folder, tongchou, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ibis", None)
    code, _, err = ask(tongchou, "--engine", "duckdb")
    assert code == 2 and "pip install 'tongchou[engines]'" in err
