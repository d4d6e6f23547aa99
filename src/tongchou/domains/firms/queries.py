"""Reading what is known of firms."""

from collections.abc import Iterator
from typing import Any

from tongchou.core.errors import Unseen
from tongchou.domains.firms.models import FirmAddress, FirmFact
from tongchou.domains.firms.rules import address_digest


def facts_of(firm: int) -> dict[str, FirmFact]:
    """Field → the fact of a firm that stands. One query."""
    return {row.field: row for row in FirmFact.objects.filter(firm=firm, ended_at=None).select_related("by").order_by("field")}


def facts_below(path: str) -> Iterator[tuple[int, str, str]]:
    """(firm, field, value) of all firms below a place. One query."""
    rows = FirmFact.objects.filter(ended_at=None, firm__place__path__startswith=path)
    return iter(rows.order_by("field", "firm_id").values_list("firm_id", "field", "value").iterator(chunk_size=20_000))


def firm_behind(token: str) -> Any:
    """The firm, with its place, whose page the address that ends in `token` is. Raises Unseen."""
    row = FirmAddress.objects.select_related("firm__place").filter(digest=address_digest(token), ended_at=None).first()
    if row is None:
        raise Unseen("firm")
    return row.firm
