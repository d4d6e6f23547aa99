"""The simulated town counts what its table says; epidemics have the size that R0 asks for; seeds reproduce."""

import numpy as np
import pytest

from tongchou.science.evaluation.fusion.epidemics import Epidemic, EpidemicParams, epidemic, expected_events
from tongchou.science.evaluation.fusion.towns import POSITION, STREAMS, TownParams, assumed_model, events_by_age, town_of, visiting
from tongchou.science.evaluation.fusion.worlds import quiet_town

TOWN = town_of(np.random.default_rng(1))


def test_the_town_has_its_residents_and_unequal_villages() -> None:
    assert TOWN.population.sum() == 200_000 and len(TOWN.population) == 60
    assert TOWN.population.min() > 300 and TOWN.population.max() > 2 * TOWN.population.mean()
    np.testing.assert_allclose(TOWN.mixing.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(TOWN.mixing), 0.75)
    i, j, k = 0, *np.argsort(np.hypot(*(TOWN.place_km - TOWN.place_km[0]).T))[[1, -1]]
    per_head = TOWN.mixing[i] / TOWN.population
    distance = np.hypot(*(TOWN.place_km - TOWN.place_km[i]).T)
    assert per_head[j] / per_head[k] == pytest.approx(np.exp((distance[k] - distance[j]) / 3.0))


def test_seeds_reproduce_and_differ() -> None:
    def drawn(seed: int):
        return epidemic(np.random.default_rng(seed), TOWN).infections, quiet_town(
            np.random.default_rng(seed), TOWN, "all four", 70, 35
        ).counts

    for one, same, other in zip(drawn(5), drawn(5), drawn(6), strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other, equal_nan=True)


def test_backgrounds_have_the_means_and_dispersions_of_the_table() -> None:
    """Per mean village and day that counts 1, over 20 towns; within five standard errors."""
    towns = [town_of(np.random.default_rng([2, n])) for n in range(20)]
    seen = [quiet_town(np.random.default_rng([3, n]), town, "as modelled", 364, 0) for n, town in enumerate(towns)]
    for k, stream in enumerate(STREAMS):
        counts, mean = (np.array([getattr(s, part)[k] for s in seen]) for part in ("counts", "mean"))
        level = np.array([t.level[k].mean() for t in towns])
        assert level.mean() == pytest.approx(stream.background, abs=5 * level.std() / np.sqrt(20))
        there = ~np.isnan(counts)
        z = ((counts - mean) / np.sqrt(stream.dispersion * mean))[there]
        assert abs(z.mean()) < 5 / np.sqrt(z.size)
        assert abs((z**2).mean() - 1) < 5 * np.sqrt((z**4).mean() / z.size)
        due = visiting(364, 60)[None] if stream.visits else np.True_
        assert 1 - there.sum() / (np.broadcast_to(due, there.shape).sum()) == pytest.approx(stream.missing, abs=0.002)
    weekend = np.nanmean(seen[0].mean[POSITION["testing"]][:, 5::7]) / np.nanmean(seen[0].mean[POSITION["testing"]][:, 0::7])
    assert weekend == pytest.approx(0.4)


def test_an_infection_adds_the_events_of_the_table() -> None:
    """One infection in a village of mean size, seeded on each weekday in turn: events over two months."""
    params = TownParams()
    town = town_of(np.random.default_rng(4))
    town.population[:] = params.residents / params.villages
    infections = np.zeros((60, 90))
    infections[7, 0] = 1.0
    added = np.mean([expected_events(Epidemic(infections, 7), town, 700 + d, 90).sum(axis=(1, 2)) for d in range(7)], axis=0)
    found = (STREAMS[0].events.found().sum(), 5.8 / 7)  # PCR over all ages; testing rests at weekends
    assert added == pytest.approx([0.01 * found[0] * found[1], 0.105, 60 / town.population[0] * found[0] * 2 / 7, 0.245, 0.08], rel=0.01)
    assert STREAMS[0].events.found().max() == 0.85 and STREAMS[0].events.found()[[4, 5]].tolist() == [0.85, 0.85]


def test_the_detector_is_told_events_and_delay_of_the_same_mean() -> None:
    for stream in STREAMS:
        model, age = assumed_model(stream), np.arange(60)
        events = events_by_age(stream, 200_000 / 60)
        assert model.events_per_infection == pytest.approx(events.sum() * sum(stream.weekday) / 7, rel=1e-3)
        assert model.delay_mean_days == pytest.approx(events @ age / events.sum(), rel=0.01)


@pytest.mark.parametrize(("reproduction", "final_share"), [(1.6, 0.64), (2.5, 0.89), (4.0, 0.98)])
def test_the_final_size_is_what_r0_asks_for(reproduction: float, final_share: float) -> None:
    """Kermack and McKendrick: 1 - z = exp(-R0 z), for a town that mixes; villages with little contact bring it a little below."""
    params = EpidemicParams(reproduction, within_days=500)
    share = np.mean([epidemic(np.random.default_rng([5, n]), TOWN, params).infections.sum() for n in range(4)]) / 200_000
    assert final_share - 0.08 < share < final_share + 0.02


def test_generations_are_eight_days_apart_and_outbreaks_that_die_out_are_drawn_again() -> None:
    """Early growth r solves (1 + 3 r)(1 + 5 r) = R0 for exponential states; days of geometric length bring it a little off."""
    runs = [epidemic(np.random.default_rng([6, n]), TOWN, EpidemicParams(2.5)) for n in range(40)]
    by = np.mean([one.infected_by for one in runs], axis=0)
    growth = np.log(by[45] / by[25]) / 20
    assert (1 + 3 * growth) * (1 + 5 * growth) == pytest.approx(2.5, rel=0.2)
    assert all(one.infections[one.village, 0] == 2 and one.infected_by[-1] > 40 for one in runs)
    assert all((one.infections[:, 0] > 0).sum() == 1 for one in runs)


def test_an_epidemic_that_never_takes_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="raise reproduction"):
        epidemic(np.random.default_rng(7), TOWN, EpidemicParams(0.1, within_days=30))
