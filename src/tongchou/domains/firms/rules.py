"""Where the facts of a firm come from, what the register says of it in the words of policies, and the secret of its own address. Pure."""

import hmac
from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256

from tongchou.core.wording import T

SOURCES: Mapping[str, T] = {
    "office": T("部门或镇里核实", "checked by an office"),
    "firm": T("企业自己填报", "told by the firm"),
    "generated": T("演示数据", "generated for the demonstration"),
}
REGISTER = T("企业登记", "the register")
# How a firm's place is taken by another, or by none.
SUCCESSIONS: Mapping[str, T] = {
    "merged": T("并入另一家", "merged into another"),
    "split": T("分立出另一家", "another split off"),
    "moved": T("迁出本镇", "moved away"),
    "struck_off": T("注销", "struck off"),
}
# First two characters of the credit code: GB 32100-2015, registering body and kind of body.
_ENTITIES = {"91": "firm", "92": "self_employed", "93": "firm", "51": "nonprofit", "52": "nonprofit", "53": "nonprofit"}


def entity_of(credit_code: str) -> str | None:
    """firm, self_employed or nonprofit by the credit code (a farmers' cooperative counts as a firm); None for other bodies."""
    return _ENTITIES.get(credit_code[:2])


def register_facts(
    *, credit_code: str, size_class: str, industry: str, staff_count: int, revenue_cny_10k: int, assets_cny_10k: int | None, district: str
) -> dict[str, str]:
    """What follows from a firm's row of the register, by the names of policies. A figure of 0 is one that nobody gave."""
    found = {
        "kind": entity_of(credit_code),
        "size": size_class,
        "gbt": industry,
        "district": district,
        "annual_sales": _yuan(revenue_cny_10k),
        "small_low_profit.employees": str(staff_count) if staff_count else None,
        "small_low_profit.assets": _yuan(assets_cny_10k),
    }
    return {name: value for name, value in found.items() if value}


def _yuan(cny_10k: int | None) -> str | None:
    return str(cny_10k * 10_000) if cny_10k else None


def address_token(key: bytes, firm: int, number: int) -> str:
    """The secret end of a firm's `number`-th address: 160 bits made from the installation's key, so that it can be printed again and is kept nowhere."""
    digest = hmac.digest(key, f"firm address {firm} {number}".encode(), sha256)[:20]
    return b32encode(digest).decode().lower()
