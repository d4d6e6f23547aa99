"""Scans in and out become stays."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.visits.rules import ONE_DAY_S, pair_scans

IN, OUT = 0, 1
LONGEST = 3600


def paired(*scans: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """(person, venue, second, way) → (person, venue, entered, left)."""
    h, v, t, w = (np.array(column, dtype=np.int64) for column in (zip(*scans, strict=True) if scans else ((), (), (), ())))
    found = pair_scans(h, v, t, w, np.full(len(h), LONGEST, dtype=np.int64))
    return [tuple(int(n) for n in row) for row in zip(*found, strict=True)]


def test_an_exit_closes_its_entry_in_any_order_of_arrival():
    assert paired((1, 7, 900, OUT), (1, 7, 100, IN)) == [(1, 7, 100, 900)]


def test_a_missing_exit_is_closed_after_the_longest_stay_or_by_the_next_entry():
    assert paired((1, 7, 100, IN)) == [(1, 7, 100, 100 + LONGEST)]
    assert paired((1, 7, 100, IN), (1, 7, 600, IN), (1, 7, 700, OUT)) == [(1, 7, 100, 600), (1, 7, 600, 700)]


def test_a_long_stay_with_its_exit_is_kept_but_not_beyond_a_day():
    assert paired((1, 7, 0, IN), (1, 7, 10 * LONGEST, OUT)) == [(1, 7, 0, 10 * LONGEST)]
    late = ONE_DAY_S + 1
    assert paired((1, 7, 0, IN), (1, 7, late, OUT)) == [(1, 7, 0, LONGEST), (1, 7, late - LONGEST, late)]


def test_an_exit_alone_began_before_but_not_before_the_scan_that_precedes_it():
    assert paired((1, 7, 9000, OUT)) == [(1, 7, 9000 - LONGEST, 9000)]
    assert paired((1, 7, 100, IN), (1, 7, 200, OUT), (1, 7, 300, OUT)) == [(1, 7, 100, 200), (1, 7, 200, 300)]


def test_another_venue_or_person_closes_nothing():
    assert paired((1, 7, 100, IN), (1, 8, 200, IN), (1, 8, 300, OUT), (1, 7, 900, OUT)) == [(1, 7, 100, 900), (1, 8, 200, 300)]
    assert paired((1, 7, 100, IN), (2, 7, 200, OUT))[0] == (1, 7, 100, 100 + LONGEST)


def test_nothing_gives_nothing_and_a_stay_of_no_time_is_none():
    assert paired() == []
    assert paired((1, 7, 100, IN), (1, 7, 100, OUT)) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 200_000), st.integers(0, 1)), max_size=30))
def test_stays_have_a_length_and_never_overlap_themselves(scans: list[tuple[int, int, int, int]]):
    found = paired(*scans)
    assert all(left > entered and left - entered <= max(LONGEST, ONE_DAY_S) for _, _, entered, left in found)
    for (h, v, _, left), (h2, v2, entered, _) in pairwise(found):
        assert (h, v) != (h2, v2) or entered >= left
    scanned = {(h, v, t) for h, v, t, _ in scans}
    assert all((h, v, entered) in scanned or (h, v, left) in scanned for h, v, entered, left in found)
