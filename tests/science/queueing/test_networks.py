"""A network of offices: published closed forms, an independent simulator (simpy), what common random numbers are worth, bad input."""

import math
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.queueing.comparing import QueueingParams, compare_networks, office_loads, simulate_network
from tongchou.science.queueing.kernel import run
from tongchou.science.queueing.network import OfficeNetwork
from tongchou.science.queueing.service import ServiceTime, fit_service

LONG = QueueingParams(jobs=20_000, replications=40)


def exponential(mean: float) -> ServiceTime:
    return ServiceTime("exponential", (mean,))


def near(values: np.ndarray, expected: float) -> bool:
    """Within four standard errors over the replications, and those are small: it could fail."""
    means = values.mean(axis=1)
    error = means.std(ddof=1) / math.sqrt(len(means))
    assert error < 0.03 * expected
    return bool(abs(means.mean() - expected) < 4 * error)


def erlang_c(load: float, clerks: int) -> float:
    """Chance to wait in M/M/c with `load` = arrivals times mean work (Erlang 1917)."""
    last = load**clerks / math.factorial(clerks) * clerks / (clerks - load)
    return last / (sum(load**k / math.factorial(k) for k in range(clerks)) + last)


def test_one_clerk_is_m_m_1() -> None:
    found = simulate_network(OfficeNetwork(((),), (0,), (1,)), [exponential(0.7)], [1.0], seed=1, params=LONG)
    assert near(found.days, 1 / (1 / 0.7 - 1)) and near(found.waited[:, :, 0], 0.7 / (1 / 0.7 - 1))


@pytest.mark.parametrize(("clerks", "load"), [(2, 1.5), (4, 3.0)])
def test_several_clerks_wait_as_erlang_c_says(clerks: int, load: float) -> None:
    found = simulate_network(OfficeNetwork(((),), (0,), (clerks,)), [exponential(load)], [1.0], seed=2, params=LONG)
    assert near(found.waited[:, :, 0], erlang_c(load, clerks) * load / (clerks - load))


def test_deterministic_work_waits_half_as_long() -> None:
    """Pollaczek–Khinchine: M/D/1 waits half of M/M/1."""
    found = simulate_network(OfficeNetwork(((),), (0,), (1,)), [ServiceTime("fixed", (0.7,))], [1.0], seed=3, params=LONG)
    assert near(found.waited[:, :, 0], 0.5 * 0.7 * 0.7 / 0.3)


def test_offices_one_behind_the_other_are_a_jackson_network() -> None:
    """Each behaves as if alone (Jackson 1957): the sojourns add up; two procedures share the middle office."""
    network = OfficeNetwork(((), (0,), (1,), ()), (0, 1, 2, 1), (1, 1, 1), (0, 0, 0, 1))
    services = [exponential(1.0), exponential(0.5), exponential(0.8), exponential(0.5)]
    found = simulate_network(network, services, [0.6, 0.6], seed=4, params=LONG)
    expected = 1 / (1 - 0.6) + 1 / (2 - 1.2) + 1 / (1 / 0.8 - 0.6)
    means = np.array([days[kind == 0].mean() for days, kind in zip(found.days, found.procedure, strict=True)])
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / math.sqrt(len(means)) < 0.2 * expected


def test_two_parallel_steps_are_the_exact_fork_join() -> None:
    """Flatto and Hahn 1984, Nelson and Tantawi 1988: (12 - rho)/8 of one queue's sojourn."""
    rho = 0.6
    network = OfficeNetwork(((), ()), (0, 1), (1, 1))
    found = simulate_network(network, [exponential(rho)] * 2, [1.0], seed=5, params=LONG)
    assert near(found.days, (12 - rho) / 8 * rho / (1 - rho))


def by_simpy(network: OfficeNetwork, arrival: np.ndarray, kind: np.ndarray, work: np.ndarray) -> np.ndarray:
    """The same applications through a simulator of other people's."""
    world = simpy.Environment()
    offices = [simpy.Resource(world, capacity=c) for c in network.clerks]
    sojourn = np.zeros(len(arrival))

    def step(job: int, number: int, before: list[Any]) -> Any:
        yield simpy.AllOf(world, before)
        with offices[network.office[number]].request() as turn:
            yield turn
            yield world.timeout(work[job, number])

    def application(job: int) -> Any:
        yield world.timeout(arrival[job])
        steps: dict[int, Any] = {}
        todo = [s for s in range(len(network.after)) if network.procedure[s] == kind[job]]
        while todo:
            for number in [s for s in todo if all(b in steps for b in network.after[s])]:
                steps[number] = world.process(step(job, number, [steps[b] for b in network.after[number]]))
                todo.remove(number)
        yield simpy.AllOf(world, list(steps.values()))
        sojourn[job] = world.now - arrival[job]

    for job in range(len(arrival)):
        world.process(application(job))
    world.run()
    return sojourn


