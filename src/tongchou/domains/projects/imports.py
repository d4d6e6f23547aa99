"""Files of monthly investment: one row per project and month. Every wrong cell is named, and not one row is kept then."""

import re
from datetime import date

from tongchou.core.importing.columns import Column, code, day, whole
from tongchou.core.importing.listing import read_list
from tongchou.core.wording import T
from tongchou.domains.projects.actions import MOST_CNY_10K, Spent


def _month(cell: str) -> date:
    """A month, or any day of it."""
    found = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})月?", cell)
    read: date = day(date(2000, 1, 1))(f"{found[1]}-{found[2]}-01" if found else cell)
    return read.replace(day=1)


_COLUMNS = (
    Column("number", T("项目编号", "Project"), code(r"XM-[0-9]{4}-[0-9]{4,}", T("XM-年份-序号", "XM-year-number")), "XM-2022-0001", True, ("编号",)),
    Column("month", T("月份", "Month"), _month, "2022-05", True, ("年月",)),
    Column("cny_10k", T("完成投资（万元）", "Invested (10,000 yuan)"), whole(0, MOST_CNY_10K), "1200", True, ("完成投资", "投资额")),
)  # fmt: skip


def read_spending(content: bytes) -> list[Spent]:
    """A CSV or XLSX of monthly investment. Raises FileRefused naming every wrong cell."""
    return [Spent(**read) for _, read in read_list(content, _COLUMNS)]
