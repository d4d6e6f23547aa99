"""Status lists for the scanners of other towns: signed, for everybody, kept by caches for some minutes. Nothing of any person is in them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from tongchou.core.passes.queries import signing_key, status_lists
from tongchou.core.passes.signed_lists import MEDIA_TYPE, SignedList, write_signed_list
from tongchou.core.places.queries import installation
from tongchou.interfaces import clock
from tongchou.interfaces.web.addresses import public_address

KEPT_S = 300  # how long a revocation may take to reach another town's door
HOLDS = timedelta(days=3)  # a scanner without a network may go by a list for as long as by its rules; assumption


@require_safe
def status_index(request: HttpRequest) -> HttpResponse:
    """The town's code and public key, and the addresses of its lists."""
    town = installation()
    key = signing_key(town.place.code) if town else None
    if town is None or key is None:
        return HttpResponse(status=404)
    lists = {
        purpose: [public_address(request, reverse("status_list", args=[purpose, n])) for n in sorted(known)]
        for purpose, known in status_lists(clock.now().astimezone(ZoneInfo(town.zone))).items()
    }
    said = {"issuer": town.place.code, "key_id": key.key_id.hex(), "public_key": key.public.hex(), "lists": lists}
    return JsonResponse(said, headers={"Cache-Control": f"public, max-age={KEPT_S}"})


@require_safe
def status_list(request: HttpRequest, purpose: str, number: int) -> HttpResponse:
    """One list as a CWT; the same bytes for some minutes, so that asking again costs nothing."""
    town, at = installation(), clock.now()
    key = signing_key(town.place.code) if town else None
    bits = status_lists(at).get(purpose, {}).get(number)
    if town is None or key is None or bits is None:
        return HttpResponse(status=404)
    issued_at = int(at.timestamp()) // KEPT_S * KEPT_S
    address = public_address(request, request.path)
    content = write_signed_list(SignedList(town.place.code, address, issued_at, issued_at + int(HOLDS.total_seconds()), bits), key)
    tag = quote_etag(content[-64:].hex()[:32])
    headers = {"Cache-Control": f"public, max-age={KEPT_S}", "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, content_type=MEDIA_TYPE, headers=headers)


urlpatterns = [
    path("status", status_index, name="status_index"),
    path("status/<str:purpose>/<int:number>", status_list, name="status_list"),
]
