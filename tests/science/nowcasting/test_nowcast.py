"""The nowcast: equal to a plain version, causal, never below the reports, and sane on whatever a town sends."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tests.science.nowcasting import oracle
from tests.science.nowcasting.cases import GERMAN_HOLIDAYS, german, german_cells, simulated
from tongchou.science.nowcasting.delay_hazard import draw_counts, nowcast, nowcasts_of_mornings, one_by_one, report_kinds
from tongchou.science.nowcasting.model import HazardParams, LadderParams, SpreadParams
from tongchou.science.nowcasting.spread import weights_by_past
from tongchou.science.nowcasting.triangle import ReportingTriangle

FIRST = date(2022, 1, 1)
DELAYS = np.array([0.3, 0.3, 0.2, 0.1, 0.06, 0.04])
METHODS = [HazardParams(), LadderParams()]


def both(triangle: ReportingTriangle) -> list[np.ndarray]:
    return [nowcast(triangle, params).quantiles for params in METHODS]


@pytest.mark.parametrize("group", ["00+", "05-14"])
@pytest.mark.parametrize("back", [0, 1, 13, 48])
def test_every_morning_equals_the_plain_version(group: str, back: int) -> None:
    triangle = german(date(2021, 10, 4), group)
    each = one_by_one(triangle, HazardParams(), GERMAN_HOLIDAYS, 7)
    seen = triangle.seen_on(triangle.as_of - timedelta(back)).counts
    kinds = report_kinds(triangle.first_day, len(seen) + 40, GERMAN_HOLIDAYS)
    for mornings, open_sd in zip(each, HazardParams().open_share_sds, strict=True):
        plain = oracle.levels(seen, kinds, HazardParams(), mornings.shape[1], open_sd)
        np.testing.assert_allclose(mornings[back], plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("as_of", [date(2021, 5, 20), date(2021, 10, 4)])
def test_the_two_trusts_weigh_by_their_past_errors(as_of: date) -> None:
    triangle = german(as_of, "35-59")
    each = one_by_one(triangle, HazardParams(), (), 7)
    kept = min(42, len(triangle.counts) - 14 - 7)
    plain = oracle.weights(list(each), kept, 21, 6)
    found = weights_by_past(each, SpreadParams(), len(triangle.counts) - 14, 6)
    np.testing.assert_allclose(found, plain, rtol=1e-9)
    assert 0.01 < found[0] < 0.99
    mixed = nowcasts_of_mornings(triangle, HazardParams(), (), 7)
    np.testing.assert_allclose(mixed[0], plain[0] * each[0, 0] + plain[1] * each[1, 0], rtol=1e-9)


def test_without_a_past_the_trusts_weigh_alike() -> None:
    each = np.ones((2, 49, 90))
    for usable in (0, 7, 60):
        np.testing.assert_array_equal(weights_by_past(each, SpreadParams(), usable, 6), [0.5, 0.5])


@pytest.mark.parametrize(
    "params", [HazardParams(profile_weeks=0), HazardParams(use_level=False, credibility_events=0, window_days=30), HazardParams(rounds=1)]
)
def test_the_simpler_forms_equal_the_plain_version(params: HazardParams) -> None:
    triangle = german(date(2021, 9, 15), "35-59")
    kinds = report_kinds(triangle.first_day, len(triangle.counts) + 40, GERMAN_HOLIDAYS)
    mornings = one_by_one(triangle, params, GERMAN_HOLIDAYS, 1)[-1]
    plain = oracle.levels(triangle.counts, kinds, params, mornings.shape[1], params.open_share_sds[-1])
    np.testing.assert_allclose(mornings[0], plain, rtol=1e-9, atol=1e-9)


def test_missing_reports_equal_the_plain_version() -> None:
    cells = simulated(3, 140, 30, DELAYS)
    cells[np.random.default_rng(4).random(cells.shape) < 0.05] = np.nan
    triangle = ReportingTriangle(FIRST, cells)
    mornings = one_by_one(triangle, HazardParams(), (), 1)[1]
    plain = oracle.levels(triangle.counts, report_kinds(FIRST, 150, ()), HazardParams(), mornings.shape[1], 1.0)
    np.testing.assert_allclose(mornings[0], plain, rtol=1e-9, atol=1e-9)


def test_the_chain_ladder_is_the_product_of_its_factors() -> None:
    triangle = german(date(2021, 9, 15))
    cells = triangle.counts
    known, last = np.cumsum(np.nan_to_num(cells), axis=1), len(cells) - 1
    factor = np.ones(41)
    for d in range(1, 41):
        rows = range(last - d - 41, last - d + 1)
        factor[d] = 1 + sum(cells[t, d] for t in rows) / sum(known[t, d - 1] for t in rows)
    expected = [known[last - lag, lag] * factor[lag + 1 :].prod() for lag in range(41)][::-1]
    np.testing.assert_allclose(nowcast(triangle, LadderParams()).expected, expected, rtol=1e-10)


@pytest.mark.parametrize("group", ["00+", "35-59", "60-79"])
@pytest.mark.parametrize("as_of", [date(2021, 8, 5), date(2021, 9, 12), date(2021, 10, 3), date(2021, 10, 19)])
def test_scrambling_all_future_cells_changes_nothing(group: str, as_of: date) -> None:
    cells = german_cells(group)[: (as_of - date(2021, 4, 6)).days + 1].copy()
    day, delay = np.indices(cells.shape)
    future = day + delay >= len(cells)
    scrambled = cells.copy()
    scrambled[future] = np.random.default_rng(1).integers(0, 5000, future.sum())
    a, b = (ReportingTriangle(date(2021, 4, 6), c) for c in (cells, scrambled))
    for params in METHODS:
        np.testing.assert_array_equal(nowcast(a, params, GERMAN_HOLIDAYS, 7).quantiles, nowcast(b, params, GERMAN_HOLIDAYS, 7).quantiles)
    drawn = [draw_counts(x, np.random.default_rng(2), HazardParams(), GERMAN_HOLIDAYS, 50).counts for x in (a, b)]
    np.testing.assert_array_equal(*drawn)


def test_a_stream_of_zeros_stays_at_zero() -> None:
    for params in METHODS:
        found = nowcast(ReportingTriangle(FIRST, np.zeros((120, 6))), params)
        assert not found.quantiles.any() and not found.expected.any()


def test_a_stream_that_starts_today_is_shown_with_a_spread_that_is_assumed() -> None:
    cells = np.array([[3.0, 0, 0, 0]])
    found = nowcast(ReportingTriangle(FIRST, cells))
    assert not found.is_spread_known
    assert found.days == (FIRST,)
    assert found.quantiles[0, 0] == 3 < found.quantiles[0, -1]


def test_the_spread_is_known_once_there_are_past_errors() -> None:
    cells = simulated(1, 60, 20, DELAYS)
    known = [nowcast(ReportingTriangle(FIRST, cells[:n])).is_spread_known for n in (10, 34, 35, 60)]
    assert known == [False, False, True, True]


def test_a_gap_of_a_fortnight_without_reports_leaves_the_rest_usable() -> None:
    cells = simulated(5, 150, 40, DELAYS)
    day, delay = np.indices(cells.shape)
    closed = (day + delay >= 100) & (day + delay < 114)
    cells[closed] = np.nan
    found = nowcast(ReportingTriangle(FIRST, cells))
    whole = nowcast(ReportingTriangle(FIRST, simulated(5, 150, 40, DELAYS)))
    np.testing.assert_allclose(found.expected, whole.expected, rtol=0.25)


def test_a_holiday_to_come_changes_what_is_expected_of_the_open_days() -> None:
    rng = np.random.default_rng(1)
    cells = np.zeros((124, 6))
    kinds = report_kinds(FIRST, 130, ())
    for t in range(124):
        rest = 100
        for d in range(6):
            told = rng.binomial(rest, 1.0 if d == 5 else 0.05 if kinds[t + d] == 6 else 0.5)
            cells[t, d], rest = told, rest - told
    triangle = ReportingTriangle(FIRST, cells)
    tomorrow = triangle.as_of + timedelta(1)
    assert tomorrow.weekday() not in (6, 0)
    plain, closed = nowcast(triangle), nowcast(triangle, holidays=[tomorrow])
    assert closed.expected[-1] < plain.expected[-1]
    ladder = LadderParams()
    assert nowcast(triangle, ladder, [tomorrow]).expected[-1] == nowcast(triangle, ladder).expected[-1]


def test_a_holiday_is_a_sunday_and_its_morrow_a_monday() -> None:
    kinds = report_kinds(date(2022, 6, 1), 10, [date(2022, 6, 3), date(2022, 6, 4), date(2021, 1, 1), date(2022, 6, 10)])
    assert kinds.tolist() == [2, 3, 6, 6, 6, 0, 1, 2, 3, 6]


def test_a_delay_that_never_changes_is_found_exactly() -> None:
    triangle = ReportingTriangle(FIRST, np.tile(5000 * DELAYS, (120, 1)))
    found = nowcast(triangle, LadderParams())
    np.testing.assert_allclose(found.expected, 5000, rtol=1e-9)
    np.testing.assert_allclose(found.quantiles, 5000)


@pytest.mark.parametrize("mean", [0.5, 3.0, 100.0])
def test_the_interval_covers_on_simulated_streams(mean: float) -> None:
    """Counts of whole events: coverage is at least nominal, and few truths lie above."""
    inside = above = total = 0
    for seed in range(12):
        cells = simulated(seed, 160, mean, DELAYS)
        final = cells.sum(axis=1)
        for today in range(100, 150, 5):
            found = nowcast(ReportingTriangle(FIRST, cells[: today + 1]))
            truth, low, high = final[today - 2 : today + 1], found.quantiles[-3:, 0], found.quantiles[-3:, -1]
            inside += int(((truth >= low) & (truth <= high)).sum())
            above += int((truth > high).sum())
            total += 3
    assert inside / total > 0.92
    assert above / total < 0.06


def test_sums_over_seven_days_are_sums_of_the_daily_nowcast() -> None:
    triangle = german(date(2021, 9, 15))
    daily, weekly = nowcast(triangle), nowcast(triangle, sum_days=7)
    assert weekly.expected[-1] == pytest.approx(daily.expected[-7:].sum())
    assert weekly.reported[-1] == daily.reported[-7:].sum()


def test_the_same_seed_draws_the_same_counts() -> None:
    triangle = german(date(2021, 9, 15))
    a, b, c = (draw_counts(triangle, np.random.default_rng(seed), draws=30).counts for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.any(a != c)
    np.testing.assert_array_equal(a[:, :-41], np.broadcast_to(triangle.reported[:-41], a[:, :-41].shape))


@pytest.mark.parametrize(
    "make",
    [
        lambda: HazardParams(window_days=0),
        lambda: HazardParams(class_starts=(2, 2, 9)),
        lambda: HazardParams(growth_damping=1.5),
        lambda: HazardParams(open_share_sds=()),
        lambda: LadderParams(window_days=0),
        lambda: SpreadParams(df=0),
    ],
)
def test_parameters_out_of_range_are_refused(make) -> None:
    with pytest.raises(ValueError, match="Params"):
        make()


def test_a_result_cannot_be_changed() -> None:
    found = nowcast(german(date(2021, 9, 15)))
    with pytest.raises(ValueError, match="read-only"):
        found.quantiles[0, 0] = 1
    with pytest.raises(AttributeError):
        found.sum_days = 2  # type: ignore[misc]
