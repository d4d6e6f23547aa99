"""When a person's passes may be suspended, for how long, and what it costs them. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from tongchou.core.casework.machine import Machine, Step, objection_machine
from tongchou.core.wording import T

APPROVE_WITHIN, BASES = "gate.suspension_approve_within", "gate.suspension_bases"
LONGEST, DAY_COST, APPEAL_WITHIN = "gate.suspension_longest", "gate.suspension_day_cost", "gate.appeal_within"

NO_FURTHER = T("不得层层加码", "nobody adds to what was ordered")

# Why passes may be suspended. Closed on purpose: for anything else there is no such measure.
CAUSES: Mapping[str, T] = {
    "case": T("本人检测阳性或确诊，隔离治疗期间", "tested positive or confirmed, while isolated or treated"),
    "contact": T("密切接触者，医学观察期间", "a close contact, while under medical observation"),
    "recall": T("混管阳性，等待单人复核", "one of a positive pool, until tested singly"),
}

SUSPENSION = Machine(
    kind="suspension",
    label=T("暂停通行码", "Suspension of a pass"),
    prefix="TX",
    start="requested",
    states={
        "requested": T("待批准", "Waiting for approval"),
        "in_force": T("暂停中", "In force"),
        "refused": T("未批准", "Refused"),
        "withdrawn": T("已撤回", "Withdrawn"),
        "lapsed": T("过期未批", "Lapsed undecided"),
        "lifted": T("提前解除", "Lifted early"),
        "ended": T("到期解除", "Ended"),
    },
    final=frozenset({"refused", "withdrawn", "lapsed", "lifted", "ended"}),
    steps=(
        Step("approve", T("批准", "Approve"), ("requested",), "in_force", "suspension.approve", stops=(APPROVE_WITHIN,)),
        Step("refuse", T("不批准", "Refuse"), ("requested",), "refused", "suspension.approve"),
        Step("withdraw", T("撤回", "Withdraw"), ("requested",), "withdrawn", "suspension.ask"),
        Step("lapse", T("过期", "Lapse"), ("requested",), "lapsed", "suspension.end"),
        Step("lift", T("提前解除", "Lift"), ("in_force",), "lifted", "suspension.lift"),
        Step("end", T("到期解除", "End"), ("in_force",), "ended", "suspension.end"),
    ),
    starts=(APPROVE_WITHIN,),
)
OBJECTION = objection_machine("objection", T("对暂停的申诉", "Objection to a suspension"), "SS", APPEAL_WITHIN)


def cost_yuan(at: datetime, ends_at: datetime, a_day_yuan: float) -> int:
    """What the days until the end cost the person, in yuan; a day begun counts in full."""
    return round(ceil((ends_at - at) / timedelta(days=1)) * a_day_yuan)
