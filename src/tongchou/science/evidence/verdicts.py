"""What verdicts on past alarms teach: how often such an alarm is right, how often outbreaks come, how much each stream is worth.

Every answer is computed anew from the list of verdicts, in any order: nothing is stored that could not be replayed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.stats import beta, gamma

from tongchou.science.detection.model import GRADES, Grade

Decision = Literal["true", "false", "unclear"]
DECISIONS: tuple[Decision, ...] = ("true", "false", "unclear")
SHARE_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Verdict:
    """The standing verdict on one alarm. `outbreak` names what a true alarm belongs to (default: itself); several alarms may share it."""

    alarm: str
    grade: Grade
    target: str
    decision: Decision
    shares: Mapping[str, float] = field(default_factory=dict)  # stream -> its share of the alarm's evidence
    outbreak: str | None = None

    def __post_init__(self) -> None:
        if self.grade not in GRADES or self.decision not in DECISIONS:
            raise ValueError(
                f"Verdict on {self.alarm}: grade one of {', '.join(GRADES)}, decision one of {', '.join(DECISIONS)}; "
                f"got {self.grade!r}, {self.decision!r}"
            )
        if not (all(0 <= s <= 1 for s in self.shares.values()) and math.fsum(self.shares.values()) <= 1 + SHARE_ROUNDING):
            raise ValueError(f"Verdict on {self.alarm}: shares lie in [0, 1] and sum to at most 1; got {dict(self.shares)}")


@dataclass(frozen=True, slots=True)
class LearningParams:
    """Priors and bounds of everything learnt from verdicts."""

    prior_right: float = 1.0  # uniform prior Beta(1, 1) (Bayes 1763): before any verdict every PPV is as likely
    prior_wrong: float = 1.0
    borrowed_weight: float = 0.25  # assumption: a verdict on another grade or target counts a quarter (power prior, Ibrahim & Chen 2000)
    most_borrowed: float = 4.0  # assumption: others never count as more than this many verdicts
    prior_years: float = 2.0  # assumption: the stated rate of onsets is worth two years of watching
    least_onsets_per_year: float = 0.02  # assumption: once in fifty years; never 0, or no evidence could raise an alarm
    most_onsets_per_year: float = 12.0  # assumption: beyond one a month there is no quiet time to compare with
    weight_credit: float = 2.0  # assumption: a stream's stated weight is worth two alarms' shares
    least_weight: float = 0.1  # the bounds: no stream is silenced for good by verdicts, none counts more than once
    most_weight: float = 1.0
    coverage: float = 0.95

    def __post_init__(self) -> None:
        positive = (self.prior_right, self.prior_wrong, self.prior_years, self.least_onsets_per_year, self.weight_credit, self.least_weight)
        if not (all(v > 0 and math.isfinite(v) for v in positive) and self.borrowed_weight >= 0 and self.most_borrowed >= 0):
            raise ValueError(f"LearningParams: priors and lower bounds are positive, what is borrowed not negative; got {self}")
        if not (
            self.least_onsets_per_year <= self.most_onsets_per_year and self.least_weight <= self.most_weight <= 1 and 0 < self.coverage < 1
        ):
            raise ValueError(f"LearningParams: bounds in order, weights at most 1, coverage in (0, 1); got {self}")


@dataclass(frozen=True, slots=True)
class Ppv:
    """Posterior Beta(alpha, beta) of the share of true alarms of one grade and target: mean, interval, and what it rests on."""

    mean: float
    low: float
    high: float
    alpha: float
    beta: float
    right: int
    wrong: int
    prior_alpha: float  # the prior that was used, with what was borrowed from other grades and targets
    prior_beta: float


@dataclass(frozen=True, slots=True)
class OnsetRate:
    """Posterior Gamma(shape, years) of the onsets a year that the watch can see; `per_year` is its mean inside the bounds."""

    per_year: float
    low: float
    high: float
    shape: float
    years: float


def ppv_of(verdicts: Iterable[Verdict], grade: Grade, target: str, params: LearningParams = LearningParams()) -> Ppv:
    """How probably an alarm of this grade and target is true, judged by verdicts so far.

    Notes
    -----
    alpha = prior_right + c R' + right, beta = prior_wrong + c W' + wrong; R', W' are true and false verdicts on *other* grades or targets,
    c = min(borrowed_weight, most_borrowed / (R' + W')). Unclear verdicts count for nothing: if they hide false alarms, the mean is too high.
    Assumes that the share does not change over time, and that who gives a verdict does not go by the grade.

    Examples
    --------
    >>> past = [Verdict(f"a{i}", "yellow", "influenza", "true" if i < 6 else "false") for i in range(8)]
    >>> found = ppv_of(past, "yellow", "influenza")
    >>> round(found.mean, 2), round(found.low, 2), round(found.high, 2)
    (0.7, 0.4, 0.93)
    """
    decided = [v for v in _standing(verdicts) if v.decision != "unclear"]
    own = [v.decision == "true" for v in decided if (v.grade, v.target) == (grade, target)]
    others = [v.decision == "true" for v in decided if (v.grade, v.target) != (grade, target)]
    part = min(params.borrowed_weight, params.most_borrowed / len(others)) if others else 0.0
    prior_alpha = params.prior_right + part * sum(others)
    prior_beta = params.prior_wrong + part * (len(others) - sum(others))
    a, b = prior_alpha + sum(own), prior_beta + len(own) - sum(own)
    low, high = beta.interval(params.coverage, a, b)
    return Ppv(a / (a + b), float(low), float(high), a, b, sum(own), len(own) - sum(own), prior_alpha, prior_beta)


def onset_rate(
    verdicts: Iterable[Verdict],
    target: str,
    *,
    prior_per_year: float,
    watched_years: float,
    missed: int = 0,
    params: LearningParams = LearningParams(),
) -> OnsetRate:
    """How many outbreaks a year begin, from the stated prior and the outbreaks that verdicts confirmed.

    Parameters
    ----------
    watched_years: how long the target was watched. missed: outbreaks found some other way and never alarmed.

    Notes
    -----
    Gamma prior with mean prior_per_year and prior_years of weight; Poisson onsets: shape = prior_per_year prior_years + outbreaks + missed,
    years = prior_years + watched_years. Alarms of one outbreak count once. Without `missed` it is the rate of outbreaks the watch *finds*: too low.

    Examples
    --------
    >>> onset_rate([], "influenza", prior_per_year=0.5, watched_years=0).per_year
    0.5
    """
    if not (prior_per_year > 0 and math.isfinite(prior_per_year) and 0 <= watched_years < math.inf and missed >= 0):
        raise ValueError(
            f"onset_rate: a positive prior_per_year, watched_years and missed not negative; got {prior_per_year}, {watched_years}, {missed}"
        )
    outbreaks = {v.outbreak or v.alarm for v in _standing(verdicts) if v.target == target and v.decision == "true"}
    shape = prior_per_year * params.prior_years + len(outbreaks) + missed
    years = params.prior_years + watched_years
    least, most = params.least_onsets_per_year, params.most_onsets_per_year
    low, high = (min(max(float(v), least), most) for v in gamma.interval(params.coverage, shape, scale=1 / years))
    return OnsetRate(min(max(shape / years, least), most), low, high, shape, years)


def stream_weights(verdicts: Iterable[Verdict], stated: Mapping[str, float], params: LearningParams = LearningParams()) -> dict[str, float]:
    """How much each stream's evidence should count, from its share in true and in false alarms.

    Parameters
    ----------
    stated: the weight of every stream before any verdict, in [least_weight, most_weight]. Shares of streams not named here are passed over.

    Notes
    -----
    T, F = sums of a stream's shares over n true and m false alarms; q = (T + F)/(n + m), its share of all evidence. If it were no worse than the rest,
    T would be about n q and F about m q. With gamma priors of mean 1 and weight k = weight_credit on both ratios (conjugate to Poisson counts)

        weight = stated x [(k + T)/(k + n q)] / [(k + F)/(k + m q)], kept inside the bounds.

    So what counts is who carried the false alarms *rather than* the true ones: false alarms alone (n = 0), or a fair part of both, change nothing,
    and a watch that rings falsely as often as promised is not silenced by its own promise. A power of at most 1 of an e-value is an e-value
    (Jensen), so no weight can break the promise; it can only cost days. Only the shape of the formula is derived; that it detects sooner is not shown.

    Examples
    --------
    >>> past = [Verdict("a", "blue", "x", "true", {"pcr": 0.9, "calls": 0.1}), Verdict("b", "blue", "x", "false", {"pcr": 0.1, "calls": 0.9})]
    >>> {k: round(v, 2) for k, v in stream_weights(past, {"pcr": 0.8, "calls": 0.8}).items()}
    {'pcr': 1.0, 'calls': 0.58}
    """
    wrong = {s: w for s, w in stated.items() if not params.least_weight <= w <= params.most_weight}
    if wrong:
        raise ValueError(f"stream_weights: stated weights lie in [{params.least_weight}, {params.most_weight}]; got {wrong}")
    standing = _standing(verdicts)
    right, false = ([v for v in standing if v.decision == decision] for decision in ("true", "false"))
    return {stream: _weight(stream, w, right, false, params) for stream, w in stated.items()}


def _weight(stream: str, stated: float, right: Sequence[Verdict], false: Sequence[Verdict], params: LearningParams) -> float:
    k, n, m = params.weight_credit, len(right), len(false)
    # fsum is exact, so the order of the verdicts cannot show in the last digit.
    t, f = (math.fsum(v.shares.get(stream, 0.0) for v in part) for part in (right, false))
    if n == 0 or m == 0:
        return stated
    q = (t + f) / (n + m)
    return min(max(stated * ((k + t) / (k + n * q)) / ((k + f) / (k + m * q)), params.least_weight), params.most_weight)


def _standing(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """All verdicts; one per alarm, or it is unclear which one stands."""
    given = list(verdicts)
    seen: set[str] = set()
    for v in given:
        if v.alarm in seen:
            raise ValueError(f"verdicts: alarm {v.alarm} has two; pass only the one that stands")
        seen.add(v.alarm)
    return given
