"""Who is overdue for regular testing now: numbers by village and by unit for everybody who may see them, names for whoever chases, each reading logged."""

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse

from tongchou.core.errors import Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.rules import GROUPS, REASONS, RESIDENT
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.workflows.regular_testing import Late, number_of_overdue, overdue_below, overdue_seen, people_to_chase

HOUSEHOLDS, UNITS, ALONE = 20, 100, 200


@page("testing.read")
def overdue(request: Asked) -> HttpResponse:
    """How many, by village and by unit; names nobody."""
    found = overdue_seen(request.actor, request.at)
    counts = {place: count for one in found for place, count in one.by_village().items()}
    places = {p.pk: p for p in Place.objects.filter(pk__in=counts)}
    villages = [{"place": places[pk], "count": c, "open": _may_read(request.actor, places[pk])} for pk, c in counts.items()]
    units = [
        {"count": unit, "group": GROUPS[unit.group], "place": place, "open": _may_read(request.actor, place)}
        for one in found
        for place in [Place.objects.get(path=one.path, valid_to=None)]
        for unit in one.by_unit()
    ]
    rule = found[0].rule if found else None
    context = {
        "villages": sorted(villages, key=lambda row: (-row["count"].people, row["place"].path)), "units": units[:UNITS], "more_units": max(0, len(units) - UNITS),
        "people": sum(c.people for c in counts.values()), "never": sum(c.never for c in counts.values()),
        "workers": sum(row["count"].people for row in units), "rule": rule, "may_run": request.actor.may("testing.run"),
        "hours": [{"group": GROUPS[g], "hours": h} for g, h in rule.value.items() if g in GROUPS] if rule else [],
    }  # fmt: skip
    return render(request, "testing/overdue.html", context)


def _may_read(actor: Actor, place: Place) -> bool:
    return actor.may("register.read", place.path) and actor.may("testing.read", place.path)


@page("register.read", methods=("POST",))
def overdue_people(request: Asked) -> HttpResponse:
    """The people of one village or one unit, by household, with when they were last sampled and a call with one tap: an Access."""
    place = place_by_code(request.POST.get("place", ""))
    found = overdue_below(place.path, request.at) if _may_read(request.actor, place) else None
    if found is None:
        raise Unseen("place")
    group, unit = request.POST.get("group", ""), request.POST.get("unit", "")
    people = found.of_unit(group, unit) if group else found.people()
    page_obj, here = _page_of(people, request.POST.get("page", ""))
    rows = people_to_chase(found, here, by=request.actor, at=request.at)
    homes: dict[int | None, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda late: (late.person.household_id or 0, late.person.pk)):
        homes.setdefault(row.person.household_id, []).append(_shown(row, request.at))
    of_unit = T(unit, unit) if unit else GROUPS.get(group)
    context = {
        "place": place, "title": of_unit or place.name, "group": group, "unit": unit, "page_obj": page_obj, "count": people.count(), "may_call": request.actor.may("person.unmask"),
        "homes": [{"household": who[0]["person"].household, "place": who[0]["person"].place, "people": who} for who in homes.values()],
    }  # fmt: skip
    response = render(request, "testing/overdue_people.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page_of(people: QuerySet[Resident], number: str) -> tuple[Any, QuerySet[Resident]]:
    """A page of households: nobody is torn from their family; who belongs to none comes first."""
    homes = people.order_by("household").values_list("household", flat=True).distinct()
    page_obj = Paginator(homes, HOUSEHOLDS).get_page(number)
    known = [home for home in page_obj if home is not None]
    alone = list(people.filter(household=None).values_list("pk", flat=True)[:ALONE]) if len(known) < len(page_obj) else []
    return page_obj, people.filter(Q(household__in=known) | Q(pk__in=alone))


def _shown(row: Late, at: datetime) -> dict[str, Any]:
    late_h = round((at - row.due.at).total_seconds() / 3600)
    return {
        "person": row.person, "group": GROUPS[row.due.group] if row.due.group != RESIDENT else None, "last": row.last_sampled_at,
        "late": T(f"超 {late_h} 小时", f"{late_h} h late") if late_h < 72 else T(f"超 {late_h // 24} 天", f"{late_h // 24} days late"),
        "said": REASONS[row.said][1] if row.said else None,
    }  # fmt: skip


@page("person.unmask", methods=("POST",))
def overdue_call(request: Asked, person: int) -> HttpResponse:
    """A number for one call: to a script as JSON, else as a page with a `tel:` link. The log keeps who asked."""
    phone = number_of_overdue(person, by=request.actor, at=request.at)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"phone": phone}, headers={"Cache-Control": "no-store"})
    back = came_from(request, reverse("testing_overdue"))
    response = render(request, "testing/call.html", {"phone": phone, "back": back})
    response.headers["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("testing/overdue", overdue, name="testing_overdue"),
    path("testing/overdue/people", overdue_people, name="overdue_people"),
    path("testing/overdue/call/<int:person>", overdue_call, name="overdue_call"),
]
