"""Series and R outputs (EpiEstim 2.2-4, surveillance 1.20.3) the estimates are compared with."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

from tongchou.science.reproduction.serial_interval import SerialInterval, gamma_serial_interval

FOLDER = Path(__file__).parents[2] / "data" / "reference_r"
COLUMNS = ("mean", "std", "q025", "q25", "median", "q75", "q975")


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def number(text: str) -> float:
    return float(text) if text not in ("", "NA") else np.nan


@cache
def incidence(series: str) -> np.ndarray:
    return np.array([float(r["incidence"]) for r in rows("epiestim_incidence") if r["series"] == series])


@cache
def known_interval(series: str) -> SerialInterval:
    return SerialInterval(np.array([float(r["prob"]) for r in rows("epiestim_si") if r["series"] == series]))


def interval_of(series: str, variant: str) -> SerialInterval:
    """The serial interval that a row of the reference was computed with."""
    if "mean_si" not in variant:
        return known_interval(series)
    parts = dict(part.split("=") for part in variant.split(" ")[0].split(";"))
    return gamma_serial_interval(float(parts["mean_si"]), float(parts["std_si"]))


@cache
def blocks() -> dict[tuple[str, str, str], list[dict[str, str]]]:
    """Rows of the reference by series, method and variant."""
    found = defaultdict(list)
    for row in rows("epiestim_R"):
        found[row["series"], row["method"], row["variant"]].append(row)
    return dict(found)
