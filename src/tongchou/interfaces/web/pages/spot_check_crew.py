"""The crew's list on a phone: whom to take, in the order of the draw; taken into a tube, or not taken and why. Works without JavaScript."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from tongchou.core.identity import mask_name
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.spot_checks.actions_taking import miss_units, take_units
from tongchou.domains.spot_checks.models import Unit
from tongchou.domains.spot_checks.queries import crew_units, seen_check
from tongchou.domains.spot_checks.rules import OPEN_STATES, REASONS
from tongchou.interfaces.web.page import Asked, came_from, page

ROWS, LATELY = 40, 12


@page("spot_check.take")
def spot_check_crew(request: Asked, number: str) -> HttpResponse:
    """Units of the actor's places that are still to be taken; `?place=` narrows to a village."""
    check = seen_check(number, request.actor)
    units = crew_units(check, request.actor)
    places = list(Place.objects.filter(pk__in=units.filter(state__in=OPEN_STATES).order_by().values("place_id")).order_by("path"))
    picked = next((p for p in places if p.code == request.GET.get("place")), None)
    here = units.filter(place=picked) if picked else units
    page_obj = Paginator(here.filter(state="waiting").order_by("place__path", "is_reserve", "order"), ROWS).get_page(
        request.GET.get("page")
    )
    context = {
        "check": check, "head": check.dossier, "places": places, "picked": picked, "page_obj": page_obj, "left": page_obj.paginator.count,
        "rows": [_shown(unit, request) for unit in page_obj], "is_taking": check.dossier.state == "taking", "tube": request.GET.get("tube", ""),
        "reasons": [(key, words) for key, (words, _) in REASONS.items()],
        "lately": [_shown(u, request) for u in here.exclude(state="waiting").order_by("-taken_at", "-pk")[:LATELY]],
    }  # fmt: skip
    return render(request, "spot_checks/crew.html", context)


def _shown(unit: Unit, request: Asked) -> dict[str, Any]:
    """A unit as a crew needs it to find the door: whoever may not read the register sees the family name alone."""
    if unit.person is not None:
        name = unit.person.name if request.actor.may("register.read", unit.place.path) else mask_name(unit.person.name)
        where = unit.household.address if unit.household else unit.person.address
        return {"unit": unit, "name": name, "born": unit.person.born_on.year, "where": where}
    if unit.venue is not None:
        return {"unit": unit, "name": unit.venue.name, "where": unit.venue.address}
    return {"unit": unit, "name": unit.lot, "where": ""}


@page("spot_check.take", methods=("POST",))
def spot_check_take(request: Asked, number: str) -> HttpResponse:
    """Those picked go into one tube."""
    check = seen_check(number, request.actor)
    tube = take_units(check=check, units=request.POST.getlist("unit"), tube=request.POST.get("tube", ""), by=request.actor, at=request.at)
    left = tube.size - tube.filled
    said = T(f"已登记，管 {tube.code} 还能放 {left} 份。", f"Noted; tube {tube.code} takes {left} more.")
    messages.success(request, str(said if left else T(f"已登记，管 {tube.code} 已满。", f"Noted; tube {tube.code} is full.")))
    given = {"place": request.POST.get("place", ""), "tube": tube.code if left else ""}
    return redirect(f"{reverse('spot_check_crew', args=[number])}?{urlencode({k: v for k, v in given.items() if v})}")


@page("spot_check.take", methods=("POST",))
def spot_check_miss(request: Asked, number: str) -> HttpResponse:
    """Those picked were not taken, and why; the next of the reserve stands in."""
    check, units = seen_check(number, request.actor), request.POST.getlist("unit")
    reason, note = request.POST.get("reason", ""), request.POST.get("note", "")
    instead = miss_units(check=check, units=units, reason=reason, note=note, by=request.actor, at=request.at)
    said = T(f"已写明原因；替补 {len(instead)} 个已列入名单。", f"Reason kept; {len(instead)} of the reserve stand in and are on the list.")
    messages.success(request, str(said))
    return redirect(came_from(request, reverse("spot_check_crew", args=[number])))


urlpatterns = [
    path("spot-checks/<str:number>/crew", spot_check_crew, name="spot_check_crew"),
    path("spot-checks/<str:number>/crew/take", spot_check_take, name="spot_check_take"),
    path("spot-checks/<str:number>/crew/miss", spot_check_miss, name="spot_check_miss"),
]
