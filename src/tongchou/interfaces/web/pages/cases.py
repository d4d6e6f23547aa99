"""Cases: the list, a new one, the page of one with its form and clocks, and the chain of all of them."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.models import Deadline
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Invalid
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import leaf_places
from tongchou.core.wording import T
from tongchou.domains.exposures.rules import BASES, EXPOSURE_MINUTES
from tongchou.domains.response.queries import incidents_seen, seen_incident
from tongchou.domains.tracing.actions import open_case, see_case
from tongchou.domains.tracing.models import Case, ChainLink, Contact, Sample, Visit
from tongchou.domains.tracing.queries import cases_seen, follow_ups, known_facts, seen_case
from tongchou.domains.tracing.rules import (
    CASE,
    CEILING,
    CONTACT_KINDS,
    DATES,
    DEFINITION,
    EVIDENCE_KINDS,
    METHODS,
    OUTCOMES,
    PARTS,
    RESULTS,
    SEXES,
    classify,
)
from tongchou.interfaces.web.chain_drawing import drawing_of
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.interfaces.web.pages.case_steps import STEPS, case_facts, village_of
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows.chaining import chain_of

ROWS, STORY_ROWS, CHAIN_MOST = 50, 30, 300


@page("case.read")
def case_list(request: Asked) -> HttpResponse:
    """Cases of one's places, open ones first, each with the clock that falls due first."""
    page_obj = Paginator(cases_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([case.pk for case in page_obj])
    rows = [{"case": c, "head": c.dossier, "state": state_of(c.dossier), "clock": clocks.get(c.pk)} for c in page_obj]
    context = {
        "rows": rows,
        "page_obj": page_obj,
        "may_open": request.actor.may("case.work"),
        "may_export": request.actor.may("register.export", request.town.place.path),
    }
    return render(request, "tracing/list.html", context)


@page("case.work", methods=("GET", "POST"))
def case_new(request: Asked) -> HttpResponse:
    """Open a case; a wrong field is named and what was typed stays."""
    refused = None
    if request.method == "POST":
        try:
            number = request.POST.get("incident", "")
            incident = seen_incident(number, request.actor) if number else None
            case = open_case(
                facts=case_facts(request), place=village_of(request, "case.work"), incident_id=incident.pk if incident else None,
                is_exercise=bool(incident and incident.dossier.is_exercise), by=request.actor, at=request.at,
            )  # fmt: skip
            return redirect("case", number=case.dossier.number)
        except Invalid as invalid:
            refused = invalid
    context = {
        "refused": refused, "given": request.POST, "villages": _villages(request), "incidents": incidents_seen(request.actor).filter(dossier__closed_at=None),
        **_words(),
    }  # fmt: skip
    return render(request, "tracing/new.html", context, status=422 if refused else 200)


def _villages(request: Asked) -> list[Any]:
    return [p for p in leaf_places(request.town.place.path).filter(valid_to=None) if request.actor.may("case.work", p.path)]


def _words() -> dict[str, object]:
    return {
        "sexes": SEXES, "outcomes": OUTCOMES, "methods": METHODS, "results": {k: v for k, v in RESULTS.items() if k != "pending"},
        "settings": EVIDENCE_KINDS,
    }  # fmt: skip


@page("case.read", methods=("GET", "POST"))
def case(request: Asked, number: str) -> HttpResponse:
    """The page of a case. A POST with a purpose shows name and numbers, this once, and leaves an Access."""
    found, clear, refused = seen_case(number, request.actor), {}, None
    if request.method == "POST":
        try:
            clear = see_case(found, purpose=request.POST.get("purpose", ""), by=request.actor, at=request.at)
        except Invalid as invalid:
            refused = invalid
    head = found.dossier
    context = {
        "case": found, "head": head, "state": state_of(head), "clear": clear, "refused": refused, "parts": _parts(found),
        "samples": Sample.objects.filter(case=found), "visits": Visit.objects.filter(case=found).select_related("venue"),
        "reports": found.reports.all(), "links_from": _links(infectee=found), "links_to": _links(infector=found),
        "contacts": follow_ups(Contact.objects.filter(case=found).select_related("place", "became__dossier"), request.at.date()),
        "requests": found.dossier.exposures.select_related("dossier").order_by("-pk"), "state_words": {"approved": "ok", "requested": "warn"},
        "timeline": story_of(history_of(head).order_by("-seq")[:STORY_ROWS], {head.pk: head}, head), "kinds": CONTACT_KINDS, "settings": EVIDENCE_KINDS,
        "dates": [(name, label, getattr(found, name)) for name, label in DATES.items()],
        **(_possible(found, request) if request.actor.may("case.work", found.place_path) and not head.closed_at else {}),
    }  # fmt: skip
    response = render(request, "tracing/case.html", context, status=422 if refused else 200)
    if clear:
        add_never_cache_headers(response)
    return response


def _links(**which: Case) -> Any:
    rows = ChainLink.objects.filter(withdrawn_at=None, **which).select_related("infector__dossier", "infectee__dossier", "by")
    return [{"link": x, "why": EVIDENCE_KINDS[x.evidence]} for x in rows]


def _parts(found: Case) -> list[dict[str, object]]:
    clocks = {clock.key: clock for clock in Deadline.objects.filter(dossier=found.dossier)}
    return [
        {"code": code, "name": name, "text": getattr(found, field), "clock": clocks.get(key)} for code, (field, name, key) in PARTS.items()
    ]


def _possible(found: Case, request: Asked) -> dict[str, Any]:
    """What this person may do now, with the words and numbers of the day; the actions ask again."""
    path, day = found.place_path, request.at.date()
    known = values_on([DEFINITION, CEILING, BASES, EXPOSURE_MINUTES], day, path)
    allowed = {step.name for step in CASE.allowed(found.dossier.state)}
    may_ask = found.dossier.state == "confirmed" and request.actor.may("exposure.ask", path)
    return {
        "may_work": True, "classes": {n: CASE.states[n] for n in ("suspected", "probable", "confirmed") if f"call_{n}" in allowed},
        "proposed": classify(known_facts(found), known[DEFINITION].value) if DEFINITION in known else None, "states": CASE.states,
        "may_discard": "discard" in allowed, "may_close": "close" in allowed, "may_hand_in": "hand_in_core" in allowed,
        "others": cases_seen(request.actor).exclude(pk=found.pk)[:200], "villages": _villages(request),
        "ceiling": [(CONTACT_KINDS.get(k, T(k, k)), k, n) for k, n in known[CEILING].value.items()] if CEILING in known else [],
        "bases": [(k, T(**v)) for k, v in known[BASES].value.items()] if may_ask and BASES in known else [],
        "least_minutes": known[EXPOSURE_MINUTES].value if EXPOSURE_MINUTES in known else 15, **_words(),
    }  # fmt: skip


@page("case.work", methods=("POST",))
def case_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step; the person goes back to the case."""
    do, said = STEPS[step]
    found = seen_case(number, request.actor)
    do(found, request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect(came_from(request, reverse("case", args=[number])))


@page("case.read")
def chain(request: Asked) -> HttpResponse:
    """Who had it from whom, drawn and as a table: recorded by people, and the likeliest source reckoned."""
    found = chain_of(_newest(request.actor), request.at)
    numbers = {case.pk: case for case in found.cases}
    context = {
        "chain": found, "drawing": drawing_of(found), "links": [{"link": x, "why": EVIDENCE_KINDS[x.evidence]} for x in found.links],
        "clusters": [c for c in found.clusters if len(c) > 1], "alone": sum(len(c) == 1 for c in found.clusters), "count": len(numbers),
        "undated": [c for c in found.cases if c.onset_on is None],
    }  # fmt: skip
    return render(request, "tracing/chain.html", context)


def _newest(actor: Actor) -> list[Case]:
    return list(cases_seen(actor).order_by("-dossier__opened_at", "-pk")[:CHAIN_MOST])


urlpatterns = [
    path("cases/", case_list, name="cases"),
    path("cases/new", case_new, name="case_new"),
    path("cases/chain", chain, name="chain"),
    path("cases/<str:number>", case, name="case"),
    *(path(f"cases/<str:number>/{step}", case_step, {"step": step}, name=f"case_{step}") for step in STEPS),
]
