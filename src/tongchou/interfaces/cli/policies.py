"""`tongchou policy check` and `tongchou policy match`: a file of policies and a table of firms, without a town or a database."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tongchou.core.packs.problems import PackInvalid
from tongchou.core.wording import T
from tongchou.interfaces.cli.estimating import DAY_FORMAT, tell
from tongchou.interfaces.cli.shell import Fault, refuse, say, start_django
from tongchou.interfaces.cli.tables import AsJson, OutFile, Row, read_table, refused_with_two, write_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tongchou.core.packs.policies import Measure, PolicyBook, PolicyFile
    from tongchou.science import Choices, Numbers, Programme, Requirement

OUT_COLUMNS = ("firm", "measure", "answer", "amount", "missing", "cheapest_change")
ANSWERS = ("no", "unknown", "yes")
# Assumption: what a firm is and where it lies cannot be changed to get a measure.
FIXED = ("kind", "size", "gbt", "landlord", "premises", "district", "area", "area_risk", "not_in_risk_area", "exclude")
FLAGS = {"true": "true", "yes": "true", "1": "true", "是": "true", "false": "false", "no": "false", "0": "false", "否": "false"}

NUMBER = T("数字或日期，不知道则留空", "a number or a day; leave it empty where it is not known")
FLAG = T("是或否，不知道则留空", "true or false; leave it empty where it is not known")

app = typer.Typer(no_args_is_help=True, help="Policies: check a file, match it with firms. 政策：核对文件，匹配企业。")


@app.command("check")
def check(
    path: Annotated[Path, typer.Argument(metavar="POLICIES", help="YAML file of policies. 政策文件。")],
    fields: Annotated[
        Path | None, typer.Option("--fields", help="YAML file of fields: criteria may ask for no others. 字段文件：条件只能用其中的字段。")
    ] = None,
) -> None:
    """Read a file of policies whole and name everything wrong with it. 核对政策文件。"""
    policies = _read(path, fields)
    held = Counter(m.confidence for m in policies.measures)
    say(T(f"{path.name}：{len(policies.measures)} 条措施，全部可读。", f"{path.name}: {len(policies.measures)} measures, all readable."))
    if held["low"]:
        say(
            T(
                f"其中 {held['low']} 条出处未核实，核实前不会给企业看。",
                f"{held['low']} rest on sources nobody has checked: not shown to a firm before that.",
            )
        )


@app.command("match")
def match(
    firms: Annotated[Path, typer.Option("--firms", help="CSV: firm, then a column for each field; an empty cell is not known. 企业表。")],
    policies: Annotated[Path, typer.Option("--policies", help="YAML file of policies. 政策文件。")],
    as_of: Annotated[datetime, typer.Option("--as-of", formats=DAY_FORMAT, help="Day: only what was announced and in force. 截至日期。")],
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Also measures of low confidence; not for a firm's eyes. 含未核实的措施。")
    ] = False,
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Every firm beside every measure in force: yes, no or unknown, the amount, what is missing, the cheapest change. 企业与政策逐条匹配。"""
    found = _read(policies)
    with refused_with_two():
        day = as_of.date()
        held = found.in_force(day)
        shown = [m for m in held if unchecked or m.confidence != "low"]
        if not shown:
            raise ValueError(f"--as-of {day}: no measure of {policies.name} is in force")
        table = read_table(firms)
        table.column("firm")
        records = _matched(shown, table.rows)
        n, left = len(records), len(held) - len(shown)
        tell(T(f"{n} 对；未核实而略去 {left} 条", f"{n} pairs; {left} measures left out as unchecked"))
        write_records(records, out, as_json, OUT_COLUMNS)


