"""Which firm needs a visit most, and why, in words; what may come of a visit. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tongchou.core.errors import FieldProblem
from tongchou.core.wording import T

WEIGHTS, REST_DAYS, STAY_MINUTES = "call.weights", "call.rest_days", "call.stay_minutes"
SPEED_KM_H, DETOUR, DAY_MINUTES = "call.speed_km_h", "call.detour", "call.day_minutes"

OUTCOMES: Mapping[str, T] = {
    "met": T("见到了", "met"),
    "absent": T("没有人", "nobody there"),
    "declined": T("不便接待", "not convenient"),
    "gone": T("已搬走或停业", "moved away or closed for good"),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Points for each need; all of one parameter, so that an office sees them side by side."""

    never_visited: float
    week_unvisited: float  # for each whole week since the last visit
    weeks_at_most: int
    closed: float  # not back at work
    not_full: float  # back at work, not at full capacity
    to_ask: float  # answered difficulties whose firm has not said whether it is solved, each
    open: float  # other open difficulties, each
    staff_doubling: float  # for each doubling of staff
    stuck: float  # its filing to resume has waited, or has been put right, for so many days:
    stuck_days: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a firm. `visited_days`: days since somebody was met there; none: never."""

    visited_days: int | None
    resumption: str  # a state of the register
    staff_count: int
    open_count: int = 0
    to_ask_count: int = 0
    stuck_days: int = 0  # since a filing to resume that still waits was made


# Why a firm needs a visit; `n` is the number it is about.
REASONS: Mapping[str, T] = {
    "to_ask": T("{n} 件已答复，要问是否解决", "answered, ask whether solved: {n}"),
    "open": T("{n} 件困难在办", "difficulties open: {n}"),
    "never": T("从未走访", "never visited"),
    "days": T("{n} 天没去", "{n} days since a visit"),
    "stuck": T("复工备案 {n} 天没办成", "filing to resume stuck for {n} days"),
    "closed": T("还没复工", "not back at work"),
    "not_full": T("复工未达产", "not at full capacity"),
    "staff": T("员工 {n} 人", "staff: {n}"),
}


class Reason(NamedTuple):
    """One reason to visit a firm: its points, a key of REASONS, the number it is about."""

    points: float
    key: str
    n: int = 0

    @property
    def words(self) -> T:
        return REASONS[self.key].format(n=self.n)


class Need(NamedTuple):
    """How much a firm needs a visit, in points, and what they are for, the most first."""

    points: float
    reasons: tuple[Reason, ...]


def need_of(known: Known, weights: Weights, rest_days: int) -> Need:
    """Points and their reasons. A firm visited within `rest_days` needs none, unless it has something to be asked: nobody is visited twice a week."""
    days, asked, waits = known.visited_days, known.to_ask_count, known.open_count
    if days is not None and days < rest_days and not asked:
        return Need(0.0, ())
    weeks = 0 if days is None else min(days // 7, weights.weeks_at_most)
    found = [
        Reason(weights.to_ask * asked, "to_ask", asked),
        Reason(weights.open * waits, "open", waits),
        Reason(weights.never_visited, "never") if days is None else Reason(weights.week_unvisited * weeks, "days", days),
        Reason(weights.stuck if known.stuck_days >= weights.stuck_days else 0.0, "stuck", known.stuck_days),
        Reason(weights.closed if known.resumption == "closed" else 0.0, "closed"),
        Reason(weights.not_full if known.resumption not in {"closed", "full"} else 0.0, "not_full"),
        Reason(weights.staff_doubling * max(0, known.staff_count.bit_length() - 1), "staff", known.staff_count),
    ]
    counted = sorted((one for one in found if one.points > 0), key=lambda one: -one.points)
    return Need(sum(one.points for one in counted), tuple(counted))


def visit_problems(outcome: str, spoke_to: str, called_at: datetime, at: datetime) -> list[FieldProblem]:
    """What is wrong with a visit as told."""
    found = []
    if outcome not in OUTCOMES:
        found.append(FieldProblem("outcome", T("请选择见到没有。", "Choose how it went.")))
    if outcome == "met" and len(spoke_to.strip()) < 2:
        found.append(FieldProblem("spoke_to", T("请写明见到了谁。", "Write whom you met.")))
    if called_at > at:
        found.append(FieldProblem("called_at", T("走访时间不能在将来。", "A visit cannot lie in the future.")))
    return found
