"""The fourteen invariants of the science of the watch, one test per number, on the public interface.

Each docstring begins with the invariant. What stands elsewhere in more detail: plain oracles beside each detector's own tests, null calibration
of single methods in test_low_counts, test_seasonal, test_mixture, test_scan and test_e_values, hard series in test_every_detector and test_bad_input.
"""

import math
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.science.detection.towns import DAYS, FIRST, LAST, town
from tests.science.nowcasting.cases import simulated
from tongchou.science import (
    METHODS,
    Assessment,
    Baseline,
    Calendar,
    Detection,
    DetectionParams,
    ExactParams,
    GradeParams,
    HazardParams,
    History,
    LadderParams,
    ReportingTriangle,
    ScanParams,
    circular_zones,
    draw_counts,
    exact_poisson,
    gamma_serial_interval,
    knox_test,
    mixture_ratio,
    nowcast,
    plane_distances,
    replay,
    reproduction_number,
    reproduction_of_draws,
    screen,
    seasonal_baseline,
    space_time_scan,
)
from tongchou.science.detection.additive import day_effect
from tongchou.science.detection.grading import grade_of
from tongchou.science.detection.model import GRADES

DAILY = DetectionParams()
# Without it a count of one village is background of the others, by design (science of the day effect: number 13).
WITHOUT_DAY_EFFECT = DetectionParams(day_effect_variance=0.0)
DELAYS = np.array([0.3, 0.3, 0.2, 0.1, 0.06, 0.04])
SEEDS = st.integers(0, 10_000)
few = settings(max_examples=12, deadline=None)


def detect(name: str, counts: np.ndarray) -> Detection:
    """The method with its default parameters; ten million samples where it needs samples."""
    method = METHODS[name]
    extra: dict[str, Any] = {"samples": np.full(counts.shape, 1e7)} if method.needs_samples else {}
    return method.detect(counts, method.default, Calendar(), **extra)


