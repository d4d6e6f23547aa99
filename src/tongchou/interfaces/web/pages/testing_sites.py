"""Sampling sites: what is written about one, opened, changed, closed."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.places.queries import place_by_code, places_below
from tongchou.core.wording import T
from tongchou.domains.testing import actions
from tongchou.domains.testing.models import Site
from tongchou.domains.testing.queries import seen_site
from tongchou.interfaces.web.page import Asked, page

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
DAYS = (T("一", "Mon"), T("二", "Tue"), T("三", "Wed"), T("四", "Thu"), T("五", "Fri"), T("六", "Sat"), T("日", "Sun"))
START: Mapping[str, Any] = {"booths": 2, "staff": 6, "per_booth_hour": 120, "from": "08:00", "to": "20:00", "weekdays": EVERY_DAY}


@page("testing.run", methods=("GET", "POST"))
def sampling_site_new(request: Asked) -> HttpResponse:
    """Set a site up."""
    places = [p for p in places_below(request.town.place.path) if request.actor.may("testing.run", p.path)]
    if request.method == "POST":
        try:
            place = place_by_code(request.POST.get("place", ""))
            row = actions.open_site(code=request.POST.get("code", ""), spec=_spec(request), place=place, by=request.actor, at=request.at)
            messages.success(request, str(T("采样点已设立。", "The site is set up.")))
            return redirect("sampling_site", row.code)
        except Invalid as refusal:
            return render(request, "testing/site.html", _context(places, _typed(request), refusal), status=422)
    return render(request, "testing/site.html", _context(places, START, None))


@page("testing.read", methods=("GET", "POST"))
def sampling_site(request: Asked, code: str) -> HttpResponse:
    """One site; who may changes it, with the reason."""
    found = seen_site(code, request.actor)
    may = request.actor.may("testing.run", found.place_path)
    if request.method == "POST":
        if not may:
            raise Unseen("site")
        words: dict[str, Any] = {"reason": request.POST.get("reason", ""), "by": request.actor, "at": request.at}
        try:
            if state := request.POST.get("state"):
                actions.close_site(found, closed=state == "close", **words)
            else:
                actions.edit_site(found, spec=_spec(request), **words)
            messages.success(request, str(T("已保存。", "Saved.")))
            return redirect("sampling_site", code)
        except Invalid as refusal:
            return render(request, "testing/site.html", {**_context([], _typed(request), refusal), "site": found, "may": may}, status=422)
    return render(request, "testing/site.html", {**_context([], _kept(found), None), "site": found, "may": may})


def _context(places: list[Any], given: Mapping[str, Any], refusal: Invalid | None) -> dict[str, Any]:
    return {"places": places, "given": given, "refusal": refusal, "days": list(enumerate(DAYS, start=1)), "may": True}


def _kept(site: Site) -> dict[str, Any]:
    first = site.hours[0] if site.hours else {"from": "", "to": "", "weekdays": []}
    return {
        **{n: getattr(site, n) for n in ("code", "name_zh", "name_en", "address_zh", "address_en", "booths", "staff", "per_booth_hour")},
        "lon": site.point[0] if site.point else "", "lat": site.point[1] if site.point else "", **first,
    }  # fmt: skip


def _typed(request: Asked) -> dict[str, Any]:
    return {**request.POST.dict(), "weekdays": [int(d) for d in request.POST.getlist("weekdays") if d in "1234567"]}


def _spec(request: Asked) -> actions.SiteSpec:
    given = request.POST
    problems: list[FieldProblem] = []

    def whole(name: str) -> int:
        text = given.get(name, "").strip()
        if not text.isdecimal() or len(text) > 6:
            problems.append(FieldProblem(name, T("应为整数", "must be a whole number")))
            return 0
        return int(text)

    point = None
    if given.get("lon") or given.get("lat"):
        try:
            point = (float(given.get("lon", "")), float(given.get("lat", "")))
        except ValueError:
            problems.append(FieldProblem("point", T("经纬度应为数字，如 121.27 与 31.19", "must be numbers, as 121.27 and 31.19")))
    hours = [
        {
            "weekdays": [int(d) for d in given.getlist("weekdays") if d in "1234567"],
            "from": given.get("from", ""),
            "to": given.get("to", ""),
        }
    ]
    spec = actions.SiteSpec(
        name=T(given.get("name_zh", ""), given.get("name_en", "")), address=T(given.get("address_zh", ""), given.get("address_en", "")), point=point,
        hours=hours, booths=whole("booths"), staff=whole("staff"), per_booth_hour=whole("per_booth_hour"),
    )  # fmt: skip
    if problems:
        raise Invalid(problems)
    return spec


urlpatterns = [
    path("testing/sites/new", sampling_site_new, name="sampling_site_new"),
    path("testing/sites/<str:code>", sampling_site, name="sampling_site"),
]
