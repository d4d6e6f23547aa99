"""Every rule equals its plain oracle, looks at no later day, and leaves missing cells out."""

import numpy as np
import pytest

from tests.science.evaluation.fusion import oracles
from tongchou.science.evaluation.fusion.charts import ChartParams, combined_z, mid_p_values, shift_ratios
from tongchou.science.evaluation.fusion.contenders import BONFERRONI, CHARTED, CONTENDERS, EITHER, FUSED, rules_of
from tongchou.science.evaluation.fusion.evidence import Panel, shaped_evidence, summed_over_onsets
from tongchou.science.evaluation.fusion.scanning import ScanRuleParams, scan_rule
from tongchou.science.evaluation.fusion.towns import STREAMS, TownParams, town_of
from tongchou.science.evaluation.fusion.vectorised import exponentials, logs

DAYS, VILLAGES = 16, 4
TOWN = town_of(np.random.default_rng(1), TownParams(villages=VILLAGES, residents=8000))
OFFSETS = np.array([0.5, 1.0, 0.3, 1.2, 0.2])


def panel_of(seed: int) -> Panel:
    """Five small streams with an outbreak in village 1 from day 6, some cells missing; the last place is the whole town."""
    rng = np.random.default_rng(seed)
    mean = np.array([0.1, 2.0, 0.05, 4.0, 0.2])[:, None, None] * rng.uniform(0.6, 1.5, (5, VILLAGES, DAYS))
    phi = np.array([1.0, 1.8, 1.0, 2.5, 1.2])
    counts = np.array([rng.poisson(m) if f == 1 else rng.negative_binomial(m / (f - 1), 1 / f) for m, f in zip(mean, phi, strict=True)])
    counts = counts.astype(float)
    counts[:, 1, 6:] += rng.poisson(0.4 * np.arange(DAYS - 6) ** 0.5, (5, DAYS - 6))
    missing = rng.random(counts.shape) < 0.15
    counts[missing] = np.nan
    total, total_mean = (np.where(missing, 0.0, part).sum(axis=1, keepdims=True) for part in (counts, mean))
    dispersion = np.broadcast_to(phi[:, None, None], (5, VILLAGES + 1, DAYS))
    weights = np.append(0.8 * TOWN.weights, 0.2)
    return Panel(np.concatenate([counts, total], axis=1), np.concatenate([mean, total_mean], axis=1), dispersion, weights, VILLAGES)


def table_of(ages: int = 7) -> np.ndarray:
    age = np.arange(ages)
    return np.array([k * np.stack([0.1 * age, 0.3 * np.exp(0.25 * age) - 0.3], axis=1) for k in (0.3, 1.0, 0.2, 1.5, 0.4)])


def rules(panel: Panel, with_places: bool = False):
    return rules_of(panel, TOWN, table_of(), OFFSETS, with_places=with_places)


@pytest.mark.parametrize("threshold", [0.5, 1.5])
def test_shaped_rules_ring_on_the_days_of_the_plain_sum(threshold: float) -> None:
    panel, table = panel_of(2), table_of()
    found, every = rules(panel), range(5)
    for name, streams, join in (
        (FUSED, every, np.sum),
        ("largest ratio", every, np.max),
        *((s.name, [k], np.sum) for k, s in enumerate(STREAMS)),
    ):
        statistic = lambda day, restarted, s=streams, j=join: oracles.shaped_statistic(panel, table, s, day, restarted, j)  # noqa: E731
        expected = oracles.restarted_alarms(statistic, DAYS, threshold)
        assert found[name].alarms(threshold).tolist() == expected, name
    assert len(found[FUSED].alarms(0.5)) > 0


