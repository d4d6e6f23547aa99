"""What one person asks for and another decides: cause, legal basis, words, the second person. Building blocks for actions, to be called inside one."""

from datetime import datetime

from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.parameters.queries import value
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T


def require_another(by: Actor, *before: int | None) -> None:
    """Raises Invalid when the actor is the machine, or one of those who had a part in it (user ids)."""
    if by.user_id is None or by.user_id in before:
        raise Invalid([FieldProblem("by", T("须由提出者以外的另一人决定。", "Somebody other than who asked must decide."))])


def incident_problems(incident: Dossier, place_path: str) -> list[FieldProblem]:
    """Why an incident is no cause for anything at a place: none, elsewhere, or over."""
    around = place_path.startswith(incident.place.path) or incident.place.path.startswith(place_path)
    if incident.kind != "incident" or not around:
        return [FieldProblem("incident", T("没有这起事件，或不在一地。", "No such incident there."))]
    if incident.closed_at is not None:
        return [FieldProblem("incident", T("事件已结束，不能再查、再限。", "The incident has ended: nothing more on its account."))]
    return []


def basis_problems(bases: str, basis: str, place_path: str, at: datetime) -> list[FieldProblem]:
    """Why a legal basis does not hold: the parameter `bases` does not name it on that day."""
    if basis in value(bases, on=at.date(), place_path=place_path).value:
        return []
    return [FieldProblem("basis", T("这条法律依据今天不生效。", "This legal basis is not in force today."))]


def basis_words(bases: str, basis: str, place_path: str, at: datetime) -> T:
    """A legal basis as it is worded on that day."""
    return T(**value(bases, on=at.date(), place_path=place_path).value[basis])


def nearest_post(kind: str, place: Place) -> Post | None:
    """The post of a kind that answers for a place: its own, or that of the nearest place above."""
    codes = [code for code in place.path.split("/") if code]
    posts = Post.objects.filter(kind=kind, place__code__in=codes).select_related("place")
    return max((p for p in posts if place.path.startswith(p.place.path)), key=lambda p: (len(p.place.path), -p.pk), default=None)
