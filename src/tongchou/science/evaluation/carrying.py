"""Whether a threshold set on the past keeps its promise later: false alarms there, beside those promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from tongchou.science.detection.budget import calibrate_threshold, interval_limits
from tongchou.science.detection.controller import ControllerParams
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.onsets import SILENCE_WEEKS, WEEKS_PER_YEAR, OnsetGround, count_false_alarms, days_at

Basis = Literal["theory", "own past", "own past, ceiling", "all places' past"]
BASES: tuple[Basis, ...] = get_args(Basis)


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """False alarms in later quiet weeks beside those promised, and days from later onsets, at thresholds set on the past."""

    method: str
    basis: Basis
    promised_per_year: float
    false_alarms: int
    quiet_years: float
    days: Floats

    @property
    def ratio(self) -> float:
        return self.false_alarms / (self.promised_per_year * self.quiet_years)

    @property
    def interval(self) -> tuple[float, float]:
        """Exact Poisson 95 % interval of the ratio (Garwood 1936); too narrow, since places alarm together."""
        _, shortest, longest = interval_limits(self.false_alarms, self.promised_per_year * self.quiet_years)
        return 1 / longest, 1 / shortest


def thresholds(score: Floats, past: OnsetGround, per_year: float, basis: Basis) -> Floats:
    """A threshold per place, never below theory: alone, with a margin from the place's own quiet past (without or with the ceiling of
    the budget controller), or with one margin from the past of all places laid end to end."""
    theory = float(np.log(WEEKS_PER_YEAR / per_year))
    if basis == "theory":
        return np.full(len(score), theory)
    excess = np.where(past.is_quiet, score - theory, np.nan)
    # A gap between places, so that the silence after the last alarm of one does not cover the first weeks of the next.
    rows = [np.concatenate([row, np.full(SILENCE_WEEKS, np.nan)]) for row in excess]
    if basis == "all places' past":
        return np.full(len(score), theory + _margin(np.concatenate(rows), per_year))
    margins = np.array([_margin(row, per_year) for row in rows])
    return theory + (np.minimum(margins, ControllerParams().largest_log) if basis == "own past, ceiling" else margins)


def _margin(excess: Floats, per_year: float) -> float:
    return calibrate_threshold(excess, per_year, step_days=7, silence_days=7 * (SILENCE_WEEKS + 1)).margin_log


def carry(method: str, score: Floats, past: OnsetGround, later: OnsetGround, per_year: float, basis: Basis) -> Carried:
    """Set thresholds on the past and count what they do later; both grounds are of the same places and weeks."""
    above = score - thresholds(score, past, per_year, basis)[:, None]
    return Carried(method, basis, per_year, count_false_alarms(above, later, 0.0), later.quiet_years, days_at(above, later, 0.0))


def joined(parts: Sequence[Carried]) -> Carried:
    """Several transitions of one method, basis and promise as one."""
    first = parts[0]
    return Carried(
        first.method, first.basis, first.promised_per_year, sum(c.false_alarms for c in parts), sum(c.quiet_years for c in parts),
        np.concatenate([c.days for c in parts]),
    )  # fmt: skip
