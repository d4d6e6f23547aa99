"""The catalogue's detectors in the benchmark say what they say in the catalogue."""

import numpy as np
import pytest

from tongchou.science.detection.catalogue import METHODS, params_of
from tongchou.science.evaluation.classical import CHART_METHODS, REFERENCE_METHODS, chart_rows, farrington_original_rows, reference_rows
from tongchou.science.evaluation.design import CURRENT, simulate
from tongchou.science.evaluation.families import FAMILIES

DRAWN = simulate(51, 1).counts[::3]


def test_every_method_of_the_catalogue_takes_part_but_the_one_that_needs_samples() -> None:
    names = {name for family in FAMILIES.values() for name in family(DRAWN[:1], CURRENT)}
    assert set(METHODS) - names == {"binomialCusum"}
    assert set(REFERENCE_METHODS) | set(CHART_METHODS) <= names


@pytest.mark.parametrize("name", [*REFERENCE_METHODS, "farrington"])
def test_nominal_alarms_are_those_of_the_catalogue(name: str) -> None:
    rows = farrington_original_rows(DRAWN, CURRENT) if name == "farrington" else reference_rows(DRAWN, CURRENT)
    settings = ["alpha=0.01"] if hasattr(METHODS[name].default, "alpha") else []
    whole = METHODS[name].detect(DRAWN, params_of(name, settings))
    np.testing.assert_array_equal(rows[name].nominal, whole.alarm[:, CURRENT])


@pytest.mark.parametrize("name", [*REFERENCE_METHODS, *CHART_METHODS, "farrington"])
def test_nominal_alarms_are_those_above_a_line_of_the_score(name: str) -> None:
    """Where a detector's own bound is drawn, its score orders the weeks as the bound does: silent ones not above the alarmed ones."""
    rows = {**farrington_original_rows(DRAWN, CURRENT), **reference_rows(DRAWN, CURRENT), **chart_rows(DRAWN, CURRENT)}
    verdict = rows[name]
    loud, silent = verdict.score[verdict.nominal], verdict.score[~verdict.nominal & ~np.isnan(verdict.score)]
    assert len(silent)
    if len(loud):
        # Counts are whole: where a bound falls between two of them a tail may lie either side of its level (mid-p), never far.
        assert np.quantile(loud, 0.05) > np.quantile(silent, 0.9)


def test_a_chart_learns_before_the_judged_weeks_only() -> None:
    changed = DRAWN.copy()
    changed[:, CURRENT[10] :] += 30
    before, after = chart_rows(DRAWN, CURRENT), chart_rows(changed, CURRENT)
    for name in CHART_METHODS:
        np.testing.assert_array_equal(before[name].score[:, :10], after[name].score[:, :10])
