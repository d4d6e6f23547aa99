"""The project pipeline: the batch a project belongs to, its lights for any day, the lives of projects, slips and issues. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

START_RED_AFTER, BEHIND_YELLOW, BEHIND_RED = "project.start_red_after", "project.behind_yellow", "project.behind_red"
FIGURES_BY_DAY, AGAIN_AFTER = "project.figures_by_day", "project.slip_again_after"
BLUE_WITHIN, YELLOW_WITHIN, RED_WITHIN = "project.slip_blue_within", "project.slip_yellow_within", "project.slip_red_within"
CHECK_WITHIN = "project.slip_check_within"
ISSUE_DUE = "project.issue_due"  # the clock that runs to the day somebody named: no parameter
STARTED, FINISHED = "started", "finished"  # the milestones that the lights ask for

GREEN, YELLOW, RED = "green", "yellow", "red"
COLOURS: Mapping[str, T] = {RED: T("红灯", "Red"), YELLOW: T("黄灯", "Yellow"), GREEN: T("绿灯", "Green")}
# What a light or a slip is about.
CAUSES: Mapping[str, T] = {
    "start": T("开工", "Start"),
    "investment": T("投资进度", "Investment"),
    "figures": T("报数", "Figures"),
    "other": T("其他", "Other"),
}
ABOUT: Mapping[str, T] = {
    "approval": T("审批", "Approval"),
    "land": T("用地", "Land"),
    "other": T("其他", "Other"),
}
# Kinds of works, the codes of the OC4IDS list projectType.
WORKS: Mapping[str, T] = {
    "construction": T("新建", "New construction"),
    "expansion": T("扩建", "Expansion"),
    "rehabilitation": T("改造", "Rehabilitation"),
    "replacement": T("重建", "Replacement"),
}

PROJECT = Machine(
    kind="project",
    label=T("项目", "Project"),
    prefix="XM",
    start="live",
    states={"live": T("在库", "In the pipeline"), "archived": T("已归档", "Archived"), "dropped": T("已终止", "Given up")},
    final=frozenset({"archived", "dropped"}),
    steps=(
        Step("archive", T("归档", "Archive"), ("live",), "archived", "project.write"),
        Step("drop", T("终止", "Give up"), ("live",), "dropped", "project.write"),
        Step("revive", T("恢复", "Take up again"), ("archived", "dropped"), "live", "project.write"),
    ),
)
SLIP = Machine(
    kind="slip",
    label=T("督办单", "Supervision slip"),
    prefix="DB",
    start="blue",
    states={
        "blue": T("蓝单", "Blue"),
        "yellow": T("黄单", "Yellow"),
        "red": T("红单", "Red"),
        "answered": T("已答复，待核实", "Answered, to be checked"),
        "closed": T("已销号", "Closed"),
    },
    final=frozenset({"closed"}),
    steps=(
        Step("climb", T("逾期升级", "Climb"), ("blue",), "yellow", "project.keep", starts=(YELLOW_WITHIN,), stops=(BLUE_WITHIN,)),
        Step("climb", T("逾期升级", "Climb"), ("yellow",), "red", "project.keep", starts=(RED_WITHIN,), stops=(YELLOW_WITHIN,)),
        Step("answer", T("答复", "Answer"), ("blue", "yellow", "red"), "answered", "project.answer", starts=(CHECK_WITHIN,), stops=(BLUE_WITHIN, YELLOW_WITHIN, RED_WITHIN)),
        # An answer that does not hold costs a colour.
        Step("return_yellow", T("退回", "Send back"), ("answered",), "yellow", "project.supervise", starts=(YELLOW_WITHIN,), stops=(CHECK_WITHIN,)),
        Step("return_red", T("退回", "Send back"), ("answered",), "red", "project.supervise", starts=(RED_WITHIN,), stops=(CHECK_WITHIN,)),
        Step("close", T("销号", "Close"), ("answered",), "closed", "project.supervise"),
    ),
    starts=(BLUE_WITHIN,),
)  # fmt: skip
CLIMBING = {"blue": BLUE_WITHIN, "yellow": YELLOW_WITHIN}  # states that climb when this clock runs out

ISSUE = Machine(
    kind="issue",
    label=T("项目问题", "Issue"),
    prefix="WT",
    start="open",
    states={"open": T("待解决", "Open"), "solved": T("已解决", "Solved")},
    final=frozenset({"solved"}),
    steps=(
        Step("solve", T("解决", "Solve"), ("open",), "solved", "project.answer"),
        Step("reopen", T("重新打开", "Reopen"), ("solved",), "open", "project.write"),
    ),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """One of the four batches: a project belongs to it once the milestones in `after` are done."""

    code: str
    name: T
    meaning: T
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A milestone or a sector of the book; `codes`: of the OC4IDS lists."""

    code: str
    name: T
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """Milestones and sectors by code, in their order, and the batches from each day on."""

    milestones: Mapping[str, Kind]
    sectors: Mapping[str, Kind]
    definitions: tuple[tuple[date, tuple[Batch, ...]], ...]

    def batches_on(self, day: date) -> tuple[Batch, ...]:
        """The four batches as defined on a day; before the first definition, as first defined."""
        begun = [batches for from_on, batches in self.definitions if from_on <= day]
        return begun[-1] if begun else self.definitions[0][1]

    def batch_on(self, done: Collection[str], day: date) -> Batch:
        """The last batch whose milestones are all done."""
        return [batch for batch in self.batches_on(day) if set(batch.after) <= set(done)][-1]


