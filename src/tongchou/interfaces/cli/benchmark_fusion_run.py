"""Runs the fusion benchmark on as many processes as asked: thresholds in common, then the null worlds, then the outbreaks."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tongchou.core.wording import T
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.budgets import (
    BACKGROUNDS,
    INTERVALS,
    Counted,
    Kept,
    Timeline,
    added,
    count_charts,
    count_quiet,
    keep_budget,
    offsets_of,
)
from tongchou.science.evaluation.fusion.comparisons import stacked
from tongchou.science.evaluation.fusion.contenders import CONTENDERS
from tongchou.science.evaluation.fusion.outbreaks import OutbreakParams, Outcomes, judge_outbreaks
from tongchou.science.evaluation.fusion.worlds import WORLDS

PILOT_FROM = 100_000  # numbers of the pilot's towns: none of them is met again
Tell = Callable[[float, T], None]
Thresholds = Mapping[str, Mapping[str, tuple[float, ...]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for; the defaults are the full run."""

    seed: int
    jobs: int
    pilot_towns: int = 8
    matching_towns: int = 40  # 58,240 quiet days: 160 alarms at one in 365
    world_towns: int = 36  # in each null world: 52,416 judged days
    outbreak_towns: int = 300  # each with every reproduction number and quality
    timeline: Timeline = field(default_factory=Timeline)
    outbreaks: OutbreakParams = field(default_factory=OutbreakParams)

    @classmethod
    def quick(cls, seed: int, jobs: int) -> "Plan":
        """A run that shows that everything works; its figures mean nothing."""
        return cls(seed, jobs, 1, 2, 1, 3, Timeline(392, 91, 182), OutbreakParams(past=392))


@dataclass(slots=True)
class Results:
    """All that one run measured."""

    plan: Plan
    matched: dict[str, Counted] = field(default_factory=dict)
    thresholds: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    kept: dict[str, list[Kept]] = field(default_factory=dict)
    outcomes: Outcomes | None = None


def run(plan: Plan, tell: Tell) -> Results:
    """Measure everything of a plan."""
    results = Results(plan)
    with _workers(plan.jobs) as run_all:
        offsets = _match(results, run_all, tell)
        numbers = range(plan.world_towns)
        tasks = [(plan.seed, number, world, plan.timeline) for world, number in product(WORLDS, numbers)]
        for done, kept in enumerate(run_all(keep_budget, tasks), 1):
            results.kept.setdefault(kept.world, []).append(kept)
            if done % plan.world_towns == 0:
                tell(0.15 + 0.45 * done / len(tasks), T(f"平静世界：{kept.world}", f"null world: {kept.world}"))
        outcomes = []
        chosen = [(plan.seed, number, results.thresholds, offsets, plan.outbreaks) for number in range(plan.outbreak_towns)]
        for done, outcome in enumerate(run_all(judge_outbreaks, chosen), 1):
            outcomes.append(outcome)
            if done % max(1, plan.outbreak_towns // 10) == 0:
                tell(0.6 + 0.4 * done / plan.outbreak_towns, T(f"暴发：{done} 个镇", f"outbreaks: {done} towns"))
        results.outcomes = stacked(outcomes)
    return results


RunAll = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterator[Any]]


def _match(results: Results, run_all: RunAll, tell: Tell) -> dict[str, Floats]:
    """Set every method's thresholds so that all ring equally rarely in quiet towns as modelled."""
    plan, offsets = results.plan, {}
    for share, background in enumerate(BACKGROUNDS, 1):
        pilot = [(plan.seed, PILOT_FROM + number, background, plan.timeline) for number in range(plan.pilot_towns)]
        offsets[background] = offsets_of(added(list(run_all(count_charts, pilot))))
        quiet = [(plan.seed, number, background, offsets[background], plan.timeline) for number in range(plan.matching_towns)]
        found = results.matched[background] = added(list(run_all(count_quiet, quiet)))
        results.thresholds[background] = {m: tuple(found.threshold_for(m, days) for days in INTERVALS) for m in CONTENDERS}
        words = {"estimated": "估计的基线", "true": "真实基线"}
        tell(0.075 * share, T(f"共同阈值：{words[background]}", f"thresholds in common: {background} background"))
    return offsets


@contextmanager
def _workers(jobs: int) -> Iterator[RunAll]:
    if jobs == 1:
        yield lambda function, tasks: (function(*task) for task in tasks)
        return
    # Forking a process that runs threads (the screen's progress bar) may hang; a spawned one starts clean.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda function, tasks: pool.map(function, *zip(*tasks, strict=True))
