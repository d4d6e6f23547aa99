"""The German pack: complete, attributed, and telling for any past day what was known then."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests import packs_once
from tongchou.core.packs.contents import Pack
from tongchou.core.packs.observations import read_observations

Reported = list[tuple[datetime, float, str]]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs_once.pack("germany")


@pytest.fixture(scope="module")
def reports(pack: Pack) -> dict[str, dict[date, Reported]]:
    found: dict[str, dict[date, Reported]] = defaultdict(lambda: defaultdict(list))
    for stream, day, at, value, basis in rows(pack):
        found[stream][day].append((at, value, basis))
    return found


def rows(pack: Pack) -> Iterator[tuple[str, date, datetime, float, str]]:
    for path in pack.observation_files:
        for columns in read_observations(path):
            yield from zip(columns.stream, columns.day, columns.reported_at, columns.value, columns.basis, strict=True)


def known_on(reports: dict[str, dict[date, Reported]], stream: str, at: datetime) -> dict[date, float]:
    """Keep what was reported by then, and of each day the last."""
    return {
        day: max((entry for entry in entries if entry[0] <= at), key=lambda entry: entry[0])[1]
        for day, entries in reports[stream].items()
        if any(entry[0] <= at for entry in entries)
    }


def test_every_stream_has_observations_and_every_observation_a_stream(pack: Pack, reports: dict[str, dict[date, Reported]]) -> None:
    streams = {stream.code for sentinel in pack.sentinels for stream in sentinel.streams}
    assert streams == set(reports)
    assert len(pack.villages) == 12 and {"covid19", "influenza"} == {target.code for target in pack.targets}


def test_no_value_is_known_before_its_day_ends(reports: dict[str, dict[date, Reported]]) -> None:
    for stream, days in reports.items():
        for day, entries in days.items():
            assert all(at.date() >= day for at, _, _ in entries), (stream, day)
            instants = [at for at, _, _ in entries]
            assert instants == sorted(set(instants)), (stream, day)


def test_values_are_counts_and_rates_that_can_be(reports: dict[str, dict[date, Reported]]) -> None:
    for stream, days in reports.items():
        values = [value for entries in days.values() for _, value, _ in entries]
        assert min(values) >= 0, stream
        if "-flu-" in stream or stream.endswith(("-hosp", "-icu")):
            assert all(value == int(value) for value in values), stream


def test_a_past_friday_sees_what_was_published_by_then(reports: dict[str, dict[date, Reported]]) -> None:
    week = date(2024, 1, 28)
    thursday, later = datetime(2024, 2, 1, 23, tzinfo=UTC), datetime(2025, 9, 30, tzinfo=UTC)
    then, now = known_on(reports, "05-flu-under60", thursday), known_on(reports, "05-flu-under60", later)
    assert max(then) <= week and max(now) > week
    changed = [day for day in then if then[day] != now[day]]
    assert changed, "late reports must have changed some week"
    assert known_on(reports, "05-flu-under60", datetime(2020, 1, 1, tzinfo=UTC)) == {}


def test_the_last_known_value_is_the_final_one(reports: dict[str, dict[date, Reported]]) -> None:
    final = known_on(reports, "09-flu-60plus", datetime(2026, 1, 1, tzinfo=UTC))
    sundays = {day.isoweekday() for day in final}
    assert sundays == {7} and len(final) == 300
    # The source's own table: Bavaria, 60 and over, peaked in 2024-W06 with 2,624 cases.
    assert max(final, key=final.__getitem__) == date(2024, 2, 11) and final[date(2024, 2, 11)] == 2624


def test_where_vintages_do_not_reach_the_usual_lag_is_marked(reports: dict[str, dict[date, Reported]]) -> None:
    early = reports["11-gp-60plus"][date(2022, 11, 6)]
    assert early[0][2] == "final_at_usual_lag" and early[0][0].date() == date(2022, 11, 6) + timedelta(days=4)
    late = reports["11-gp-60plus"][date(2024, 11, 10)]
    assert {basis for _, _, basis in late} == {"vintage"}
    assert {basis for entries in reports["09-icu"].values() for _, _, basis in entries} == {"final_at_usual_lag"}


def test_the_licence_is_shown_and_the_files_stay_small(pack: Pack) -> None:
    assert all(item.licence == "CC BY 4.0" and "Robert Koch-Institut" in item.holder.en for item in pack.attribution)
    assert len(pack.attribution) == len(pack.observation_files) == 7
    assert sum(path.stat().st_size for path in pack.observation_files) < 6_000_000
