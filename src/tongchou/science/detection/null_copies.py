"""Copies of a past in which nothing happened: how often would this watch ring by chance on streams like these?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from tongchou.science.detection.background import expect, panel_of
from tongchou.science.detection.counts import POISSON_BELOW
from tongchou.science.detection.model import Additive, DetectionParams, Floats, History
from tongchou.science.detection.stream_evidence import panels_of


def null_copy(histories: Sequence[History], last_day: date, params: DetectionParams, rng: np.random.Generator) -> list[History]:
    """Histories with every additive count drawn anew around what was expected of it; what is missing stays missing.

    Each draw is negative binomial with the expectation and dispersion that the watch itself had that week, so its own estimates, made anew on the
    copy, err as they do in life. Steps of the first weeks, when nothing was expected yet, and multiplicative streams stay as they were seen.

    Examples
    --------
    >>> quiet = History("clinic", np.ones(300), date(2024, 1, 1), 1, "count", Additive(0.2, 6.0, 2.0))
    >>> copy = null_copy([quiet], date(2024, 10, 26), DetectionParams(), np.random.default_rng(1))[0]
    >>> copy.values[:28].tolist() == [1.0] * 28, 0.8 < float(copy.values[28:].mean()) < 1.2
    (True, True)
    """
    copies = list(histories)
    for indices in panels_of(histories):
        group = [histories[i] for i in indices]
        if not isinstance(group[0].model, Additive):
            continue
        steps = max((last_day - h.first_day).days // h.step_days + 1 for h in group)
        background = expect(panel_of(group, last_day, steps), params)
        drawn = _draw(background.expected, background.dispersion, rng)
        for row, i in enumerate(indices):
            known = histories[i].upto(last_day)
            end = ((last_day - histories[i].first_day).days + 1) // histories[i].step_days
            here = drawn[row, steps - end : steps - end + known]
            seen = histories[i].values[:known]
            values = np.where(np.isfinite(here) & np.isfinite(seen), here, seen)
            copies[i] = replace(histories[i], values=np.concatenate([values, histories[i].values[known:]]))
    return copies


def _draw(mean: Floats, dispersion: Floats, rng: np.random.Generator) -> Floats:
    expected = np.where(np.isfinite(mean), mean, 0.0)
    wide = dispersion > POISSON_BELOW
    rate = np.where(
        wide, rng.gamma(np.maximum(expected / np.where(wide, dispersion - 1, 1.0), 1e-12), np.where(wide, dispersion - 1, 1.0)), expected
    )
    return np.where(np.isfinite(mean), rng.poisson(rate), np.nan)
