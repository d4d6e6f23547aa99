"""The lives of a filing, an on-site check and an alarm about absences; what is allowed on a day, as the pack says. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

CHECK_WITHIN, CORRECT_WITHIN, ANSWER_WITHIN = (
    "resumption.check_within", "resumption.correct_within", "resumption.absence_answer_within",
)  # fmt: skip
RISK_GRADES = "resumption.risk_grades"
ILL_IN_A_DAY, ILL_IN_THREE_DAYS = "resumption.class_ill_in_a_day", "resumption.class_ill_in_three_days"

KINDS: Mapping[str, T] = {"firm": T("企业", "firm"), "school": T("学校", "school"), "site": T("工地", "building site")}
SOURCES: Mapping[str, T] = {
    "electricity": T("用电", "electricity"),
    "staff": T("门岗进厂人次", "people at the gate"),
    "invoices": T("开票", "invoices"),
}
SIGNS, READ_WITHIN = "resumption.signs", "resumption.read_within"
FILE, CHECK = "resumption.file", "resumption.check"
AT_WORK = ("working", "full")

FILING = Machine(
    kind="filing",
    label=T("复工备案", "Filing of resumption"),
    prefix="FG",
    start="filed",
    states={
        "filed": T("已备案待复工", "Filed, not yet at work"),
        "working": T("已复工", "At work"),
        "full": T("已达产", "At full capacity"),
        "correcting": T("整改中", "To be put right"),
        "refused": T("不符合条件", "Conditions not met"),
        "withdrawn": T("已撤回", "Withdrawn"),
        "ended": T("已停工", "Stopped"),
        "lapsed": T("已失效", "Lapsed"),
    },
    final=frozenset({"refused", "withdrawn", "ended", "lapsed"}),
    steps=(
        Step("refuse", T("不符合条件", "Conditions not met"), ("filed",), "refused", FILE),
        Step("begin", T("复工", "Begin"), ("filed",), "working", FILE),
        Step("resume", T("整改合格，复工", "Put right: at work"), ("correcting",), "working", CHECK),
        Step("clear", T("整改合格，等待复工日", "Put right: waits for its day"), ("correcting",), "filed", CHECK),
        Step("correct", T("核查未通过，整改", "Not passed: to be put right"), ("filed", "working", "full"), "correcting", CHECK),
        Step("reach_full", T("达产备案", "At full capacity"), ("working",), "full", FILE),
        Step("reduce", T("不再达产", "No longer at full capacity"), ("full",), "working", FILE),
        Step("withdraw", T("撤回", "Withdraw"), ("filed",), "withdrawn", FILE),
        Step("end", T("停工", "Stop"), ("working", "full", "correcting"), "ended", FILE),
        Step("lapse", T("失效", "Lapse"), ("filed", "working", "full", "correcting"), "lapsed", FILE),
    ),
)
SITE_CHECK = Machine(
    kind="site_check",
    label=T("现场核查", "On-site check"),
    prefix="HC",
    start="open",
    states={
        "open": T("待核查", "To be done"),
        "passed": T("通过", "Passed"),
        "failed": T("未通过", "Not passed"),
        "void": T("不再需要", "Not needed"),
    },
    final=frozenset({"passed", "failed", "void"}),
    steps=(
        Step("pass", T("通过", "Pass"), ("open",), "passed", CHECK),
        Step("fail", T("未通过", "Do not pass"), ("open",), "failed", CHECK),
        Step("drop", T("不再需要", "No longer needed"), ("open",), "void", FILE),
    ),
)
ABSENCE = Machine(
    kind="absence",
    label=T("因病缺课报警", "Alarm about absences"),
    prefix="QQ",
    start="open",
    states={"open": T("待核实", "To be looked into"), "answered": T("已核实", "Looked into")},
    final=frozenset({"answered"}),
    steps=(Step("answer", T("核实答复", "Answer"), ("open",), "answered", "resumption.answer"),),
    starts=(ANSWER_WITHIN,),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """What holds for a kind of subject between two days, both counted. `approval`: nobody begins before the on-site check."""

    code: str
    kind: str
    name: T
    from_on: date
    to_on: date | None
    grounds: Mapping[str, T]
    approval: bool
    sources: tuple[T, ...]
    confidence: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing to be met. `check` names the question in `conditions.QUESTIONS`; `proof` the paper that shows it."""

    code: str
    check: str
    name: T
    proof: T | None
    stages: tuple[str, ...]
    from_on: date
    to_on: date | None
    veto: bool
    quiet_days: int
    sources: tuple[T, ...]
    confidence: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of school and the first day on which it may be taught there again; None: not this term."""

    code: str
    name: T
    returns_on: date | None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything the pack says of resumption."""

    stages: tuple[Stage, ...]
    conditions: tuple[Condition, ...]
    grades: Mapping[str, Grade]

    def stage_on(self, kind: str, day: date) -> Stage | None:
        """The stage of a day for firms, schools or sites; None: nothing of the kind may be filed for that day."""
        return next((s for s in self.stages if s.kind == kind and s.from_on <= day <= (s.to_on or date.max)), None)

    def stage_after(self, kind: str, day: date) -> Stage | None:
        """The next stage that begins after a day."""
        return next((s for s in self.stages if s.kind == kind and s.from_on > day), None)

    def conditions_on(self, stage: Stage, day: date) -> tuple[Condition, ...]:
        """The conditions of a day, in the order of the file."""
        return tuple(c for c in self.conditions if stage.code in c.stages and c.from_on <= day <= (c.to_on or date.max))


def rulebook_from(body: Mapping[str, Any]) -> Rulebook:
    """A rulebook from what the schema `resumption.json` has checked."""
    sources = {key: T(**row["title"]) for key, row in body["sources"].items()}
    grounds = {key: T(**words) for key, words in body["grounds"].items()}

    def named(row: Mapping[str, Any]) -> dict[str, Any]:
        return {"code": row["id"], "name": T(**row["name"])}

    def dated(row: Mapping[str, Any]) -> dict[str, Any]:
        to = row.get("to")
        said: Sequence[str] = row["src"]
        return {
            "from_on": date.fromisoformat(row.get("from", "0001-01-01")), "to_on": date.fromisoformat(to) if to else None,
            "sources": tuple(sources[key] for key in said), "confidence": row["confidence"],
        }  # fmt: skip

    return Rulebook(
        tuple(
            Stage(**named(s), **dated(s), kind=s["for"], approval=s["approval"], grounds={key: grounds[key] for key in s["grounds"]})
            for s in body["stages"]
        ),
        tuple(
            Condition(
                **named(c), **dated(c), check=c["check"], proof=T(**c["proof"]) if "proof" in c else None, stages=tuple(c["stages"]),
                veto=c.get("veto", False), quiet_days=c.get("quiet_days", 0),
            )
            for c in body["conditions"]
        ),
        {g["id"]: Grade(**named(g), returns_on=date.fromisoformat(g["returns"]) if "returns" in g else None) for g in body["grades"]},
    )  # fmt: skip


def may_work(results: Mapping[str, bool], vetoes: Collection[str], *, has_begun: bool) -> bool:
    """Whether an on-site check lets work go on or begin. `results`: whether each item is in order. Who has begun is stopped by a veto alone; who has not, by any."""
    return all(ok for code, ok in results.items() if code in vetoes or not has_begun)


def absence_reached(ill: Sequence[int], in_a_day: int, in_three_days: int) -> bool:
    """Whether a class has reached the threshold of a day or of three days running. `ill`: absent through illness, up to three days, the last one last."""
    return ill[-1] >= in_a_day or sum(ill[-3:]) >= in_three_days
