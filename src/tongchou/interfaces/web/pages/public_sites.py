"""Sampling sites for everybody: open now or when, how long the queue, how far on foot."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.domains.testing.models import Site
from tongchou.domains.testing.queries import open_sites
from tongchou.domains.testing.rules import hours_on, is_open_at, wait_minutes, walk_minutes
from tongchou.interfaces.web.public_page import Visited, public_page

KEPT_S = 60


@public_page(for_s=KEPT_S)
def sites(request: Visited) -> HttpResponse:
    """All open sites of the town; with `?from=` a village's code, nearest first with the minutes on foot from its middle."""
    villages = list(places_below(request.town.place.path).filter(point__isnull=False).exclude(pk=request.town.place.pk).order_by("path"))
    start = _start(request.GET.get("from", ""), villages)
    rows = [_shown(site, start, request) for site in open_sites()]
    rows.sort(
        key=lambda r: (not r["is_open"], r["walk"] if r["walk"] is not None else 10_000, r["wait"] if r["wait"] is not None else 10_000)
    )
    context = {"town": request.town, "now": request.at, "rows": rows, "villages": villages, "start": start}
    return render(request, "public/sites.html", context)


def _start(code: str, villages: list[Place]) -> Place | None:
    if not code:
        return None
    for village in villages:
        if village.code == code:
            return village
    raise Unseen("place")


def _shown(site: Site, start: Place | None, request: Visited) -> dict[str, Any]:
    is_open = is_open_at(site.hours, request.at)
    wait = wait_minutes(site.queue, site.queue_at, site.booths * site.per_booth_hour, request.at) if is_open else None
    walk = walk_minutes(start.point, site.point) if start is not None and start.point and site.point else None
    return {
        "site": site,
        "is_open": is_open,
        "wait": wait,
        "tone": "" if wait is None else "ok" if wait <= 10 else "warn" if wait <= 30 else "bad",
        "walk": walk,
        "hours": hours_on(site.hours, request.at.isoweekday()),
    }


urlpatterns = [path("sites", sites, name="public_sites")]
