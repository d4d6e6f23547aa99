"""The benchmark itself: matched rates, paired differences, oracle rows, and the order of things that must hold on any seed."""

import numpy as np
import pytest

from tongchou.science.detection.seasonal import seasonal_baseline
from tongchou.science.evaluation.contenders import baseline_rows, surprise
from tongchou.science.evaluation.design import CURRENT, SCENARIOS, simulate
from tongchou.science.evaluation.families import FAMILIES
from tongchou.science.evaluation.weekly import ORACLE, difference, ground_of, joined, judge, measure

SEEDS = (31, 32)
CHOSEN = SCENARIOS[::4]


@pytest.fixture(scope="module")
def measured():
    ground = ground_of([simulate(seed, 1, CHOSEN) for seed in SEEDS])
    found = {}
    for family in (*FAMILIES, ORACLE):
        judged = [judge(seed, 1, family, CHOSEN) for seed in SEEDS]
        for name in judged[0]:
            found[name] = measure(name, joined([part[name] for part in judged]), ground, (0.01, 0.05))
    return ground, found


def test_every_rule_is_held_to_the_same_rate(measured) -> None:
    _, found = measured
    assert {"farringtonFlexible", "seasonal", "mixture", "level", "levelMixture", "oracleTail", "oracleMixture"} <= set(found)
    for name, rows in found.items():
        assert [row.rate for row in rows] == [None, 0.01, 0.05]
        for row in rows[1:]:
            assert row.values["fpr"] <= row.rate, name
        assert rows[2].values["fpr"] == pytest.approx(0.05, abs=0.002), name
        assert rows[1].values["pod"] < rows[2].values["pod"], name


def test_two_weeks_find_more_than_one_on_the_true_baseline_and_the_truth_beats_no_baseline(measured) -> None:
    ground, found = measured
    gap, error = difference(found["oracleMixture"][2], found["oracleTail"][2], "sensitivity", ground.scenario)
    assert gap > 2 * error > 0
    gap, error = difference(found["oracleTail"][2], found["level"][2], "pod", ground.scenario)
    assert gap > 2 * error > 0


def test_a_rule_beside_itself_differs_by_nothing(measured) -> None:
    ground, found = measured
    assert difference(found["mixture"][1], found["mixture"][1], "pod", ground.scenario) == (0.0, 0.0)


def test_weeks_before_an_outbreak_are_judged_as_without_it() -> None:
    drawn = simulate(33, 1)
    some = np.arange(0, 420, 37)
    for family in FAMILIES.values():
        with_outbreak = family(drawn.with_outbreaks()[some], CURRENT)
        without = family(np.repeat(drawn.counts, 10, axis=0)[some], CURRENT)
        first = (drawn.added.reshape(420, -1)[some] > 0).argmax(axis=1)
        for name, verdict in with_outbreak.items():
            for row, week in enumerate(first):
                np.testing.assert_array_equal(verdict.score[row, :week], without[name].score[row, :week])


def test_unusual_counts_do_not_tie_however_unusual() -> None:
    score = surprise(np.array([0.0, 1e3, 1e4, 1e5, np.nan]), np.full(5, 1.0), np.full(5, 1.0))
    assert (np.diff(score[:4]) > 0).all()
    assert np.isnan(score[4])


def test_a_baseline_gives_both_rules() -> None:
    drawn = simulate(34, 1)
    rows = baseline_rows(drawn.counts[:3], seasonal_baseline(drawn.counts[:3], [620, 621, 622]), "one", "two")
    assert rows["one"].score.shape == rows["two"].nominal.shape == (3, 2)
