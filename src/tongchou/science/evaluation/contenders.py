"""The rules that are compared, each as a score a week: families share a fit, a row each for what is done with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.farrington import FarringtonParams, farrington_flexible
from tongchou.science.detection.memories import LEVEL, two_memories
from tongchou.science.detection.mixture import Evidence, MixtureParams, decide, evidence_of
from tongchou.science.detection.model import Floats
from tongchou.science.detection.seasonal import Baseline, SeasonalParams, mid_p_of, seasonal_baseline

Bools = NDArray[np.bool_]
Weeks = NDArray[np.int64]
LEAD = 1  # weeks before the first judged one that the two-week memory needs
MIXTURE = MixtureParams()
SEASONAL = SeasonalParams(year_steps=52.0)
SMALLEST_P = 1e-280
NOMINAL = 0.01  # N13: alpha of the nominal rows, for every method that has one


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What one rule says of the judged weeks, (series, weeks).

    score: larger = more unusual, NaN: nothing said. evidence: in its place for the mixture, with LEAD weeks before. nominal: alarms at the
    rule's published setting.
    """

    score: Floats
    nominal: Bools
    evidence: Evidence | None = None


def surprise(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """-log of the upper mid-p value; where that is too small for a number, further standard deviations are added, so that none tie."""
    p = mid_p_of(counts, mean, variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = np.where(p < SMALLEST_P, (counts - mean) / np.sqrt(variance), 0.0)
    return np.asarray(beyond - np.log(np.maximum(p, SMALLEST_P)))


def farrington_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """Farrington flexible, ranked by the tail of its own negative binomial (its bound at every alpha); silent below 5 events in 4 weeks."""
    params = FarringtonParams(alpha=NOMINAL)
    fit = farrington_flexible(counts, weeks.tolist(), params)
    score = surprise(counts[:, weeks], fit.expected, fit.dispersion * fit.expected)
    return {"farringtonFlexible": Verdict(np.where(np.isnan(fit.upper), np.nan, score), fit.alarm)}


def seasonal_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """What is unusual for the season."""
    return baseline_rows(counts, seasonal_baseline(counts, _with_lead(weeks), SEASONAL), "seasonal", "mixture")


def level_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """What is unusual beside the last half year, whatever the season: for the first wave, or the first weeks of any."""
    return baseline_rows(counts, seasonal_baseline(counts, _with_lead(weeks), LEVEL), "level", "levelMixture")


def memory_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """Season and level, by how well each foretold the last half year."""
    return baseline_rows(counts, two_memories(counts, _with_lead(weeks), SEASONAL, LEVEL), "memories", "memoryMixture")


def oracle_rows(counts: Floats, weeks: Weeks, mean: Floats, dispersion: Floats) -> dict[str, Verdict]:
    """The same two rules on the true baseline: what no estimate can pass."""
    steps = np.array(_with_lead(weeks))
    phi = np.broadcast_to(dispersion[:, None], (len(counts), len(steps)))
    true = Baseline(steps, mean[:, steps], np.zeros(phi.shape), phi, np.zeros(phi.shape, dtype=np.int64))
    return baseline_rows(counts, true, "oracleTail", "oracleMixture")


def baseline_rows(counts: Floats, baseline: Baseline, tail: str, mixture: str) -> dict[str, Verdict]:
    """The two rules on one baseline: one week's tail, and the mixture of one and two weeks."""
    evidence = evidence_of(counts, baseline, MIXTURE)
    score, alarm = decide(evidence, MIXTURE)
    one_week = surprise(counts[:, baseline.steps], baseline.expected, baseline.variance)[:, LEAD:]
    with np.errstate(invalid="ignore"):
        return {
            tail: Verdict(one_week, one_week > -np.log(NOMINAL)),
            mixture: Verdict(score[:, LEAD:], alarm[:, LEAD:], evidence),
        }


def _with_lead(weeks: Weeks) -> list[int]:
    return [int(weeks[0]) - LEAD, *weeks.tolist()]
