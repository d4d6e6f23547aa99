"""The lives of a document, an award and a payment list; who gets less of what is there for all. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import hypot, sqrt
from statistics import NormalDist

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

BREAK_DOWN, ISSUE, DELIVER, REPORT = (f"policy.{name}_within" for name in ("break_down", "issue", "deliver", "report"))
APPROVE_WITHIN, PAY_WITHIN = "policy.approve_within", "policy.pay_within"
UNREACHED_AFTER = "policy.unreached_after"

DOCUMENT = Machine(
    kind="policy",
    label=T("政策文件", "Policy document"),
    prefix="ZC",
    start="received",
    states={
        "received": T("已收到", "Received"),
        "broken_down": T("已分解", "Broken down"),
        "issued": T("已下发", "Handed down"),
        "delivered": T("已传达到企业", "Passed on to firms"),
        "reported": T("已上报", "Reported"),
    },
    final=frozenset({"reported"}),
    steps=(
        Step("break_down", T("分解成条目", "Break down"), ("received",), "broken_down", "policy.work", (ISSUE,), (BREAK_DOWN,)),
        Step("issue", T("下发", "Hand down"), ("broken_down",), "issued", "policy.work", (DELIVER,), (ISSUE,)),
        Step("deliver", T("确认传达完毕", "All firms told"), ("issued",), "delivered", "policy.work", (REPORT,), (DELIVER,)),
        Step("report", T("上报", "Report"), ("delivered",), "reported", "policy.work", (), (REPORT,)),
    ),
    starts=(BREAK_DOWN,),
)

# An award is no dossier: a town has tens of thousands, and what happens to them happens by lists.
AWARD = Machine(
    kind="award",
    label=T("应享政策", "Award"),
    prefix="",
    start="due",
    states={
        "due": T("可享受", "Due"),
        "claimed": T("已申请", "Claimed"),
        "listed": T("待批准", "Waiting for approval"),
        "approved": T("已批准，待兑现", "Approved, to be fulfilled"),
        "paid": T("已兑现", "Fulfilled"),
        "refused": T("未批准", "Refused"),
        "lapsed": T("不再符合", "No longer due"),
    },
    final=frozenset(),
    steps=(
        Step("claim", T("申请", "Claim"), ("due", "refused"), "claimed", "policy.work"),
        Step("list", T("列入清单", "Put on a list"), ("due", "claimed"), "listed", "policy.work"),
        Step("approve", T("批准", "Approve"), ("listed",), "approved", "policy.approve"),
        Step("refuse", T("不批准", "Refuse"), ("claimed", "listed"), "refused", "policy.approve"),
        Step("pay", T("兑现", "Fulfil"), ("approved",), "paid", "policy.work"),
        Step("lapse", T("不再符合", "Lapse"), ("due", "claimed"), "lapsed", "policy.work"),
        Step("revive", T("重新符合", "Due again"), ("lapsed", "paid"), "due", "policy.work"),
    ),
)

PAYMENT_LIST = Machine(
    kind="payment_list",
    label=T("兑现清单", "List to fulfil"),
    prefix="DX",
    start="prepared",
    states={
        "prepared": T("待批准", "Waiting for approval"),
        "approved": T("待兑现", "To be fulfilled"),
        "paid": T("已兑现", "Fulfilled"),
        "refused": T("退回", "Sent back"),
    },
    final=frozenset({"paid", "refused"}),
    steps=(
        Step("approve", T("批准", "Approve"), ("prepared",), "approved", "policy.approve", (PAY_WITHIN,), (APPROVE_WITHIN,)),
        Step("refuse", T("退回", "Send back"), ("prepared",), "refused", "policy.approve"),
        Step("pay", T("全部兑现", "All fulfilled"), ("approved",), "paid", "policy.work"),
    ),
    starts=(APPROVE_WITHIN,),
)


def found_again(state: str, is_due: bool, yuan: Decimal | None, paid: Decimal) -> str | None:
    """The step an award takes when its firm is matched again; None for none.

    What is on a list or approved stays: a person decides. Money paid is never taken back by the machine; a rule that later gives more
    makes the difference due, one that gives less changes nothing.
    """
    if not is_due:
        return "lapse" if state in ("due", "claimed") else None
    if state == "lapsed":
        return "revive"
    return "revive" if state == "paid" and yuan is not None and yuan > paid else None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many of a group of firms were reached, of how many for whom there was something."""

    key: str
    due: int
    reached: int

    @property
    def share(self) -> float | None:
        return self.reached / self.due if self.due else None

    def interval(self, z: float = 1.959964) -> tuple[float, float]:
        """Wilson's score interval of the share (Wilson 1927); 0 to 1 of nobody."""
        if not self.due:
            return 0.0, 1.0
        n, p = self.due, self.reached / self.due
        centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def left_behind(groups: Sequence[Reach], alpha: float = 0.05) -> list[Reach]:
    """Groups reached less than all the others together, beyond chance.

    Newcombe's interval of the difference (1998, method 10) lies below 0, at `alpha` over the number of groups (Bonferroni).
    """
    z = NormalDist().inv_cdf(1 - alpha / max(len(groups), 1) / 2)
    behind = []
    for one in groups:
        others = Reach("", sum(g.due for g in groups) - one.due, sum(g.reached for g in groups) - one.reached)
        if one.share is None or others.share is None:
            continue
        highest = one.share - others.share + hypot(one.interval(z)[1] - one.share, others.share - others.interval(z)[0])
        if highest < 0:
            behind.append(one)
    return behind


LEVELS: Mapping[str, T] = {
    "national": T("国家", "national"),
    "city": T("市", "city"),
    "district": T("区", "district"),
    "town": T("镇", "town"),
}
