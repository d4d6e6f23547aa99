"""The fusion benchmark's goals, each beside what was measured."""

from dataclasses import dataclass

import numpy as np

from tongchou.interfaces.cli.benchmark_fusion_charts import NAMES, WORLD_NAMES
from tongchou.interfaces.cli.benchmark_fusion_figures import Cell, Figures
from tongchou.science.evaluation.fusion.budgets import INTERVALS
from tongchou.science.evaluation.fusion.comparisons import Interval
from tongchou.science.evaluation.fusion.contenders import BONFERRONI, FUSED, SINGLE

YEARLY = INTERVALS.index(365.0)
DAYS_BEFORE_TESTING, FEWER_THAN_BONFERRONI, TOP_3, TOP_3_AT = 4.0, 0.25, 0.75, 2.5  # issue 4
PROTOTYPE_EXCESS, PROTOTYPE_RISE = 0.19, 1.8  # science.md 2.2: infected 160 against 134, threshold 6.3 against 4.5


@dataclass(frozen=True, slots=True)
class Goal:
    goal: str
    wanted: str
    measured: str
    is_met: bool


def goals_of(figures: Figures) -> list[Goal]:
    """Every goal of the benchmark."""
    cells = figures.cells_at(YEARLY)
    usual = [cell for cell in cells if cell.quality == 1.0]
    middle = next((cell for cell in usual if cell.reproduction == TOP_3_AT), usual[0])
    return [
        *_intervals(figures), *(_best_single(cell) for cell in cells), *(_before_testing(cell) for cell in usual),
        *(_fewer_infected(cell) for cell in usual), _top_3(middle), *_gap_to_truth(figures, middle),
    ]  # fmt: skip


def _label(cell: Cell) -> str:
    return f"R0 {cell.reproduction:g} ×{cell.quality:g}"


def _intervals(figures: Figures) -> list[Goal]:
    goals = []
    for promise in INTERVALS:
        rows = [w for w in figures.worlds if w.promise == promise]
        kept, worst = [w for w in rows if w.is_kept], min(rows, key=lambda w: w.by_replay[1])
        measured = f"{len(kept)} of {len(rows)}; {worst.by_replay[0]:.0f} [{worst.by_replay[1]:.0f}, …], {WORLD_NAMES[worst.world].en}"
        goals.append(Goal(f"interval kept, c = {promise:g} 间隔", f"≥ {promise:g} d", measured, len(kept) == len(rows)))
    return goals


def _best_single(cell: Cell) -> Goal:
    best = min(SINGLE, key=lambda method: (cell.rows[method].days[0], cell.rows[method].infected[0]))
    own, other, gap = cell.rows[FUSED].days[0], cell.rows[best].days[0], cell.beside[best]
    measured = f"{_day(own)} : {_day(other)} d, {NAMES[best].en}; {_gap(gap)}"
    return Goal(f"best single stream 最佳单一哨点, {_label(cell)}", "≤ 0 d", measured, own <= other)


def _before_testing(cell: Cell) -> Goal:
    own, other, gap = cell.rows[FUSED].days[0], cell.rows["testing"].days[0], cell.beside["testing"]
    measured = f"{_day(own)} : {_day(other)} d; {_gap(gap)}"
    return Goal(
        f"before testing alone 早于检测, {_label(cell)}", f"≥ {DAYS_BEFORE_TESTING:g} d", measured, other - own >= DAYS_BEFORE_TESTING
    )


def _fewer_infected(cell: Cell) -> Goal:
    fewer, own, other = cell.fewer[BONFERRONI], cell.rows[FUSED].infected[0], cell.rows[BONFERRONI].infected[0]
    measured = f"{fewer[0]:.0%} [{fewer[1]:.0%}, {fewer[2]:.0%}] ({own:.0f} : {other:.0f})"
    return Goal(
        f"fewer infected than Bonferroni 少, {_label(cell)}",
        f"≥ {FEWER_THAN_BONFERRONI:.0%}",
        measured,
        fewer[0] >= FEWER_THAN_BONFERRONI,
    )


def _top_3(cell: Cell) -> Goal:
    value = cell.rows[FUSED].top_3
    return Goal(
        f"top-3 village 前三村, {_label(cell)}", f"≥ {TOP_3}", f"{value[0]:.2f} [{value[1]:.2f}, {value[2]:.2f}]", value[0] >= TOP_3
    )


def _gap_to_truth(figures: Figures, cell: Cell) -> list[Goal]:
    """What estimation costs, beside the prototype's cost of which half was to be closed."""
    own, truth = cell.rows[FUSED].infected[0], cell.truth[FUSED].infected[0]
    excess = own / truth - 1
    thresholds = figures.results.thresholds
    rise = thresholds["estimated"][FUSED][YEARLY] - thresholds["true"][FUSED][YEARLY]
    return [
        Goal(
            f"infected, true baseline 多感染, {_label(cell)}", f"≤ {PROTOTYPE_EXCESS / 2:.1%}", f"{excess:+.1%} ({own:.0f} : {truth:.0f})",
            excess <= PROTOTYPE_EXCESS / 2,
        ),
        Goal("threshold, true baseline 阈值差", f"≤ {PROTOTYPE_RISE / 2:.1f}", f"{rise:+.2f}", rise <= PROTOTYPE_RISE / 2),
    ]  # fmt: skip


def _gap(value: Interval) -> str:
    return f"{value[0]:+.1f} [{value[1]:+.1f}, {value[2]:+.1f}]"


def _day(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "not found"
