"""The 42 scenarios equal the committed table; counts have the variance they promise; outbreaks lie where they should."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tongchou.science.evaluation.design import CURRENT, PUBLISHED_RANGES, SCENARIOS, SIZES, WEEKS, outbreak, simulate

TABLE = Path(__file__).parents[2] / "data" / "simulation_design" / "noufaily_2013_scenarios.csv"
RANGES = TABLE.with_name("bedubourg_2017_ranges.csv")


def test_every_scenario_equals_the_committed_table() -> None:
    rows = list(csv.DictReader(TABLE.open()))
    assert len(rows) == len(SCENARIOS) == 42
    t = np.arange(1, WEEKS + 1)
    for row, scenario in zip(rows, SCENARIOS, strict=True):
        p = scenario.parameters
        assert (int(row["parameter_set"]), int(row["m"]), row["trend"] == "1") == (
            scenario.set_number,
            scenario.harmonics,
            scenario.has_trend,
        )
        assert (p.theta, p.phi) == (float(row["theta"]), float(row["phi"]))
        season = sum(
            float(row["gamma1"]) * np.cos(2 * np.pi * j * t / 52) + float(row["gamma2"]) * np.sin(2 * np.pi * j * t / 52)
            for j in range(1, int(row["m"]) + 1)
        )
        np.testing.assert_allclose(scenario.mean(), np.exp(p.theta + float(row["beta"]) * t + season), rtol=1e-12)


def test_published_ranges_equal_the_committed_table() -> None:
    rows = {(row["measure"].lower(), row["which"].split()[0]): float(row["value"]) for row in csv.DictReader(RANGES.open())}
    named = {(name, end): value for name, ends in PUBLISHED_RANGES.items() for end, value in zip(("lowest", "highest"), ends, strict=True)}
    assert {key: value for key, value in named.items() if value is not None} == {k: v for k, v in rows.items() if k[0] != "npv"}


def test_counts_have_the_promised_mean_and_variance() -> None:
    """Training weeks (no outbreak) of every parameter set, standardised: mean 0 and variance 1 within five standard errors."""
    drawn = simulate(5, 30)
    z = (drawn.counts - drawn.mean)[:, :312] / np.sqrt(drawn.dispersion[:, None] * drawn.mean[:, :312])
    for number in range(7):
        part = z[drawn.scenario // 6 == number].ravel()
        assert abs(part.mean()) < 5 / np.sqrt(part.size)
        assert abs((part**2).mean() - 1) < 5 * np.sqrt((part**4).mean() / part.size)


def test_current_outbreaks_have_cases_and_begin_in_time() -> None:
    drawn = simulate(6, 4)
    assert drawn.added.shape == (168, len(SIZES), len(CURRENT))
    assert (drawn.added.sum(axis=-1) > 0).all()
    first = (drawn.added > 0).argmax(axis=-1)
    assert first.min() >= 0 and (CURRENT[0] + first.max()) < WEEKS
    # Weeks 576-619 hold the starts; the first case comes up to a few weeks later.
    assert np.bincount(np.minimum(first.ravel(), 48), minlength=49)[:44].min() > 0


def test_larger_outbreaks_have_more_cases_and_a_poisson_number_of_them() -> None:
    rng = np.random.default_rng(7)
    mean = np.full(WEEKS, 16.0)
    cases = np.array([outbreak(rng, mean, 1.0, 300, 5).sum() for _ in range(2000)])
    assert cases.mean() == pytest.approx(20, rel=0.03) and cases.var() == pytest.approx(20, rel=0.12)
    weeks = np.sum([outbreak(rng, mean, 1.0, 300, 5) for _ in range(500)], axis=0)
    assert weeks[:300].sum() == 0
    assert weeks[300:304] / weeks.sum() == pytest.approx([0.5, 0.417, 0.069, 0.011], abs=0.02)  # floor(LogNormal(0, .5))


def test_a_seed_repeats_and_more_series_leave_the_first_as_they_were() -> None:
    small, again, more, other = simulate(8, 2), simulate(8, 2), simulate(8, 3), simulate(9, 2)
    np.testing.assert_array_equal(small.counts, again.counts)
    np.testing.assert_array_equal(small.added.reshape(42, 2, -1), more.added.reshape(42, 3, -1)[:, :2])
    assert (small.counts != other.counts).any()


def test_with_outbreaks_differs_only_by_the_outbreaks() -> None:
    drawn = simulate(10, 1)
    both = drawn.with_outbreaks().reshape(42, len(SIZES), WEEKS)
    np.testing.assert_array_equal(both[:, 3, : CURRENT[0]], drawn.counts[:, : CURRENT[0]])
    np.testing.assert_array_equal(both[..., CURRENT] - drawn.counts[:, None, CURRENT], drawn.added)


@pytest.mark.parametrize(("seed", "series"), [(-1, 1), (1, 0)])
def test_an_impossible_size_is_refused(seed: int, series: int) -> None:
    with pytest.raises(ValueError, match="series_per_scenario from 1"):
        simulate(seed, series)
