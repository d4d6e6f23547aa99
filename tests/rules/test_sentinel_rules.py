"""Freshness, coverage and plausibility as pure arithmetic."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.core.wording import T
from tongchou.domains.sentinels import rules
from tongchou.domains.sentinels.rules import Freshness, FreshnessParams, Schedule

ZONE = ZoneInfo("Asia/Shanghai")
PARAMS = FreshnessParams(0.5, 3)
THURSDAY = date(2022, 6, 2)
WORKDAYS = Schedule((1, 2, 3, 4, 5), time(18))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2022, 6, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def state(last: date | None, moment: datetime, schedule: Schedule = Schedule(), delay: float = 0, **more: object) -> Freshness:
    return rules.freshness(last, schedule, delay, moment, ZONE, PARAMS, **{"began_on": date(2022, 5, 1), **more})  # type: ignore[arg-type]


def test_daily_stream_goes_from_fresh_over_due_and_late_to_silent() -> None:
    last = date(2022, 6, 1)
    assert state(last, at(2, 17, 59)).state == "fresh"
    assert state(last, at(2, 18)) == Freshness("due", last, THURSDAY, at(2, 18), 0)
    assert state(last, at(3, 5, 59)).state == "due"
    assert state(last, at(3, 6)).state == "late"
    assert state(last, at(5, 5, 59)).state == "late"
    assert state(last, at(5, 6)).state == "silent"


def test_delay_moves_the_expectation() -> None:
    assert state(date(2022, 5, 31), at(2, 17), delay=1).state == "fresh"
    assert state(date(2022, 5, 31), at(2, 18), delay=1).awaited_day == date(2022, 6, 1)


def test_weekend_is_no_silence_for_a_school() -> None:
    friday = date(2022, 6, 3)
    assert state(friday, at(6, 17), WORKDAYS).state == "fresh"
    assert state(friday, at(6, 18), WORKDAYS).awaited_day == date(2022, 6, 6)


def test_weekly_stream_is_awaited_once_a_week() -> None:
    weekly = Schedule((3,), time(18))
    assert state(date(2022, 6, 1), at(8, 17), weekly, step_days=7).state == "fresh"
    assert state(date(2022, 6, 1), at(9, 18), weekly, step_days=7).state == "late"
    assert state(date(2022, 6, 1), at(24, 6), weekly, step_days=7).state == "silent"


def test_stream_that_never_reported_counts_from_its_beginning() -> None:
    assert state(None, at(2, 19), began_on=THURSDAY).state == "due"
    assert state(None, at(2, 19)).state == "silent"
    assert state(None, at(2, 19), began_on=date(2022, 7, 1)).state == "fresh"


@given(st.integers(0, 400), st.sets(st.integers(1, 7), min_size=1), st.floats(0, 5), st.sampled_from([1, 7]))
def test_waiting_never_makes_a_stream_fresher(hours: int, weekdays: set[int], delay: float, step: int) -> None:
    schedule = Schedule(tuple(sorted(weekdays)), time(9))
    start = at(1, 0)
    states = [
        rules.ORDER.index(state(date(2022, 5, 30), start + timedelta(hours=h), schedule, delay, step_days=step).state)
        for h in (hours, hours + 7)
    ]
    assert states[0] <= states[1]


@given(st.integers(0, 3), st.integers(0, 300))
def test_one_more_report_never_makes_a_stream_staler(extra: int, hours: int) -> None:
    moment = at(1, 0) + timedelta(hours=hours)
    older, newer = date(2022, 5, 28), date(2022, 5, 28) + timedelta(days=extra)
    assert rules.ORDER.index(state(newer, moment).state) <= rules.ORDER.index(state(older, moment).state)


@pytest.mark.parametrize(
    "content", [{"weekdays": []}, {"weekdays": [0]}, {"weekdays": "12"}, {"weekdays": [1], "due": "25:00"}, {"weekdays": None}]
)
def test_wrong_schedule_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        rules.schedule_of(content)


def test_open_day_is_the_oldest_untold_of_a_week() -> None:
    assert rules.open_day(date(2022, 5, 31), Schedule(), 0, at(2, 9), ZONE, began_on=date(2022, 5, 1)) == date(2022, 6, 1)
    assert rules.open_day(date(2022, 5, 31), Schedule(), 2, at(2, 9), ZONE, began_on=date(2022, 5, 1)) is None
    assert rules.open_day(THURSDAY, Schedule(), 0, at(2, 9), ZONE, began_on=date(2022, 5, 1)) is None
    assert rules.open_day(None, Schedule(), 0, at(2, 9), ZONE, began_on=date(2022, 1, 1)) == date(2022, 5, 27)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 1))
def test_covered_share_is_a_share_and_another_sentinel_never_lowers_it(shares: list[float], one_more: float) -> None:
    covered = rules.covered_share(shares)
    assert -1e-12 <= covered <= 1
    assert max(shares, default=0.0) - 1e-12 <= covered <= rules.covered_share([*shares, one_more]) + 1e-12


def test_unseen_residents() -> None:
    assert rules.residents_unseen(4000, rules.covered_share([0.5, 0.5])) == 1000
    assert rules.residents_unseen(4000, 0.0) == 4000


@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.none()), st.sampled_from(["count", "rate"]))
def test_any_input_gives_a_number_not_below_zero_or_words(raw: object, kind: str) -> None:
    found = rules.value_of(raw, kind)
    assert isinstance(found, T) or (0 <= found <= rules.LARGEST_VALUE and (kind == "rate" or found == int(found)))


def test_zero_and_nothing_are_different() -> None:
    assert rules.value_of(0, "count") == rules.value_of("０", "count") == 0.0
    assert isinstance(rules.value_of("", "count"), T)


@pytest.mark.parametrize(
    ("value", "bound", "days", "level", "kind", "odd"),
    [
        (501, 500, 0, 0, "count", True), (500, 500, 0, 0, "count", False), (21, None, 28, 0, "count", True), (20, None, 28, 0, "count", False),
        (1000, None, 27, 1, "count", False), (0.5, None, 100, 0, "rate", False), (0.5, None, 100, 0.01, "rate", True),
    ],
)  # fmt: skip
def test_what_counts_as_unusual(value: float, bound: float | None, days: int, level: float, kind: str, odd: bool) -> None:
    assert (rules.unusual(value, bound, days, level, kind) is not None) == odd
