"""Fusion of all streams of one area into one evidence with a promised alarm budget."""

from collections.abc import Sequence
from datetime import date

from tongchou.science.detection.model import Assessment, DetectionParams, History, Screening, StreamScore


def screen(histories: Sequence[History], day: date, params: DetectionParams, restarted_on: date | None = None) -> Screening:
    """Score and fuse every history of one area on one morning."""
    raise NotImplementedError


def fuse(scores: Sequence[StreamScore], params: DetectionParams, restarted_on: date | None = None) -> Assessment:
    """Fuse scores of one area and day; onsets on or before ``restarted_on`` (an answered alarm) no longer count."""
    raise NotImplementedError
