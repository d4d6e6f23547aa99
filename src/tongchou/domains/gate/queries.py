"""Reading the gate: rules in force, what a lane judges by, and stays for the tracers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tongchou.core.passes.queries import status_lists, trusted_keys
from tongchou.core.wording import T
from tongchou.domains.gate.checking import Book, Door
from tongchou.domains.gate.models import Device, EntryRules
from tongchou.domains.gate.rules import EntryRule, rule_for


def rule_from(body: Mapping[str, Any]) -> EntryRule:
    """An entry rule as it is kept."""
    return EntryRule(
        venue_classes=tuple(body["venue_classes"]),
        from_on=date.fromisoformat(body["from_on"]),
        to_on=date.fromisoformat(body["to_on"]) if body["to_on"] else None,
        test_hours=body["test_hours"],
        may_refuse=body["may_refuse"],
        source=T(**body["source"]),
        confidence=body["confidence"],
    )


def rules_in_force() -> tuple[EntryRule, ...]:
    """The rules of the latest version published; none before the first. One query."""
    published = EntryRules.objects.first()
    return tuple(map(rule_from, published.body["rules"])) if published else ()


def book_at(at: datetime, town: str, before: Book | None = None) -> Book:
    """What a lane judges by at an instant on the town's clock; keys that have not changed stay the same object. Six queries."""
    rules = rules_in_force()
    by_class: dict[str, EntryRule] = {}
    doors = {}
    # The venue by its column, not its model: a domain knows another's table by name only.
    held = Device.objects.filter(token_digest__isnull=False, revoked_at=None).order_by("pk")
    for digest, device, entrance, venue, kind in held.values_list(
        "token_digest", "pk", "entrance_id", "entrance__venue_id", "entrance__venue__venue_class"
    ):
        rule = by_class.setdefault(kind, rule_for(rules, kind, at.date()))
        doors[str(digest)] = Door(device, entrance, venue, rule)
    keys, lists = trusted_keys(at), status_lists(at)
    if before is not None and before.keys == keys:
        return Book(town, at, doors, before.keys, lists["revocation"], lists["suspension"])
    return Book(town, at, doors, keys, lists["revocation"], lists["suspension"])
