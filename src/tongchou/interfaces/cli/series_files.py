"""Count series from a CSV file: units summed, steps that the file lacks missing, dates checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tongchou.core.wording import T
from tongchou.interfaces.cli.tables import MISSING, Row, read_table

SAMPLES = ("samples", "population")
MOST_STEPS = 1_000_000
WHOLE = T("整数", "a whole number")


@dataclass(slots=True)
class Series:
    """One series by step t: counts, samples, and the row of the file where each step first stands."""

    name: str
    totals: dict[int, float] = field(default_factory=dict)
    samples: dict[int, float] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def steps(self) -> list[int]:
        return sorted(self.rows)

    def on_grid(self, values: Mapping[int, float]) -> np.ndarray:
        """The values on an unbroken grid; NaN where there is none."""
        return np.array([values.get(t, math.nan) for t in range(min(self.rows), max(self.rows) + 1)])

    def first_day(self) -> date | None:
        """Day of the first step of a weekly series where every step has a date; refused when a step is not a week."""
        if any(row.cells.get("date", "").strip() in MISSING for row in self.rows.values()):
            return None
        first = self.steps[0]
        start = self.rows[first].day("date")
        for t in self.steps:
            due = start + timedelta(weeks=t - first)
            if self.rows[t].day("date") != due:
                self.rows[t].refuse(
                    "date",
                    T(f"按 t 推算应为 {due}", f"by t, one week a step, {due} is due"),
                    T("请改正日期，或用 --freq 说明一年有几期。", "Correct it, or say with --freq how many steps a year has."),
                )
        return start


def read_series(path: Path) -> list[Series]:
    """All series of a file in the order they appear; what one unit lacks adds nothing to the sum of the others."""
    table = read_table(path)
    counted, numbered = table.column("observed"), table.column("t")
    samples = table.optional(*SAMPLES)
    found: dict[str, Series] = {}
    seen: set[tuple[str, str, int]] = set()
    for row in table.rows:
        name = row.cells.get("series", "").strip() or path.name.removesuffix(".csv")
        series = found.setdefault(name, Series(name))
        t = row.read(numbered, int, WHOLE)
        key = (name, row.cells.get("unit", "").strip(), t)
        if key in seen:
            row.refuse(
                numbered, T(f"{t} 重复", f"{t} stands twice in {name}"), T("请只留一行，或加 unit 列。", "Keep one, or add a column unit.")
            )
        seen.add(key)
        series.rows.setdefault(t, row)
        _add(series.totals, t, row, counted)
        if samples:
            _add(series.samples, t, row, samples)
        if max(series.rows) - min(series.rows) >= MOST_STEPS:
            row.refuse(
                numbered,
                T(f"{t} 与其他行相距太远", f"{t} is too far from the others"),
                T("请按 1、2、3 编号。", "Number the steps 1, 2, 3."),
            )
    return list(found.values())


def _add(sums: dict[int, float], t: int, row: Row, column: str) -> None:
    if row.cells.get(column, "").strip() not in MISSING:
        sums[t] = sums.get(t, 0.0) + row.count(column)
