"""Firms' difficulties: the list by office, one of them with its steps, writing one down, the address of a firm's own page."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.parameters.queries import duration, value
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code, within
from tongchou.core.people.rules import CAPABILITIES
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.difficulties import actions
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.models import Difficulty
from tongchou.domains.difficulties.queries import difficulties_seen, load_by_office, open_for_firm, seen_difficulty
from tongchou.domains.difficulties.rules import (
    DIFFICULTY,
    KINDS,
    LONGEST_PROMISE,
    OUTCOMES,
    PERMIT_LONGEST,
    SOURCES,
    STEP_OF,
    VERDICTS,
    WAYS,
)
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.queries import firm_for
from tongchou.domains.registry.rules import SIZE_CLASSES
from tongchou.interfaces.chance import random_share
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.interfaces.web.story import state_of, story_of

ROWS, FOUND_AT_MOST = 50, 20
TONES: Mapping[str, str] = {"reported": "warn", "answered": "info", "to_check": "info", "solved": "ok"}
# What a reader asks of the list, and the states that answer it.
STAGES: Mapping[str, tuple[T, tuple[str, ...]]] = {
    "open": (T("在办", "Open"), ("reported", "routed", "promised", "answered", "to_check")),
    "route": (T("待交办", "To be routed"), ("reported",)),
    "unit": (T("在承办单位", "With a unit"), ("routed", "promised")),
    "ask": (T("待问企业", "Ask the firm"), ("answered", "to_check")),
    "over": (T("已了结", "Over"), ("solved", "withdrawn")),
}


def kinds_on(request: Asked, place_path: str) -> dict[str, T]:
    """Kinds of difficulty in words, as they are worded on this day."""
    return {key: T(said["zh"], said["en"]) for key, said in value(KINDS, on=request.at.date(), place_path=place_path).value.items()}


def shown_row(row: Difficulty, kinds: Mapping[str, T], clock: Any) -> dict[str, Any]:
    """A difficulty as a line of a list."""
    head = row.dossier
    kind = kinds.get(row.kind, T(row.kind, row.kind))
    return {"row": row, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "kind": kind, "clock": clock}


@page("difficulty.read")
def difficulties(request: Asked) -> HttpResponse:
    """Those that are open first; by kind, by stage; how many lie with whom."""
    kinds, given = kinds_on(request, request.town.place.path), request.GET
    stage, kind = given.get("stage", "open"), given.get("kind", "")
    seen = difficulties_seen(request.actor).filter(dossier__state__in=STAGES.get(stage, STAGES["open"])[1])
    page_obj = Paginator(seen.filter(kind=kind) if kind in kinds else seen, ROWS).get_page(given.get("page"))
    clocks = running_clocks([row.pk for row in page_obj])
    context = {
        "rows": [shown_row(row, kinds, clocks.get(row.pk)) for row in page_obj], "page_obj": page_obj,
        "stages": [(key, said, key == stage) for key, (said, _) in STAGES.items()], "kinds": [(key, said, key == kind) for key, said in kinds.items()],
        "load": [(kinds.get(one.kind, T(one.kind, one.kind)), one) for one in load_by_office(request.actor, request.at)],
        "may_raise": request.actor.may("difficulty.raise"), "may_route": request.actor.may("difficulty.route"),
    }  # fmt: skip
    return render(request, "difficulties/list.html", context)


@page("difficulty.raise", methods=("GET", "POST"))
def difficulty_new(request: Asked) -> HttpResponse:
    """Find the firm, then write down what it says."""
    given, refused = request.POST or request.GET, None
    firm = firm_for(given.get("firm", ""), request.actor, "difficulty.raise") if given.get("firm") else None
    if request.method == "POST" and firm is not None:
        told = [actions.Told(given.get("kind", ""), given.get("words", ""))]
        source = given.get("source", "") if given.get("source") != "firm" else ""
        try:
            (row,) = actions.raise_difficulties(
                firm=firm.pk, name=firm.name, place=firm.place, told=told, source=source, said_at=request.at, by=request.actor, at=request.at
            )  # fmt: skip
        except Invalid as invalid:
            refused = invalid
        else:
            messages.success(request, str(T(f"{row.dossier.number} 已记下。", f"{row.dossier.number} is written down.")))
            return redirect("difficulty", row.dossier.number)
    context = {
        "firm": firm, "refused": refused, "given": given, "found": _found(request, given.get("q", "")), "q": given.get("q", ""),
        "kinds": list(kinds_on(request, request.town.place.path).items()), "sources": [(k, w) for k, w in SOURCES.items() if k != "firm"],
        "open": open_for_firm(firm.pk) if firm else [],
    }  # fmt: skip
    return render(request, "difficulties/new.html", context, status=422 if refused else 200)


def _found(request: Asked, text: str) -> list[Firm]:
    said = text.strip()
    if len(said) < 2:
        return []
    named = Q(name__icontains=said) | Q(credit_code=said.upper())
    rows = Firm.objects.filter(named, within(request.actor, "difficulty.raise", "place__path")).select_related("place")
    return list(rows.order_by("name", "pk")[:FOUND_AT_MOST])


@page("difficulty.read")
def difficulty(request: Asked, number: str) -> HttpResponse:
    """One difficulty: the firm's words, what was promised and answered, what the firm says of it, the next step."""
    found = seen_difficulty(number, request.actor)
    head, kinds = found.dossier, kinds_on(request, found.place_path)
    context = {
        **shown_row(found, kinds, running_clocks([head.pk]).get(head.pk)), "source": SOURCES[found.source], "outcome": OUTCOMES.get(found.outcome),
        "size": SIZE_CLASSES.get(found.firm.size_class), "heard": [(word, VERDICTS[word.verdict], WAYS[word.way]) for word in found.heard.select_related("heard_by")],
        "others": [row for row in open_for_firm(found.firm_id) if row.pk != found.pk],
        "timeline": story_of(history_of(head).exclude(action="difficulty.route").order_by("-seq")[:30], {head.pk: head}, head), "permits": found.permits.select_related("issued").order_by("-pk"), **_possible(found, request, kinds),
    }  # fmt: skip
    return render(request, "difficulties/difficulty.html", context)


