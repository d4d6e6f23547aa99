"""The life of a firm's difficulty: nobody but the firm says that it is solved. Pure."""

from collections.abc import Mapping
from datetime import datetime

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.errors import FieldProblem, Refusal
from tongchou.core.wording import T

KINDS = "difficulty.kinds"
ROUTE_WITHIN, PROMISE_WITHIN, CONFIRM_WITHIN = "difficulty.route_within", "difficulty.promise_within", "difficulty.confirm_within"
CALL_BACK_SHARE, CALL_BACK_WITHIN = "difficulty.call_back_share", "difficulty.call_back_within"
LONGEST_PROMISE = "difficulty.longest_promise"
PROMISED = "difficulty.promised"  # the clock that runs to the day promised: its length is the promise, no parameter
ANSWER_CAUSE_WITHIN = "difficulty.answer_cause_within"
ALIKE_FARTHEST, ALIKE_BACK = "difficulty.alike_farthest", "difficulty.alike_back"
PERMIT_LONGEST = "difficulty.permit_longest"
NO_FURTHER = T("更久的请先答复进展", "answer with the progress first when it takes longer")

# Who raised it.
SOURCES: Mapping[str, T] = {
    "visit": T("走访中提出", "said on a visit"),
    "firm": T("企业自己提出", "raised by the firm itself"),
    "hotline": T("电话反映", "told by telephone"),
}
# What the unit says it did. Whether that solves it is for the firm to say.
OUTCOMES: Mapping[str, T] = {
    "done": T("已办好", "done"),
    "part": T("办了一部分", "done in part"),
    "cannot": T("办不了", "cannot be done"),
}
# What the firm says, and how it was heard.
VERDICTS: Mapping[str, T] = {
    "solved": T("已解决", "solved"),
    "not_yet": T("还没解决", "not solved yet"),
    "withdrawn": T("不用办了", "no longer needed"),
    "again": T("又遇到了", "it is back"),
}
WAYS: Mapping[str, T] = {
    "page": T("企业在自己的页面上", "on the firm's own page"),
    "phone": T("电话里", "by telephone"),
    "visit": T("当面", "in person"),
}
WITH_UNIT = ("routed", "promised")
STATES: Mapping[str, T] = {
    "reported": T("待交办", "To be routed"),
    "routed": T("待承诺", "With the unit, no promise yet"),
    "promised": T("办理中", "Promised"),
    "answered": T("等企业说是否解决", "Answered; the firm has the word"),
    "to_check": T("企业口头说已解决，待另一人回访", "Said to be solved; another person calls back"),
    "solved": T("企业确认已解决", "Solved, says the firm"),
    "withdrawn": T("企业撤回", "Withdrawn by the firm"),
}
_OPEN = ("reported", "routed", "promised", "answered", "to_check")

