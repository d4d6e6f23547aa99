"""Reading plans and visits: a person's day, what a firm was visited for, who was met when."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from tongchou.core.casework.events import Event
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.calls.models import Call, DayPlan, FirmPoint
from tongchou.domains.calls.routing import Point
from tongchou.domains.calls.rules import OUTCOMES

Firms = Collection[int] | QuerySet[Any]  # row numbers, or the rows: a whole town is asked about without naming each


def plan_of(actor: Actor, day: date) -> DayPlan | None:
    """Whom the actor means to visit on a day; none: nothing planned."""
    return DayPlan.objects.select_related("place").filter(visitor=actor.user_id, day=day).first()


def made_of(plan: DayPlan) -> dict[int, str]:
    """Firm → outcome, of the plan's stops that its visitor has been to since it was planned. One query."""
    rows = Call.objects.filter(visitor=plan.visitor_id, firm__in=plan.stops.values("firm"), called_at__gte=plan.made_at)
    return dict(rows.order_by("called_at").values_list("firm", "outcome"))


def last_met(firms: Firms) -> dict[int, datetime]:
    """Firm → when somebody was last met there; firms never visited are left out. One query."""
    rows = Call.objects.filter(firm__in=firms, outcome="met").order_by().values_list("firm")
    return dict(rows.annotate(last=Max("called_at")))


def gone(firms: Firms) -> set[int]:
    """Firms of which the last visit found that they had moved away or closed for good. One query."""
    rows = Call.objects.filter(firm__in=firms, outcome__in=["met", "gone"]).order_by().values_list("firm")
    found = rows.annotate(gone=Max("called_at", filter=Q(outcome="gone")), met=Max("called_at", filter=Q(outcome="met")))
    return {firm for firm, left, met in found if left and (met is None or met < left)}


def points_of(firms: Collection[int]) -> dict[int, Point]:
    """Firm → longitude and latitude of its door, where it is known. One query."""
    return {firm: (lon, lat) for firm, lon, lat in FirmPoint.objects.filter(firm__in=firms).values_list("firm_id", "lon", "lat")}


def calls_seen(actor: Actor) -> QuerySet[Call]:
    """Visits in the actor's places, latest first."""
    rows = Call.objects.filter(within(actor, "call.read", "firm__place__path"))
    return rows.select_related("firm__place", "visitor").prefetch_related("raised__dossier")


def calls_to_firm(firm_id: int) -> list[Event]:
    """Visits to a firm, latest first, in words. One query."""
    found = []
    for row in Call.objects.filter(firm=firm_id).select_related("visitor"):
        how, who = OUTCOMES[row.outcome], row.visitor.name
        said = f"（{row.spoke_to}）" if row.spoke_to else ""
        found.append(Event(row.called_at, T(f"走访：{who.zh}，{how.zh}{said}", f"Visit by {who.en}: {how.en} {row.spoke_to}".rstrip())))
    return found
