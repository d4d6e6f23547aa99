"""The exposed-visit query beside every pair looked at one by one, and what must hold of it whatever the visits."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.science.exposure.oracle import Visit, Window, exposed
from tongchou.science import Cases, ExposureParams, Exposures, VisitIndex, Visits, find_exposed, forget_before, index_visits, join_indexes

HOUR, DAY = 3600, 86_400
# Few persons, venues and moments: ties, duplicates, meetings of oneself, stays of no length and over midnight come by themselves.
MOMENT = st.integers(-30, 30).map(lambda n: n * 7) | st.integers(-3 * DAY, 3 * DAY)
STAY = st.sampled_from([0, 1, 7, 14, 15, 60, 3 * HOUR, 20 * HOUR, 5 * DAY]) | st.integers(0, 3 * HOUR)
VISIT = st.tuples(st.integers(0, 6), st.integers(0, 2), MOMENT, STAY).map(lambda v: (v[0], v[1], v[2], v[2] + v[3]))
VISITS = st.lists(VISIT, max_size=40)
CASES = st.lists(st.tuples(st.integers(0, 7), MOMENT, STAY.filter(bool)).map(lambda c: (c[0], c[1], c[1] + c[2])), max_size=4)
SHORTEST = st.sampled_from([1, 7, 15, 900])


def visits_of(rows: Sequence[Visit]) -> Visits:
    return Visits(*np.array(rows, np.int64).reshape(-1, 4).T)


def cases_of(rows: Sequence[Window]) -> Cases:
    return Cases(*np.array(rows, np.int64).reshape(-1, 3).T)


def once(rows: list[Window]) -> list[Window]:
    """The windows of the oracle: touching ones of a person put together, the slow way."""
    kept: list[Window] = []
    for person, begin, end in sorted(rows):
        if kept and kept[-1][0] == person and begin <= kept[-1][2]:
            kept[-1] = (person, kept[-1][1], max(end, kept[-1][2]))
        else:
            kept.append((person, begin, end))
    return kept


def as_dict(found: Exposures) -> dict[int, tuple[int, int, int, int]]:
    rows = zip(found.person, found.generation, found.first_at, found.contacts, found.shared_s, strict=True)
    return {int(p): (int(g), int(f), int(c), int(s)) for p, g, f, c, s in rows}


def asked(rows: Sequence[Visit], cases: Sequence[Window], shortest: int = 900, generations: int = 1, method: str = "auto") -> dict:
    index = index_visits(visits_of(rows))
    return as_dict(find_exposed(index, cases_of(cases), ExposureParams(shortest, generations), method=method))  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(VISITS, CASES, SHORTEST, st.integers(1, 4))
def test_it_is_what_looking_at_every_pair_finds(visits, cases, shortest, generations):
    wanted = exposed(visits, once(cases), shortest, generations)
    for method in ("push", "sweep", "auto"):
        assert asked(visits, cases, shortest, generations, method) == wanted, method


@settings(max_examples=60, deadline=None)
@given(VISITS, CASES, SHORTEST, st.integers(1, 3), st.randoms(use_true_random=False), st.integers(0, 40), st.integers(-14, 14))
def test_order_of_rows_days_and_the_unsorted_tail_change_nothing(visits, cases, shortest, generations, random, cut, zone):
    wanted = asked(visits, cases, shortest, generations)
    mixed, turned = random.sample(visits, len(visits)), random.sample(cases, len(cases))
    assert asked(mixed, turned, shortest, generations) == wanted
    parts = [index_visits(visits_of(part), utc_offset_s=zone * HOUR) for part in (mixed[:cut], mixed[cut:])]
    for method in ("push", "sweep"):
        joined = find_exposed(join_indexes(*parts), cases_of(turned), ExposureParams(shortest, generations), method=method)
        assert as_dict(joined) == wanted


@settings(max_examples=100, deadline=None)
@given(VISITS, CASES, SHORTEST, st.integers(1, 900))
def test_a_longer_minimum_finds_no_more(visits, cases, shortest, more):
    few, many = asked(visits, cases, shortest + more), asked(visits, cases, shortest)
    assert few.keys() <= many.keys()
    for person, (_, first, contacts, shared) in few.items():
        assert many[person][1] <= first and many[person][2] >= contacts and many[person][3] >= shared


@settings(max_examples=100, deadline=None)
@given(VISITS, SHORTEST)
def test_meeting_is_mutual(visits, shortest):
    """Without a bound in time whom I expose exposes me, as often and as long."""
    seen = {p: asked(visits, [(p, -20 * DAY, 20 * DAY)], shortest) for p in range(7)}
    for one, met in seen.items():
        for other, (_, first, contacts, shared) in met.items():
            assert seen[other][one] == (1, first, contacts, shared)


@settings(max_examples=60, deadline=None)
@given(VISITS, CASES, MOMENT)
def test_what_is_forgotten_is_as_if_it_had_never_been(visits, cases, at):
    kept = forget_before(index_visits(visits_of(visits)), at)
    assert len(kept) == sum(v[2] >= at for v in visits)
    found = find_exposed(kept, cases_of(cases), ExposureParams(15, 2))
    assert as_dict(found) == asked([v for v in visits if v[2] >= at], cases, 15, 2)


def test_a_larger_town_both_ways_and_in_parts():
    rng = np.random.default_rng(3)
    n = 30_000
    entered = rng.integers(0, 10 * DAY, n)
    left = entered + np.where(rng.random(n) < 0.1, rng.integers(0, 40 * HOUR, n), rng.integers(0, 2 * HOUR, n))
    visits = Visits(rng.integers(0, 2000, n), rng.zipf(1.5, n) % 40, entered, left)
    cases = Cases(np.arange(30), np.zeros(30, np.int64), np.full(30, 9 * DAY))
    index = index_visits(visits)
    tail = np.arange(n) % 11 == 0
    parts = [Visits(*(c[rows] for c in (visits.person, visits.venue, visits.entered_at, visits.left_at))) for rows in (tail, ~tail)]
    for generations in (1, 2, 3):
        by_push, by_sweep, joined = (
            as_dict(find_exposed(of, cases, ExposureParams(900, generations), method=method))
            for of, method in ((index, "push"), (index, "sweep"), (join_indexes(*map(index_visits, parts)), "auto"))
        )
        assert by_push == by_sweep == joined and len(by_push) > 500


def test_the_ends_are_half_open_and_the_minimum_is_enough():
    case = [(0, 1, 0, 1800)]
    assert asked([*case, (1, 1, 1800, 3600)], [(0, 0, DAY)], 1) == {}
    assert asked([*case, (1, 1, 1799, 3600)], [(0, 0, DAY)], 1) == {1: (1, 1799, 1, 1)}
    assert asked([*case, (1, 1, 900, 3600)], [(0, 0, DAY)], 900) == {1: (1, 900, 1, 900)}
    assert asked([*case, (1, 1, 901, 3600)], [(0, 0, DAY)], 900) == {}
    assert asked([*case, (1, 2, 900, 3600)], [(0, 0, DAY)], 900) == {}, "another venue"
    assert asked([*case, (1, 1, 0, 3600)], [(0, 1000, DAY)], 900) == {}, "the window leaves 800 s of the case's stay"


def test_two_cases_at_once_count_twice_and_a_case_is_not_listed():
    visits = [(0, 1, 0, 3600), (1, 1, 0, 3600), (2, 1, 0, 3600)]
    assert asked(visits, [(0, 0, DAY), (1, 0, DAY)]) == {2: (1, 0, 2, 7200)}


def test_the_second_generation_begins_with_the_first_exposure():
    """Person 2 left before person 1 met the case, person 3 came after; what comes after the last window counts for nobody."""
    visits = [(0, 1, 0, 3600), (1, 1, 1800, 9000), (2, 5, -9000, -100), (1, 5, -9000, -50), (3, 1, 5000, 9000), (3, 1, 90_000, 99_000)]
    assert asked(visits, [(0, 0, 6000)], 900, 2) == {1: (1, 1800, 1, 1800), 3: (2, 5000, 1, 1000)}


def test_an_empty_index_and_nobody_ill_are_no_error():
    assert len(find_exposed(VisitIndex(), cases_of([(3, 0, 9)]))) == 0
    assert len(find_exposed(index_visits(visits_of([(0, 0, 0, 9)])), cases_of([]))) == 0
    assert len(index_visits(visits_of([]))) == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: visits_of([(0, 0, 0, 9), (0, 0, 9, 8)]), "row 1: entered_at 9, left_at 8"),
        (lambda: visits_of([(-1, 0, 0, 9)]), "row 0: person must be a code"),
        (lambda: visits_of([(0, 2**31, 0, 9)]), "row 0: venue must be a code"),
        (lambda: visits_of([(0, 0, 0, 2**32)]), "row 0.*is no stay"),
        (lambda: Visits(np.zeros(2, int), np.zeros(1, int), np.zeros(2, int), np.zeros(2, int)), "equally long; got person 2, venue 1"),  # type: ignore[arg-type]
        (lambda: Visits(np.zeros(1), *np.zeros((3, 1), int)), "whole numbers; got float64"),  # type: ignore[arg-type]
        (lambda: cases_of([(0, 5, 5)]), "row 0: the window from 5 to 5 is empty"),
        (lambda: cases_of([(0, 0, 2**32)]), "63 years"),
        (lambda: ExposureParams(0), "from 1; got 0"),
        (lambda: find_exposed(VisitIndex(), cases_of([]), method="guess"), "got 'guess'"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()
