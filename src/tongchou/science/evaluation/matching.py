"""Rules with a threshold, and the threshold that gives a promised false-positive rate."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.mixture import Evidence, MixtureParams, decide
from tongchou.science.detection.model import Floats

Bools = NDArray[np.bool_]
HALVINGS = 60


class Judged(Protocol):
    """Weeks that a rule has looked at: (series, weeks)."""

    def alarms(self, threshold: float) -> Bools:
        """Alarms at a threshold of the rule's own scale."""
        ...

    def bounds(self) -> tuple[float, float]:
        """A threshold below which every week that can alarm does, and one that nothing reaches."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One score a week, larger = more unusual; NaN can never alarm."""

    score: Floats

    def alarms(self, threshold: float) -> Bools:
        with np.errstate(invalid="ignore"):
            return np.asarray(self.score >= threshold)

    def bounds(self) -> tuple[float, float]:
        known = self.score[np.isfinite(self.score)]
        return (float(known.min()), float(known.max()) + 1.0) if len(known) else (0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Restarting:
    """The mixture ratio, whose memory ends at an alarm: what it says depends on its own threshold."""

    evidence: Evidence
    params: MixtureParams
    lead: int  # weeks at the beginning that serve as memory only

    def alarms(self, threshold: float) -> Bools:
        return decide(self.evidence, replace(self.params, threshold_log=threshold))[1][:, self.lead :]

    def bounds(self) -> tuple[float, float]:
        now = self.evidence.now[np.isfinite(self.evidence.now)]
        before = self.evidence.before[np.isfinite(self.evidence.before)]
        highest = max([0.0, *(float(part.max()) for part in (now, before) if len(part))])
        return -50.0, highest + self.params.continuing_log + 1.0


def without_ties(quiet: Floats, alarmed: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Ranks of all scores together, equal ones parted by a coin: only so can a coarse score be held to any rate. NaN stays NaN."""
    together = np.concatenate([quiet.ravel(), alarmed.ravel()])
    known = ~np.isnan(together)
    _, rank = np.unique(together[known], return_inverse=True)
    parted = np.full(len(together), np.nan)
    parted[known] = rank + rng.random(int(known.sum()))
    return parted[: quiet.size].reshape(quiet.shape), parted[quiet.size :].reshape(alarmed.shape)


def threshold_for(rule: Judged, rate: float, among: Bools | None = None) -> float:
    """Smallest threshold at which at most ``rate`` of the weeks alarm; ``among``: of these weeks only, (series, weeks).

    Halving takes the rate to fall as the threshold rises: true for a score, nearly so for a rule with a restart.
    """
    if not 0 < rate < 1:
        raise ValueError(f"threshold_for: a rate in (0, 1); got {rate}")

    def share(threshold: float) -> float:
        alarms = rule.alarms(threshold)
        return float((alarms if among is None else alarms[among]).mean())

    low, high = rule.bounds()
    if share(low) <= rate:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if share(middle) > rate:
            low = middle
        else:
            high = middle
    return high
