"""A curve of many sites: the triangle beside a slow one, no false fall, corrections, silence, and what is not said."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.nowcasting.site_model import SiteReports, weekly_params
from tongchou.science.nowcasting.sites import complete_curve, draw_curves, triangle_of_sites

LAST = date(2022, 6, 1)
Row = tuple[int, int, int, float]  # site, days back, days since the report, value


def reports(rows: list[Row], sites: int, steps: int, **more: object) -> SiteReports:
    table = np.array(sorted(rows, key=lambda r: (r[0], -r[1], -r[2])), dtype=float).reshape(-1, 4)
    due = np.ones((sites, steps), dtype=bool)
    known = {"recorded_steps": steps, "step_days": 1} | more
    return SiteReports(LAST, site=table[:, 0].astype(int), back=table[:, 1].astype(int), ago=table[:, 2].astype(int), value=table[:, 3], due=due, **known)  # type: ignore[arg-type]  # fmt: skip


def outbreak(seed: int, *, steps: int = 120, sites: int = 6, growth: float = 0.06, delays: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1), silent_days: int = 0) -> tuple[list[Row], np.ndarray]:  # fmt: skip
    """Cumulative reports of each day, a share more every day, rising in the last month; the truth by day. Site 0 may be silent at the end."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    truth = np.zeros(steps)
    for t in range(steps):
        back = steps - 1 - t
        level = 10 * np.exp(growth * max(0, t - (steps - 30)))
        for site in range(sites):
            parts = rng.poisson(level * np.array(delays))
            truth[t] += parts.sum()
            said = None
            for delay, total in enumerate(np.cumsum(parts)):
                if delay <= back and total != said and not (site == 0 and back < silent_days):
                    rows.append((site, back, back - delay, float(total)))
                    said = total
    return rows, truth


def slow_triangle(rows: list[Row], steps: int, longest: int) -> np.ndarray:
    """Site by site and day by day, from the definition; corrections downwards are taken from the latest earlier cells of the day."""
    cells = np.zeros((steps, longest + 1))
    by_day = defaultdict(list)
    for site, back, ago, value in rows:
        by_day[site, back].append((ago, value))
    added: dict[tuple[int, int], float] = defaultdict(float)
    for (_, back), said in by_day.items():
        said.sort(key=lambda pair: -pair[0])
        before = 0.0
        for ago, value in said:
            added[steps - 1 - back, said[0][0] - ago] += value - before
            before = value
    for (t, age), change in sorted(added.items()):
        if age > longest:
            continue
        cells[t, age] += max(change, 0)
        owed = max(-change, 0)
        for earlier in range(age, -1, -1):
            taken = min(owed, cells[t, earlier])
            cells[t, earlier] -= taken
            owed -= taken
    for t in range(steps):
        cells[t, steps - t :] = np.nan
    return cells


@st.composite
def some_reports(draw: st.DrawFn) -> list[Row]:
    """Twenty days of three sites, each in on its own day, with corrections up and down, some of them two in one day."""
    rows: list[Row] = []
    for site in range(3):
        for back in range(20):
            value = draw(st.integers(0, 60))
            rows.append((site, back, back, float(value)))
            for ago in sorted(draw(st.lists(st.integers(0, back), max_size=3)), reverse=True):
                rows.append((site, back, ago, float(draw(st.integers(0, 60)))))
    return rows


@settings(max_examples=60, deadline=None)
@given(some_reports())
def test_the_triangle_is_that_of_the_definition(rows: list[Row]) -> None:
    triangle = triangle_of_sites(reports(rows, 3, 20))
    np.testing.assert_array_equal(triangle.counts, slow_triangle(rows, 20, triangle.max_delay))


@pytest.mark.parametrize("seed", range(5))
def test_a_rising_stream_reported_late_shows_no_fall(seed: int) -> None:
    rows, truth = outbreak(seed)
    found = complete_curve(reports(rows, 6, 120))
    last = slice(-7, None)
    assert found.reported[-1] < 0.7 * found.reported[-5], "the raw curve falls; else this proves nothing"
    assert found.method == "hazard" and found.incomplete[-3:].all()
    week, before = found.expected[-7:].sum(), found.expected[-14:-7].sum()
    assert week > 1.2 * before
    np.testing.assert_allclose(found.expected[last], truth[last], rtol=0.25)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(60):
        rows, truth = outbreak(100 + seed, silent_days=3)
        found = complete_curve(reports(rows, 6, 120))
        held += [found.quantiles[-lag, 0] <= truth[-lag] <= found.quantiles[-lag, -1] for lag in (1, 2, 3)]
    assert 0.90 <= np.mean(held) <= 1.0


