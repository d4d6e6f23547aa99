"""The weekly benchmark: every rule on the same series, at the same false-positive rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.mixture import Evidence
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.contenders import LEAD, MIXTURE, Verdict, oracle_rows
from tongchou.science.evaluation.design import CURRENT, SCENARIOS, Scenario, Simulated, simulate
from tongchou.science.evaluation.families import FAMILIES
from tongchou.science.evaluation.matching import Judged, Restarting, Scored, threshold_for, without_ties
from tongchou.science.evaluation.measures import Tally, highest_fpr, influences, ratios, standard_error, tally

RATES = (0.005, 0.01, 0.02, 0.05)
ORACLE = "oracle"
AROUND = (0.8, 1.25)  # the rates beside the wanted one from which the slope of a measure is read
COIN_SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One rule on the series without (quiet) and with a current outbreak."""

    quiet: Verdict
    alarmed: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One row: the measures of a rule at one false-positive rate (None: at its published setting), with standard errors."""

    method: str
    rate: float | None
    threshold: float | None
    values: Mapping[str, float]
    errors: Mapping[str, float]
    highest_fpr: float
    influence: Mapping[str, Floats]
    counted: Tally

    def within(self, chosen: NDArray[np.bool_]) -> dict[str, float]:
        """The measures over some of the series, (series,)."""
        return ratios(Tally(self.counted.sums[:, chosen], self.counted.stratum[chosen]))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What all rules are measured against: cases of the current outbreaks (series, sizes, weeks) and the scenario of each series."""

    added: Floats
    scenario: NDArray[np.int64]


def judge(seed: int, series_per_scenario: int, family: str, scenarios: tuple[Scenario, ...] = SCENARIOS) -> dict[str, Judgement]:
    """Every row of a family on the series of one seed."""
    drawn = simulate(seed, series_per_scenario, scenarios)
    with_outbreaks = drawn.with_outbreaks()
    if family == ORACLE:
        sizes = drawn.added.shape[1]
        quiet = oracle_rows(drawn.counts, CURRENT, drawn.mean, drawn.dispersion)
        alarmed = oracle_rows(with_outbreaks, CURRENT, np.repeat(drawn.mean, sizes, axis=0), np.repeat(drawn.dispersion, sizes))
    else:
        quiet, alarmed = FAMILIES[family](drawn.counts, CURRENT), FAMILIES[family](with_outbreaks, CURRENT)
    return {name: Judgement(quiet[name], alarmed[name]) for name in quiet}


def ground_of(drawn: Sequence[Simulated]) -> Ground:
    """The truth about the series of all seeds, in the order of `joined`."""
    return Ground(np.concatenate([d.added for d in drawn]), np.concatenate([d.scenario for d in drawn]))


def joined(parts: Sequence[Judgement]) -> Judgement:
    """The series of several seeds as one."""
    return Judgement(_joined([p.quiet for p in parts]), _joined([p.alarmed for p in parts]))


def _joined(parts: Sequence[Verdict]) -> Verdict:
    held = [p.evidence for p in parts if p.evidence is not None]
    evidence = Evidence(*(np.concatenate([getattr(e, part) for e in held]) for part in ("now", "before", "is_present"))) if held else None
    return Verdict(np.concatenate([p.score for p in parts]), np.concatenate([p.nominal for p in parts]), evidence)


def rule_of(quiet: Verdict, alarmed: Verdict) -> tuple[Judged, Judged]:
    """The rule with its threshold free, on two sets of series."""
    if quiet.evidence is not None and alarmed.evidence is not None:
        return Restarting(quiet.evidence, MIXTURE, LEAD), Restarting(alarmed.evidence, MIXTURE, LEAD)
    one, other = without_ties(quiet.score, alarmed.score, np.random.default_rng(COIN_SEED))
    return Scored(one), Scored(other)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a threshold is set on (the alarms of a rule in some weeks) and what it then gives."""

    rule: Judged
    among: NDArray[np.bool_] | None
    counted: Callable[[float], Tally]


def measure(method: str, judgement: Judgement, ground: Ground, rates: Sequence[float] = RATES) -> list[Measured]:
    """The measures of one rule: at its published setting, then at every rate."""
    quiet, alarmed = rule_of(judgement.quiet, judgement.alarmed)
    published = row_of(method, None, None, _counted(judgement.quiet.nominal, judgement.alarmed.nominal, ground), {})
    settled = Settled(quiet, None, lambda threshold: _counted(quiet.alarms(threshold), alarmed.alarms(threshold), ground))
    return [published, *matched_rows(method, settled, rates)]


def matched_rows(method: str, settled: Settled, rates: Sequence[float]) -> list[Measured]:
    """One row a rate."""
    rows = []
    for rate in rates:
        threshold = threshold_for(settled.rule, rate, settled.among)
        low, high = (ratios(settled.counted(threshold_for(settled.rule, rate * factor, settled.among))) for factor in AROUND)
        width = high["fpr"] - low["fpr"]
        slopes = {name: (high[name] - low[name]) / width for name in low if name != "fpr"} if width > 0 else {}
        rows.append(row_of(method, rate, threshold, settled.counted(threshold), slopes))
    return rows


def difference(one: Measured, other: Measured, name: str, scenario: NDArray[np.int64]) -> tuple[float, float]:
    """How much one rule is ahead of another in a measure, and the standard error of that: both saw the same series."""
    gap = one.influence[name] - other.influence[name]
    return one.values[name] - other.values[name], standard_error(gap, scenario)


def _counted(quiet: NDArray[np.bool_], alarmed: NDArray[np.bool_], ground: Ground) -> Tally:
    return tally(quiet, alarmed.reshape(ground.added.shape), ground.added, ground.scenario)


def row_of(method: str, rate: float | None, threshold: float | None, counted: Tally, slopes: Mapping[str, float]) -> Measured:
    """The row of a tally. slopes: see `influences`."""
    moved = influences(counted, slopes)
    errors = {name: standard_error(part, counted.stratum) for name, part in moved.items()}
    return Measured(method, rate, threshold, ratios(counted), errors, highest_fpr(counted), moved, counted)
