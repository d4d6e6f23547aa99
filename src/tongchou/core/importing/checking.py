"""From a table to rows that may be applied: headings matched, every cell parsed, every problem named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from django.db import models

from tongchou.core.errors import Refusal
from tongchou.core.identity import mask_numbers
from tongchou.core.importing.columns import CellRefused, Column, RowCheck, plain_heading
from tongchou.core.importing.matching import rows_by_key
from tongchou.core.importing.tables import CellProblem, FileRefused, Table, column_letter
from tongchou.core.wording import T

# (new row, known row) → how likely they are the same, 0 to 1.
Likeness = Callable[[Mapping[str, Any], Mapping[str, Any]], float]
NEAR_ENOUGH = 0.82


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """What one register takes from files, forms and the API: its model, columns, and how rows are told apart.

    `key` is the field whose equal value means the same thing; `near_key` brings candidates together and `alike` weighs them.
    `derive` gives further fields that follow from a row; `checks` compare cells of one row.
    """

    name: str
    label: T
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: str
    near_key: Callable[[Mapping[str, Any]], str]
    alike: Likeness
    derive: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda row: {}
    checks: tuple[RowCheck, ...] = ()

    @property
    def known_headings(self) -> frozenset[str]:
        return frozenset().union(*(column.headings for column in self.columns))

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.field == name)

    @property
    def place_column(self) -> Column:
        return next(column for column in self.columns if column.is_place)

    @property
    def key_field(self) -> str:
        """The database field of `key`: a secret is compared by its blind index."""
        column = self.column(self.key)
        return column.index_field if column.is_secret else column.field


@dataclass(slots=True)
class CheckedTable:
    """Sound rows as {field: value} with their numbers; wrong rows as they stood; every problem."""

    rows: list[tuple[int, dict[str, Any]]]
    bad: list[tuple[int, list[str]]]
    problems: list[CellProblem]
    headings: list[str] = field(default_factory=list)


def check_table(spec: ImportSpec, table: Table, places: Mapping[str, int]) -> CheckedTable:
    """Match headings, parse every cell and compare within rows. `places` maps code or name to id, within the actor's reach. Raises FileRefused."""
    columns = _match_headings(spec, table)
    example = [c.example if c else "" for c in columns]
    rows = [(number, cells) for number, cells in table.rows if cells != example]
    problems = [_masked(fault, columns) for fault in table.faults]
    parsed: dict[str, list[Any]] = {}
    for index, column in enumerate(columns):
        if column is not None:
            cells = [cells[index].strip() for _, cells in rows]
            parsed[column.field] = _parse_cells(column, cells, _reader_of(column, cells, places), rows, index, table, problems)
    checked = _join(parsed, rows)
    bad_numbers = {problem.row for problem in problems}
    where = {column.field: (index, column) for index, column in enumerate(columns) if column is not None}
    for (number, cells), row in zip(rows, checked, strict=True):
        if number not in bad_numbers:
            for check in spec.checks:
                for name, what, remedy in check(row):
                    index, column = where.get(name) or next(iter(where.values()))
                    problems.append(_problem(table, number, index, column, cells[index], what, remedy))
    problems += _repeated(spec, table, rows, checked, where)
    bad_numbers = {problem.row for problem in problems}
    return CheckedTable(
        rows=[(number, row) for (number, _), row in zip(rows, checked, strict=True) if number not in bad_numbers],
        bad=[(number, cells) for number, cells in rows if number in bad_numbers],
        problems=sorted(problems, key=lambda p: (p.row, len(p.column), p.column)),
        headings=table.headings,
    )


