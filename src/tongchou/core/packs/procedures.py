"""Approval procedures of a pack: steps that wait for one another, offices, papers, limits in working days. Read whole or every fault named by its line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tongchou.core.packs.reading import Document
from tongchou.core.wording import T


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit in working days. Only a quotable one may be told to an applicant as law or promise."""

    days: float
    extension_days: int
    basis: T | None
    confidence: str
    source: T

    @property
    def is_quotable(self) -> bool:
        return self.confidence != "low"


@dataclass(frozen=True, slots=True)
class Named:
    """A paper, a reason to stop the clock or a ground of refusal. `days`: how long a paper holds (calendar) or a stop may last (working)."""

    code: str
    name: T
    basis: T | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step: which post does it, in how many working days, after which others, with which papers."""

    code: str
    name: T
    office: T
    post: str
    days: float
    after: tuple[str, ...]
    papers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tacit:
    """Silence counts as approval: when the permit now held ends, or when the statutory time is over."""

    when: str
    basis: T


@dataclass(frozen=True, slots=True)
class ProcedureSpec:
    """One procedure. `body` is itself as plain data, from which `procedure_of` makes it again."""

    code: str
    name: T
    department: T
    from_on: date
    to_on: date | None
    statutory: Limit | None
    promised: Limit | None
    tacit: Tacit | None
    steps: tuple[StepSpec, ...]
    papers: Mapping[str, Named]
    stops: Mapping[str, Named]
    grounds: Mapping[str, Named]
    note: T | None
    body: Mapping[str, Any]

    @property
    def limit(self) -> Limit | None:
        """The limit worked to: the promise, else the law's."""
        return self.promised or self.statutory

    def step(self, code: str) -> StepSpec:
        return next(step for step in self.steps if step.code == code)

    def openable(self, opened: Iterable[str], done: Iterable[str]) -> list[StepSpec]:
        """Steps not opened yet whose predecessors are all done, in the order of the procedure."""
        begun, over = set(opened), set(done)
        return [step for step in self.steps if step.code not in begun and over.issuperset(step.after)]


def procedures_of(content: Mapping[str, Any]) -> tuple[ProcedureSpec, ...]:
    """The procedures of a file that has been checked."""
    offices = {office["id"]: office for office in content["offices"]}
    tables: dict[str, dict[str, Any]] = {name: {row["id"]: row for row in content[name]} for name in ("papers", "stops", "grounds")}
    found = []
    for row in content["procedures"]:
        papers = {code for step in row["steps"] for code in step.get("papers", ())}
        wanted = {"papers": [c for c in tables["papers"] if c in papers], "stops": row["stops"], "grounds": row["grounds"]}
        body = {
            **row,
            "sources": content["sources"],
            "steps": [{**step, "office": offices[step["office"]]} for step in row["steps"]],
            **{name: [tables[name][code] for code in codes] for name, codes in wanted.items()},
        }
        found.append(procedure_of(body))
    return tuple(found)


def procedure_of(body: Mapping[str, Any]) -> ProcedureSpec:
    """A procedure from its body as kept: offices, papers, stops and grounds written out."""
    sources, tacit = body["sources"], body.get("tacit")
    named = {name: {row["id"]: _named(row) for row in body[name]} for name in ("papers", "stops", "grounds")}
    return ProcedureSpec(
        code=body["id"],
        name=T(**body["name"]),
        department=T(**body["department"]),
        from_on=date.fromisoformat(body["from"]),
        to_on=date.fromisoformat(body["to"]) if "to" in body else None,
        statutory=_limit(body.get("statutory"), sources),
        promised=_limit(body.get("promised"), sources),
        tacit=Tacit(tacit["when"], T(**tacit["basis"])) if tacit else None,
        steps=tuple(_step(row) for row in body["steps"]),
        note=T(**body["note"]) if "note" in body else None,
        body=body,
        **named,
    )


def _limit(row: Mapping[str, Any] | None, sources: Mapping[str, Any]) -> Limit | None:
    if row is None:
        return None
    named = [T(**sources[code]) for code in row["src"]]
    source = T("；".join(one.zh for one in named), "; ".join(one.en for one in named))
    return Limit(row["days"], row.get("extension_days", 0), T(**row["basis"]) if "basis" in row else None, row["confidence"], source)


def _named(row: Mapping[str, Any]) -> Named:
    basis = T(**row["basis"]) if "basis" in row else None
    return Named(row["id"], T(**row["name"]), basis, row.get("valid_days", row.get("longest_days")))


def _step(row: Mapping[str, Any]) -> StepSpec:
    office, after, papers = row["office"], tuple(row.get("after", ())), tuple(row.get("papers", ()))
    return StepSpec(row["id"], T(**row["name"]), T(**office["name"]), office["post"], row["days"], after, papers)


