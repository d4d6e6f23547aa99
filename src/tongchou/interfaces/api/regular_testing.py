"""Regular testing for programs: key workers, who is due, who is overdue; the same queries and actions as the pages."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.domains.testing.actions import enlist_key_workers
from tongchou.interfaces.api.fields import Instant, Limit, Offset
from tongchou.interfaces.api.testing import _who
from tongchou.interfaces.api.testing_shapes import ChaseIn, DueOut, KeyWorkersIn, LatePage, NewOut, OverdueOut, PersonIn, PhoneOut
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both
from tongchou.workflows import regular_testing

router = Router(tags=["testing"])


@router.post("/testing/key-workers", response=NewOut, summary=both("重点人群", "people who need regular testing, by group"))
def post_key_workers(request: HttpRequest, given: KeyWorkersIn) -> Any:
    town = town_for(request, "testing.run")
    people = {k.person: k.group for k in given.people}
    day = request.at.date()  # type: ignore[attr-defined]
    units = {k.person: k.unit for k in given.people}
    return {"new": enlist_key_workers(people=people, units=units, place=town.place, from_on=given.from_on or day, **_who(request))}


@router.get("/testing/due", response=list[DueOut], summary=both("常态化到期", "key workers who are due by an instant"))
def list_due(request: HttpRequest, until: Instant) -> Any:
    town_for(request, "testing.run")
    at, scopes = request.at, request.auth.scopes("testing.run")  # type: ignore[attr-defined]
    due = [n for scope in scopes for n in regular_testing.key_workers_due(scope, at, until)]
    return [{"person": n.person, "group": n.due.group, "due_at": n.due.at} for n in due]


@router.get(
    "/testing/overdue", response=OverdueOut, summary=both("超期未检人数", "how many are overdue, by village and by unit; names nobody")
)
def get_overdue(request: HttpRequest) -> Any:
    town_for(request, "testing.read")
    found = regular_testing.overdue_seen(request.auth, request.at)  # type: ignore[attr-defined]
    counts = {place: count for one in found for place, count in one.by_village().items()}
    codes = dict(Place.objects.filter(pk__in=counts).values_list("pk", "code"))
    return {
        "villages": sorted(({"place": codes[pk], "people": c.people, "never": c.never} for pk, c in counts.items()), key=lambda row: row["place"]),
        "units": [{"group": u.group, "unit": u.unit, "people": u.people} for one in found for u in one.by_unit()],
    }  # fmt: skip


@router.post(
    "/testing/overdue/people", response=LatePage, summary=both("超期未检名单", "who is overdue in a place, or a unit of it: an Access")
)
def post_overdue_people(request: HttpRequest, given: ChaseIn, limit: Limit = 100, offset: Offset = 0) -> Any:
    place = place_by_code(given.place)
    if not request.auth.may("testing.read", place.path):  # type: ignore[attr-defined]
        raise Unseen("place")
    found = regular_testing.overdue_below(place.path, request.at)  # type: ignore[attr-defined]
    if found is None:
        return {"items": [], "count": 0}
    people = found.people() if given.group is None else found.of_unit(given.group, given.unit)
    some = people.order_by("household", "pk")[offset : offset + limit]
    rows = regular_testing.people_to_chase(found, some, **_who(request))
    return {"items": [_late(row) for row in rows], "count": people.count()}


def _late(row: regular_testing.Late) -> dict[str, Any]:
    who = row.person
    return {
        "person": who.pk, "name": who.name, "household": who.household.code if who.household else None, "place": who.place.code,
        "group": row.due.group, "due_at": row.due.at, "last_sampled_at": row.last_sampled_at, "said": row.said,
    }  # fmt: skip


@router.post(
    "/testing/overdue/calls", response=PhoneOut, summary=both("一次拨打的号码", "a number of somebody overdue for one call, logged")
)
def post_overdue_call(request: HttpRequest, given: PersonIn) -> Any:
    return {"phone": regular_testing.number_of_overdue(given.person, **_who(request))}
