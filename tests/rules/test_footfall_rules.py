"""What is released of a day: which days, and which numbers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.domains.footfall.rules import DayOfScans, Figure, count_of_acts, day_figures, days_to_release

ZONE, SIX, K = ZoneInfo("Asia/Shanghai"), timedelta(hours=6), 5
JUNE = [date(2022, 6, n) for n in range(1, 31)]


def scans(*rows: tuple[int, int, int]) -> DayOfScans:
    """(door, hour, how many different people, each once), all let in."""
    door, hour = (np.repeat([row[n] for row in rows], [row[2] for row in rows]) for n in (0, 1))
    return DayOfScans(door, hour, np.arange(len(door)), np.ones(len(door), bool))


@pytest.mark.parametrize(
    ("first", "last", "now", "due"),
    [
        (None, None, datetime(2022, 6, 3, 12, tzinfo=ZONE), []),
        (JUNE[0], None, datetime(2022, 6, 3, 12, tzinfo=ZONE), JUNE[:2]),
        (JUNE[0], None, datetime(2022, 6, 3, 5, 59, tzinfo=ZONE), JUNE[:1]),
        (JUNE[0], JUNE[0], datetime(2022, 6, 3, 6, tzinfo=ZONE), JUNE[1:2]),
        (JUNE[0], JUNE[1], datetime(2022, 6, 3, 6, tzinfo=ZONE), []),
        (JUNE[0], None, datetime(2022, 6, 20, 6, tzinfo=ZONE), JUNE[:7]),
        (JUNE[0], None, datetime(2022, 6, 1, 22, tzinfo=UTC).astimezone(ZONE), JUNE[:1]),
    ],
)
def test_a_day_is_due_once_it_has_been_over_long_enough(first: date | None, last: date | None, now: datetime, due: list[date]) -> None:
    assert days_to_release(first, last, now, SIX, 7) == due


def test_classes_hours_and_doors_hide_what_is_about_few() -> None:
    found = day_figures(scans((0, 9, 40), (1, 9, 3), (1, 10, 30), (2, 9, 30)), ["market", "shop", "shop", "clinic"], K)
    assert found.town == 103
    assert found.classes == {"clinic": Figure("small", None), "market": Figure("withheld", None), "shop": Figure("shown", 63)}
    assert found.doors == [Figure("withheld", None), Figure("shown", 33), Figure("shown", 30), Figure("small", None)]
    assert found.hours["shop"][9:11] == [Figure("withheld", None), Figure("shown", 30)]
    assert {figure.mark for figure in found.hours["market"]} == {"withheld"}  # nor by adding up its hours
    assert {figure.mark for figure in found.hours["clinic"]} == {"small"}


def test_many_entries_of_few_people_are_few() -> None:
    often = DayOfScans(np.zeros(40, int), np.full(40, 9), np.arange(40) % 4, np.ones(40, bool))
    assert day_figures(often, ["shop"], K).town is None
    enough = DayOfScans(np.zeros(40, int), np.full(40, 9), np.arange(40) % 5, np.ones(40, bool))
    assert day_figures(enough, ["shop"], K).classes == {"shop": Figure("shown", 40)}


def test_people_turned_away_are_in_no_figure_of_those_who_entered() -> None:
    let_in = np.arange(20) < 14
    found = day_figures(DayOfScans(np.zeros(20, int), np.full(20, 9), np.arange(20), let_in), ["shop", "shop"], K)
    assert found.town == 14 and found.refused == [6, None]
    assert [count_of_acts(n, K) for n in (0, 1, 4, 5)] == [0, None, None, 5]


def test_a_day_without_doors_or_scans_is_a_day() -> None:
    nothing = np.empty(0, np.int64)
    empty = DayOfScans(nothing, nothing, nothing, nothing.astype(bool))
    assert day_figures(empty, [], K).town is None
    assert day_figures(empty, ["shop"], K).doors == [Figure("small", None)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 23), st.integers(0, 20)), max_size=12))
def test_no_number_is_about_few_and_none_is_left_alone_in_a_sum(rows: list[tuple[int, int, int]]) -> None:
    day = scans(*rows) if rows else scans((0, 0, 0))
    found = day_figures(day, ["a", "a", "b", "b"], K)
    groups = [[*found.classes.values()]] if found.town is not None else []
    for name, figure in found.classes.items():
        inside = [found.hours[name], [f for f, kind in zip(found.doors, "aabb", strict=True) if kind == name]]
        groups += inside if figure.mark == "shown" else []
        assert figure.mark == "shown" or all(f.count is None for group in inside for f in group)
    for group in groups:
        assert all(f.count is None or f.count >= K for f in group)
        assert sum(f.count is None for f in group) != 1
