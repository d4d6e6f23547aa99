"""Draws: the probabilities are those promised, by enumeration and by simulation; the same seed gives the same draw."""

from dataclasses import replace
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.science import (
    Frame,
    StratumDesign,
    clopper_pearson,
    design_digest,
    draw_sample,
    frame_digest,
    inclusion_probabilities,
    randomised_systematic,
    seed_commitment,
)

SEED = "drawn by lot on 1 May 2022"
WEIGHTS = st.lists(st.floats(0.01, 100), min_size=1, max_size=30)


def frame_of(size: int, stratum: str = "shop") -> Frame:
    return Frame(tuple(f"u{n:03d}" for n in range(size)), (stratum,) * size, tuple(1.0 + n for n in range(size)))


def chances(probabilities: np.ndarray) -> tuple[np.ndarray, dict[frozenset[int], float]]:
    """Exact chance of each unit and of each set: every order, and between any two starts where the answer changes."""
    units, sets = np.zeros(probabilities.size), dict[frozenset[int], float]()
    orders = list(permutations(range(probabilities.size)))
    for order in orders:
        rank = np.argsort(order).astype(float)
        breaks = np.unique(np.r_[0, np.cumsum(probabilities[list(order)]) % 1, 1])
        for low, high in pairwise(breaks):
            drawn = randomised_systematic(probabilities, rank, (low + high) / 2)
            units[drawn] += (high - low) / len(orders)
            key = frozenset(drawn.tolist())
            sets[key] = sets.get(key, 0.0) + (high - low) / len(orders)
    return units, sets


@pytest.mark.parametrize(("weights", "size"), [([1, 2, 3, 4, 5], 2), ([1, 1, 1, 9], 2), ([0.3, 5, 5, 5, 0.1, 2], 3)])
def test_each_unit_has_exactly_its_probability(weights: list[float], size: int) -> None:
    wanted = inclusion_probabilities(np.array(weights), size)
    units, sets = chances(wanted)
    np.testing.assert_allclose(units, wanted, atol=1e-12)
    assert {len(s) for s, chance in sets.items() if chance > 1e-12} == {size}


def test_equal_weights_are_simple_random_sampling() -> None:
    _, sets = chances(np.full(5, 0.4))
    assert {k: round(v, 12) for k, v in sets.items() if v > 1e-12} == {frozenset(c): 0.1 for c in combinations(range(5), 2)}


def test_drawn_shares_over_many_seeds_lie_within_binomial_intervals() -> None:
    frame, design, runs = frame_of(8), [StratumDesign("shop", 3, 1, True)], 3000
    wanted = inclusion_probabilities(np.clip(frame.risk, 0.25, 4), 3)
    seen = np.zeros(8)
    for n in range(runs):
        for unit in draw_sample(frame, design, f"{SEED} no {n}").units:
            seen[int(unit.unit[1:])] += not unit.is_reserve
    for count, chance in zip(seen, wanted, strict=True):
        low, high = clopper_pearson(count, runs, 1 - 1e-6)
        assert low <= chance <= high


@given(WEIGHTS, st.data())
def test_probabilities_add_up_and_keep_the_order_of_the_weights(weights: list[float], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(weights)))
    found = inclusion_probabilities(np.array(weights), size)
    assert found.sum() == pytest.approx(size) and (found > 0).all() and (found <= 1).all()
    assert (np.diff(found[np.argsort(weights)]) >= -1e-12).all()


@given(st.permutations(range(12)))
def test_the_order_of_the_rows_changes_nothing(order: list[int]) -> None:
    frame, design = frame_of(12), [StratumDesign("shop", 4, 3, True)]
    shuffled = Frame(*(tuple(part[n] for n in order) for part in (frame.units, frame.strata, frame.risk)))
    assert frame_digest(shuffled) == frame_digest(frame)
    assert draw_sample(shuffled, design, SEED) == draw_sample(frame, design, SEED)


def test_sample_and_reserve_never_overlap_and_strata_get_their_sizes() -> None:
    a, b = frame_of(20), frame_of(10, "stall")
    frame = Frame((*a.units, *(f"s{u}" for u in b.units)), a.strata + b.strata, a.risk + b.risk)
    found = draw_sample(frame, [StratumDesign("stall", 4, 6), StratumDesign("shop", 5, 2, True)], SEED).units
    assert len({u.unit for u in found}) == len(found) == 17
    assert [(u.stratum, u.is_reserve, u.order) for u in found] == [
        (name, reserve, n)
        for name, sizes in (("shop", (5, 2)), ("stall", (4, 6)))
        for reserve, size in zip((False, True), sizes, strict=True)
        for n in range(1, size + 1)
    ]


def test_seed_frame_and_design_each_change_draw_and_digest() -> None:
    frame, design = frame_of(60), [StratumDesign("shop", 10)]
    first = [u.unit for u in draw_sample(frame, design, SEED).units]
    other = replace(frame, risk=(2.0, *frame.risk[1:]))
    assert frame_digest(other) != frame_digest(frame)
    assert design_digest([StratumDesign("shop", 10, 1)]) != design_digest(design)
    assert seed_commitment(SEED + "!") != seed_commitment(SEED)
    again = [
        draw_sample(other, design, SEED),
        draw_sample(frame, [StratumDesign("shop", 10, 1)], SEED),
        draw_sample(frame, design, SEED + "!"),
    ]
    assert all([u.unit for u in d.units if not u.is_reserve] != first for d in again)


def test_a_start_just_below_one_still_draws_the_full_size() -> None:
    """With decimals 1 + 0.9999999999999999 was 2 and fell past the last unit."""
    drawn = randomised_systematic(np.array([1, 1 / 3, 1 / 3, 1 / 3]), np.arange(4.0), np.nextafter(1, 0))
    assert drawn.tolist() == [0, 3]


def test_a_weight_above_certainty_is_taken_and_said() -> None:
    frame = Frame(("a", "b", "c", "d"), ("x",) * 4, (100.0, 1.0, 1.0, 1.0))
    found = draw_sample(frame, [StratumDesign("x", 2, by_risk=True, cap=100)], SEED)
    assert found.certain == ("a",)
    assert sorted(u.probability for u in found.units) == pytest.approx([1 / 3, 1])


@pytest.mark.parametrize(
    ("design", "seed", "said"),
    [
        ([StratumDesign("shop", 5, 2)], SEED, "has 6 units; 5 to draw and 2 in reserve"),
        ([StratumDesign("shop", 2), StratumDesign("empty", 1)], SEED, "'empty' has 0 units"),
        ([StratumDesign("other", 2)], SEED, "does not know: shop"),
        ([StratumDesign("shop", 2)] * 2, SEED, "stands twice"),
        ([StratumDesign("shop", 2)], "short", "needs 16"),
    ],
)
def test_what_cannot_be_drawn_is_refused(design: list[StratumDesign], seed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw_sample(frame_of(6), design, seed)


@pytest.mark.parametrize(("units", "risk", "said"), [(("a", "a"), (1.0, 1.0), "'a' stands more"), (("a", "b"), (1.0, -1.0), "unit 'b'")])
def test_a_frame_names_its_fault(units: tuple[str, ...], risk: tuple[float, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Frame(units, ("x", "x"), risk)
