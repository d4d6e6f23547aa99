"""Reading what is known of firms."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import F, Q

from tongchou.core.errors import Unseen
from tongchou.core.secrecy import token_digest
from tongchou.domains.firms.models import FirmAddress, FirmFact, FirmPremises, Succession


def facts_of(firm: int) -> dict[str, FirmFact]:
    """Field → the fact of a firm that stands. One query."""
    return {row.field: row for row in FirmFact.objects.filter(firm=firm, ended_at=None).select_related("by").order_by("field")}


def facts_below(path: str) -> Iterator[tuple[int, str, str]]:
    """(firm, field, value) of all firms below a place. One query."""
    rows = FirmFact.objects.filter(ended_at=None, firm__place__path__startswith=path)
    return iter(rows.order_by("field", "firm_id").values_list("firm_id", "field", "value").iterator(chunk_size=20_000))


def firm_behind(token: str) -> Any:
    """The firm, with its place, whose page the address that ends in `token` is. Raises Unseen."""
    row = FirmAddress.objects.select_related("firm__place").filter(digest=token_digest(token), ended_at=None).first()
    if row is None:
        raise Unseen("firm")
    return row.firm


def successions_of(firm: int) -> list[Succession]:
    """What became of a firm, and what it came from, latest first. One query."""
    rows = Succession.objects.filter(Q(firm=firm) | Q(successor=firm)).select_related("firm__place", "successor__place")
    return list(rows.order_by("-on", "-pk"))


def split_from() -> list[tuple[int, int]]:
    """(firm, the one split off it). One query."""
    return list(Succession.objects.filter(kind="split").order_by("pk").values_list("firm_id", "successor_id"))


def premises_of(firm: int) -> list[FirmPremises]:
    """Further places of a firm, those it still has first. One query."""
    return list(FirmPremises.objects.filter(firm=firm).select_related("place").order_by(F("to_on").desc(nulls_first=True), "pk"))


def further_paths(firm: int, on: date) -> list[str]:
    """Paths of the further places that a firm has on a day. One query."""
    rows = FirmPremises.objects.filter(Q(to_on=None) | Q(to_on__gte=on), firm=firm, from_on__lte=on)
    return list(rows.values_list("place__path", flat=True))
