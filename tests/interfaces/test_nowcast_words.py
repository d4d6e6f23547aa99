"""What a page says of the last days: a sentence each, and nothing without a basis."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from tongchou.core.wording import T
from tongchou.interfaces.web import charts
from tongchou.interfaces.web.nowcast_words import band_of, last_told, said_of, said_of_pace
from tongchou.science.nowcasting.site_model import SiteReports
from tongchou.science.nowcasting.sites import complete_curve
from tongchou.workflows.nowcasting import Outlook, Pace

LAST = date(2022, 6, 1)


def outlook(days: int = 60, missing_days: int = 0, sites: int = 2, is_final: bool = False, late: float = 0.0) -> Outlook:
    """Sites with ten a day each; the last has not reported for some days; of each day a share comes a day later."""
    site, back = (part.ravel() for part in np.mgrid[0:sites, 0:days])
    keep = ~((site == sites - 1) & (back < missing_days))
    rows = [(s, b, b, 100 * (1 - late)) for s, b in zip(site[keep], back[keep], strict=True)]
    if late:
        rows += [(s, b, b - 1, 100.0) for s, b, _, _ in list(rows) if b > 0]
    table = np.array(sorted(rows, key=lambda r: (r[0], -r[1], -r[2])))
    found = SiteReports(
        LAST, 1, table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2].astype(int), table[:, 3], np.ones((sites, days), bool), 0 if is_final else days
    )  # fmt: skip
    return Outlook(complete_curve(found), Pace(), datetime(2022, 6, 1, tzinfo=UTC), sites, "0", is_final)


def words(found: Outlook, **more: list[date | None]) -> list[T]:
    return said_of(found, found.curve.days, **more)


def test_a_curve_that_is_all_in_needs_no_words() -> None:
    assert words(outlook()) == []


def test_what_is_in_and_what_is_expected_stand_side_by_side() -> None:
    (said,) = words(outlook(missing_days=1))
    assert said.zh.startswith("6月1日已报 100（到数约 50%），报齐后预计 ") and said.en.startswith("1 Jun: 100 reported (about 50% in); ")


def test_a_day_of_which_most_is_missing_is_left_alone() -> None:
    (said,) = words(_mostly_missing())
    assert said.zh == "6月1日已报 100（到数约 10%），缺报太多，不作补估。"


def _mostly_missing() -> Outlook:
    site, back = (part.ravel() for part in np.mgrid[0:10, 0:60])
    keep = ~((site > 0) & (back == 0))
    order = np.lexsort((-back[keep], site[keep]))
    site, back = site[keep][order], back[keep][order]
    found = SiteReports(LAST, 1, site, back, back, np.full(len(site), 100.0), np.ones((10, 60), bool), 60)
    return Outlook(complete_curve(found), Pace(), datetime(2022, 6, 1, tzinfo=UTC), 10, "0")


def test_silent_sites_are_counted_with_their_first_day() -> None:
    said, since = words(outlook(missing_days=3), silent=[LAST - timedelta(days=3), None])[-2:]
    assert said.zh == "2 个点失联：按其以往占比补估，请催报。" and since.en == "The first of them last reported on 29 May."


@pytest.mark.parametrize(("days", "zh"), [(10, "迟报的历史太短，无法补估；最近 1 天还可能上升。"), (25, "历史尚短，区间偏于粗略。")])
def test_a_short_history_is_said_to_be_one(days: int, zh: str) -> None:
    assert words(outlook(days=days, late=0.4))[0].zh == zh


def test_final_values_tell_nothing_of_lateness() -> None:
    assert [said.en for said in words(outlook(is_final=True))] == ["Only final values are kept here; how late they came cannot be seen."]


def test_without_a_known_lateness_the_last_day_told_lies_before_the_open_ones() -> None:
    known, unknown = outlook(late=0.4), outlook(days=10, late=0.4)
    assert last_told(known.curve) == 59 and last_told(unknown.curve) == 8
    assert band_of(known.curve).median[-1] is not None
    short = band_of(unknown.curve)
    assert all(value is None for value in short.median) and short.incomplete == {LAST}


def test_a_pace_is_said_only_where_there_is_one() -> None:
    assert said_of_pace(Pace()) == []
    grows, passes = said_of_pace(Pace((0.02, 0.06, 0.1), (1.1, 1.3, 1.6), LAST))
    assert grows.zh == "每天增长 6%（2% 至 10%）" and passes.en == "each case passes it on to 1.3 (1.1–1.6)"


def test_a_chart_keeps_what_is_reported_and_adds_what_will_be() -> None:
    found = outlook(late=0.4)
    days, counts = found.curve.days, [float(v) for v in found.curve.reported]
    figure = charts.epidemic_curve(days, counts, title=T("甲", "A"), unit=T("例", "cases"), completed=band_of(found.curve))
    last, before = figure.spec["data"]["values"][-1], figure.spec["data"]["values"][-2]
    assert last["value"] == 120 and last["partial"] and last["low95"] <= last["low50"] <= last["median"] <= last["high50"] <= last["high95"]
    assert before["will_be"] == before["value"] and "median" not in before
    assert [str(c) for c in figure.columns] == ["日期", "例", "补估", "补估下限", "补估上限"] and figure.rows[0][2] == last["median"]
    assert figure.rows[1][2:] == (None, None, None)
