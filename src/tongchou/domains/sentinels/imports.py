"""A file of reports: one row per stream and day, read into `Report`s with every wrong cell named."""

from dataclasses import dataclass
from typing import Any

from tongchou.core.errors import Invalid, Refusal
from tongchou.core.importing.columns import Column, day, text
from tongchou.core.importing.listing import read_columns
from tongchou.core.importing.tables import CellProblem, column_letter
from tongchou.core.wording import T
from tongchou.domains.sentinels.reports import MOST_REASON, Report

COLUMNS = (
    Column("stream", T("数据流", "Stream"), str, "", True, ("数据流编号", "stream code", "编号")),
    Column("day", T("日期", "Day"), day(), "", True, ("date", "报告日")),
    Column("value", T("数值", "Value"), str, "", True, ("人数", "人次", "count")),
    Column("reason", T("原因", "Reason"), text(MOST_REASON), "", aliases=("说明", "备注")),
)
_LABELS = {column.field: column.label.zh for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The reports of a file with the number of each row, and every cell that could not be read."""

    reports: tuple[Report, ...]
    rows: tuple[int, ...]
    problems: tuple[CellProblem, ...]
    columns: dict[str, int]
    sheet: str

    def placed(self, refusal: Invalid) -> list[CellProblem]:
        """The problems an action named (`rows[3].value`), back at their cells of the file."""
        found = []
        for problem in refusal.problems:
            row, _, field = problem.field.removeprefix("rows[").partition("].")
            column = self.columns.get({"correction": "value"}.get(field, field), 0)
            number = self.rows[int(row) - 1] if row.isdecimal() else 0
            heading = next((_LABELS[name] for name, at in self.columns.items() if at == column), "")
            found.append(CellProblem(self.sheet, number, column_letter(column), heading, "", problem.said, T("改正后重新上传整个文件", "Correct it and upload the whole file again")))  # fmt: skip
        return found


def read_reports(content: bytes) -> ReportFile:
    """Read a CSV (UTF-8, GB18030) or XLSX file. A reason in a row marks it as a correction or as an unusual value that is right. Raises FileRefused."""
    table, columns = read_columns(content, COLUMNS)
    reports, rows, problems = [], [], list(table.faults)
    for number, cells in table.rows:
        given = {name: cells[at].strip() for name, at in columns.items()}
        read: dict[str, Any] = {}
        for name, parse in ((column.field, column.parse) for column in COLUMNS[1::2]):
            try:
                read[name] = parse(given.get(name, ""))
            except Refusal as refused:
                problems.append(CellProblem(table.sheet, number, column_letter(columns[name]), _LABELS[name], given[name][:60], refused.said, refused.remedy or refused.said))  # fmt: skip
        if len(read) == 2:
            sure = bool(read["reason"])
            reports.append(Report(given["stream"], read["day"], given["value"].replace(",", ""), None, sure, sure, read["reason"]))
            rows.append(number)
    return ReportFile(tuple(reports), tuple(rows), tuple(problems), columns, table.sheet)
