"""The scan: against a plain oracle, invariants, its own chance of a false alarm, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tests.science.localisation import scan_oracle
from tongchou.science.localisation.scan import MODELS, ScanParams, space_time_scan
from tongchou.science.localisation.zones import Zones, circular_zones, plane_distances

GRID = np.array([[x, y] for x in range(3) for y in range(3)], dtype=float)  # many equal distances


def town(seed: int, places: int = 9, days: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Zones]:
    """Points, people, counts with gaps, expectation, zones."""
    rng = np.random.default_rng(seed)
    points = GRID if seed % 2 else rng.uniform(0, 5, (places, 2))
    people = rng.integers(50, 200, places).astype(float)
    expected = rng.uniform(0.2, 3.0, (places, days))
    counts = rng.poisson(expected * rng.choice([1.0, 3.0], (places, 1))).astype(float)
    counts[rng.random((places, days)) < 0.1] = np.nan
    return points, people, counts, expected, circular_zones(plane_distances(points), people)


def spread_of(model: str) -> float:
    return 1.7 if model == "negative_binomial" else 1.0


@pytest.mark.parametrize("model", MODELS)
@given(seed=st.integers(0, 9999))
@settings(max_examples=25, deadline=None)
def test_scores_equal_the_plain_oracle(model, seed: int) -> None:
    points, people, counts, expected, zones = town(seed)
    phi = spread_of(model)
    found = space_time_scan(counts, expected, zones, ScanParams(model, longest_days=4, replicates=0, clusters=9), seed=1, dispersion=phi)
    all_zones = scan_oracle.zones(plane_distances(points), people, 0.5)
    oracle = scan_oracle.scores(model, all_zones, 4, counts, expected, phi)
    assert found.clusters[0].score == pytest.approx(max(oracle.values()), rel=1e-9)
    for cluster in found.clusters:
        assert cluster.score == pytest.approx(oracle[frozenset(cluster.places), cluster.days], rel=1e-9, abs=1e-12)
    best_with = [max(s for (zone, _), s in oracle.items() if place in zone) for place in range(9)]
    np.testing.assert_allclose(found.place_scores, best_with, rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 9999), share=st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=30, deadline=None)
def test_zones_are_all_the_circles_and_nothing_else(seed: int, share: float) -> None:
    points, people, *_ = town(seed)
    zones = circular_zones(plane_distances(points), people, largest_share=share)
    found = {frozenset(zones.members(i, k + 1)) for i, k in np.argwhere(zones.ends)}
    assert found == scan_oracle.zones(plane_distances(points), people, share)


@pytest.mark.parametrize("model", MODELS)
@given(seed=st.integers(0, 9999))
@settings(max_examples=20, deadline=None)
def test_renaming_the_places_renames_the_answer(model, seed: int) -> None:
    points, people, counts, expected, zones = town(seed)
    order = np.random.default_rng(seed + 1).permutation(9)
    params, phi = ScanParams(model, replicates=0), spread_of(model)
    first = space_time_scan(counts, expected, zones, params, seed=1, dispersion=phi)
    renamed = circular_zones(plane_distances(points[order]), people[order])
    second = space_time_scan(counts[order], expected[order], renamed, params, seed=1, dispersion=phi)
    np.testing.assert_allclose(second.place_scores, first.place_scores[order], rtol=1e-9, atol=1e-12)
    assert second.clusters[0].score == pytest.approx(first.clusters[0].score)


@pytest.mark.parametrize("model", MODELS)
@given(seed=st.integers(0, 9999), more=st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_more_cases_in_a_zone_never_lower_its_score(model, seed: int, more: int) -> None:
    _, _, counts, expected, zones = town(seed)
    params, phi = ScanParams(model, replicates=0), spread_of(model)
    before = space_time_scan(counts, expected, zones, params, seed=1, dispersion=phi).clusters[0]
    place = before.places[-1]
    day = counts.shape[1] - 1 - int(np.flatnonzero(~np.isnan(counts[place, ::-1]))[0])
    if day >= counts.shape[1] - before.days:
        counts[place, day] += more
    after = space_time_scan(counts, expected, zones, params, seed=1, dispersion=phi)
    assert after.place_scores[place] >= before.score - 1e-9


@pytest.mark.parametrize("model", MODELS)
@given(seed=st.integers(0, 9999))
@settings(max_examples=20, deadline=None)
def test_a_missing_cell_is_the_same_as_no_people_there(model, seed: int) -> None:
    _, _, counts, expected, zones = town(seed)
    params, phi = ScanParams(model, replicates=19), spread_of(model)
    gone = np.where(np.isnan(counts), 0.0, expected)
    first = space_time_scan(counts, expected, zones, params, seed=5, dispersion=phi)
    second = space_time_scan(np.nan_to_num(counts), gone, zones, params, seed=5, dispersion=phi)
    assert first.clusters == second.clusters
    np.testing.assert_array_equal(first.null_scores, second.null_scores)


@pytest.mark.parametrize("model", MODELS)
def test_chance_alone_is_flagged_no_oftener_than_the_p_value_says(model) -> None:
    """P(p <= a) <= a: 600 quiet towns, each with 39 replicates; the count stays below the 99.99 % quantile of its binomial."""
    rng, phi, towns = np.random.default_rng(11), spread_of(model), 600
    expected = rng.uniform(0.3, 2.0, (9, 5))
    zones = circular_zones(plane_distances(GRID), np.ones(9))
    p_values = []
    for k in range(towns):
        mean = rng.gamma(expected / (phi - 1), phi - 1) if phi > 1 else expected
        found = space_time_scan(rng.poisson(mean), expected, zones, ScanParams(model, 5, replicates=39), seed=k, dispersion=phi)
        p_values.append(found.clusters[0].p_value if found.clusters else 1.0)
    for alpha in (0.025, 0.1, 0.25, 0.5):
        flagged = int((np.array(p_values) <= alpha + 1e-12).sum())
        assert flagged <= binom.ppf(0.9999, towns, alpha)
        # Nor much too rarely, or the test would have no power (ties and empty scans make it a little conservative).
        assert flagged >= binom.ppf(0.0001, towns, alpha * 0.8)


@pytest.mark.parametrize("model", MODELS)
def test_with_doubt_stated_an_estimated_expectation_keeps_the_p_value(model) -> None:
    """Gamma posterior from 6 quiet days, 400 towns: without doubt far too many are flagged, with it no more than promised."""
    zones, flagged = circular_zones(plane_distances(GRID), np.ones(9)), {"sure": 0, "unsure": 0}
    phi = spread_of(model)
    for k in range(400):
        rng = np.random.default_rng(k)
        true = rng.gamma(4.0, 0.5, (9, 1)) * np.ones(7)
        shape = 4.0 + rng.poisson(true[:, 0] * 6)
        counts = rng.poisson(rng.gamma(true / (phi - 1), phi - 1) if phi > 1 else true)
        for name, doubt in (("sure", 0.0), ("unsure", 1 / np.sqrt(shape))):
            expected = np.repeat(shape[:, None] / 8, 7, axis=1)
            found = space_time_scan(counts, expected, zones, ScanParams(model, replicates=39), seed=k, dispersion=phi, doubt=doubt)
            flagged[name] += bool(found.clusters) and found.clusters[0].p_value <= 0.1
    assert flagged["unsure"] <= binom.ppf(0.9999, 400, 0.1) < flagged["sure"]


def test_a_real_cluster_is_found_where_and_since_when_it_is() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 10, (60, 2))
    expected = np.full((60, 21), 0.8)
    counts = rng.poisson(expected)
    zones = circular_zones(plane_distances(points), np.ones(60))
    ill = zones.members(7, 4)
    counts[list(ill), -5:] += rng.poisson(2.0, (4, 5))
    for model in MODELS:
        best = space_time_scan(counts, expected, zones, ScanParams(model), seed=1, dispersion=1.0).clusters[0]
        assert len(set(best.places) & set(ill)) >= 3
        assert 4 <= best.days <= 6
        assert best.p_value == 0.001


def test_nothing_seen_is_no_cluster_and_the_same_seed_gives_the_same_answer() -> None:
    zones = circular_zones(plane_distances(GRID), np.ones(9))
    for model in MODELS:
        empty = space_time_scan(np.zeros((9, 3)), np.ones((9, 3)), zones, ScanParams(model, replicates=19), seed=1)
        assert empty.clusters == ()
        np.testing.assert_array_equal(empty.place_scores, 0.0)
        missing = space_time_scan(np.full((9, 3), np.nan), np.ones((9, 3)), zones, ScanParams(model, replicates=19), seed=1)
        assert missing.clusters == ()
    _, _, counts, expected, zones = town(4)
    again = [space_time_scan(counts, expected, zones, seed=s).null_scores.sum() for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_huge_counts_give_numbers() -> None:
    zones = circular_zones(plane_distances(GRID), np.ones(9))
    busy = space_time_scan(
        np.full((9, 2), 1e9), np.full((9, 2), 9.9e8), zones, ScanParams("negative_binomial", replicates=9), seed=1, dispersion=1e5
    )
    assert len(busy.clusters[0].places) > 1
    counts = np.zeros((9, 2))
    counts[4, 1] = 300_000
    for model in MODELS:
        best = space_time_scan(counts, np.ones((9, 2)), zones, ScanParams(model, replicates=3), seed=1).clusters[0]
        assert best.places == (4,)
        assert np.isfinite(best.score)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counts": np.full((9, 2), 0.5)}, "place 0, day 0 has 0.5"),
        ({"counts": -np.ones((9, 2))}, "not negative"),
        ({"counts": np.full((9, 2), np.inf)}, "whole"),
        ({"counts": np.full((9, 2), 1e12)}, "more than 20,000,000 cases"),
        ({"expected": np.full((9, 2), 1e12)}, "more than 20,000,000 cases"),
        ({"counts": np.ones((8, 2))}, "9 places"),
        ({"expected": np.zeros((9, 2))}, "expected is finite.*beside a count of 1"),
        ({"expected": np.full((9, 2), np.nan)}, "expected is finite"),
        ({"dispersion": 2.0}, "negative_binomial"),
        ({"dispersion": 0.5}, "at least 1"),
        ({"doubt": -0.1}, "doubt is finite, not negative"),
        ({"doubt": np.ones(8)}, "each of 9 places"),
        ({"dispersion": np.ones(9)}, "one for each cell"),
    ],
)
def test_bad_input_is_refused_with_what_and_where(change: dict, words: str) -> None:
    zones = circular_zones(plane_distances(GRID), np.ones(9))
    given_ = {"counts": np.ones((9, 2)), "expected": np.ones((9, 2)), "dispersion": 1.0, "doubt": 0.0} | change
    with pytest.raises(ValueError, match=words):
        space_time_scan(given_["counts"], given_["expected"], zones, seed=1, dispersion=given_["dispersion"], doubt=given_["doubt"])


def test_bad_parameters_and_zones_are_refused() -> None:
    with pytest.raises(ValueError, match="model is one of population"):
        ScanParams("bernoulli")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="longest_days"):
        ScanParams(longest_days=0)
    with pytest.raises(ValueError, match="largest_share"):
        circular_zones(plane_distances(GRID), np.ones(9), largest_share=0)
    with pytest.raises(ValueError, match="populations are 9 numbers"):
        circular_zones(plane_distances(GRID), np.ones(8))
    with pytest.raises(ValueError, match="places, places"):
        circular_zones(GRID, np.ones(9))
