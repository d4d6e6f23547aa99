"""Reading suspensions and objections."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.suspensions.models import Objection, Suspension


def suspensions_seen(actor: Actor) -> QuerySet[Suspension]:
    """Suspensions in the actor's places: those that wait, those in force by their end, then the ended, latest first."""
    where = within(actor, "suspension.read", "dossier__place__path")
    rows = Suspension.objects.filter(where).select_related(
        "dossier__place", "asked_by", "decided_by", "holder__resident", "objection__dossier"
    )
    # "requested" sorts behind "in_force": the states are few, and those that wait come first.
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__state", "ends_at", "-pk")


def seen_suspension(number: str, actor: Actor) -> Suspension:
    """A suspension by its number. Raises Unseen when missing or elsewhere."""
    rows = Suspension.objects.select_related(
        "dossier__place", "dossier__owner_post", "asked_by", "decided_by", "incident", "holder__resident", "objection__dossier"
    )
    row = rows.filter(dossier__number=number).first()
    if row is None or not actor.may("suspension.read", row.place_path):
        raise Unseen("suspension")
    return row


def seen_objection(number: str, actor: Actor) -> Objection:
    """An objection by its number. Raises Unseen when missing or elsewhere."""
    rows = Objection.objects.select_related("dossier__place", "suspension__dossier")
    row = rows.filter(dossier__number=number).first()
    if row is None or not actor.may("suspension.read", row.place_path):
        raise Unseen("objection")
    return row


def in_force(holders: Collection[int], at: datetime) -> list[Suspension]:
    """Suspensions of these holders (numbers) that bind at an instant, the one that ends last at the end. One query."""
    rows = Suspension.objects.filter(holder__in=holders, dossier__state="in_force", ends_at__gt=at).order_by("ends_at", "pk")
    return list(rows.select_related("dossier__place", "dossier__owner_post__unit", "objection__dossier"))


def concerning(holders: Collection[int], at: datetime, back: timedelta) -> list[Suspension]:
    """What these holders (numbers) should see of suspensions: those that bind, and those over for less than `back`; latest end first. One query."""
    shown = Q(dossier__state="in_force") | Q(dossier__state__in=["lifted", "ended"], dossier__closed_at__gt=at - back)
    rows = Suspension.objects.filter(shown, holder__in=holders).order_by("-ends_at", "-pk")
    return list(rows.select_related("dossier__place", "dossier__owner_post__unit", "objection__dossier"))


def over_at(at: datetime) -> list[Suspension]:
    """Suspensions in force whose end has come, and requests that nobody decided before theirs. One query."""
    rows = Suspension.objects.filter(dossier__state__in=["requested", "in_force"], ends_at__lte=at).order_by("pk")
    return list(rows.select_related("dossier__place", "holder__place"))
