"""Incidents, tasks and the inbox for programs: the same queries and actions as the pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from tongchou.core.casework.models import Dossier
from tongchou.core.people.queries import post_by_code
from tongchou.domains.response import actions, actions_tasks
from tongchou.domains.response.models import Incident, Task
from tongchou.domains.response.queries import (
    TaskRow,
    inbox_rows,
    incidents_seen,
    log_of,
    seen_incident,
    seen_task,
    task_rows,
    tasks_of,
)
from tongchou.interfaces.api.fields import Instant, Limit, Offset, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both

router = Router(tags=["response"])


class DossierOut(Schema):
    """What every dossier has."""

    number: str = Field(description=both("编号", "number"))
    kind: str
    title: Pair
    place: str = Field(description=both("地方编码", "code of the place"))
    state: str
    grade: str
    opened_at: datetime
    closed_at: datetime | None
    is_exercise: bool = Field(description=both("演练", "drill"))


class IncidentOut(DossierOut):
    """An incident and the plan it is answered under."""

    plan: str
    plan_version: int
    review: str


class TaskOut(DossierOut):
    """A task with its clock, hands, needs and proof."""

    incident: str
    plan_task: str
    unit: str
    due_at: datetime | None = Field(description=both("时限", "due"))
    post: str | None = Field(description=both("承办岗位", "post it lies with"))
    person: str | None = Field(description=both("承办人", "person"))
    waits_for: list[str] = Field(description=both("前置任务", "unfinished prerequisites"))
    proofs: list[dict[str, str]] = Field(description=both("所需佐证", "proof asked for"))
    evidence_count: int
    approvals_needed: int


class IncidentPage(Schema):
    """Some of the incidents, and how many there are."""

    items: list[IncidentOut]
    count: int


class IncidentDetail(IncidentOut):
    """An incident with its tasks."""

    tasks: list[TaskOut]


class LogEntryOut(Schema):
    """One act of the log."""

    seq: int
    at: datetime
    action: str
    actor: str
    reason: str
    subject_id: str


class InboxOut(DossierOut):
    """A dossier in one's hands and the clock that falls due first."""

    due_at: datetime | None
    clock: str | None


class StepWords(Schema):
    """理由或内容，视步骤而定 The words a step asks for, if any."""

    reason: str = ""


class HandOver(Schema):
    """To which post, and why."""

    post: str
    reason: str


def _head(d: Dossier) -> dict[str, Any]:
    return {
        "number": d.number,
        "kind": d.kind,
        "title": {"zh": d.title_zh, "en": d.title_en},
        "place": d.place.code,
        "state": d.state,
        "grade": d.grade,
        "opened_at": d.opened_at,
        "closed_at": d.closed_at,
        "is_exercise": d.is_exercise,
    }


def _incident(row: Incident) -> dict[str, Any]:
    return {**_head(row.dossier), "plan": row.plan.code, "plan_version": row.plan.version, "review": row.review}


def _task(row: TaskRow, incident: str) -> dict[str, Any]:
    task, hand = row.task, row.hand
    return {
        **_head(row.dossier),
        "incident": incident,
        "plan_task": task.plan_task,
        "unit": task.unit.code,
        "due_at": row.clock.due_at if row.clock else None,
        "post": hand.post.code if hand else None,
        "person": hand.user.username if hand and hand.user else None,
        "waits_for": [d.number for d in row.waits_for],
        "proofs": task.proofs,
        "evidence_count": row.evidence_count,
        "approvals_needed": task.approvals_needed,
    }


@router.get("/incidents", response=IncidentPage, summary=both("事件", "incidents of one's places, open ones first"))
def list_incidents(request: HttpRequest, open_only: bool = False, limit: Limit = 50, offset: Offset = 0) -> Any:
    rows = incidents_seen(request.auth)  # type: ignore[attr-defined]
    return page_of(rows.filter(dossier__closed_at=None) if open_only else rows, _incident, limit, offset)


@router.get("/incidents/{number}", response=IncidentDetail, summary=both("一起事件及其任务", "one incident with its tasks"))
def get_incident(request: HttpRequest, number: str) -> Any:
    found = seen_incident(number, request.auth)  # type: ignore[attr-defined]
    return {**_incident(found), "tasks": [_task(row, number) for row in tasks_of(found)]}


