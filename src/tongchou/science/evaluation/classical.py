"""The catalogue's detectors as rows of the benchmark: each with its own score, at its published setting where alpha is not asked for."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.catalogue import METHODS
from tongchou.science.detection.farrington import ORIGINAL, farrington_flexible
from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import exceedance
from tongchou.science.evaluation.contenders import NOMINAL, Verdict

Weeks = NDArray[np.int64]
WITHOUT_RESTART = 1e12  # a line that nothing reaches: the chart's score is then the evidence itself, and one run serves every threshold
LEARNING_FROM = 26  # assumption: a chart learns on all weeks but the half year before the first judged one, in which it runs in
GLR_WINDOW = 8  # measured beside others: onsets up to 8 weeks back; longer ones only raise the threshold here
OUTBREAK_P_PAST = 52  # assumption: the chart is made for one season, so it starts a year before the first judged week
# binomialCusum needs numbers of samples, which these series do not have; farringtonFlexible stands in a family of its own.
REFERENCE_METHODS = ("earsC1", "earsC2", "earsC3", "bayes1", "bayes2", "bayes3", "rki1", "rki2", "rki3", "movingPercentile", "exactPoisson")
CHART_METHODS = ("cusum", "outbreakP", "glrpois", "glrnb")


def reference_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """Detectors that compare a week with some past ones."""
    return {name: _verdict(name, counts, weeks, {}) for name in REFERENCE_METHODS}


def farrington_original_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """Farrington 1996, by its own exceedance score."""
    fit = farrington_flexible(counts, weeks.tolist(), replace(ORIGINAL, alpha=NOMINAL))
    return {"farrington": Verdict(exceedance(counts[:, weeks], fit.expected, fit.upper), fit.alarm)}


def chart_rows(counts: Floats, weeks: Weeks) -> dict[str, Verdict]:
    """Charts that add up evidence, without beginning anew after an alarm."""
    learning = {"learning_steps": max(1, int(weeks[0]) - LEARNING_FROM)}
    glr = {**learning, "window_steps": GLR_WINDOW, "threshold": WITHOUT_RESTART}
    begin = max(0, int(weeks[0]) - OUTBREAK_P_PAST)
    return {
        "cusum": _verdict("cusum", counts, weeks, learning),
        "outbreakP": _verdict("outbreakP", counts[:, begin:], weeks - begin, {}),
        "glrpois": _verdict("glrpois", counts, weeks, glr),
        "glrnb": _verdict("glrnb", counts, weeks, {**glr, "search": "exact"}),
    }


def _verdict(name: str, counts: Floats, weeks: Weeks, changes: Mapping[str, Any]) -> Verdict:
    method = METHODS[name]
    has_alpha = any(field.name == "alpha" for field in fields(method.default))
    found = method.detect(counts, replace(method.default, **({"alpha": NOMINAL} if has_alpha else {}), **changes))
    score = found.score[:, weeks]
    if name == "movingPercentile":
        # Its bound has no scale of its own. Of seven ways to rank what exceeds it this one finds most (development seed 11).
        score = (counts[:, weeks] - found.upper[:, weeks]) / np.sqrt(found.upper[:, weeks] + 1)
    if "threshold" in changes:
        with np.errstate(invalid="ignore"):
            return Verdict(score, score >= method.default.threshold)
    return Verdict(score, found.alarm[:, weeks])
