"""Thresholds in common, intervals in null worlds, and the fused rule as the product itself computes it."""

from datetime import timedelta

import numpy as np
import pytest

from tongchou.science.detection.budget import interval_limits
from tongchou.science.detection.model import DetectionParams, History
from tongchou.science.detection.replaying import replay
from tongchou.science.evaluation.fusion.backgrounds import Watched, estimated_panel, true_panel
from tongchou.science.evaluation.fusion.budgets import (
    Counted,
    Timeline,
    added,
    count_charts,
    count_quiet,
    counted,
    keep_budget,
    offsets_of,
    quiet_place,
    unevenness,
)
from tongchou.science.evaluation.fusion.contenders import CHARTED, CONTENDERS, EITHER, FUSED
from tongchou.science.evaluation.fusion.evidence import shaped_evidence, summed_over_onsets
from tongchou.science.evaluation.fusion.towns import FIRST_DAY, STREAMS, assumed_model

SHORT = Timeline(learning=399, replayed=70, judged=140)
OFFSETS = np.zeros(5)


@pytest.mark.parametrize("world", ["as modelled", "sites change, known"])
def test_the_fused_rule_is_the_products_own_replay(world: str) -> None:
    """Statistic of every morning, of every stream alone, and the days of alarm after restarts."""
    town, seen = quiet_place(3, 0, world, SHORT)
    keep = 12  # villages: enough to compare, and quick
    town = type(town)(town.population[:keep], town.place_km[:keep], town.mixing[:keep, :keep], town.level[:, :keep])
    seen = type(seen)(seen.counts[:, :keep], seen.mean[:, :keep], seen.dispersion, seen.exposure[:, :keep])
    histories = [
        History(
            stream.name, seen.counts[k, v], FIRST_DAY, 1, "count", assumed_model(stream), place=f"v{v}",
            population=float(town.population[v]), offsets=seen.exposure[k, v],
        )
        for k, stream in enumerate(STREAMS)
        for v in range(keep)
    ]  # fmt: skip
    params = DetectionParams(alarms_per_year=365.25 / 10)
    first, last = SHORT.learning + 35, SHORT.days - 1
    quiet = replay(histories, FIRST_DAY + timedelta(days=first), FIRST_DAY + timedelta(days=last), params, restarts=False)
    shaped = shaped_evidence(estimated_panel(seen, town, SHORT.learning), Watched().table())
    fused = summed_over_onsets(shaped.fused)
    np.testing.assert_allclose(fused.reach[35:, -1], quiet.statistic, atol=1e-7)
    np.testing.assert_allclose(np.log(shaped.alone.sum(axis=2))[:, 35:].T, quiet.stream_statistic, atol=1e-7)


def test_the_true_panel_says_what_counts_were_drawn_from() -> None:
    town, seen = quiet_place(4, 0, "as modelled", SHORT)
    panel = true_panel(seen, town, 100)
    there = ~np.isnan(panel.counts[:, :60])
    assert panel.counts.shape == (5, 61, SHORT.days - 100) and panel.weights.sum() == pytest.approx(1)
    np.testing.assert_array_equal(panel.expected[:, :60], seen.mean[:, :, 100:])
    np.testing.assert_allclose(panel.counts[3, 60], np.nansum(panel.counts[3, :60], axis=0))
    np.testing.assert_allclose(panel.expected[3, 60], np.where(there[3], panel.expected[3, :60], 0.0).sum(axis=0))


def test_a_threshold_is_found_where_the_interval_is_as_asked() -> None:
    grid = CONTENDERS[FUSED].grid()
    counts = Counted(100_000, {FUSED: np.round(100_000 / np.exp(grid)).astype(np.int64)})
    for interval in (30.0, 90.0, 365.0):
        assert counts.threshold_for(FUSED, interval) == pytest.approx(np.log(interval), abs=0.01)
    assert counts.alarms_at(FUSED, np.log(90)) == pytest.approx(100_000 / 90, rel=0.1)


def test_counts_of_towns_add_up_and_fewer_ring_at_higher_thresholds() -> None:
    parts = [count_quiet(5, n, "true", OFFSETS, SHORT) for n in (0, 1)]
    whole = added(parts)
    assert whole.days == 2 * SHORT.judged and set(whole.alarms) == set(CONTENDERS)
    for name, counts in whole.alarms.items():
        np.testing.assert_array_equal(counts, parts[0].alarms[name] + parts[1].alarms[name])
        assert counts[0] > 3 * max(1, counts[-1]), name


def test_the_promise_holds_on_the_true_background() -> None:
    """Theory: at log c alarms are at least c days apart on average; here within two standard errors, and both combinations of streams too."""
    whole = added([count_quiet(6, n, "true", OFFSETS, Timeline(7, 7, 364)) for n in range(4)])
    for name in (FUSED, EITHER, "mean of e", "generic product", "monitoring"):
        alarms = whole.alarms_at(name, np.log(20))
        assert alarms - 2 * np.sqrt(alarms) <= whole.days / 20, name


def test_the_pilot_puts_the_streams_on_one_scale() -> None:
    offsets = offsets_of(count_charts(7, 0, "true", Timeline(7, 7, 728)))
    assert offsets.shape == (len(CHARTED),) and (offsets > 0).all()
    town, seen = quiet_place(7, 0, "as modelled", Timeline(7, 7, 728))
    from tongchou.science.evaluation.fusion.contenders import charts_alone

    found = counted(charts_alone(true_panel(seen, town, 14)), 728)
    for name, offset in zip(CHARTED, offsets, strict=True):
        assert found.alarms_at(name, offset) == pytest.approx(728 / 60, abs=6)


def test_a_replayed_threshold_never_rings_more_often_than_theory() -> None:
    kept = keep_budget(8, 0, "as modelled", SHORT, intervals=(5.0, 30.0))
    assert kept.days == SHORT.judged and (kept.margins >= 0).all()
    assert (kept.by_replay <= kept.by_theory).all() and kept.by_theory[0] > kept.by_theory[1]
    again = keep_budget(8, 0, "as modelled", SHORT, intervals=(5.0, 30.0))
    np.testing.assert_array_equal(again.by_replay, kept.by_replay)


def test_limits_are_exact_and_open_where_nothing_fell() -> None:
    assert interval_limits(0, 369.0) == (np.inf, pytest.approx(100.0, rel=0.01), np.inf)  # 3.69 = -log .025
    middle, low, high = interval_limits(50, 5000.0)
    assert middle == 100 and low < 80 < 125 < high


def test_uneven_towns_are_told() -> None:
    assert unevenness([5, 5, 5, 5]) == 0.0
    assert unevenness([0, 10, 0, 10]) > 5
    assert np.isnan(unevenness([0, 0]))
