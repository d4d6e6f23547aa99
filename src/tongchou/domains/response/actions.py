"""Plans come into force; incidents are opened, given their tasks, reported, noted on and closed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import canonical
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.packs.contents import PlanSpec
from tongchou.core.parameters.queries import value
from tongchou.core.people.models import Post, Unit
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.response.giving import open_tasks
from tongchou.domains.response.models import Incident, Plan, Task
from tongchou.domains.response.rules import INCIDENT, REPORT_WITHIN, plan_problems


@action("plan.write", place=lambda given: given["place"].path)
def publish_plan(*, plan: PlanSpec, place: Place, valid_from: date, by: Actor, at: datetime) -> Plan:
    """Bring a version of a plan into force in a place from a day on; the very same version again changes nothing.

    Raises Invalid when it names posts or units nobody knows, waits in a circle, or differs from what was published under its number.
    """
    posts, units = set(Post.objects.values_list("code", flat=True)), set(Unit.objects.values_list("code", flat=True))
    problems = [FieldProblem("plan", said) for said in plan_problems(plan, posts, units)]
    fields = asdict(plan)
    fields.pop("file")
    text = canonical(fields)
    digest = sha256(text.encode()).hexdigest()
    known = Plan.objects.filter(code=plan.code, version=plan.version).first()
    if known is not None and known.digest != digest:
        said = T(
            f"方案 {plan.code} 第 {plan.version} 版已发布且内容不同，请提高版本号。",
            f"Plan {plan.code} version {plan.version} is already published with other contents; raise its version.",
        )
        problems.append(FieldProblem("version", said))
    if problems:
        raise Invalid(problems)
    row = known or Plan.objects.create(
        code=plan.code,
        version=plan.version,
        place=place,
        title_zh=plan.name.zh,
        title_en=plan.name.en,
        status=plan.status,
        body=json.loads(text),
        digest=digest,
        valid_from=valid_from,
        published_at=at,
    )
    record("plan.publish", row, detail={"code": row.code, "version": row.version, "digest": digest, "again": known is not None})
    return row


@action("incident.work", place=lambda given: given["place"].path)
def open_incident(
    *,
    plan: Plan,
    title: T,
    place: Place,
    grade: str = "",
    cause: Dossier | None = None,
    is_exercise: bool = False,
    reason: str,
    by: Actor,
    at: datetime,
) -> Incident:
    """Open an incident under a plan; the leader of the plan's first group owns it, and the clock for reporting upward starts."""
    if not place.path.startswith(plan.place.path):
        said = T(f"方案 {plan.code} 不适用于{place.name.zh}。", f"Plan {plan.code} does not hold in {place.name.en}.")
        raise Invalid([FieldProblem("plan", said)])
    within = value(REPORT_WITHIN, on=at.date(), place_path=place.path).value
    minutes = int(within.get(grade, max(within.values())) if isinstance(within, Mapping) else within)
    (dossier,) = open_dossiers(
        INCIDENT,
        [
            Opening(
                title,
                place,
                Post.objects.filter(code=plan.body["groups"][0]["leader"]).first(),
                grade=grade,
                is_exercise=is_exercise,
                caused_by=cause,
                clocks=((REPORT_WITHIN, minutes),),
                reason=reason,
                detail={"plan": plan.code, "version": plan.version, "cause": cause.number if cause else None},
            )
        ],
        by=by,
        at=at,
    )
    return Incident.objects.create(dossier=dossier, plan=plan)


@action("incident.work", on=Incident)
def give_tasks(incident: Incident, *, by: Actor, at: datetime) -> list[Task]:
    """Give out every task of the plan to the posts on duty, with deadlines from now on, and tell the people. Raises Stale the second time."""
    if incident.tasks.exists():
        raise Stale(T(f"{incident.dossier.number} 的任务已派发。", f"The tasks of {incident.dossier.number} have already been given out."))
    return open_tasks(incident, incident.plan.body["tasks"], by=by, at=at)


@action("incident.work", on=Incident)
def report_incident(incident: Incident, *, receipt: str, by: Actor, at: datetime) -> Incident:
    """Say that the level above has been told; `receipt` says who took it there. Stops the report clock."""
    advance(incident.dossier, INCIDENT, "report", at=at, reason=in_words("receipt", receipt))
    return incident


@action("incident.work", on=Incident)
def add_log(incident: Incident, *, text: str, by: Actor, at: datetime) -> Incident:
    """Put a note on the situation into the incident's log. Raises Stale when it is closed."""
    if incident.dossier.closed_at is not None:
        raise Stale(T("事件已结束，不能再记。", "The incident is closed; nothing can be added."))
    record("incident.note", incident.dossier, reason=in_words("text", text))
    return incident


@action("incident.work", on=Incident)
def propose_closing(incident: Incident, *, reason: str, by: Actor, at: datetime) -> Incident:
    """Ask for the incident to be closed."""
    advance(incident.dossier, INCIDENT, "propose_closing", at=at, reason=in_words("reason", reason))
    return incident


@action("incident.work", on=Incident)
def resume_incident(incident: Incident, *, reason: str, by: Actor, at: datetime) -> Incident:
    """Go back from closing to working."""
    advance(incident.dossier, INCIDENT, "resume", at=at, reason=in_words("reason", reason))
    return incident


@action("incident.close", on=Incident)
def close_incident(incident: Incident, *, review: str, by: Actor, at: datetime) -> Incident:
    """Close an incident with its review. Raises Invalid while tasks are open or the review is missing, Stale when nobody proposed it."""
    INCIDENT.step("close", incident.dossier.state)
    left = list(Task.objects.filter(incident=incident, dossier__closed_at=None).values_list("dossier__number", flat=True)[:6])
    if left:
        some = "、".join(left[:5]) + ("…" if len(left) > 5 else "")
        said = T(
            f"还有未办结的任务：{some}。请先完成或取消。", f"Tasks are still open: {some.replace('、', ', ')}. Finish or cancel them first."
        )
        raise Invalid([FieldProblem("tasks", said)])
    incident.review = in_words("review", review)
    incident.save(update_fields=["review"])
    advance(incident.dossier, INCIDENT, "close", at=at, reason=incident.review)
    return incident
