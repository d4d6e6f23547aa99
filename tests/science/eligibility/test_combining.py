"""What to take of measures that exclude one another, beside trying every choice."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.science import best_together

PAIRS = list(combinations(range(5), 2))


@given(
    st.lists(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=5, max_size=5), min_size=1, max_size=4),
    st.sets(st.sampled_from(PAIRS), max_size=6),
)
def test_nothing_that_may_be_combined_is_worth_more(rows: list[list[int | None]], exclusions: set[tuple[int, int]]) -> None:
    worth = np.array([[np.nan if cell is None else float(cell) for cell in row] for row in rows]).T
    taken = best_together(worth, sorted(exclusions))
    assert not (taken & np.isnan(worth)).any()
    for firm in range(worth.shape[1]):
        got = [m for m in range(5) if not np.isnan(worth[m, firm])]
        allowed = [set(c) for n in range(6) for c in combinations(got, n) if not any({a, b} <= set(c) for a, b in exclusions)]
        chosen = {m for m in range(5) if taken[m, firm]}
        assert chosen in allowed
        rank = [(sum(worth[m, firm] for m in some), len(some)) for some in allowed]
        assert (sum(worth[m, firm] for m in chosen), len(chosen)) == max(rank)


def test_a_measure_without_a_sum_is_kept_when_nothing_excludes_it() -> None:
    worth = np.array([[np.nan], [0.0], [np.nan]])
    assert best_together(worth, [(0, 1), (1, 2)])[:, 0].tolist() == [False, True, False]


@pytest.mark.parametrize("pair", [(0, 0), (0, 3), (-1, 0)])
def test_a_pair_that_is_none_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no pair of different measures"):
        best_together(np.ones((3, 1)), [pair])


def test_too_many_that_hang_together_are_refused() -> None:
    with pytest.raises(ValueError, match="25 measures hang together"):
        best_together(np.ones((25, 1)), [(n, n + 1) for n in range(24)])