def noisy(seed: int, steps: int = 330, mean: float = 6.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mu = mean * np.exp(0.4 * np.cos(2 * np.pi * np.arange(steps) / 52))
    return rng.negative_binomial(3.0, 3.0 / (3.0 + mu)).astype(float)


def known(mean: float, phi: float, shape: tuple[int, int]) -> Baseline:
    """The true background, given instead of estimated."""
    return Baseline(np.arange(shape[1]), np.full(shape, mean), np.zeros(shape), np.full(shape, phi), np.zeros(shape, np.int64))


def changed(histories: list[History], row: int, index: int, value: float) -> list[History]:
    values = histories[row].values.copy()
    values[index] = value
    return [replace(h, values=values) if i == row else h for i, h in enumerate(histories)]


def evidence_of_place(found: Assessment, place: str | None) -> float:
    return next(p.log_evidence for p in found.places if p.place == place)


@given(mean=st.floats(0.05, 30), phi=st.sampled_from([1.0, 1.3, 4.0]))
@few
def test_01_e_values(mean: float, phi: float) -> None:
    """1. e-values: mean <= 1 under the null, >= 0. Summed exactly over every count of the true background that can occur."""
    y = np.arange(0.0, 1500.0)
    law = stats.poisson(mean) if phi == 1 else stats.nbinom(mean / (phi - 1), 1 / phi)
    # Of a first week the score is log(weight e): nothing came before it.
    score = mixture_ratio(y[:, None], known(mean, phi, (len(y), 1))).score[:, 0]
    chance = law.pmf(y)
    e_values = np.exp(score[chance > 0]) / 0.6  # MixtureParams.weight_now
    assert (e_values >= 0).all()
    assert float(e_values @ chance[chance > 0]) == pytest.approx(1.0, abs=1e-6)


@given(seed=SEEDS, row=st.integers(0, 11), back=st.integers(1, 3), more=st.integers(1, 9))
@few
def test_02_more_cases_never_weigh_less(seed: int, row: int, back: int, more: int) -> None:
    """2. S_t and M_t do not fall when one count rises. The week is the current one: its background was made before it began."""
    histories = town(seed % 40)
    raised = changed(histories, row, DAYS - back, np.nan_to_num(histories[row].values[DAYS - back]) + more)
    before = changed(histories, row, DAYS - back, np.nan_to_num(histories[row].values[DAYS - back]))
    low, high = (screen(h, LAST, WITHOUT_DAY_EFFECT).assessment for h in (before, raised))
    assert high.statistic >= low.statistic - 1e-9
    assert high.outbreak_probability >= low.outbreak_probability - 1e-12
    place = histories[row].place
    with_effect = [evidence_of_place(screen(h, LAST, DAILY).assessment, place) for h in (before, raised)]
    assert with_effect[1] >= with_effect[0] - 1e-9
    counts = noisy(seed)
    more_now = counts.copy()
    more_now[-1] += more
    weekly = [mixture_ratio(c, seasonal_baseline(c, [328, 329])).score[0, 1] for c in (counts, more_now)]
    assert weekly[1] >= weekly[0] - 1e-9


@given(seed=SEEDS, row=st.integers(0, 11), back=st.integers(1, 3))
@few
def test_03_a_missing_cell_is_its_own_factor(seed: int, row: int, back: int) -> None:
    """3. A missing cell changes nothing but its own factor: other places bit for bit, its own place by the same amount whatever else is missing."""
    histories = town(seed % 40)
    gap = changed(histories, row, DAYS - back, math.nan)
    whole, missing = (screen(h, LAST, WITHOUT_DAY_EFFECT).scores for h in (histories, gap))
    for i, (a, b) in enumerate(zip(whole, missing, strict=True)):
        if i != row:
            np.testing.assert_array_equal(a.log_evidence, b.log_evidence)
    at = DAYS - 1 - back % 3  # another of the three newest days
    one, both = (screen(changed(h, row, at, math.nan), LAST, WITHOUT_DAY_EFFECT).scores[row] for h in (histories, gap))
    factor = whole[row].log_evidence - missing[row].log_evidence
    np.testing.assert_allclose(one.log_evidence - both.log_evidence, factor, atol=1e-9)


@given(seed=SEEDS, order=st.permutations(range(6)))
@few
def test_04_names_do_not_matter(seed: int, order: list[int]) -> None:
    """4. Village relabelling permutes the answer."""
    histories = town(seed % 40, seeded_in=seed % 6)
    turned = [histories[i] for i in order] + [histories[6 + i] for i in order]
    plain, found = (screen(h, LAST, DAILY).assessment for h in (histories, turned))
    assert found.statistic == pytest.approx(plain.statistic, rel=1e-9)
    assert found.leading_place == plain.leading_place
    for place in plain.places:
        assert evidence_of_place(found, place.place) == pytest.approx(place.log_evidence, rel=1e-8, abs=1e-8)


@given(seed=SEEDS, back=st.integers(1, 60))
@few
def test_05_the_future_changes_nothing(seed: int, back: int) -> None:
    """5. Causal: future data never change a past score."""
    histories, day = town(seed % 40, seeded_in=2), LAST - timedelta(days=back)
    cut = [replace(h, values=h.values[:-back]) for h in histories]
    scrambled = [replace(h, values=np.r_[h.values[:-back], np.random.default_rng(seed).integers(0, 99, back)]) for h in histories]
    then = [screen(h, day, DAILY) for h in (histories, cut, scrambled)]
    for again in then[1:]:
        for a, b in zip(then[0].scores, again.scores, strict=True):
            np.testing.assert_array_equal(a.log_evidence, b.log_evidence)
        assert again.assessment.statistic == then[0].assessment.statistic
    counts = noisy(seed)
    later = counts.copy()
    later[-back:] += 50
    for name in METHODS:
        a, b = detect(name, counts), detect(name, later)
        np.testing.assert_array_equal(a.alarm[:-back], b.alarm[:-back])
        np.testing.assert_array_equal(a.score[:-back], b.score[:-back])


@given(seed=SEEDS)
@settings(max_examples=6, deadline=None)
def test_06_a_higher_line_alarms_no_sooner(seed: int) -> None:
    """6. Doubling c never gives more alarms before the first restart."""
    histories = town(seed % 40, seeded_in=seed % 6, seeded_ago=30)
    seen: list[set[Any]] = []
    for alarms_per_year in (8.0, 4.0, 2.0):
        params = DetectionParams(alarms_per_year=alarms_per_year)
        found = replay(histories, LAST - timedelta(days=40), LAST, params, restarts=False)
        seen.append({day for day, _ in found.alarms})
    assert seen[0] >= seen[1] >= seen[2]
    firsts = [min(days, default=LAST + timedelta(days=1)) for days in seen]
    assert firsts == sorted(firsts)


@given(seed=SEEDS, mean=st.floats(0.02, 6), window=st.sampled_from([1, 4]), alpha=st.sampled_from([0.01, 0.05]))
@few
def test_07_p_values(seed: int, mean: float, window: int, alpha: float) -> None:
    """7. p-values in [0, 1], super-uniform: 4,000 independent null streams never pass alpha more often than its binomial interval allows."""
    counts = np.random.default_rng(seed).poisson(mean, (4000, 60)).astype(float)
    found = exact_poisson(counts, ExactParams(window_steps=window, alpha=alpha))
    assert int(found.alarm[:, -1].sum()) <= stats.binom.ppf(0.99999, 4000, alpha)
    mid = 10.0 ** -found.score[:, -1]
    assert ((mid >= 0) & (mid <= 1)).all()
    zones = circular_zones(plane_distances([[0, 0], [1, 0], [5, 5]]), [1, 1, 1])
    scanned = space_time_scan(counts[:3, :9], np.full((3, 9), mean), zones, ScanParams(replicates=19), seed=seed)
    assert all(c.p_value is not None and 0 < c.p_value <= 1 for c in scanned.clusters)


@pytest.mark.parametrize("name", METHODS)
@given(seed=SEEDS)
@settings(max_examples=3, deadline=None)
def test_08_a_batch_is_one_by_one(name: str, seed: int) -> None:
    """8. Batch = one by one, bit for bit: every detector of the catalogue, the seasonal mixture, and streams scored together."""
    batch = np.stack([noisy(seed + s) for s in range(9)])
    batch[2, 150:160] = np.nan
    together = detect(name, batch)
    for row, counts in enumerate(batch):
        alone = detect(name, counts)
        for f in fields(alone):
            np.testing.assert_array_equal(getattr(together, f.name)[row], getattr(alone, f.name))


@given(seed=SEEDS)
@few
def test_08_streams_together_are_streams_alone(seed: int) -> None:
    """8. Batch = one by one, bit for bit: a stream's evidence is the same whatever other streams are screened beside it."""
    histories, batch = town(seed % 40), np.stack([noisy(seed), noisy(seed + 1, mean=0.3)])
    together = screen(histories, LAST, DAILY).scores
    for panel in (slice(0, 6), slice(6, 12)):
        for a, b in zip(together[panel], screen(histories[panel], LAST, DAILY).scores, strict=True):
            np.testing.assert_array_equal(a.log_evidence, b.log_evidence)
    both = mixture_ratio(batch, seasonal_baseline(batch, [328, 329]))
    for row, counts in enumerate(batch):
        np.testing.assert_array_equal(both.score[row], mixture_ratio(counts, seasonal_baseline(counts, [328, 329])).score[0])


@given(steps=st.integers(1, 200), places=st.integers(1, 5))
@few
def test_09_silence_is_no_alarm(steps: int, places: int) -> None:
    """9. All-zero series give no alarm and no NaN."""
    zeros = np.zeros(steps)
    for name in METHODS:
        assert not detect(name, zeros).alarm.any()
    model = town(0)[0].model
    histories = [History("zero", zeros, LAST - timedelta(days=steps - 1), 1, "count", model, place=f"v{v}") for v in range(places)]
    found = screen(histories, LAST, DAILY)
    assert not found.assessment.alarm
    assert math.isfinite(found.assessment.statistic) and 0 <= found.assessment.outbreak_probability < 0.5
    assert all(np.isfinite(s.log_evidence).all() for s in found.scores)
    for params in (HazardParams(), LadderParams()):
        assert not nowcast(ReportingTriangle(FIRST, np.zeros((steps, 6))), params).quantiles.any()
    if steps > 30:
        assert np.isfinite(reproduction_number(zeros, gamma_serial_interval(4.7, 2.9)).mean[-1])


@given(seed=SEEDS, places=st.integers(1, 6), ago=st.integers(3, 34))
@few
def test_10_posteriors_add_up(seed: int, places: int, ago: int) -> None:
    """10. The posterior over village and onset sums to 1, as do those of growth and size and the streams' shares."""
    found = screen(town(seed % 40, places, seeded_in=0, seeded_ago=ago), LAST, DAILY).assessment
    for posterior in (found.onset_posterior, found.growth_posterior, found.size_posterior):
        assert sum(posterior.values()) == pytest.approx(1)
        assert min(posterior.values()) >= 0
    assert sum(p.share for p in found.places) == pytest.approx(1)
    assert sum(s.share for s in found.streams) == pytest.approx(1)


@given(
    seed=SEEDS,
    days=st.integers(7, 130),
    mean=st.sampled_from([0.0, 0.05, 1.0, 20.0, 5000.0]),
    missing=st.sampled_from([0.0, 0.1, 1.0]),
    sum_days=st.sampled_from([1, 7]),
)
@settings(max_examples=60, deadline=None)
def test_11_a_nowcast_is_never_below_the_reports(seed: int, days: int, mean: float, missing: float, sum_days: int) -> None:
    """11. Nowcast >= reported so far when reports only grow; quantiles ordered."""
    cells = simulated(seed, days, mean, DELAYS)
    cells[np.random.default_rng(seed).random(cells.shape) < missing] = np.nan
    triangle = ReportingTriangle(FIRST, cells)
    for params in (HazardParams(), LadderParams()):
        found = nowcast(triangle, params, sum_days=sum_days)
        assert len(found.days) == len(found.quantiles) == min(6, days - sum_days + 1)
        assert found.days[-1] == triangle.as_of
        assert np.all(np.isfinite(found.quantiles)) and np.all(found.expected >= found.reported)
        assert np.all(found.quantiles >= found.reported[:, None])
        assert np.all(np.diff(found.quantiles, axis=1) >= 0)
        drawn = draw_counts(triangle, np.random.default_rng(seed), params, draws=20)
        assert np.all(np.isfinite(drawn.counts)) and np.all(drawn.counts >= triangle.reported)


@given(
    probability=st.floats(0, 1),
    sizes=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    places=st.integers(0, 6),
    which=st.sampled_from(["probability", "yellow", "orange", "red", "places"]),
    more=st.floats(0, 1),
)
@settings(max_examples=200, deadline=None)
def test_12_the_grade_follows_the_size(probability: float, sizes: list[float], places: int, which: str, more: float) -> None:
    """12. Grade monotone in the size posterior, the probability of an outbreak and the number of places."""

    def rank(p: float, s: dict, n: int) -> int:
        grade = grade_of(p, s, n, GradeParams())
        return -1 if grade is None else GRADES.index(grade)

    base = dict(zip(("yellow", "orange", "red"), sizes, strict=True))
    raised = {**base, which: max(base[which], more)} if which in base else base
    high = max(probability, more) if which == "probability" else probability
    assert rank(high, raised, places + 2 * (which == "places")) >= rank(probability, base, places)


@given(mean=st.floats(0.01, 100), phi=st.floats(1, 5), variance=st.floats(0.001, 1), at=st.integers(0, 3), off=st.floats(0, 500))
@few
def test_13_the_day_effect(mean: float, phi: float, variance: float, at: int, off: float) -> None:
    """13. Day effect = 1 when the other villages match expectation, whatever the village itself does; and a steady town is screened as without it."""
    expected = np.full((4, 3), mean)
    values = expected.copy()
    values[at, 1] = off
    effect = day_effect(values, expected, np.full(3, phi), variance)
    np.testing.assert_allclose(effect[at], 1.0)
    np.testing.assert_allclose(effect[:, [0, 2]], 1.0)
    others = effect[np.arange(4) != at, 1]
    assert (others >= 1 - 1e-12).all() if off >= mean else (others <= 1 + 1e-12).all()
    steady = [replace(h, values=np.full(DAYS, 4.0), population=1000.0) for h in town(1, places=4)[:4]]
    plain, adjusted = (screen(steady, LAST, p).scores for p in (WITHOUT_DAY_EFFECT, replace(DAILY, day_effect_variance=variance)))
    np.testing.assert_allclose([s.expected for s in adjusted], [s.expected for s in plain], rtol=2e-3)


@given(seed=SEEDS)
@few
def test_14_seeds_reproduce(seed: int) -> None:
    """14. Seeds reproduce: the same seed the same answer to the last bit, another seed another one."""
    rng = np.random.default_rng(seed)
    points, times = rng.uniform(0, 10, (20, 2)), rng.uniform(0, 30, 20)
    counts, cells = rng.poisson(3.0, (6, 8)), simulated(seed, 60, 20.0, DELAYS)
    zones = circular_zones(plane_distances(points[:6]), np.ones(6))
    histories = rng.poisson(20.0, (20, 30)).astype(float)

    def answers(chosen: int) -> list[Any]:
        drawn = draw_counts(ReportingTriangle(FIRST, cells), np.random.default_rng(chosen), draws=10).counts
        scanned = space_time_scan(counts, np.full((6, 8), 3.0), zones, ScanParams(replicates=19), seed=chosen).null_scores
        r = reproduction_of_draws(histories, gamma_serial_interval(4.7, 2.9), np.random.default_rng(chosen)).quantiles
        return [drawn, scanned, r, knox_test(points, times, near_distance=2, near_time=3, replicates=19, seed=chosen).p_permuted]

    for one, two, other in zip(answers(seed), answers(seed), answers(seed + 1), strict=True):
        np.testing.assert_array_equal(one, two)
        assert np.ndim(one) == 0 or not np.array_equal(one, other, equal_nan=True)
