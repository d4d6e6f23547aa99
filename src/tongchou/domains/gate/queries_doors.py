"""Doors as the office and the inspectors see them: who stands there, and what is odd about it. No person is named."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.apps import apps
from django.db.models import Case, Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce, TruncDate

from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import duration_of, values_on
from tongchou.core.people.rules import Actor
from tongchou.domains.gate.models import CountedScans, DoorDay, Entrance, Scan
from tongchou.domains.gate.rules import FEW_SHARE, NO_LIMITS, ODDITIES, SILENT_AFTER, Limits

GIVEN_LATELY = timedelta(days=3)  # a figure older than the worker's longest absence over a weekend says nothing of today


@dataclass(frozen=True, slots=True)
class DoorCounts:
    """Doors in one's places: all, with a scanner, and how many show each oddity."""

    doors: int
    with_scanner: int
    odd: dict[str, int]


def limits_on(day: date, place_path: str) -> Limits:
    """From which values on a door counts as odd, on a day in a place; what the town does not say is never odd. One query."""
    known = values_on([SILENT_AFTER, FEW_SHARE], day, place_path)
    after = duration_of(known[SILENT_AFTER]) if SILENT_AFTER in known else None
    return Limits(after, float(known[FEW_SHARE].value) if FEW_SHARE in known else None)


def doors_for(actor: Actor, *, at: datetime, limits: Limits = NO_LIMITS, words: str = "", odd: str = "") -> QuerySet[Entrance]:
    """Entrances in the actor's places with their devices in use (`scanners`, the latest `since`; `screens`), `last_at`, and `odd_…` for each of ODDITIES, as filtered; by code.

    `at` in the town's zone. `words`: part of a venue's name or code. `odd`: one of ODDITIES.
    """
    scopes = actor.scopes("gate.read")
    inside = reduce(or_, (Q(place__path__startswith=path) for path in scopes), Q(pk=None))
    today = at.date()
    trusted = Q(devices__token_digest__isnull=False, devices__revoked_at=None)
    held = trusted & Q(devices__kind="scanner")
    days = DoorDay.objects.filter(entrance=OuterRef("pk")).order_by()
    # What was given of it, not what was counted: or whoever may change the usual footfall finds the count by trying.
    figures = apps.get_model("footfall", "DoorFigure")._default_manager.filter(
        entrance=OuterRef("pk"), release__on__gte=today - GIVEN_LATELY
    )
    given = figures.annotate(most=Coalesce("entries", Case(When(mark="small", then=F("release__k") - 1)))).order_by("-release__on")
    lately = days.filter(on__gte=today - timedelta(days=1)).values("entrance")
    rows = Entrance.objects.filter(inside).select_related("venue", "place").annotate(
        scanners=Count("devices", filter=held),
        screens=Count("devices", filter=trusted & Q(devices__kind="screen")),
        since=Max("devices__enrolled_at", filter=held),
        last_at=Subquery(days.values("entrance").annotate(last=Max("last_at")).values("last")),
        let_in_lately=Coalesce(Subquery(lately.annotate(n=Sum("let_in")).values("n")), 0),
        after_refusal_lately=Coalesce(Subquery(lately.annotate(n=Sum("after_refusal")).values("n")), 0),
        most_given=Subquery(given.values("most")[:1]),
        given_on=Subquery(given.values("release__on")[:1]),
        since_on=TruncDate("since", tzinfo=at.tzinfo),
    ).annotate(**{f"odd_{name}": holds for name, holds in _odd(limits, at).items()})  # fmt: skip
    if words:
        rows = rows.filter(Q(venue__name__icontains=words) | Q(code__icontains=words))
    return (rows.filter(**{f"odd_{odd}": True}) if odd else rows).order_by("code")


def _odd(limits: Limits, at: datetime) -> dict[str, Q]:
    never, after, share = Q(pk=None), limits.silent_after, limits.few_share
    return {
        "silent": never if after is None else Q(since__lt=at - after) & (Q(last_at=None) | Q(last_at__lt=at - after)),
        "let_in": Q(let_in_lately__gt=0),
        "after_refusal": Q(after_refusal_lately__gt=0),
        "few": never if share is None else Q(since_on__lt=F("given_on"), most_given__lt=F("expected_daily") * share),
        "no_scanner": Q(scanners=0),
    }


def oddities_of(door: Entrance) -> list[str]:
    """Which of ODDITIES hold of one row of `doors_for`."""
    return [name for name in ODDITIES if getattr(door, f"odd_{name}", False)]


def count_doors(actor: Actor, at: datetime, limits: Limits) -> DoorCounts:
    """How the doors in the actor's places stand. One query."""
    odd: dict[str, int] = dict.fromkeys(ODDITIES, 0)
    doors = with_scanner = 0
    for door in doors_for(actor, at=at, limits=limits):
        doors, with_scanner = doors + 1, with_scanner + bool(getattr(door, "scanners", 0))
        for name in oddities_of(door):
            odd[name] += 1
    return DoorCounts(doors, with_scanner, odd)


def seen_door(code: str, actor: Actor, at: datetime, limits: Limits = NO_LIMITS) -> Entrance:
    """One entrance as in `doors_for`. Raises Unseen."""
    found = doors_for(actor, at=at, limits=limits).filter(code=code).first()
    if found is None:
        raise Unseen("entrance")
    return found


def door_days(door: Entrance, last: date, days: int = 14) -> list[DoorDay]:
    """What was counted at an entrance in the days up to `last`, the latest first. One query."""
    return list(door.days.filter(on__gt=last - timedelta(days=days), on__lte=last))


def entries_after_refusal(places: Collection[str], since: date, until: date) -> list[tuple[str, str, date, int]]:
    """(code of the entrance, its venue's code, day, entries) where people came in soon after a refusal, in places by path with all below, from `since` to `until`; for inspections. One query."""
    inside = reduce(or_, (Q(entrance__place__path__startswith=path) for path in places), Q(pk=None))
    rows = DoorDay.objects.filter(inside, on__gte=since, on__lte=until, after_refusal__gt=0).order_by("entrance__code", "on")
    return list(rows.values_list("entrance__code", "entrance__venue__code", "on", "after_refusal"))


def scans_to_forget(before: datetime) -> bool:
    """Whether the log holds scans made before an instant. One query."""
    return Scan.objects.filter(at_s__lt=int(before.timestamp())).exists()


def scans_to_count() -> bool:
    """Whether anything has come in since the last count. Two queries."""
    upto = CountedScans.objects.values_list("upto", flat=True).first() or 0
    return Scan.objects.filter(pk__gt=upto).exists()
