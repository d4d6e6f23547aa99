"""A firm's own page, at an address nobody can guess: what it gets, why, what to do next; what hinders it, and whether that is solved.

Whoever holds the address speaks for the firm; nobody is signed in.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
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
from tongchou.domains.difficulties.queries import shown_to_firm
from tongchou.domains.difficulties.rules import DIFFICULTY, KINDS, OUTCOMES, STEP_OF, VERDICTS
from tongchou.domains.firms.actions import Origin
from tongchou.domains.firms.queries import firm_behind
from tongchou.domains.policies.actions_awards import note_receipt
from tongchou.domains.registry.models import Firm
from tongchou.interfaces import clock
from tongchou.interfaces.web.pages.public_pass import untold
from tongchou.interfaces.web.qr import qr_inline
from tongchou.interfaces.web.story import state_of
from tongchou.workflows import firm_file
from tongchou.workflows.solving import shown_permits

FIRM: Actor = system_actor("firm page")
SHOWN_AFTER = timedelta(days=60)  # how long a closed difficulty is still shown, and can be reopened there
Act = Callable[[Firm, QueryDict, datetime], object]


@require_safe
def firm_page(request: HttpRequest, token: str) -> HttpResponse:
    """The page. An address that never was and one that has ended get the same answer."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    at = _now(town)
    frame = {"town": town, "now": at, "token": token}
    try:
        firm = firm_behind(token)
        answer = render(
            request,
            "firms/own.html",
            {**frame, "firm": firm, **_policies(firm, token, at), **_difficulties(firm, at), **_permits(firm, at)},
        )
    except Refusal as refusal:
        answer = render(request, "firms/refused.html", {**frame, "refusal": refusal}, status=refusal.status)
    return untold(answer)


def _now(town: Installation) -> datetime:
    timezone.activate(town.zone)
    return clock.now().astimezone(ZoneInfo(town.zone))


def _policies(firm: Firm, token: str, at: datetime) -> dict[str, object]:
    file = firm_file.open_file(firm)
    if file is None:
        return {}
    what = firm_file.policies_for(file, at.date())
    return {
        "what": what, "takes": sum(not (offer.instead or offer.taken_before) for offer in what.gets), "facts": firm_file.known_of(file),
        "unread": file.is_unread, "claim_url": reverse("firm_claim", args=[token]),
        "tell_url": reverse("firm_tell", args=[token]),
    }  # fmt: skip


def _difficulties(firm: Firm, at: datetime) -> dict[str, object]:
    rows = shown_to_firm(firm.pk, at, SHOWN_AFTER)
    kinds = {key: T(said["zh"], said["en"]) for key, said in value(KINDS, on=at.date(), place_path=firm.place.path).value.items()}
    clocks = running_clocks([row.pk for row in rows])
    return {"rows": [_row(row, kinds.get(row.kind, T(row.kind, row.kind)), clocks) for row in rows], "kinds": list(kinds.items())}


def _permits(firm: Firm, at: datetime) -> dict[str, object]:
    return {"permits": [(one.permit, qr_inline(one.text)) for one in shown_permits(firm.pk, at) if one.text]}


def _row(row: Difficulty, kind: T, clocks: Mapping[int, Deadline]) -> dict[str, object]:
    head = row.dossier
    allowed = {step.name for step in DIFFICULTY.allowed(head.state)}
    return {
        "row": row, "head": head, "state": state_of(head), "kind": kind, "clock": clocks.get(head.pk), "outcome": OUTCOMES.get(row.outcome),
        "verdicts": {key: said for key, said in VERDICTS.items() if STEP_OF[key] in allowed}, "asks": head.state in {"answered", "to_check"},
    }  # fmt: skip


def _say(firm: Firm, given: QueryDict, at: datetime) -> None:
    """The firm says of one of its difficulties: solved, not yet, no longer needed, back again; or it raises a new one."""
    words = given.get("words", "")
    if "kind" in given:
        told = [Told(given.get("kind", ""), words)]
        raise_difficulties(firm=firm.pk, name=firm.name, place=firm.place, told=told, source="firm", said_at=at, by=FIRM, at=at)
        return
    row = Difficulty.objects.filter(firm=firm, dossier__number=given.get("number", "")).first()
    if row is None:
        raise Unseen("difficulty")
    hear_firm(row, heard=Heard(given.get("verdict", ""), "page", at, words), draw=1.0, by=FIRM, at=at)


def _tell(firm: Firm, given: QueryDict, at: datetime) -> None:
    """The firm answers what it was asked, or puts right what is known of it. A question left open stays open."""
    told = {name: text for name, text in given.items() if isinstance(text, str) and text.strip()}
    firm_file.tell(firm, told, Origin("firm", at.date()), by=FIRM, at=at)


ACTS: Mapping[str, Act] = {
    "say": _say,
    "tell": _tell,
    "claim": lambda firm, given, at: firm_file.claim(firm, given.get("measure", ""), by=FIRM, at=at),
    "read": lambda firm, given, at: note_receipt(firm=firm, by=FIRM, at=at),
}


@csrf_exempt  # nobody is signed in here: who holds the address speaks for the firm
@require_POST
def firm_act(request: HttpRequest, token: str, act: str) -> HttpResponse:
    """One act of the firm."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    given, at = request.POST, _now(town)
    try:
        if any("\0" in text for texts in given.lists() for text in texts[1]):
            raise Unseen("page")
        ACTS[act](firm_behind(token), given, at)
    except Refusal as refusal:
        answer = render(request, "firms/refused.html", {"town": town, "now": at, "refusal": refusal}, status=refusal.status)
    else:
        answer = redirect("firm_page", token)
    return untold(answer)


urlpatterns = [
    path("f/<str:token>", firm_page, name="firm_page"),
    *(path(f"f/<str:token>/{act}", firm_act, {"act": act}, name=f"firm_{act}") for act in ACTS),
]
