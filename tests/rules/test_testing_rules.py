"""Testing without a database: when somebody is due, opening hours, queue and way, boxes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.testing.rules import (
    REASONS,
    Share,
    hours_on,
    hours_problems,
    is_open_at,
    next_due,
    receipt_problem,
    regular_rule_problems,
    wait_minutes,
    walk_minutes,
)

SINCE = datetime(2022, 6, 1, tzinfo=UTC)
EVERY = {"resident": 72, "courier": 48, "cold_chain": 24}
H = timedelta(hours=1)


@pytest.mark.parametrize(
    ("groups", "last", "due", "group"),
    [
        (("resident",), None, SINCE + 72 * H, "resident"),
        (("resident",), SINCE + 10 * H, SINCE + 82 * H, "resident"),
        (("resident", "courier", "cold_chain"), SINCE + 10 * H, SINCE + 34 * H, "cold_chain"),
        (("courier",), SINCE - 10 * H, SINCE + 38 * H, "courier"),
        (("courier",), SINCE - 500 * H, SINCE, "courier"),
    ],
    ids=["never-sampled", "after", "strictest", "before-the-rule", "long-before"],
)
def test_next_due(groups: tuple[str, ...], last: datetime | None, due: datetime, group: str) -> None:
    found = next_due(groups, last_sampled_at=last, since=SINCE, every_hours=EVERY)
    assert found is not None and (found.at, found.group) == (due, group)


def test_nobody_is_due_where_no_rule_holds() -> None:
    assert next_due(("school",), last_sampled_at=None, since=SINCE, every_hours=EVERY) is None
    assert next_due((), last_sampled_at=None, since=SINCE, every_hours=EVERY) is None


@given(last=st.none() | st.integers(-1000, 1000), groups=st.sets(st.sampled_from(sorted(EVERY)), min_size=1))
def test_more_groups_never_put_the_day_off_and_nobody_is_late_before_the_rule(last: int | None, groups: set[str]) -> None:
    sampled = None if last is None else SINCE + last * H
    all_groups = next_due(groups, last_sampled_at=sampled, since=SINCE, every_hours=EVERY)
    assert all_groups is not None and all_groups.at >= SINCE
    alone = [next_due([group], last_sampled_at=sampled, since=SINCE, every_hours=EVERY) for group in groups]
    assert all_groups.at == min(due.at for due in alone if due)


def test_table_of_regular_testing_is_checked() -> None:
    assert regular_rule_problems(EVERY) == []
    assert len(regular_rule_problems({"resident": 0, "nobody": 24})) == 2 and len(regular_rule_problems([72])) == 1


HOURS = [{"weekdays": [1, 2, 3, 4, 5], "from": "13:00", "to": "17:30"}, {"weekdays": [1, 6], "from": "08:00", "to": "11:30"}]


@pytest.mark.parametrize(
    ("day", "hour", "minute", "is_open"),
    [(6, 8, 0, True), (6, 11, 30, False), (6, 13, 0, True), (7, 8, 0, False), (11, 9, 0, True), (12, 9, 0, False)],
)
def test_site_is_open_in_its_hours_alone(day: int, hour: int, minute: int, is_open: bool) -> None:
    assert is_open_at(HOURS, datetime(2022, 6, day, hour, minute, tzinfo=UTC)) is is_open


def test_hours_of_a_day_are_in_order_and_wrong_ones_told() -> None:
    assert hours_on(HOURS, 1) == [("08:00", "11:30"), ("13:00", "17:30")] and hours_on(HOURS, 7) == []
    assert hours_problems(HOURS) == []
    for wrong in (
        None,
        5,
        [{"from": "8", "to": "9", "weekdays": [1]}],
        [{"from": "25:00", "to": "26:00", "weekdays": [1]}],
        [{"weekdays": []}],
    ):
        assert hours_problems(wrong)


def test_queue_is_minutes_until_the_word_is_old() -> None:
    assert wait_minutes(60, SINCE, 240, SINCE + 10 * timedelta(minutes=1)) == 15
    assert wait_minutes(0, SINCE, 240, SINCE) == 0
    assert wait_minutes(60, SINCE, 240, SINCE + 2 * H) is None and wait_minutes(None, None, 240, SINCE) is None


def test_way_on_foot() -> None:
    # One minute of latitude is a nautical mile, 1,852 m: with the detour 2,408 m, at 75 m a minute 32.1 minutes.
    assert walk_minutes((121.27, 31.19), (121.27, 31.19 + 1 / 60)) == 33
    assert walk_minutes((121.27, 31.19), (121.27, 31.19)) == 0


def test_another_count_needs_a_note() -> None:
    assert receipt_problem(5, 5, "") is None and receipt_problem(5, 4, "破损一管") is None and receipt_problem(5, 4, " ") is not None


def test_share_adds_up() -> None:
    share = Share(10, sampled=6, excused=1, away=1, handed_on=1)
    assert share.missing == 1 and share.accounted_share == pytest.approx(0.9) and Share(0).accounted_share is None
    assert {outcome for outcome, _ in REASONS.values()} == {"excused", "away", "handed_on"}
