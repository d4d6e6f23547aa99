"""Inoperability beside the figures that its papers print, and beside plain iteration."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tongchou.science import inoperability, inoperability_by_day, interdependency, resilience

LIAN_HAIMES = [[0.15, 0.5], [0.1, 0.05]]


@pytest.mark.parametrize(
    ("dependence", "direct", "printed"),
    [
        ([[0, 0.8], [0.2, 0]], [0, 0.6], [0.571, 0.714]),  # Haimes & Jiang 2001, two infrastructures
        ([[0, 0.9, 0, 0], [0.4, 0, 0, 0], [1, 0.8, 0, 0], [1, 0.9, 0, 0]], [0, 0.5, 0, 0], [0.70, 0.78, 1, 1]),  # the same: power, transport, hospital, shop
        ([[0, 0, 0.3], [0.4, 0, 0], [0.2, 0.6, 0]], [0, 0, 0.12], [0.04, 0.02, 0.14]),  # the same, three
        (LIAN_HAIMES, [0, 0.1], [0.066, 0.112]),  # Lian & Haimes 2006
    ],
)  # fmt: skip
def test_the_papers_figures_are_found(dependence: list[list[float]], direct: list[float], printed: list[float]) -> None:
    np.testing.assert_allclose(inoperability(dependence, direct).share, printed, atol=0.0051)


def test_the_matrix_of_xu_2011_turns_into_its_interdependencies() -> None:
    """Xu et al. 2011, equations 31 and 34: with equal output in every sector both are one; the outputs here make eq. 34's columns."""
    a = np.array([[0.14, 0.17], [0.11, 0.20]])
    np.testing.assert_allclose(interdependency(a, [10.0, 10.0]), a)
    np.testing.assert_allclose(interdependency(a, [10.0, 20.0]), [[0.14, 0.34], [0.055, 0.20]])


SHARES = st.floats(0, 1, allow_subnormal=False)
TOWNS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(SHARES, min_size=n, max_size=n), min_size=n, max_size=n), st.lists(SHARES, min_size=n, max_size=n)
    )
)


@settings(max_examples=200, deadline=None)
@given(TOWNS)
def test_it_is_the_least_state_of_rest(town: tuple[list[list[float]], list[float]]) -> None:
    a, c = np.array(town[0]), np.array(town[1])
    assume(abs(float(np.abs(np.linalg.eigvals(a)).max()) - 1) > 0.05)
    q = np.zeros(c.size)
    for _ in range(20_000):
        before, q = q, np.minimum(1.0, a @ q + c)
        if np.array_equal(q, before):  # by less than any threshold it may grow for long, and then far
            break
    found = inoperability(a, c)
    np.testing.assert_allclose(found.share, np.minimum(1.0, a @ found.share + c), atol=1e-9)
    np.testing.assert_allclose(found.share, q, atol=1e-4)
    assert (found.share >= c - 1e-12).all()


def test_days_lead_to_the_state_of_rest_and_back() -> None:
    shut = inoperability_by_day(LIAN_HAIMES, [0.0, 0.1], [0.2, 0.2], 100)
    np.testing.assert_allclose(shut.share[-1], inoperability(LIAN_HAIMES, [0.0, 0.1]).share, atol=1e-6)
    assert (np.diff(shut.share, axis=0) >= 0).all()
    after = inoperability_by_day(LIAN_HAIMES, [0.0, 0.0], [0.2, 0.2], 150, start=shut.share[-1])
    assert (after.share[-1] < 1e-6).all()
    twice = inoperability_by_day(LIAN_HAIMES, lambda day: [0.0, 0.1 if day < 30 else 0.0], [0.2, 0.2], 60)
    np.testing.assert_allclose(twice.share[:31], shut.share[:31])
    assert twice.share[-1].sum() < twice.share[30].sum()


def test_a_sector_alone_recovers_in_the_days_its_resilience_was_made_from() -> None:
    (k,) = resilience([[0.0]], [0.8], [0.08], [200])
    share = inoperability_by_day([[0.0]], [0.0], [k], 200, start=[0.8]).share[:, 0]
    assert share[-1] == pytest.approx(0.08, rel=0.02)


def test_loss_is_output_not_made() -> None:
    found = inoperability([[0, 0.8], [0.2, 0]], [0, 0.6])
    np.testing.assert_allclose(found.loss([100.0, 10.0]), [57.142857, 7.142857])
    assert inoperability_by_day(LIAN_HAIMES, [0.0, 0.1], [0.2, 0.2], 3).loss([1.0, 1.0]).shape == (4, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: inoperability([[0.1]], [1.2]), "direct: one share from 0 to 1"),
        (lambda: inoperability([[0.1, 0.2]], [0.2]), "dependence: 1 x 1"),
        (lambda: inoperability([[-0.1]], [0.2]), "0 or more"),
        (lambda: inoperability([[np.nan]], [0.2]), "finite"),
        (lambda: interdependency([[0.1]], [0.0]), "above 0"),
        (lambda: inoperability_by_day([[0.1]], [0.1], [0.0], 3), "resilience above 0"),
        (lambda: resilience([[0.1]], [0.1], [0.2], [3]), "0 < end < start"),
        (lambda: inoperability([[0.1]], [0.1]).loss([1.0, 2.0]), "output: 1 finite"),
    ],
)
def test_what_cannot_be_used_is_refused(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
