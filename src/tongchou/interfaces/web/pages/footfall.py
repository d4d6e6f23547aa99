"""How many entered where, by day and by hour, as released: for the town, by class of venue."""

from datetime import date, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.domains.footfall.queries import hours_of, releases_between
from tongchou.domains.registry.rules import VENUE_CLASSES
from tongchou.interfaces.web.figures import figure_text, legend, small
from tongchou.interfaces.web.page import Asked, page

DAYS = 14


@page("desk.read")
def footfall(request: Asked) -> HttpResponse:
    """The released days, and the hours of one of them."""
    today = request.at.date()
    days = releases_between(today - timedelta(days=DAYS), today)
    if not days:
        return render(request, "footfall/footfall.html", {"days": []})
    wanted = request.GET.get("on", "")
    try:
        chosen = date.fromisoformat(wanted) if wanted else days[0][0].on
    except ValueError:
        raise Unseen("day") from None
    release = next((row for row, _ in days if row.on == chosen), None)
    if release is None:
        raise Unseen("day")
    names = [name for name in VENUE_CLASSES if any(name in figures for _, figures in days)]
    hours = hours_of(release)
    context = {
        "classes": [VENUE_CLASSES[name] for name in names], "chosen": release, "legend": legend(release.k),
        "days": [
            {"on": row.on, "total": f"{row.entries:,}" if row.entries is not None else small(row.k), "cells": [figure_text(figures.get(n), row.k) for n in names]}
            for row, figures in days
        ],
        "hours": [
            {"from": f"{hour:02}:00", "cells": [figure_text(hours[n][hour] if n in hours else None, release.k) for n in names]}
            for hour in range(24)
            if any(row[hour].mark != "small" for row in hours.values())
        ],
    }  # fmt: skip
    return render(request, "footfall/footfall.html", context)


urlpatterns = [path("footfall/", footfall, name="footfall")]
