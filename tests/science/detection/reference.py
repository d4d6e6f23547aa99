"""Series and R outputs the detectors are compared with."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[2] / "data"
R_METHODS = sorted(p.name.removeprefix("alarms_").removesuffix(".csv.gz") for p in (DATA / "reference_r").glob("alarms_*.csv.gz"))


@dataclass(frozen=True)
class Reference:
    """What R returned for one series and variant; ``weeks`` are 0-based positions; NaN where R has nothing."""

    method: str
    series: str
    variant: str
    weeks: np.ndarray
    upper: np.ndarray
    alarm: np.ndarray
    score: np.ndarray
    expected: np.ndarray


@cache
def series(name: str) -> tuple[np.ndarray, date | None]:
    """Counts summed over units and the Monday of week 0 (None: no dates)."""
    totals: dict[int, float] = defaultdict(float)
    days: dict[int, str] = {}
    with (DATA / "surveillance_series" / f"{name}.csv").open() as file:
        for row in csv.DictReader(file):
            totals[int(row["t"])] += float(row["observed"])
            days[int(row["t"])] = row["date"]
    steps = sorted(totals)
    first = days[steps[0]]
    return np.array([totals[t] for t in steps]), date.fromisoformat(first) if first else None


@cache
def references(method: str) -> tuple[Reference, ...]:
    """All variants of one method."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with gzip.open(DATA / "reference_r" / f"alarms_{method}.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            rows[row["series"], row["variant"]].append(row)

    def column(found: list[dict[str, str]], name: str) -> np.ndarray:
        return np.array([float(r[name]) if r[name] not in ("", "NA") else np.nan for r in found])

    return tuple(
        Reference(method, name, variant, column(found, "t").astype(int) - 1, *(column(found, c) for c in ("upperbound", "alarm", "score", "expected")))
        for (name, variant), found in rows.items()
    )  # fmt: skip
