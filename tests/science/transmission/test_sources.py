"""Likely sources: an oracle written out, the share of Wallinga and Teunis as the limit, what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.science import SerialInterval, case_reproduction_number, clusters_of, gamma_serial_interval, likely_sources

W = SerialInterval(np.array([0.0, 0.2, 0.5, 0.3]))


def test_a_chain_worked_out_by_hand() -> None:
    met = np.array([[0, 0, 0], [0.5, 0, 0], [0.02, 1, 0]])
    found = likely_sources([0, 2, 3], W, met, outside_weight=0.05)
    assert found.outside[0] == 1 and found.likeliest(0) is None
    assert found.probability[1, 0] == pytest.approx(0.25 / 0.30)
    assert found.probability[2].tolist() == pytest.approx([0.006 / 0.256, 0.2 / 0.256, 0])
    assert found.likeliest(2) == 1


def test_a_span_of_onset_is_the_mean_over_its_days() -> None:
    met = np.array([[0, 0], [1, 0]])
    found = likely_sources([[0, 1], [2, 3]], W, met, outside_weight=0.1)
    mean = (0.5 + 0.3 + 0.2 + 0.5) / 4
    assert found.probability[1, 0] == pytest.approx(mean / (mean + 0.1))


def test_with_equal_evidence_and_nobody_outside_it_is_the_share_of_wallinga_and_teunis() -> None:
    days = np.array([0, 1, 1, 2, 3, 3, 3, 5])
    interval = gamma_serial_interval(2.6, 1.5)
    found = likely_sources(days, interval, np.ones((8, 8)), outside_weight=1e-12)
    by_day = case_reproduction_number(np.bincount(days).astype(float), interval, window_days=1).by_day
    caused = found.probability.sum(axis=0)
    assert caused == pytest.approx(by_day[days], abs=1e-8)


@given(st.lists(st.one_of(st.integers(0, 12).map(float), st.just(float("nan"))), min_size=1, max_size=7), st.integers(0, 2**31))
def test_each_case_came_from_somebody_or_from_outside(onset: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    met = random.uniform(0, 1, (len(onset), len(onset))) * random.integers(0, 2, (len(onset), len(onset)))
    found = likely_sources(onset, W, met)
    assert found.probability.sum(axis=1) + found.outside == pytest.approx(np.ones(len(onset)))
    assert np.all(found.probability[np.asarray(met) == 0] == 0) and np.all(np.diag(found.probability) == 0)
    unknown = np.isnan(onset)
    assert np.all(found.outside[unknown] == 1) and np.all(found.probability[:, unknown] == 0)


@pytest.mark.parametrize(
    ("onset", "evidence", "outside", "said"),
    [
        ([0, 1], [[0]], 0.1, "evidence"),
        ([0, 1], [[0, -1], [0, 0]], 0.1, "evidence"),
        ([[2, 1]], [[0]], 0.1, "onset"),
        ([[[1]]], [[0]], 0.1, "onset"),
        ([0], [[0]], 0, "outside_weight"),
    ],
    ids=["shape", "negative", "backwards", "three_axes", "nobody_outside"],
)
def test_wrong_input_is_named(onset: object, evidence: object, outside: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        likely_sources(onset, W, evidence, outside)  # type: ignore[arg-type]


@given(st.integers(0, 12), st.data())
def test_clusters_share_out_all_cases_and_keep_pairs_together(cases: int, data: st.DataObject) -> None:
    ends = st.integers(0, max(0, cases - 1))
    pairs = data.draw(st.lists(st.tuples(ends, ends), max_size=10)) if cases else []
    found = clusters_of(cases, pairs)
    assert sorted(case for cluster in found for case in cluster) == list(range(cases))
    where = {case: n for n, cluster in enumerate(found) for case in cluster}
    assert all(where[a] == where[b] for a, b in pairs)
    assert len(found) >= cases - len(pairs)


def test_a_pair_beyond_the_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        clusters_of(2, [(0, 2)])