@router.get("/incidents/{number}/log", response=list[LogEntryOut], summary=both("事件日志", "the latest 200 entries"))
def get_log(request: HttpRequest, number: str) -> Any:
    rows = log_of(seen_incident(number, request.auth))  # type: ignore[attr-defined]
    return [{**{n: getattr(e, n) for n in ("seq", "at", "action", "reason", "subject_id")}, "actor": e.actor_label} for e in rows]


@router.get("/inbox", response=list[InboxOut], summary=both("我的待办", "what waits for the token's owner"))
def get_inbox(request: HttpRequest) -> Any:
    town_for(request, "task.work")
    rows = inbox_rows(request.auth)  # type: ignore[attr-defined]
    return [{**_head(r.dossier), "due_at": r.clock.due_at if r.clock else None, "clock": r.clock.key if r.clock else None} for r in rows]


@router.get("/tasks/{number}", response=TaskOut, summary=both("一项任务", "one task"))
def get_task(request: HttpRequest, number: str) -> Any:
    return _shown(seen_task(number, request.auth))  # type: ignore[attr-defined]


def _shown(task: Task) -> dict[str, Any]:
    task.dossier.refresh_from_db()
    return _task(task_rows([task])[0], task.incident.dossier.number)


PLAIN: dict[str, Callable[..., Any]] = {
    "accept": actions_tasks.accept_task,
    "start": actions_tasks.start_task,
    "approve": actions_tasks.approve_task,
    "finish": lambda task, *, reason, by, at: actions_tasks.finish_task(task, note=reason, by=by, at=at),
    "return": actions_tasks.return_task,
    "cancel": actions_tasks.cancel_task,
}
REASONED = {"finish", "return", "cancel"}
StepName = Literal["accept", "start", "approve", "finish", "return", "cancel"]


@router.post("/tasks/{number}/steps/{step}", response=TaskOut, summary=both("办理", "one step of a task"))
def take_step(request: HttpRequest, number: str, step: StepName, given: StepWords) -> Any:
    found = seen_task(number, request.auth)  # type: ignore[attr-defined]
    words = {"reason": given.reason} if step in REASONED else {}
    PLAIN[step](found, **words, by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return _shown(found)


@router.post("/tasks/{number}/hand-over", response=TaskOut, summary=both("移交", "to another post"))
def hand_over(request: HttpRequest, number: str, given: HandOver) -> Any:
    found = seen_task(number, request.auth)  # type: ignore[attr-defined]
    post = post_by_code(given.post)
    actions_tasks.hand_over_task(found, post=post, reason=given.reason, by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return _shown(found)


@router.post("/tasks/{number}/evidence", response=TaskOut, summary=both("佐证", "a file, a note or both"))
def add_evidence(
    request: HttpRequest, number: str, file: UploadedFile | None = File(None), note: str = Form(""), taken_at: Instant | None = Form(None)
) -> Any:
    found = seen_task(number, request.auth)  # type: ignore[attr-defined]
    actions_tasks.prove_task(
        found,
        content=file.read() if file else None,
        name=file.name or "" if file else "",
        note=note,
        taken_at=taken_at,
        by=request.auth,  # type: ignore[attr-defined]
        at=request.at,  # type: ignore[attr-defined]
    )
    return _shown(found)


INCIDENT_STEPS: dict[str, Callable[..., Any]] = {
    "note": lambda i, reason, **who: actions.add_log(i, text=reason, **who),
    "report": lambda i, reason, **who: actions.report_incident(i, receipt=reason, **who),
    "propose-closing": lambda i, reason, **who: actions.propose_closing(i, reason=reason, **who),
    "resume": lambda i, reason, **who: actions.resume_incident(i, reason=reason, **who),
    "close": lambda i, reason, **who: actions.close_incident(i, review=reason, **who),
}
IncidentStep = Literal["note", "report", "propose-closing", "resume", "close"]


@router.post(
    "/incidents/{number}/steps/{step}",
    response=IncidentOut,
    summary=both("记录、上报、结束", "one step of an incident; `reason` holds the words"),
)
def take_incident_step(request: HttpRequest, number: str, step: IncidentStep, given: StepWords) -> Any:
    found = seen_incident(number, request.auth)  # type: ignore[attr-defined]
    INCIDENT_STEPS[step](found, given.reason, by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return _incident(seen_incident(number, request.auth))  # type: ignore[attr-defined]
