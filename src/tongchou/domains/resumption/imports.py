"""Files of evidence: power, people at the gate, invoices of firms, each beside the firm's own usual figure. Every wrong cell is named."""

from dataclasses import dataclass
from datetime import date

from tongchou.core.identity import check_credit_code
from tongchou.core.importing.columns import CellRefused, Column, choice, day
from tongchou.core.importing.listing import read_list
from tongchou.core.wording import T
from tongchou.domains.resumption.rules import SOURCES


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One row of such a file."""

    row: int
    credit_code: str
    source: str
    from_on: date
    to_on: date
    value: float
    base: float


def _figure(cell: str) -> float:
    try:
        found = float(cell.replace(",", ""))
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e12:
        raise CellRefused(T("应为不小于 0 的数", "a number from 0 on"), T("不带单位", "without its unit"))
    return found


_COLUMNS = (
    Column("credit_code", T("统一社会信用代码", "Credit code"), check_credit_code, "", True, ("信用代码",)),
    Column("source", T("来源", "Kind"), choice(SOURCES), "", True, ("类型", "source")),
    Column("from_on", T("起日", "From"), day(date(2020, 1, 1)), "", True, ("开始",)),
    Column("to_on", T("止日", "To"), day(date(2020, 1, 1)), "", True, ("结束",)),
    Column("value", T("数值", "Value"), _figure, "", True, ("本期",)),
    Column("base", T("基数", "Base"), _figure, "", True, ("上年同期", "平时")),
)


def read_readings(content: bytes) -> list[ReadLine]:
    """A CSV or XLSX of readings. Raises FileRefused naming every wrong cell."""
    return [ReadLine(number, **read) for number, read in read_list(content, _COLUMNS)]
