"""Entries by class of venue, as released, for programs."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.wording import T
from tongchou.domains.footfall.models import ClassFigure, Release
from tongchou.domains.footfall.queries import hours_of, releases_between
from tongchou.domains.footfall.rules import MarkName
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both

router = Router(tags=["gate"])
MOST_DAYS = 366


class FigureOut(Schema):
    """人次 Entries; none where fewer than k people are behind them (small) or would follow from the sums (withheld)."""

    mark: MarkName
    entries: int | None


class FootfallOut(Schema):
    """一天的场所人次 A released day: entries of the town and of each class of venue."""

    on: date
    k: int = Field(description=both("不公布少于此人数的数字", "no number is about fewer people"))
    entries: int | None = Field(description=both("全镇；空：少于 k 人", "of the town; null: fewer than k people"))
    classes: dict[str, FigureOut]


class FootfallHoursOut(FootfallOut):
    """一天各小时的场所人次 The same with its 24 hours by the town's clock."""

    hours: dict[str, list[FigureOut]]


def _figure(figure: ClassFigure) -> dict[str, Any]:
    return {"mark": figure.mark, "entries": figure.entries}


def _day(release: Release, classes: dict[str, ClassFigure]) -> dict[str, Any]:
    given = {name: _figure(figure) for name, figure in classes.items()}
    return {"on": release.on, "k": release.k, "entries": release.entries, "classes": given}


@router.get("/footfall", response=list[FootfallOut], summary=both("每天的场所人次", "Entries by day and class of venue"))
def get_footfall(request: HttpRequest, since: date, until: date) -> Any:
    """Released days, the latest first, a year at most. What was given of a day never changes."""
    town_for(request, "desk.read")
    if not timedelta(0) <= until - since < timedelta(days=MOST_DAYS):
        raise Invalid([FieldProblem("until", T(f"至多 {MOST_DAYS} 天。", f"At most {MOST_DAYS} days."))])
    return [_day(release, classes) for release, classes in releases_between(since, until)]


@router.get("/footfall/{on}", response=FootfallHoursOut, summary=both("一天各小时的场所人次", "Entries by hour of a day"))
def get_footfall_hours(request: HttpRequest, on: date) -> Any:
    """Sums over classes by hour are not given: what is shown may be added up, what is hidden cannot be found."""
    town_for(request, "desk.read")
    found = releases_between(on, on)
    if not found:
        raise Unseen("day")
    release, classes = found[0]
    return _day(release, classes) | {"hours": {name: [_figure(f) for f in row] for name, row in hours_of(release).items()}}
