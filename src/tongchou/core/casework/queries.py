"""Reading the spine: what is open, what is late, what hangs together."""

from datetime import datetime

from django.db.models import Q, QuerySet

from tongchou.core.casework.models import Assignment, Deadline, Dossier, Link
from tongchou.core.errors import Unseen
from tongchou.core.people.rules import Actor


def inbox_for(actor: Actor) -> QuerySet[Assignment]:
    """Open dossiers in the hands of this person or of a post they hold, with title and place."""
    posts = [held.code for held in actor.posts]
    return (
        Assignment.objects.filter(Q(user_id=actor.user_id) | Q(post__code__in=posts), to_at=None, dossier__closed_at=None)
        .select_related("dossier__place", "post", "user")
        .order_by("dossier__opened_at", "pk")
    )


def overdue_at(at: datetime) -> QuerySet[Deadline]:
    """Running clocks whose next escalation has come."""
    return Deadline.objects.filter(stopped_at=None, escalate_at__lte=at).select_related("dossier").order_by("escalate_at", "pk")


def running_clocks(dossier_ids: list[int]) -> dict[int, Deadline]:
    """Dossier id → the running clock that falls due first."""
    first: dict[int, Deadline] = {}
    for row in Deadline.objects.filter(dossier_id__in=dossier_ids, stopped_at=None).order_by("due_at", "pk"):
        first.setdefault(row.dossier_id, row)
    return first


def seen_dossier(kind: str, number: str, actor: Actor, needs: str) -> Dossier:
    """A dossier by its number, if the actor may see it there. Raises Unseen either way."""
    row = Dossier.objects.select_related("place", "owner_post").filter(kind=kind, number=number).first()
    if row is None or not actor.may(needs, row.place.path):
        raise Unseen(kind)
    return row


def causes_of(dossier: Dossier) -> QuerySet[Link]:
    """The dossiers this one came from or is part of."""
    return Link.objects.filter(source=dossier, kind__in=("caused_by", "part_of")).select_related("target__place")