def test_a_silent_site_is_counted_as_not_yet_reported() -> None:
    rows, truth = outbreak(7, growth=0.0, delays=(1.0,), silent_days=5)
    found = complete_curve(reports(rows, 6, 120))
    assert found.reported[-5:].sum() < 0.9 * truth[-5:].sum() < 1.1 * found.expected[-5:].sum()
    np.testing.assert_allclose(found.missing[-5:], 1 / 6, atol=0.03)
    assert found.incomplete[-5:].all() and not found.incomplete[:-5].any()


def test_a_site_silent_for_long_is_no_longer_waited_for() -> None:
    rows, _ = outbreak(7, growth=0.0, delays=(1.0,), silent_days=60)
    found = complete_curve(reports(rows, 6, 120))
    assert not found.missing.any() and not found.incomplete.any()


def test_a_correction_downwards_lowers_the_day_and_leaves_a_whole_triangle() -> None:
    rows = [(0, back, back, 10.0) for back in range(40)] + [(0, 3, 2, 4.0)]
    found = complete_curve(reports(rows, 1, 40))
    assert found.reported[-4] == 4 and found.expected[-4] >= 4
    assert np.nansum(triangle_of_sites(reports(rows, 1, 40)).counts[-4]) == 4


def test_of_two_reports_on_one_day_the_later_counts() -> None:
    rows = [(0, back, back, 10.0) for back in range(40)]
    first = reports([*rows], 1, 40)
    twice = SiteReports(
        LAST, 1, np.append(first.site, 0), np.append(first.back, 0), np.append(first.ago, 0), np.append(first.value, 12.0), first.due, 40
    )
    assert complete_curve(twice).reported[-1] == 12
    assert np.nansum(triangle_of_sites(twice).counts[-1]) == 12


def test_too_little_history_says_so_and_marks_the_days_that_may_rise() -> None:
    rows, _ = outbreak(3, steps=10)
    found = complete_curve(reports(rows, 6, 10))
    assert (found.method, found.late_share) == ("none", None)
    assert found.incomplete[-found.longest_delay :].all() and found.longest_delay == 3


def test_a_short_history_takes_lawless_and_a_weekly_curve_the_ladder() -> None:
    rows, _ = outbreak(3, steps=25)
    assert complete_curve(reports(rows, 6, 25)).method == "lawless"
    rows, _ = outbreak(3)
    assert complete_curve(reports(rows, 6, 120, step_days=7), weekly_params()).method == "ladder"


def test_reports_that_are_never_late_need_no_correction() -> None:
    rows, _ = outbreak(5, delays=(1.0,))
    found = complete_curve(reports(rows, 6, 120))
    assert found.method == "none" and found.late_share == 0 and not found.incomplete.any()
    np.testing.assert_array_equal(found.expected, found.reported)


def test_only_final_values_tell_nothing_of_lateness() -> None:
    rows, _ = outbreak(5, delays=(1.0,))
    found = complete_curve(reports(rows, 6, 120, recorded_steps=0))
    assert found.late_share is None and not found.incomplete.any()


def test_nobody_in_yet_says_nothing_of_the_day() -> None:
    rows = [(site, back, back, 10.0) for site in range(2) for back in range(1, 40)]
    found = complete_curve(reports(rows, 2, 40))
    assert np.isnan(found.reported[-1]) and np.isnan(found.quantiles[-1]).all() and not found.incomplete[-1]
    drawn = draw_curves(reports(rows, 2, 40), np.random.default_rng(1), draws=5)
    assert drawn is not None and drawn.shape == (5, 39)


def test_draws_keep_to_the_quantiles() -> None:
    rows, _ = outbreak(11)
    known = reports(rows, 6, 120)
    found, drawn = complete_curve(known), draw_curves(known, np.random.default_rng(1), draws=2000)
    assert drawn is not None
    np.testing.assert_allclose(np.median(drawn[:, -3:], axis=0), found.quantiles[-3:, 3], rtol=0.1)


@pytest.mark.parametrize(("value", "site"), [(-1.0, 0), (np.nan, 0), (1.0, 5)])
def test_what_cannot_be_is_refused(value: float, site: int) -> None:
    with pytest.raises(ValueError, match="site reports"):
        reports([(site, 0, 0, value)], 2, 10)


def test_no_reports_at_all() -> None:
    found = complete_curve(reports([], 2, 10))
    assert np.isnan(found.expected).all() and not found.incomplete.any()
    assert draw_curves(reports([], 2, 10), np.random.default_rng(1)) is None
