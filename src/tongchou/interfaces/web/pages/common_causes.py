"""Causes that several firms' difficulties share: the list, one of them, its answer."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.parameters.queries import value
from tongchou.core.wording import T
from tongchou.domains.difficulties.actions import answer_cause, join_cause, open_cause
from tongchou.domains.difficulties.queries import alike_to, causes_seen, repeated_causes, seen_cause
from tongchou.domains.difficulties.rules import CAUSE, KINDS, OUTCOMES
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.difficulties import kinds_on, post_given, posts_for, shown_row
from tongchou.interfaces.web.story import state_of, story_of

ROWS, GROUPS = 30, 10


@page("difficulty.read", methods=("GET", "POST"))
def causes(request: Asked) -> HttpResponse:
    """Causes that were confirmed; a POST confirms one."""
    if request.method == "POST":
        return _confirm(request)
    page_obj = Paginator(causes_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([row.pk for row in page_obj])
    rows = [{"row": row, "head": row.dossier, "state": state_of(row.dossier), "clock": clocks.get(row.pk)} for row in page_obj]
    return render(request, "difficulties/causes.html", {"rows": rows, "page_obj": page_obj, **_proposed(request)})


def _proposed(request: Asked) -> dict[str, Any]:
    """What may have one cause, for whoever may confirm it in the whole town; a person looks at each."""
    town, on = request.town.place, request.at.date()
    if not request.actor.may("difficulty.route", town.path):
        return {}
    groups = repeated_causes(request.actor, town.path, request.at)[:GROUPS]
    if not groups:
        return {}
    usual = value(KINDS, on=on, place_path=town.path).value
    return {"groups": [(group, usual.get(group.kind, {}).get("post")) for group in groups], "posts": posts_for(town)}


def _confirm(request: Asked) -> HttpResponse:
    given = request.POST
    row = open_cause(
        of=given.getlist("of"), words=given.get("words", ""), post=post_given(request), place=request.town.place, by=request.actor, at=request.at
    )  # fmt: skip
    messages.success(request, str(T(f"{row.dossier.number} 已确认，一并交办。", f"{row.dossier.number} confirmed and routed as one.")))
    return redirect("cause", row.dossier.number)


@page("difficulty.read")
def cause(request: Asked, number: str) -> HttpResponse:
    """One cause, every difficulty in it, and the answer."""
    found = seen_cause(number, request.actor)
    head, actor = found.dossier, request.actor
    kinds = kinds_on(request, head.place.path)
    members = found.difficulties.select_related("dossier__place", "dossier__owner_post", "firm").order_by("dossier__opened_at", "pk")
    may_work = actor.may("difficulty.work", head.place.path) and head.owner_post is not None and actor.holds(head.owner_post.code)
    context: dict[str, Any] = {
        "row": found, "head": head, "state": state_of(head), "clock": running_clocks([head.pk]).get(head.pk),
        "rows": [shown_row(row, kinds, None) for row in members], "outcomes": list(OUTCOMES.items()),
        "may_answer": may_work and any(step.name == "answer" for step in CAUSE.allowed(head.state)),
        "alike": alike_to(found, actor, request.at) if head.closed_at is None and actor.may("difficulty.route", head.place.path) else [],
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "difficulties/cause.html", context)


@page("difficulty.read", methods=("POST",))
def cause_answer(request: Asked, number: str) -> HttpResponse:
    """The answer that every firm in it reads."""
    found = seen_cause(number, request.actor)
    given = request.POST
    asked = answer_cause(found, outcome=given.get("outcome", ""), answer=given.get("answer", ""), by=request.actor, at=request.at)
    messages.success(request, str(T(f"已答复 {len(asked)} 家，等它们说是否解决。", f"Answered for {len(asked)}; they have the word now.")))
    return redirect("cause", number)


@page("difficulty.route", methods=("POST",))
def cause_join(request: Asked, number: str) -> HttpResponse:
    """Further difficulties that a person puts to it."""
    joined = join_cause(seen_cause(number, request.actor), of=request.POST.getlist("of"), by=request.actor, at=request.at)
    messages.success(request, str(T(f"归入 {len(joined)} 件。", f"{len(joined)} put to it.")))
    return redirect("cause", number)


urlpatterns = [
    path("causes/", causes, name="causes"),
    path("causes/<str:number>", cause, name="cause"),
    path("causes/<str:number>/join", cause_join, name="cause_join"),
    path("causes/<str:number>/answer", cause_answer, name="cause_answer"),
]
