"""When somebody may look for exposed people, and how much is shown of the answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

APPROVE_WITHIN, BASES = "trace.approve_within", "trace.legal_bases"
EXPOSURE_MINUTES, EXPOSURE_DAYS, LONGEST_STAY = "trace.exposure_minutes", "trace.exposure_days", "trace.longest_stay"
ADVICE = "trace.exposed_advice"

EXPOSURE = Machine(
    kind="exposure",
    label=T("同时段人员查询", "Request for exposed people"),
    prefix="TS",
    start="requested",
    states={
        "requested": T("待批准", "Waiting for approval"),
        "approved": T("已批准", "Approved"),
        "refused": T("已驳回", "Refused"),
        "withdrawn": T("已撤回", "Withdrawn"),
        "ended": T("已结束", "Ended"),
    },
    final=frozenset({"refused", "withdrawn", "ended"}),
    steps=(
        Step("approve", T("批准", "Approve"), ("requested",), "approved", "exposure.approve", stops=(APPROVE_WITHIN,)),
        Step("refuse", T("驳回", "Refuse"), ("requested",), "refused", "exposure.approve"),
        Step("withdraw", T("撤回", "Withdraw"), ("requested",), "withdrawn", "exposure.ask"),
        Step("end", T("结束", "End"), ("approved",), "ended", "exposure.ask"),
    ),
    starts=(APPROVE_WITHIN,),
)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time asked for."""

    from_at: datetime
    to_at: datetime


def window_problems(window: Window, most_days: int, at: datetime) -> list[tuple[str, T]]:
    """What is wrong with the span of a request: it ends after it begins, has begun, and is no longer than allowed."""
    if window.to_at <= window.from_at:
        return [("to_at", T("结束须晚于开始", "must end after it begins"))]
    found = [("from_at", T("时段在将来", "lies in the future"))] if window.from_at > at else []
    if window.to_at - window.from_at > timedelta(days=most_days):
        found.append(("to_at", T(f"一次最多查 {most_days} 天", f"at most {most_days} days at once")))
    return found


def changes(before: Mapping[int, object], now: Mapping[int, object]) -> tuple[set[int], set[int]]:
    """(added, removed) holders between two versions of a list."""
    return set(now) - set(before), set(before) - set(now)
