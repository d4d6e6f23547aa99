"""The life of an application and of its steps, when its time is over, what is missing, who stands in for whom, where time was lost. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Protocol

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

TELL_WITHIN, APPEAL = "approvals.tell_within", "approvals.appeal"
TELL, PROMISED, STATUTORY, STEP_DUE = "approval.tell", "approval.promised", "approval.statutory", "approval.step"
CLOCKS: Mapping[str, T] = {
    TELL: T("一次性告知", "tell what is missing"),
    PROMISED: T("承诺时限", "promised"),
    STATUTORY: T("法定时限", "limit of the law"),
    STEP_DUE: T("环节时限", "time of the step"),
}

_OPEN = ("submitted", "correcting", "under_way", "stopped")
APPLICATION = Machine(
    kind="application",
    label=T("审批申请", "Application"),
    prefix="SP",
    start="submitted",
    states={
        "submitted": T("待受理", "Taken in"),
        "correcting": T("待补正", "Papers asked for"),
        "under_way": T("办理中", "Under way"),
        "stopped": T("暂停计时", "Clock stopped"),
        "granted": T("已批准", "Granted"),
        "tacit": T("默示批准", "Granted by silence"),
        "refused": T("不予许可", "Refused"),
        "declined": T("不予受理", "Not taken on"),
        "withdrawn": T("已撤回", "Withdrawn"),
    },
    final=frozenset({"granted", "tacit", "refused", "declined", "withdrawn"}),
    steps=(
        Step("accept", T("受理", "Accept"), ("submitted",), "under_way", "approval.receive", stops=(TELL,)),
        Step("accept_by_silence", T("逾期未告知，视为受理", "Accepted by silence"), ("submitted",), "under_way", "approval.keep", stops=(TELL,)),
        Step("ask", T("一次性告知补正", "Ask for papers"), ("submitted",), "correcting", "approval.receive", stops=(TELL,)),
        Step("correct", T("补正并受理", "Papers complete, accepted"), ("correcting",), "under_way", "approval.receive"),
        Step("decline", T("不予受理", "Decline"), ("submitted",), "declined", "approval.receive", stops=(TELL,)),
        Step("stop", T("暂停计时", "Stop the clock"), ("under_way",), "stopped", "approval.work", stops=(PROMISED, STATUTORY)),
        Step("resume", T("恢复计时", "Go on"), ("stopped",), "under_way", "approval.work"),
        Step("extend", T("延长法定时限", "Extend"), ("under_way",), "under_way", "approval.decide", stops=(STATUTORY,)),
        Step("grant", T("批准", "Grant"), ("under_way",), "granted", "approval.work"),
        Step("approve_by_silence", T("默示批准", "Grant by silence"), ("under_way", "stopped"), "tacit", "approval.keep"),
        Step("refuse", T("不予许可", "Refuse"), ("under_way", "stopped"), "refused", "approval.decide"),
        Step("withdraw", T("撤回", "Withdraw"), _OPEN, "withdrawn", "approval.receive"),
    ),
)  # fmt: skip
STEP = Machine(
    kind="approval_step",
    label=T("审批环节", "Step of an approval"),
    prefix="SPH",
    start="open",
    states={
        "open": T("待办", "Waiting"),
        "working": T("在办", "In work"),
        "paused": T("暂停", "Paused"),
        "done": T("已办", "Done"),
        "dropped": T("不再办理", "Dropped"),
    },
    final=frozenset({"done", "dropped"}),
    steps=(
        Step("start", T("开始办理", "Start"), ("open",), "working", "approval.work"),
        Step("finish", T("办结", "Finish"), ("working",), "done", "approval.work"),
        Step("pause", T("暂停", "Pause"), ("open", "working"), "paused", "approval.work", stops=(STEP_DUE,)),
        Step("unpause", T("恢复待办", "Go on waiting"), ("paused",), "open", "approval.work"),
        Step("go_on", T("恢复在办", "Go on"), ("paused",), "working", "approval.work"),
        Step("drop", T("不再办理", "Drop"), ("open", "working", "paused"), "dropped", "approval.work"),
    ),
)


class Calendar(Protocol):
    """What is asked of a calendar of working time."""

    def deadline(self, at: datetime, days: float) -> datetime: ...
    def later(self, at: datetime, working_days: float) -> datetime: ...
    def worked_days(self, from_at: datetime, to_at: datetime) -> float: ...


Span = tuple[datetime, datetime]


def due_at(calendar: Calendar, from_at: datetime, days: float, stopped: Iterable[Span]) -> datetime:
    """When a term of working days is over: every stop moves it on by the working time it took."""
    due = calendar.deadline(from_at, days)
    lost = sum(calendar.worked_days(max(begin, from_at), end) for begin, end in stopped if end > from_at)
    return calendar.later(due, lost) if lost else due


def minutes_until(due: datetime, at: datetime) -> int:
    """The length of a clock in whole minutes; none left when the time is over already."""
    return max(0, ceil((due - at) / timedelta(minutes=1)))


def left_out(missing: Sequence[str], asked: Collection[str]) -> list[str]:
    """Papers that are missing and not asked for: corrections are asked for once, and whole."""
    return [code for code in missing if code not in asked]


def holds_on(holds_until: date | None, day: date) -> bool:
    """True while a paper holds."""
    return holds_until is None or holds_until >= day


@dataclass(frozen=True, slots=True)
class Standing:
    """One post stands in for another between two instants."""

    from_post: str
    to_post: str
    from_at: datetime
    to_at: datetime


def circle_with(new: Standing, known: Iterable[Standing]) -> list[str]:
    """The circle a new delegation would close, as the posts on the way round; empty when it closes none.

    Only those count that hold at one instant with it and with one another.
    """
    standing = list(known)

    def walk(path: list[str], begin: datetime, end: datetime) -> list[str]:
        for one in standing:
            first, last = max(begin, one.from_at), min(end, one.to_at)
            if one.from_post != path[-1] or first >= last:
                continue
            if one.to_post == path[0]:
                return [*path, one.to_post]
            if one.to_post not in path and (found := walk([*path, one.to_post], first, last)):
                return found
        return []

    return walk([new.from_post, new.to_post], new.from_at, new.to_at)


def stands_in(post: str, known: Iterable[Standing], at: datetime) -> list[str]:
    """The posts a step of `post` passes through at an instant: itself first, then its delegate, and so on; the last has it."""
    after = {one.from_post: one.to_post for one in known if one.from_at <= at < one.to_at}
    chain = [post]
    while (following := after.get(chain[-1])) and following not in chain:
        chain.append(following)
    return chain


@dataclass(frozen=True, slots=True)
class StepSpan:
    """One step of one application as the log tells it; `paused` are spans in which its clock stood."""

    procedure: str
    code: str
    post: str
    application: int
    opened_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    paused: tuple[Span, ...]
    allowed_days: float
    is_done: bool = True  # closed by being finished, not dropped


@dataclass(frozen=True, slots=True)
class StepLoss:
    """Where time went in one step: means per application in working days. `lost_days`: over its own time, all applications together."""

    procedure: str
    code: str
    post: str
    count: int
    waiting_days: float
    working_days: float
    paused_days: float
    over_share: float
    lost_days: float


def losses(spans: Iterable[StepSpan], calendar: Calendar, at: datetime) -> list[StepLoss]:
    """Waiting beside working time by step and office, most days lost first. A step still open counts with what it has taken so far."""
    grouped: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = {}
    for span in spans:
        grouped.setdefault((span.procedure, span.code, span.post), []).append(taken(span, calendar, at))
    found = []
    for (procedure, code, post), rows in grouped.items():
        n, (waited, worked, paused, over) = len(rows), (list(column) for column in zip(*rows, strict=True))
        found.append(
            StepLoss(procedure, code, post, n, sum(waited) / n, sum(worked) / n, sum(paused) / n, sum(o > 0 for o in over) / n, sum(over))
        )
    return sorted(found, key=lambda one: (-one.lost_days, -one.waiting_days * one.count, one.procedure, one.code))


def taken(span: StepSpan, calendar: Calendar, at: datetime) -> tuple[float, float, float, float]:
    """(waiting, working, paused, over its own time) of one step, in working days. Over it is from the deadline on, so that nights count for nobody."""
    end = span.closed_at or at
    turn = min(span.started_at or end, end)
    halves = []
    for begin, until in ((span.opened_at, turn), (turn, end)):
        stood = sum(calendar.worked_days(max(a, begin), min(b, until)) for a, b in span.paused if min(b, until) > max(a, begin))
        halves.append((calendar.worked_days(begin, until) - stood, stood))
    due = due_at(calendar, span.opened_at, span.allowed_days, span.paused)
    return halves[0][0], halves[1][0], halves[0][1] + halves[1][1], max(0.0, calendar.worked_days(due, end)) if end > due else 0.0
