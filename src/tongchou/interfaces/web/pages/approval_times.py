"""Where approvals lose time, what a change would save, and who stands in for whom."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.models import Post
from tongchou.core.people.queries import holders_at, post_by_code, within
from tongchou.core.people.rules import CAPABILITIES
from tongchou.core.wording import T
from tongchou.domains.approvals.actions_cover import delegate_post, end_delegation
from tongchou.domains.approvals.models import Delegation
from tongchou.domains.approvals.queries import delegations_at
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant
from tongchou.workflows.approval_queue import Change, LostTime, lost_time, network_of, what_if

SHOWN = 10
KINDS = {
    "clerk": T("某个岗位加一个人", "One more person in a post"),
    "merge": T("两个环节合并，由前一个的岗位一次办完", "Two steps in one go, by the office of the first"),
    "hand": T("把一个环节交给别的岗位", "Hand a step to another post"),
}


@page("approval.read")
def approval_times(request: Asked) -> HttpResponse:
    """Waiting beside working time by step and office, most days lost first; and the answer to "what if"."""
    path_, refused, answer = request.town.place.path, None, None
    if not request.actor.may("approval.read", path_):
        raise Unseen("approval_times")
    found = lost_time(path_, request.at)
    asked = _change(request)
    if asked is not None:
        log = network_of(path_, request.at)
        try:
            answer = None if log is None else _answer(log, asked, found)
        except Invalid as invalid:
            refused = invalid
    most = max((one.waiting_days + one.working_days + one.paused_days for one in found.steps), default=1.0) or 1.0
    rows = [
        {
            "one": one,
            "name": found.specs[one.procedure].step(one.code).name if one.procedure in found.specs else T(one.code, one.code),
            "procedure": found.specs[one.procedure].name if one.procedure in found.specs else T(one.procedure, one.procedure),
            "post": found.posts[one.post].name if one.post in found.posts else T(one.post, one.post),
            "stood_from": round(100 * (one.waiting_days + one.working_days) / most, 1),
            "bars": [round(100 * days / most, 1) for days in (one.waiting_days, one.working_days, one.paused_days)],
        }
        for one in found.steps
    ]
    context: dict[str, Any] = {
        "steps": rows[:SHOWN], "more": rows[SHOWN:],
        "kept": found.procedures, "answer": answer, "refused": refused, "asked": asked, "kinds": list(KINDS.items()),
        "choices": [(f"{code}/{step.code}", T(f"{spec.name.zh}：{step.name.zh}", f"{spec.name.en}: {step.name.en}")) for code, spec in found.specs.items() for step in spec.steps],
        "posts": sorted(found.posts.values(), key=lambda post: post.code), "given": request.GET,
    }  # fmt: skip
    return render(request, "approvals/times.html", context, status=422 if refused else 200)


def _change(request: Asked) -> Change | None:
    given = request.GET
    if given.get("change") not in KINDS:
        return None
    procedure, _, step = given.get("step", "").partition("/")
    other_procedure, _, other = given.get("other", "").partition("/")
    try:
        saving = min(100.0, max(0.0, float(given.get("saving") or 0))) / 100
    except ValueError:
        saving = 0.0
    return Change(given["change"], procedure, step, other if other_procedure == procedure else "", given.get("post", ""), saving)


def _answer(log: Any, asked: Change, found: LostTime) -> dict[str, Any]:
    said = what_if(log, asked)
    names = [found.specs[code].name for code in log.procedures]
    loads = [
        (found.posts[post].name if post in found.posts else T(post, post), before, after)
        for post, before, after in zip(log.offices, said.load_before, said.load_after, strict=True)
    ]
    assumed = [found.specs[code].step(step).name for code, step in log.assumed if code in found.specs]
    ended = [(one.mean_days, one.count) for one in found.procedures if one.mean_days is not None]
    logged = sum(days * n for days, n in ended) / sum(n for _, n in ended) if ended else None
    full = max((*said.load_before, *said.load_after)) >= 1
    return {
        "overall": said.overall,
        "each": list(zip(names, said.savings, strict=True)),
        "loads": loads,
        "assumed": assumed,
        "is_full": full,
        "logged": logged,
        "added": -said.overall.saved_days,
    }


@page("approval.read", methods=("GET", "POST"))
def approval_cover(request: Asked) -> HttpResponse:
    """Who stands in for whom; a POST delegates a post's steps for a time."""
    refused, may = None, request.actor.may("approval.delegate", request.town.place.path)
    if request.method == "POST":
        try:
            delegate_post(
                from_post=_post(request, "from_post"), to_post=_post(request, "to_post"), from_at=read_instant(request, "from_at"),
                to_at=read_instant(request, "to_at"), reason=request.POST.get("reason", ""), by=request.actor, at=request.at,
            )  # fmt: skip
        except Invalid as invalid:
            refused = invalid
        else:
            messages.success(request, str(T("已委托，在办的环节一并交出。", "Delegated; the steps waiting there go along.")))
            return redirect("approval_cover")
    kinds = [kind for kind, names in CAPABILITIES.items() if "approval.work" in names]
    posts = list(Post.objects.filter(within(request.actor, "approval.read", "place__path"), kind__in=kinds).select_related("unit"))
    on_duty = holders_at(posts, request.at)
    context = {
        "posts": [(post, on_duty.get(post.pk)) for post in posts], "delegations": delegations_at(request.actor, request.at), "refused": refused,
        "given": request.POST, "may_delegate": may,
    }  # fmt: skip
    return render(request, "approvals/cover.html", context, status=422 if refused else 200)


def _post(request: Asked, field: str) -> Post:
    try:
        return post_by_code(request.POST.get(field, ""))
    except Unseen:
        raise Invalid([FieldProblem(field, T("请选择岗位。", "Choose a post."))]) from None


@page("approval.delegate", methods=("POST",))
def approval_cover_end(request: Asked, number: int) -> HttpResponse:
    """End a delegation before its time."""
    row = Delegation.objects.filter(pk=number).first() if number < 2**63 else None
    if row is None:
        raise Unseen("delegation")
    end_delegation(row, by=request.actor, at=request.at)
    messages.success(request, str(T("已结束，环节交还。", "Ended; the steps go back.")))
    return redirect("approval_cover")


urlpatterns = [
    path("approvals/times", approval_times, name="approval_times"),
    path("approvals/cover", approval_cover, name="approval_cover"),
    path("approvals/cover/<int:number>/end", approval_cover_end, name="approval_cover_end"),
]
