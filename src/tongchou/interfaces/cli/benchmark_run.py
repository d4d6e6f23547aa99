"""Runs the weekly benchmark on as many processes as asked and gathers what it measured."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product

from tongchou.core.wording import T
from tongchou.interfaces.cli.benchmark_sources import OnsetSource
from tongchou.science.evaluation.design import SCENARIOS, Scenario, simulate
from tongchou.science.evaluation.families import FAMILIES
from tongchou.science.evaluation.labelled import Labelled, judge_labelled, labelled_ground, measure_labelled
from tongchou.science.evaluation.onsets import Delays, Onset, delays, judge_onsets
from tongchou.science.evaluation.weekly import ORACLE, Ground, Judgement, Measured, ground_of, joined, judge, measure

FALSE_ALARMS_A_YEAR = (0.5, 1.0)
# A chart that must learn for years on one unbroken series cannot be asked about publication vintages of two and a half.
NOT_FOR_ONSETS = ("charts",)
Tell = Callable[[float, T], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    seeds: tuple[int, ...]
    series_per_scenario: int
    rates: tuple[float, ...]
    scenarios: tuple[int, ...]  # numbers in the design, from 1
    jobs: int = 1


@dataclass(slots=True)
class Results:
    """All rows of one run."""

    plan: Plan
    ground: Ground
    weekly: list[Measured] = field(default_factory=list)
    labelled: list[Measured] = field(default_factory=list)
    onsets: tuple[Onset, ...] = ()
    delays: list[tuple[float, Delays]] = field(default_factory=list)


def run(plan: Plan, labelled: Sequence[Labelled], onsets: OnsetSource | None, tell: Tell) -> Results:
    """Simulated series, then the real ones that were given."""
    chosen = tuple(SCENARIOS[number - 1] for number in plan.scenarios)
    tasks = [(seed, plan.series_per_scenario, family, chosen) for family, seed in product((*FAMILIES, ORACLE), plan.seeds)]
    results = Results(plan, ground_of([simulate(seed, plan.series_per_scenario, chosen) for seed in plan.seeds]))
    parts: dict[str, list[Judgement]] = {}
    for done, (task, rows) in enumerate(zip(tasks, _judged(tasks, plan.jobs), strict=True), 1):
        for name, judgement in rows.items():
            parts.setdefault(name, []).append(judgement)
            if len(parts[name]) == len(plan.seeds):
                results.weekly += measure(name, joined(parts.pop(name)), results.ground, plan.rates)
        tell(0.9 * done / len(tasks), T(f"模拟序列：{task[2]}，种子 {task[0]}", f"simulated series: {task[2]}, seed {task[0]}"))
    if labelled:
        _measure_labelled(results, labelled)
        tell(0.95, T("有标注的真实序列", "labelled real series"))
    if onsets is not None:
        _measure_onsets(results, onsets)
    tell(1.0, T("完成", "done"))
    return results


def _judged(tasks: Sequence[tuple[int, int, str, tuple[Scenario, ...]]], jobs: int) -> Iterator[dict[str, Judgement]]:
    if jobs == 1:
        yield from (judge(*task) for task in tasks)
        return
    # Forking a process that runs threads (the screen's progress bar) may hang; a spawned one starts clean.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(judge, *zip(*tasks, strict=True))


def _measure_labelled(results: Results, series: Sequence[Labelled]) -> None:
    ground = labelled_ground(series)
    for family in FAMILIES.values():
        for name, verdict in judge_labelled(series, family).items():
            results.labelled += measure_labelled(name, verdict, ground, results.plan.rates)


def _measure_onsets(results: Results, source: OnsetSource) -> None:
    results.onsets = source.ground.onsets
    for family, rows in FAMILIES.items():
        if family not in NOT_FOR_ONSETS:
            for name, score in judge_onsets(source.known, rows).items():
                results.delays += [(per_year, delays(name, score, source.ground, per_year)) for per_year in FALSE_ALARMS_A_YEAR]
