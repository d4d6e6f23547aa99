"""Each null world changes what it says and nothing else."""

import numpy as np
import pytest

from tongchou.science.evaluation.fusion.towns import POSITION, STREAMS, town_of
from tongchou.science.evaluation.fusion.worlds import MONITORING, WORLDS, Quiet, WorldParams, quiet_town

TOWN = town_of(np.random.default_rng(1))
DAYS, JUDGED = 1100, 364
PARAMS = WorldParams()


def drawn(world: str) -> Quiet:
    return quiet_town(np.random.default_rng(2), TOWN, world, DAYS, JUDGED)


@pytest.fixture(scope="module")
def modelled() -> Quiet:
    return drawn("as modelled")


def factor(world: str, modelled: Quiet) -> np.ndarray:
    """Mean of a world over that of the modelled one, (streams, villages, days); NaN where nobody visits."""
    return drawn(world).mean / modelled.mean


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def test_there_are_ten_worlds_or_more() -> None:
    assert len(WORLDS) >= 10 and "as modelled" in WORLDS


@pytest.mark.parametrize(
    "world", [w for w in WORLDS if w not in ("as modelled", "more dispersion", "all four", "outage", "outage, caught up")]
)
def test_only_the_mean_moves(world: str, modelled: Quiet) -> None:
    changed = drawn(world)
    assert not same(changed.mean, modelled.mean)
    assert same(changed.dispersion, modelled.dispersion)
    assert same(np.isnan(changed.counts), np.isnan(modelled.counts))
    assert same(changed.exposure, modelled.exposure) == (world != "sites change, known")


@pytest.mark.parametrize("world", ["sites change, known", "sites change, unknown", "method change", "school holidays"])
def test_only_monitoring_moves(world: str, modelled: Quiet) -> None:
    moved = factor(world, modelled)
    others = [k for k in range(len(STREAMS)) if k != MONITORING]
    assert np.nanmax(np.abs(moved[others] - 1)) == 0


def test_weekday_factors_wander_as_far_as_said(modelled: Quiet) -> None:
    moved = factor("weekday drift", modelled)[MONITORING]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:1], moved.shape))  # the same in every village
    by_weekday = np.log(moved[0, : DAYS // 7 * 7]).reshape(-1, 7)
    assert by_weekday.std() == pytest.approx(PARAMS.drift_sd, rel=0.35)
    assert np.abs(np.diff(by_weekday, axis=0)).mean() < PARAMS.drift_sd / 2


def test_a_day_shock_is_common_to_all_villages_and_new_every_day(modelled: Quiet) -> None:
    log = np.log(factor("common day shock", modelled)[MONITORING])
    assert np.ptp(log, axis=0).max() < 1e-12
    assert log[0].std() == pytest.approx(PARAMS.shock_sd, rel=0.1)
    assert abs(np.corrcoef(log[0][1:], log[0][:-1])[0, 1]) < 0.15


def test_holidays_empty_all_but_the_spot_check_and_are_followed_by_busy_days(modelled: Quiet) -> None:
    moved = factor("holidays", modelled)
    assert np.nanmax(np.abs(moved[POSITION["spot check"]] - 1)) == 0
    spring = moved[MONITORING, 0, 39:49]
    assert spring.round(6).tolist() == [0.5] * 7 + [1.3] * 2 + [1.0]


def test_dispersion_rises_when_judging_begins(modelled: Quiet) -> None:
    changed = drawn("more dispersion")
    assert same(changed.mean, modelled.mean) and same(changed.dispersion[:, :JUDGED], modelled.dispersion[:, :JUDGED])
    np.testing.assert_allclose(changed.dispersion[:, JUDGED:] - 1, 1.6 * (modelled.dispersion[:, JUDGED:] - 1))


def test_an_outage_silences_a_fifth_of_the_villages_for_three_weeks(modelled: Quiet) -> None:
    changed = drawn("outage")
    assert same(changed.mean, modelled.mean)
    gone = (np.isnan(changed.counts) & ~np.isnan(modelled.counts)).any(axis=0)
    there = ~np.isnan(changed.counts)
    assert same(changed.counts[there], modelled.counts[there])
    assert gone.any(axis=0).sum() > 21
    assert set(gone.sum(axis=0)) & {11, 12}  # of twelve silent villages one may have missed its report anyway


def test_what_was_not_reported_comes_with_the_first_report_after(modelled: Quiet) -> None:
    without, caught = drawn("outage"), drawn("outage, caught up")
    extra = np.nan_to_num(caught.counts - without.counts)[MONITORING]
    silent = np.isnan(without.counts[MONITORING]) & ~np.isnan(modelled.counts[MONITORING])
    assert (extra >= 0).all() and extra.sum() > 0.9 * modelled.counts[MONITORING][silent].sum()
    village, day = np.unravel_index(extra.argmax(), extra.shape)
    assert silent[village, day - 10] and not silent[village, day]


def test_sites_change_the_same_whether_known_or_not(modelled: Quiet) -> None:
    known, unknown = drawn("sites change, known"), drawn("sites change, unknown")
    assert same(known.mean, unknown.mean) and same(known.counts, unknown.counts)
    moved = known.mean[MONITORING] / modelled.mean[MONITORING]
    np.testing.assert_allclose(known.exposure[MONITORING], moved)
    assert set(moved.round(6).ravel()) == {1.0, 1.5}
    assert (known.exposure[0] == 1).all()


def test_a_method_change_comes_once_a_judged_year_in_every_village(modelled: Quiet) -> None:
    moved = factor("method change", modelled)[MONITORING]
    assert (moved[:, :JUDGED] == 1).all() and np.ptp(moved, axis=0).max() < 1e-12
    steps = np.flatnonzero(np.abs(np.diff(moved[0])) > 0.1)
    assert len(steps) == 2 and np.diff(steps).tolist() == [365] and moved[0].max() == pytest.approx(1.5)


def test_school_holidays_lower_monitoring_by_three_fifths(modelled: Quiet) -> None:
    moved = factor("school holidays", modelled)[MONITORING, 0]
    assert moved[184:258].round(6).tolist() == [1.0] * 2 + [0.4] * 56 + [1.3] * 14 + [1.0] * 2


def test_unknown_worlds_and_periods_are_refused() -> None:
    with pytest.raises(ValueError, match="no world 'mars'; there are as modelled"):
        quiet_town(np.random.default_rng(1), TOWN, "mars", 10, 5)
    with pytest.raises(ValueError, match="inside the days"):
        quiet_town(np.random.default_rng(1), TOWN, "as modelled", 10, 10)
