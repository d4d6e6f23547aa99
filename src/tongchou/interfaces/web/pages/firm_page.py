"""A firm's own page, at an address nobody can guess: what hinders it, what was promised and answered; it says itself whether that is solved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from tongchou.core.casework.models import Deadline
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Installation
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.difficulties.actions import Told, raise_difficulties
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.models import Difficulty
from tongchou.domains.difficulties.queries import firm_behind, shown_to_firm
from tongchou.domains.difficulties.rules import DIFFICULTY, KINDS, OUTCOMES, STEP_OF, VERDICTS
from tongchou.interfaces import clock
from tongchou.interfaces.web.pages.public_pass import untold
from tongchou.interfaces.web.story import state_of

FIRM: Actor = system_actor("firm page")
SHOWN_AFTER = timedelta(days=60)  # how long a closed one is still shown, and can be reopened there


@require_safe
def firm_page(request: HttpRequest, token: str) -> HttpResponse:
    """A firm's difficulties. An address that never was and one that has ended get the same answer."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = _now(town)
    frame = {"town": town, "now": at, "token": token}
    try:
        firm = firm_behind(token).firm
        rows = shown_to_firm(firm.pk, at, SHOWN_AFTER)
        kinds = value(KINDS, on=at.date(), place_path=firm.place.path).value
        clocks = running_clocks([row.pk for row in rows])
        shown = [
            _row(row, T(kinds[row.kind]["zh"], kinds[row.kind]["en"]) if row.kind in kinds else T(row.kind, row.kind), clocks)
            for row in rows
        ]
        choices = [(key, T(said["zh"], said["en"])) for key, said in kinds.items()]
        answer = render(request, "difficulties/firm_page.html", {**frame, "firm": firm, "rows": shown, "kinds": choices})
    except Refusal as refusal:
        answer = render(request, "difficulties/firm_refused.html", {**frame, "refusal": refusal}, status=refusal.status)
    return untold(answer)


def _now(town: Installation) -> datetime:
    timezone.activate(town.zone)
    return clock.now().astimezone(ZoneInfo(town.zone))


def _row(row: Difficulty, kind: T, clocks: Mapping[int, Deadline]) -> dict[str, object]:
    head = row.dossier
    allowed = {step.name for step in DIFFICULTY.allowed(head.state)}
    return {
        "row": row, "head": head, "state": state_of(head), "kind": kind, "clock": clocks.get(head.pk), "outcome": OUTCOMES.get(row.outcome),
        "verdicts": {key: said for key, said in VERDICTS.items() if STEP_OF[key] in allowed}, "asks": head.state in {"answered", "to_check"},
    }  # fmt: skip


@csrf_exempt  # nobody is signed in here: who holds the address speaks for the firm
@require_POST
def firm_says(request: HttpRequest, token: str) -> HttpResponse:
    """The firm says of one of its difficulties: solved, not yet, no longer needed, back again; or it raises a new one."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    given, at = request.POST, _now(town)
    try:
        if any("\0" in text for texts in given.lists() for text in texts[1]):
            raise Unseen("difficulty")
        firm = firm_behind(token).firm
        words = given.get("words", "")
        if "kind" in given:
            told = [Told(given["kind"], words)]
            raise_difficulties(firm=firm.pk, name=firm.name, place=firm.place, told=told, source="firm", said_at=at, by=FIRM, at=at)
        else:
            row = Difficulty.objects.filter(firm=firm, dossier__number=given.get("number", "")).first()
            if row is None:
                raise Unseen("difficulty")
            hear_firm(row, heard=Heard(given.get("verdict", ""), "page", at, words), draw=1.0, by=FIRM, at=at)
    except Refusal as refusal:
        answer = render(request, "difficulties/firm_refused.html", {"town": town, "now": at, "refusal": refusal}, status=refusal.status)
    else:
        answer = redirect("firm_page", token)
    return untold(answer)


urlpatterns = [
    path("d/<str:token>", firm_page, name="firm_page"),
    path("d/<str:token>/say", firm_says, name="firm_says"),
]
