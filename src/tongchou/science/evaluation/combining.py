"""Ways to make one score of many streams: products of evidence, means, votes, p-values; and the rest of the country beside them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import chi2, norm

from tongchou.science.detection.fusion import outside_factor
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.onsets import Bools

LEAST_P, MOST_P = 1e-300, 1 - 1e-9
ALONE = "alone "


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What every stream said of one target in each place and week, as known then.

    log_evidence: (streams, places, weeks, onset ages, growths), log likelihood ratios; 0 where a stream was silent.
    mid_p: (streams, places, weeks) of the newest week on the level of the eight before; NaN where silent.
    """

    names: tuple[str, ...]
    weights: Floats
    is_outside: Bools
    log_evidence: Floats
    mid_p: Floats

    @property
    def own(self) -> tuple[int, ...]:
        return tuple(np.flatnonzero(~self.is_outside).tolist())

    def outside_of(self, name: str) -> Floats:
        """Log evidence of the same stream from the neighbours; 0 for one that sees the whole country, which has none."""
        return next(
            (self.log_evidence[k] for k in np.flatnonzero(self.is_outside) if self.names[k].endswith(f":{name}")),
            np.zeros_like(self.log_evidence[0]),
        )


def growth_statistic(log_evidence: Floats) -> Floats:
    """Log Shiryaev-Roberts sum: over onset ages (axis -2) of the mean over growths (axis -1)."""
    return np.asarray(logsumexp(log_evidence, axis=(-2, -1)) - np.log(log_evidence.shape[-1]))


def with_outside(own: Floats, outside: Floats) -> Floats:
    """The own evidence with that of the neighbours beside it, as `fuse` does it."""
    lead = growth_statistic(own) - np.log(own.shape[-2])
    return own + outside_factor(outside, lead[..., None, None])


def calibrated(statistic: Floats, quiet: Floats) -> Floats:
    """p-values of a statistic by its rank among quiet ones; above the largest they fall with slope 1, as the tail of such a sum does."""
    ordered = np.sort(quiet[~np.isnan(quiet)])
    above = len(ordered) - np.searchsorted(ordered, statistic, side="left")
    beyond = np.minimum(ordered[-1] - statistic, 0.0) if len(ordered) else np.zeros_like(statistic)
    return np.where(np.isnan(statistic), np.nan, (above + np.exp(beyond)) / (len(ordered) + 1))


def alone(evidence: Evidence) -> dict[str, Floats]:
    """Growth statistic of every stream by itself, (places, weeks); NaN where it was silent."""
    found = np.where(np.isnan(evidence.mid_p), np.nan, growth_statistic(evidence.log_evidence))
    return dict(zip(evidence.names, found, strict=True))


def combined(evidence: Evidence, best: str, quiet: Bools) -> dict[str, Floats]:
    """Score of every method, (places, weeks); NaN where it heard nothing.

    best: the stream that stands for "best single stream". quiet: (places, weeks) on whose scores p-values are calibrated.
    """
    own, b, single = list(evidence.own), evidence.names.index(best), alone(evidence)
    scores = {f"{ALONE}{name}": score for name, score in single.items()}
    scores["best"] = single[best]
    scores["bestWeek"] = norm.isf(np.clip(evidence.mid_p[b], LEAST_P, 1.0))
    joined = {**_products(evidence, b), **_votes(np.stack([single[evidence.names[k]] for k in own]), quiet)}
    heard_own = ~np.isnan(evidence.mid_p[own]).all(axis=0)
    return scores | {name: np.where(heard_own, score, np.nan) for name, score in joined.items()}


def _products(evidence: Evidence, best: int) -> dict[str, Floats]:
    """Products and the mean of e-values, on one calendar of onsets and one growth; the neighbours' streams beside two of them."""
    own, e = list(evidence.own), evidence.log_evidence
    outside = np.flatnonzero(evidence.is_outside)
    heard = ~np.isnan(evidence.mid_p)
    weighted = np.tensordot(evidence.weights[own], e[own], 1)
    # A kind the neighbours do not report is no part of their mean.
    speaking = np.maximum(heard[outside].sum(axis=0), 1)[..., None, None]
    around = e[outside].sum(axis=0) / speaking
    spoken = np.where(heard[own][..., None, None], e[own], -np.inf)
    count = np.maximum(heard[own].sum(axis=0), 1)[..., None, None]
    with np.errstate(divide="ignore"):
        mean = logsumexp(spoken, axis=0) - np.log(count)
    joined = {
        "product": e[own].sum(axis=0),
        "rootProduct": 0.5 * e[own].sum(axis=0),
        "weighted": weighted,
        "meanE": mean,
        "others": e[[k for k in own if k != best]].sum(axis=0),
        "bestAndRest": with_outside(e[best], evidence.outside_of(evidence.names[best])),
        "bestAndRestUncapped": e[best] + evidence.outside_of(evidence.names[best]),
        "fused": with_outside(weighted, around),
        "fusedUncapped": weighted + around,
    }
    return {name: growth_statistic(log_evidence) for name, log_evidence in joined.items()}


def _votes(single: Floats, quiet: Bools) -> dict[str, Floats]:
    """Rules on the p-values of the single streams; a silent stream has no vote."""
    p = np.stack([calibrated(s, s[quiet]) for s in single])
    voters = np.maximum((~np.isnan(p)).sum(axis=0), 1)
    p = np.clip(np.where(np.isnan(p), 1.0, p), LEAST_P, 1.0)
    z = np.where(np.isnan(single), 0.0, norm.isf(np.minimum(p, MOST_P)))
    return {
        "bonferroni": -np.log(p.min(axis=0) * voters),
        "fisher": -chi2.logsf(-2 * np.log(p).sum(axis=0), 2 * voters),
        "stouffer": z.sum(axis=0) / np.sqrt(voters),
        "twoOfAll": -np.log(np.sort(p, axis=0)[1]),
    }
