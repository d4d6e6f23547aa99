"""Filings of resumption: the list, finding who files, the form, one filing with its steps."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.wording import T
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.registry.queries import places_seen, searched, seen_rows
from tongchou.domains.resumption import queries
from tongchou.domains.resumption.actions import MEASURES, FullShown
from tongchou.domains.resumption.conditions import ANSWERS
from tongchou.domains.resumption.models import Filing
from tongchou.domains.resumption.rules import AT_WORK, FILE, FILING, KINDS, SITE_CHECK
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.interfaces.web.pages.filing_form import form_of, read_filing, usual
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import resuming

ROWS, FOUND = 50, 20
TONES: Mapping[str, str] = {"working": "ok", "full": "ok", "correcting": "bad", "refused": "bad", "lapsed": "warn", "filed": "info"}
ANSWER_TONES: Mapping[str, str] = {"yes": "ok", "no": "bad", "missing": "warn"}


@page(queries.READ)
def filings(request: Asked) -> HttpResponse:
    """All filings one may see, by kind and state."""
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    rows = queries.filings_seen(request.actor, kind=kind if kind in KINDS else "", state=state if state in FILING.states else "")
    page_obj = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    shown = [
        {"row": row, "head": row.dossier, "state": state_of(row.dossier), "tone": TONES.get(row.dossier.state, "")} for row in page_obj
    ]
    context = {
        "rows": shown, "page_obj": page_obj, "kinds": list(KINDS.items()), "kind": kind, "states": list(FILING.states.items()), "state": state,
        "may_file": request.actor.may(FILE), "waiting": queries.checks_seen(request.actor).count(),
    }  # fmt: skip
    return render(request, "resumption/filings.html", context)


@page(FILE)
def filing_find(request: Asked) -> HttpResponse:
    """Who files: firm, school or site, by name or code."""
    kind, words = request.GET.get("kind", "firm"), request.GET.get("q", "")
    spec = SPECS.get(kind if kind in KINDS else "firm")
    found: list[Any] = []
    if spec is not None and words.strip():
        places = [place.pk for place in places_seen(request.actor, request.town.place.path) if request.actor.may(FILE, place.path)]
        found = list(searched(seen_rows(spec, places), spec, words)[:FOUND])
    return render(request, "resumption/find.html", {"kinds": list(KINDS.items()), "kind": kind, "q": words, "found": found})


@page(FILE, methods=("GET", "POST"))
def filing_new(request: Asked, kind: str, pk: int) -> HttpResponse:
    """The form for one firm, school or site, with the conditions of the day chosen; sent, it is answered at once."""
    row, book = resuming.subject_of(kind, pk, request.actor), queries.rulebook()
    refused, given = None, request.POST or {**usual(row, kind, request.at.date()), **request.GET.dict()}
    if request.method == "POST":
        try:
            asked = read_filing(request.POST, kind, book, request.at.date())
            filing = resuming.file(row, asked, signed_by=request.POST.get("signed_by", ""), by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            _say_what_became(request, filing)
            return redirect("filing", filing.dossier.number)
    context = {
        "row": row, "kind": kind, "word": KINDS[kind], "given": given, "refused": refused, "book": book,
        **form_of(book, kind, _day(given, request), given),
    }  # fmt: skip
    return render(request, "resumption/new.html", context, status=422 if refused else 200)


def _day(given: Mapping[str, Any], request: Asked) -> date:
    try:
        return read_day("from_on", str(given.get("from_on", ""))) or request.at.date()
    except Invalid:
        return request.at.date()


def _say_what_became(request: Asked, filing: Filing) -> None:
    state = filing.dossier.state
    if state == "refused":
        messages.error(request, str(T("还不能复工：请看下面红色的条件和办法。", "Not yet: see the red conditions below, and what to do.")))
    elif state in AT_WORK:
        messages.success(
            request,
            str(T("备案生效，可以复工；缺的材料现场核查时看。", "In effect: work may begin. What is missing is looked at on site.")),
        )
    else:
        messages.success(request, str(T("已备案，村居将到现场核查。", "Filed. The village will come and look.")))


@page(queries.READ)
def filing(request: Asked, number: str) -> HttpResponse:
    """One filing: what stands in the way, every condition, its checks, classes or batches, steps."""
    found = queries.seen_filing(number, request.actor)
    head = found.dossier
    checks = list(found.checks.select_related("dossier__place", "seen_by").order_by("-pk"))
    clocks = running_clocks([c.pk for c in checks])
    may_file = request.actor.may(FILE, found.place_path)
    allowed = {step.name for step in FILING.allowed(head.state)} if may_file else set()
    items = list(found.items.all())
    context = {
        "row": found, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "kind": KINDS[found.kind],
        "items": [{"item": i, "answer": ANSWERS[i.answer], "tone": ANSWER_TONES[i.answer] if i.is_ok is None else ""} for i in items],
        "open": [i for i in items if i.to_see and found.is_live], "refusals": [i for i in items if i.is_veto and i.answer == "no"],
        "checks": [{"row": c, "state": SITE_CHECK.states[c.dossier.state], "clock": clocks.get(c.pk)} for c in checks],
        "parts": list(found.parts.all()), "is_school": found.school_id is not None, "allowed": allowed, "measures": list(MEASURES.items()),
        "counts_absences": may_file and found.school_id is not None and head.state in AT_WORK,
        "may_file_again": may_file and not found.is_live,
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "resumption/filing.html", context)


def _full(filing: Filing, request: Asked, who: dict[str, Any]) -> object:
    given = request.POST
    numbers = {}
    for name in ("value", "base"):
        try:
            numbers[name] = float(given.get(name, ""))
        except ValueError:
            raise Invalid([FieldProblem(name, T("请填数字。", "Give a number."))]) from None
    return resuming.full(filing, FullShown(given.get("measure", ""), **numbers, paper=given.get("paper", "")), **who)


Step = Callable[[Filing, Asked, dict[str, Any]], object]
STEPS: Mapping[str, tuple[Step, T]] = {
    "full": (_full, T("已登记达产。", "At full capacity.")),
    "reduce": (lambda f, r, who: resuming.stop(f, "reduce", reason=r.POST.get("reason", ""), **who), T("已登记。", "Noted.")),
    "end": (lambda f, r, who: resuming.stop(f, "end", reason=r.POST.get("reason", ""), **who), T("已登记停工。", "Stopped.")),
    "withdraw": (lambda f, r, who: resuming.stop(f, "withdraw", reason=r.POST.get("reason", ""), **who), T("已撤回。", "Withdrawn.")),
}


@page(FILE, methods=("POST",))
def filing_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a filing."""
    do, said = STEPS[step]
    do(queries.seen_filing(number, request.actor), request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("filing", number=number)


urlpatterns = [
    path("resumption/filings/", filings, name="filings"),
    path("resumption/filings/new", filing_find, name="filing_find"),
    path("resumption/filings/new/<str:kind>/<int:pk>", filing_new, name="filing_new"),
    path("resumption/filings/<str:number>", filing, name="filing"),
    *(path(f"resumption/filings/<str:number>/{step}", filing_step, {"step": step}, name=f"filing_{step}") for step in STEPS),
]
