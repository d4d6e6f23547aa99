"""Visits to firms: who needs one and why, the round of a day with its drawing, what came of it."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.parameters.queries import value
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.calls.models import DayPlan
from tongchou.domains.calls.queries import calls_seen, made_of, plan_of, points_of
from tongchou.domains.calls.rules import DAY_MINUTES, OUTCOMES
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day, read_whole
from tongchou.interfaces.web.route_drawing import Spot, route_drawing
from tongchou.workflows.calling import day_report, needs_at, plan

SHOWN, ROWS = 24, 20  # firms proposed; visits on a page
LONGEST_DAY_MINUTES = 720


@page("call.read")
def calls(request: Asked) -> HttpResponse:
    """A day: its plan and report; whom one might visit; the latest visits."""
    day = read_day("day", request.GET.get("day", "")) or request.at.date()
    may_make = request.actor.may("call.make")
    found = plan_of(request.actor, day) if may_make else None
    page_obj = Paginator(calls_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "day": day, "today": request.at.date(), "plan": found, "may_make": may_make, "page_obj": page_obj,
        "report": day_report(request.actor, day, ZoneInfo(request.town.zone)) if may_make else None,
        "rows": [{"row": row, "outcome": OUTCOMES[row.outcome], "raised": [d.dossier.number for d in row.raised.all()]} for row in page_obj],
    }  # fmt: skip
    if found is not None:
        context |= _planned(found, request)
    if may_make and day >= request.at.date():
        context |= _proposed(request)
    return render(request, "calls/list.html", context)


def _planned(found: DayPlan, request: Asked) -> dict[str, Any]:
    """The stops in order, and their drawing."""
    stops = list(found.stops.select_related("firm__place"))
    firms = [stop.firm_id for stop in stops]
    points = points_of(firms)
    done = made_of(found)
    start = found.place.point or next(iter(points.values()), None)
    drawing = None
    if start is not None:
        spots = [
            Spot(points.get(stop.firm_id) or stop.firm.place.point or start, stop.firm.name, stop.firm_id in points, stop.firm_id in done)
            for stop in stops
        ]
        drawing = route_drawing((start[0], start[1]), spots)
    rows = [(stop, [T(**said) for said in stop.reasons], stop.firm_id in done) for stop in stops]
    address = f"{reverse('call_phone')}#day={found.day.isoformat()}"
    return {"stops": rows, "drawing": drawing, "unmeasured": len(firms) - len(points), "phone_address": address}


def _proposed(request: Asked) -> dict[str, Any]:
    places = [
        p
        for p in Place.objects.filter(path__startswith=request.town.place.path, valid_to=None).order_by("path")
        if request.actor.may("call.make", p.path)
    ]
    if not places:
        return {}
    code = request.GET.get("place", "")
    chosen = next((p for p in places if p.code == code), places[0])
    needs = needs_at(chosen, request.at, at_most=SHOWN)
    minutes = value(DAY_MINUTES, on=request.at.date(), place_path=chosen.path).value
    return {"places": places, "chosen": chosen, "needs": needs.most, "needing": needs.count, "minutes": minutes}


@page("call.make", methods=("POST",))
def calls_plan(request: Asked) -> HttpResponse:
    """Make the round of a day: of the firms ticked, or of those most in need."""
    given = request.POST
    day = read_day("day", given.get("day", "")) or request.at.date()
    minutes = read_whole("minutes", given.get("minutes", "")[:6]) or 0
    if not 0 < minutes <= LONGEST_DAY_MINUTES:
        raise Invalid([FieldProblem("minutes", T(f"请填 1 至 {LONGEST_DAY_MINUTES} 分钟。", f"Give 1 to {LONGEST_DAY_MINUTES} minutes."))])
    place = place_by_code(given.get("place", ""))
    if not request.actor.may("call.make", place.path):
        raise Unseen("place")
    firms = {int(text) for text in given.getlist("firm") if text.isdecimal() and len(text) < 18}
    made = plan(place, day=day, limit_minutes=minutes, firms=firms or None, by=request.actor, at=request.at)
    count = made.stops.count()
    left = len(firms) - count if firms else 0
    said = T(f"排好 {count} 家，约 {made.minutes} 分钟。", f"{count} firms, about {made.minutes} min.")
    if left > 0:
        said = T(f"{said.zh}另有 {left} 家排不进这段时间。", f"{said.en} {left} more did not fit.")
    messages.success(request, str(said))
    return redirect(f"{reverse('calls')}?day={day.isoformat()}&place={place.code}")


urlpatterns = [
    path("calls/", calls, name="calls"),
    path("calls/plan", calls_plan, name="calls_plan"),
]
