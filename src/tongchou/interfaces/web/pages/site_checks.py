"""On-site checks on a phone, absences of pupils class by class, and the alarms they raise."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.wording import T
from tongchou.domains.resumption import queries
from tongchou.domains.resumption.actions_checks import Finding
from tongchou.domains.resumption.actions_schools import answer_absences
from tongchou.domains.resumption.conditions import ANSWERS
from tongchou.domains.resumption.rules import CHECK, FILE
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day, read_whole
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import resuming

MOST = 200
DAYS = 5


@page(queries.READ)
def site_checks(request: Asked) -> HttpResponse:
    """Who waits to be looked at, the oldest first."""
    rows = list(queries.checks_seen(request.actor)[:MOST])
    clocks = running_clocks([row.pk for row in rows])
    return render(request, "resumption/checks.html", {"rows": [{"row": row, "clock": clocks.get(row.pk)} for row in rows], "most": MOST})


@page(queries.READ, methods=("GET", "POST"))
def site_check(request: Asked, number: str) -> HttpResponse:
    """One check; a POST keeps what was found of each item."""
    found = queries.seen_check(number, request.actor)
    items, refused = list(found.filing.items.filter(to_see=True)), None
    if request.method == "POST":
        given = request.POST
        findings = {i.code: Finding(said == "ok", given.get(f"note-{i.code}", "")) for i in items if (said := given.get(f"found-{i.code}"))}
        try:
            filing = resuming.check(found, findings, by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            messages.success(request, f"{number} {state_of(filing.dossier)}")
            return redirect("filing", filing.dossier.number)
    head, own = found.dossier, request.user.pk == found.filing.filed_by_id
    context = {
        "row": found, "head": head, "filing": found.filing, "state": state_of(head), "clock": running_clocks([head.pk]).get(head.pk),
        "items": [
            {"item": i, "answer": ANSWERS[i.answer], "found": request.POST.get(f"found-{i.code}"), "note": request.POST.get(f"note-{i.code}", i.note)}
            for i in (items if head.closed_at is None else found.items.all())
        ],
        "refused": refused, "is_own": own, "may_check": head.closed_at is None and not own and request.actor.may(CHECK, found.place_path),
    }  # fmt: skip
    return render(request, "resumption/check.html", context, status=422 if refused else 200)


@page(FILE, methods=("GET", "POST"))
def filing_absences(request: Asked, number: str) -> HttpResponse:
    """Absent and ill of each class on a day; a POST keeps them."""
    found = queries.seen_filing(number, request.actor)
    parts, refused, today = list(found.parts.all()), None, request.at.date()
    given = request.POST or request.GET
    on = read_day("on", given.get("on", "")) or today
    if request.method == "POST":
        try:
            counts = {}
            for part in parts:
                absent, ill = (read_whole(part.name, given.get(f"{name}-{part.pk}", "")) for name in ("absent", "ill"))
                if absent is not None or ill is not None:
                    counts[part.pk] = (absent or 0, ill or 0)
            alarm = resuming.count_absences(found, on, counts, by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            said = (
                T("已登记，已通知值班员：因病缺课较多。", "Kept. The duty officer is told: many are ill.")
                if alarm
                else T("已登记。", "Kept.")
            )
            messages.success(request, str(said))
            return redirect(f"{request.path}?on={on}")
    days = [on - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    known = queries.absences_before([part.pk for part in parts], on, days[0])
    context = {
        "row": found, "head": found.dossier, "on": on, "today": today, "days": days[:-1], "refused": refused,
        "parts": [_shown(part, known.get(part.pk, {}), days, given) for part in parts if part.returns_on <= on],
        "alarms": [{"row": a, "state": state_of(a.dossier)} for a in found.school.absence_alarms.select_related("dossier").order_by("-on")[:10]] if found.school else [],
    }  # fmt: skip
    return render(request, "resumption/absences.html", context, status=422 if refused else 200)


def _shown(part: Any, known: dict[Any, Any], days: list[Any], given: Any) -> dict[str, Any]:
    now = known.get(days[-1])
    return {
        "part": part, "before": [known[day].ill if day in known else None for day in days[:-1]],
        "absent": given.get(f"absent-{part.pk}", now.absent if now else ""), "ill": given.get(f"ill-{part.pk}", now.ill if now else ""),
    }  # fmt: skip


@page(queries.READ, methods=("GET", "POST"))
def absence(request: Asked, number: str) -> HttpResponse:
    """One alarm about absences; a POST answers it."""
    found = queries.seen_alarm(number, request.actor)
    if request.method == "POST":
        answer_absences(found, answer=request.POST.get("answer", ""), by=request.actor, at=request.at)
        messages.success(request, str(T("已答复。", "Answered.")))
        return redirect("absence", number)
    head = found.dossier
    context = {
        "row": found, "head": head, "state": state_of(head), "clock": running_clocks([head.pk]).get(head.pk),
        "filing": queries.live_filing("school", found.school_id),
        "may_answer": head.closed_at is None and request.actor.may("resumption.answer", found.place_path),
        "timeline": story_of(history_of(head).order_by("-seq")[:20], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "resumption/absence.html", context)


urlpatterns = [
    path("resumption/checks/", site_checks, name="site_checks"),
    path("resumption/checks/<str:number>", site_check, name="site_check"),
    path("resumption/filings/<str:number>/absences", filing_absences, name="filing_absences"),
    path("resumption/absences/<str:number>", absence, name="absence"),
]
