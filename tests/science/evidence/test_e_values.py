"""e-BH keeps its false-discovery rate, is monotone, and does not care for order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tongchou.science.evidence.e_values import e_bh

LOG_E = st.lists(st.floats(-20, 20), min_size=1, max_size=30)


def plain(log_e: list[float], q: float) -> set[int]:
    """The largest k with at least k hypotheses of e >= K / (q k)."""
    k_all = len(log_e)
    for k in range(k_all, 0, -1):
        large = {i for i, v in enumerate(log_e) if v >= np.log(k_all) - np.log(q) - np.log(k)}
        if len(large) >= k:
            return large
    return set()


@given(log_e=LOG_E, q=st.floats(0.01, 0.5))
def test_it_is_what_the_definition_says(log_e: list[float], q: float) -> None:
    assert set(e_bh(log_e, q).listed) == plain(log_e, q)


@given(log_e=LOG_E, q=st.floats(0.01, 0.4), factor=st.floats(1.0, 2.4))
def test_a_laxer_rate_never_shortens_the_list(log_e: list[float], q: float, factor: float) -> None:
    assert set(e_bh(log_e, q).listed) <= set(e_bh(log_e, q * factor).listed)


@given(log_e=LOG_E, more=st.floats(0, 10), data=st.data())
def test_more_evidence_for_one_takes_none_off(log_e: list[float], more: float, data: st.DataObject) -> None:
    before = set(e_bh(log_e, 0.1).listed)
    at = data.draw(st.integers(0, len(log_e) - 1))
    raised = [v + more * (i == at) for i, v in enumerate(log_e)]
    assert before <= set(e_bh(raised, 0.1).listed)


@given(log_e=LOG_E, seed=st.integers(0, 999))
def test_renaming_renames(log_e: list[float], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(log_e))
    values = np.array(log_e)
    np.testing.assert_array_equal(e_bh(values[order], 0.1).on_list, e_bh(values, 0.1).on_list[order])


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_false_discovery_rate_is_kept_with_and_without_dependence(correlation: float) -> None:
    """60 villages, 6 with an outbreak, likelihood ratios for a shift of 3; q = .1, so at most .1 x 54/60 false: mean over 2,000 towns."""
    rng, towns, q = np.random.default_rng(8), 2000, 0.1
    shift = np.where(np.arange(60) < 6, 3.0, 0.0)
    false_share, found = [], 0
    for _ in range(towns):
        noise = np.sqrt(correlation) * rng.normal() + np.sqrt(1 - correlation) * rng.normal(size=60)
        listed = np.array(e_bh(3.0 * (noise + shift) - 4.5, q).listed, dtype=int)
        false_share.append(float((listed >= 6).mean()) if len(listed) else 0.0)
        found += int((listed < 6).sum())
    error = np.std(false_share) / np.sqrt(towns)
    assert np.mean(false_share) <= q * 54 / 60 + norm.ppf(0.9999) * error
    assert found / (6 * towns) > 0.2  # it is not kept by listing nothing


def test_unknown_places_count_but_are_never_listed() -> None:
    assert e_bh([np.log(100), np.nan, np.nan, np.nan], 0.05).listed == (0,)
    assert e_bh([np.log(100), *[np.nan] * 5], 0.05).listed == ()
    assert e_bh([np.nan, -np.inf], 0.5).listed == ()
    assert e_bh([], 0.1).listed == ()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="false_discovery_rate"):
        e_bh([1.0], 0.0)
    with pytest.raises(ValueError, match="infinite"):
        e_bh([np.inf], 0.1)
    with pytest.raises(ValueError, match="one dimension"):
        e_bh([[1.0]], 0.1)
