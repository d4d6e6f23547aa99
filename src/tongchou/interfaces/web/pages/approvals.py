"""Approvals: the list by office, taking an application in, one of them with its steps, its clocks and what may be done now."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.packs.procedures import ProcedureSpec, procedure_of
from tongchou.core.parameters.queries import value
from tongchou.core.people.queries import within
from tongchou.core.wording import T
from tongchou.domains.approvals import actions, actions_steps
from tongchou.domains.approvals.life import PaperGiven, held_papers, missing_papers, spec_of
from tongchou.domains.approvals.models import Application, ApplicationStep, Procedure
from tongchou.domains.approvals.queries import (
    applications_seen,
    live_steps_below,
    log_of,
    papers_of,
    procedures_on,
    seen_application,
    seen_step,
    steps_of,
)
from tongchou.domains.approvals.rules import APPEAL, APPLICATION
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.queries import firm_for
from tongchou.interfaces.chance import random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.interfaces.web.qr import qr_inline
from tongchou.interfaces.web.steps_drawing import drawing_of
from tongchou.interfaces.web.story import state_of, story_of

ROWS, FOUND_AT_MOST = 50, 20
TONES: Mapping[str, str] = {
    "submitted": "warn",
    "correcting": "warn",
    "under_way": "info",
    "stopped": "warn",
    "granted": "ok",
    "tacit": "ok",
    "refused": "bad",
    "declined": "bad",
}
STAGES: Mapping[str, tuple[T, tuple[str, ...]]] = {
    "open": (T("在办", "Open"), ("submitted", "correcting", "under_way", "stopped")),
    "in": (T("待受理", "To accept"), ("submitted",)),
    "firm": (T("等申请人", "With the applicant"), ("correcting",)),
    "stopped": (T("暂停计时", "Clock stopped"), ("stopped",)),
    "over": (T("已了结", "Over"), ("granted", "tacit", "refused", "declined", "withdrawn")),
}


@page("approval.read")
def approvals(request: Asked) -> HttpResponse:
    """Open applications by the nearest limit; how many steps wait in which office."""
    stage = request.GET.get("stage", "open")
    seen = applications_seen(request.actor).filter(dossier__state__in=STAGES.get(stage, STAGES["open"])[1])
    page_obj = Paginator(seen, ROWS).get_page(request.GET.get("page"))
    rows = [_row(row) for row in page_obj]
    live = live_steps_below(request.town.place.path).filter(within(request.actor, "approval.read", "dossier__place__path"))
    late = Q(due_at__lt=request.at, dossier__state__in=["open", "working"])
    counts = {name: Count("pk", filter=Q(dossier__state=state)) for name, state in (("waiting", "open"), ("begun", "working"))}
    held = (
        live.order_by()
        .values("dossier__owner_post__name_zh", "dossier__owner_post__name_en")
        .annotate(late=Count("pk", filter=late), **counts)
    )
    offices = [
        (T(one["dossier__owner_post__name_zh"] or "", one["dossier__owner_post__name_en"] or ""), one) for one in held.order_by("-waiting")
    ]
    context = {
        "rows": rows, "page_obj": page_obj, "stages": [(key, said, key == stage) for key, (said, _) in STAGES.items()], "offices": offices,
        "may_receive": request.actor.may("approval.receive"),
    }  # fmt: skip
    return render(request, "approvals/list.html", context)


def _row(row: Application) -> dict[str, Any]:
    head = row.dossier
    due = None if head.closed_at or head.state == "stopped" else row.promised_at or row.statutory_at
    return {
        "row": row,
        "head": head,
        "state": state_of(head),
        "tone": TONES.get(head.state, ""),
        "due": due,
        "procedure": row.procedure.title,
    }


@page("approval.receive", methods=("GET", "POST"))
def approval_new(request: Asked) -> HttpResponse:
    """Choose what is applied for, find the firm, tick the papers at hand: those given before stand there already."""
    given, refused = request.POST or request.GET, None
    procedures = procedures_on(request.at.date())
    chosen = next((one for one in procedures if one.code == given.get("procedure")), None)
    firm = firm_for(given.get("firm", ""), request.actor, "approval.receive") if given.get("firm") else None
    if request.method == "POST" and chosen is not None:
        try:
            row = actions.open_application(applying=_applying(request, chosen, firm), by=request.actor, at=request.at)
        except Invalid as invalid:
            refused = invalid
        else:
            messages.success(request, str(T(f"{row.dossier.number} 已收件。", f"{row.dossier.number} is taken in.")))
            return redirect("approval", row.dossier.number)
    spec = procedure_of(chosen.body) if chosen else None
    context = {
        "procedures": [(one, procedure_of(one.body)) for one in procedures], "chosen": chosen, "spec": spec, "firm": firm, "refused": refused,
        "given": given, "q": given.get("q", ""), "found": _found(request, given.get("q", "")) if chosen and not firm else [],
        "papers": _papers_known(spec, firm, request.at.date()) if spec else [], "ticked": request.POST.getlist("papers"),
    }  # fmt: skip
    return render(request, "approvals/new.html", context, status=422 if refused else 200)


def _papers_known(spec: ProcedureSpec, firm: Firm | None, day: date) -> list[tuple[Any, Any]]:
    known = held_papers(firm.pk, list(spec.papers), day) if firm else {}
    return [(paper, known.get(code)) for code, paper in spec.papers.items()]


def _applying(request: Asked, procedure: Procedure, firm: Firm | None) -> actions.Applying:
    given, ends = request.POST, request.POST.get("permit_ends_on", "")
    try:
        ends_on = date.fromisoformat(ends) if ends else None
    except ValueError:
        raise Invalid([FieldProblem("permit_ends_on", T("日期写作 2022-06-30。", "A day looks like 2022-06-30."))]) from None
    place = firm.place if firm else request.town.place
    return actions.Applying(procedure, place, firm, given.get("applicant", ""), ends_on, papers_given(request))


def papers_given(request: Asked) -> list[PaperGiven]:
    """The papers ticked in a form, each with the file sent for it, if any."""
    found = []
    for code in dict.fromkeys(request.POST.getlist("papers")):
        file = request.FILES.get(f"file-{code}")
        content, name = (file.read(), file.name or "") if file else (None, "")
        found.append(PaperGiven(code, content=content, name=name))
    return found


def _found(request: Asked, text: str) -> list[Firm]:
    said = text.strip()
    if len(said) < 2:
        return []
    named = Q(name__icontains=said) | Q(credit_code=said.upper())
    rows = Firm.objects.filter(named, within(request.actor, "approval.receive", "place__path")).select_related("place")
    return list(rows.order_by("name", "pk")[:FOUND_AT_MOST])


@page("approval.read")
def approval(request: Asked, number: str) -> HttpResponse:
    """One application: its limits, its steps as a drawing and as work, its papers with their lineage, what may be done now."""
    return _shown(seen_application(number, request.actor), request)


def _shown(found: Application, request: Asked) -> HttpResponse:
    head, spec, steps = found.dossier, spec_of(found), steps_of(found)
    missing = missing_papers(found, spec)
    stops = [(stop, spec.stops.get(stop.reason)) for stop in found.clock_stops.all()]
    states = {step.code: (step.dossier.state, _step_said(step, request)) for step in steps}
    heads = {head.pk: head, **{step.pk: step.dossier for step in steps}}
    context = {
        **_row(found), "spec": spec, "drawing": drawing_of(spec.steps, states), "steps": [(step, spec.step(step.code), state_of(step.dossier)) for step in steps],
        "papers": [(one, spec.papers[one.code], one.paper.first_for_id != found.pk) for one in papers_of(found) if one.code in spec.papers],
        "missing": [spec.papers[code] for code in missing], "asked": [spec.papers[code] for code in found.missing], "stops": stops,
        "ground": spec.grounds.get(found.ground), "appeal": T(**value(APPEAL, on=request.at.date(), place_path=found.place_path).value),
        "timeline": story_of(log_of(heads), heads, head), **_possible(found, spec, steps, missing, request),
    }  # fmt: skip
    return render(request, "approvals/approval.html", context)


def _step_said(step: ApplicationStep, request: Asked) -> T:
    state = state_of(step.dossier)
    if step.dossier.closed_at is not None:
        day = f"{step.dossier.closed_at.astimezone(request.at.tzinfo):%m-%d}"
        return T(f"{state.zh} {day}", f"{state.en} {day}")
    return state


def _possible(found: Application, spec: ProcedureSpec, steps: list[ApplicationStep], missing: list[str], request: Asked) -> dict[str, Any]:
    """What this person may do now; the actions ask again."""
    head, actor = found.dossier, request.actor
    allowed = {step.name for step in APPLICATION.allowed(head.state) if actor.may(step.needs, found.place_path)}
    limit = spec.statutory
    mine = [
        step.pk for step in steps
        if actor.may("approval.work", found.place_path) and any(actor.holds(post.code) for post in (step.post, step.dossier.owner_post) if post)
    ]  # fmt: skip
    return {
        "may": dict.fromkeys(allowed, True), "may_stop": "stop" in allowed and bool(spec.stops), "mine": mine,
        "may_extend": "extend" in allowed and limit is not None and bool(limit.extension_days) and not found.extended_days,
        "may_add": bool(missing) and head.state == "under_way" and actor.may("approval.receive", found.place_path),
        "may_link": not head.closed_at and actor.may("approval.receive", found.place_path),
    }  # fmt: skip


def _words(request: Asked) -> str:
    return request.POST.get("words", "")


Step = Callable[[Application, Asked, dict[str, Any]], object]
STEPS: Mapping[str, tuple[Step, T]] = {
    "accept": (lambda a, r, who: actions.accept_application(a, papers=papers_given(r), **who), T("已受理，时限开始计算。", "Accepted: its time runs.")),
    "ask": (lambda a, r, who: actions.ask_corrections(a, papers=r.POST.getlist("papers"), words=_words(r), **who), T("已一次性告知。", "Told, once and whole.")),
    "correct": (lambda a, r, who: actions.correct_application(a, papers=papers_given(r), **who), T("材料已补齐并受理。", "Complete, and accepted.")),
    "add": (lambda a, r, who: actions.add_papers(a, papers=papers_given(r), **who), T("已添加。", "Added.")),
    "decline": (lambda a, r, who: actions.decline_application(a, words=_words(r), **who), T("不予受理，已写明理由和救济途径。", "Not taken on; the reason and the way of appeal are told.")),
    "refuse": (lambda a, r, who: actions.refuse_application(a, ground=r.POST.get("ground", ""), words=_words(r), **who), T("不予许可，已写明理由和救济途径。", "Refused; the ground and the way of appeal are told.")),
    "withdraw": (lambda a, r, who: actions.withdraw_application(a, words=_words(r), **who), T("已撤回。", "Withdrawn.")),
    "extend": (lambda a, r, who: actions.extend_application(a, words=_words(r), **who), T("已延长一次。", "Extended, once.")),
    "stop": (
        lambda a, r, who: actions_steps.stop_clock(a, reason=r.POST.get("reason", ""), words=_words(r), until_at=read_instant(r, "until_at"), **who),
        T("已暂停计时，到期自动恢复。", "The clock stands; it goes on by itself."),
    ),
    "resume": (lambda a, r, who: actions_steps.resume_clock(a, **who), T("已恢复计时。", "The clock goes on.")),
}  # fmt: skip


@page("approval.read", methods=("POST",))
def approval_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One turn of an application."""
    do, said = STEPS[step]
    do(seen_application(number, request.actor), request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("approval", number=number)


@page("approval.read", methods=("GET", "POST"))
def approval_work(request: Asked, number: str) -> HttpResponse:
    """One step: a GET shows its application; a POST starts or finishes it."""
    found = seen_step(number, request.actor)
    number_of = found.application.dossier.number
    if request.method == "POST":
        who: dict[str, Any] = {"by": request.actor, "at": request.at}
        if request.POST.get("do") == "finish":
            actions_steps.finish_step(found, finding=request.POST.get("finding", ""), **who)
            messages.success(request, str(T(f"{number} 已办结。", f"{number} is done.")))
        else:
            actions_steps.start_step(found, **who)
            messages.success(request, str(T(f"{number} 已开始办理。", f"{number} is begun.")))
        return redirect("approval", number=number_of)
    return _shown(seen_application(number_of, request.actor), request)


@page("approval.receive", methods=("POST",))
def approval_link(request: Asked, number: str) -> HttpResponse:
    """A fresh address of the applicant's own page, shown once."""
    found, token = seen_application(number, request.actor), random_token()
    actions.give_page(found, token=token, by=request.actor, at=request.at)
    address = public_address(request, reverse("applicant_page", args=[token]))
    response = render(request, "approvals/link.html", {"row": found, "head": found.dossier, "qr": qr_inline(address), "address": address})
    add_never_cache_headers(response)
    return response


urlpatterns = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/new", approval_new, name="approval_new"),
    path("approvals/steps/<str:number>", approval_work, name="approval_work"),
    path("approvals/<str:number>", approval, name="approval"),
    path("approvals/<str:number>/page", approval_link, name="approval_link"),
    *(path(f"approvals/<str:number>/{step}", approval_step, {"step": step}, name=f"approval_{step}") for step in STEPS),
]
