"""Reading the registers: how many where, how far the economy is back, and one page of a list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat

from tongchou.core.errors import Unseen
from tongchou.core.identity import IdentityProblem, check_mobile, check_resident_id
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.registry.models import Firm, RegisterRow
from tongchou.domains.registry.rules import SECTIONS

FEW_PLACES = 3


@dataclass(frozen=True, slots=True)
class ResumptionShare:
    """How many firms of one sector or village are back at work: counts of firms and of staff."""

    key: str
    name: T
    firm_count: int
    resumed_count: int  # at work, full capacity included
    full_count: int
    staff_count: int
    resumed_staff_count: int

    @property
    def resumed_share(self) -> float | None:
        return self.resumed_count / self.firm_count if self.firm_count else None

    @property
    def full_share(self) -> float | None:
        return self.full_count / self.firm_count if self.firm_count else None


_RESUMED = Q(resumption__in=["resumed", "full"])


def living_firms() -> QuerySet[Firm]:
    """Firms that have not ended: what is counted, matched with policies and visited."""
    return Firm.objects.filter(ended_on=None)


def firm_for(number: int | str, actor: Actor, needs: str) -> Firm:
    """A firm by its row number, plain or as typed, for an actor who holds `needs` where it is registered. Raises Unseen. One query."""
    typed = str(number)
    row = Firm.objects.select_related("place").filter(pk=int(typed)).first() if typed.isdecimal() and len(typed) < 19 else None
    if row is None or not actor.may(needs, row.place_path):
        raise Unseen("firm")
    return row


def _shares(rows: Iterable[Mapping[str, Any]], names: Mapping[Any, T]) -> list[ResumptionShare]:
    return [
        ResumptionShare(
            str(row["key"]), names[row["key"]], row["firms"], row["resumed"], row["full"], row["staff"] or 0, row["resumed_staff"] or 0
        )
        for row in rows
        if row["key"] in names
    ]


def _counted(by: str, path: str) -> QuerySet[Any, Any]:
    return (
        living_firms()
        .filter(place_id__in=list(places_below(path).values_list("pk", flat=True)))
        .values(key=F(by))
        .annotate(
            firms=Count("pk"),
            resumed=Count("pk", filter=_RESUMED),
            full=Count("pk", filter=Q(resumption="full")),
            staff=Sum("staff_count"),
            resumed_staff=Sum("staff_count", filter=_RESUMED),
        )
        .order_by("key")
    )


def resumption_by_sector(path: str) -> list[ResumptionShare]:
    """Firms below a place by section of GB/T 4754, largest first. Two queries."""
    return sorted(_shares(_counted("section", path), SECTIONS), key=lambda share: -share.firm_count)


def resumption_by_place(path: str) -> list[ResumptionShare]:
    """Firms below a place by village; `key` is the place's id. Three queries at most."""
    names = {place.pk: place.name for place in places_below(path)}
    return _shares(_counted("place_id", path), names)


def resumption_total(shares: Iterable[ResumptionShare]) -> ResumptionShare:
    """All sectors or villages together. No query."""
    listed = list(shares)
    return ResumptionShare(
        "all",
        T("全部企业", "All firms"),
        *(
            sum(getattr(s, name) for s in listed)
            for name in ("firm_count", "resumed_count", "full_count", "staff_count", "resumed_staff_count")
        ),
    )


def counts_by_place(spec: ImportSpec, place_ids: Iterable[int]) -> dict[int, int]:
    """Place id → rows of one register. One query over an index."""
    rows = spec.model._default_manager.filter(place_id__in=list(place_ids)).order_by().values_list("place_id")
    return dict(rows.annotate(n=Count("pk")))


def counts_by_register(place_ids: Iterable[int]) -> dict[str, int]:
    """Register name → rows in these places. One query a register."""
    wanted = list(place_ids)
    return {name: spec.model._default_manager.filter(place_id__in=wanted).count() for name, spec in SPECS.items()}


def places_seen(actor: Actor, town_path: str) -> list[Place]:
    """The places of the town whose registers the actor may read, in tree order. One query."""
    scopes = actor.scopes("register.read")
    return [place for place in places_below(town_path) if any(place.path.startswith(scope) for scope in scopes)]


def seen_rows(spec: ImportSpec, place_ids: Iterable[int]) -> QuerySet[Any]:
    """Rows of one register in these places, newest id last, with their place."""
    wanted = list(place_ids)
    rows: QuerySet[Any] = spec.model._default_manager.select_related("place").order_by("pk")
    if len(wanted) <= FEW_PLACES:
        return rows.filter(place_id__in=wanted)
    # Hidden from the planner: by the place index it would fetch and sort the whole town to show fifty rows.
    everywhere: QuerySet[Any] = rows.annotate(here=F("place_id") + 0).filter(here__in=wanted)
    return everywhere


def searched(rows: QuerySet[Any], spec: ImportSpec, words: str) -> QuerySet[Any]:
    """Rows that answer what was typed: a whole identity number or phone by its blind index, a code, else the start of a name."""
    words = words.strip()
    if not words:
        return rows
    exact = Q()
    for check, column in ((check_resident_id, "id_number"), (check_mobile, "phone")):
        if column in {c.field for c in spec.columns}:
            try:
                exact |= Q(**{spec.column(column).index_field: blind_index(check(words))})
            except IdentityProblem:
                continue
    if exact:
        return rows.filter(exact)
    if words[0].isascii() and any(sign.isdigit() for sign in words):
        key = spec.key if not spec.column(spec.key).is_secret else None
        code = {"resident": "household__code"}.get(spec.name, key)
        return rows.filter(Q(**{code or "name": words.upper()}) | Q(**{code or "name": words}))
    return rows.filter(_begins("name", words)).order_by(_name_order(), "pk")


def _begins(field: str, words: str) -> Q:
    if connection.vendor != "sqlite":
        return Q(**{f"{field}__startswith": words})
    # LIKE cannot use the index there; a range can.
    return Q(**{f"{field}__gte": words, f"{field}__lt": words[:-1] + chr(ord(words[-1]) + 1)})


def _name_order() -> Concat | F:
    """SQLite: the order of the index; a common family name would otherwise be fetched whole to be sorted. PostgreSQL sorts in its own

    language but finds the start of a word in another index: shown the bare column it walks the first through the whole town.
    """
    return F("name") if connection.vendor == "sqlite" else Concat(F("name"), Value(""))


def row_of(spec: ImportSpec, pk: int, place_ids: Iterable[int]) -> RegisterRow | None:
    """One row if it lies in these places; None otherwise, as if there were none. One query."""
    related = [column.field.removesuffix("_id") for column in spec.columns if column.reads]
    rows: QuerySet[Any] = spec.model._default_manager.select_related("place", "batch", *related)
    found: RegisterRow | None = rows.filter(pk=pk, place_id__in=list(place_ids)).first()
    return found
