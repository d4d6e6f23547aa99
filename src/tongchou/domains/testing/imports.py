"""Files of testing: lists of people by identity number, results by bar code. Every wrong cell is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.core.errors import Refusal
from tongchou.core.identity import check_resident_id, mask_resident_id
from tongchou.core.importing.columns import choice, plain_heading, text
from tongchou.core.importing.tables import CellProblem, FileRefused, Table, column_letter, read_table
from tongchou.core.wording import T
from tongchou.domains.testing.actions_laboratory import Finding
from tongchou.domains.testing.rules import GROUPS, RESULTS

Headings = Mapping[str, tuple[T, tuple[str, ...]]]
PEOPLE: Headings = {
    "id_number": (T("身份证号", "Identity number"), ("身份证号码", "证件号码", "id_number")),
    "group": (T("人群", "Group"), ("重点人群", "岗位", "group")),
}
FINDINGS: Headings = {
    "tube": (T("管码", "Tube"), ("条码", "采样管", "barcode", "tube")),
    "value": (T("结果", "Result"), ("检测结果", "result")),
    "tested_at": (T("检测时间", "Tested at"), ("时间", "tested_at")),
    "reason": (T("原因", "Reason"), ("备注", "reason")),
}
_RESULT, _GROUP = choice(RESULTS), choice({k: v for k, v in GROUPS.items() if k != "resident"})
WRONG = T("文件有误，一行也没有收。", "The file has wrong cells; not one row was kept.")
MEND = T("请改正后重新上传整个文件。", "Correct them and upload the whole file again.")


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list of people; `group` is empty when the file has none."""

    row: int
    id_number: str
    group: str


def read_people(content: bytes, *, with_group: bool = False) -> list[Listed]:
    """A CSV or XLSX of identity numbers, with the group of regular testing if asked for. Raises FileRefused naming every wrong cell, numbers masked."""
    table = read_table(content, _known(PEOPLE))
    columns = _columns(table, PEOPLE, ("id_number", "group") if with_group else ("id_number",))
    rows, problems = [], list(table.faults)
    for number, cells in table.rows:
        try:
            field = "id_number"
            id_number = check_resident_id(cells[columns["id_number"]])
            field = "group"
            rows.append(Listed(number, id_number, _GROUP(cells[columns["group"]].strip()) if with_group else ""))
        except Refusal as refused:
            problems.append(_problem(table, number, columns[field], cells, refused, mask_resident_id if field == "id_number" else str))
    return _whole(rows, problems)


def read_findings(content: bytes, zone: ZoneInfo) -> list[Finding]:
    """A CSV or XLSX of results; instants without a zone are on the town's clock. Raises FileRefused naming every wrong cell."""
    table = read_table(content, _known(FINDINGS))
    columns = _columns(table, FINDINGS, ("tube", "value", "tested_at"))
    reason = text(200)
    rows, problems = [], list(table.faults)
    for number, cells in table.rows:
        given = {name: cells[at].strip() for name, at in columns.items()}
        field = "value"
        try:
            value = _RESULT(given["value"])
            field = "tested_at"
            tested_at = _instant(given["tested_at"], zone)
            field = "reason"
            rows.append(Finding(given["tube"], value, tested_at, reason(given.get("reason", ""))))
        except Refusal as refused:
            problems.append(_problem(table, number, columns[field], cells, refused, str))
    return _whole(rows, problems)


def _whole(rows: list[Any], problems: list[CellProblem]) -> list[Any]:
    if problems or not rows:
        raise FileRefused(WRONG if problems else T("文件里没有数据。", "The file holds no rows."), MEND, problems)
    return rows


def _instant(cell: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(cell.replace("/", "-").replace(" ", "T"))
    except ValueError:
        raise Refusal(T("不是有效时间", "not an instant"), T("写成 2022-06-02 19:00", "Write 2022-06-02 19:00")) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _known(headings: Headings) -> frozenset[str]:
    return frozenset(plain_heading(w) for label, others in headings.values() for w in (label.zh, label.en, *others))


def _columns(table: Table, headings: Headings, needed: tuple[str, ...]) -> dict[str, int]:
    field_of = {plain_heading(w): name for name, (label, others) in headings.items() for w in (label.zh, label.en, *others)}
    found = {field_of[plain]: at for at, heading in enumerate(table.headings) if (plain := plain_heading(heading)) in field_of}
    if lacking := [headings[name][0] for name in needed if name not in found]:
        zh, en = "、".join(label.zh for label in lacking), ", ".join(label.en for label in lacking)
        raise FileRefused(T(f"缺少列：{zh}。", f"Columns missing: {en}."), T("第一行写列名。", "Row 1 must hold the headings."))
    return found


def _problem(table: Table, row: int, column: int, cells: list[str], refused: Refusal, shown: object) -> CellProblem:
    mask = shown if callable(shown) else str
    return CellProblem(
        table.sheet, row, column_letter(column), table.headings[column], mask(cells[column])[:60], refused.said, refused.remedy or MEND
    )
