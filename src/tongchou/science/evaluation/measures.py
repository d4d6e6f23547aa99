"""What an alarm rule is worth: false-positive rate, detection, predictive value, delay; each with its standard error."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats

Bools = NDArray[np.bool_]
# Each measure is a ratio of two sums over series: rows of the tally.
ROWS = (
    "quiet_weeks", "false_alarms", "outbreaks", "found", "found_in_first_week", "outbreak_weeks", "alarmed_outbreak_weeks", "alarms",
    "weeks_waited", "weeks_outside", "silent_outside",
)  # fmt: skip
RATIOS: Mapping[str, tuple[str, str]] = {
    "fpr": ("false_alarms", "quiet_weeks"),
    "pod": ("found", "outbreaks"),
    "pod_week_1": ("found_in_first_week", "outbreaks"),
    "sensitivity": ("alarmed_outbreak_weeks", "outbreak_weeks"),
    "ppv": ("alarmed_outbreak_weeks", "alarms"),
    "specificity": ("silent_outside", "weeks_outside"),
    "weeks_to_alarm": ("weeks_waited", "outbreaks"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sums by series, (ROWS, series), and the stratum of each series."""

    sums: Floats
    stratum: NDArray[np.int64]

    def row(self, name: str) -> Floats:
        return np.asarray(self.sums[ROWS.index(name)])


def tally(quiet: Bools, alarmed: Bools, added: Floats, stratum: NDArray[np.int64]) -> Tally:
    """Count by series.

    Parameters
    ----------
    quiet: alarms without an outbreak, (series, weeks). alarmed: alarms with one, (series, sizes, weeks). added: its cases, same shape.

    Notes
    -----
    An outbreak lasts from its first to its last week with a case. Waited: weeks from its first to the first alarm inside it; an outbreak
    without one counts with its whole length, so that a rule gains nothing by missing the slow ones.
    """
    cases = added > 0
    weeks = np.arange(cases.shape[-1])
    first = cases.argmax(axis=-1)
    last = len(weeks) - 1 - cases[..., ::-1].argmax(axis=-1)
    inside = (weeks >= first[..., None]) & (weeks <= last[..., None])
    hits = alarmed & inside
    found = hits.any(axis=-1)
    waited = np.where(found, hits.argmax(axis=-1) - first, last - first + 1)
    at_first = np.take_along_axis(alarmed, first[..., None], axis=-1)[..., 0]
    of = {
        "quiet_weeks": np.full(len(quiet), quiet.shape[1]), "false_alarms": quiet.sum(axis=1), "outbreaks": np.full(len(quiet), first.shape[1]),
        "found": found.sum(axis=1), "found_in_first_week": at_first.sum(axis=1), "outbreak_weeks": inside.sum(axis=(1, 2)),
        "alarmed_outbreak_weeks": hits.sum(axis=(1, 2)), "alarms": alarmed.sum(axis=(1, 2)), "weeks_waited": waited.sum(axis=1),
        "weeks_outside": (~inside).sum(axis=(1, 2)), "silent_outside": (~inside & ~alarmed).sum(axis=(1, 2)),
    }  # fmt: skip
    return Tally(np.array([of[name] for name in ROWS], dtype=np.float64), stratum)


def ratios(counted: Tally) -> dict[str, float]:
    """Every measure; NaN where there is nothing to divide by."""
    return {name: _divided(counted.row(top).sum(), counted.row(bottom).sum()) for name, (top, bottom) in RATIOS.items()}


def highest_fpr(counted: Tally) -> float:
    """False-positive rate of the stratum with the most false alarms."""
    alarms, weeks = (np.bincount(counted.stratum, counted.row(name)) for name in ("false_alarms", "quiet_weeks"))
    return float((alarms[weeks > 0] / weeks[weeks > 0]).max())


def influences(counted: Tally, slopes: Mapping[str, float]) -> dict[str, Floats]:
    """How much each series moves each measure, (series,): what standard errors of measures and of their differences are made of.

    Parameters
    ----------
    slopes: change of each measure per unit of false-positive rate; empty for a threshold fixed beforehand.

    Notes
    -----
    Linearised ratio: u_i = (top_i - R bottom_i)/sum bottom. A threshold set on the same quiet series moves with them: to keep the rate it
    gives back what the series have in excess, u_i - slope * u_i(fpr).
    """
    values = ratios(counted)
    parts = {
        name: (counted.row(top) - values[name] * counted.row(bottom)) / total
        if (total := counted.row(bottom).sum())
        else np.full(counted.sums.shape[1], np.nan)
        for name, (top, bottom) in RATIOS.items()
    }
    return {name: part - slopes.get(name, 0.0) * parts["fpr"] for name, part in parts.items()}


def standard_error(influence: Floats, stratum: NDArray[np.int64]) -> float:
    """Root of the sum over strata of n/(n - 1) sum (u - mean u)^2: series are the independent units, drawn within strata.

    One series in a stratum: the overall mean stands in for its own, which errs upwards.
    """
    n = np.bincount(stratum)
    centre = np.bincount(stratum, influence) / np.maximum(n, 1)
    centre[n == 1] = influence.mean()
    inflate = np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
    return float(np.sqrt(np.sum(inflate[stratum] * (influence - centre[stratum]) ** 2)))


def _divided(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom else float("nan")
