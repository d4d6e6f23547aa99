"""The drift monitors keep their own promise under the null, and find every kind of failure they are there for."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom, norm

from tongchou.science.detection.counts import sizes_of, upper_mid_p
from tongchou.science.detection.drift import Drift, judge_drift
from tongchou.science.detection.drift_ratios import DriftParams, SeenStream, count_ratios, dispersion_used

LAST, DAYS, PLACES, PARAMS = date(2024, 3, 30), 90, 10, DriftParams()
KINDS = (("spot", 0.05, 1.0), ("clinic", 3.0, 1.8), ("pharmacy", 8.0, 2.5))


def draw(rng: np.random.Generator, mean: np.ndarray, dispersion: float) -> np.ndarray:
    return (rng.poisson(mean) if dispersion == 1 else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)).astype(float)


def seen(kind: str, y: np.ndarray, expected: np.ndarray, dispersion: float) -> SeenStream:
    places = tuple(f"v{i}" for i in range(len(y)))
    return SeenStream(kind, places, LAST, y, expected, upper_mid_p(y, expected, sizes_of(expected, dispersion)))


def stream(seed: int, kind: int = 1, factor: np.ndarray | float = 1.0, more_spread: float = 1.0, missing: float = 0.03) -> SeenStream:
    """One kind of stream, expected exactly, multiplied by `factor` and scattered more than expected."""
    name, mean, dispersion = KINDS[kind]
    rng = np.random.default_rng([seed, kind])
    expected = np.full((PLACES, DAYS), mean) * rng.gamma(10, 0.1, (PLACES, 1))
    y = draw(rng, expected * factor, dispersion * more_spread)
    y[rng.random(y.shape) < missing] = np.nan
    return seen(name, y, expected, dispersion)


def found(drift: Drift) -> dict[str, object]:
    return {f.monitor: f for f in drift.findings}


@pytest.mark.parametrize("world", ["as modelled", "estimated background", "day shocks", "weekday drift"])
def test_a_sound_town_is_doubted_no_more_often_than_promised(world: str) -> None:
    towns, doubted = 25, 0
    for k in range(towns):
        rng, streams = np.random.default_rng([7, k]), []
        shock = np.exp(rng.normal(0, 0.14, DAYS)) if world == "day shocks" else 1.0
        weekday = np.array([1.15, 1, 1, 1, 1, 1, 0.85])[np.arange(DAYS) % 7] if world == "weekday drift" else 1.0
        for name, mean, dispersion in KINDS:
            truth = np.full((PLACES, DAYS), mean) * rng.gamma(10, 0.1, (PLACES, 1))
            y = draw(rng, truth * shock * weekday, dispersion)
            expected = truth
            if world == "estimated background":
                past = draw(rng, np.broadcast_to(truth[:, :1], (PLACES, 364)), dispersion)
                level = (past.sum(axis=1, keepdims=True) + 4) / (364 + 4 / past.mean())
                every = np.concatenate([past, y], axis=1).sum(axis=0)
                drift = [(every[t - 42 : t - 7].sum() + 10) / (35 * level.sum() + 10) for t in range(364, 364 + DAYS)]
                expected = level * np.array(drift)
            y[rng.random(y.shape) < 0.04] = np.nan
            streams.append(seen(name, y, expected, dispersion))
        doubted += judge_drift(streams).is_in_doubt
    # One false doubt in 730 days: a window of 90 days has at most 90/730.
    assert doubted <= binom.ppf(0.99, towns, DAYS / PARAMS.days_between_false_doubts)


@pytest.mark.parametrize("ratio", [1.8, 0.5])
def test_a_new_level_is_found_with_its_day_and_its_size(ratio: float) -> None:
    factor = np.where(np.arange(DAYS) < 50, 1.0, ratio)
    finding = found(judge_drift([stream(1), stream(1, 2, factor), stream(1, 0)]))["level"]
    assert finding.kind == "pharmacy"
    assert abs((finding.since - (LAST - timedelta(days=DAYS - 51))).days) <= 4
    assert finding.size == pytest.approx(ratio, rel=0.1)


def test_more_scatter_is_found_and_not_taken_for_a_new_level() -> None:
    assert {f.monitor for f in judge_drift([stream(2, more_spread=2.5)]).findings} >= {"spread"}
    assert "level" not in found(judge_drift([stream(2, more_spread=2.5)]))


def test_days_that_move_all_places_together_are_found() -> None:
    shock = np.exp(np.random.default_rng(5).normal(-0.18, 0.6, DAYS))
    finding = found(judge_drift([stream(3, 2, shock)]))["shared"]
    assert 0.35 < finding.size < 0.9


def test_too_many_surprising_days_are_found() -> None:
    jumps = np.where(np.random.default_rng(6).random((PLACES, DAYS)) < 0.08, 4.0, 0.8)
    finding = {r.monitor: r for r in judge_drift([stream(4, 2, jumps)]).readings}["tails"]
    assert finding.since is not None and finding.size > 3


def test_a_changed_method_in_one_place_is_found_there() -> None:
    factor = np.ones((PLACES, DAYS))
    factor[4, 45:] = 3.0
    finding = found(judge_drift([stream(5, 1, factor)]))["step"]
    assert finding.places == ("v4",)
    assert abs((finding.since - (LAST - timedelta(days=DAYS - 46))).days) <= 4


def test_reports_that_stop_coming_are_found() -> None:
    one = stream(6)
    y = one.observed.copy()
    y[:, 68:][np.random.default_rng(1).random((PLACES, DAYS - 68)) < 0.6] = np.nan
    finding = found(judge_drift([replace(one, observed=y)]))["missing"]
    assert abs((finding.since - (LAST - timedelta(days=DAYS - 69))).days) <= 3
    assert 0.5 < finding.size < 0.75


def test_places_that_leave_or_join_are_named() -> None:
    one = stream(7)
    y = one.observed.copy()
    y[2, 66:], y[8, :70] = np.nan, np.nan
    sites = {f.places[0]: f for f in judge_drift([replace(one, observed=y)]).findings if f.monitor == "sites"}
    assert {name: f.size for name, f in sites.items()} == {"v2": -1.0, "v8": 1.0}
    assert sites["v2"].since == LAST - timedelta(days=DAYS - 67)


def test_an_outbreak_that_was_confirmed_is_no_drift() -> None:
    factor = np.ones((PLACES, DAYS))
    factor[4, 45:] = 4.0
    one, explained = stream(8, 1, factor), np.zeros((PLACES, DAYS), dtype=bool)
    explained[4, 40:] = True
    assert judge_drift([one]).is_in_doubt
    assert not judge_drift([replace(one, explained=explained)]).is_in_doubt


def test_the_day_effect_does_not_hide_a_town_wide_change() -> None:
    rng, pool = np.random.default_rng(9), 1 / 0.02
    truth = np.full((PLACES, DAYS), 8.0)
    y = draw(rng, truth * np.where(np.arange(DAYS) < 50, 1, 1.7), 2.5)
    effect = (pool + (y.sum(axis=0) - y) / 2.5) / (pool + (truth.sum(axis=0) - truth) / 2.5)
    hidden = seen("pharmacy", y, truth * effect, 2.5)
    assert found(judge_drift([replace(hidden, day_effect_variance=0.02)]))["level"].size == pytest.approx(1.7, rel=0.1)


def test_rates_are_judged_by_their_scores() -> None:
    rng, calm = np.random.default_rng(10), []
    for shift in (0.0, 1.5):
        z = rng.normal(np.where(np.arange(12) < 6, 0.0, shift), 1.0, (8, 12))
        y = 400 * np.exp(0.2 * z)
        calm.append(SeenStream("doctors", tuple("abcdefgh"), LAST, y, np.full(y.shape, 400.0), norm.sf(z), step_days=7, is_count=False))
    assert not judge_drift(calm[:1]).is_in_doubt
    assert found(judge_drift(calm[1:]))["level"].size > 1.2


@given(st.floats(0.05, 60), st.floats(1.0, 3.0), st.floats(1 / 1.1, 1.1), st.floats(1.0, 1.25))
def test_a_level_within_what_is_borne_gives_an_e_value(mean: float, used: float, level: float, wider: float) -> None:
    """Mean of the likelihood ratio, summed exactly, although level and spread are not those it is written for."""
    y = np.arange(3000.0)
    phi, m, spread = np.full(y.shape, used * PARAMS.borne_spread), np.full(y.shape, mean), max(1.001, used * wider)
    chance = nbinom.pmf(y, mean * level / (spread - 1), 1 / spread)
    for borne in (PARAMS.borne_level, 1 / PARAMS.borne_level):
        for other in PARAMS.levels:
            log_e = count_ratios(y, (m * borne, phi), (m * (other if borne > 1 else 1 / other), phi), y >= 0)
            assert (chance * np.exp(np.minimum(log_e, 300))).sum() <= 1.005


@given(st.integers(0, 99), st.sampled_from([0, 1, 2]))
@settings(max_examples=15, deadline=None)
def test_the_spread_that_was_used_is_read_back(seed: int, kind: int) -> None:
    assert dispersion_used(stream(seed, kind)) == pytest.approx(KINDS[kind][2], abs=0.1 if kind else 0.4)


@given(st.integers(0, 30), st.permutations(range(PLACES)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_places_and_older_days_change_nothing(seed: int, order: list[int]) -> None:
    one = stream(seed)
    turned = replace(
        one, places=tuple(one.places[i] for i in order), **{n: getattr(one, n)[order] for n in ("observed", "expected", "mid_p")}
    )
    longer = replace(
        one, **{n: np.concatenate([np.ones((PLACES, 40)), getattr(one, n)], axis=1) for n in ("observed", "expected", "mid_p")}
    )
    base = judge_drift([one]).readings
    for other in (judge_drift([turned]).readings, judge_drift([longer]).readings):
        assert [r.monitor for r in other] == [r.monitor for r in base]
        assert [r.log_evidence for r in other] == pytest.approx([r.log_evidence for r in base], abs=0.05)


@pytest.mark.parametrize("values", [np.zeros((3, 90)), np.full((3, 90), np.nan), np.full((3, 90), 1e6), np.ones((1, 1))])
def test_odd_streams_give_numbers_and_no_error(values: np.ndarray) -> None:
    expected = np.full(values.shape, 2.0)
    drift = judge_drift([seen("odd", values, expected, 1.5)])
    assert all(not np.isnan(r.log_evidence) for r in drift.readings)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="stream 'x'"):
        SeenStream("x", ("a",), LAST, np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)))