def _match_headings(spec: ImportSpec, table: Table) -> list[Column | None]:
    by_heading = {heading: column for column in spec.columns for heading in column.headings}
    found: list[Column | None] = []
    problems: list[CellProblem] = []

    def refuse(index: int, heading: str, what: T, remedy: T) -> None:
        problems.append(CellProblem(table.sheet, table.heading_row, column_letter(index), heading, heading, what, remedy))

    for index, heading in enumerate(table.headings):
        column = by_heading.get(plain_heading(heading))
        if not heading:
            if any(cells[index] for _, cells in table.rows):
                refuse(
                    index,
                    heading,
                    T("这一列没有表头", "this column has no heading"),
                    T("补上列名或删去该列", "Name the column or remove it"),
                )
        elif column is None:
            like = get_close_matches(plain_heading(heading), list(by_heading), 1, 0.5)
            hint = by_heading[like[0]].label if like else T("见模板", "see the template")
            refuse(
                index,
                heading,
                T("不认识的列", "unknown column"),
                T(f"是不是“{hint.zh}”？请改名或删去", f"Perhaps '{hint.en}'? Rename or remove it"),
            )
        elif column in found:
            refuse(index, heading, T("列重复出现", "the column stands twice"), T("只留一列", "Keep one of them"))
        found.append(column)
    for column in spec.columns:
        if column.required and column not in found:
            refuse(len(table.headings), column.label.zh, T(f"缺少“{column.label.zh}”列", f"the column '{column.label.en}' is missing"), T("请用模板", "Use the template"))  # fmt: skip
    if problems:
        raise FileRefused(
            T(f"表头有 {len(problems)} 处问题，没有读取数据。", f"{len(problems)} problems in the headings; no row was read."),
            T("请对照模板修改表头。", "Correct the headings after the template."),
            problems,
        )
    return found


def _reader_of(column: Column, cells: Sequence[str], places: Mapping[str, int]) -> Callable[[str], Any]:
    if column.is_place:
        return lambda cell: _look_up(places, cell, T("不在您管辖的村居名单里", "not one of the villages you answer for"))
    if column.reads:
        label, name = column.reads
        known = rows_by_key(label, name, cells)
        return lambda cell: _look_up(known, cell, T("登记册里没有这个编号", "no such number in the register"))
    return column.parse


def _look_up(known: Mapping[str, int], cell: str, said: T) -> int:
    if cell not in known:
        raise CellRefused(said, T("请核对，或先导入它", "Check it, or bring it in first"))
    return known[cell]


def _parse_cells(
    column: Column,
    cells: Sequence[str],
    read: Callable[[str], Any],
    rows: Sequence[tuple[int, list[str]]],
    index: int,
    table: Table,
    problems: list[CellProblem],
) -> list[Any]:
    """Values of one column; each distinct text is read once."""
    values: list[Any] = []
    known: dict[str, Any] = {"": CellRefused(T("必填", "required"), T("请补填", "Fill it in")) if column.required else None}
    for at, cell in enumerate(cells):
        if cell not in known:
            try:
                known[cell] = read(cell)
            except Refusal as refused:
                known[cell] = refused
        value = known[cell]
        if isinstance(value, Refusal):
            remedy = value.remedy or T("请核对", "Check it")
            problems.append(_problem(table, rows[at][0], index, column, cell, value.said, remedy))
            value = None
        values.append(value)
    return values


def _problem(table: Table, number: int, index: int, column: Column, cell: str, what: T, remedy: T) -> CellProblem:
    return CellProblem(
        table.sheet, number, column_letter(index), column.label.zh, mask_numbers(column.shown(cell.strip()))[:60], what, remedy
    )


def _masked(fault: CellProblem, columns: Sequence[Column | None]) -> CellProblem:
    secret = any(column and column.is_secret and column_letter(i) == fault.column for i, column in enumerate(columns))
    return replace(fault, value="***" if secret else mask_numbers(fault.value))


def _join(parsed: Mapping[str, Sequence[Any]], rows: Sequence[object]) -> list[dict[str, Any]]:
    names = list(parsed)
    return [dict(zip(names, values, strict=True)) for values in zip(*parsed.values(), strict=True)] if rows else []


def _repeated(
    spec: ImportSpec,
    table: Table,
    rows: Sequence[tuple[int, list[str]]],
    checked: Sequence[Mapping[str, Any]],
    where: Mapping[str, tuple[int, Column]],
) -> Iterator[CellProblem]:
    """The same key twice in one file: the second one is the problem, and it names the first."""
    if spec.key not in where:
        return
    index, column = where[spec.key]
    first: dict[Any, int] = {}
    for (number, cells), row in zip(rows, checked, strict=True):
        value = row[spec.key]
        if value is None:
            continue
        before = first.setdefault(value, number)
        if before != number:
            what = T(f"与第 {before} 行重复", f"the same as row {before}")
            yield _problem(table, number, index, column, cells[index], what, T("删去其中一行", "Remove one of the two"))
