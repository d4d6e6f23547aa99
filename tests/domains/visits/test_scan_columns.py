"""The log as columns: the same answers as from the log itself, whatever order things come in and wherever the work is killed."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tongchou.domains.gate.models import Scan
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.visits import scan_columns
from tongchou.domains.visits.scan_columns import ScanColumns

pytestmark = pytest.mark.django_db(databases="__all__")
numbers = itertools.count(1)
scans = st.lists(
    st.tuples(st.none() | st.integers(1, 5), st.integers(1, 4), st.integers(0, 100), st.integers(0, 1), st.integers(0, 2)), max_size=12
)


@pytest.fixture(autouse=True)
def small_files(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "postgresql":  # row numbers go on from other tests', and seven rows are a file
        with connection.cursor() as cursor:
            cursor.execute("ALTER SEQUENCE gate_scan_id_seq RESTART")
    monkeypatch.setattr(scan_columns, "FULL", 7)
    monkeypatch.setattr(scan_columns, "BLOCK", 3)


def log(rows: Sequence[tuple[int | None, int, int, int, int]]) -> None:
    append([Row(1, next(numbers), 1, venue, holder, at, at, way, verdict, 0, verdict, 0, 1) for holder, venue, at, way, verdict in rows])


def answers(columns: ScanColumns, holders: list[int], venues: list[int], first: int, last: int) -> tuple[list[tuple[int, ...]], ...]:
    asked = (
        columns.of_holders(np.array(holders, np.int64), first, last),
        columns.at_venues(np.array(venues, np.int64), first, last),
        columns.between(first, last),
    )
    return tuple(sorted(map(tuple, found.T.tolist())) for found in asked)


def from_log(holders: list[int], venues: list[int], first: int, last: int, oldest: int = 0) -> tuple[list[tuple[int, ...]], ...]:
    rows = Scan.objects.filter(holder__isnull=False, at_s__gte=max(first, oldest), at_s__lte=last).exclude(verdict=2)
    plain = rows.values_list("holder", "venue", "at_s", "way")
    return tuple(sorted(found) for found in (plain.filter(holder__in=holders), plain.filter(venue__in=venues), plain))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(scans, max_size=5),
    st.lists(st.integers(1, 5), max_size=3),
    st.lists(st.integers(1, 4), max_size=3),
    st.integers(0, 60),
    st.integers(0, 100),
)
def test_answers_are_those_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int | None, int, int, int, int]]],
    holders: list[int], venues: list[int], first: int, oldest: int,
) -> None:  # fmt: skip
    Scan.objects.all().delete()
    columns = ScanColumns(tmp_path_factory.mktemp("columns"))
    for batch in batches:
        log(batch)
        columns.bring_up_to_date()
        assert answers(columns, holders, venues, first, first + 40) == from_log(holders, venues, first, first + 40)
    columns.forget_before(oldest)
    assert answers(columns, holders, venues, first, 100) == from_log(holders, venues, first, 100, oldest)
    log([(1, 1, 100, 0, 0)])
    assert columns.bring_up_to_date() > 0
    assert answers(columns, holders, venues, 0, 100) == from_log(holders, venues, 0, 100, oldest)


class Killed(BaseException):
    """The process is gone: nothing catches it."""


def steps(monkeypatch: pytest.MonkeyPatch, die_before: int) -> Iterator[None]:
    """Die before the nth rename or removal of a file."""
    done = itertools.count(1)

    def watched(plain):  # type: ignore[no-untyped-def]
        def step(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            if next(done) == die_before:
                raise Killed
            return plain(self, *args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", watched(Path.replace))
        patch.setattr(Path, "unlink", watched(Path.unlink))
        yield


def test_whoever_reads_meanwhile_gets_all_of_the_old_or_all_of_the_new(tmp_path: Path) -> None:
    columns = ScanColumns(tmp_path)
    log([(n % 3 + 1, n % 3 + 1, n, 0, 0) for n in range(30)])
    columns.bring_up_to_date()
    held, got, done = ScanColumns(tmp_path), set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            got.add(held.between(0, 100).shape[1])

    reader = threading.Thread(target=read)
    reader.start()
    for oldest in range(5, 30, 5):
        columns.forget_before(oldest)
    done.set()
    reader.join()
    assert got <= {30, 25, 20, 15, 10, 5} and columns.between(0, 100).shape[1] == 5


@pytest.mark.parametrize("die_before", range(1, 9))
def test_killed_anywhere_the_next_start_answers_rightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, die_before: int) -> None:
    columns, everything = ScanColumns(tmp_path), ([1, 2, 3], [1, 2, 3], 0, 100)
    log([(n % 3 + 1, n % 3 + 1, n, 0, 0) for n in range(5)])
    columns.bring_up_to_date()
    log([(n % 3 + 1, n % 3 + 1, n, 1, 0) for n in range(20)])
    killing = steps(monkeypatch, die_before)
    next(killing)
    try:
        columns.bring_up_to_date()
        columns.forget_before(3)
    except Killed:
        pass
    next(killing, None)
    columns.bring_up_to_date()
    columns.forget_before(3)
    assert answers(columns, *everything) == from_log(*everything, oldest=3)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", *(segment.name for segment in columns.segments())}


def test_files_that_are_missing_or_damaged_are_made_again(tmp_path: Path) -> None:
    columns, everything = ScanColumns(tmp_path), ([1, 2, 3], [1, 2, 3], 0, 100)
    log([(n % 3 + 1, n % 3 + 1, n, 0, 0) for n in range(30)])
    columns.bring_up_to_date()
    first, second, *_ = sorted(tmp_path.glob("*.scans"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    assert columns.bring_up_to_date() == Scan.objects.latest("pk").pk
    assert answers(columns, *everything) == from_log(*everything)


@pytest.mark.parametrize("row", range(5), ids=["holder", "venue", "instant", "way", "checksums"])
def test_a_flipped_byte_is_noticed_said_and_made_good_from_the_log(tmp_path: Path, row: int) -> None:
    columns, everything = ScanColumns(tmp_path), ([1, 2, 3], [1, 2, 3], 0, 100)
    log([(n % 3 + 1, n % 3 + 1, n, n % 2, 0) for n in range(30)])
    columns.bring_up_to_date()
    for ask in (lambda: answers(columns, *everything), columns.bring_up_to_date):  # the last file is read again to be added to
        damaged = columns.segments()
        for segment in damaged:
            path = tmp_path / segment.name
            content = bytearray(path.read_bytes())
            content[8 * segment.size * row] ^= 1
            path.write_bytes(content)
        with capture_logs() as said:
            ask()
            assert answers(columns, *everything) == from_log(*everything)
        assert [told["event"] for told in said] == ["visits.file_damaged"] * len(damaged)
        log([(1, 1, 31, 0, 0)])


def test_a_log_restored_from_a_backup_is_read_anew(tmp_path: Path) -> None:
    columns, everything = ScanColumns(tmp_path), ([1, 2, 3], [1, 2, 3], 0, 100)
    log([(1, 1, n, 0, 0) for n in range(10)])
    columns.bring_up_to_date()
    Scan.objects.filter(at_s__gte=5).delete()
    columns.bring_up_to_date()
    assert answers(columns, *everything) == from_log(*everything)


def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    log([(1, 1, 1, 0, 0)])
    columns = ScanColumns(tmp_path / "above/own")
    columns.bring_up_to_date()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (columns.folder.parent, columns.folder, *columns.folder.iterdir())}
    assert modes == {"above": 0o700, "own": 0o700, ".lock": 0o600, columns.segments()[0].name: 0o600}
