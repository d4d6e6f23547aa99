"""Reading the gate: rules in force, what a lane judges by, and stays for the tracers."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, Q, When

from tongchou.core.errors import Unseen
from tongchou.core.passes.queries import standing_passes, status_lists, trusted_keys
from tongchou.core.passes.tokens import HIGHEST_HOLDER, Pass
from tongchou.core.people.rules import Actor
from tongchou.core.secrecy import blind_index, token_digest
from tongchou.core.wording import T
from tongchou.domains.gate.checking import Book, Door
from tongchou.domains.gate.models import Appeal, Device, EntryRules, Holder
from tongchou.domains.gate.rules import DeviceKind, EntryRule, rule_for

NO_PASS = -1  # the place in the status lists of somebody who has no pass: in none of them


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
        takes_permits=body.get("takes_permits", False),
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
    held = Device.objects.filter(kind="scanner", token_digest__isnull=False, revoked_at=None).order_by("pk")
    for digest, device, entrance, venue, kind in held.values_list(
        "token_digest", "pk", "entrance_id", "entrance__venue_id", "entrance__venue__venue_class"
    ):
        rule = by_class.setdefault(kind, rule_for(rules, kind, at.date()))
        doors[str(digest)] = Door(device, entrance, venue, rule)
    keys, lists = trusted_keys(at), status_lists(at)
    if before is not None and before.keys == keys:
        return Book(town, at, doors, before.keys, lists["revocation"], lists["suspension"])
    return Book(town, at, doors, keys, lists["revocation"], lists["suspension"])


def passes_by_card(cards: Collection[str], town: str, at: datetime) -> dict[str, Pass]:
    """What the house knows of people by the numbers of their identity cards, as if each had shown a pass without end; unknown cards are left out.

    Suspended is who has a suspended pass; a pass that was lost and revoked says nothing of its holder. Three queries.
    """
    by_index = {blind_index(card): card for card in cards}
    found: dict[int, tuple[str, datetime | None]] = {}
    for column in ("id_index", "resident__id_index"):
        rows = Holder.objects.filter(**{f"{column}__in": list(by_index)}).order_by().values_list(column, "number", "sampled_at")
        found |= {number: (by_index[bytes(index)], sampled_at) for index, number, sampled_at in rows}
    numbers = {holder: issued.pk for holder, issued in standing_passes(found, at).items()}
    return {
        card: Pass(
            town, "entry", holder, numbers.get(holder, NO_PASS), 0, HIGHEST_HOLDER, {"sampled_at": int(at.timestamp())} if at else {}
        )
        for holder, (card, at) in found.items()
    }


def device_of(token: str, kind: DeviceKind = "scanner") -> Device:
    """The device of a kind that holds a token and may still be trusted, with its entrance, venue and place. Raises Unseen. One query."""
    rows = Device.objects.select_related("entrance__place", "entrance__venue")
    held = rows.filter(token_digest=token_digest(token), kind=kind, revoked_at=None).first()
    if held is None:
        raise Unseen("device")
    return held


def seen_holders(numbers: Collection[int], actor: Actor) -> list[Holder]:
    """Holders by number, whom the actor may give passes. Raises Unseen when one of them is nobody, or somebody else's. One query."""
    rows = Holder.objects.select_related("place", "resident__place", "proxy__resident").filter(number__in=list(numbers)).order_by("number")
    found = [row for row in rows if actor.may("pass.issue", row.place_path)]
    if len(found) != len(set(numbers)):
        raise Unseen("holder")
    return found


def seen_appeal(number: str, actor: Actor) -> Appeal:
    """An appeal that the actor may see. Raises Unseen."""
    rows = Appeal.objects.select_related("dossier__place", "dossier__owner_post", "entrance", "device")
    found = rows.filter(dossier__number=number).first()
    if found is None or not actor.may("gate.read", found.place_path):
        raise Unseen("appeal")
    return found


def appeals_for(actor: Actor, *, at_most: int = 200) -> list[Appeal]:
    """Appeals in the actor's places: those that wait first, the one whose time runs out soonest on top, then the latest decided. One query."""
    scopes = actor.scopes("gate.read")
    waiting = Case(When(dossier__closed_at=None, then=0), default=1)
    inside = reduce(or_, (Q(dossier__place__path__startswith=path) for path in scopes), Q(pk=None))
    rows = Appeal.objects.filter(inside).select_related("dossier__place", "entrance")
    return list(rows.annotate(waiting=waiting).order_by("waiting", "refused_at")[:at_most])
