"""Hazards of coming back: against statsmodels, coverage in simulated towns, which way it errs; the share at work by evidence against plain counting."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tongchou.science import (
    HazardFitParams,
    Transition,
    chance_at_work,
    fit_hazard,
    forecast_recovery,
    working_share,
)

FLAT = HazardFitParams(level_sd=1e4, trend_sd=1e4, correlation_days=0)
COARSE = HazardFitParams(stayer_steps=20)  # as good here, and three times as fast
UNKNOWN = Transition(np.zeros(1), np.zeros(1), np.zeros(1, int))


def test_a_hazard_is_that_of_statsmodels() -> None:
    """Two stages, one trend within them: a binomial model with complementary log-log link, priors so wide that they say nothing."""
    rng = np.random.default_rng(3)
    stage, into = np.repeat([0, 1], 10), np.tile(np.arange(10), 2)
    at_risk = rng.integers(200, 900, 20)
    events = rng.binomial(at_risk, 1 - np.exp(-np.exp(np.where(stage, -2.0, -3.5) - 0.3 * into / 7)))
    design = np.stack([stage == 0, stage == 1, (into - 9) / 7], axis=1).astype(float)
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    theirs = sm.GLM(np.stack([events, at_risk - events], axis=1), design, family=family).fit(scale="X2")
    ours = fit_hazard(Transition(at_risk, events, stage), FLAT)
    assert (ours.level, ours.trend) == pytest.approx(theirs.params[1:], rel=1e-6)
    assert ours.dispersion == pytest.approx(max(1.0, theirs.scale), rel=1e-6)
    assert ours.covariance * theirs.scale / ours.dispersion == pytest.approx(theirs.cov_params()[1:, 1:], rel=1e-5)


def lived(rng: np.random.Generator, closed: int, days: int, hazard: float, spread: float) -> tuple[list[int], list[int]]:
    """A town's past: at risk and events of each day, the hazard of a day drawn around its mean."""
    at_risk, events = [], []
    for _ in range(days):
        at_risk.append(closed)
        events.append(int(rng.binomial(closed, rng.beta(hazard * spread, (1 - hazard) * spread))))
        closed -= events[-1]
    return at_risk, events


@pytest.mark.parametrize(
    ("days", "most_stayers", "least"), [(14, 0.0, 0.9), (10, 0.6, 0.9), (2, 0.6, 0.9)], ids=["all_come", "some_stay", "two_days"]
)
def test_nine_of_ten_intervals_hold_what_happens(days: int, most_stayers: float, least: float) -> None:
    """Towns whose days differ more than chance, some of whose firms never come: the 90 % interval of day 14, binomial limit of the count at 0.1 %."""
    towns, held = 40, 0
    for seed in range(towns):
        rng = np.random.default_rng(seed)
        stay = int(2000 * rng.uniform(0, most_stayers))
        at_risk, events = lived(rng, 2000 - stay, days + 14, float(rng.uniform(0.02, 0.2)), 60)
        seen = Transition(np.add(at_risk[:days], stay), events[:days], np.zeros(days, int))
        closed = at_risk[days] + stay
        found = forecast_recovery((closed, 2000 - closed, 0), seen, None, None, days=14, random=rng, draws=200, params=COARSE)
        held += found.at_work[0, -1] <= (2000 - stay - at_risk[-1] + events[-1]) / 2000 <= found.at_work[-1, -1]
    assert held >= binom.ppf(0.001, towns, least), f"{held} of {towns}"


def test_it_errs_low_across_an_opening() -> None:
    """Nobody may come for a fortnight but 1 % a day; then everybody may, and nothing in the counts foretold it."""
    rng = np.random.default_rng(5)
    at_risk, events = lived(rng, 2000, 14, 0.01, 300)
    found = forecast_recovery(
        (at_risk[-1] - events[-1], 2000 - at_risk[-1] + events[-1], 0),
        Transition(at_risk, events, np.zeros(14, int)),
        None,
        None,
        days=14,
        random=rng,
    )
    assert found.at_work[-1, -1] < 1 - 0.87 * 0.85**13


def test_more_stop_than_come_and_the_share_falls() -> None:
    stops = Transition(np.full(14, 800), np.full(14, 40), np.zeros(14, int))
    found = forecast_recovery((200, 500, 300), UNKNOWN, UNKNOWN, stops, days=14, random=np.random.default_rng(1))
    assert np.all(np.diff(found.at_work[2]) < 0) and np.all(np.diff(found.full[2]) < 0)
    # Nothing is known of coming back: the interval says so.
    assert found.at_work[-1, -1] - found.at_work[0, -1] > 0.05


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1)), min_size=1, max_size=20),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 20),
)
def test_shares_stay_shares_and_quantiles_rise(past: list[tuple[int, float]], working: int, full: int, days: int) -> None:
    at_risk = np.array([n for n, _ in past])
    seen = Transition(at_risk, np.floor(at_risk * [p for _, p in past]), np.arange(len(past)) // 7)
    found = forecast_recovery((5, working, full), seen, seen, seen, days=days, random=np.random.default_rng(1), draws=60, params=COARSE)
    for shares in (found.at_work, found.full):
        assert shares.shape == (5, days) and np.all((shares >= 0) & (shares <= 1)) and np.all(np.diff(shares, axis=0) >= 0)
    assert np.all(found.full[0] <= found.at_work[0] + 1e-12)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and those at risk"):
        fit_hazard(Transition([3], [4], [0]))
    with pytest.raises(ValueError, match="1 to 60 days"):
        forecast_recovery((1, 0, 0), UNKNOWN, UNKNOWN, UNKNOWN, days=61, random=np.random.default_rng(1))


@given(st.lists(st.one_of(st.just(float("nan")), st.floats(0, 3)), min_size=1, max_size=40))
def test_a_perfect_sign_is_a_plain_share(ratios: list[float]) -> None:
    known = [r for r in ratios if r == r]
    found = working_share(ratios, 0.5)
    assert found.seen == len(known)
    if known:
        share = sum(r >= 0.5 for r in known) / len(known)
        assert found.share == pytest.approx(share) and found.low is not None and found.high is not None
        assert found.low - 1e-12 <= share <= found.high + 1e-12


def test_the_share_behind_a_sign_that_misses_and_misleads() -> None:
    """Rogan and Gladen: 100 firms, 61 at work of which 80 % show it, 39 closed of which 10 % do."""
    shown = round(61 * 0.8 + 39 * 0.1)
    found = working_share([1.0] * shown + [0.0] * (100 - shown), 0.5, 0.8, 0.9)
    assert found.share == pytest.approx((shown / 100 - 0.1) / 0.7) and found.low is not None and found.high is not None
    assert found.low < 0.61 < found.high


def test_the_chance_at_work_is_that_of_counting() -> None:
    """A million firms, half at work, two signs: among those that show the first and not the second."""
    rng = np.random.default_rng(8)
    at_work = rng.random(1_000_000) < 0.5
    first = rng.random(at_work.size) < np.where(at_work, 0.9, 0.2)
    second = rng.random(at_work.size) < np.where(at_work, 0.7, 0.05)
    told = at_work[first & ~second].mean()
    assert chance_at_work([[1, 0]], [0.9, 0.7], [0.8, 0.95])[0] == pytest.approx(told, abs=0.004)
    with pytest.raises(ValueError, match="as many sensitivities"):
        chance_at_work([[1, 0]], [0.9], [0.8])
