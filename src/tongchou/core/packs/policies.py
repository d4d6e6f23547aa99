"""A file of policies: each measure with who may get it, what it gives, when it holds, and the document behind it. Read whole or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from tongchou.core.packs.criteria import BadCriterion, rule_of
from tongchou.core.packs.problems import PackInvalid
from tongchou.core.packs.reading import Document, read_yaml
from tongchou.core.wording import T
from tongchou.science.eligibility.compiling import compile_rules
from tongchou.science.eligibility.model import Rule


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `announced`: first day on which anybody could know; `valid_to`: last day, None for until further notice."""

    id: str
    level: str
    title: T
    department: T
    delivery: str
    rule: Rule
    benefit: Mapping[str, Any]
    announced: date
    valid_from: date
    valid_to: date | None
    confidence: str
    supersedes: tuple[str, ...]
    not_with: tuple[str, ...]

    def holds_on(self, day: date) -> bool:
        """Known by that day and in force on it."""
        return max(self.announced, self.valid_from) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """All measures of a file in its order."""

    measures: tuple[Measure, ...]

    def in_force(self, day: date) -> list[Measure]:
        """Measures known and in force on a day, without those that one of them supersedes."""
        held = [m for m in self.measures if m.holds_on(day)]
        gone = {name for m in held for name in m.supersedes}
        return [m for m in held if m.id not in gone]


def read_policies(path: Path) -> PolicyFile:
    """Read a file of policies. Raises PackInvalid naming every problem by line."""
    document = read_yaml(path, path.name, "policies")
    if document.content is None or document.problems:
        raise PackInvalid(path.name, document.problems)
    content: dict[str, Any] = document.content
    sets = {name: tuple(entry["gbt"]) for name, entry in content.get("sets", {}).items()}
    found = [_measure(row, n, sets, document) for n, row in enumerate(content["measures"])]
    _check(content, document)
    if document.problems:
        raise PackInvalid(path.name, document.problems)
    return PolicyFile(tuple(m for m in found if m is not None))


def _measure(row: dict[str, Any], n: int, sets: Mapping[str, Sequence[str]], document: Document) -> Measure | None:
    try:
        rule = rule_of(row["criteria"], sets)
        programme = compile_rules([rule])
    except BadCriterion as bad:
        document.report(
            ("measures", n, "criteria", *bad.path),
            T(f"条件无法读取：{bad}", f"the criterion cannot be read: {bad}"),
            T("请更正", "Correct it"),
        )
        return None
    except ValueError as wrong:
        document.report(
            ("measures", n, "criteria"), T(f"条件无法使用：{wrong}", f"the criteria cannot be used: {wrong}"), T("请更正", "Correct them")
        )
        return None
    if programme.impossible:
        document.report(
            ("measures", n, "criteria"),
            T("条件自相矛盾，谁也不符合", "the criteria contradict one another: nobody can ever meet them"),
            T("请更正", "Correct them"),
        )
    first, last = date.fromisoformat(row["valid_from"]), row.get("valid_to")
    if last is not None and date.fromisoformat(last) < first:
        document.report(("measures", n, "valid_to"), T("止于起始之前", "it ends before it begins"), T("请更正日期", "Correct the days"))
    return Measure(
        row["id"], row["level"], T(row["title_zh"], row["title_en"]), T(row["department"], row["department"]), row["delivery"], rule, row["benefit"],
        date.fromisoformat(row["announced"]), first, date.fromisoformat(last) if last else None, row["confidence"],
        _ids(row, "supersedes"), _ids(row, "not_with"),
    )  # fmt: skip


def _ids(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = row.get(key, ())
    return (given,) if isinstance(given, str) else tuple(given)


def _check(content: dict[str, Any], document: Document) -> None:
    """What can be seen only with all measures at hand."""
    rows = content["measures"]
    known = {row["id"]: n for n, row in enumerate(rows)}
    for n, row in enumerate(rows):
        if known[row["id"]] != n:
            document.report(
                ("measures", n, "id"), T(f"编号 {row['id']} 用了两次", f"id {row['id']} is used twice"), T("请改一个", "Change one")
            )
        for key in ("supersedes", "not_with", "stackable_with"):
            for name in _ids(row, key):
                if name not in known:
                    document.report(
                        ("measures", n, key), T(f"没有措施 {name}", f"there is no measure {name}"), T("请核对编号", "Check the id")
                    )
        for source in row["src"]:
            if source not in content.get("sources", {}):
                document.report(
                    ("measures", n, "src"),
                    T(f"没有出处 {source}", f"there is no source {source}"),
                    T("请在 sources 中写明", "Name it under sources"),
                )
    try:
        TopologicalSorter({row["id"]: _ids(row, "supersedes") for row in rows}).prepare()
    except CycleError as circle:
        names = " → ".join(circle.args[1])
        document.report(
            ("measures", known[circle.args[1][0]], "supersedes"),
            T(f"互相取代：{names}", f"measures supersede one another in a circle: {names}"),
            T("请断开", "Break the circle"),
        )
