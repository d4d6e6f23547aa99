"""What a change of a procedure would save: the same applications through the network before and after, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tongchou.science.queueing.kernel import run
from tongchou.science.queueing.network import OfficeNetwork
from tongchou.science.queueing.service import Floats, ServiceTime, refitted


@dataclass(frozen=True, slots=True)
class QueueingParams:
    """How much is simulated. All are assumptions of this project: enough that halving them changes a saving by less than its interval.

    `jobs`: applications per replication; `warm_up`: share of them not counted, while the offices fill; `level` of the interval.
    """

    jobs: int = 2000
    warm_up: float = 0.2
    replications: int = 40
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Sojourns:
    """Times of applications through a network, in working days. `procedure` (R, J), `days` (R, J) in all, `waited` (R, J, T) by step; without the warm-up."""

    procedure: npt.NDArray[np.int64]
    days: Floats
    waited: Floats


@dataclass(frozen=True, slots=True)
class Saving:
    """Mean working days of an application before and after a change, and what it saves with its interval; negative: it takes longer."""

    before_days: float
    after_days: float
    saved_days: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`savings` by procedure, `overall` for all applications; `load_before`, `load_after` by office: share of the clerks' time that is work.

    Where a load reaches 1 the queue grows without end, and every mean depends on how long was simulated.
    """

    savings: tuple[Saving, ...]
    overall: Saving
    load_before: tuple[float, ...]
    load_after: tuple[float, ...]


def office_loads(network: OfficeNetwork, services: Sequence[ServiceTime], per_day: Sequence[float]) -> tuple[float, ...]:
    """Share of each office's time that is work: arrivals a working day of each procedure times working days of its steps, over the clerks.

    Parameters
    ----------
    services
        One for each measured step.
    per_day
        Applications that arrive per working day, one for each procedure.
    """
    load = np.zeros(len(network.clerks))
    for step, office in enumerate(network.office):
        work = network.effort[step] * sum(services[part].mean_days for part in network.parts[step])
        load[office] += per_day[network.procedure[step]] * work
    return tuple((load / np.asarray(network.clerks)).tolist())


def simulate_network(
    network: OfficeNetwork, services: Sequence[ServiceTime], per_day: Sequence[float], *, seed: int, params: QueueingParams | None = None
) -> Sojourns:
    """Simulate applications through a network of offices.

    Parameters
    ----------
    services
        Working time of each measured step, in the order in which `network.parts` numbers them.
    per_day
        Applications that arrive per working day (Poisson), one rate for each procedure, positive.
    seed
        The same seed draws the same applications, whatever the network.

    Returns
    -------
    Sojourns
        Of every application after the warm-up; simulated until the last has left, so none is cut off.

    Notes
    -----
    Discrete events in working time; first come first served in each office, no clerk idle while something waits, steps with several
    predecessors wait for the last of them. Not in the model: clock stops and corrections, illness, priorities, clerks who work on several
    things at once. Without them real waiting is longer; compare differences rather than levels.
    """
    chosen = params or QueueingParams()
    _check(network, services, per_day)
    drawn = [_drawn(services, per_day, seed, r, chosen) for r in range(chosen.replications)]
    return _passed(network, drawn, chosen)


def compare_networks(
    before: OfficeNetwork,
    after: OfficeNetwork,
    services: Sequence[ServiceTime],
    per_day: Sequence[float],
    *,
    seed: int,
    params: QueueingParams | None = None,
) -> Comparison:
    """What a change saves: both networks get the very same applications (common random numbers), so that chance cancels.

    Parameters
    ----------
    before, after
        Two networks over the same measured steps and procedures, e.g. `before.merged(1, 2)`.
    services, per_day, seed
        As for `simulate_network`. A service with measured times is fitted anew to a draw of them in each replication, so that the interval
        also holds how little was measured.

    Returns
    -------
    Comparison
        With paired Student intervals over the replications.

    Notes
    -----
    saved = mean over replications of d_r, d_r = mean days before - mean days after in replication r; interval d ± t sd(d)/sqrt(R).
    It does not hold what the model leaves out, nor whether staff keep their speed when work is merged.

    References
    ----------
    Law, Simulation Modeling and Analysis (5th ed. 2015), chapter 11 (common random numbers), chapter 9 (warm-up, replications).
    """
    chosen = params or QueueingParams()
    if set(before.procedure) != set(after.procedure):
        raise ValueError("before and after must have the same procedures")
    for network in (before, after):
        _check(network, services, per_day)
    drawn = [_drawn(services, per_day, seed, r, chosen) for r in range(chosen.replications)]
    one, other = _passed(before, drawn, chosen), _passed(after, drawn, chosen)
    savings = [_saving(one, other, one.procedure == p, chosen) for p in range(len(per_day))]
    overall = _saving(one, other, np.ones(one.procedure.shape, bool), chosen)
    return Comparison(tuple(savings), overall, office_loads(before, services, per_day), office_loads(after, services, per_day))