@app.command("publish")
def publish(
    path: Annotated[Path, typer.Argument(metavar="POLICIES", help="YAML file of policies. 政策文件。")],
    fields: Annotated[Path, typer.Option("--fields", help="YAML file of fields. 字段文件。")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would gain and lose; publish nothing. 只看影响，不发布。")] = False,
) -> None:
    """Publish policies in the town: from now on this book holds. 发布政策库。"""
    start_django()
    from tongchou.core.places.queries import installation
    from tongchou.domains.policies.actions import publish_book
    from tongchou.domains.policies.queries import latest_book, read_again
    from tongchou.interfaces.cli.accounts import operator
    from tongchou.interfaces.clock import local_now
    from tongchou.workflows.entitling import compare

    town = installation()
    if town is None:
        raise Fault(T("还没有建立本镇。", "No town is installed."), T("请先用 tongchou init。", "Use tongchou init first."))
    held, now = latest_book(), local_now()
    book = _read_book(path, fields, read_again(held).industries if held else None)
    for shift in compare(book, town.place.path, now.date()):
        before, after = f"{shift.yuan_before:,.0f}", f"{shift.yuan_after:,.0f}"
        tell(
            T(
                f"{shift.measure}：新增 {shift.gain} 家，减少 {shift.lose} 家，金额变化 {shift.other_sum} 家；{before} 元 → {after} 元",
                f"{shift.measure}: {shift.gain} firms gain, {shift.lose} lose, {shift.other_sum} other sums; {before} → {after} yuan",
            )
        )
    if not dry_run:
        row = publish_book(content=book.content, place=town.place, by=operator(), at=now)
        say(
            T(
                f"已发布第 {row.version} 版，{len(book.measures.measures)} 条措施。",
                f"Book {row.version} is published: {len(book.measures.measures)} measures.",
            )
        )


def _read(path: Path, fields: Path | None = None) -> "PolicyFile":
    from tongchou.core.packs.policies import read_policies

    if fields is not None:
        return _read_book(path, fields).measures
    with _named():
        return read_policies(path)


def _read_book(path: Path, fields: Path, industries: "Mapping[str, T] | None" = None) -> "PolicyBook":
    from tongchou.core.packs.policies import read_book

    with _named():
        return read_book(path, fields, industries)


@contextmanager
def _named() -> Iterator[None]:
    """Every problem of a file on a line of its own."""
    try:
        yield
    except PackInvalid as invalid:
        for problem in invalid.problems:
            refuse(problem.said())
        raise typer.Exit(2) from invalid


def _matched(measures: Sequence["Measure"], rows: Sequence[Row]) -> list[dict[str, Any]]:
    from tongchou.core.packs.matching import match
    from tongchou.science import Effort, Efforts, compile_rules

    programme = compile_rules([m.rule for m in measures])
    efforts = Efforts({name: Effort(possible=False) for name in FIXED})
    matched = match(measures, programme, _columns(rows, programme), _numbers(rows), len(rows), efforts)
    records = []
    for n, row in enumerate(rows):
        for m, measure in enumerate(measures):
            answer, kept = int(matched.found.answer[m, n]), matched.instead(m, n)
            missing = [_said(r, row, is_unknown) for r, is_unknown in matched.missing(m, n)] if answer < 2 else []
            missing += [f"not with {kept.id}"] if kept else []
            missing += [f"?{name}" for name in matched.unknown_of_worth(m, n)] if answer else []
            records.append(
                {
                    "firm": row.cells["firm"].strip(),
                    "measure": measure.id,
                    "answer": ANSWERS[answer],
                    "amount": 0.0 if kept else matched.yuan(m, n) if answer else None,
                    "missing": "; ".join(missing),
                    "cheapest_change": "; ".join(_said(r, row, is_unknown) for r, is_unknown in matched.needed(m, n)),
                }
            )
    return records


def _numbers(rows: Sequence[Row]) -> "Callable[[str], NDArray[np.float64]]":
    """The fields of all rows as numbers, for sums."""
    import numpy as np

    def read(text: str) -> float:
        return float(FLAGS[text.lower()] == "true") if text.lower() in FLAGS and text.isalpha() else _number(text)

    @cache
    def numbers(name: str) -> "NDArray[np.float64]":
        return np.array([row.read(name, read, NUMBER) if row.cells.get(name, "").strip() else np.nan for row in rows])

    return numbers


def _columns(rows: Sequence[Row], programme: "Programme") -> "dict[str, Choices | Numbers]":
    """A column for each field that the rules ask for and the table has."""
    import numpy as np

    from tongchou.science import Numbers, OneOf, choices

    found: dict[str, Choices | Numbers] = {}
    for name in programme.fields:
        if name not in rows[0].cells:
            continue
        asked = [r for r in programme.requirements if r.field == name]
        cells = [row.cells.get(name, "").strip() for row in rows]
        if asked[0].interval is not None:
            numbers = [row.read(name, _number, NUMBER) if cell else np.nan for row, cell in zip(rows, cells, strict=True)]
            found[name] = Numbers(np.array(numbers))
        elif all(isinstance(c.test, OneOf) and c.test.values <= {"true", "false"} for r in asked for c in r.conditions):
            found[name] = choices([row.read(name, _flag, FLAG) if cell else None for row, cell in zip(rows, cells, strict=True)])
        else:
            found[name] = choices(cells)
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(date.fromisoformat(text).toordinal())


def _flag(text: str) -> str:
    if text.lower() not in FLAGS:
        raise ValueError(text)
    return FLAGS[text.lower()]


def _said(requirement: "Requirement", row: Row, is_unknown: bool) -> str:
    """`layoff_rate <= 0.055 (0.08)`: what is asked for, and what stands there; `?` before what is not known."""
    now = row.cells.get(requirement.field, "").strip()
    asked = " and ".join(_asked(requirement))
    return f"?{asked}" if is_unknown else f"{asked} ({now})"


@cache
def _asked(requirement: "Requirement") -> tuple[str, ...]:
    from tongchou.science import OneOf, StartsWith

    name, interval = requirement.field, requirement.interval
    if interval is not None:
        if interval.low == interval.high:
            return (f"{name} = {_shown(name, interval.low)}",)
        ends = [(interval.low, ">" if interval.low_open else ">="), (interval.high, "<" if interval.high_open else "<=")]
        return tuple(f"{name} {sign} {_shown(name, end)}" for end, sign in ends if abs(end) != float("inf"))
    said = []
    for c in requirement.conditions:
        wanted = sorted(c.test.values) if isinstance(c.test, OneOf) else list(c.test.codes) if isinstance(c.test, StartsWith) else []
        sign = {(True, False): "=", (True, True): "!=", (False, False): "below", (False, True): "not below"}[
            isinstance(c.test, OneOf), c.negated
        ]
        said.append(f"{name} {sign} {'|'.join(wanted)}")
    return tuple(said)


def _shown(name: str, end: float) -> str:
    is_day = name.endswith(("_from", "_to", ".day")) and end.is_integer() and end > 700_000
    return date.fromordinal(int(end)).isoformat() if is_day else f"{end:.12g}"
