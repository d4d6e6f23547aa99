"""Files of spot checks: lists of goods, results by bar code. Every wrong cell is named."""

from dataclasses import replace

from tongchou.core.errors import Refusal
from tongchou.core.importing.columns import Column, choice, text
from tongchou.core.importing.listing import read_list
from tongchou.core.wording import T
from tongchou.domains.spot_checks.actions_taking import Finding
from tongchou.domains.spot_checks.framing import Candidate
from tongchou.domains.spot_checks.rules import RESULTS

ALL = "all"
_LOT = Column("lot", T("名称", "Name"), text(120), "", True, ("物品", "批次", "unit"))
_STRATUM = Column("stratum", T("类别", "Kind"), text(40), "", aliases=("层",))
_FINDINGS = (
    Column("tube", T("管码", "Tube"), text(32), "", True, ("条码", "采样管", "barcode")),
    Column("value", T("结果", "Result"), choice(RESULTS), "", True, ("检测结果",)),
    Column("reason", T("原因", "Reason"), text(200), "", aliases=("备注",)),
)


def read_goods(content: bytes) -> list[Candidate]:
    """A CSV or XLSX of goods: name, and if wanted kind (the stratum) and risk. Raises FileRefused naming every wrong cell."""
    seen: set[str] = set()

    def once(cell: str) -> str:
        lot = str(_LOT.parse(cell))
        if lot in seen:
            raise Refusal(T("名称重复", "the name stands twice"))
        seen.add(lot)
        return lot

    rows = read_list(content, (replace(_LOT, parse=once), _STRATUM, Column("risk", T("风险", "Risk"), _risk, "")))
    return [Candidate(read["lot"], read["stratum"] or ALL, None, 1.0 if read["risk"] == "" else read["risk"]) for _, read in rows]


def _risk(cell: str) -> float:
    try:
        found = float(cell)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1000:
        raise Refusal(T("风险应为 0 至 1000 的数", "a risk is a number from 0 to 1000"))
    return found


def read_findings(content: bytes) -> list[Finding]:
    """A CSV or XLSX of results by bar code. Raises FileRefused naming every wrong cell."""
    return [Finding(**read) for _, read in read_list(content, _FINDINGS)]
