"""From a confirmed alarm to people at work, in one transaction: all of it happens, or none.

1. The alarm is confirmed by the person who decides (a second one is told who was first).
2. An incident is opened under a plan, caused by the alarm.
3. The plan's tasks are given to the posts on duty, with deadlines from now on, and their people are told.
4. The head of the incident is told.

Then the same machinery passes on what nobody finishes in time: `escalate_overdue`.
"""

from datetime import datetime

from django.db import transaction

from tongchou.core.casework.actions import escalate
from tongchou.core.casework.models import Assignment, Dossier
from tongchou.core.casework.queries import overdue_at
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.response.actions import give_tasks, open_incident
from tongchou.domains.response.models import Incident, Plan
from tongchou.domains.response.queries import plans_in_force
from tongchou.domains.warning.actions import confirm_alarm
from tongchou.domains.warning.models import Alarm


def confirm(alarm: Alarm, *, plan_code: str, reason: str, by: Actor, at: datetime) -> Incident:
    """Confirm an alarm and set its plan in motion. Raises Stale when somebody else decided first, Invalid for a plan not in force there."""
    with transaction.atomic():
        # 1. the decision; it also holds the alarm against a second officer
        confirm_alarm(alarm, reason=reason, by=by, at=at)
        head = Dossier.objects.select_related("place").get(pk=alarm.pk)
        # 2. the incident
        incident = open_incident(
            plan=_plan(plan_code, head, at),
            title=T(f"{head.place.name_zh}疫情处置", f"Response in {head.place.name_en}"),
            place=head.place,
            grade=head.grade,
            cause=head,
            is_exercise=head.is_exercise,
            reason=reason,
            by=by,
            at=at,
        )
        # 3. the tasks
        tasks = give_tasks(incident, by=by, at=at)
        # 4. the head of the incident
        _tell_head(incident, len(tasks), at)
    return incident


def escalate_overdue(*, by: Actor, at: datetime, at_most: int = 500) -> int:
    """Pass every overdue dossier to the next post up and tell the people there; gives back how many were passed on.

    Each is a transaction of its own: one that fails keeps no other from climbing.
    """
    passed = 0
    late = {clock.dossier_id: clock.dossier for clock in overdue_at(at).select_related("dossier__place")[:at_most]}
    for dossier in late.values():
        with transaction.atomic():
            if escalate(dossier, by=by, at=at) is None:
                continue
            passed += 1
            _tell_of_delay(dossier, at)
    return passed


def _plan(code: str, head: Dossier, at: datetime) -> Plan:
    for plan in plans_in_force(at.date(), head.place.path):
        if plan.code == code:
            return plan
    said = T(f"方案 {code} 今天在{head.place.name_zh}未生效。", f"Plan {code} is not in force in {head.place.name_en} today.")
    raise Invalid([FieldProblem("plan", said)])


def _tell_head(incident: Incident, tasks: int, at: datetime) -> None:
    head = incident.dossier
    hand = Assignment.objects.filter(dossier=head, to_at=None).select_related("user").first()
    if hand is not None and hand.user is not None:
        text = T(
            f"事件 {head.number} 已启动，派发 {tasks} 项任务：{head.title_zh}",
            f"Incident {head.number} opened, {tasks} tasks given out: {head.title_en}",
        )
        notify([Telling(hand.user, text, head)], at=at, is_exercise=head.is_exercise)


def _tell_of_delay(dossier: Dossier, at: datetime) -> None:
    """The person it climbed to, and the one it climbed from."""
    hands = Assignment.objects.filter(dossier=dossier).exclude(user=None).select_related("user", "post").order_by("-from_at", "-pk")[:2]
    text = T(f"逾期上报：{dossier.number} {dossier.title_zh}", f"Overdue, passed up: {dossier.number} {dossier.title_en}")
    people = {hand.user.pk: hand.user for hand in hands if hand.user is not None}
    notify([Telling(user, text, dossier) for user in people.values()], at=at, is_exercise=dossier.is_exercise)
