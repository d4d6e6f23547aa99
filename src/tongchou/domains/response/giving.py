"""Giving out tasks of a plan: the block under `give_tasks` and under a task that repeats."""

from datetime import datetime
from typing import Any

from tongchou.core.audit.acting import record
from tongchou.core.casework.life import Opening, open_dossiers
from tongchou.core.casework.models import Assignment
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.people.models import Post, Unit
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.response.models import Incident, Task, TaskNeed
from tongchou.domains.response.rules import DUE, TASK

_BATCH = 500


def open_tasks(incident: Incident, specs: list[dict[str, Any]], *, by: Actor, at: datetime, minutes_key: str = "due_minutes") -> list[Task]:
    """Open dossiers, tasks and needs for some tasks of the plan and tell who has them."""
    head = incident.dossier
    posts = {p.code: p for p in Post.objects.filter(code__in={s["owner"] for s in specs}).select_related("place")}
    units = {u.code: u for u in Unit.objects.filter(code__in={s["group"] for s in specs})}
    papers = {d["code"]: {"code": d["code"], **d["name"]} for d in incident.plan.body["documents"]}
    if gone := sorted({s["owner"] for s in specs} - posts.keys() | {s["group"] for s in specs} - units.keys()):
        said = T(f"方案所列岗位或单位已不存在：{gone}", f"The plan names posts or units that no longer exist: {gone}")
        raise Invalid([FieldProblem("plan", said)])
    openings = [
        Opening(
            T(**s["name"]),
            head.place if head.place.path.startswith(posts[s["owner"]].place.path) else posts[s["owner"]].place,
            posts[s["owner"]],
            grade=head.grade,
            is_exercise=head.is_exercise,
            part_of=head,
            clocks=((DUE, s[minutes_key]),),
            detail={"plan_task": s["code"], "incident": head.number},
        )
        for s in specs
    ]
    dossiers = open_dossiers(TASK, openings, by=by, at=at)
    sequence = {s["code"]: n for n, s in enumerate(incident.plan.body["tasks"], 1)}
    tasks = Task.objects.bulk_create(
        [
            Task(
                dossier=dossier,
                incident=incident,
                plan_task=s["code"],
                sequence=sequence[s["code"]],
                unit=units[s["group"]],
                detail_zh=(s["detail"] or {}).get("zh", ""),
                detail_en=(s["detail"] or {}).get("en", ""),
                proofs=[{"kind": p["kind"], **p["name"]} for p in s["proofs"]],
                documents=[papers[code] for code in s["documents"] if code in papers],
                approvals_needed=s["approvals"],
                repeat_minutes=s["repeat_minutes"],
            )
            for dossier, s in zip(dossiers, specs, strict=True)
        ],
        batch_size=_BATCH,
    )
    _write_needs(tasks, specs)
    _tell_holders(tasks, incident, at)
    record("incident.give", head, detail={"tasks": len(tasks), "plan": incident.plan.code, "version": incident.plan.version})
    return tasks


def _write_needs(tasks: list[Task], specs: list[dict[str, Any]]) -> None:
    given = {task.plan_task: task for task in tasks}
    TaskNeed.objects.bulk_create(
        [
            TaskNeed(task=task, needs=given[code])
            for task, spec in zip(tasks, specs, strict=True)
            for code in spec["after"]
            if code in given
        ],
        batch_size=_BATCH,
    )


def _tell_holders(tasks: list[Task], incident: Incident, at: datetime) -> None:
    titles = {task.pk: task.dossier for task in tasks}
    hands = Assignment.objects.filter(dossier__task__incident=incident, to_at=None, from_at=at).exclude(user=None).select_related("user")
    notify(
        [
            Telling(
                hand.user,
                T(
                    f"新任务 {titles[hand.dossier_id].number} {titles[hand.dossier_id].title_zh}",
                    f"New task {titles[hand.dossier_id].number} {titles[hand.dossier_id].title_en}",
                ),
                titles[hand.dossier_id],
            )
            for hand in hands
            if hand.dossier_id in titles and hand.user is not None
        ],
        at=at,
        is_exercise=incident.dossier.is_exercise,
    )
