"""Files of spot checks: lists of goods, results by bar code. Every wrong cell is named."""

from collections.abc import Mapping
from typing import Any

from tongchou.core.errors import Refusal
from tongchou.core.importing.columns import choice, plain_heading, text
from tongchou.core.importing.tables import CellProblem, FileRefused, Table, column_letter, read_table
from tongchou.core.wording import T
from tongchou.domains.spot_checks.actions_taking import Finding
from tongchou.domains.spot_checks.framing import Candidate
from tongchou.domains.spot_checks.rules import RESULTS

Headings = Mapping[str, tuple[T, tuple[str, ...]]]
GOODS: Headings = {
    "lot": (T("名称", "Name"), ("物品", "批次", "lot", "unit")),
    "stratum": (T("类别", "Kind"), ("层", "stratum")),
    "risk": (T("风险", "Risk"), ("risk",)),
}
FINDINGS: Headings = {
    "tube": (T("管码", "Tube"), ("条码", "采样管", "barcode", "tube")),
    "value": (T("结果", "Result"), ("检测结果", "result")),
    "reason": (T("原因", "Reason"), ("备注", "reason")),
}
ALL = "all"
_RESULT = choice(RESULTS)
_MEND = T("请改正后重新上传整个文件。", "Correct them and upload the whole file again.")


def read_goods(content: bytes) -> list[Candidate]:
    """A CSV or XLSX of goods: name, and if wanted kind (the stratum) and risk. Raises FileRefused naming every wrong cell."""
    seen: set[str] = set()

    def one(given: Mapping[str, str]) -> Candidate:
        lot = text(120)(given["lot"])
        if not lot:
            raise Refusal(T("名称为空", "the name is empty"))
        if lot in seen:
            raise Refusal(T("名称重复", "the name stands twice"))
        seen.add(lot)
        return Candidate(lot, text(40)(given.get("stratum", "")) or ALL, None, _risk(given.get("risk", "")))

    return _rows(content, GOODS, ("lot",), one)


def _risk(cell: str) -> float:
    try:
        found = float(cell or 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1000:
        raise Refusal(T("风险应为 0 至 1000 的数", "a risk is a number from 0 to 1000"))
    return found


def read_findings(content: bytes) -> list[Finding]:
    """A CSV or XLSX of results by bar code. Raises FileRefused naming every wrong cell."""
    return _rows(
        content,
        FINDINGS,
        ("tube", "value"),
        lambda given: Finding(given["tube"], _RESULT(given["value"]), text(200)(given.get("reason", ""))),
    )


def _rows(content: bytes, headings: Headings, needed: tuple[str, ...], one: Any) -> list[Any]:
    field_of = {plain_heading(word): name for name, (label, others) in headings.items() for word in (label.zh, label.en, *others)}
    table = read_table(content, frozenset(field_of))
    columns = {field_of[plain]: at for at, heading in enumerate(table.headings) if (plain := plain_heading(heading)) in field_of}
    if lacking := [headings[name][0] for name in needed if name not in columns]:
        zh, en = "、".join(label.zh for label in lacking), ", ".join(label.en for label in lacking)
        raise FileRefused(T(f"缺少列：{zh}。", f"Columns missing: {en}."), T("第一行写列名。", "Row 1 must hold the headings."))
    rows, problems = [], list(table.faults)
    for number, cells in table.rows:
        try:
            rows.append(one({name: cells[at].strip() for name, at in columns.items()}))
        except Refusal as refused:
            problems.append(_problem(table, number, cells, columns, refused))
    if problems or not rows:
        said = (
            T("文件有误，一行也没有收。", "The file has wrong cells; not one row was kept.")
            if problems
            else T("文件里没有数据。", "The file holds no rows.")
        )
        raise FileRefused(said, _MEND, problems)  # fmt: skip
    return rows


def _problem(table: Table, row: int, cells: list[str], columns: Mapping[str, int], refused: Refusal) -> CellProblem:
    first = min(columns.values())
    return CellProblem(
        table.sheet, row, column_letter(first), table.headings[first], cells[first][:60], refused.said, refused.remedy or _MEND
    )
