"""The town for programs: which one it is, its places, its posts and who is on duty in them."""

from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.actions import end_posting, post_user
from tongchou.core.people.models import Post, Posting, User
from tongchou.core.people.queries import holders_at, post_by_code
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.places.queries import installation, place_by_code, places_below
from tongchou.core.wording import T
from tongchou.interfaces.api.fields import Instant
from tongchou.interfaces.api.wording import Pair, both, pair

router = Router(tags=["town"])


class TownOut(Schema):
    """本安装是哪个镇 Which town this is."""

    place: str
    name: Pair
    zone: str = Field(description=both("时区", "IANA time zone for display; instants here are UTC"))
    step_days: int
    is_demo: bool = Field(description=both("示范", "demonstration"))
    now: datetime = Field(description=both("本安装的现在", "the present of this installation"))
    targets: list[dict[str, str]] = Field(description=both("监测目标", "what the watch looks for"))
    attributions: list[dict[str, str]] = Field(description=both("数据来源署名", "attributions of the data shown"))


class PlaceOut(Schema):
    """一个地方 A place."""

    code: str
    kind: str
    parent: str | None
    name: Pair
    population: int
    point: Any = Field(description=both("[经度, 纬度]，WGS-84", "[longitude, latitude], WGS-84"))
    valid_from: date
    valid_to: date | None
    is_generated: bool


class PlaceDetail(PlaceOut):
    """带边界的地方 A place with its outline."""

    outline: Any = Field(description=both("GeoJSON，WGS-84", "GeoJSON, WGS-84"))


class PersonOut(Schema):
    """一个人 A person."""

    username: str
    name: Pair
    is_device: bool
    is_fictional: bool


class PostOut(Schema):
    """岗位与在岗人 A post and who is on duty in it."""

    code: str
    kind: str
    name: Pair
    unit: str
    unit_name: Pair
    place: str
    reports_to: str | None
    holder: PersonOut | None


class PostingOut(Schema):
    """任职 A person in a post for a time."""

    id: int
    person: str
    post: str
    from_at: datetime
    to_at: datetime | None
    deputy_for: str | None


class PersonDetail(PersonOut):
    """一个人及其任职 A person and their postings."""

    postings: list[PostingOut]


class PostingIn(Schema):
    """谁、从何时到何时 Who, from when to when."""

    person: str = Field(description=both("用户名", "user name"))
    from_at: Instant | None = Field(None, description=both("默认现在", "default: now"))
    to_at: Instant | None = None
    deputy_for: str | None = Field(None, description=both("代谁", "user name of the holder, for a deputy"))


def town_for(request: HttpRequest, needs: str, *, whole: bool = False) -> Installation:
    """The town, for an actor who holds `needs` somewhere in it (`whole`: in all of it). Raises Unseen."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    town = installation()
    if town is None:
        raise Unseen("town")
    path = town.place.path
    if not actor.may(needs, path) and (whole or not any(scope.startswith(path) for scope in actor.scopes(needs))):
        raise Unseen(needs)
    return town


def _person(user: User) -> dict[str, Any]:
    return {"username": user.username, "name": pair(user.name), "is_device": user.is_device, "is_fictional": user.is_fictional}


def _posting(row: Posting) -> dict[str, Any]:
    return {
        "id": row.pk, "person": row.user.username, "post": row.post.code, "from_at": row.from_at, "to_at": row.to_at,
        "deputy_for": row.deputy_for.username if row.deputy_for else None,
    }  # fmt: skip


def _place(row: Place) -> dict[str, Any]:
    shown = {n: getattr(row, n) for n in ("code", "kind", "population", "point", "valid_from", "valid_to", "is_generated")}
    return {**shown, "parent": row.parent.code if row.parent else None, "name": pair(row.name)}


def _user(field: str, username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Invalid([FieldProblem(field, T(f"没有用户“{username}”。", f"There is no user '{username}'."))])
    return user


@router.get("/town", response=TownOut, summary=both("本镇", "this town"))
def get_town(request: HttpRequest) -> Any:
    town = town_for(request, "desk.read")
    shown = {n: getattr(town, n) for n in ("zone", "step_days", "is_demo", "targets", "attributions")}
    return {**shown, "place": town.place.code, "name": pair(town.name), "now": request.at.astimezone(UTC)}  # type: ignore[attr-defined]


@router.get("/places", response=list[PlaceOut], summary=both("本镇及其下的地方", "the town and the places below, as on a day"))
def list_places(request: HttpRequest, on: date | None = None) -> Any:
    town = town_for(request, "desk.read")
    return [_place(row) for row in places_below(town.place.path, on).select_related("parent")]


@router.get("/places/{code}", response=PlaceDetail, summary=both("一个地方及其边界", "one place with its outline"))
def get_place(request: HttpRequest, code: str, on: date | None = None) -> Any:
    town, place = town_for(request, "desk.read"), place_by_code(code, on)
    if not place.path.startswith(town.place.path):
        raise Unseen("place")
    return {**_place(place), "outline": place.outline}


@router.get("/posts", response=list[PostOut], summary=both("岗位与在岗人", "posts and who is on duty, at an instant (default: now)"))
def list_posts(request: HttpRequest, at: Instant | None = None) -> Any:
    town = town_for(request, "desk.read")
    posts = list(Post.objects.filter(place__path__startswith=town.place.path).select_related("unit", "place", "reports_to"))
    holders = holders_at(posts, at or request.at)  # type: ignore[attr-defined]
    return [
        {
            "code": p.code, "kind": p.kind, "name": pair(p.name), "unit": p.unit.code, "unit_name": pair(p.unit.name), "place": p.place.code,
            "reports_to": p.reports_to.code if p.reports_to else None, "holder": _person(holders[p.pk]) if p.pk in holders else None,
        }
        for p in posts
    ]  # fmt: skip


@router.get("/people/{username}", response=PersonDetail, summary=both("一个人及其任职", "one person with their postings"))
def get_person(request: HttpRequest, username: str) -> Any:
    town = town_for(request, "desk.read")
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Unseen("person")
    rows = user.postings.filter(post__place__path__startswith=town.place.path).select_related("user", "post", "deputy_for")
    return {**_person(user), "postings": [_posting(row) for row in rows]}


@router.post("/posts/{code}/postings", response={201: PostingOut}, summary=both("任职或代班", "put a person in a post, or a deputy"))
def post_posting(request: HttpRequest, code: str, given: PostingIn) -> Any:
    at: datetime = request.at  # type: ignore[attr-defined]
    row = post_user(
        user=_user("person", given.person), post=post_by_code(code), from_at=given.from_at or at, to_at=given.to_at,
        deputy_for=_user("deputy_for", given.deputy_for) if given.deputy_for else None,
        by=request.auth, at=at,  # type: ignore[attr-defined]
    )  # fmt: skip
    return Status(201, _posting(row))


@router.post("/postings/{posting_id}/end", response=PostingOut, summary=both("结束任职", "end a posting now"))
def post_posting_end(request: HttpRequest, posting_id: int) -> Any:
    rows = Posting.objects.select_related("user", "post__place", "deputy_for")
    row = rows.filter(pk=posting_id).first()
    if row is None:
        raise Unseen("posting")
    end_posting(posting=row, by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return _posting(rows.get(pk=posting_id))
