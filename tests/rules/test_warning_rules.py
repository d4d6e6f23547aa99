"""What decides about alarms, on facts alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.warning.rules import (
    GRADES,
    Known,
    Memory,
    clocks_of,
    grade_of_place,
    may_confirm_alone,
    next_move,
    rank,
)

DAY = date(2022, 5, 3)
TOWN, ONE, TWO = "/t/", "/t/1/", "/t/2/"
KNOWN = Known(1, ONE, TOWN, "covid19", "yellow", DAY, DAY)


def _move(known: Known, days: int, grade: str = "yellow", place: str = ONE, target: str = "covid19") -> str:
    return next_move([known], place_path=place, target=target, grade=grade, day=DAY + timedelta(days=days), repeat_days=7)[0]


@pytest.mark.parametrize(
    ("days", "grade", "place", "target", "expected"),
    [
        (0, "yellow", ONE, "covid19", "none"),
        (3, "yellow", ONE, "covid19", "seen"),
        (3, "blue", ONE, "covid19", "seen"),
        (3, "red", ONE, "covid19", "upgrade"),
        (0, "red", ONE, "covid19", "upgrade"),
        (7, "yellow", ONE, "covid19", "seen"),
        (8, "yellow", ONE, "covid19", "propose"),
        (3, "yellow", TWO, "covid19", "propose"),
        (3, "yellow", TOWN, "covid19", "seen"),
        (3, "yellow", ONE, "influenza", "propose"),
    ],
)
def test_which_rise_is_the_same(days: int, grade: str, place: str, target: str, expected: str) -> None:
    assert _move(KNOWN, days, grade, place, target) == expected


def test_a_dismissed_rise_is_silent_for_the_window_and_then_told_again() -> None:
    dismissed = replace(KNOWN, dismissed_on=DAY + timedelta(days=2))
    assert _move(dismissed, 9, "red") == "none"
    assert _move(dismissed, 10, "red") == "propose"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_a_rise_seen_without_a_gap_longer_than_the_window_is_one_alarm(steps: list[int]) -> None:
    known, day, proposed = [KNOWN], DAY, 0
    for step in steps:
        day += timedelta(days=step)
        move, same = next_move(known, place_path=ONE, target="covid19", grade="yellow", day=day, repeat_days=7)
        proposed += move == "propose"
        if move == "seen" and same is not None:
            known = [replace(same, last_seen_on=day)]
    assert proposed == 0


def test_memory_knows_told_parts_spread_and_restart() -> None:
    dismissed = Known(2, TWO, TOWN, "covid19", "blue", DAY, DAY, dismissed_on=DAY)
    memory = Memory((KNOWN, dismissed), {"/t/3/": DAY - timedelta(days=1)})
    assert memory.told_parts(TOWN, DAY + timedelta(days=6), 7) == (ONE, TWO, "/t/3/")
    assert memory.told_parts(TOWN, DAY + timedelta(days=7), 7) == (ONE, TWO)
    assert memory.is_spreading(DAY + timedelta(days=21), 21)
    assert not memory.is_spreading(DAY + timedelta(days=22), 21)
    assert not Memory((dismissed,)).is_spreading(DAY, 21)
    assert memory.restarted_on(TOWN, DAY) is None
    assert Memory((replace(dismissed, place_path=TOWN),)).restarted_on(TOWN, DAY) == DAY


@pytest.mark.parametrize(("leading", "over", "area", "shown"), [(True, True, "red", "red"), (False, True, "red", "blue"), (False, False, "red", ""), (True, True, "", "")])  # fmt: skip
def test_grade_of_a_place(leading: bool, over: bool, area: str, shown: str) -> None:
    assert grade_of_place(leading, over, area) == shown


def test_clocks_follow_state_and_grade() -> None:
    limits = {"alarm.acknowledge_within": {"red": 15, "orange": 30, "yellow": 120, "blue": 720}, "alarm.decide_within": 120}
    assert clocks_of("red", "proposed", limits) == (("alarm.acknowledge_within", 15), ("alarm.decide_within", 120))
    assert clocks_of("red", "acknowledged", limits) == (("alarm.decide_within", 120),)
    assert clocks_of("red", "confirmed", limits) == ()


@pytest.mark.parametrize(("allowed", "yes"), [([], False), (["red"], True), (["blue"], False), (True, True), (False, False)])
def test_what_the_system_may_confirm_alone(allowed: object, yes: bool) -> None:
    assert may_confirm_alone("red", allowed) is yes


def test_grades_are_ranked() -> None:
    assert [rank(g) for g in ("", *GRADES)] == [-1, 0, 1, 2, 3]
