"""Which firm needs a visit most, and why, in words; what may come of a visit. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a firm. `visited_days`: days since somebody was met there; none: never."""

    visited_days: int | None
    resumption: str  # a state of the register
    staff_count: int
    open_count: int = 0
    to_ask_count: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """How much a firm needs a visit, in points, and what they are for, the most first."""

    points: float
    reasons: tuple[T, ...]


def need_of(known: Known, weights: Weights, rest_days: int) -> Need:
    """Points and their reasons. A firm visited within `rest_days` needs none, unless it has something to be asked: nobody is visited twice a week."""
    if known.visited_days is not None and known.visited_days < rest_days and not known.to_ask_count:
        return Need(0.0, (T(f"{known.visited_days} 天前刚去过", f"visited {known.visited_days} days ago"),))
    found: list[tuple[float, T]] = []
    if known.to_ask_count:
        n = known.to_ask_count
        found.append((weights.to_ask * n, T(f"{n} 件已答复，要问是否解决", f"{n} answered: ask whether solved")))
    if known.open_count:
        n = known.open_count
        found.append((weights.open * n, T(f"{n} 件困难在办", f"{n} difficulties open" if n > 1 else "1 difficulty open")))
    if known.visited_days is None:
        found.append((weights.never_visited, T("从未走访", "never visited")))
    elif weeks := min(known.visited_days // 7, weights.weeks_at_most):
        found.append((weights.week_unvisited * weeks, T(f"{known.visited_days} 天没去", f"{known.visited_days} days since a visit")))
    if known.resumption == "closed":
        found.append((weights.closed, T("还没复工", "not back at work")))
    elif known.resumption != "full":
        found.append((weights.not_full, T("复工未达产", "not at full capacity")))
    if (doublings := known.staff_count.bit_length() - 1) > 0:
        found.append((weights.staff_doubling * doublings, T(f"员工 {known.staff_count} 人", f"staff: {known.staff_count}")))
    found.sort(key=lambda one: -one[0])
    return Need(sum(points for points, _ in found), tuple(said for points, said in found if points > 0))


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
