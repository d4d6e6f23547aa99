"""A file of reports: one row per stream and day, read into `Report`s with every wrong cell named."""

from dataclasses import dataclass
from typing import Any

from tongchou.core.errors import Invalid, Refusal
from tongchou.core.importing.columns import day, plain_heading, text
from tongchou.core.importing.tables import CellProblem, FileRefused, Table, column_letter, read_table
from tongchou.core.wording import T
from tongchou.domains.sentinels.reports import MOST_REASON, Report

# Field → headings a file may use; all but `reason` must be there.
HEADINGS = {
    "stream": (T("数据流", "Stream"), ("stream", "数据流编号", "stream code", "编号")),
    "day": (T("日期", "Day"), ("day", "date", "报告日")),
    "value": (T("数值", "Value"), ("value", "人数", "人次", "count")),
    "reason": (T("原因", "Reason"), ("reason", "说明", "备注")),
}
_FIELD_OF = {plain_heading(word): field for field, (label, others) in HEADINGS.items() for word in (label.zh, label.en, *others)}


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
            heading = next((HEADINGS[name][0].zh for name, at in self.columns.items() if at == column), "")
            found.append(CellProblem(self.sheet, number, column_letter(column), heading, "", problem.said, T("改正后重新上传整个文件", "Correct it and upload the whole file again")))  # fmt: skip
        return found


def read_reports(content: bytes) -> ReportFile:
    """Read a CSV (UTF-8, GB18030) or XLSX file. A reason in a row marks it as a correction or as an unusual value that is right. Raises FileRefused."""
    table = read_table(content, frozenset(_FIELD_OF))
    columns = _columns(table)
    reports, rows, problems = [], [], list(table.faults)
    for number, cells in table.rows:
        given = {name: cells[at].strip() for name, at in columns.items()}
        read: dict[str, Any] = {}
        for name, parse in (("day", day()), ("reason", text(MOST_REASON))):
            try:
                read[name] = parse(given.get(name, ""))
            except Refusal as refused:
                problems.append(CellProblem(table.sheet, number, column_letter(columns[name]), HEADINGS[name][0].zh, given[name][:60], refused.said, refused.remedy or refused.said))  # fmt: skip
        if len(read) == 2:
            sure = bool(read["reason"])
            reports.append(Report(given["stream"], read["day"], given["value"].replace(",", ""), None, sure, sure, read["reason"]))
            rows.append(number)
    return ReportFile(tuple(reports), tuple(rows), tuple(problems), columns, table.sheet)


def _columns(table: Table) -> dict[str, int]:
    found = {_FIELD_OF[plain]: at for at, heading in enumerate(table.headings) if (plain := plain_heading(heading)) in _FIELD_OF}
    if missing := [HEADINGS[name][0] for name in ("stream", "day", "value") if name not in found]:
        zh, en = "、".join(name.zh for name in missing), ", ".join(name.en for name in missing)
        raise FileRefused(
            T(f"缺少列：{zh}。", f"Columns missing: {en}."),
            T("第一行写：数据流、日期、数值、原因。", "Row 1 must say: Stream, Day, Value, Reason."),
        )
    return found