def straight(network: OfficeNetwork, arrival: np.ndarray, kind: np.ndarray, work: np.ndarray) -> np.ndarray:
    """The kernel, for steps that are numbered by procedure already."""
    first = np.searchsorted(network.procedure, range(max(network.procedure) + 2))
    following = [[s for s, before in enumerate(network.after) if step in before] for step in range(len(network.after))]
    next_from = np.concatenate([[0], np.cumsum([len(f) for f in following])]).astype(np.int64)
    next_to = np.array([s for f in following for s in f], np.int64)
    waits_for = np.array([len(before) for before in network.after], np.int64)
    office, clerks = np.array(network.office, np.int64), np.array(network.clerks, np.int64)
    return np.asarray(run(arrival, kind, work, first, waits_for, next_from, next_to, office, clerks)[0])


@st.composite
def networks(draw: Any) -> OfficeNetwork:
    procedures = draw(st.integers(1, 2))
    after: list[tuple[int, ...]] = []
    kinds: list[int] = []
    for p in range(procedures):
        base = len(after)
        for n in range(draw(st.integers(1, 4))):
            after.append(tuple(sorted(draw(st.sets(st.integers(base, base + n - 1), max_size=3)) if n else ())))
            kinds.append(p)
    clerks = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    office = tuple(draw(st.integers(0, len(clerks) - 1)) for _ in after)
    return OfficeNetwork(tuple(after), office, clerks, tuple(kinds))


@settings(max_examples=40)
@given(networks(), st.integers(0, 10_000))
def test_every_application_takes_as_long_as_in_an_independent_simulator(network: OfficeNetwork, seed: int) -> None:
    random = np.random.default_rng(seed)
    arrival = np.cumsum(random.exponential(0.5, 25))
    kind = random.integers(0, max(network.procedure) + 1, 25)
    work = random.exponential(0.4, (25, len(network.after)))
    assert straight(network, arrival, kind, work) == pytest.approx(by_simpy(network, arrival, kind, work), abs=1e-9)


@settings(max_examples=25)
@given(networks(), st.integers(0, 10_000))
def test_sojourn_is_at_least_the_longest_chain_and_a_second_clerk_everywhere_does_not_invent_work(
    network: OfficeNetwork, seed: int
) -> None:
    few = QueueingParams(jobs=60, warm_up=0, replications=2)
    steps = len(network.after)
    services = [exponential(0.3)] * steps
    rates = [1.0] * (max(network.procedure) + 1)
    found = simulate_network(network, services, rates, seed=seed, params=few)
    again = simulate_network(network, services, rates, seed=seed, params=few)
    assert (found.days == again.days).all() and (found.waited >= -1e-9).all() and (found.days > 0).all()
    empty = network
    for office in range(len(network.clerks)):
        empty = empty.with_clerks(office, 500)
    free = simulate_network(empty, services, rates, seed=seed, params=few)
    assert np.abs(free.waited).max() < 1e-9 and (free.days <= found.days + 1e-9).all()


def test_common_random_numbers_make_the_interval_narrow_and_it_holds_the_truth() -> None:
    before, few = OfficeNetwork(((), (0,)), (0, 1), (1, 1)), QueueingParams(jobs=3000, replications=40)
    services = [exponential(0.6), exponential(0.6)]
    found = compare_networks(before, before.with_clerks(0, 2), services, [1.0], seed=6, params=few)
    # Of the first office only: M/M/1 against M/M/2; what leaves either is Poisson (Burke 1956).
    truth = 0.6 / 0.4 - (0.6 + erlang_c(0.6, 2) * 0.6 / (2 - 0.6))
    assert found.overall.low - 0.02 < truth < found.overall.high + 0.02
    apart = [
        simulate_network(network, services, [1.0], seed=seed, params=few).days.mean(axis=1)
        for network, seed in ((before, 7), (before.with_clerks(0, 2), 8))
    ]
    loose = 2.02 * math.sqrt(sum(days.var(ddof=1) for days in apart) / 40)
    assert (found.overall.high - found.overall.low) / 2 < 0.75 * loose
    assert found.load_before == pytest.approx((0.6, 0.6)) and found.load_after == pytest.approx((0.3, 0.6))


def test_the_same_network_saves_nothing_at_all() -> None:
    network = OfficeNetwork(((), (0,), (0,), (1, 2)), (0, 1, 0, 1), (1, 2))
    found = compare_networks(network, network, [exponential(0.3)] * 4, [1.0], seed=9, params=QueueingParams(jobs=200, replications=4))
    assert (found.overall.saved_days, found.overall.low, found.overall.high) == (0, 0, 0)


