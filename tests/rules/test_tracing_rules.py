"""What decides in an investigation, without a database."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.exposures.rules import Window, changes, window_problems
from tongchou.domains.tracing.rules import (
    LIST_TAGS,
    alike,
    classify,
    date_problems,
    days_followed,
    facts_known,
    last_day,
    missed_days,
)

DEFINITION = {"suspected": ["symptoms_or_contact"], "probable": ["symptoms", "contact"], "confirmed": ["laboratory"]}
TODAY = date(2022, 6, 2)


@pytest.mark.parametrize(
    ("symptoms", "contact", "results", "is_called"),
    [
        (False, False, [], None),
        (True, False, [], "suspected"),
        (False, True, ["negative"], "suspected"),
        (True, True, ["pending"], "probable"),
        (False, False, ["negative", "positive"], "confirmed"),
    ],
)
def test_the_surest_class_whose_facts_are_known_is_proposed(symptoms: bool, contact: bool, results: list[str], is_called: str | None):
    assert classify(facts_known(has_symptoms=symptoms, has_known_contact=contact, results=results), DEFINITION) == is_called


def test_the_tags_are_those_of_the_r_package():
    assert list(LIST_TAGS) == [
        "id", "date_onset", "date_reporting", "date_admission", "date_discharge", "date_outcome", "date_death", "gender", "age",
        "location", "occupation", "hcw", "outcome",
    ]  # fmt: skip


def test_dates_that_cannot_be_are_named():
    facts = {"onset_on": date(2022, 6, 3), "died_on": date(2022, 6, 1), "outcome": "recovered"}
    assert [name for name, _ in date_problems(facts, TODAY)] == ["onset_on", "died_on", "outcome"]
    assert date_problems({"onset_on": TODAY, "died_on": TODAY, "outcome": "died"}, TODAY) == []


@given(st.integers(1, 60), st.dictionaries(st.sampled_from(["close", "secondary"]), st.integers(0, 30)))
def test_nobody_is_ever_followed_beyond_the_ceiling(asked: int, ceiling: dict[str, int]):
    for kind in ("close", "secondary", "other"):
        assert days_followed(asked, kind, ceiling) <= ceiling.get(kind, 0)
        assert days_followed(asked, kind, ceiling) <= asked


@given(st.integers(0, 20), st.integers(1, 21), st.integers(-5, 40), st.sets(st.integers(0, 40)))
def test_missed_days_lie_inside_the_follow_up_and_were_not_asked_on(added: int, days: int, today: int, asked: set[int]):
    start = date(2022, 6, 1)
    checked = {start + timedelta(days=n) for n in asked}
    now = start + timedelta(days=today)
    missed = missed_days(start, start + timedelta(days=added), days, now, checked)
    assert missed == sorted(set(missed))
    assert not set(missed) & checked
    assert all(start < day <= last_day(start, days) and day < now and day >= start + timedelta(days=added) for day in missed)


def test_missed_days_of_a_contact_of_three_days():
    assert missed_days(date(2022, 6, 1), date(2022, 6, 1), 3, date(2022, 6, 10), {date(2022, 6, 3)}) == [date(2022, 6, 2), date(2022, 6, 4)]


def test_an_identity_number_decides_alone():
    same = {"id_index": b"1", "phone_index": b"8", "name": "甲", "sex": "f"}
    assert alike(same, {**same, "name": "乙", "phone_index": b"9", "sex": "m"}).is_exact
    assert alike(same, {**same, "id_index": b"2"}).score == 0


def test_without_a_number_phone_name_and_onset_are_weighed():
    one = {"phone_index": b"8", "name": "李秀兰", "onset_on": date(2022, 5, 30), "sex": "f"}
    assert alike(one, one).score == 1.0
    # 0.35 · 2/3 + 0.20 · (1 − 7/14), over 0.35 + 0.20: "李秀兰" and "李秀英" share 2 of 3 signs
    assert alike({**one, "phone_index": None}, {**one, "name": "李秀英", "onset_on": date(2022, 6, 6)}).score == round(
        (0.35 * 2 / 3 + 0.1) / 0.55, 2
    )
    assert alike(one, {**one, "sex": "m"}).score == 0
    assert alike({"onset_on": TODAY}, {"onset_on": TODAY}).score == 0


def test_spans_that_are_refused():
    from datetime import UTC, datetime

    at = datetime(2022, 6, 2, tzinfo=UTC)
    day = timedelta(days=1)
    assert [f for f, _ in window_problems(Window(at, at), 14, at)] == ["to_at"]
    assert [f for f, _ in window_problems(Window(at + day, at + 2 * day), 14, at)] == ["from_at"]
    assert [f for f, _ in window_problems(Window(at - 15 * day, at), 14, at)] == ["to_at"]
    assert window_problems(Window(at - 14 * day, at), 14, at) == []


def test_what_changed_between_versions():
    assert changes({1: "a", 2: "b"}, {2: "b", 3: "c"}) == ({3}, {1})
