"""A crew's phone in the street: an installable page that works for a day without a network, and what it needs from the house.

Whoever is signed in takes a round's roll along for one site; the phone then has a token of its own, for check-offs alone, that ends by itself.
"""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Installation
from tongchou.core.wording import T
from tongchou.domains.testing.queries import seen_round, seen_site
from tongchou.interfaces.web.crew_words import WORDS
from tongchou.interfaces.web.errand_phone import ErrandPhone, permission_over, tag_of, trusted
from tongchou.interfaces.web.middleware import above
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.scan import call
from tongchou.interfaces.web.scan_words import both
from tongchou.workflows.crew_phones import roll_for, take_roll

PHONE = ErrandPhone(
    home="/crew",
    template="testing/crew_phone.html",
    title=T("统筹采样", "Tongchou sampling"),
    words=WORDS,
    scopes=("testing.read", "testing.sample"),
    policy="camera=(self), microphone=(), geolocation=()",
)


@page("testing.sample", methods=("POST",))
def take(request: Asked) -> HttpResponse:
    """This phone may check people off in the name of whoever is signed in, for a day; asks for the roll with what it is given."""
    found, site = seen_round(request.POST.get("round", ""), request.actor), seen_site(request.POST.get("site", ""), request.actor)
    if not request.actor.may("testing.sample", site.place_path):
        raise Unseen("site")
    return PHONE.trust(request, T(f"采样手机 {found.dossier.number}", f"crew's phone {found.dossier.number}"))


@require_GET
@call
def bundle(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """The round, the site and its roll, an Access; 304 when the phone has it already, 401 when its permission is over."""
    known = trusted(request, at)
    if known is None:
        return permission_over()
    by, held = known
    found, site = seen_round(request.GET.get("round", ""), by), seen_site(request.GET.get("site", ""), by)
    roll = roll_for(found, site, by)
    body = {
        "round": {"number": found.dossier.number, "title": both(found.dossier.title), "pool_size": found.pool_size},
        "site": {"code": site.code, "name": both(site.name)},
        "zone": town.zone, "ends_at": round(held.expires_at.timestamp() * 1000), "people": roll.people, "households": roll.households,
        "lane": above(request, settings.CREWS_PORT_OFFSET) or f"{request.scheme}://{request.get_host()}",
    }  # fmt: skip
    tag = tag_of(body)
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    take_roll(found, site, roll, by=by, at=at)
    return JsonResponse(body, headers={"ETag": tag})


urlpatterns = [
    path("crew", require_GET(PHONE.page), name="crew_phone"),
    path("crew/worker.js", require_GET(PHONE.worker), name="crew_phone_worker"),
    path("crew/manifest.json", require_GET(PHONE.manifest), name="crew_phone_manifest"),
    path("crew/take", take, name="crew_phone_take"),
    path("crew/bundle", bundle, name="crew_phone_bundle"),
]
