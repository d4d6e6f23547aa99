"""Space-time CUSUM and Knox's test equal R `surveillance` on the Hagelloch measles of 1861."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.localisation.knox import knox_test
from tongchou.science.localisation.space_time_cusum import SpaceTimeCusumParams, space_time_cusum

DATA = Path(__file__).parents[2] / "data/reference_r"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


POINTS = np.array([[float(r["x"]), float(r["y"])] for r in rows("stcd_hagelloch_points")])
TIMES = np.array([float(r["t"]) for r in rows("stcd_hagelloch_points")])
CUSUMS = rows("stcd_hagelloch")


@pytest.mark.parametrize(("radius", "excess"), [(25, 0.5), (25, 1.0), (50, 0.5), (50, 1.0)])
def test_the_cusum_equals_r_after_every_case(radius: float, excess: float) -> None:
    theirs = [r for r in CUSUMS if (float(r["radius"]), float(r["epsilon"])) == (radius, excess)]
    found = space_time_cusum(POINTS, TIMES, SpaceTimeCusumParams(radius, float(theirs[0]["threshold"]), excess))
    assert len(theirs) == 188
    np.testing.assert_allclose(found.statistic, [float(r["R"]) for r in theirs], rtol=1e-12)
    assert (found.alarm_case, found.first_case) == (int(theirs[0]["idxFA"]) - 1, int(theirs[0]["idxCC"]) - 1)
    assert found.cluster_cases[0] == found.first_case


@pytest.mark.parametrize("theirs", rows("knox_hagelloch"), ids=lambda r: f"{r['eps.t']}-{r['eps.s']}")
def test_knox_equals_r(theirs: dict[str, str]) -> None:
    found = knox_test(POINTS, TIMES, near_distance=float(theirs["eps.s"]), near_time=float(theirs["eps.t"]), replicates=199, seed=1)
    assert found.pairs == int(theirs["statistic"])
    assert found.expected == pytest.approx(float(theirs["expected"]), rel=1e-12)
    assert found.p_beyond == pytest.approx(float(theirs["p.value"]), rel=1e-9)
    assert found.p_value > found.p_beyond
    assert found.p_permuted is not None
    assert 1 / 200 <= found.p_permuted <= 1


def plain_cusum(points: np.ndarray, radius: float, excess: float) -> list[float]:
    """Straight from the formula: every cylinder counted anew after every case."""
    sums = []
    for n in range(1, len(points) + 1):
        terms = []
        for k in range(n):
            near = [math.dist(points[k], points[i]) < radius for i in range(n)]
            terms.append((1 + excess) ** sum(near[k:]) * math.exp(-excess * sum(near) * (n - k) / n))
        sums.append(sum(terms))
    return sums


@given(seed=st.integers(0, 9999), radius=st.floats(0.1, 20), excess=st.floats(0.1, 3))
@settings(max_examples=25, deadline=None)
def test_the_cusum_equals_the_plain_formula_and_knows_no_future(seed: int, radius: float, excess: float) -> None:
    points = np.random.default_rng(seed).uniform(0, 10, (25, 2)).round(1)
    found = space_time_cusum(points, np.arange(25.0), SpaceTimeCusumParams(radius, 100.0, excess))
    np.testing.assert_allclose(found.statistic, plain_cusum(points, radius, excess), rtol=1e-9)
    early = space_time_cusum(points[:15], np.arange(15.0), SpaceTimeCusumParams(radius, 100.0, excess))
    np.testing.assert_array_equal(early.log_statistic, found.log_statistic[:15])


def test_a_cluster_of_thousands_overflows_nothing() -> None:
    points = np.vstack([np.random.default_rng(1).uniform(0, 1000, (500, 2)), np.full((2500, 2), 5000.0)])
    found = space_time_cusum(points, np.arange(3000.0), SpaceTimeCusumParams(10.0, 1e12, 1.0))
    assert np.isfinite(found.log_statistic).all()
    assert found.first_case is not None
    assert found.first_case >= 500  # (1 + 1)^2500 alone would be beyond a float


def test_shuffled_times_are_near_no_oftener_than_chance_says() -> None:
    rng = np.random.default_rng(5)
    p = [
        knox_test(rng.uniform(0, 9, (25, 2)), rng.uniform(0, 30, 25), near_distance=2, near_time=4, replicates=39, seed=s).p_permuted
        for s in range(300)
    ]
    assert sum(v <= 0.1 for v in p if v is not None) <= 51  # 99.99 % quantile of Binomial(300, .1)


def test_no_case_and_bad_cases() -> None:
    empty = space_time_cusum(np.empty((0, 2)), [], SpaceTimeCusumParams(1.0, 100.0))
    assert (len(empty.statistic), empty.alarm_case) == (0, None)
    with pytest.raises(ValueError, match="case 2 is earlier"):
        space_time_cusum(POINTS[:3], [1, 2, 1], SpaceTimeCusumParams(1.0, 100.0))
    with pytest.raises(ValueError, match="leave cases without"):
        space_time_cusum([[0, np.nan]], [1], SpaceTimeCusumParams(1.0, 100.0))
    with pytest.raises(ValueError, match="positive"):
        SpaceTimeCusumParams(0.0, 100.0)
    with pytest.raises(ValueError, match="at least two"):
        knox_test([[0, 0]], [1], near_distance=1, near_time=1)
    with pytest.raises(ValueError, match="not negative"):
        knox_test(POINTS, TIMES, near_distance=-1, near_time=1)
