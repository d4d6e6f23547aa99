"""The three risks: parts that add up, monotone, zero without cause, order does not matter, interval, hand-computed cases."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.risk.model import Estimate, Flow, Gathering, Origin, Risk, RiskParams, Village
from tongchou.science.risk.scores import gathering_risk, imported_risk, mobility_risk, score_of


@st.composite
def estimates(draw: st.DrawFn, most: float, least: float = 0.0) -> Estimate:
    low, value, high = sorted(draw(st.lists(st.floats(least, most), min_size=3, max_size=3)))
    return Estimate(value, low, high)


@st.composite
def origins(draw: st.DrawFn) -> list[Origin]:
    return [
        Origin(f"o{i}", draw(estimates(2000)), draw(estimates(300)), draw(estimates(1, 0.05)), draw(estimates(1)))
        for i in range(draw(st.integers(1, 8)))
    ]


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[Village], list[Flow]]:
    villages = [Village(f"v{i}", draw(st.floats(100, 9000)), draw(estimates(30))) for i in range(5)]
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda p: p[0] != p[1]), max_size=8, unique=True))
    return villages, [Flow(f"v{a}", f"v{b}", draw(estimates(900))) for a, b in pairs]


@st.composite
def meetings(draw: st.DrawFn) -> list[Gathering]:
    return [
        Gathering(
            f"g{i}",
            draw(estimates(3000)),
            draw(st.floats(0, 14)),
            draw(st.floats(0, 12)),
            draw(estimates(20)),
            draw(estimates(0.01)),
            draw(estimates(1)),
        )
        for i in range(draw(st.integers(1, 8)))
    ]


def check(risk: Risk) -> None:
    """What holds of every risk: exact parts, bounds, order of the ends."""
    assert sum((p.points for p in risk.parts), Decimal(0)) == risk.score
    assert math.fsum(p.expected for p in risk.parts) == risk.expected
    assert all(0 <= p.points <= risk.score for p in risk.parts)
    assert 0 <= risk.low <= risk.score <= risk.high <= 100
    assert risk.expected_low <= risk.expected * (1 + 1e-12)
    assert risk.expected <= risk.expected_high * (1 + 1e-12)
    if risk.expected > 0:
        assert all(abs(float(p.points) - float(risk.score) * p.expected / risk.expected) <= 0.1 + 1e-9 for p in risk.parts)


@given(causes=origins(), town=towns(), met=meetings())
@settings(max_examples=80, deadline=None)
def test_parts_add_up_exactly_and_ends_are_in_order(
    causes: list[Origin], town: tuple[list[Village], list[Flow]], met: list[Gathering]
) -> None:
    for risk in (imported_risk(causes), mobility_risk(*town), gathering_risk(met)):
        check(risk)


@given(causes=origins(), town=towns(), met=meetings(), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_the_order_of_causes_does_not_matter(causes, town, met, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def shuffled(items: list) -> list:
        return [items[i] for i in rng.permutation(len(items))]

    assert imported_risk(shuffled(causes)) == imported_risk(causes)
    assert mobility_risk(shuffled(town[0]), shuffled(town[1])) == mobility_risk(*town)
    assert gathering_risk(shuffled(met)) == gathering_risk(met)


def more(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.ends[0] * factor, estimate.ends[1] * factor)


@given(causes=origins(), town=towns(), met=meetings(), factor=st.floats(1, 3))
@settings(max_examples=50, deadline=None)
def test_more_of_a_cause_never_lowers_the_risk(causes, town, met, factor: float) -> None:
    before = imported_risk(causes)
    first, rest = causes[0], causes[1:]
    for field in ("arrivals_per_day", "reported_per_100k_day"):
        assert imported_risk([replace(first, **{field: more(getattr(first, field), factor)}), *rest]).score >= before.score
    for field in ("ascertainment", "stopped"):  # less reported for the same infections, fewer stopped
        assert imported_risk([replace(first, **{field: more(getattr(first, field), 1 / factor)}), *rest]).score >= before.score
    villages, flows = town
    ill = [replace(v, infectious=more(v.infectious, factor)) for v in villages]
    assert mobility_risk(ill, flows).score >= mobility_risk(villages, flows).score
    busier = [replace(f, people_per_day=more(f.people_per_day, factor)) for f in flows]
    assert mobility_risk(villages, busier).score >= mobility_risk(villages, flows).score
    fuller = [replace(g, people=more(g.people, factor), infectious_share=more(g.infectious_share, factor)) for g in met]
    assert gathering_risk(fuller).score >= gathering_risk(met).score
    worse = RiskParams(reproduction_number=more(RiskParams().reproduction_number, factor))
    assert gathering_risk(met, worse).score >= gathering_risk(met).score


def test_no_cause_is_no_risk() -> None:
    zero, some = Estimate(0), Estimate(0.5)
    none = (
        imported_risk([]),
        imported_risk([Origin("a", Estimate(500), zero, some, zero), Origin("b", Estimate(500), Estimate(9), some, Estimate(1))]),
        mobility_risk([Village("a", 100, zero), Village("b", 100, zero)], [Flow("a", "b", Estimate(50))]),
        gathering_risk([Gathering("g", Estimate(500), 7, 3, Estimate(5), zero, zero)]),
    )
    for risk in none:
        assert (risk.score, risk.low, risk.high, risk.expected) == (0, 0, 0, 0)
        assert all(p.points == 0 for p in risk.parts)


def test_each_risk_equals_its_formula_worked_by_hand() -> None:
    # 200 a day x (5 reported / 100,000 x 5 days / .5) x (1 - .6) x 7 days = .28; 1 - e^-.28 = 24.4 %.
    risk = imported_risk([Origin("city", Estimate(200), Estimate(5), Estimate(0.5), Estimate(0.6))])
    assert risk.expected == pytest.approx(0.28)
    assert risk.score == Decimal("24.4")
    # 400 a day x .25 away x (2.5 / 5) x (6 + 3)/3000 x 7 days = 1.05.
    villages = [Village("a", 3000, Estimate(6)), Village("b", 3000, Estimate(3))]
    assert mobility_risk(villages, [Flow("a", "b", Estimate(400))]).expected == pytest.approx(1.05)
    # 300 people x 7 sessions x (1 - exp(-.0005 x 1.5 x 4 x 2.5 / (5 x 18.8))).
    risk = gathering_risk([Gathering("market", Estimate(300), 7, 1.5, Estimate(4), Estimate(0.0005), Estimate(0))])
    assert risk.expected == pytest.approx(2100 * (1 - math.exp(-0.003 * 2.5 / 94)))


def test_the_score_is_the_chance_of_at_least_one() -> None:
    draws = np.random.default_rng(1).poisson(0.9, 200_000)
    assert float(score_of(0.9)) == pytest.approx(100 * (draws > 0).mean(), abs=0.5)
    assert (score_of(0), score_of(1e-9), score_of(50)) == (Decimal(0), Decimal(0), Decimal(100))


def test_the_interval_is_that_of_the_inputs() -> None:
    sure = Origin("a", Estimate(100), Estimate(4), Estimate(0.5), Estimate(0.5))
    risk = imported_risk([sure])
    assert risk.low == risk.score == risk.high
    vague = imported_risk([replace(sure, ascertainment=Estimate(0.5, 0.2, 0.8))])
    assert vague.low < risk.score < vague.high
    assert vague.low == imported_risk([replace(sure, ascertainment=Estimate(0.8))]).score


def test_equal_causes_get_equal_parts_to_a_tenth() -> None:
    city = Origin("a", Estimate(100), Estimate(4), Estimate(0.5), Estimate(0.5))
    points = [p.points for p in imported_risk([replace(city, name=n) for n in "abcdefg"]).parts]
    assert max(points) - min(points) <= Decimal("0.1")


def test_bad_input_is_refused_with_what_and_where() -> None:
    half = Estimate(0.5)
    with pytest.raises(ValueError, match="0 <= low <= value <= high"):
        Estimate(1, 2, 3)
    with pytest.raises(ValueError, match="finite"):
        Estimate(math.nan)
    with pytest.raises(ValueError, match="city: ascertainment is a share"):
        Origin("city", half, half, Estimate(0), half)
    with pytest.raises(ValueError, match="two origins have the name 'city'"):
        imported_risk([Origin("city", half, half, half, half)] * 2)
    with pytest.raises(ValueError, match="names village 'b', which is not among"):
        mobility_risk([Village("a", 10, half)], [Flow("a", "b", half)])
    with pytest.raises(ValueError, match="joins two villages"):
        Flow("a", "a", half)
    with pytest.raises(ValueError, match="no more infectious than residents"):
        Village("a", 10, Estimate(11))
    with pytest.raises(ValueError, match="hours in"):
        Gathering("g", half, 1, 25, half, half, half)
    with pytest.raises(ValueError, match="at least a day"):
        RiskParams(horizon_days=0)
    with pytest.raises(ValueError, match="finite and not negative"):
        score_of(-1)
