"""The nowcast by Lawless beside what R surveillance 1.20.3 printed for the HUS outbreak of 2011.

R rounds its points to whole events, and its interval holds the binomial noise alone; ours adds that of the estimated delays. So: every
point within 1.5 events or 1 %, and every interval of R inside ours by the same margin.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date

import numpy as np
import pytest

from tests.science.nowcasting.cases import DATA, hospital_line_list
from tongchou.science.nowcasting.lawless import nowcast_lawless
from tongchou.science.nowcasting.model import Nowcast
from tongchou.science.nowcasting.triangle import ReportingTriangle, triangle_of


def reference(method: str) -> list[dict[str, str]]:
    with (DATA / "reference_r" / "nowcast_husO104.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["method"] == method]


def outbreak(now: str) -> Nowcast:
    reports = Counter(pair for pair in hospital_line_list() if pair[0] >= date(2011, 5, 1))
    days, reported = zip(*reports, strict=True)
    return nowcast_lawless(triangle_of(days, reported, list(reports.values()), date.fromisoformat(now), max_delay=15))


def test_every_row_of_the_reference_is_held() -> None:
    rows = reference("lawless")
    assert len(rows) == 45
    for row in rows:
        found = outbreak(row["now"])
        i = found.days.index(date.fromisoformat(row["date"]))
        point, low, high = (float(row[name]) for name in ("nowcast", "lo", "hi"))
        margin = max(1.5, 0.01 * point)
        assert found.reported[i] == float(row["observed_so_far"])
        assert found.expected[i] == pytest.approx(point, abs=margin)
        assert low >= found.quantiles[i, 0] - margin
        # R leaves the upper end empty (0) where it ran out of its table.
        assert high <= found.quantiles[i, -1] + margin


def test_the_points_lie_in_the_sampled_bayesian_intervals_where_something_is_reported() -> None:
    rows = [row for row in reference("bayes.trunc") if float(row["observed_so_far"]) > 0]
    assert len(rows) == 37
    for row in rows:
        found = outbreak(row["now"])
        expected = found.expected[found.days.index(date.fromisoformat(row["date"]))]
        assert float(row["lo"]) - 0.5 <= expected <= float(row["hi"]) + 0.5


def test_nothing_is_known_of_delays_never_seen() -> None:
    found = nowcast_lawless(ReportingTriangle(date(2022, 5, 1), np.array([[4.0, 1.0]])))
    assert (found.expected[0], found.is_spread_known) == (4, False)
    assert np.all(np.isfinite(found.quantiles))
