"""Suspensions of people's passes: the list, the form, one of them with its steps, and objections.

Nobody's name is shown before a purpose is given; a holder's number travels in the body of a POST, like everything that points to a person.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.cache import add_never_cache_headers

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.identity import mask_name
from tongchou.core.parameters.queries import duration, value
from tongchou.core.wording import T
from tongchou.domains.gate.models import Holder
from tongchou.domains.gate.queries import seen_holders
from tongchou.domains.response.queries import incidents_seen, seen_incident
from tongchou.domains.suspensions import actions
from tongchou.domains.suspensions.models import Suspension
from tongchou.domains.suspensions.queries import seen_objection, seen_suspension, suspensions_seen
from tongchou.domains.suspensions.rules import BASES, CAUSES, DAY_COST, LONGEST, SUSPENSION
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import suspending

ROWS = 50
TONES: Mapping[str, str] = {"requested": "warn", "in_force": "bad", "open": "warn", "upheld": "ok"}


def name_of(holder: Holder) -> str:
    """A holder's name, masked."""
    return mask_name(holder.resident.name if holder.resident else holder.name)


@page("suspension.read")
def suspensions(request: Asked) -> HttpResponse:
    """Those that wait for a decision, those in force, those that are over."""
    page_obj = Paginator(suspensions_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([row.pk for row in page_obj])
    rows = [
        {
            "row": row, "head": row.dossier, "state": state_of(row.dossier), "tone": TONES.get(row.dossier.state, ""), "name": name_of(row.holder),
            "cause": CAUSES[row.cause], "clock": clocks.get(row.pk), "objection": getattr(row, "objection", None),
        }
        for row in page_obj
    ]  # fmt: skip
    return render(request, "suspensions/list.html", {"rows": rows, "page_obj": page_obj, "may_find": request.actor.may("pass.issue")})


@page("suspension.ask", methods=("POST",))
def suspension_new(request: Asked) -> HttpResponse:
    """The form for one holder; sent with a reason, the request."""
    given = request.POST
    number = given.get("whom", "")
    (holder,) = seen_holders({int(number)} if number.isdecimal() and len(number) < 17 else {0}, request.actor)
    if not request.actor.may("suspension.ask", holder.place_path):
        raise Unseen("holder")
    refused = None
    if "cause" in given:
        try:
            row = suspending.ask(holder, _grounds(request), by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            messages.success(request, str(T("已提交，等另一人批准。", "Sent; somebody else must approve.")))
            return redirect("suspension", row.dossier.number)
    response = render(
        request, "suspensions/new.html", {**_form(request, holder), "refused": refused, "given": given}, status=422 if refused else 200
    )
    add_never_cache_headers(response)
    return response


def _grounds(request: Asked) -> actions.Grounds:
    given = request.POST
    try:
        incident = seen_incident(given.get("incident", ""), request.actor)
    except Unseen:
        raise Invalid([FieldProblem("incident", T("请选择事件。", "Choose the incident."))]) from None
    words = {name: given.get(name, "") for name in ("cause", "words", "basis")}
    return actions.Grounds(incident.dossier, ends_at=read_instant(request, "ends_at"), **words)


def _form(request: Asked, holder: Holder) -> dict[str, Any]:
    """What may be chosen for a holder: the town's open incidents, bases of the day, how long at most, what a day costs them."""
    path, today = holder.place_path, request.at.date()
    town = request.town.place.path
    opened = incidents_seen(request.actor).filter(dossier__closed_at=None, dossier__is_exercise=False)
    around = [row for row in opened if town.startswith(row.place_path) or row.place_path.startswith(town)]
    bases = value(BASES, on=today, place_path=path).value
    return {
        "holder": holder, "name": name_of(holder), "incidents": around, "causes": list(CAUSES.items()),
        "bases": [(key, T(**words)) for key, words in bases.items()], "latest": request.at + duration(LONGEST, on=today, place_path=path),
        "day_cost": value(DAY_COST, on=today, place_path=path).value,
    }  # fmt: skip


@page("suspension.read", methods=("GET", "POST"))
def suspension(request: Asked, number: str) -> HttpResponse:
    """One suspension. A POST with a purpose shows whose it is, this once, and leaves an Access."""
    found = seen_suspension(number, request.actor)
    shown, refused = "", None
    if request.method == "POST":
        try:
            actions.see_person(found, purpose=request.POST.get("purpose", ""), by=request.actor, at=request.at)
            shown = found.holder.resident.name if found.holder.resident else found.holder.name
        except Invalid as invalid:
            refused = invalid
    head = found.dossier
    context = {
        "row": found, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "cause": CAUSES[found.cause],
        "name": shown or name_of(found.holder), "is_shown": bool(shown), "refused": refused, "clock": running_clocks([head.pk]).get(head.pk),
        "objection": (objection := getattr(found, "objection", None)), "objection_state": state_of(objection.dossier) if objection else None,
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head), **_possible(found, request),
    }  # fmt: skip
    response = render(request, "suspensions/suspension.html", context, status=422 if refused else 200)
    if shown:
        add_never_cache_headers(response)
    return response


def _possible(found: Suspension, request: Asked) -> dict[str, bool]:
    """What this person may do now; the actions ask again."""
    mine, allowed = found.asked_by_id == request.user.pk, {step.name for step in SUSPENSION.allowed(found.dossier.state)}
    may = {name: request.actor.may(f"suspension.{name}", found.place_path) for name in ("ask", "approve", "lift", "object")}
    return {
        "may_decide": may["approve"] and not mine and "approve" in allowed, "is_own": mine and "approve" in allowed,
        "may_withdraw": may["ask"] and mine and "withdraw" in allowed, "may_lift": may["lift"] and "lift" in allowed,
        "may_object": may["object"] and "lift" in allowed and not hasattr(found, "objection"),
    }  # fmt: skip


Step = Callable[[Suspension, Asked, dict[str, Any]], object]
STEPS: Mapping[str, tuple[Step, T]] = {
    "approve": (lambda s, r, who: suspending.approve(s, answer=r.POST.get("reason", ""), **who), T("已批准，通行码已暂停。", "Approved: the pass is suspended.")),
    "refuse": (lambda s, r, who: actions.refuse_suspension(s, answer=r.POST.get("reason", ""), **who), T("未批准。", "Refused.")),
    "withdraw": (lambda s, r, who: actions.withdraw_suspension(s, reason=r.POST.get("reason", ""), **who), T("已撤回。", "Withdrawn.")),
    "lift": (lambda s, r, who: suspending.lift(s, reason=r.POST.get("reason", ""), **who), T("已解除，通行码恢复使用。", "Lifted: the pass holds again.")),
    "object": (
        lambda s, r, who: suspending.protest(s, words=r.POST.get("words", ""), phone=r.POST.get("phone", ""), **who),
        T("申诉已记录。", "The objection is on record."),
    ),
}  # fmt: skip


@page("suspension.read", methods=("POST",))
def suspension_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a suspension."""
    do, said = STEPS[step]
    do(seen_suspension(number, request.actor), request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("suspension", number=number)


@page("suspension.read", methods=("GET", "POST"))
def objection(request: Asked, number: str) -> HttpResponse:
    """One objection; a POST answers it."""
    found = seen_objection(number, request.actor)
    if request.method == "POST":
        decision = request.POST.get("decision")
        if decision not in {"uphold", "reject"}:
            raise Invalid([FieldProblem("decision", T("请选择“申诉成立”或“维持原判”。", "Choose Uphold or Reject."))])
        suspending.answer(found, upheld=decision == "uphold", said=request.POST.get("answer", ""), by=request.actor, at=request.at)
        messages.success(request, str(T("已答复。", "Answered.")))
        return redirect("objection", number)
    head, about = found.dossier, found.suspension
    had_part = request.user.pk in (about.asked_by_id, about.decided_by_id)
    context = {
        "objection": found, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "about": about, "cause": CAUSES[about.cause],
        "clock": running_clocks([head.pk]).get(head.pk), "had_part": had_part,
        "may_decide": head.closed_at is None and request.actor.may("appeal.decide", head.place.path),
    }  # fmt: skip
    return render(request, "suspensions/objection.html", context)


urlpatterns = [
    path("suspensions/", suspensions, name="suspensions"),
    path("suspensions/new", suspension_new, name="suspension_new"),
    path("suspensions/<str:number>", suspension, name="suspension"),
    *(path(f"suspensions/<str:number>/{step}", suspension_step, {"step": step}, name=f"suspension_{step}") for step in STEPS),
    path("objections/<str:number>", objection, name="objection"),
]
