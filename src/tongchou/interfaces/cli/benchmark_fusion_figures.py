"""The measured figures of the fusion benchmark, cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from tongchou.interfaces.cli.benchmark_fusion_run import Results
from tongchou.science.detection.budget import interval_limits
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.budgets import INTERVALS, unevenness
from tongchou.science.evaluation.fusion.comparisons import Interval, Row, days_between, fewer_infected, row_of
from tongchou.science.evaluation.fusion.contenders import FUSED
from tongchou.science.evaluation.fusion.outbreaks import METHODS


@dataclass(frozen=True, slots=True)
class WorldRow:
    """The fused rule in one null world at one promise."""

    world: str
    promise: float
    alarms_theory: int
    by_theory: Interval
    alarms_replay: int
    by_replay: Interval
    unevenness: float

    @property
    def is_kept(self) -> bool:
        return self.by_replay[1] >= self.promise


@dataclass(frozen=True, slots=True)
class Cell:
    """One reproduction number, quality and interval (its position): every method on the estimated and (where tried) the true background.

    beside, fewer: the fused rule minus each method in days, and the share by which fewer are infected; the same outbreaks.
    """

    reproduction: float
    quality: float
    interval: int
    horizon: float
    rows: Mapping[str, Row]
    truth: Mapping[str, Row]
    beside: Mapping[str, Interval]
    fewer: Mapping[str, Interval]
    position: tuple[int, int]


class Figures:
    """What one run says, worked out when first asked for."""

    def __init__(self, results: Results) -> None:
        assert results.outcomes is not None
        self.results, self.outcomes = results, results.outcomes

    @cached_property
    def worlds(self) -> list[WorldRow]:
        """World by world, promise by promise."""
        rows = []
        for world, towns in self.results.kept.items():
            days = sum(t.days for t in towns)
            for k, promise in enumerate(INTERVALS):
                theory, replay = (np.array([by[k] for by in side]) for side in ([t.by_theory for t in towns], [t.by_replay for t in towns]))
                limits = [interval_limits(int(counts.sum()), days) for counts in (theory, replay)]
                rows.append(WorldRow(world, promise, int(theory.sum()), limits[0], int(replay.sum()), limits[1], unevenness(replay)))
        return rows

    @cached_property
    def cells(self) -> list[Cell]:
        """By interval, then by reproduction number and quality."""
        plan = self.results.plan.outbreaks
        return [
            self._cell(i, j, k) for k, i, j in product(range(len(INTERVALS)), range(len(plan.reproductions)), range(len(plan.qualities)))
        ]

    def cells_at(self, interval: int) -> list[Cell]:
        """Cells of one interval, by its position."""
        return [cell for cell in self.cells if cell.interval == interval]

    def delays(self, cell: Cell, method: str) -> Floats:
        """Days to the first alarm on the estimated background, (outbreaks,), NaN = none."""
        return np.asarray(self.outcomes.delay[0, *cell.position, METHODS.index(method), cell.interval])

    def _cell(self, i: int, j: int, k: int) -> Cell:
        plan, o = self.results.plan.outbreaks, self.outcomes
        rows, truth = (
            {
                method: row_of(o.delay[b, i, j, m, k], o.infected[b, i, j, m, k], o.rank[b, i, j, m, k])
                for m, method in enumerate(METHODS)
                if not np.isnan(o.infected[b, i, j, m, k]).any()
            }
            for b in (0, 1)
        )
        horizon, own = float(plan.horizons[i]), METHODS.index(FUSED)
        beside, fewer = {}, {}
        for m, method in enumerate(METHODS):
            beside[method] = days_between(o.delay[0, i, j, own, k], o.delay[0, i, j, m, k], horizon)
            fewer[method] = fewer_infected(o.infected[0, i, j, own, k], o.infected[0, i, j, m, k])
        return Cell(plan.reproductions[i], plan.qualities[j], k, horizon, rows, truth, beside, fewer, (i, j))
