"""Spot checks for the office: the list and a plan, one check with its steps and what it says, results."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.importing.tables import FileRefused
from tongchou.core.people.models import Post
from tongchou.core.places.queries import place_by_code, places_below
from tongchou.core.wording import T
from tongchou.domains.spot_checks import actions
from tongchou.domains.spot_checks.actions_taking import Finding, miss_units
from tongchou.domains.spot_checks.imports import ALL, read_findings, read_goods
from tongchou.domains.spot_checks.models import SpotCheck, Tube
from tongchou.domains.spot_checks.queries import (
    checks_seen,
    crew_units,
    outcome_kept,
    outcome_now,
    pools_of,
    progress_of,
    reasons_of,
    seen_check,
    standings,
)
from tongchou.domains.spot_checks.rules import KINDS, POOL_SIZES, REASONS, RESULTS, SPOT_CHECK, outcome_in_words, pools_in_words
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import spot_checking

ROWS, SHOWN = 50, 200


@page("spot_check.read")
def spot_checks(request: Asked) -> HttpResponse:
    """Checks of one's places, open ones first; a plan beside them for whoever may."""
    page_obj = Paginator(checks_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([c.pk for c in page_obj if c.dossier.closed_at is None])
    progress = progress_of([c for c in page_obj if c.drawn_at])
    rows = [
        {
            "check": c, "head": c.dossier, "kind": KINDS[c.kind], "state": state_of(c.dossier), "clock": clocks.get(c.pk), "progress": progress.get(c.pk),
            "said": outcome_in_words(kept, c.kind)[0] if (kept := outcome_kept(c)) else None,
        }
        for c in page_obj
    ]  # fmt: skip
    places = [p for p in places_below(request.town.place.path) if request.actor.may("spot_check.run", p.path)]
    context = {"rows": rows, "page_obj": page_obj, "places": places, "kinds": list(KINDS.items()), "sizes": POOL_SIZES}
    return render(request, "spot_checks/list.html", context)


@page("spot_check.run", methods=("POST",))
def spot_check_plan(request: Asked) -> HttpResponse:
    """Plan a check; its page comes next."""
    given, upload = request.POST, request.FILES.get("file")
    kind, title = given.get("kind", ""), given.get("title", "").strip()
    wish = spot_checking.Wish(
        title=T(title[:200], (given.get("title_en", "").strip() or title)[:240]), place=place_by_code(given.get("place", "")), kind=kind,
        prevalence=_share("prevalence", given.get("prevalence", "0.1")), size=_whole("size", given.get("size", "")),
        chance=_share("chance", given.get("chance", "95")), by_village=given.get("strata") != "one", by_risk="by_risk" in given,
        pool_size=_whole("pool_size", given.get("pool_size", "1")) or 0,
        goods=read_goods(upload.read() if upload else b"") if kind == "goods" else (),
    )  # fmt: skip
    owner = Post.objects.filter(code=request.actor.posts[0].code).first()
    check = spot_checking.plan(wish, secret=secrets.token_hex(16), owner=owner, by=request.actor, at=request.at)
    return redirect("spot_check", check.dossier.number)


def _whole(field: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isdecimal() and len(text.strip()) < 8):
        raise Invalid([FieldProblem(field, T("请填整数。", "Give a whole number."))])
    return int(text)


def _share(field: str, text: str) -> float:
    """A share typed in percent."""
    try:
        found = float(text) / 100
    except ValueError:
        found = -1.0
    if not 0 < found < 1:
        raise Invalid([FieldProblem(field, T("请填 0 到 100 之间的百分数。", "Give a percentage between 0 and 100."))])
    return found


@page("spot_check.read")
def spot_check(request: Asked, number: str) -> HttpResponse:
    """One check: what was announced, how far it is, what it says, its steps."""
    check = seen_check(number, request.actor)
    head, may = check.dossier, request.actor.may
    strata = standings(check)
    outcome = (outcome_kept(check) or outcome_now(check)) if check.drawn_at else None
    pools = pools_of(check) if check.drawn_at and check.pool_size > 1 else None
    open_count = sum(s.waiting + s.taken for s in strata)
    context = {
        "check": check, "head": head, "state": state_of(head), "kind": KINDS[check.kind], "clock": running_clocks([check.pk]).get(check.pk), "strata": strata,
        "all_name": ALL, "people": sum(s.stratum.people for s in strata), "size": sum(s.stratum.size for s in strata), "open_count": open_count,
        "waiting": sum(s.waiting for s in strata), "called": sum(s.called for s in strata), "done": sum(s.done for s in strata),
        "outcome": outcome, "lines": outcome_in_words(outcome, check.kind, is_final=head.state == "closed") if outcome else [],
        "pooled": pools_in_words(pools.positive, pools.pools, check.pool_size) if pools and pools.positive and open_count else None,
        "reasons": [{"word": REASONS[key][0], "count": n} for key, n in sorted(reasons_of(check).items(), key=lambda i: -i[1])],
        "allowed": {s.name for s in SPOT_CHECK.allowed(head.state)} if may("spot_check.run", check.place_path) else set(),
        "is_too_early": check.beacon_at is not None and request.at < check.beacon_at,
        "may_take": head.state == "taking" and may("spot_check.take"), "may_result": head.state == "taking" and may("spot_check.result", check.place_path),
        "timeline": story_of(history_of(head).exclude(action="spot_check.take").order_by("-seq")[:12], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "spot_checks/check.html", context)


def _announce(check: SpotCheck, request: Asked) -> None:
    beacon_at = read_instant(request, "beacon_at")
    actions.announce_check(check, beacon=request.POST.get("beacon", ""), beacon_at=beacon_at, by=request.actor, at=request.at)


def _draw(check: SpotCheck, request: Asked) -> None:
    actions.draw_check(check, beacon_value=request.POST.get("beacon_value", ""), by=request.actor, at=request.at)


def _rest(check: SpotCheck, request: Asked) -> None:
    """Whoever is still to be taken was not reached: the way to the end of a check that ran out of time."""
    left = list(crew_units(check, request.actor).filter(state="waiting").values_list("code", flat=True))
    miss_units(check=check, units=left, reason="not_reached", by=request.actor, at=request.at)


STEPS: Mapping[str, tuple[Callable[[SpotCheck, Asked], object], T]] = {
    "announce": (_announce, T("摘要已公布，到公开数公布后抽取。", "Announced. Draw when the public value is known.")),
    "draw": (_draw, T("已抽取，可以开始采样。", "Drawn. Taking can begin.")),
    "rest": (_rest, T("剩余样本已写明到期未采。", "Those left are noted as not reached.")),
    "close": (lambda c, r: actions.close_check(c, by=r.actor, at=r.at), T("已办结。", "Closed.")),
    "cancel": (lambda c, r: actions.cancel_check(c, reason=r.POST.get("reason", ""), by=r.actor, at=r.at), T("已取消。", "Given up.")),
}


@page("spot_check.run", methods=("POST",))
def spot_check_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a check's life."""
    do, said = STEPS[step]
    do(seen_check(number, request.actor), request)
    messages.success(request, f"{number} {said}")
    return redirect("spot_check", number)


@page("spot_check.result", methods=("GET", "POST"))
def spot_check_results(request: Asked, number: str) -> HttpResponse:
    """Tubes that wait for their result; a POST is a file of results, or one typed in."""
    check = seen_check(number, request.actor)
    context: dict[str, Any] = {}
    if request.method == "POST":
        upload = request.FILES.get("file")
        typed = Finding(request.POST.get("tube", "").strip(), request.POST.get("value", ""), request.POST.get("reason", ""))
        try:
            findings = read_findings(upload.read()) if upload else [typed]
            source = "file" if upload else "page"
            found = spot_checking.take_results(check, findings, source=source, by=request.actor, at=request.at)
            new, back, positive = found.new, len(found.called_back), len(found.positive)
            said = T(
                f"新结果 {new} 管；召回复采 {back}，单采阳性 {positive}。", f"{new} new; called back: {back}, positive alone: {positive}."
            )
            messages.success(request, str(said))
            return redirect("spot_check_results", number)
        except FileRefused as refusal:
            context = {"refusal": refusal, "problems": refusal.problems[:SHOWN], "problem_count": len(refusal.problems)}
    tubes = Tube.objects.filter(check_of=check)
    context |= {
        "check": check, "head": check.dossier, "results": list(RESULTS.items()), "waiting_count": tubes.filter(value="", filled__gt=0).count(),
        "waiting": list(tubes.filter(value="", filled__gt=0).order_by("pk")[:SHOWN]), "is_taking": check.dossier.state == "taking",
        "latest": [{"tube": t, "word": RESULTS[t.value]} for t in tubes.exclude(value="").order_by("-resulted_at", "-pk")[:20]],
    }  # fmt: skip
    return render(request, "spot_checks/results.html", context, status=422 if context.get("problem_count") else 200)


urlpatterns = [
    path("spot-checks/", spot_checks, name="spot_checks"),
    path("spot-checks/plan", spot_check_plan, name="spot_check_plan"),
    path("spot-checks/<str:number>", spot_check, name="spot_check"),
    path("spot-checks/<str:number>/results", spot_check_results, name="spot_check_results"),
    *(path(f"spot-checks/<str:number>/{step}", spot_check_step, {"step": step}, name=f"spot_check_{step}") for step in STEPS),
]
