"""Ways to combine streams: the same as the watch's own fusion, blind to silent streams, p-values uniform without an outbreak."""

from dataclasses import replace

import numpy as np
import pytest

from tests.science.detection.towns import last_week, state
from tongchou.science.detection.fusion import fuse
from tongchou.science.detection.model import DetectionParams
from tongchou.science.detection.stream_evidence import score_area
from tongchou.science.evaluation.combining import Evidence, calibrated, combined, growth_statistic

WEEKLY = DetectionParams.weekly()
BEST = "cases"


def _evidence(*cases: tuple[int, int]) -> Evidence:
    """One place a case: weeks of a rise inside and outside."""
    areas = []
    for n, (own, outside) in enumerate(cases):
        rest = replace(state(50 + n, rising_weeks=outside)[0], stream="outside:cases", outside=True)
        areas.append(score_area([*state(n, rising_weeks=own), rest], last_week(), WEEKLY))
    first = areas[0]
    log_evidence = np.array([[s.log_evidence[:, :, 0] for s in area] for area in areas]).transpose(1, 0, 2, 3)[:, :, None]
    mid_p = np.array([[s.mid_p for s in area] for area in areas]).T[:, :, None]
    names = tuple(s.stream for s in first)
    return Evidence(names, np.array([s.weight for s in first]), np.array([s.outside for s in first]), log_evidence, mid_p)


CASES = ((0, 0), (0, 5), (4, 0), (3, 5))


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return _evidence(*CASES)


@pytest.fixture(scope="module")
def scores(evidence: Evidence) -> dict[str, np.ndarray]:
    return combined(evidence, BEST, np.ones((len(CASES), 1), dtype=bool))


def test_the_fused_score_is_the_statistic_of_the_watch(scores: dict[str, np.ndarray]) -> None:
    for n, (own, outside) in enumerate(CASES):
        rest = replace(state(50 + n, rising_weeks=outside)[0], stream="outside:cases", outside=True)
        of_watch = score_area([*state(n, rising_weeks=own), rest], last_week(), WEEKLY)
        assert scores["fused"][n, 0] == pytest.approx(fuse(of_watch, WEEKLY).statistic)
        assert scores["weighted"][n, 0] == pytest.approx(fuse(of_watch[:-1], WEEKLY).statistic)
        assert scores["best"][n, 0] == pytest.approx(of_watch[0].statistic)


def test_weights_are_powers_of_the_evidence(evidence: Evidence, scores: dict[str, np.ndarray]) -> None:
    assert evidence.weights.tolist() == [1, 0.25, 1, 1]
    by_hand = evidence.log_evidence[0] + 0.25 * evidence.log_evidence[1] + evidence.log_evidence[2]
    np.testing.assert_allclose(scores["weighted"], growth_statistic(by_hand))
    np.testing.assert_allclose(scores["product"], growth_statistic(evidence.log_evidence[:3].sum(axis=0)))


def test_every_method_ranks_a_rise_above_quiet(scores: dict[str, np.ndarray]) -> None:
    for name, score in scores.items():
        if "outside" not in name:
            assert score[2, 0] > score[0, 0], name


def test_a_silent_stream_changes_nothing_and_all_silent_is_no_score(evidence: Evidence) -> None:
    quiet = np.ones((len(CASES), 1), dtype=bool)
    log_evidence, mid_p = evidence.log_evidence.copy(), evidence.mid_p.copy()
    log_evidence[1], mid_p[1] = 0.0, np.nan
    silent = combined(replace(evidence, log_evidence=log_evidence, mid_p=mid_p), BEST, quiet)
    kept = [0, 2, 3]
    gone = Evidence(
        tuple(evidence.names[k] for k in kept), evidence.weights[kept], evidence.is_outside[kept], log_evidence[kept], mid_p[kept]
    )
    for name, score in combined(gone, BEST, quiet).items():
        np.testing.assert_allclose(silent[name], score, err_msg=name)
    nothing = replace(evidence, log_evidence=np.zeros_like(log_evidence), mid_p=np.full_like(mid_p, np.nan))
    assert all(np.isnan(score).all() for score in combined(nothing, BEST, ~quiet).values())


def test_calibrated_p_values_are_uniform_on_quiet_scores_and_fall_beyond_them() -> None:
    quiet = np.random.default_rng(1).normal(size=999)
    p = calibrated(quiet, quiet)
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.005) and p.max() <= 1
    beyond = calibrated(quiet.max() + np.array([0.0, 1.0, 2.0]), quiet)
    assert beyond * 1000 == pytest.approx([2, np.exp(-1), np.exp(-2)])  # itself and one more; then slope 1
    assert np.isnan(calibrated(np.array([np.nan]), quiet)).all()
