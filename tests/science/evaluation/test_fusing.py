"""The benchmark on real streams: what develops never sees what is held out, thresholds carry, seasons are taken out causally."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tongchou.science.detection.controller import ControllerParams
from tongchou.science.detection.model import History, Multiplicative
from tongchou.science.evaluation.carrying import BASES, carry, joined, thresholds
from tongchou.science.evaluation.combining import Evidence
from tongchou.science.evaluation.expected_growth import without_season
from tongchou.science.evaluation.fusing import DEVELOPMENT, EVERY, HELD_OUT, RealTarget, is_development, measure_target, pick_best
from tongchou.science.evaluation.onsets import (
    COVID19,
    Delays,
    Onset,
    OnsetGround,
    by_wave,
    count_false_alarms,
    delays,
    onset_ground,
    paired,
    part_of,
    settled,
)

WEEKS, PLACES = 160, 4
WAVES = (40, 92, 144)
FIRST = date(2022, 1, 2)


def _ground() -> OnsetGround:
    rate = np.zeros((PLACES, WEEKS))
    for begin in WAVES:
        rate[:, begin : begin + 8] = 5
    return settled(onset_ground(rate, [0] * WEEKS, 0, COVID19), COVID19)


def _target(seed: int = 1, best_from: int = 0) -> RealTarget:
    """Three streams of noise: "early" leads every wave by a week, "late" trails it; from `best_from` on they change their parts."""
    rng = np.random.default_rng(seed)
    log_evidence = rng.normal(-0.5, 0.7, (4, PLACES, WEEKS, 6, 3))
    for begin in WAVES:
        swapped = begin >= best_from > 0
        for k, lag in enumerate((2, -1, 1, -1) if swapped else (-1, 2, 1, -1)):
            log_evidence[k, :, begin + lag : begin + lag + 6] += 8
    evidence = Evidence(
        ("early", "late", "vague", "outside:early"), np.array([1.0, 1.0, 0.25, 1.0]), np.array([False, False, False, True]),
        log_evidence, np.full((4, PLACES, WEEKS), 0.5),
    )  # fmt: skip
    ground = _ground()
    weeks = tuple(FIRST + timedelta(weeks=w) for w in range(WEEKS))
    return RealTarget(
        "toy", evidence, None, OnsetGround(by_wave(ground.onsets), ground.window, ground.is_quiet), weeks, ("a", "b", "c", "d")
    )


def test_a_long_wave_needs_calm_before_it_and_the_undecided_end_is_not_judged() -> None:
    rate = np.zeros((1, 100))
    rate[0, :5] = 9  # runs when the data begin: no onset, and not quiet
    rate[0, 30:33] = 9  # too short
    rate[0, 60:80] = 9
    ground = onset_ground(rate, [0] * 100, 0, COVID19)
    assert [o.week for o in ground.onsets] == [60]
    assert not ground.is_quiet[0, :5].any() and ground.is_quiet[0, 30:40].all()
    end = settled(ground, COVID19).is_quiet[0]
    assert end[90] and not end[91:].any()  # an onset in week 95 would be known in week 100, and its window begins four weeks before
    unknown = onset_ground(np.where(np.arange(100) < 20, np.nan, rate), [0] * 100, 0, COVID19)
    assert not unknown.is_quiet[0, :20].any()


def test_a_part_keeps_its_onsets_and_quiet_weeks() -> None:
    ground = _target().ground
    assert [o.season for o in ground.onsets] == [1, 2, 3] * PLACES
    mask = np.zeros((PLACES, WEEKS), dtype=bool)
    mask[1:3, 60:] = True
    part = part_of(ground, mask)
    assert [(o.place, o.week) for o in part.onsets] == [(1, 92), (1, 144), (2, 92), (2, 144)]
    assert part.is_quiet.sum() == (ground.is_quiet & mask).sum()
    assert sorted(set(part.window.ravel().tolist())) == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize("per_year", [0.3, 0.5, 1.0, 2.7])
def test_a_coin_between_two_thresholds_makes_false_alarms_exactly_equal(per_year: float) -> None:
    ground = _target().ground
    score = np.random.default_rng(3).normal(size=ground.is_quiet.shape).round(1)
    found = delays("x", score, ground, per_year)
    assert found.false_alarms_per_year == pytest.approx(per_year)
    assert found.strict is not None and found.loose is not None
    np.testing.assert_allclose(found.days, (1 - found.loose_share) * found.strict + found.loose_share * found.loose)
    assert (found.loose <= found.strict).all()


def test_the_two_way_bootstrap_is_wider_than_one_over_onsets_when_waves_differ() -> None:
    onsets = [Onset(place, 0, wave) for place in range(12) for wave in (1, 2)]
    by_waves = Delays("x", 1.0, np.array([10.0 if o.season == 1 else 0.0 for o in onsets]))
    none = Delays("none", 1.0, np.zeros(len(onsets)))
    assert paired(by_waves, none, onsets) == pytest.approx((5, 0, 10))  # of two waves one is drawn twice half of the time
    by_places = Delays("x", 1.0, np.array([10.0 if o.place < 6 else 0.0 for o in onsets]))
    mean, low, high = paired(by_places, none, onsets)
    assert mean == 5 and 1.5 < low < 3.5 and 6.5 < high < 8.5  # binomial: 12 draws of one half


def test_the_best_stream_is_picked_on_the_development_part_alone() -> None:
    target = _target(best_from=100)  # in the held-out wave the other stream leads
    development = is_development(target, date(2024, 1, 1), ("d",))
    assert development[:3, :104].all() and not development[3].any() and not development[:, 105:].any()
    found = measure_target(target, development, (0.5,))
    assert found.best == "early"
    assert pick_best(target.evidence, found.grounds[HELD_OUT], (0.5,)) == "late"
    assert [len(found.grounds[p].onsets) for p in (DEVELOPMENT, HELD_OUT, EVERY)] == [6, 6, 12]
    assert found.row("best", DEVELOPMENT, 0.5).gap == (0, 0, 0)
    assert found.row("alone late", DEVELOPMENT, 0.5).gap[0] > 7
    assert all(r.delays.false_alarms_per_year == pytest.approx(r.rate) for r in found.rows if r.delays.method != "bestWeek")
    assert found.gain_on_average(DEVELOPMENT, 0.5) > 0
    name, behind = found.behind_hindsight(HELD_OUT, 0.5)
    fused, single = found.beside_each[HELD_OUT, 0.5, name]
    assert behind == fused - single == max(f - s for (part, _, _), (f, s) in found.beside_each.items() if part == HELD_OUT)


def test_changing_what_is_held_out_changes_nothing_on_the_development_part() -> None:
    target = _target()
    development = is_development(target, date(2024, 1, 1), ("d",))
    other = replace(target.evidence, log_evidence=np.where(development[..., None, None], target.evidence.log_evidence, 0.0))
    one, two = (measure_target(t, development, (1.0,)) for t in (target, replace(target, evidence=other)))
    for row in (r for r in one.rows if r.part == DEVELOPMENT):
        assert two.row(row.delays.method, DEVELOPMENT, 1.0).gap == row.gap


def test_a_carried_threshold_is_theory_or_more_and_the_ceiling_holds() -> None:
    ground, rng = _target().ground, np.random.default_rng(4)
    past = part_of(ground, np.broadcast_to(np.arange(WEEKS) < 80, ground.is_quiet.shape))
    later = part_of(ground, np.broadcast_to(np.arange(WEEKS) >= 80, ground.is_quiet.shape))
    score = rng.exponential(1, ground.is_quiet.shape)
    score[0, [5, 20]] = 40.0  # two very loud weeks of the past, where one is promised
    theory = np.log(52.18)
    lines = {basis: thresholds(score, past, 1.0, basis) for basis in BASES}
    assert lines["theory"] == pytest.approx(np.full(PLACES, theory))
    assert all((line >= theory - 1e-9).all() for line in lines.values())
    assert lines["own past"][0] > 30
    assert lines["own past, ceiling"].max() == pytest.approx(theory + ControllerParams().largest_log)
    assert len(set(lines["all places' past"].tolist())) == 1
    done = carry("x", score, past, later, 1.0, "theory")
    assert done.false_alarms == count_false_alarms(score, later, theory) and len(done.days) == len(later.onsets)
    assert done.ratio == pytest.approx(done.false_alarms / later.quiet_years)
    assert done.interval[0] <= done.ratio <= done.interval[1]
    twice = joined([done, done])
    assert twice.ratio == pytest.approx(done.ratio) and len(twice.days) == 2 * len(done.days)


def test_past_and_next_season_are_joined_over_the_years() -> None:
    found = measure_target(_target(), is_development(_target(), date(2024, 1, 1), ("d",)), (1.0,))
    later = next(c for c in found.carried if (c.method, c.basis) == ("fused", "own past"))
    assert len(later.days) == 2 * PLACES  # waves of autumn 2023 and 2024, each at thresholds of what came before


def _visits(values: np.ndarray) -> History:
    return History("visits", values, date(2018, 1, 1), 7, "rate", Multiplicative(), weight=0.25)


def test_the_season_is_taken_out_of_the_past_alone() -> None:
    rng = np.random.default_rng(5)
    season = np.exp(np.sin(2 * np.pi * np.arange(300) / 52) + rng.normal(0, 0.05, 300))
    long, at = _visits(season), 249
    day = long.last_day(at)
    flat = without_season(long, day).values[at - 20 : at + 1]
    assert np.ptp(np.log(flat)) < 0.5 * np.ptp(np.log(season[at - 20 : at + 1]))
    changed = season.copy()
    changed[at + 1 :] *= 50
    changed[at - 20 : at + 1] *= 3  # nor by what is to be judged
    again = without_season(_visits(changed), day).values[at - 20 : at + 1]
    np.testing.assert_allclose(again, 3 * flat)


def test_a_flat_short_or_gappy_stream_is_left_as_it_is_and_days_are_refused() -> None:
    for values in (np.full(200, 7.0), np.random.default_rng(6).uniform(1, 2, 40), np.where(np.arange(200) > 180, 3.0, np.nan)):
        np.testing.assert_allclose(without_season(_visits(values), _visits(values).last_day(len(values) - 1)).values, values)
    with pytest.raises(ValueError, match="takes weeks"):
        without_season(replace(_visits(np.ones(50)), step_days=1), date(2018, 2, 1))
