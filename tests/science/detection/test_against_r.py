"""Every row of R surveillance 1.20.3: 16 real series, 15 methods, every variant; bounds (or statistics), alarms, expected values, scores."""

import csv

import numpy as np
import pytest

from tests.science.detection.reference import DATA, R_METHODS, Reference, references, series
from tongchou.science.detection.catalogue import METHODS, params_of
from tongchou.science.detection.charts import BinomialCusumParams, binomial_cusum, binomial_sums
from tongchou.science.detection.series import Calendar

ROWS = {
    "bayes1": 2645, "bayes2": 2645, "bayes3": 2645, "cusum": 5482, "earsC1": 8586, "earsC2": 8522, "earsC3": 8458, "farrington": 3114,
    "farringtonFlexible": 6148, "glrnb": 2636, "glrpois": 2741, "outbreakP": 2741, "rki1": 2645, "rki2": 2645, "rki3": 2645,
}  # fmt: skip
TOLERANCE = {
    "farrington": 1e-6,
    "farringtonFlexible": 1e-6,
    "bayes1": 0.0,
    "bayes2": 0.0,
    "bayes3": 0.0,
}  # of the others: 1e-8, relative above 1


def test_every_method_of_the_reference_is_compared_on_all_its_rows() -> None:
    assert {m: sum(len(r.weeks) for r in references(m)) for m in R_METHODS} == ROWS


@pytest.mark.parametrize(
    "reference", [r for m in R_METHODS for r in references(m)], ids=lambda r: f"{r.method}-{r.series}-{r.variant[:24]}"
)
def test_bounds_alarms_and_expected_values_equal_r(reference: Reference) -> None:
    counts, first_day = series(reference.series)
    method = METHODS[reference.method]
    result = method.detect(counts, params_of(reference.method, [reference.variant]), Calendar(first_day=first_day))
    bound = getattr(result, method.shown_as_bound)[reference.weeks]
    if method.without_bound is not None:
        bound = np.where(np.isnan(bound), method.without_bound, bound)
    tolerance = TOLERANCE.get(reference.method, 1e-8)
    if "nbPlugin" in reference.variant or "muan" in reference.variant:
        tolerance = 0.0
    np.testing.assert_allclose(bound, reference.upper, rtol=tolerance, atol=tolerance)
    undefined = np.isnan(reference.alarm)
    np.testing.assert_array_equal(np.isnan(result.score[reference.weeks]), undefined)
    np.testing.assert_array_equal(result.alarm[reference.weeks], reference.alarm == 1)
    for ours, theirs in ((result.expected, reference.expected), (result.score, reference.score)):
        given = ~np.isnan(theirs)
        np.testing.assert_allclose(ours[reference.weeks][given], theirs[given], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("odds_ratio", [1.5, 2.0])
def test_the_binomial_cusum_equals_r(odds_ratio: float) -> None:
    with (DATA / "reference_r" / "binomial_cusum_abattoir.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["odds_ratio"]) == odds_ratio]
    weeks = np.array([int(row["t"]) - 1 for row in rows])
    assert len(weeks) == 67
    theirs = {c: np.array([float(row[c]) for row in rows]) for c in ("positives", "samples", "p0", "p1", "statistic", "alarm")}
    with (DATA / "surveillance_series" / "abattoir.csv").open() as file:
        whole = [(float(row["observed"]), float(row["population"])) for row in csv.DictReader(file)]
    positives, samples = (np.array(column) for column in zip(*whole, strict=True))
    result = binomial_cusum(positives, BinomialCusumParams(odds_ratio=odds_ratio), samples=samples)
    np.testing.assert_allclose(result.score[weeks], theirs["statistic"], rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(result.alarm[weeks], theirs["alarm"] == 1)
    np.testing.assert_allclose(result.expected[weeks], theirs["samples"] * theirs["p0"], rtol=1e-8)
    sums = binomial_sums(theirs["positives"], theirs["samples"], theirs["p0"], theirs["p1"], 3.0)
    np.testing.assert_allclose(sums, theirs["statistic"], rtol=1e-8, atol=1e-8)
