"""Evidence of one stream: `score` for one history, `score_panel` for the same stream of many places."""

from collections.abc import Sequence
from datetime import date

from tongchou.science.detection.model import DetectionParams, History, StreamScore


def score(history: History, day: date, params: DetectionParams) -> StreamScore:
    """Score one history on one day, from nothing later than that day."""
    return score_panel([history], day, params)[0]


def score_panel(histories: Sequence[History], day: date, params: DetectionParams) -> tuple[StreamScore, ...]:
    """Score the same stream of many places together; low-count places borrow level, weekday and dispersion from each other."""
    raise NotImplementedError
