"""The steps of a task: accept, start, prove, approve, finish, return, hand over, cancel."""

from datetime import datetime

from django.db.models import Q

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.actions import attach_evidence, hand_over
from tongchou.core.casework.life import advance, assign
from tongchou.core.casework.models import Assignment, Evidence
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.response.giving import open_tasks
from tongchou.domains.response.models import Task, TaskApproval, TaskNeed
from tongchou.domains.response.queries import in_hands_of, open_needs
from tongchou.domains.response.rules import TASK, NotYours, missing_proofs


@action("task.work", on=Task)
def accept_task(task: Task, *, by: Actor, at: datetime) -> Task:
    """Say that one has the task. Raises NotYours for other hands."""
    _require_hands(task, by)
    advance(task.dossier, TASK, "accept", at=at)
    _take(task, by)
    return task


@action("task.work", on=Task)
def start_task(task: Task, *, by: Actor, at: datetime) -> Task:
    """Begin the work, accepting it if nobody has."""
    _require_hands(task, by)
    advance(task.dossier, TASK, "start", at=at)
    _take(task, by)
    return task


@action("task.work", on=Task)
def prove_task(
    task: Task,
    *,
    content: bytes | None = None,
    name: str = "",
    note: str = "",
    taken_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Evidence:
    """Lay a file or a note beside the task as proof. Raises Invalid for what is no proof (see `attach_evidence`)."""
    _require_hands(task, by)
    return attach_evidence(task.dossier, content=content, name=name, note=note, taken_at=taken_at, by=by, at=at)


@action("incident.work", on=Task)
def approve_task(task: Task, *, by: Actor, at: datetime) -> TaskApproval:
    """Stand by a task that needs a second person. Raises Invalid for the one who does it, Stale when already given or not asked for."""
    if task.dossier.closed_at is not None or not task.approvals_needed:
        raise Stale(T("此任务现在不需要批准。", "This task asks for no approval now."))
    hand = Assignment.objects.filter(dossier=task.dossier, to_at=None).first()
    if by.user_id is None or (hand is not None and hand.user_id == by.user_id):
        raise Invalid([FieldProblem("approval", T("须由承办人以外的人批准。", "Somebody other than the one who does it must approve."))])
    row, is_new = TaskApproval.objects.get_or_create(task=task, user_id=by.user_id, defaults={"at": at})
    if not is_new:
        raise Stale(T("您已批准过。", "You have already approved."))
    record("task.approve", task.dossier, detail={"count": task.approvals.count(), "needed": task.approvals_needed})
    return row


@action("task.work", on=Task)
def finish_task(task: Task, *, note: str = "", by: Actor, at: datetime) -> Task:
    """Finish a task. Raises Invalid naming every missing proof, approval and prerequisite; a repeating one is opened anew."""
    _require_hands(task, by)
    TASK.step("finish", task.dossier.state)
    if problems := _unfinished(task):
        raise Invalid(problems)
    advance(task.dossier, TASK, "finish", at=at, reason=note.strip())
    if task.repeat_minutes and task.incident.dossier.state == "active":
        again = [spec for spec in task.incident.plan.body["tasks"] if spec["code"] == task.plan_task]
        open_tasks(task.incident, again, by=by, at=at, minutes_key="repeat_minutes")
    _tell_next(task, at)
    return task


@action("task.work", on=Task)
def return_task(task: Task, *, reason: str, by: Actor, at: datetime) -> Task:
    """Give a task back to the post above, with the reason. Raises Invalid at the top, where it can only be handed over."""
    _require_hands(task, by)
    if not reason.strip():
        raise Invalid([FieldProblem("reason", T("请写明退回原因。", "Say why it is returned."))])
    owner = task.dossier.owner_post
    above = owner.reports_to if owner else None
    if above is None:
        raise Invalid([FieldProblem("post", T("没有上级岗位，请改为移交。", "There is no post above; hand it over instead."))])
    advance(task.dossier, TASK, "return", at=at, reason=reason.strip())
    _tell(task, assign(task.dossier, above, at=at, why="returned", reason=reason.strip()), T("任务被退回", "Task returned"), at)
    return task


@action("task.assign", on=Task)
def hand_over_task(task: Task, *, post: Post, reason: str, by: Actor, at: datetime) -> Task:
    """Give a task to another post whose place covers it or lies in it; the person there is told."""
    if not (task.place_path.startswith(post.place.path) or post.place.path.startswith(task.place_path)):
        raise Invalid([FieldProblem("post", T("该岗位不管辖此地。", "That post does not answer for this place."))])
    _tell(task, hand_over(task.dossier, post=post, reason=reason, by=by, at=at), T("任务移交给您", "Task handed to you"), at)
    return task


@action("task.cancel", on=Task)
def cancel_task(task: Task, *, reason: str, by: Actor, at: datetime) -> Task:
    """Take a task off the list, with the reason."""
    if not reason.strip():
        raise Invalid([FieldProblem("reason", T("请写明取消原因。", "Say why it is cancelled."))])
    advance(task.dossier, TASK, "cancel", at=at, reason=reason.strip())
    _tell_next(task, at)
    return task


def _require_hands(task: Task, by: Actor) -> None:
    if not in_hands_of(task, by):
        owner = task.dossier.owner_post
        raise NotYours(
            T(f"此任务由{owner.name_zh if owner else '他人'}承办。", f"This task lies with {owner.name_en if owner else 'somebody else'}."),
            T("如需由您办理，请其移交。", "Ask them to hand it over."),
        )


def _take(task: Task, by: Actor) -> None:
    """Where nobody was on duty, whoever takes the task is its person from now on."""
    Assignment.objects.filter(dossier=task.dossier, to_at=None, user=None).update(user_id=by.user_id)


def _unfinished(task: Task) -> list[FieldProblem]:
    found = []
    media_types = list(Evidence.objects.filter(dossier=task.dossier).values_list("media_type", flat=True))
    for proof in missing_proofs(task.proofs, media_types):
        found.append(FieldProblem("proof", T(f"缺少“{proof.zh}”", f"proof missing: {proof.en}")))
    for need in open_needs(task):
        said = T(f"须先完成 {need.number} {need.title_zh}", f"first finish {need.number} {need.title_en}")
        found.append(FieldProblem("needs", said))
    approved = task.approvals.count()
    if approved < task.approvals_needed:
        said = T(f"需 {task.approvals_needed} 人批准，已有 {approved} 人", f"{task.approvals_needed} approvals needed, {approved} given")
        found.append(FieldProblem("approval", said))
    return found


def _tell(task: Task, hand: Assignment, what: T, at: datetime) -> None:
    if hand.user is not None:
        head = task.dossier
        text = T(f"{what.zh}：{head.number} {head.title_zh}", f"{what.en}: {head.number} {head.title_en}")
        notify([Telling(hand.user, text, head)], at=at, is_exercise=head.is_exercise)


def _tell_next(task: Task, at: datetime) -> None:
    """Tell those whose task waited for this one alone."""
    waiting = TaskNeed.objects.filter(needs=task, task__dossier__closed_at=None).values("task_id")
    still = TaskNeed.objects.filter(Q(needs__dossier__closed_at=None), task_id__in=waiting).values("task_id")
    free = Assignment.objects.filter(to_at=None, dossier_id__in=waiting).exclude(dossier_id__in=still).exclude(user=None)
    for hand in free.select_related("user", "dossier__task"):
        _tell(hand.dossier.task, hand, T("前置已完成，可以办理", "No longer waiting for another task"), at)