def _check(network: OfficeNetwork, services: Sequence[ServiceTime], per_day: Sequence[float]) -> None:
    if max(part for parts in network.parts for part in parts) >= len(services):
        raise ValueError("one service time for each measured step")
    if len(per_day) != max(network.procedure) + 1 or not all(np.isfinite(rate) and rate > 0 for rate in per_day):
        raise ValueError("one positive rate of arrivals for each procedure")


_Drawn = tuple[Floats, npt.NDArray[np.int64], Floats]  # arrivals (J,), their procedure (J,), working times of measured steps (J, S)


def _drawn(services: Sequence[ServiceTime], per_day: Sequence[float], seed: int, replication: int, params: QueueingParams) -> _Drawn:
    """The applications of one replication; each decision has a stream of its own."""
    arriving, mixing, fitting, *working = (
        np.random.Generator(np.random.Philox(s)) for s in np.random.SeedSequence([seed, replication]).spawn(3 + len(services))
    )
    rate = np.asarray(per_day, float)
    arrival = np.cumsum(arriving.exponential(1 / rate.sum(), params.jobs))
    kind = mixing.choice(len(rate), params.jobs, p=rate / rate.sum())
    work = np.column_stack(
        [refitted(service, fitting).quantile(random.random(params.jobs)) for service, random in zip(services, working, strict=True)]
    )
    return arrival, kind.astype(np.int64), work


def _passed(network: OfficeNetwork, drawn: Sequence[_Drawn], params: QueueingParams) -> Sojourns:
    order = sorted(range(len(network.after)), key=lambda step: (network.procedure[step], step))
    place = {step: n for n, step in enumerate(order)}
    first = np.searchsorted([network.procedure[step] for step in order], range(max(network.procedure) + 2))
    following = [sorted(place[s] for s, before in enumerate(network.after) if step in before) for step in order]
    next_from = np.concatenate([[0], np.cumsum([len(steps) for steps in following])]).astype(np.int64)
    next_to = np.asarray([s for steps in following for s in steps], np.int64)
    waits_for = np.asarray([len(set(network.after[step])) for step in order], np.int64)
    office = np.asarray([network.office[step] for step in order], np.int64)
    clerks = np.asarray(network.clerks, np.int64)
    cut = int(params.warm_up * params.jobs)
    kinds, days, waits = [], [], []
    for arrival, kind, work in drawn:
        summed = np.column_stack([network.effort[step] * work[:, list(network.parts[step])].sum(axis=1) for step in order])
        sojourn, waited = run(arrival, kind, summed, first, waits_for, next_from, next_to, office, clerks)
        kinds.append(kind[cut:])
        days.append(sojourn[cut:])
        waits.append(waited[cut:, [place[step] for step in range(len(order))]])
    return Sojourns(np.asarray(kinds), np.asarray(days), np.asarray(waits))


def _saving(one: Sojourns, other: Sojourns, counted: npt.NDArray[np.bool_], params: QueueingParams) -> Saving:
    """Of the applications counted (R, J); a replication without any of them says nothing."""
    n = counted.sum(axis=1)
    there = n > 0
    before, after = ((np.where(counted, s.days, 0).sum(axis=1)[there] / n[there]) for s in (one, other))
    gain = before - after
    if len(gain) < 2:
        unknown = float("nan")
        means = [float(days.mean()) if len(days) else unknown for days in (before, after, gain)]
        return Saving(means[0], means[1], means[2], unknown, unknown)
    half = float(stdtrit(len(gain) - 1, (1 + params.level) / 2) * gain.std(ddof=1) / np.sqrt(len(gain)))
    saved = float(gain.mean())
    return Saving(float(before.mean()), float(after.mean()), saved, saved - half, saved + half)