def test_combinations_of_shaped_sums_are_what_they_say() -> None:
    panel, table = panel_of(3), table_of()
    found = rules(panel)
    for day in (5, 12):
        alone = [oracles.shaped_statistic(panel, table, [k], day, -1) for k in range(5)]
        fused = oracles.shaped_statistic(panel, table, range(5), day, -1)
        assert found["mean of e"].reach[day, -1] == pytest.approx(np.log(np.exp(alone).mean()), abs=1e-8)
        assert found[EITHER].reach[day, -1] == pytest.approx(max(fused + np.log(0.5), max(alone) + np.log(0.1)), abs=1e-8)


@pytest.mark.parametrize("threshold", [1.0, 2.5])
def test_charts_ring_on_the_days_of_the_best_sum(threshold: float) -> None:
    panel = panel_of(4).of_villages
    found, params = rules(panel_of(4)), ChartParams()
    increments = [
        np.array([[oracles.log_ratio(panel, s, v, t, np.sqrt(panel.dispersion[s, v, t] * panel.expected[s, v, t])) for t in range(DAYS)] for v in range(VILLAGES)])
        for s in range(5)
    ]  # fmt: skip
    np.testing.assert_allclose(shift_ratios(panel, params.shift_sd), increments, atol=1e-10)
    for s, name in enumerate(CHARTED):
        statistic = lambda day, restarted, x=increments[s]: oracles.cusum_statistic(x, day, restarted)  # noqa: E731
        assert found[name].alarms(threshold).tolist() == oracles.restarted_alarms(statistic, DAYS, threshold), name
    of_all = lambda day, restarted: max(oracles.cusum_statistic(x, day, restarted) - o for x, o in zip(increments, OFFSETS, strict=True))  # noqa: E731
    assert found[BONFERRONI].alarms(threshold).tolist() == oracles.restarted_alarms(of_all, DAYS, threshold)
    for name, how in (("Fisher", "fisher"), ("Stouffer", "stouffer")):
        z = np.array([[oracles.combined(panel, v, t, how) - params.reference for t in range(DAYS)] for v in range(VILLAGES)])
        z[np.isnan(panel.counts).all(axis=0)] = 0.0
        statistic = lambda day, restarted, x=z: oracles.cusum_statistic(x, day, restarted)  # noqa: E731
        assert found[name].alarms(threshold).tolist() == oracles.restarted_alarms(statistic, DAYS, threshold), name


def test_the_generic_sum_is_the_sum_over_all_onsets_of_the_product() -> None:
    panel, params = panel_of(5).of_villages, ChartParams()
    e = np.ones((VILLAGES, DAYS))
    for s, v, t in np.ndindex(5, VILLAGES, DAYS):
        sd = np.sqrt(panel.dispersion[s, v, t] * panel.expected[s, v, t])
        e[v, t] *= np.mean([np.exp(oracles.log_ratio(panel, s, v, t, shift * sd)) for shift in params.generic_sd])

    def statistic(day: int, restarted: int) -> float:
        return float(np.log(sum(panel.weights @ e[:, start : day + 1].prod(axis=1) for start in range(restarted + 1, day + 1))))

    for threshold in (0.5, 1.2):
        expected = oracles.restarted_alarms(statistic, DAYS, threshold)
        assert rules(panel_of(5))["generic product"].alarms(threshold).tolist() == expected


def test_the_scan_tries_every_circle_and_duration() -> None:
    panel = panel_of(6).of_villages
    params = ScanRuleParams(nearest=3, longest_days=5)
    found = scan_rule(panel, TOWN.place_km, params)
    statistic = lambda day, restarted: oracles.scan_statistic(panel, TOWN.place_km, 3, 5, day, restarted)  # noqa: E731
    assert found.reach[12, -1] == pytest.approx(statistic(12, -1), abs=1e-9)
    assert found.alarms(3.0).tolist() == oracles.restarted_alarms(statistic, DAYS, 3.0) != []
    scores = found.place_scores(12, 9)
    assert scores.max() == pytest.approx(statistic(12, 9), rel=1e-6)


