"""What verdicts teach: which one stood when, which alarms are one outbreak, and what a morning makes of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.warning.learning import OUTBREAK_GAP_DAYS, Given, Learnt, learn, ppv_at, ppv_said, verdicts_known
from tongchou.domains.warning.rules import GRADES, grade_to_show, rank
from tongchou.science.detection.model import DetectionParams
from tongchou.science.evidence.verdicts import Ppv

DAY, AT = date(2022, 5, 3), datetime(2022, 5, 3, 2, tzinfo=UTC)
TOWN, ONE, TWO = "/t/", "/t/1/", "/t/2/"
STATED = {"pcr": 1.0, "calls": 0.25}
FIRST = Given(AT, 1, TOWN, ONE, "covid19", "yellow", "true", {"pcr": 0.9, "calls": 0.1}, DAY, DAY + timedelta(days=5))


def _later(days: int, alarm_id: int = 2, **changes: object) -> Given:
    """Another alarm so many days after the first was last seen."""
    raised = FIRST.last_seen_on + timedelta(days=days)
    moved = replace(FIRST, at=AT + timedelta(days=5 + days), alarm_id=alarm_id, raised_on=raised, last_seen_on=raised)
    return replace(moved, **changes)  # type: ignore[arg-type]


def _learn(log: list[Given], at: datetime = AT + timedelta(days=400), watched_years: float = 2.0) -> Learnt:
    return learn(
        log, at=at, area_path=TOWN, target="covid19", stated_onsets_per_year=1.0, watched_years=watched_years, stated_weights=STATED
    )


def test_the_newest_verdict_stands_and_before_it_the_one_before() -> None:
    corrected = replace(FIRST, at=AT + timedelta(days=3), decision="false")
    log = [FIRST, corrected]
    assert [v.decision for v in verdicts_known(log, AT - timedelta(seconds=1))] == []
    assert [v.decision for v in verdicts_known(log, AT + timedelta(days=2))] == ["true"]
    assert [v.decision for v in verdicts_known(log, corrected.at)] == ["false"]


@pytest.mark.parametrize(
    ("other", "outbreaks"),
    [
        (_later(OUTBREAK_GAP_DAYS), 1),
        (_later(OUTBREAK_GAP_DAYS, place_path=TOWN), 1),
        (_later(OUTBREAK_GAP_DAYS + 1), 2),
        (_later(1, place_path=TWO), 2),
        (_later(1, decision="false"), 1),
        (_later(1, target="influenza"), 1),
        (_later(1, area_path="/u/", place_path="/u/1/"), 1),
    ],
)
def test_a_rise_told_again_is_one_outbreak(other: Given, outbreaks: int) -> None:
    assert _learn([FIRST, other]).outbreaks == outbreaks


def test_a_chain_of_alarms_is_one_outbreak() -> None:
    log = [FIRST, _later(20), _later(40, alarm_id=3), _later(60, alarm_id=4)]
    assert {v.outbreak for v in verdicts_known(log, AT + timedelta(days=400))} == {"1"}


def test_without_verdicts_or_time_what_the_office_states_holds() -> None:
    learnt = _learn([], watched_years=0.0)
    assert (learnt.onsets_per_year, learnt.verdicts, dict(learnt.weights)) == (1.0, 0, {})
    params = DetectionParams(prior_onsets_per_year=1.0)
    assert learnt.taught(params) == params


def test_outbreaks_raise_the_prior_and_a_stream_that_carried_the_false_alarm_counts_less() -> None:
    false = _later(100, decision="false", shares={"pcr": 0.1, "calls": 0.9})
    learnt = _learn([FIRST, _later(60, alarm_id=3), false])
    assert learnt.onsets_per_year == pytest.approx((1.0 * 2 + 2) / (2 + 2))
    assert learnt.onsets_low < learnt.onsets_per_year < learnt.onsets_high
    assert learnt.weights["calls"] < STATED["calls"] and learnt.weights.get("pcr", 1.0) == 1.0
    taught = learnt.taught(DetectionParams())
    assert (taught.prior_onsets_per_year, dict(taught.learnt_weights)) == (learnt.onsets_per_year, learnt.weights)


def test_a_weight_stated_below_the_bound_is_left_alone() -> None:
    false = _later(100, decision="false", shares={"rumours": 1.0})
    learnt = learn([FIRST, false], at=false.at, area_path=TOWN, target="covid19", stated_onsets_per_year=1.0, watched_years=0,
                   stated_weights={"rumours": 0.05})  # fmt: skip
    assert learnt.weights == {}


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 9), st.sampled_from([ONE, TWO, TOWN]), st.sampled_from(["true", "false", "unclear"])),
        max_size=12,
    ),
    st.integers(0, 300),
)
def test_what_came_later_changes_nothing_that_was_learnt(given_: list[tuple[int, int, str, str]], days: int) -> None:
    log = [
        replace(FIRST, at=AT + timedelta(days=at), alarm_id=n, place_path=place, decision=decision, raised_on=DAY + timedelta(days=at))  # type: ignore[arg-type]
        for at, n, place, decision in sorted(given_)
    ]
    at = AT + timedelta(days=days)
    known = [g for g in log if g.at <= at]
    assert _learn(log, at) == _learn(known, at) == _learn(known, AT + timedelta(days=999))
    assert ppv_at(log, at, "yellow", "covid19") == ppv_at(known, at, "yellow", "covid19")


def test_how_often_right_is_said_with_what_it_rests_on() -> None:
    said = ppv_said(Ppv(0.7, 0.4, 0.93, 7.0, 3.0, 6, 2, 1.0, 1.0))
    assert said.en == "6 of 8 such alarms were right; expected 70%, between 40% and 93%"
    assert said.zh == "同类预警 8 次有结论，6 次属实；预计属实 70%，在 40% 与 93% 之间"
    assert "No such alarm has a verdict yet" in ppv_said(ppv_at([], AT, "red", "covid19")).en


@given(st.lists(st.sampled_from(["", *GRADES]), min_size=1, max_size=15), st.integers(1, 4))
def test_a_shown_grade_is_never_less_than_the_morning_asks_for_nor_none(mornings: list[str], fall_after: int) -> None:
    shown = grade_to_show(mornings, fall_after)
    assert rank(shown) >= max(rank(mornings[-1]), 0)
    assert rank(shown) >= max(rank(g) for g in mornings[-fall_after:]) - 1


def test_a_grade_rises_at_once_and_falls_by_one_after_three_mornings() -> None:
    assert [grade_to_show(["red", *["blue"] * n], 3) for n in range(8)] == ["red"] * 3 + ["orange"] * 3 + ["yellow"] * 2
    assert grade_to_show(["red", "blue", "blue", "blue", "red"], 3) == "red"
