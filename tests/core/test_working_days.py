"""Working days of 2022 and 2023 as the State Council announced them, and terms counted in them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import packs_once
from tongchou.core.parameters.working_days import HOLIDAYS, WorkingTime, working_time_of

ZONE = ZoneInfo("Asia/Shanghai")


def xujing() -> WorkingTime:
    (spec,) = [spec for spec in packs_once.pack("xujing").parameters if spec.key == HOLIDAYS]
    days = {name: [date.fromisoformat(day) for entry in spec.entries for day in entry.value[name]] for name in ("off", "worked")}
    return working_time_of(ZONE, days["off"], days["worked"], "09:00-17:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_every_day_of_two_years_is_as_a_well_kept_library_has_it() -> None:
    calendar, first = xujing(), date(2022, 1, 1)
    days = [first + timedelta(days=n) for n in range(730)]
    assert [day for day in days if calendar.is_working(day) != chinese_calendar.is_workday(day)] == []


@pytest.mark.parametrize(
    ("begin", "days", "due"),
    [
        ("2022-06-02 19:00", 1, "2022-06-06 17:00"),  # Dragon Boat: 3 to 5 June
        ("2022-06-02 10:00", 0, "2022-06-02 17:00"),
        ("2022-06-02 19:00", 0, "2022-06-06 17:00"),
        ("2022-06-02 10:00", 0.5, "2022-06-02 14:00"),
        ("2022-06-02 15:00", 0.5, "2022-06-06 11:00"),
        ("2022-06-02 10:00", 1.5, "2022-06-07 13:00"),
        ("2022-04-29 09:00", 5, "2022-05-10 17:00"),  # Labour Day, and Saturday 7 May is worked
        ("2022-09-30 09:00", 2, "2022-10-09 17:00"),  # National Day, 8 and 9 October worked
    ],
)
def test_a_term_ends_at_closing_time_of_its_last_working_day(begin: str, days: float, due: str) -> None:
    assert xujing().deadline(at(begin), days) == at(due)


@given(st.integers(0, 700 * 24 * 60), st.floats(0, 60))
def test_working_time_runs_forward_only_and_later_undoes_it(minutes: int, days: float) -> None:
    calendar, begin = xujing(), at("2022-01-01 00:00") + timedelta(minutes=minutes)
    later = calendar.later(begin, days)
    assert abs(calendar.worked_days(begin, later) - days) < 1e-6
    assert calendar.deadline(begin, days) >= begin and calendar.deadline(begin, int(days) + 2) > calendar.deadline(begin, int(days) + 1)


def slow_worked_days(calendar: WorkingTime, begin: datetime, end: datetime) -> float:
    """Quarter hour by quarter hour."""
    count, now = 0, begin
    while now < end:
        local = now.astimezone(ZONE)
        count += calendar.is_working(local.date()) and 9 <= local.hour < 17
        now += timedelta(minutes=15)
    return count / 32


@given(st.integers(0, 60 * 96), st.integers(0, 14 * 96))
def test_working_time_is_what_a_clock_in_the_office_would_count(start: int, quarters: int) -> None:
    calendar, begin = xujing(), at("2022-04-15 00:00") + timedelta(minutes=15 * start)
    end = begin + timedelta(minutes=15 * quarters)
    assert calendar.worked_days(begin, end) == pytest.approx(slow_worked_days(calendar, begin, end), abs=1e-9)