def test_combined_p_values_equal_the_plain_ones() -> None:
    panel = panel_of(7).of_villages
    p = mid_p_values(panel.counts, panel.expected, panel.dispersion)
    for s, v, t in np.ndindex(5, VILLAGES, DAYS):
        if not np.isnan(panel.counts[s, v, t]):
            cell = (panel.counts[s, v, t], panel.expected[s, v, t], panel.dispersion[s, v, t])
            assert p[s, v, t] == pytest.approx(oracles.mid_p(*cell), rel=1e-9)
    z = combined_z(panel, "fisher")
    assert z[1, 9] == pytest.approx(oracles.combined(panel, 1, 9, "fisher"), abs=1e-8)


def test_every_contender_is_causal_and_leaves_missing_cells_out() -> None:
    panel = panel_of(8)
    later = panel.counts.copy()
    later[:, :, 10:] += 7
    changed = Panel(later, panel.expected, panel.dispersion, panel.weights, panel.villages)
    hidden = np.where(np.isnan(panel.counts), np.nan, panel.expected)  # what is expected where nothing was reported is nobody's business
    without = Panel(panel.counts, hidden, panel.dispersion, panel.weights, panel.villages)
    first, second, third = rules(panel), rules(changed), rules(without)
    assert set(first) == set(CONTENDERS)
    for name, contender in CONTENDERS.items():
        for threshold in contender.grid(12)[:8]:
            alarms = first[name].alarms(threshold)
            assert alarms[alarms < 10].tolist() == [t for t in second[name].alarms(threshold) if t < 10], name
            assert alarms.tolist() == third[name].alarms(threshold).tolist(), name


def test_the_village_with_the_outbreak_scores_highest_and_a_restart_forgets() -> None:
    panel = panel_of(9)
    for name, rule in rules(panel, with_places=True).items():
        if name in (FUSED, EITHER, "largest ratio", "mean of e", "generic product", "scan", "monitoring"):
            assert rule.place_scores(DAYS - 1, -1).argmax() == 1, name
        scores = rule.place_scores(DAYS - 1, DAYS - 2)
        assert scores.shape == (VILLAGES,), name
    table = table_of()
    fused = summed_over_onsets(*(lambda s: (s.fused, s.fused_places))(shaped_evidence(panel, table, with_places=True)))
    whole = sum(fused.place_scores(12, 5)) < np.exp(fused.reach[12, 12 - 5 - 1])
    assert whole  # the rest is the town's


def test_relabelled_villages_give_the_same_alarms() -> None:
    panel = panel_of(10)
    order = np.array([2, 0, 3, 1, 4])
    moved = Panel(panel.counts[:, order], panel.expected[:, order], panel.dispersion[:, order], panel.weights[order], VILLAGES)
    one, other = (shaped_evidence(p, table_of(), with_places=True) for p in (panel, moved))
    np.testing.assert_allclose(one.fused, other.fused, rtol=1e-12)
    np.testing.assert_allclose(one.fused_places[:, order[:VILLAGES]], other.fused_places, rtol=1e-12)


def test_huge_counts_stay_finite() -> None:
    panel = panel_of(11)
    counts = panel.counts.copy()
    counts[:, 0, 5:] = 50_000
    huge = Panel(counts, panel.expected, panel.dispersion, panel.weights, VILLAGES)
    for name, rule in rules(huge).items():
        assert 5 in rule.alarms(2.0), name
    assert np.isfinite(shaped_evidence(huge, table_of()).fused).all()


def test_logarithms_and_exponentials_of_arrays() -> None:
    rng = np.random.default_rng(12)
    x, room, out = np.exp(rng.uniform(-30, 60, 5000)), np.empty(5000, np.int64), np.empty(5000)
    logs(x, room, out)
    np.testing.assert_allclose(out, np.log(x), atol=1e-12)
    x = rng.uniform(-699, 699, 5000)
    exponentials(x, room, out)
    np.testing.assert_allclose(out, np.exp(x), rtol=1e-11)
