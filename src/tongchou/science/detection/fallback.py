"""What is said of a stream whose own method fails: where the last week ranks among the weeks before it. Assumes no model and cannot fail."""

import math
from datetime import date, timedelta

import numpy as np

from tongchou.science.detection.model import METHOD_FALLBACK, Additive, DetectionParams, History, StreamScore
from tongchou.science.detection.multiplicative import weekly_blocks

PAST_WEEKS = 52
LEAST_WEEKS = 8  # assumption: among fewer a rank says nothing


def score_by_rank(history: History, day: date, params: DetectionParams) -> StreamScore:
    """Score one history by the rank of its newest week.

    Notes
    -----
    p = (1 + number of the last 52 weeks at least as high)/(1 + weeks), valid when weeks are exchangeable; as evidence 1/(2 sqrt p), which has mean
    at most 1 for a valid p (Vovk & Wang 2021 10.1214/20-AOS2020), for every onset in the last two weeks. At most 3.6: it can help an alarm, and
    hardly raise one. Seasons break the exchangeability: a winter week ranks high. Observed and expected are weekly sums (rates: means).
    """
    with np.errstate(all="ignore"):
        blocks = weekly_blocks(history, day, PAST_WEEKS + 1)
    sign = 1.0 if history.direction == "higher" else -1.0
    per_site = np.where(np.isfinite(blocks.values), blocks.values / blocks.exposure, np.nan)
    newest, past = per_site[-1], per_site[:-1][np.isfinite(per_site[:-1])]
    evidence = np.zeros(params.grid_shape)
    observed, p = math.nan, math.nan
    expected = lower = upper = math.nan
    if len(past) >= LEAST_WEEKS:
        tail = (1 - params.band_coverage) / 2
        lower, expected, upper = (float(q) for q in np.quantile(past, [tail, 0.5, 1 - tail]) * blocks.exposure[-1])
    if math.isfinite(newest) and len(past) >= LEAST_WEEKS:
        observed = float(blocks.values[-1])
        p = float((1 + (sign * past >= sign * newest).sum()) / (1 + len(past)))
        recent = np.array(params.onset_ages_days) <= 2 * 7
        evidence[recent] = -math.log(2 * math.sqrt(p))
    horizons = len(params.horizons_days)
    peak = float(evidence.max())
    return StreamScore(
        stream=history.stream, place=history.place, day=day, population=history.population, weight=history.weight, outside=history.outside,
        log_evidence=evidence, statistic=peak + math.log(float(np.exp(evidence - peak).sum()) / (evidence.shape[1] * evidence.shape[2])),
        threshold=params.theory_log + params.margin_log, observed=observed,
        observed_on=day - timedelta(days=int(blocks.ages[-1])) if math.isfinite(observed) else None,
        expected=expected, lower=lower, upper=upper, mid_p=p, baseline_next=np.zeros(horizons), excess_next=np.zeros((*params.grid_shape, horizons)),
        next_size=np.ones(horizons), is_count=history.kind == "count",
        fold_next=None if isinstance(history.model, Additive) else np.ones(params.grid_shape[:2]), method=METHOD_FALLBACK,
    )  # fmt: skip
