"""Batches and lights: a decision table, day by day."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from tests import packs_once
from tongchou.domains.projects.rules import Known, Light, Limits, book_from, lights_of, planned_share, worst

LIMITS = Limits(start_red_after=3, behind_yellow=10, behind_red=30, figures_by_day=10)


def known(**given: Any) -> Known:
    said: dict[str, Any] = {"planned_on": {}, "done_on": {}, "plan": {}, "spent": {}}
    return Known(**said | given)


def light(cause: str, of: Known, day: date) -> Light | None:
    return next((found for found in lights_of(of, day, LIMITS) if found.cause == cause), None)


@pytest.mark.parametrize(
    ("day", "started", "colour"),
    [
        ("2022-03-31", None, "green"),  # its month is not over
        ("2022-04-01", None, "yellow"),
        ("2022-06-30", None, "yellow"),  # the third month after
        ("2022-07-01", None, "red"),
        ("2022-07-01", "2022-06-20", "green"),
        ("2022-06-10", "2022-06-20", "yellow"),  # not on that day yet
    ],
)
def test_not_started_in_its_month_is_yellow_and_red_after_three(day: str, started: str | None, colour: str) -> None:
    done = {"started": date.fromisoformat(started)} if started else {}
    found = light("start", known(planned_on={"started": date(2022, 3, 31)}, done_on=done), date.fromisoformat(day))
    assert found is not None and found.colour == colour and found.why.zh.endswith("。")


def test_without_a_plan_there_is_no_light() -> None:
    assert lights_of(known(), date(2022, 6, 2), LIMITS) == ()
    assert light("investment", known(spent={date(2022, 5, 1): 7}), date(2022, 6, 2)) is None


# By May 5/12 of the year's plan of 1,200 is due: 500, so 12 is a point.
@pytest.mark.parametrize(
    ("spent", "colour"),
    [(500, "green"), (700, "green"), (381, "green"), (380, "yellow"), (379, "yellow"), (140, "yellow"), (139, "red"), (0, "red")],
)
def test_ten_to_thirty_points_behind_is_yellow_and_more_is_red(spent: int, colour: str) -> None:
    of = known(plan={2022: 1200}, spent={date(2022, month, 1): 0 for month in range(1, 5)} | {date(2022, 5, 1): spent})
    found = light("investment", of, date(2022, 6, 11))
    assert found is not None and found.colour == colour
    assert ("没有落后" in found.why.zh) == (spent >= 500)


def test_what_is_due_is_spread_over_the_months_of_the_work() -> None:
    of = known(planned_on={"started": date(2022, 4, 9), "finished": date(2023, 2, 1)})
    assert [planned_share(of, date(2022, month, 1)) for month in (3, 4, 12)] == [0, Fraction(1, 9), 1]
    assert [planned_share(of, date(2023, month, 1)) for month in (1, 2, 7)] == [Fraction(1, 2), 1, 1]
    assert planned_share(of, date(2021, 12, 1)) == 0


@pytest.mark.parametrize(
    ("day", "reported", "missing"),
    [("2022-06-10", (4,), ""), ("2022-06-11", (4,), "5月"), ("2022-06-11", (5,), "4月"), ("2022-06-11", (4, 5), "")],
)
def test_figures_are_asked_for_when_their_day_is_over(day: str, reported: tuple[int, ...], missing: str) -> None:
    of = known(planned_on={"started": date(2022, 4, 1)}, plan={2022: 900}, spent={date(2022, month, 1): 100 for month in reported})
    found = light("figures", of, date.fromisoformat(day))
    assert (found is None) == (not missing) and (found is None or f"年{missing}的" in found.why.zh)


def test_the_worst_light_comes_first() -> None:
    of = known(planned_on={"started": date(2022, 1, 1)}, plan={2022: 1200}, spent={date(2022, 1, 1): 100})
    found = worst(lights_of(of, date(2022, 6, 11), LIMITS))
    assert found is not None and (found.cause, found.colour) == ("start", "red") and worst(()) is None


@pytest.mark.parametrize(
    ("done", "batch"),
    [((), "reserve"), (("land",), "reserve"), (("signed",), "signed"), (("signed", "started"), "started"), (("started", "finished", "producing"), "finished")],
)  # fmt: skip
def test_the_batch_follows_from_the_milestones(done: tuple[str, ...], batch: str) -> None:
    body = packs_once.pack("xujing").projects
    assert body is not None and book_from(body).batch_on(done, date(2022, 6, 2)).code == batch


def test_a_new_definition_holds_from_its_day() -> None:
    body = packs_once.pack("xujing").projects
    assert body is not None
    (first,) = body["definitions"]
    stricter = [{**batch, "after": ["signed", "land"] if batch["id"] == "signed" else batch["after"]} for batch in first["batches"]]
    book = book_from({**body, "definitions": [first, {**first, "from": "2022-06-01", "batches": stricter}]})
    assert [book.batch_on(("signed",), date(2022, month, 31)).code for month in (5, 7)] == ["signed", "reserve"]
    assert book.batch_on((), date(1999, 1, 1)).code == "reserve"
