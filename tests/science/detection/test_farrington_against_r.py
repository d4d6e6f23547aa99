"""Every bound and alarm of R surveillance 1.20.3 on 16 real series, four variants."""

import numpy as np
import pytest

from tests.science.detection.reference import Reference, references, series
from tongchou.science.detection.farrington import FarringtonParams, FarringtonResult, farrington_flexible


def params_of(variant: dict[str, str]) -> FarringtonParams:
    return FarringtonParams(
        years_back=int(variant["b"]),
        half_window=int(variant["w"]),
        periods=int(variant["noPeriods"]),
        past_weeks_left_out=int(variant["pastWeeksNotIncluded"]),
        weights_threshold=float(variant["weightsThreshold"]),
        trend_p=float(variant["pThresholdTrend"]),
        bound=variant["thresholdMethod"],  # type: ignore[arg-type]
        alpha=float(variant["alpha"]),
    )


def ours(reference: Reference) -> FarringtonResult:
    counts, first_day = series(reference.series)
    return farrington_flexible(counts, reference.weeks.tolist(), params_of(reference.variant), first_day)


@pytest.mark.parametrize(
    "reference", references("farringtonFlexible"), ids=lambda r: f"{r.series}-{r.variant['thresholdMethod']}{r.variant['noPeriods']}"
)
def test_bounds_and_alarms_equal_r(reference: Reference) -> None:
    result = ours(reference)
    upper = result.upper[0]
    np.testing.assert_array_equal(np.isnan(upper), np.isnan(reference.upper))
    np.testing.assert_array_equal(result.alarm[0], reference.alarm)
    given = ~np.isnan(reference.upper)
    if reference.variant["thresholdMethod"] == "delta":
        np.testing.assert_allclose(upper[given], reference.upper[given], rtol=1e-6)
    else:
        np.testing.assert_array_equal(upper[given], reference.upper[given])
