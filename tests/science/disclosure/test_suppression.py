"""Nobody works out a count about fewer than k people: not by linear algebra, not by bounds, not by knowing the rule."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tongchou.science.disclosure.suppression import Mark, protect_counts, protect_groups

K = 5


def given_away(marks: list[int], rows: list[list[int]], sums: list[int]) -> list[tuple[int, float, float]]:
    """(place, least, most) of each SMALL count, by linear programming from the sums of the hidden ones and what their marks say."""
    hidden = [n for n, mark in enumerate(marks) if mark != Mark.SHOWN]
    equations = np.array([[float(n in row) for n in hidden] for row in rows])
    bounds = [(0, K - 1) if marks[n] == Mark.SMALL else (K if Mark.SMALL in marks else 0, None) for n in hidden]
    found = []
    for place, n in enumerate(hidden):
        if marks[n] == Mark.SMALL:
            aim = np.eye(len(hidden))[place]
            ends = [linprog(sign * aim, A_eq=equations, b_eq=sums, bounds=bounds).fun * sign for sign in (1, -1)]
            found.append((n, *ends))
    return found


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=9))
@example([0, 25])
@example([0, 0, 0, 40])
@example([4, 4, 4, 4, 10])
@example([0, 5, 5, 5])
def test_every_small_count_may_still_be_anything_below_k(counts: list[int]) -> None:
    marks = protect_counts(counts, counts, K).tolist()
    hidden = [n for n, mark in enumerate(marks) if mark != Mark.SHOWN]
    left = sum(counts) - sum(c for n, c in enumerate(counts) if n not in hidden)
    for _, least, most in given_away(marks, [hidden], [left]):
        assert least == pytest.approx(0) and most == pytest.approx(K - 1)
    if hidden and sum(counts) >= K:  # linear algebra: no hidden count is determined by the sum
        assert len(hidden) > 1


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=5), min_size=1, max_size=4))
def test_nor_from_a_tree_of_sums(groups: list[list[int]]) -> None:
    totals = [sum(group) for group in groups]
    may_sum, tops = protect_groups(totals, totals, sum(totals), K)
    if not may_sum:
        assert sum(totals) < K and (tops != Mark.SHOWN).all()
        return
    for total, top, group in zip(totals, tops.tolist(), groups, strict=True):
        if top != Mark.SHOWN:  # nothing inside is shown: known is at most what the top gives away
            continue
        marks = protect_counts(group, group, K).tolist()
        hidden = [n for n, mark in enumerate(marks) if mark != Mark.SHOWN]
        left = total - sum(c for n, c in enumerate(group) if n not in hidden)
        assert all((least, most) == pytest.approx((0, K - 1)) for _, least, most in given_away(marks, [hidden], [left]))
    hidden = [n for n, top in enumerate(tops.tolist()) if top != Mark.SHOWN]
    left = sum(totals[n] for n in hidden)
    assert all((least, most) == pytest.approx((0, K - 1)) for _, least, most in given_away(tops.tolist(), [hidden], [left]))


@pytest.mark.parametrize("size", [2, 3, 4])
def test_nor_by_trying_every_table_that_would_be_given_like_this(size: int) -> None:
    k, possible = 3, defaultdict(list)
    for counts in product(range(16), repeat=size):
        if not k <= sum(counts) <= 15:  # with such a sum every table there is is tried
            continue
        marks = protect_counts(counts, counts, k)
        view = (sum(counts), tuple(marks.tolist()), tuple(c for c, mark in zip(counts, marks, strict=True) if mark == Mark.SHOWN))
        possible[view].append(counts)
    for (_, marks, _), tables in possible.items():
        for place, mark in enumerate(marks):
            values = {table[place] for table in tables}
            assert values >= set(range(k)) if mark == Mark.SMALL else mark == Mark.SHOWN or len(values) > 1, (marks, tables)


def test_few_people_who_come_often_are_hidden_too() -> None:
    assert protect_counts([40, 40, 40], [40, 2, 40], K).tolist() == [Mark.SHOWN, Mark.SMALL, Mark.WITHHELD]
    assert protect_counts([40, 40], [40, 40], K).tolist() == [Mark.SHOWN, Mark.SHOWN]
    assert protect_groups([4, 4], [4, 4], 4, K) == (False, pytest.approx([Mark.SMALL] * 2))


@pytest.mark.parametrize(("counts", "people", "k"), [([1], [2], 3), ([1, 2], [1], 3), ([1], [-1], 3), ([1], [1], 0), ([[1]], [[1]], 3)])
def test_what_makes_no_sense_is_refused(counts: list[int], people: list[int], k: int) -> None:
    with pytest.raises(ValueError):
        protect_counts(counts, people, k)
