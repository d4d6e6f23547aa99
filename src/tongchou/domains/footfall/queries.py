"""Released counts: by day, by hour, by door."""

from collections import defaultdict
from datetime import date
from typing import Any

from tongchou.domains.footfall.models import ClassFigure, DoorFigure, Release


def last_released() -> Release | None:
    """The latest day whose counts were given. One query."""
    return Release.objects.first()


def releases_between(since: date, until: date) -> list[tuple[Release, dict[str, ClassFigure]]]:
    """Each released day, the latest first, with the figure of each class of venue on it. Two queries."""
    rows = list(Release.objects.filter(on__gte=since, on__lte=until))
    found: dict[int, dict[str, ClassFigure]] = defaultdict(dict)
    for figure in ClassFigure.objects.filter(release__in=rows, hour=None):
        found[figure.release_id][figure.venue_class] = figure
    return [(row, found[row.pk]) for row in rows]


def hours_of(release: Release) -> dict[str, list[ClassFigure]]:
    """The figures of each class of venue in the hours of a released day. One query."""
    found: dict[str, list[ClassFigure]] = defaultdict(list)
    for figure in release.classes.filter(hour__isnull=False).order_by("venue_class", "hour"):
        found[figure.venue_class].append(figure)
    return dict(found)


def door_figures(door: Any, at_most: int = 14) -> list[DoorFigure]:
    """What was given of an entrance on the latest released days. One query."""
    return list(DoorFigure.objects.filter(entrance=door).select_related("release")[:at_most])
