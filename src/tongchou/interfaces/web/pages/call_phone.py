"""A visitor's phone: the day's firms with what is known of them, told to without a network; what it takes along and brings back."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET

from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import value
from tongchou.core.places.models import Installation
from tongchou.core.wording import T
from tongchou.domains.calls.actions import take_plan_along
from tongchou.domains.calls.models import DayPlan
from tongchou.domains.calls.queries import plan_of
from tongchou.domains.difficulties.rules import KINDS
from tongchou.interfaces.web.call_words import WORDS
from tongchou.interfaces.web.errand_phone import ErrandPhone, permission_over, tag_of, trusted
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.interfaces.web.pages.scan import call
from tongchou.interfaces.web.scan_words import both
from tongchou.workflows.calling import bundle_for

PHONE = ErrandPhone(
    home="/call",
    template="calls/phone.html",
    title=T("统筹走访", "Tongchou visits"),
    words=WORDS,
    scopes=("call.read", "call.make", "difficulty.raise", "difficulty.hear"),
    policy="camera=(), microphone=(), geolocation=(self)",
)


@page("call.make", methods=("POST",))
def take(request: Asked) -> HttpResponse:
    """This phone may tell of visits in the name of whoever is signed in, for a day; asks for the plan with what it is given."""
    day = read_day("day", request.POST.get("day", ""))
    if day is None or plan_of(request.actor, day) is None:
        raise Unseen("plan")
    return PHONE.trust(request, T(f"走访手机 {day}", f"visitor's phone {day}"))


@require_GET
@call
def bundle(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """The plan of a day with what is known of its firms; 304 when the phone has it already, 401 when its permission is over."""
    known = trusted(request, at)
    if known is None:
        return permission_over()
    by, held = known
    day = read_day("day", request.GET.get("day", ""))
    found: DayPlan | None = plan_of(by, day) if day else None
    if found is None:
        raise Unseen("plan")
    kinds = value(KINDS, on=at.date(), place_path=found.place_path).value
    place = both(found.place.name)
    body = bundle_for(found, kinds) | {"zone": town.zone, "place": place, "ends_at": round(held.expires_at.timestamp() * 1000)}
    tag = tag_of(body)
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    take_plan_along(found, firms=len(body["stops"]), by=by, at=at)
    return JsonResponse(body, headers={"ETag": tag})


urlpatterns = [
    path("call", require_GET(PHONE.page), name="call_phone"),
    path("call/worker.js", require_GET(PHONE.worker), name="call_phone_worker"),
    path("call/manifest.json", require_GET(PHONE.manifest), name="call_phone_manifest"),
    path("call/take", take, name="call_phone_take"),
    path("call/bundle", bundle, name="call_phone_bundle"),
]
