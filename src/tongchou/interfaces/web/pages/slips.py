"""Supervision slips: the list, one with its steps; one issue of a project with its answer."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Unseen
from tongchou.core.wording import T
from tongchou.domains.projects.actions_issues import reopen_issue, solve_issue
from tongchou.domains.projects.actions_slips import answer_slip, close_slip, return_slip
from tongchou.domains.projects.models import Slip
from tongchou.domains.projects.queries import seen_issue, seen_slip, slips_seen
from tongchou.domains.projects.rules import ABOUT, CAUSES, CLIMBING
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.projects import READ, SUPERVISE, TONES, WRITE
from tongchou.interfaces.web.story import state_of, story_of

ROWS = 50
ANSWER = "project.answer"


@page(READ)
def slips(request: Asked) -> HttpResponse:
    """Open slips first, the oldest on top."""
    page_obj = Paginator(slips_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([row.pk for row in page_obj])
    rows = [{**_shown(row), "clock": clocks.get(row.pk)} for row in page_obj]
    return render(request, "projects/slips.html", {"rows": rows, "page_obj": page_obj})


def _shown(row: Slip) -> dict[str, Any]:
    head = row.dossier
    return {
        "row": row, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "cause": CAUSES[row.cause],
        "why": T(row.words_zh, row.words_en or row.words_zh),
    }  # fmt: skip


@page(READ)
def slip(request: Asked, number: str) -> HttpResponse:
    """One slip: why, until when, what was answered, the next step."""
    row = seen_slip(number, request.actor)
    head, actor = row.dossier, request.actor
    is_open = head.state in {*CLIMBING, "red"}
    context = {
        **_shown(row), "clock": running_clocks([head.pk]).get(head.pk), "may_answer": is_open and head.owner_post and actor.holds(head.owner_post.code) and actor.may(ANSWER, row.place_path),
        "may_check": head.state == "answered" and actor.may(SUPERVISE, row.place_path), "is_own": row.answered_by_id == actor.user_id,
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "projects/slip.html", context)


@page(READ, methods=("POST",))
def slip_step(request: Asked, number: str, step: str) -> HttpResponse:
    """Answer, close or send back."""
    row, given = seen_slip(number, request.actor), request.POST
    who: dict[str, Any] = {"by": request.actor, "at": request.at}
    if step == "answer":
        answer_slip(row, answer=given.get("answer", ""), **who)
    elif step == "close":
        close_slip(row, words=given.get("words", ""), **who)
    else:
        return_slip(row, reason=given.get("words", ""), **who)
    messages.success(request, str(T(f"{number} 已记下。", f"{number} is kept.")))
    return redirect("slip", number=number)


@page(READ, methods=("GET", "POST"))
def issue(request: Asked, number: str) -> HttpResponse:
    """One issue: who has it and until when; solved, or opened again."""
    row = seen_issue(number, request.actor)
    head, is_open = row.dossier, row.dossier.closed_at is None
    may = request.actor.may(ANSWER if is_open else WRITE, row.place_path)
    if request.method == "POST":
        if not may:
            raise Unseen("issue")
        words = request.POST.get("words", "")
        who: dict[str, Any] = {"by": request.actor, "at": request.at}
        if is_open:
            solve_issue(row, answer=words, **who)
        else:
            reopen_issue(row, reason=words, **who)
        messages.success(request, str(T(f"{number} 已记下。", f"{number} is kept.")))
        return redirect("issue", number=number)
    context = {
        "row": row, "head": head, "state": state_of(head), "is_open": is_open, "may": may, "clock": running_clocks([head.pk]).get(head.pk), "about": ABOUT[row.about],
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "projects/issue.html", context)


urlpatterns = [
    path("slips/", slips, name="slips"),
    path("slips/<str:number>", slip, name="slip"),
    *(path(f"slips/<str:number>/{step}", slip_step, {"step": step}, name=f"slip_{step}") for step in ("answer", "close", "return")),
    path("issues/<str:number>", issue, name="issue"),
]
