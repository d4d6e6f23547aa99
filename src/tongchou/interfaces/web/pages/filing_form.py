"""The form of a filing: who, which conditions hold on the day chosen, what was typed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.wording import T
from tongchou.domains.registry.models import RegisterRow
from tongchou.domains.resumption.conditions import Asked as Filed
from tongchou.domains.resumption.conditions import Declared, Part
from tongchou.domains.resumption.rules import Rulebook
from tongchou.interfaces.web.pages.case_steps import read_day, read_whole

DECLARED = ("paper", "closed_loop", "entrance_code", "white_list")  # checks for which the filer names a paper
HINTS: Mapping[str, T] = {
    "entrance_code": T("名下场所的码系统自动核对；在别人楼里办公的，填大楼场所码编号。", "Codes of its own venues are looked up; in somebody else's building, give the building's code."),
    "white_list": T("白名单由系统核对；其他类别填证明。", "The white list is looked up; for another ground name the proof."),
    "people_listed": T("由系统按白名单核对。", "Looked up in the white list."),
    "on_site": T("由现场核查判定，现在不用填。", "The on-site check tells; nothing to fill in."),
    "risk_area": T("由系统按在办事件判定。", "Told by open incidents."),
    "beds": T("按填写的床位判定。", "Told by the beds you give."),
    "arrivals": T("按填写的批次判定。", "Told by the batches you name."),
    "grades": T("按填写的班级判定。", "Told by the classes you name."),
}  # fmt: skip


def form_of(book: Rulebook, kind: str, on: date, given: Mapping[str, str]) -> dict[str, Any]:
    """What may be chosen for a day: its stage, grounds and conditions; without a stage, the next day there is one."""
    stage = book.stage_on(kind, on)
    later = book.stage_after(kind, on)
    conditions = book.conditions_on(stage, on) if stage else ()
    return {
        "stage": stage, "later": later, "on": on, "grounds": list(stage.grounds.items()) if stage else [],
        "conditions": [
            {"condition": c, "is_declared": c.check in DECLARED, "hint": HINTS.get(c.check), "met": f"met-{c.code}", "paper": f"paper-{c.code}",
             "is_no": given.get(f"met-{c.code}") == "no", "given": given.get(f"paper-{c.code}", "")}
            for c in conditions
        ],
    }  # fmt: skip


def read_filing(given: Mapping[str, str], kind: str, book: Rulebook, default_day: date) -> Filed:
    """What was typed, as it is filed. Raises Invalid naming the field."""
    on = read_day("from_on", given.get("from_on", "")) or default_day
    stage = book.stage_on(kind, on)
    declared = {}
    for condition in book.conditions_on(stage, on) if stage else ():
        met, paper = given.get(f"met-{condition.code}", ""), given.get(f"paper-{condition.code}", "").strip()
        if met or paper:
            declared[condition.code] = Declared(met != "no", paper[:120])
    return Filed(
        kind, given.get("ground", ""), on, read_whole("people", given.get("people", "")) or 0, given.get("closed_loop") == "1",
        read_day("ends_on", given.get("ends_on", "")), read_whole("beds", given.get("beds", "")) or 0,
        read_whole("quiet_beds", given.get("quiet_beds", "")) or 0, read_parts(given.get("parts", ""), kind, book), declared,
    )  # fmt: skip


def read_parts(text: str, kind: str, book: Rulebook) -> tuple[Part, ...]:
    """Classes (name, grade, pupils, day) or batches (name, people, day), one a line. Raises Invalid naming the line."""
    grades = {word: g.code for g in book.grades.values() for word in (g.code, g.name.zh, g.name.en)}
    parts = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        cells = [cell.strip() for cell in line.replace("，", ",").replace("\t", ",").split(",")]
        try:
            if kind == "school":
                name, grade, people, day = cells
                parts.append(Part(name, int(people), date.fromisoformat(day), grades[grade]))
            else:
                name, people, day = cells
                parts.append(Part(name, int(people), date.fromisoformat(day)))
        except KeyError:
            known = "、".join(g.name.zh for g in book.grades.values()), ", ".join(g.name.en for g in book.grades.values())
            said = T(f"第 {number} 行：年级只能填 {known[0]}。", f"Line {number}: the grade is one of {known[1]}.")
            raise Invalid([FieldProblem("parts", said)]) from None
        except ValueError:
            shape = (
                ("高三(1)班,高三,40,2022-06-06", "class,grade,pupils,day")
                if kind == "school"
                else ("第一批,30,2022-06-02", "batch,people,day")
            )
            raise Invalid([FieldProblem("parts", T(f"第 {number} 行写成：{shape[0]}", f"Line {number}: write {shape[1]}"))]) from None
    return tuple(parts)


def usual(row: RegisterRow, kind: str, at: date) -> dict[str, str]:
    """What the form begins with: what the register knows."""
    people = {"firm": "staff_count", "school": "pupil_count", "site": "worker_count"}[kind]
    return {"people": str(getattr(row, people)), "signed_by": getattr(row, "contact_name", ""), "from_on": at.isoformat()}
