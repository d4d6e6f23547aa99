"""A file of policies: each measure with who may get it, what it gives, when it holds, and the document behind it. Read whole or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from tongchou.core.packs.benefits import fields_asked
from tongchou.core.packs.criteria import BadCriterion, rule_of
from tongchou.core.packs.fields import Fields, fields_of, read_fields
from tongchou.core.packs.problems import PackInvalid
from tongchou.core.packs.reading import Document, checked_content, read_yaml
from tongchou.core.wording import T
from tongchou.science.eligibility.compiling import Programme, compile_rules
from tongchou.science.eligibility.model import Rule

# How a measure reaches a firm. Those of CLAIMED are followed until paid; the others a firm only learns of.
DELIVERIES: Mapping[str, T] = {
    "apply": T("申请享受", "on application"), "no_application": T("免申即享", "without application"), "declare": T("申报享受", "in the tax return"),
    "roster": T("按名单发放", "by a list of names"), "automatic": T("自动享受", "by itself"), "rule": T("规则", "a rule"), "negotiate": T("协商办理", "by negotiation"),
    "mixed": T("多种方式", "in several ways"), "auction": T("竞拍", "by auction"), "visit": T("上门走访", "by a visit"),
}  # fmt: skip
CLAIMED = frozenset({"apply", "no_application"})
# Rules, packages of other measures and quotas give a single firm nothing; lists of names and auctions are for people.
NOT_FOR_A_FIRM = frozenset({"rule", "package", "quota", "roster", "auction", "mixed"})


@dataclass(frozen=True, slots=True)
class Source:
    """The document behind a measure, as far as it is known; no title where only a report of it was seen."""

    key: str
    title: str
    number: str
    day: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `announced`: first day on which anybody could know; `valid_to`: last day, None for until further notice.

    `documents`: what must be handed in, `not_required`: what must not be asked for.
    """

    id: str
    level: str
    kind: str
    title: T
    department: T
    delivery: str
    rule: Rule
    benefit: Mapping[str, Any]
    announced: date
    valid_from: date
    valid_to: date | None
    confidence: str
    sources: tuple[Source, ...]
    documents: tuple[T, ...]
    not_required: tuple[T, ...]
    supersedes: tuple[str, ...]
    not_with: tuple[str, ...]

    @property
    def is_for_firms(self) -> bool:
        """Whether a firm is shown it: it gives something to a firm, and its source was checked."""
        return self.confidence != "low" and not {self.delivery, self.benefit["type"]} & NOT_FOR_A_FIRM

    @property
    def is_claimed(self) -> bool:
        return self.delivery in CLAIMED

    def holds_on(self, day: date) -> bool:
        """Known by that day and in force on it."""
        return max(self.announced, self.valid_from) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """All measures of a file in its order."""

    measures: tuple[Measure, ...]

    def from_source(self, key: str) -> list[Measure]:
        """Measures that rest on one document."""
        return [m for m in self.measures if key in {source.key for source in m.sources}]

    def in_force(self, day: date) -> list[Measure]:
        """Measures known and in force on a day, without those that one of them supersedes."""
        held = [m for m in self.measures if m.holds_on(day)]
        gone = {name for m in held for name in m.supersedes}
        return [m for m in held if m.id not in gone]


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Policies, the fields that their criteria ask for, and the names of industries (section letters before their divisions).

    `content`: all of it as plain data, from which `book_of` makes the same book.
    """

    measures: PolicyFile
    fields: Fields
    industries: Mapping[str, T]
    content: Mapping[str, Any]


def read_policies(path: Path, fields: Fields | None = None) -> PolicyFile:
    """Read a file of policies; with `fields`, its criteria ask for these and no others. Raises PackInvalid naming every problem by line."""
    document = read_yaml(path, path.name, "policies")
    if document.content is None or document.problems:
        raise PackInvalid(path.name, document.problems)
    return _policies(document, fields)


def read_book(policies: Path, fields: Path, industries: Mapping[str, T] | None = None) -> PolicyBook:
    """Read both files. Raises PackInvalid naming every problem by line."""
    known, document = read_fields(fields)
    if document.problems:
        raise PackInvalid(fields.name, document.problems)
    written = read_yaml(policies, policies.name, "policies")
    if written.content is None or written.problems:
        raise PackInvalid(policies.name, written.problems)
    names = industries or {}
    content = {
        "fields": document.content,
        "policies": written.content,
        "industries": [[code, name.zh, name.en] for code, name in names.items()],
    }
    return PolicyBook(_policies(written, known), known, names, content)


def book_of(content: Mapping[str, Any]) -> PolicyBook:
    """A book from the content that one was read with. Raises PackInvalid naming every problem by key: it may come from a program."""
    parts = {name: content.get(name, [] if name == "industries" else None) for name in _BOOK}
    documents = [checked_content(parts[name], name, schema) for name, schema in _BOOK.items()]
    if problems := [problem for document in documents for problem in document.problems]:
        raise PackInvalid("book", problems)
    fields = fields_of(parts["fields"])
    return PolicyBook(_policies(documents[1], fields), fields, {code: T(zh, en) for code, zh, en in parts["industries"]}, parts)


_BOOK = {"fields": "firm_fields", "policies": "policies", "industries": "industry_names"}


def _policies(document: Document, fields: Fields | None) -> PolicyFile:
    content: dict[str, Any] = document.content
    sets = {name: tuple(entry["gbt"]) for name, entry in content.get("sets", {}).items()}
    found = [_measure(row, n, sets, document, fields) for n, row in enumerate(content["measures"])]
    _check(content, document)
    if document.problems:
        raise PackInvalid(document.file, document.problems)
    return PolicyFile(tuple(m for m in found if m is not None))


def _measure(row: dict[str, Any], n: int, sets: Mapping[str, Sequence[str]], document: Document, fields: Fields | None) -> Measure | None:
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
    if fields is not None:
        _check_fields(row, n, programme, document, fields)
    first, last = date.fromisoformat(row["valid_from"]), row.get("valid_to")
    if last is not None and date.fromisoformat(last) < first:
        document.report(("measures", n, "valid_to"), T("止于起始之前", "it ends before it begins"), T("请更正日期", "Correct the days"))
    sources = document.content.get("sources", {})
    return Measure(
        row["id"], row["level"], row["kind"], T(row["title_zh"], row["title_en"]), T(row["department"], row["department"]), row["delivery"], rule,
        row["benefit"], date.fromisoformat(row["announced"]), first, date.fromisoformat(last) if last else None, row["confidence"],
        tuple(_source(key, sources[key]) for key in row["src"] if key in sources), _words(row, "documents"), _words(row, "not_required"),
        _ids(row, "supersedes"), _ids(row, "not_with"),
    )  # fmt: skip


def _check_fields(row: dict[str, Any], n: int, programme: Programme, document: Document, fields: Fields) -> None:
    """Criteria and benefit ask for known fields, and for what these can say."""
    for name in sorted({*programme.fields, *fields_asked(row["benefit"])} - set(fields)):
        document.report(
            ("measures", n, "criteria"),
            T(f"没有字段 {name}", f"there is no field {name}"),
            T("请更正，或先在 firm_fields.yaml 中写明", "Correct it, or name it in firm_fields.yaml first"),
        )
    for requirement in programme.requirements:
        field = fields.get(requirement.field)
        if field is not None and field.is_number != (requirement.interval is not None):
            wanted = T("数字或日期", "a number or a day") if field.is_number else T("文字或是否", "words or yes and no")
            document.report(
                ("measures", n, "criteria"),
                T(f"字段 {field.name} 是{wanted.zh}", f"field {field.name} holds {wanted.en}"),
                T("请改用相应的写法", "Ask for that"),
            )
        for word in sorted(requirement.words - set(field.values)) if field is not None and field.kind == "words" else ():
            document.report(
                ("measures", n, "criteria"),
                T(f"字段 {requirement.field} 没有取值 {word}", f"field {requirement.field} never is {word}"),
                T("请更正，或在 firm_fields.yaml 中补上", "Correct it, or add it in firm_fields.yaml"),
            )


def _source(key: str, row: Mapping[str, Any]) -> Source:
    return Source(key, row.get("title_zh", ""), row.get("doc_no", ""), row.get("date", ""))


def _words(row: Mapping[str, Any], key: str) -> tuple[T, ...]:
    return tuple(T(**given) if isinstance(given, dict) else T(given, given) for given in row.get(key, ()))


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