def check_procedures(document: Document, posts: Iterable[str]) -> None:
    """Report what the schema cannot see: codes used twice or unknown, circles, steps that can never open, limits that contradict one another."""
    content = document.content
    codes = {name: [row["id"] for row in content[name]] for name in ("offices", "papers", "stops", "grounds", "procedures")}
    for name, listed in codes.items():
        _once(document, (name,), listed)
    for n, office in enumerate(content["offices"]):
        _known(document, ("offices", n, "post"), [office["post"]], posts, T("岗位", "post"))
    for name in ("stops", "procedures"):
        for n, row in enumerate(content[name]):
            _known(document, (name, n, "src"), row["src"], content["sources"], T("出处", "source"))
    for n, row in enumerate(content["procedures"]):
        for name, word in (("stops", T("暂停原因", "reason to stop")), ("grounds", T("不予许可的理由", "ground of refusal"))):
            _known(document, ("procedures", n, name), row[name], codes[name], word)
        _check_limits(document, n, row)
        _check_steps(document, n, row["steps"], codes)


Path = tuple[str | int, ...]


def _once(document: Document, path: Path, listed: list[str]) -> None:
    for n, code in enumerate(listed):
        if code in listed[:n]:
            what = T(f"编码 {code} 重复", f"code {code} is used twice")
            document.report((*path, n, "id"), what, T("请给每一项不同的编码", "Give each its own code"))


def _known(document: Document, path: Path, used: Iterable[str], known: Iterable[str], word: T) -> None:
    there = set(known)
    for code in used:
        if code not in there:
            what = T(f"{word.zh} {code} 不存在", f"{word.en} {code} does not exist")
            document.report(path, what, T(f"请改为已有的{word.zh}，或先添加它", f"Use a {word.en} that exists, or add it first"))


def _check_limits(document: Document, n: int, row: Mapping[str, Any]) -> None:
    where: Path = ("procedures", n)
    for name in ("statutory", "promised"):
        if name in row:
            _known(document, (*where, name, "src"), row[name]["src"], document.content["sources"], T("出处", "source"))
    statutory, promised = row.get("statutory"), row.get("promised")
    if statutory and promised and statutory["days"] < promised["days"]:
        what = T(
            f"法定 {statutory['days']:g} 天短于承诺 {promised['days']:g} 天",
            f"the law's {statutory['days']:g} days are fewer than the {promised['days']:g} promised",
        )
        document.report((*where, "promised", "days"), what, T("承诺不得长于法定，请核对", "A promise may not exceed the law; check both"))
    if statutory and "basis" not in statutory:
        what = T("法定时限没有依据", "a statutory limit without its basis")
        document.report((*where, "statutory"), what, T("请写明法律条款", "Name the act and article"))
    tacit = row.get("tacit")
    if tacit and tacit["confidence"] == "low":
        what = T("默示批准的依据可信度低", "tacit approval on a basis of low confidence")
        document.report((*where, "tacit"), what, T("核对法律文本前不得写入", "Not before the text of the law has been checked"))
    if tacit and tacit["when"] == "statutory" and not (statutory and statutory["confidence"] != "low"):
        what = T("默示批准没有可靠的法定时限", "tacit approval without a reliable statutory limit")
        document.report((*where, "tacit", "when"), what, T("请补上法定时限", "Give the statutory limit"))
    if row.get("to", "9999") < row["from"]:
        document.report((*where, "to"), T("止于起始之前", "it ends before it begins"), T("请更正日期", "Correct the days"))


def _check_steps(document: Document, n: int, steps: list[Mapping[str, Any]], codes: Mapping[str, list[str]]) -> None:
    where: Path = ("procedures", n, "steps")
    names = [step["id"] for step in steps]
    _once(document, where, names)
    for s, step in enumerate(steps):
        _known(document, (*where, s, "office"), [step["office"]], codes["offices"], T("办理部门", "office"))
        _known(document, (*where, s, "papers"), step.get("papers", ()), codes["papers"], T("材料", "paper"))
        _known(document, (*where, s, "after"), step.get("after", ()), names, T("前置环节", "step before"))
    before = {step["id"]: [code for code in step.get("after", ()) if code in names] for step in steps}
    broken = {step["id"] for step in steps if set(step.get("after", ())) - set(names)}
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = error.args[1]
        walk = " → ".join(circle)
        document.report(
            (*where, names.index(circle[0])),
            T(f"环节循环：{walk}", f"steps in a circle: {walk}"),
            T("请去掉其中一个前置", "Remove one link"),
        )
        broken |= set(circle)
        order = names * len(names)  # as many passes as the longest chain needs
    stuck = set(broken)
    for code in order:
        if stuck.intersection(before[code]):
            stuck.add(code)
    for code in sorted(stuck - broken, key=names.index):
        what = T(f"环节 {code} 永远不会开始", f"step {code} can never open")
        document.report(
            (*where, names.index(code), "after"), what, T("它所等的环节不存在或成环", "What it waits for is unknown or in a circle")
        )
