"""What a list of reports must look like, and what is said when it does not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tests.science.nowcasting.cases import days_from
from tongchou.science.nowcasting.triangle import ReportingTriangle, triangle_of

D = days_from(date(2022, 5, 1), 8)


def test_reports_are_laid_out_as_known_on_the_day() -> None:
    found = triangle_of([D[0], D[0], D[2], D[0]], [D[0], D[1], D[3], D[6]], [3, 2, 4, 9], as_of=D[3], max_delay=3)
    assert (found.first_day, found.as_of, found.max_delay) == (D[0], D[3], 3)
    nan = np.nan
    np.testing.assert_array_equal(found.counts, [[3, 2, 0, 0], [0, 0, 0, nan], [0, 4, nan, nan], [0, nan, nan, nan]])
    np.testing.assert_array_equal(found.reported, [5, 0, 4, 0])


def test_what_comes_after_the_longest_delay_is_left_out_and_counted() -> None:
    found = triangle_of([D[0], D[0]], [D[0], D[5]], [3, 2], as_of=D[6], max_delay=3)
    assert (found.late, found.reported[0]) == (2, 3)


def test_withdrawn_events_are_taken_from_the_latest_reports() -> None:
    found = triangle_of([D[0]] * 4, D[:4], [5, 2, -3, 1], as_of=D[4], max_delay=4, corrections="net")
    np.testing.assert_array_equal(found.counts[0], [4, 0, 0, 1, 0])


def test_a_withdrawal_of_tomorrow_changes_nothing_today() -> None:
    days, reported, counts = [D[0]] * 3, D[:3], [5, 2, -3]
    today = triangle_of(days, reported, counts, as_of=D[1], max_delay=2, corrections="net")
    np.testing.assert_array_equal(today.reported, [7, 0])


@pytest.mark.parametrize(
    ("days", "reported", "counts", "told"),
    [
        ([D[1]], [D[0]], [1], r"report 1 .*before the day it belongs to"),
        ([D[0], D[0]], [D[1], D[1]], [1, 2], r"report 2 \(2022-05-01, reported 2022-05-02\).*twice"),
        ([D[0]], [D[1]], [-2], r"report 1 .*count is -2.*corrections=\"net\""),
        ([D[0]], [D[1]], [float("nan")], r"report 1 .*leave the report out"),
        ([D[0]], [D[1]], [float("inf")], r"report 1 .*inf"),
        ([D[7]], [D[7]], [1], r"no report on or before 2022-05-07"),
        ([D[0]], [D[0], D[1]], [1], r"differ in length"),
        ([date(1022, 5, 1)], [D[0]], [1], r"mistyped"),
    ],
)
def test_a_report_that_cannot_be_is_named(days, reported, counts, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        triangle_of(days, reported, counts, as_of=D[6])


def test_more_withdrawn_than_reported_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2022-05-01: 1 more events withdrawn"):
        triangle_of([D[0], D[0]], [D[0], D[1]], [3, -4], as_of=D[3], max_delay=2, corrections="net")


@pytest.mark.parametrize("cells", [np.zeros(3), np.zeros((3, 1)), np.zeros((0, 3))])
def test_a_triangle_of_the_wrong_shape_is_refused(cells: np.ndarray) -> None:
    with pytest.raises(ValueError, match="delays 0"):
        ReportingTriangle(D[0], cells)


def test_a_negative_cell_is_refused_and_one_of_tomorrow_is_not_looked_at() -> None:
    cells = np.array([[1.0, 2.0], [-1.0, -5.0]])
    with pytest.raises(ValueError, match="-1 events of 2022-05-02 reported 0 days later"):
        ReportingTriangle(D[0], cells)
    cells[1, 0] = 1
    assert np.isnan(ReportingTriangle(D[0], cells).counts[1, 1])


def test_an_earlier_morning_sees_less() -> None:
    triangle = ReportingTriangle(D[0], np.ones((5, 3)))
    np.testing.assert_array_equal(triangle.seen_on(D[2]).reported, [3, 2, 1])
    with pytest.raises(ValueError, match="lies outside"):
        triangle.seen_on(D[7])
