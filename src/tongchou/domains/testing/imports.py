"""Files of testing: lists of people by identity number, results by bar code. Every wrong cell is named."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tongchou.core.errors import Refusal
from tongchou.core.identity import check_resident_id, mask_resident_id
from tongchou.core.importing.columns import Column, choice, text
from tongchou.core.importing.listing import read_list
from tongchou.core.wording import T
from tongchou.domains.testing.actions_laboratory import Finding
from tongchou.domains.testing.rules import GROUPS, RESULTS

_ID = Column("id_number", T("身份证号", "Identity number"), check_resident_id, "", True, ("身份证号码", "证件号码"), mask=mask_resident_id)
_GROUP = Column("group", T("人群", "Group"), choice({k: v for k, v in GROUPS.items() if k != "resident"}), "", True, ("重点人群", "岗位"))
_UNIT = Column("unit", T("单位", "Unit"), text(80), "", aliases=("工作单位", "企业", "employer"))
_TESTED_AT = Column("tested_at", T("检测时间", "Tested at"), str, "", True, ("时间",))
_FINDINGS = (
    Column("tube", T("管码", "Tube"), text(32), "", True, ("条码", "采样管", "barcode")),
    Column("value", T("结果", "Result"), choice(RESULTS), "", True, ("检测结果",)),
    Column("reason", T("原因", "Reason"), text(200), "", aliases=("备注",)),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list of people; group and unit are empty when the file has none."""

    row: int
    id_number: str
    group: str
    unit: str = ""


def read_people(content: bytes, *, with_group: bool = False) -> list[Listed]:
    """A CSV or XLSX of identity numbers, with the group of regular testing and the unit if asked for. Raises FileRefused naming every wrong cell, numbers masked."""
    columns = (_ID, _GROUP, _UNIT) if with_group else (_ID,)
    return [Listed(number, read["id_number"], read.get("group", ""), read.get("unit", "")) for number, read in read_list(content, columns)]


def read_findings(content: bytes, zone: ZoneInfo) -> list[Finding]:
    """A CSV or XLSX of results; instants without a zone are on the town's clock. Raises FileRefused naming every wrong cell."""
    columns = (*_FINDINGS, replace(_TESTED_AT, parse=lambda cell: _instant(cell, zone)))
    return [Finding(**read) for _, read in read_list(content, columns)]


def _instant(cell: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(cell.replace("/", "-").replace(" ", "T"))
    except ValueError:
        raise Refusal(T("不是有效时间", "not an instant"), T("写成 2022-06-02 19:00", "Write 2022-06-02 19:00")) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