def book_from(body: Mapping[str, Any]) -> Book:
    """The book from its body as kept (projects.yaml of a pack, checked)."""
    return Book(
        {row["id"]: Kind(row["id"], T(**row["name"]), (row["type"],)) for row in body["milestones"]},
        {row["id"]: Kind(row["id"], T(**row["name"]), tuple(row["oc4ids"])) for row in body["sectors"]},
        tuple(
            (date.fromisoformat(row["from"]), tuple(Batch(b["id"], T(**b["name"]), T(**b["meaning"]), tuple(b["after"])) for b in row["batches"]))
            for row in body["definitions"]
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a project at an instant. Amounts in 10,000 yuan; `plan` by year, `spent` by the first day of its month."""

    planned_on: Mapping[str, date]
    done_on: Mapping[str, date]
    plan: Mapping[int, int]
    spent: Mapping[date, int]

    def done_by(self, day: date) -> set[str]:
        """Milestones done by a day."""
        return {code for code, done in self.done_on.items() if done <= day}


@dataclass(frozen=True, slots=True)
class Limits:
    """When a light changes: months, points, points, day of the month."""

    start_red_after: int
    behind_yellow: int
    behind_red: int
    figures_by_day: int


@dataclass(frozen=True, slots=True)
class Light:
    """A light and why, in one sentence."""

    cause: str
    colour: str
    why: T


def worst(lights: Collection[Light]) -> Light | None:
    """The light to look at first."""
    return min(lights, key=lambda light: list(COLOURS).index(light.colour), default=None)


def lights_of(known: Known, day: date, limits: Limits) -> tuple[Light, ...]:
    """The lights of a project on a day: only those that there is a plan for."""
    found = (_start(known, day, limits), _investment(known, day, limits), _figures(known, day, limits))
    return tuple(light for light in found if light is not None)


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1


def _named(month: date) -> T:
    return T(f"{month.year}年{month.month}月", f"{month:%b %Y}")


def _start(known: Known, day: date, limits: Limits) -> Light | None:
    """Yellow from the first day after its planned month, red when `start_red_after` whole months more are over."""
    planned, started = known.planned_on.get(STARTED), known.done_on.get(STARTED)
    if started is not None and started <= day:
        return Light("start", GREEN, T(f"{started.isoformat()} 已开工。", f"Started on {started.isoformat()}."))
    if planned is None:
        return None
    over, month = _months(day) - _months(planned), _named(planned)
    if over <= 0:
        return Light("start", GREEN, T(f"计划{month.zh}开工。", f"To start in {month.en}."))
    said = T(f"计划{month.zh}开工，已过 {over} 个月仍未开工。", f"To start in {month.en}; not started, month {over} after it.")
    return Light("start", RED if over > limits.start_red_after else YELLOW, said)


def planned_months(known: Known, year: int) -> range:
    """The months (1 to 12) of a year over which its plan is spread evenly (assumption): from the planned start to the planned finish."""
    first, last = known.planned_on.get(STARTED), known.planned_on.get(FINISHED)
    begin = 1 if first is None or first.year < year else first.month if first.year == year else 13
    end = 12 if last is None or last.year > year else last.month if last.year == year else 0
    return range(begin, max(end, begin) + 1) if begin < 13 else range(0)


def planned_share(known: Known, month: date) -> Fraction:
    """The share of the year's plan that is due by the end of a month."""
    months = planned_months(known, month.year)
    return Fraction(sum(m <= month.month for m in months), len(months)) if months else Fraction(0)


def _month_due(day: date, by_day: int) -> date:
    """The last month that must have been reported."""
    back = _months(day) - (1 if day.day > by_day else 2)
    return date(back // 12, back % 12 + 1, 1)


def _investment(known: Known, day: date, limits: Limits) -> Light | None:
    """Behind the plan of the year by the last month that is reported."""
    reported = [month for month in known.spent if month <= month_of(day) and known.plan.get(month.year)]
    if not reported:
        return None
    month = max(reported)
    plan, spent = known.plan[month.year], sum(n for m, n in known.spent.items() if m.year == month.year and m <= month)
    due, reached = planned_share(known, month) * 100, Fraction(spent * 100, plan)
    behind, name = due - reached, _named(month)
    colour = RED if behind > limits.behind_red else YELLOW if behind >= limits.behind_yellow else GREEN
    told = T(
        f"到{name.zh}，今年投资完成 {float(reached):.1f}%，应到 {float(due):.1f}%",
        f"By {name.en} {float(reached):.1f}% of the year's investment is spent, {float(due):.1f}% is due",
    )
    if behind <= 0:
        return Light("investment", colour, T(f"{told.zh}，没有落后。", f"{told.en}: not behind."))
    gap = f"{float(behind):.1f}"
    return Light("investment", colour, T(f"{told.zh}，落后 {gap} 个百分点。", f"{told.en}: {gap} points behind."))


def _figures(known: Known, day: date, limits: Limits) -> Light | None:
    """Yellow while a month that must have been reported is not."""
    due = _month_due(day, limits.figures_by_day)
    if not known.plan.get(due.year):
        return None
    missing = [date(due.year, m, 1) for m in planned_months(known, due.year) if m <= due.month and date(due.year, m, 1) not in known.spent]
    if not missing:
        return None
    zh, en = "、".join(f"{m.month}月" for m in missing), ", ".join(f"{m:%b}" for m in missing)
    return Light("figures", YELLOW, T(f"{due.year}年{zh}的投资额还没报。", f"Investment of {en} {due.year} is not reported."))
