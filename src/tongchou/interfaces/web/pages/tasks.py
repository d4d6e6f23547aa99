"""One task: what, why, until when, which proof; and every step that may be taken on it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.models import Dossier, Evidence
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.outbox.models import Notice
from tongchou.core.outbox.queue import mark_read
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.response import actions_tasks
from tongchou.domains.response.models import Task, TaskNeed
from tongchou.domains.response.queries import in_hands_of, seen_task, task_rows
from tongchou.domains.response.rules import TASK, missing_proofs
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.interfaces.web.pages.causes import walk_from
from tongchou.interfaces.web.pages.evidence import shown_evidence
from tongchou.interfaces.web.story import address_of, state_of, story_of


def _finish(task: Task, request: Asked) -> None:
    if request.FILES or request.POST.get("proof_note", "").strip():
        _prove(task, request)
    actions_tasks.finish_task(task, note=request.POST.get("note", ""), by=request.actor, at=request.at)


def _prove(task: Task, request: Asked) -> None:
    given: dict[str, Any] = {"taken_at": _instant(request.POST.get("taken_at", "")), "by": request.actor, "at": request.at}
    note = request.POST.get("proof_note", "")
    files = request.FILES.getlist("file")
    for file in files:
        actions_tasks.prove_task(task, content=file.read(), name=file.name or "", note=note, **given)
    if not files:
        actions_tasks.prove_task(task, note=note, **given)


def _instant(text: str) -> datetime | None:
    """When the picture was taken, as the browser told it (ISO 8601 with zone); nothing when it did not."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _hand_over(task: Task, request: Asked) -> None:
    code = request.POST.get("post", "")
    if not code:
        raise Invalid([FieldProblem("post", T("请选择岗位。", "Choose a post."))])
    actions_tasks.hand_over_task(task, post=post_by_code(code), reason=request.POST.get("reason", ""), by=request.actor, at=request.at)


def _plain(do: Callable[..., object]) -> Callable[[Task, Asked], object]:
    return lambda task, request: do(task, by=request.actor, at=request.at)


def _reasoned(do: Callable[..., object]) -> Callable[[Task, Asked], object]:
    return lambda task, request: do(task, reason=request.POST.get("reason", ""), by=request.actor, at=request.at)


# Step in the address → what it does, what is said afterwards.
STEPS: Mapping[str, tuple[Callable[[Task, Asked], object], T]] = {
    "accept": (_plain(actions_tasks.accept_task), T("已接收。", "Accepted.")),
    "start": (_plain(actions_tasks.start_task), T("已开始。", "Started.")),
    "evidence": (_prove, T("佐证已提交。", "Proof added.")),
    "approve": (_plain(actions_tasks.approve_task), T("已批准。", "Approved.")),
    "finish": (_finish, T("任务已完成。", "Task finished.")),
    "return": (_reasoned(actions_tasks.return_task), T("已退回上级岗位。", "Returned to the post above.")),
    "hand-over": (_hand_over, T("已移交。", "Handed over.")),
    "cancel": (_reasoned(actions_tasks.cancel_task), T("任务已取消。", "Task cancelled.")),
}


@page("incident.read")
def task(request: Asked, number: str) -> HttpResponse:
    """The task's page; its life and proof are a fragment of their own."""
    found = seen_task(number, request.actor)
    head = found.dossier
    if Notice.objects.filter(user=request.user, dossier=head, read_at=None).exists():
        mark_read(request.user.pk, at=request.at, dossier_id=head.pk)
    row = task_rows([found])[0]
    evidence = list(Evidence.objects.filter(dossier=head).select_related("by", "place"))
    approvals = list(found.approvals.select_related("user"))
    needs = [n.needs.dossier for n in TaskNeed.objects.filter(task=found).select_related("needs__dossier")]
    context = {
        "task": found,
        "head": head,
        "row": row,
        "state": state_of(head),
        "clock": row.clock,
        "done_at": head.closed_at,
        "evidence": [shown_evidence(e) for e in evidence if e.sha256],
        "notes": [e for e in evidence if not e.sha256],
        "missing": missing_proofs(found.proofs, [e.media_type for e in evidence]),
        "proofs": [T(p["zh"], p["en"]) for p in found.proofs],
        "documents": [T(d["zh"], d["en"]) for d in found.documents],
        "needs": [{"title": d.title, "url": address_of(d), "state": state_of(d), "is_open": d.closed_at is None} for d in needs],
        "approvals": approvals,
        "steps": walk_from(head, found.incident.dossier),
        "timeline": story_of(history_of(head).order_by("-seq"), {head.pk: head}, head),
        "detail": found.detail if found.detail_zh else None,
        **_possible(found, approvals, request.actor),
    }
    if request.GET.get("fragment") == "task":
        return render(request, "tasks/_task.html", context)
    return render(request, "tasks/task.html", context)


def _possible(task: Task, approvals: list[Any], actor: Actor) -> dict[str, Any]:
    """What this person may do now; the actions ask again."""
    head = task.dossier
    allowed = {step.name for step in TASK.allowed(head.state)}
    mine = in_hands_of(task, actor) and actor.may("task.work", head.place.path)
    may_assign = head.closed_at is None and actor.may("task.assign", head.place.path)
    approved = any(a.user_id == actor.user_id for a in approvals)
    return {
        "can": sorted(allowed & {"accept", "start", "finish", "return"}) if mine else [],
        "is_mine": mine and head.closed_at is None,
        "may_cancel": "cancel" in allowed and actor.may("task.cancel", head.place.path),
        "may_approve": head.closed_at is None
        and len(approvals) < task.approvals_needed
        and not approved
        and actor.may("incident.work", head.place.path),
        "posts": _posts_for(head) if may_assign else [],
    }


def _posts_for(head: Dossier) -> list[Post]:
    """Posts a task may be handed to: those that answer for its place, and those in it."""
    path = head.place.path
    posts = Post.objects.exclude(pk=head.owner_post_id).select_related("place").order_by("unit__code", "code")
    return [p for p in posts if path.startswith(p.place.path) or p.place.path.startswith(path)]


@page("task.work", methods=("POST",))
def take_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step; the person goes back to where they came from."""
    do, said = STEPS[step]
    found = seen_task(number, request.actor)
    do(found, request)
    messages.success(request, f"{found.dossier.number} {said}")
    return redirect(came_from(request, reverse("task", args=[number])))


urlpatterns = [
    path("tasks/<str:number>", task, name="task"),
    *(path(f"tasks/<str:number>/{step}", take_step, {"step": step}, name=f"task_{step}") for step in STEPS),
]
