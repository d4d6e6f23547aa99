"""EARS C2 equals R surveillance; missing values neither alarm nor count."""

import numpy as np
import pytest

from tests.science.detection.reference import Reference, references, series
from tongchou.science.detection.ears import EarsParams, ears_c2


@pytest.mark.parametrize("reference", references("earsC2"), ids=lambda r: f"{r.series}-{r.variant['alpha']}")
def test_bounds_and_alarms_equal_r(reference: Reference) -> None:
    counts, _ = series(reference.series)
    result = ears_c2(counts, EarsParams(alpha=float(reference.variant["alpha"])))
    np.testing.assert_allclose(result.upper[reference.weeks], reference.upper, rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(result.alarm[reference.weeks], reference.alarm)


def test_a_missing_day_neither_alarms_nor_enters_the_baseline() -> None:
    counts = np.array([2, 3, 2, 3, 2, 3, 2, 2, 2, 9, 2], dtype=float)
    gap = counts.copy()
    gap[3] = np.nan
    gap[9] = np.nan
    result = ears_c2(gap)
    assert not result.alarm[9]
    assert result.expected[10] == pytest.approx(np.nanmean(gap[1:8]))


def test_all_zero_series_do_not_alarm() -> None:
    result = ears_c2(np.zeros((3, 40)))
    assert not result.alarm.any()
    assert not np.isnan(result.upper[:, 9:]).any()


def test_an_impossible_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        EarsParams(alpha=0)
