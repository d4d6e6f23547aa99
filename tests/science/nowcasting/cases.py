"""Real reports the nowcasts are tried on, and streams made for a test."""

from __future__ import annotations

import csv
import gzip
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from tongchou.science.nowcasting.triangle import ReportingTriangle

DATA = Path(__file__).parents[2] / "data"
GERMAN_FIRST_DAY = date(2021, 4, 6)
GERMAN_HOLIDAYS = (date(2021, 5, 1), date(2021, 5, 13), date(2021, 5, 24), date(2021, 10, 3))


@cache
def german_cells(group: str = "00+") -> np.ndarray:
    """(reference days, delays 0..40) hospitalised cases of one age group; reports to 30 November 2021."""
    cells = np.zeros(((date(2021, 11, 30) - GERMAN_FIRST_DAY).days + 1, 41))
    with gzip.open(DATA / "hosp_reporting_triangle" / "germany_hosp_increments.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["age_group"] == group:
                day, reported = date.fromisoformat(row["reference_date"]), date.fromisoformat(row["report_date"])
                cells[(day - GERMAN_FIRST_DAY).days, (reported - day).days] = float(row["count"])
    return cells


def german(as_of: date, group: str = "00+") -> ReportingTriangle:
    """The German triangle as it was known on one day."""
    return ReportingTriangle(GERMAN_FIRST_DAY, german_cells(group)[: (as_of - GERMAN_FIRST_DAY).days + 1])


@cache
def hospital_line_list() -> tuple[tuple[date, date], ...]:
    """Days of admission and of report of the HUS/STEC O104 outbreak, Germany 2011."""
    with (DATA / "surveillance_series" / "husO104_linelist.csv").open() as file:
        return tuple((date.fromisoformat(r["dHosp"]), date.fromisoformat(r["dReport"])) for r in csv.DictReader(file))


def simulated(seed: int, days: int, mean: float, delays: np.ndarray) -> np.ndarray:
    """Poisson reports with one delay distribution and a weekday pattern of events."""
    level = mean * (1 + 0.4 * np.cos(2 * np.pi * np.arange(days) / 7))
    return np.random.default_rng(seed).poisson(level[:, None] * delays[None, :]).astype(float)


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(i) for i in range(count)]
