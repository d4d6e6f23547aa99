"""What decides in the answer to an incident: the two lives, whose work a task is, which proof is missing, the 7-1-7 clock. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.errors import Refusal
from tongchou.core.packs.contents import PlanSpec
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T

DUE, ACCEPT_WITHIN, REPORT_WITHIN = "task.due", "task.accept_within", "incident.report_within"
CLOCK_TARGETS = ("clock.detect_within", "clock.notify_within", "clock.respond_within")

TASK = Machine(
    kind="task",
    label=T("任务", "Task"),
    prefix="RW",
    start="new",
    states={
        "new": T("待接收", "New"),
        "accepted": T("已接收", "Accepted"),
        "started": T("进行中", "Under way"),
        "returned": T("已退回", "Returned"),
        "finished": T("已完成", "Finished"),
        "cancelled": T("已取消", "Cancelled"),
    },
    final=frozenset({"finished", "cancelled"}),
    steps=(
        Step("accept", T("接收", "Accept"), ("new", "returned"), "accepted", "task.work", stops=(ACCEPT_WITHIN,)),
        Step("start", T("开始", "Start"), ("new", "accepted", "returned"), "started", "task.work", stops=(ACCEPT_WITHIN,)),
        Step("finish", T("完成", "Finish"), ("accepted", "started"), "finished", "task.work"),
        Step("return", T("退回", "Return"), ("new", "accepted", "started"), "returned", "task.work", stops=(ACCEPT_WITHIN,)),
        Step("cancel", T("取消", "Cancel"), ("new", "accepted", "started", "returned"), "cancelled", "task.cancel"),
    ),
    starts=(ACCEPT_WITHIN,),
)

INCIDENT = Machine(
    kind="incident",
    label=T("事件", "Incident"),
    prefix="SJ",
    start="active",
    states={"active": T("处置中", "Active"), "closing": T("拟结束", "Closing"), "closed": T("已结束", "Closed")},
    final=frozenset({"closed"}),
    steps=(
        Step("report", T("上报", "Report"), ("active",), "active", "incident.work", stops=(REPORT_WITHIN,)),
        Step("propose_closing", T("提请结束", "Propose closing"), ("active",), "closing", "incident.work"),
        Step("resume", T("恢复处置", "Resume"), ("closing",), "active", "incident.work"),
        Step("close", T("结束事件", "Close"), ("closing",), "closed", "incident.close"),
    ),
)


class NotYours(Refusal):
    """The person may see the task, but it lies in other hands."""

    status = 403


def may_work_on(actor: Actor, *, owner_chain: Sequence[str], assigned_user_id: int | None) -> bool:
    """True for the person assigned, and for holders of the owner post or of any post above it (`owner_chain`: owner first)."""
    if actor.is_system:
        return True
    return (assigned_user_id is not None and actor.user_id == assigned_user_id) or any(actor.holds(code) for code in owner_chain)


def missing_proofs(proofs: Iterable[Mapping[str, str]], media_types: Collection[str]) -> list[T]:
    """The proofs asked for that no evidence fits. `media_types`: of each piece of evidence, empty for a note."""
    files = [m for m in media_types if m]
    fits = {
        "photo": any(m.startswith("image/") for m in files),
        "text": bool(media_types),
    }
    return [T(p["zh"], p["en"]) for p in proofs if not fits.get(p["kind"], bool(files))]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One of the three spans of the 7-1-7 clock. `took` is None while it lasts or its beginning is not known."""

    name: T
    from_at: datetime | None
    to_at: datetime | None
    target: timedelta | None

    @property
    def took(self) -> timedelta | None:
        return self.to_at - self.from_at if self.from_at and self.to_at else None

    @property
    def is_kept(self) -> bool | None:
        """None while the answer is not known."""
        return None if self.took is None or self.target is None else self.took <= self.target

    @property
    def due_at(self) -> datetime | None:
        return self.from_at + self.target if self.from_at and self.target else None


def seven_one_seven(
    *,
    emerged_at: datetime | None,
    detected_at: datetime,
    notified_at: datetime | None,
    responded_at: datetime | None,
    targets: tuple[timedelta | None, timedelta | None, timedelta | None],
) -> tuple[Stretch, Stretch, Stretch]:
    """Emergence to detection, detection to notification, notification to a complete early response (Frieden et al. 2021).

    Every instant comes from the log: nothing here can be typed in.
    """
    return (
        Stretch(T("发现", "Detect"), emerged_at, detected_at, targets[0]),
        Stretch(T("报告", "Notify"), detected_at, notified_at, targets[1]),
        Stretch(T("响应", "Respond"), notified_at, responded_at, targets[2]),
    )


def plan_problems(plan: PlanSpec, posts: Collection[str], units: Collection[str]) -> list[T]:
    """What would keep a plan from being given out here: posts or groups nobody knows, tasks that wait for nothing or in a circle."""
    codes = [task.code for task in plan.tasks]
    found = [T(f"任务编码 {c} 重复", f"task code {c} is used twice") for c in sorted({c for c in codes if codes.count(c) > 1})]
    for task in plan.tasks:
        if task.owner not in posts:
            found.append(T(f"任务 {task.code}：岗位 {task.owner} 不存在", f"task {task.code}: post {task.owner} does not exist"))
        if task.group not in units:
            found.append(T(f"任务 {task.code}：单位 {task.group} 不存在", f"task {task.code}: unit {task.group} does not exist"))
        for needed in task.after:
            if needed not in codes:
                found.append(T(f"任务 {task.code}：前置 {needed} 不存在", f"task {task.code}: prerequisite {needed} does not exist"))
    try:
        TopologicalSorter({task.code: task.after for task in plan.tasks}).prepare()
    except CycleError as error:
        walk = " → ".join(error.args[1])
        found.append(T(f"前置任务循环：{walk}", f"circular tasks: {walk}"))
    return found
