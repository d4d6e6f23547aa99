"""A pass on its holder's phone, at an address nobody can guess. Opened once, it is shown again without a network."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.identity import mask_name
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation
from tongchou.domains.gate.models import Holder
from tongchou.domains.suspensions.models import Objection, Suspension
from tongchou.domains.suspensions.rules import CAUSES
from tongchou.interfaces import clock
from tongchou.interfaces.web.looked_words import in_words
from tongchou.interfaces.web.qr import qr_inline
from tongchou.workflows.looked_up import looks_at
from tongchou.workflows.passing import ShownPass, passes_of, people_behind
from tongchou.workflows.suspending import protest, restrictions_of

PHONE = system_actor("pass page")
CHILD_YEARS = 14  # whose guardian acts for them: Personal Information Protection Law, article 31
WORKER = Path(__file__).parents[1] / "static/pass_worker.js"


@require_safe
def shown_pass(request: HttpRequest, token: str) -> HttpResponse:
    """The passes behind an address. One that never was and one that has ended get the same answer."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = clock.now().astimezone(ZoneInfo(town.zone))
    timezone.activate(town.zone)
    frame = {"town": town, "now": at, "token": token}
    try:
        people = people_behind(token)
        told = restrictions_of(people, at)
        rows = [_row(shown, told.get(shown.holder.number, []), at) for shown in passes_of(people, town.place, by=PHONE, at=at)]
        answer = render(request, "passes/phone.html", {**frame, "rows": rows})
    except Refusal as refusal:
        answer = render(request, "passes/refused.html", {**frame, "refusal": refusal}, status=refusal.status)
    return untold(answer)


def _row(shown: ShownPass, restrictions: list[Suspension], at: datetime) -> dict[str, object]:
    holder = shown.holder
    told = [
        {
            "row": row, "head": row.dossier, "cause": CAUSES[row.cause], "binds": row.dossier.state == "in_force" and row.ends_at > at,
            "post": row.dossier.owner_post, "objection": (made := getattr(row, "objection", None)),
            "answer_by": made and _answer_by(made), "is_upheld": made and made.dossier.state == "upheld",
        }
        for row in restrictions
    ]  # fmt: skip
    return {
        "name": _masked(holder), "place": holder.place, "until_at": shown.issued.expires_at,
        "sampled_at": holder.sampled_at, "qr": qr_inline(shown.text) if shown.text else None, "restrictions": told,
    }  # fmt: skip


def _answer_by(made: Objection) -> datetime | None:
    clock = running_clocks([made.pk]).get(made.pk)
    return clock.due_at if clock else None


@csrf_exempt  # nobody is signed in here: who holds the address may object, and its page tells no site where the visitor came from
@require_POST
def pass_object(request: HttpRequest, token: str) -> HttpResponse:
    """Object to a suspension of the holder or of somebody whose pass this phone carries."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = clock.now().astimezone(ZoneInfo(town.zone))
    timezone.activate(town.zone)
    given = request.POST
    try:
        if any("\0" in given.get(name, "") for name in ("words", "phone", "number")):
            raise Unseen("suspension")
        told = restrictions_of(people_behind(token), at)
        rows = [row for found in told.values() for row in found if row.dossier.number == given.get("number", "")]
        if not rows:
            raise Unseen("suspension")
        protest(rows[0], words=given.get("words", ""), phone=given.get("phone", ""), by=PHONE, at=at)
    except Refusal as refusal:
        answer = render(request, "passes/refused.html", {"town": town, "now": at, "refusal": refusal, "back": True}, status=refusal.status)
    else:
        answer = redirect("shown_pass", token)
    return untold(answer)


@require_safe
def pass_looks(request: HttpRequest, token: str) -> HttpResponse:
    """Who read what is kept of the holder, and of children whose passes this phone carries; of carried adults nothing, who can ask at the office.

    On a page of its own: the pass is held out at doors.
    """
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = clock.now().astimezone(ZoneInfo(town.zone))
    timezone.activate(town.zone)
    frame = {"town": town, "now": at, "token": token}
    try:
        holder, *carried = people_behind(token)
        children = [one for one in carried if one.resident and at.year - one.resident.born_on.year < CHILD_YEARS]
        rows = [{"name": _masked(one), "looks": in_words(looks_at([one]))} for one in (holder, *children)]
        answer = render(request, "passes/looks.html", {**frame, "rows": rows, "adults": len(carried) - len(children)})
    except Refusal as refusal:
        answer = render(request, "passes/refused.html", {**frame, "refusal": refusal}, status=refusal.status)
    return untold(answer)


def _masked(holder: Holder) -> str:
    return mask_name(holder.resident.name if holder.resident else holder.name)


def untold(answer: HttpResponse) -> HttpResponse:
    """The address is the key: no cache, no referrer and no search engine may learn it. The phone's own copy is kept by its script."""
    for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")):
        answer.headers[name] = value
    return answer


@require_safe
def pass_worker(request: HttpRequest) -> HttpResponse:
    """The service worker that keeps an opened pass on the phone."""
    return HttpResponse(WORKER.read_text("utf-8"), content_type="text/javascript", headers={"Cache-Control": "no-cache"})


urlpatterns = [
    path("p/worker.js", pass_worker, name="pass_worker"),
    path("p/<str:token>", shown_pass, name="shown_pass"),
    path("p/<str:token>/looks", pass_looks, name="pass_looks"),
    path("p/<str:token>/object", pass_object, name="pass_object"),
]
