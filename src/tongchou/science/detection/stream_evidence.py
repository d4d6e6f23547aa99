"""Evidence of one stream: `score` for one history, `score_panel` for the same stream of many places."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import date

import numpy as np

from tongchou.science.detection.additive import score_additive
from tongchou.science.detection.fallback import score_by_rank
from tongchou.science.detection.model import Additive, DetectionParams, History, StreamScore
from tongchou.science.detection.multiplicative import score_multiplicative

LEAST_PLACES_FOR_TOTAL = 3


def score(history: History, day: date, params: DetectionParams) -> StreamScore:
    """Score one history on one day, from nothing later than that day."""
    return score_panel([history], day, params)[0]


def score_panel(histories: Sequence[History], day: date, params: DetectionParams) -> tuple[StreamScore, ...]:
    """Score the same stream of many places, in the order given.

    Additive places borrow level, weekday, drift and dispersion from each other; multiplicative ones stand alone. Where the method of a history
    fails, the others are scored without it, and it is judged by the rank of its last week: its score then says so in `method`.
    """
    return tuple(_scored(histories, day, params, with_total=False)[: len(histories)])


def score_area(histories: Sequence[History], day: date, params: DetectionParams) -> tuple[StreamScore, ...]:
    """Score all histories of one area in the order given, then per additive stream of three or more places its total (place "*")."""
    found: dict[int, StreamScore] = {}
    totals: list[StreamScore] = []
    for indices in panels_of(histories):
        panel = [histories[i] for i in indices]
        with_total = isinstance(panel[0].model, Additive) and len(panel) >= LEAST_PLACES_FOR_TOTAL
        scores = _scored(panel, day, params, with_total)
        found.update(zip(indices, scores, strict=False))
        totals += scores[len(panel) :]
    return (*(found[i] for i in range(len(histories))), *totals)


def panels_of(histories: Sequence[History]) -> list[list[int]]:
    """Indices of the histories that are one stream of many places and so are read together, in the order of their first."""
    panels: dict[Hashable, list[int]] = defaultdict(list)
    for index, history in enumerate(histories):
        panels[_panel_of(history)].append(index)
    return list(panels.values())


def _scored(histories: Sequence[History], day: date, params: DetectionParams, with_total: bool) -> list[StreamScore]:
    if not histories:
        return []
    if len({_panel_of(h) for h in histories}) > 1:
        raise ValueError("score_panel takes one stream of many places: same name, step, model, kind, weight and week ends")
    if scores := _attempt(histories, day, params, with_total):
        return scores
    if len(histories) == 1:
        return [score_by_rank(histories[0], day, params)]
    # One bad history must not silence the same stream elsewhere.
    bad = [i for i, h in enumerate(histories) if not _attempt([h], day, params, with_total=False)] or list(range(len(histories)))
    rest = _scored([h for i, h in enumerate(histories) if i not in bad], day, params, with_total)
    for i in bad:
        rest.insert(i, score_by_rank(histories[i], day, params))
    return rest


def _attempt(histories: Sequence[History], day: date, params: DetectionParams, with_total: bool) -> list[StreamScore]:
    """The scores by the method of the stream; none where it fails or gives something that is no number."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(histories[0].model, Additive):
                scores = score_additive(histories, day, params, with_total)
            else:
                scores = [score_multiplicative(h, day, params) for h in histories]
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return []
    return scores if all(np.isfinite(s.log_evidence).all() and np.isfinite(s.baseline_next).all() for s in scores) else []


def _panel_of(history: History) -> Hashable:
    phase = history.first_day.toordinal() % history.step_days
    whole_area = history.place is None
    return (history.stream, history.step_days, phase, history.kind, history.model, history.weight, history.outside, whole_area)