DIFFICULTY = Machine(
    kind="difficulty",
    label=T("企业困难", "Difficulty"),
    prefix="KN",
    start="reported",
    states=STATES,
    final=frozenset({"solved", "withdrawn"}),
    steps=(
        Step("route", T("交办", "Route"), ("reported", *WITH_UNIT), "routed", "difficulty.route", starts=(PROMISE_WITHIN,), stops=(ROUTE_WITHIN, PROMISE_WITHIN, PROMISED)),
        Step("promise", T("承诺时限", "Promise"), WITH_UNIT, "promised", "difficulty.work", stops=(PROMISE_WITHIN, PROMISED)),
        Step("answer", T("答复", "Answer"), WITH_UNIT, "answered", "difficulty.work", starts=(CONFIRM_WITHIN,), stops=(PROMISE_WITHIN, PROMISED)),
        # From here on only what the firm says moves it.
        Step("hold", T("企业口头说已解决，待回访", "Said to be solved; call back"), _OPEN[:-1], "to_check", "difficulty.hear", starts=(CALL_BACK_WITHIN,), stops=(ROUTE_WITHIN, PROMISE_WITHIN, PROMISED, CONFIRM_WITHIN)),
        Step("solve", T("企业确认已解决", "Solved, says the firm"), _OPEN, "solved", "difficulty.hear"),
        Step("deny", T("企业说还没解决", "Not solved, says the firm"), ("answered", "to_check"), "routed", "difficulty.hear", starts=(PROMISE_WITHIN,), stops=(CONFIRM_WITHIN, CALL_BACK_WITHIN)),
        Step("withdraw", T("企业撤回", "Withdrawn by the firm"), _OPEN, "withdrawn", "difficulty.hear"),
        Step("reopen", T("企业说又遇到了", "It is back, says the firm"), ("solved",), "routed", "difficulty.hear", starts=(PROMISE_WITHIN,)),
        Step("reopen", T("企业说又遇到了", "It is back, says the firm"), ("withdrawn",), "reported", "difficulty.hear", starts=(ROUTE_WITHIN,)),
    ),
    starts=(ROUTE_WITHIN,),
)  # fmt: skip
STEP_OF: Mapping[str, str] = {"solved": "solve", "not_yet": "deny", "withdrawn": "withdraw", "again": "reopen"}

CAUSE = Machine(
    kind="cause",
    label=T("共性问题", "Common cause"),
    prefix="GX",
    start="open",
    states={"open": T("待答复", "To be answered"), "answered": T("已答复，等各企业说是否解决", "Answered; the firms have the word"), "closed": T("各企业都已确认", "Every firm has confirmed")},
    final=frozenset({"closed"}),
    steps=(
        Step("answer", T("答复", "Answer"), ("open", "answered"), "answered", "difficulty.work", stops=(ANSWER_CAUSE_WITHIN,)),
        Step("close", T("办结", "Close"), ("answered",), "closed", "difficulty.hear"),
    ),
    starts=(ANSWER_CAUSE_WITHIN,),
)  # fmt: skip


class NotYours(Refusal):
    """It lies in other hands."""

    status = 403


def is_to_be_called_back(draw: float, share: float) -> bool:
    """Whether another person calls the firm back: `draw` is uniform on [0, 1), so that nobody knows beforehand whom it hits."""
    return draw < share


def permit_problems(subject: str, purpose: str, way: str) -> list[FieldProblem]:
    """What a guard would miss on a permit."""
    found = []
    if len(subject.strip()) < 2:
        found.append(FieldProblem("subject", T("请写车牌号或姓名。", "Write the plate or the name.")))
    if len(purpose.strip()) < 2:
        found.append(FieldProblem("purpose", T("请写通行事由。", "Write what it is for.")))
    if len(way.strip()) < 2:
        found.append(FieldProblem("way", T("请写路线或地点。", "Write the route or the places.")))
    return found


def hearing_problems(
    verdict: str, way: str, words: str, spoke_to: str, spoken_at: datetime, since: datetime, at: datetime
) -> list[FieldProblem]:
    """Why this is not the firm's word: heard by a person, it says whom they spoke to and when; anything but "solved" says why."""
    found = []
    if verdict not in VERDICTS:
        found.append(FieldProblem("verdict", T("请选择企业怎么说。", "Choose what the firm says.")))
    if way not in WAYS:
        found.append(FieldProblem("way", T("请选择怎样听到的。", "Choose how it was heard.")))
    if way != "page" and len(spoke_to.strip()) < 2:
        found.append(FieldProblem("spoke_to", T("请写明和企业哪位说的。", "Write whom at the firm you spoke to.")))
    if not since <= spoken_at <= at:
        found.append(FieldProblem("spoken_at", T("通话时间须在提出困难之后、现在之前。", "You spoke after it was raised and before now.")))
    if verdict in {"not_yet", "again", "withdrawn"} and len(words.strip()) < 2:
        found.append(FieldProblem("words", T("请写下企业的原话（至少两个字）。", "Write what the firm says (at least two characters).")))
    return found
