"""Requests for exposed people: the list, one request with its versions, approval by another, names with a purpose, and a person's own accesses."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.cache import add_never_cache_headers

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Invalid
from tongchou.core.wording import T
from tongchou.domains.exposures import actions
from tongchou.domains.exposures.models import Exposed, ExposureRequest, VenueNotice
from tongchou.domains.exposures.queries import asked_lately, is_out_of_date, latest_list, requests_seen, seen_request
from tongchou.domains.exposures.rules import EXPOSURE, Window
from tongchou.domains.registry.models import Venue
from tongchou.domains.tracing.models import Case
from tongchou.interfaces.web.looked_words import in_words
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows.exposing import case_spans, make_list, own_accesses, people_on
from tongchou.workflows.looked_up import looks_by_number

ROWS, SHOWN, SHOWN_DAYS = 50, 200, timedelta(days=14)


@page("case.read")
def exposure_list(request: Asked) -> HttpResponse:
    """Requests in one's places, those that wait for a decision first."""
    page_obj = Paginator(requests_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    rows = [{"request": r, "head": r.dossier, "state": state_of(r.dossier)} for r in page_obj]
    return render(request, "exposures/list.html", {"rows": rows, "page_obj": page_obj, "may_learn": request.actor.may("exposure.learn")})


@page("case.read", methods=("GET", "POST"))
def exposure(request: Asked, number: str) -> HttpResponse:
    """One request and its latest list, by numbers alone. A POST with a purpose shows names and words, this once, and leaves an Access."""
    found = seen_request(number, request.actor)
    row, people, refused = latest_list(found), [], None
    if request.method == "POST" and row is not None:
        try:
            people = people_on(row, purpose=request.POST.get("purpose", ""), by=request.actor, at=request.at)
        except Invalid as invalid:
            refused = invalid
    head, listed = found.dossier, Exposed.objects.filter(of=row).exclude(change="removed")
    version = Case.objects.values_list("version", flat=True).get(pk=found.case_id)
    context = {
        "exposure": found, "head": head, "state": state_of(head), "list": row, "people": people, "refused": refused,
        "listed": list(listed.select_related("venue")[:SHOWN]), "count_listed": listed.count(), "versions": found.lists.all(),
        "is_stale": is_out_of_date(found, row, version), "clock": running_clocks([head.pk]).get(head.pk),
        "notices": VenueNotice.objects.filter(request=found, withdrawn_at=None).select_related("venue"),
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head), **_possible(found, request),
    }  # fmt: skip
    response = render(request, "exposures/exposure.html", context, status=422 if refused else 200)
    if people:
        add_never_cache_headers(response)
    return response


def _possible(found: ExposureRequest, request: Asked) -> dict[str, Any]:
    """What this person may do now; the actions ask again."""
    path, mine = found.place_path, found.asked_by_id == request.user.pk
    allowed = {step.name for step in EXPOSURE.allowed(found.dossier.state)}
    may_ask, may_decide = request.actor.may("exposure.ask", path), request.actor.may("exposure.approve", path)
    approved = found.dossier.state == "approved" and found.incident.closed_at is None
    return {
        "may_decide": may_decide and not mine and "approve" in allowed, "is_own": mine and "approve" in allowed,
        "may_withdraw": may_ask and mine and "withdraw" in allowed, "may_make": may_ask and approved, "may_end": may_ask and "end" in allowed,
        "spans": _spans(found) if may_decide and approved else [],
    }  # fmt: skip


def _spans(found: ExposureRequest) -> list[dict[str, Any]]:
    spans = case_spans(found)
    venues = {v.pk: v for v in Venue.objects.filter(pk__in={venue for venue, _, _ in spans}).exclude(venue_class="compound")}
    return [{"n": n, "venue": venues[v], "from_at": a, "to_at": b} for n, (v, a, b) in enumerate(spans) if v in venues]


def _publish(found: ExposureRequest, request: Asked, who: dict[str, Any]) -> None:
    chosen = set(request.POST.getlist("span"))
    spans = [span for n, span in enumerate(case_spans(found)) if str(n) in chosen]
    actions.publish_venues(found, spans=spans, until=(request.at + SHOWN_DAYS).date(), **who)


def _correct(found: ExposureRequest, request: Asked, who: dict[str, Any]) -> None:
    reason = request.POST.get("reason", "")
    window = Window(read_instant(request, "from_at"), read_instant(request, "to_at"))
    make_list(actions.correct_window(found, window=window, reason=reason, **who), reason=reason, **who)


def _take_down(found: ExposureRequest, request: Asked, who: dict[str, Any]) -> None:
    for notice in VenueNotice.objects.filter(request=found, withdrawn_at=None):
        actions.withdraw_notice(notice, reason=request.POST.get("reason", ""), **who)


def _reasoned(do: Callable[..., object], field: str) -> Callable[[ExposureRequest, Asked, dict[str, Any]], object]:
    return lambda found, request, who: do(found, **{field: request.POST.get("reason", "")}, **who)


STEPS: Mapping[str, tuple[Callable[[ExposureRequest, Asked, dict[str, Any]], object], T]] = {
    "approve": (_reasoned(actions.approve_request, "answer"), T("已批准。", "Approved.")),
    "refuse": (_reasoned(actions.refuse_request, "answer"), T("已驳回。", "Refused.")),
    "withdraw": (_reasoned(actions.withdraw_request, "reason"), T("已撤回。", "Withdrawn.")),
    "end": (_reasoned(actions.end_request, "reason"), T("已结束。", "Ended.")),
    "make": (_reasoned(make_list, "reason"), T("名单已生成。", "The list is made.")),
    "correct": (_correct, T("时段已更正，名单已重新生成。", "The span is corrected and the list made anew.")),
    "publish": (_publish, T("已公开场所和时段。", "Venues and hours are published.")),
    "take-down": (_take_down, T("已撤下公开告知。", "Public notices are taken down.")),
}


@page("case.read", methods=("POST",))
def exposure_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a request."""
    do, said = STEPS[step]
    found = seen_request(number, request.actor)
    do(found, request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("exposure", number=number)


@page("exposure.learn", methods=("GET", "POST"))
def own(request: Asked) -> HttpResponse:
    """At the counter: somebody shows an identity card and learns which requests touched them. Nothing found and nobody known look the same."""
    found, refused, asked, looks = [], None, False, []
    if request.method == "POST":
        try:
            given = request.POST.get("id_number", "")
            found, asked = own_accesses(id_number=given, place=request.town.place, by=request.actor, at=request.at), True
            looks = in_words(looks_by_number(given))
        except Invalid as invalid:
            refused = invalid
    count = asked_lately(request.at - timedelta(hours=24), request.actor.label)
    context = {"found": found, "looks": looks, "asked": asked, "refused": refused, "count": count}
    response = render(request, "exposures/own.html", context, status=422 if refused else 200)
    add_never_cache_headers(response)
    return response


urlpatterns = [
    path("exposures/", exposure_list, name="exposures"),
    path("exposures/own", own, name="exposure_own"),
    path("exposures/<str:number>", exposure, name="exposure"),
    *(path(f"exposures/<str:number>/{step}", exposure_step, {"step": step}, name=f"exposure_{step}") for step in STEPS),
]
