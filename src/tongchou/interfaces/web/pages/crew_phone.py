"""A crew's phone in the street: an installable page that works for a day without a network, and what it needs from the house.

Whoever is signed in takes a round's roll along for one site; the phone then has a token of its own, for check-offs alone, that ends by itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from tongchou.core.audit.chain import canonical
from tongchou.core.errors import Unseen
from tongchou.core.people.actions import issue_token
from tongchou.core.people.queries import actor_for_token, token_behind
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.core.wording import T
from tongchou.domains.testing.queries import seen_round, seen_site
from tongchou.interfaces.web.crew_words import WORDS
from tongchou.interfaces.web.middleware import above
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.scan import bearer, call, manifest_of, modules_in, version_of, worker_for
from tongchou.interfaces.web.scan_words import both
from tongchou.workflows.crew_phones import roll_for, take_roll

PHONES = system_actor("crew phones")
HOLDS = timedelta(hours=36)  # a day in the street and the night after it; assumption
SCOPES = ("testing.read", "testing.sample")
MODULES = (*modules_in("offline", "crew"), "gate/scan.svg")


@require_GET
def crew_phone(request: HttpRequest) -> HttpResponse:
    """The page; the same for everybody, with nothing of anybody in it."""
    answer = render(request, "testing/crew_phone.html", {"everything": _words()})
    answer.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return answer


def _words() -> Mapping[str, object]:
    return {"words": {key: both(said) for key, said in WORDS.items()}}


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, told which files make up this version of the page."""
    return worker_for("/crew", ["/crew/manifest.json"], MODULES, _version())


@lru_cache(maxsize=1)
def _version() -> str:
    return version_of(MODULES, "testing/crew_phone.html", _words())


@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes it installable."""
    return manifest_of("/crew", T("统筹采样", "Tongchou sampling"))


@page("testing.sample", methods=("POST",))
def take(request: Asked) -> HttpResponse:
    """This phone may check people off in the name of whoever is signed in, for a day; asks for the roll with what it is given."""
    found, site = seen_round(request.POST.get("round", ""), request.actor), seen_site(request.POST.get("site", ""), request.actor)
    if not request.actor.may("testing.sample", site.place_path):
        raise Unseen("site")
    name = str(T(f"采样手机 {found.dossier.number}", f"crew's phone {found.dossier.number}"))
    token = issue_token(user=request.user, name=name, scopes=SCOPES, expires_at=request.at + HOLDS, by=PHONES, at=request.at)
    answer = JsonResponse({"token": token, "who": {"number": request.user.pk, "name": both(request.user.name)}})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_GET
@call
def bundle(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """The round, the site and its roll, an Access; 304 when the phone has it already, 401 when its permission is over."""
    try:
        by = actor_for_token(bearer(request), at)
        held = token_behind(bearer(request), at)
    except Unseen:
        return JsonResponse({"said": both(T("本机授权已到期或被停用。", "This phone's permission has ended."))}, status=401)
    found, site = seen_round(request.GET.get("round", ""), by), seen_site(request.GET.get("site", ""), by)
    roll = roll_for(found, site, by)
    body = {
        "round": {"number": found.dossier.number, "title": both(found.dossier.title), "pool_size": found.pool_size},
        "site": {"code": site.code, "name": both(site.name)},
        "zone": town.zone, "ends_at": round(held.expires_at.timestamp() * 1000), "people": roll.people, "households": roll.households,
        "lane": above(request, settings.CREWS_PORT_OFFSET) or f"{request.scheme}://{request.get_host()}",
    }  # fmt: skip
    tag = f'"{sha256(canonical(body).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    take_roll(found, site, roll, by=by, at=at)
    return JsonResponse(body, headers={"ETag": tag})


urlpatterns = [
    path("crew", crew_phone, name="crew_phone"),
    path("crew/worker.js", worker, name="crew_phone_worker"),
    path("crew/manifest.json", manifest, name="crew_phone_manifest"),
    path("crew/take", take, name="crew_phone_take"),
    path("crew/bundle", bundle, name="crew_phone_bundle"),
]