def test_merging_two_steps_adds_their_work_and_takes_one_queue_away() -> None:
    chain = OfficeNetwork(((), (0,), (1,)), (0, 1, 2), (1, 1, 1))
    merged = chain.merged(0, 1, saving=0.25)
    assert merged == OfficeNetwork(((), (0,)), (0, 2), (1, 1, 1), (0, 0), ((0, 1), (2,)), (0.75, 1.0))
    services = [ServiceTime("fixed", (0.2,)), ServiceTime("fixed", (0.4,)), ServiceTime("fixed", (0.1,))]
    assert office_loads(merged, services, [1.0]) == pytest.approx((0.45, 0.0, 0.1))
    alone = QueueingParams(jobs=50, replications=3, warm_up=0)
    found = compare_networks(chain, merged, services, [0.001], seed=1, params=alone)
    assert found.overall.before_days == pytest.approx(0.7, abs=0.01) and found.overall.saved_days == pytest.approx(0.15, abs=0.01)
    parallel = OfficeNetwork(((), (0,), (0,), (1, 2)), (0, 1, 1, 0), (1, 1)).merged(1, 2)
    assert parallel.after == ((), (0,), (1,)) and parallel.parts == ((0,), (1, 2), (3,))
    with pytest.raises(ValueError, match="circle"):
        chain.merged(0, 2)  # the step between them would wait for itself
    handed = chain.handed_to(1, 0)
    assert handed.office == (0, 0, 2)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"after": ((1,), (0,))}, "circle"),
        ({"after": ((), (5,))}, "not in its procedure"),
        ({"clerks": (0, 1)}, "needs a clerk"),
        ({"office": (0, 7)}, "an office that exists"),
        ({"office": (0,)}, "for each step"),
        ({"effort": (1.0, -1.0)}, "negative"),
        ({"procedure": (0, 2)}, "without a gap"),
        ({"procedure": (0, 1)}, "not in its procedure"),
    ],
)
def test_networks_that_make_no_sense_are_refused(given_: dict[str, Any], said: str) -> None:
    sound: dict[str, Any] = {"after": ((), (0,)), "office": (0, 1), "clerks": (1, 1)}
    with pytest.raises(ValueError, match=said):
        OfficeNetwork(**sound | given_)


def test_bad_rates_and_times_are_refused() -> None:
    network = OfficeNetwork(((), (0,)), (0, 0), (1,))
    for rates in ([], [0.0], [float("nan")], [1.0, 1.0]):
        with pytest.raises(ValueError, match="rate"):
            simulate_network(network, [exponential(1)] * 2, rates, seed=1)
    with pytest.raises(ValueError, match="service time"):
        simulate_network(network, [exponential(1)], [1.0], seed=1)
    with pytest.raises(ValueError, match="same procedures"):
        compare_networks(network, OfficeNetwork(((), ()), (0, 0), (1,), (0, 1)), [exponential(1)] * 2, [1.0], seed=1)
    for days in ([], [-1.0], [float("nan")], [[1.0]]):
        with pytest.raises(ValueError, match="days"):
            fit_service(days)  # type: ignore[arg-type]


@pytest.mark.parametrize(("family", "parameters"), [("exponential", (0.5,)), ("gamma", (4.0, 0.2)), ("lognormal", (-1.0, 0.9))])
def test_a_fit_finds_the_family_and_its_mean_again(family: Any, parameters: tuple[float, ...]) -> None:
    true = ServiceTime(family, parameters)
    found = fit_service(true.quantile(np.random.default_rng(3).random(4000)))
    assert found.family == family and found.mean_days == pytest.approx(true.mean_days, rel=0.05)
    assert found.quantile(np.array([0.9]))[0] == pytest.approx(true.quantile(np.array([0.9]))[0], rel=0.06)


def test_few_times_tell_a_mean_only_and_equal_ones_are_fixed() -> None:
    assert fit_service([0.2, 0.4]).family == "exponential" and fit_service([0.2, 0.4]).mean_days == pytest.approx(0.3)
    assert fit_service([0.5] * 9).family == "fixed" and fit_service([0.0]).mean_days == pytest.approx(1 / 480)


def test_little_measured_makes_the_interval_wider() -> None:
    """The interval holds how little is known of the working times, not chance alone."""
    network, few = OfficeNetwork(((),), (0,), (1,)), QueueingParams(jobs=600, replications=60)
    times = exponential(0.6).quantile((np.arange(12) + 0.5) / 12)
    known = fit_service(times)
    assumed = ServiceTime(known.family, known.parameters)
    wide, narrow = (compare_networks(network, network.with_clerks(0, 2), [s], [1.0], seed=4, params=few).overall for s in (known, assumed))
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)
