"""Short lists by file that fill no register (people of a round, results by bar code, goods): every row of it or, naming each wrong cell, none."""

from collections.abc import Sequence
from typing import Any

from tongchou.core.errors import Refusal
from tongchou.core.importing.columns import CellRefused, Column, plain_heading
from tongchou.core.importing.tables import CellProblem, FileRefused, Table, column_letter, read_table
from tongchou.core.wording import T

MEND = T("请改正后重新上传整个文件。", "Correct them and upload the whole file again.")
_EMPTY = CellRefused(T("必填", "required"), T("请补填", "Fill it in"))


def read_columns(content: bytes, columns: Sequence[Column]) -> tuple[Table, dict[str, int]]:
    """The table of a file and field → where its column stands. Raises FileRefused naming the required columns that are not there."""
    by_heading = {heading: column for column in columns for heading in column.headings}
    table = read_table(content, frozenset(by_heading))
    at = {by_heading[plain].field: n for n, heading in enumerate(table.headings) if (plain := plain_heading(heading)) in by_heading}
    if lacking := [column.label for column in columns if column.required and column.field not in at]:
        zh, en = "、".join(label.zh for label in lacking), ", ".join(label.en for label in lacking)
        first = "、".join(column.label.zh for column in columns), ", ".join(column.label.en for column in columns)
        raise FileRefused(T(f"缺少列：{zh}。", f"Columns missing: {en}."), T(f"第一行写：{first[0]}。", f"Row 1 must say: {first[1]}."))
    return table, at


def read_list(content: bytes, columns: Sequence[Column]) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a CSV or XLSX with their numbers: field → what its column's parser makes of the cell, "" where it is empty or the column is not there.

    Other columns of the file are left alone. Raises FileRefused naming every wrong cell, shown as its column may be shown.
    """
    table, at = read_columns(content, columns)
    rows, problems = [], list(table.faults)
    for number, cells in table.rows:
        read: dict[str, Any] = {}
        for column in columns:
            cell = cells[at[column.field]].strip() if column.field in at else ""
            try:
                read[column.field] = _value(column, cell)
            except Refusal as refused:
                letter, heading = column_letter(at[column.field]), table.headings[at[column.field]]
                problems.append(
                    CellProblem(table.sheet, number, letter, heading, column.shown(cell)[:60], refused.said, refused.remedy or MEND)
                )
        rows.append((number, read))
    if problems or not rows:
        wrong = T("文件有误，一行也没有收。", "The file has wrong cells; not one row was kept.")
        raise FileRefused(wrong if problems else T("文件里没有数据。", "The file holds no rows."), MEND, problems)
    return rows


def _value(column: Column, cell: str) -> Any:
    if cell:
        return column.parse(cell)
    if column.required:
        raise _EMPTY
    return ""
