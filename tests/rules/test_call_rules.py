"""How much a firm needs a visit, and the round: against every order of few points, and what must hold of any."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.core.wording import use_language
from tongchou.domains.calls.routing import Pace, distance_km, plan_round
from tongchou.domains.calls.rules import Known, Weights, need_of

WEIGHTS = Weights(20, 3, 6, 15, 6, 18, 10, 2, 16, 2)
PACE = Pace(12, 1.4, 25)
START = (121.23, 31.17)
DEGREE_KM = 111.195  # of latitude on the mean sphere


def km(a, b) -> float:
    return distance_km(a, b)


@pytest.mark.parametrize(
    ("known", "points", "reasons"),
    [
        (Known(None, "full", 1), 20, ["never visited"]),
        (Known(None, "closed", 40), 20 + 15 + 2 * 5, ["never visited", "not back at work", "staff: 40"]),
        (Known(20, "full", 0), 6, ["20 days since a visit"]),
        (Known(400, "resumed", 0), 18 + 6, ["400 days since a visit", "not at full capacity"]),
        (Known(3, "closed", 500, open_count=2), 0, []),
        (Known(3, "full", 0, to_ask_count=1), 18, ["answered, ask whether solved: 1"]),
        (Known(10, "full", 0, 2, 1), 18 + 20 + 3, ["difficulties open: 2", "answered, ask whether solved: 1", "10 days since a visit"]),
        (Known(10, "closed", 0, stuck_days=5), 16 + 15 + 3, ["filing to resume stuck for 5 days", "not back at work", "10 days since a visit"]),
    ],
    ids=["never", "closed_large", "weeks", "capped", "rests", "rests_but_asked", "both", "stuck"],
)  # fmt: skip
def test_need_is_the_sum_of_its_reasons_the_most_first(known: Known, points: float, reasons: list[str]) -> None:
    with use_language("en"):
        need = need_of(known, WEIGHTS, 7)
        assert (need.points, [str(said.words) for said in need.reasons]) == (points, reasons)


def test_distances_are_those_of_the_globe() -> None:
    assert km((0, 0), (0, 1)) == pytest.approx(DEGREE_KM, rel=1e-4)
    # Beijing to Shanghai, city centres: about 1,070 km as the crow flies (from memory).
    assert km((116.4074, 39.9042), (121.4737, 31.2304)) == pytest.approx(1070, abs=5)


POINTS = st.lists(st.tuples(st.floats(121.20, 121.26), st.floats(31.14, 31.20)), min_size=1, max_size=6, unique=True)


def shortest(points) -> float:
    return min(sum(km(a, b) for a, b in zip([START, *order], [*order, START], strict=True)) for order in permutations(points))


@settings(max_examples=60, derandomize=True)
@given(POINTS)
def test_a_round_visits_each_once_and_is_near_the_shortest_of_all_orders(points) -> None:
    found = plan_round(START, points, PACE, 10_000)
    assert sorted(found.order) == list(range(len(points)))
    way_km = (found.minutes - 25 * len(points)) / 60 * 12 / 1.4
    assert way_km <= 1.1 * shortest(points) + 1e-9
    back = km(points[found.order[-1]], START) / 12 * 60 * 1.4
    assert sum(found.way_minutes) + back + 25 * len(points) == pytest.approx(found.minutes)


@settings(max_examples=60, derandomize=True)
@given(POINTS, st.floats(0, 200))
def test_it_fits_into_the_time_and_takes_the_most_needed_first(points, limit: float) -> None:
    found = plan_round(START, points, PACE, limit)
    assert found.minutes <= limit or not found.order
    alone = 2 * km(START, points[0]) / 12 * 60 * 1.4 + 25
    assert (0 in found.order) == (alone <= limit)
    assert plan_round(START, points, PACE, limit) == found


def test_what_does_not_fit_is_passed_over_and_a_nearer_one_still_goes() -> None:
    far, near = (121.5, 31.4), (121.231, 31.17)
    assert plan_round(START, [far, near], PACE, 60).order == (1,)
    assert plan_round(START, [], PACE, 60).minutes == 0
