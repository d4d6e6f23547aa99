"""Every condition of the day answered at once: met, not met, or not shown yet, with why and what to do. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from tongchou.core.wording import T
from tongchou.domains.resumption.rules import Condition, Grade, Rulebook, Stage

ANSWERS: Mapping[str, T] = {"yes": T("符合", "met"), "no": T("不符合", "not met"), "missing": T("待现场核查", "to be seen on site")}
AnswerName = Literal["yes", "no", "missing"]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the filer says of a condition: met or not, and the paper that shows it (none: to be seen on site)."""

    is_met: bool
    paper: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of those who come back, on a day of their own: a batch of workers, or a class (`grade` names its grade)."""

    name: str
    people: int
    returns_on: date
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is filed. `beds`, `quiet_beds`: places to sleep on a site, and those apart for who has just arrived."""

    kind: str
    ground: str
    from_on: date
    people: int
    closed_loop: bool
    ends_on: date | None = None
    beds: int = 0
    quiet_beds: int = 0
    parts: tuple[Part, ...] = ()
    declared: Mapping[str, Declared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system itself knows. `has_code`: a venue code at its door (None: no venue of it is known); `listed_people`: on the day's white list,

    for how many (None: not listed, 0: without a number); `in_risk_area`: an open incident there is of a grade that makes it one.
    """

    has_code: bool | None = None
    listed_people: int | None = None
    in_risk_area: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A condition and whether it is met; `said` why not, and what to do."""

    condition: Condition
    answer: AnswerName
    said: T
    paper: str = ""


Question = Callable[[Condition, Asked, Facts, Mapping[str, Grade]], tuple[AnswerName, T]]
_MET: tuple[AnswerName, T] = ("yes", T("符合。", "Met."))


def _paper(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    said, proof = asked.declared.get(c.code), c.proof or c.name
    if said is not None and not said.is_met:
        return "no", T(f"尚未做到：{c.name.zh}。现场核查前请补上。", f"Not met yet: {c.name.en}. Have it ready for the on-site check.")
    if said is None or not said.paper:
        return "missing", T(f"缺“{proof.zh}”，现场核查时出示。", f"No {proof.en} given: show it at the on-site check.")
    return _MET


def _on_site(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    return "missing", T("由现场核查判定。", "The on-site check tells.")


def _entrance_code(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if facts.has_code is None:
        said = T(
            "没有登记名下场所，现场核查时扫一次门口的场所码。",
            "No venue of it is registered: scan the code at its door at the on-site check.",
        )
        return ("missing", said)
    if facts.has_code:
        return _MET
    return "no", T(
        "名下场所没有场所码或数字哨兵。请在“门岗”页为入口建码、张贴，再备案。",
        "Its venue has neither a venue code nor a scanner. Make a code on the Gate page, put it up, then file.",
    )


def _white_list(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if asked.ground != "listed":
        return "missing", T("不在白名单而属其他类别，请出示证明。", "Not by white list: show what makes it one of the other kinds.")
    if facts.listed_people is not None:
        return _MET
    return "no", T(
        f"{asked.from_on} 的白名单上没有它。请向行业主管部门申请列入，或选择其他类别。",
        f"It is not on the white list of {asked.from_on}. Ask the department in charge to list it, or choose another ground.",
    )


def _people_listed(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    most = facts.listed_people or 0
    if not most or asked.people <= most:
        return _MET
    return "no", T(
        f"申报 {asked.people} 人，白名单核定 {most} 人。请减到 {most} 人，或申请增加名额。",
        f"{asked.people} people are filed, {most} are listed. File {most}, or ask for more to be listed.",
    )


def _closed_loop(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if asked.closed_loop:
        return _paper(c, asked, facts, grades)
    return "no", T("本阶段须闭环管理。请改为闭环并备好名册。", "This stage asks for a closed loop. File closed-loop, with a roster.")


def _risk_area(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if not facts.in_risk_area or asked.closed_loop:
        return _MET
    return "no", T(
        "所在地有在办疫情事件，属风险区。请改为闭环备案，或等风险解除后再备案。",
        "An incident makes its place a risk area. File closed-loop, or wait until the risk is over.",
    )


def _beds(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if asked.people <= asked.beds:
        return _MET
    return "no", T(
        f"申报 {asked.people} 人，住宿床位 {asked.beds} 张。请减少人数或增加床位。",
        f"{asked.people} people are filed, there are {asked.beds} beds. File fewer people, or add beds.",
    )


def _arrivals(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    """No more in their quiet days at once than there are quiet beds; the batches bring everybody."""
    total = sum(part.people for part in asked.parts)
    if total != asked.people:
        return "no", T(
            f"各批合计 {total} 人，与申报 {asked.people} 人不符。请按批次填全。",
            f"The batches make {total} people, {asked.people} are filed. Name every batch.",
        )
    for part in asked.parts:
        quiet = sum(p.people for p in asked.parts if 0 <= (part.returns_on - p.returns_on).days < c.quiet_days)
        if quiet > asked.quiet_beds:
            return "no", T(
                f"{part.returns_on} 有 {quiet} 人在观察期，独立床位只有 {asked.quiet_beds} 张。请分批错开 {c.quiet_days} 天，或增加观察床位。",
                f"On {part.returns_on} {quiet} people are in their quiet days, for {asked.quiet_beds} rooms. "
                f"Let batches arrive {c.quiet_days} days apart, or add rooms.",
            )
    return _MET


def _grades(c: Condition, asked: Asked, facts: Facts, grades: Mapping[str, Grade]) -> tuple[AnswerName, T]:
    if not asked.parts:
        return "no", T("请列出返校的班级。", "Name the classes that return.")
    early = [p for p in asked.parts if p.grade not in grades or p.returns_on < (grades[p.grade].returns_on or date.max)]
    if not early:
        return _MET
    first = early[0]
    grade = grades.get(first.grade)
    if grade is None or grade.returns_on is None:
        return "no", T(
            f"{first.name}：本学期不返校。请从备案中去掉。", f"{first.name}: this grade does not return this term. Leave it out."
        )
    return "no", T(
        f"{first.name}：{grade.name.zh}最早 {grade.returns_on} 返校。请改日期。",
        f"{first.name}: {grade.name.en} returns on {grade.returns_on} at the earliest. Change the day.",
    )


QUESTIONS: Mapping[str, Question] = {
    "paper": _paper,
    "on_site": _on_site,
    "entrance_code": _entrance_code,
    "white_list": _white_list,
    "people_listed": _people_listed,
    "closed_loop": _closed_loop,
    "risk_area": _risk_area,
    "beds": _beds,
    "arrivals": _arrivals,
    "grades": _grades,
}


def answers(book: Rulebook, stage: Stage, asked: Asked, facts: Facts) -> list[Answer]:
    """Every condition of the day on which people come back, answered."""
    found = []
    for condition in book.conditions_on(stage, asked.from_on):
        answer, said = QUESTIONS[condition.check](condition, asked, facts, book.grades)
        declared = asked.declared.get(condition.code)
        found.append(Answer(condition, answer, said, declared.paper if declared else ""))
    return found
