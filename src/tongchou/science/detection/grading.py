"""Size posterior and the four grades (docs/methods/detection.md 3, a proposal whose limits are the town's configuration)."""

from collections.abc import Mapping

import numpy as np

from tongchou.science.detection.additive import INITIAL_GROWTH_FACTOR
from tongchou.science.detection.model import DetectionParams, Floats, Grade, GradeParams

OUTLOOK_DAYS = 14


def infections_ahead(params: DetectionParams) -> Floats:
    """Cumulative infections 14 days on under each hypothesis (onset, growth, size); integral of what the additive model assumes."""
    ages = np.array(params.onset_ages_days, dtype=np.float64)[:, None] + OUTLOOK_DAYS
    growth = np.array(params.growth_per_day)[None, :]
    one = 1 + INITIAL_GROWTH_FACTOR * np.expm1(growth * ages)
    return np.asarray(one[:, :, None] * np.array(params.seed_sizes))


def size_probabilities(posterior: Floats, sizes: Floats, outbreak_probability: float, limits: Mapping[Grade, float]) -> dict[Grade, float]:
    """Probability that there is an outbreak and that it reaches each limit; posterior and sizes share one shape."""
    return {grade: outbreak_probability * float(posterior[sizes >= limit].sum()) for grade, limit in limits.items()}


def limits_of(grades: GradeParams, size: str) -> dict[Grade, float]:
    """Limits of yellow, orange and red in infections or in times the old level."""
    if size == "infections":
        return {"yellow": grades.yellow_infections, "orange": grades.orange_infections, "red": grades.red_infections}
    return {"yellow": grades.yellow_fold, "orange": grades.orange_fold, "red": grades.red_fold}


def grade_of(outbreak_probability: float, size_probability: Mapping[Grade, float], likely_places: int, grades: GradeParams) -> Grade | None:
    """Grade by posterior size; monotone in every argument but the limits."""
    if size_probability["red"] >= grades.size_probability or likely_places >= grades.red_places:
        return "red"
    if size_probability["orange"] >= grades.size_probability:
        return "orange"
    if size_probability["yellow"] >= grades.size_probability:
        return "yellow"
    return "blue" if outbreak_probability >= grades.blue_outbreak_probability else None
