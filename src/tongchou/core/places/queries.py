"""Reading the tree of places."""

from datetime import date

from django.db.models import Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Installation, Place


def places_below(path: str, on: date | None = None) -> QuerySet[Place]:
    """The place at `path` and everything below it, as the tree stood on a day (default: the rows still open)."""
    rows = Place.objects.filter(path__startswith=path)
    if on is None:
        return rows.filter(valid_to=None)
    return rows.filter(Q(valid_to=None) | Q(valid_to__gt=on), valid_from__lte=on)


def place_by_code(code: str, on: date | None = None) -> Place:
    """The place that bears `code` on a day (default: now open). Raises Unseen."""
    rows = Place.objects.filter(code=code)
    rows = rows.filter(valid_to=None) if on is None else rows.filter(Q(valid_to=None) | Q(valid_to__gt=on), valid_from__lte=on)
    place = rows.first()
    if place is None:
        raise Unseen("place")
    return place


def leaf_places(path: str, on: date | None = None) -> QuerySet[Place]:
    """The places at the bottom of the tree below `path`: the villages of a town, the states of a country."""
    return places_below(path, on).filter(children=None)


def installation() -> Installation | None:
    """Which town this is; None before `tongchou init`."""
    return Installation.objects.select_related("place").first()
