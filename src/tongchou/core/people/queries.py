"""Who is who at an instant."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db.models import Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.people.models import Post, Posting, Token, User
from tongchou.core.people.rules import Actor, PostHeld, granted_to


def _postings_at(at: datetime) -> QuerySet[Posting]:
    return Posting.objects.filter(Q(to_at=None) | Q(to_at__gt=at), from_at__lte=at)


def actor_for(user: User, at: datetime, only: frozenset[str] | None = None) -> Actor:
    """The actor a person is at an instant; `only` narrows the capabilities to a token's scopes."""
    if not user.is_active:
        return Actor(user_id=user.pk, label=user.username)
    rows = _postings_at(at).filter(user=user).select_related("post__unit", "post__place").order_by("post__code")
    held = tuple(
        PostHeld(p.post.code, p.post.kind, p.post.unit.code, p.post.place.path, as_deputy=p.deputy_for_id is not None, name=p.post.name)
        for p in rows
    )
    return Actor(user_id=user.pk, label=user.username, posts=held, granted=granted_to(held, only))


def token_behind(secret: str, at: datetime) -> Token:
    """The token that holds at an instant. Raises Unseen for an unknown, revoked or expired one, or one of a closed account."""
    token = Token.objects.select_related("user").filter(digest=sha256(secret.encode()).hexdigest()).first()
    if token is None or token.revoked_at is not None or token.expires_at <= at or not token.user.is_active:
        raise Unseen("token")
    return token


def actor_for_token(secret: str, at: datetime) -> Actor:
    """The actor behind an interface token: its owner in the posts held at that instant, never beyond its scopes. Raises Unseen."""
    token = token_behind(secret, at)
    return actor_for(token.user, at, only=frozenset(token.scopes))


def within(actor: Actor, capability: str, *fields: str) -> Q:
    """Rows one of whose place paths (by the fields' names) lies where the actor holds the capability: none where they hold it nowhere."""
    where = Q(pk__in=())
    for scope in actor.scopes(capability):
        for field in fields:
            where |= Q(**{f"{field}__startswith": scope})
    return where


def holders_at(posts: Iterable[Post], at: datetime) -> dict[int, User]:
    """Post id → the person on duty in it at an instant: the holder, else the deputy. Posts nobody holds are left out."""
    rows = _postings_at(at).filter(post__in=list(posts), user__is_active=True).select_related("user").order_by("from_at", "pk")
    found: dict[int, Posting] = {}
    for row in rows:
        known = found.get(row.post_id)
        if known is None or (known.deputy_for_id is not None) >= (row.deputy_for_id is not None):
            found[row.post_id] = row
    return {post_id: row.user for post_id, row in found.items()}


def post_by_code(code: str) -> Post:
    """The post with this code. Raises Unseen."""
    post = Post.objects.select_related("unit", "place", "reports_to").filter(code=code).first()
    if post is None:
        raise Unseen("post")
    return post
