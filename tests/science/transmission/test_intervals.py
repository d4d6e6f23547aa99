"""Intervals from spans: the closed form against brute force and EpiEstim's own, and truths that come back from simulated pairs."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.stats import gamma

from tongchou.science import estimate_interval, gamma_serial_interval
from tongchou.science.transmission.intervals import pair_chances


@pytest.mark.parametrize(("p", "q", "c", "d"), [(0, 1, 3, 4), (0, 3, 2, 5), (1, 2, 1, 2), (0, 4, 1, 2)])
def test_the_closed_form_is_the_double_integral(p: float, q: float, c: float, d: float) -> None:
    mean, sd = 3.5, 2.4
    law = gamma((mean / sd) ** 2, scale=sd**2 / mean)
    inside, _ = dblquad(lambda s, e: law.pdf(s - e) if s > e else 0.0, p, q, c, d, epsabs=1e-7)
    (found,) = pair_chances(*(np.array([float(x)]) for x in (p, q, c, d)), mean, sd)
    assert found == pytest.approx(inside / ((q - p) * (d - c)), abs=2e-5)


def test_days_known_exactly_give_the_discretised_interval_of_epiestim() -> None:
    """EpiEstim shifts its Gamma by one day: k days there are k - 1 here."""
    k = np.arange(30, dtype=float)
    zero = np.zeros(30)
    found = pair_chances(zero, zero + 1, k, k + 1, 3.5, 2.4)
    assert found == pytest.approx(gamma_serial_interval(4.5, 2.4).probabilities[1:31], abs=1e-9)


def test_the_truth_comes_back_from_many_pairs_with_wide_spans() -> None:
    random = np.random.default_rng(20220602)
    shape, scale = (4.7 / 2.9) ** 2, 2.9**2 / 4.7
    infected = random.uniform(0, 30, 4000)
    fell_ill = infected + random.gamma(shape, scale, 4000)
    first = [(x - (phase := random.integers(0, 3, 4000))) // 3 * 3 + phase for x in (infected, fell_ill)]
    infector, infectee = (np.stack([x, x + 2], axis=1) for x in first)
    found = estimate_interval(infector, infectee)
    assert found.mean_low < 4.7 < found.mean_high and found.sd_low < 2.9 < found.sd_high
    assert found.mean_high - found.mean_low < 0.4 and found.pairs == 4000


def test_the_interval_covers_as_often_as_it_says() -> None:
    random, inside, runs = np.random.default_rng(7), 0, 60
    for _ in range(runs):
        infected = random.uniform(0, 30, 60)
        fell_ill = infected + random.gamma(4.0, 1.0, 60)
        found = estimate_interval(np.floor(infected), np.floor(fell_ill))
        inside += found.mean_low < 4.0 < found.mean_high
    # Binomial(60, .95): at most 52 would come up with a chance below 1 in 100.
    assert inside >= 52


@pytest.mark.parametrize(
    ("infector", "infectee", "said"),
    [
        ([0] * 4, [1] * 4, "at least 5"),
        ([5] * 5, [1] * 5, "pair 1"),
        ([[1, 0]] * 5, [3] * 5, "before the first"),
        ([float("nan")] * 5, [3] * 5, "none missing"),
    ],
    ids=["few", "reversed", "backwards", "missing"],
)
def test_wrong_input_is_named(infector: object, infectee: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        estimate_interval(infector, infectee)  # type: ignore[arg-type]