def _possible(found: Difficulty, request: Asked, kinds: Mapping[str, T]) -> dict[str, Any]:
    """What this person may do now, and what the forms offer; the actions ask again."""
    head, actor = found.dossier, request.actor
    allowed = {step.name for step in DIFFICULTY.allowed(head.state)}
    may = {name: actor.may(f"difficulty.{name}", head.place.path) for name in ("route", "work", "hear", "raise")}
    in_hand = may["work"] and head.owner_post is not None and actor.holds(head.owner_post.code)
    offered: dict[str, Any] = {
        "may_route": may["route"] and "route" in allowed, "may_promise": in_hand and "promise" in allowed,
        "may_answer": in_hand and "answer" in allowed, "may_hear": may["hear"], "may_link": may["raise"], "kinds": list(kinds.items()),
        "verdicts": [(key, said) for key, said in VERDICTS.items() if STEP_OF[key] in allowed], "ways": [(k, w) for k, w in WAYS.items() if k != "page"],
    }  # fmt: skip
    if offered["may_route"]:
        usual = value(KINDS, on=request.at.date(), place_path=head.place.path).value.get(found.kind, {}).get("post")
        offered |= {"posts": posts_for(head.place), "usual": usual}
    offered["may_sample"] = head.closed_at is None and in_hand and actor.may("testing.run", head.place.path)
    if head.closed_at is None and actor.may("permit.issue", head.place.path):
        longest = duration(PERMIT_LONGEST, on=request.at.date(), place_path=head.place.path)
        offered |= {"may_permit": True, "permit_latest": request.at + longest}
    if offered["may_promise"]:
        offered["latest"] = request.at + duration(LONGEST_PROMISE, on=request.at.date(), place_path=head.place.path)
    return offered


def posts_for(place: Place, needs: str = "difficulty.work") -> list[Post]:
    """Posts that answer for a place and hold a capability: the nearest first."""
    kinds = [kind for kind, names in CAPABILITIES.items() if needs in names]
    rows = Post.objects.filter(kind__in=kinds, place__code__in=[code for code in place.path.split("/") if code]).select_related(
        "unit", "place"
    )
    return sorted((post for post in rows if place.path.startswith(post.place.path)), key=lambda post: (-len(post.place.path), post.code))


def post_given(request: Asked) -> Post:
    """The post that a form names. Raises Invalid."""
    try:
        return post_by_code(request.POST.get("post", ""))
    except Unseen:
        raise Invalid([FieldProblem("post", T("请选择交给哪个岗位。", "Choose the post."))]) from None


def _route(row: Difficulty, request: Asked, who: dict[str, Any]) -> T:
    post = post_given(request)
    actions.route_difficulty(row, post=post, kind=request.POST.get("kind", ""), reason=request.POST.get("reason", ""), **who)
    return T(f"已交{post.name_zh}。", f"Routed to {post.name_en}.")


def _promise(row: Difficulty, request: Asked, who: dict[str, Any]) -> T:
    actions.promise_difficulty(row, promised_at=read_instant(request, "promised_at"), words=request.POST.get("words", ""), **who)
    return T("已承诺，企业在自己的页面能看到。", "Promised; the firm reads it on its page.")


def _answer(row: Difficulty, request: Asked, who: dict[str, Any]) -> T:
    actions.answer_difficulty(row, outcome=request.POST.get("outcome", ""), answer=request.POST.get("answer", ""), **who)
    return T("已答复。是否解决，等企业说。", "Answered. Whether it is solved is for the firm to say.")


def _hear(row: Difficulty, request: Asked, who: dict[str, Any]) -> T:
    given = request.POST
    heard = Heard(
        given.get("verdict", ""),
        given.get("way", ""),
        read_instant(request, "spoken_at"),
        given.get("words", ""),
        given.get("spoke_to", ""),
    )
    hear_firm(row, heard=heard, draw=random_share(), **who)
    row.dossier.refresh_from_db()
    if row.dossier.state == "to_check":
        return T(
            "已记下。这件被抽中：请另一人回访后才算解决。", "Noted. This one was drawn: it is solved once another person has called back."
        )
    return T("已按企业说的记下。", "Noted as the firm says.")


STEPS: Mapping[str, Callable[[Difficulty, Asked, dict[str, Any]], T]] = {
    "route": _route,
    "promise": _promise,
    "answer": _answer,
    "hear": _hear,
}


@page("difficulty.read", methods=("POST",))
def difficulty_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a difficulty."""
    said = STEPS[step](seen_difficulty(number, request.actor), request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("difficulty", number=number)


urlpatterns = [
    path("difficulties/", difficulties, name="difficulties"),
    path("difficulties/new", difficulty_new, name="difficulty_new"),
    path("difficulties/<str:number>", difficulty, name="difficulty"),
    *(path(f"difficulties/<str:number>/{step}", difficulty_step, {"step": step}, name=f"difficulty_{step}") for step in STEPS),
]
