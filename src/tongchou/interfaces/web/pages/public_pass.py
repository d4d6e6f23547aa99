"""A pass on its holder's phone, at an address nobody can guess. Opened once, it is shown again without a network."""

from pathlib import Path
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from tongchou.core.errors import Refusal
from tongchou.core.identity import mask_name
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation
from tongchou.interfaces import clock
from tongchou.interfaces.web.qr import qr_inline
from tongchou.workflows.passing import ShownPass, passes_of, people_behind

PHONE = system_actor("pass page")
WORKER = Path(__file__).parents[1] / "static/pass_worker.js"


@require_safe
def shown_pass(request: HttpRequest, token: str) -> HttpResponse:
    """The passes behind an address. One that never was and one that has ended get the same answer."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = clock.now().astimezone(ZoneInfo(town.zone))
    timezone.activate(town.zone)
    frame = {"town": town, "now": at}
    try:
        people = people_behind(token)
        rows = [_row(shown) for shown in passes_of(people, town.place, by=PHONE, at=at)]
        answer = render(request, "passes/phone.html", {**frame, "rows": rows})
    except Refusal as refusal:
        answer = render(request, "passes/refused.html", {**frame, "refusal": refusal}, status=refusal.status)
    # The address is the key: no cache, no referrer and no search engine may learn it. The phone's own copy is kept by its script.
    for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")):
        answer.headers[name] = value
    return answer


def _row(shown: ShownPass) -> dict[str, object]:
    holder = shown.holder
    return {
        "name": mask_name(holder.resident.name if holder.resident else holder.name), "place": holder.place, "until_at": shown.issued.expires_at,
        "sampled_at": holder.sampled_at, "qr": qr_inline(shown.text) if shown.text else None, "reason": shown.issued.reason,
    }  # fmt: skip


@require_safe
def pass_worker(request: HttpRequest) -> HttpResponse:
    """The service worker that keeps an opened pass on the phone."""
    return HttpResponse(WORKER.read_text("utf-8"), content_type="text/javascript", headers={"Cache-Control": "no-cache"})


urlpatterns = [path("p/worker.js", pass_worker, name="pass_worker"), path("p/<str:token>", shown_pass, name="shown_pass")]
