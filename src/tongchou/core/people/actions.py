"""Accounts, postings and tokens. What somebody may do changes only here."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.models import Post, Posting, Token, User
from tongchou.core.people.rules import CAPABILITIES, Actor
from tongchou.core.wording import T


@action("user.write")
def add_user(
    *,
    username: str,
    name: T,
    email: str = "",
    password: str | None = None,
    is_device: bool = False,
    is_fictional: bool = False,
    by: Actor,
    at: datetime,
) -> User:
    """Make an account; without a password it cannot sign in, only use tokens. Raises Invalid for a taken name or a weak password."""
    problems = []
    if not username.strip() or User.objects.filter(username=username).exists():
        problems.append(FieldProblem("username", T(f"用户名“{username}”为空或已被使用。", f"User name '{username}' is empty or taken.")))
    problems += _password_problems(password)
    if problems:
        raise Invalid(problems)
    user = User.objects.create_user(
        username,
        email=email,
        password=password,
        name_zh=name.zh,
        name_en=name.en,
        is_device=is_device,
        is_fictional=is_fictional,
        date_joined=at,
    )
    record("user.add", user, place_path="/", detail={"username": username, "device": is_device})
    return user


@action("user.write")
def set_password(*, user: User, password: str, by: Actor, at: datetime) -> None:
    """Give an account a new password. Raises Invalid for a weak one."""
    if problems := _password_problems(password):
        raise Invalid(problems)
    user.set_password(password)
    user.save(update_fields=["password"])
    record("user.password", user, place_path="/")


@action("user.write")
def deactivate_user(*, user: User, reason: str, by: Actor, at: datetime) -> None:
    """Close an account: no sign-in, no tokens, postings end. What the person did stays."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    Posting.objects.filter(user=user, to_at=None).update(to_at=at)
    Token.objects.filter(user=user, revoked_at=None).update(revoked_at=at)
    record("user.deactivate", user, place_path="/", reason=reason)


@action("post.write", place=lambda given: given["post"].place.path)
def post_user(
    *, user: User, post: Post, from_at: datetime, to_at: datetime | None = None, deputy_for: User | None = None, by: Actor, at: datetime
) -> Posting:
    """Put a person in a post for a time. Raises Invalid when the time is upside down or the person already holds it then."""
    problems = []
    if to_at is not None and to_at <= from_at:
        problems.append(FieldProblem("to_at", T("结束须晚于开始。", "The end must come after the start.")))
    if Posting.objects.filter(user=user, post=post, to_at=None, from_at__lte=from_at).exists():
        problems.append(FieldProblem("user", T("此人已在该岗位。", "This person already holds the post.")))
    if deputy_for == user:
        problems.append(FieldProblem("deputy_for", T("不能做自己的副职。", "Nobody is their own deputy.")))
    if problems:
        raise Invalid(problems)
    row = Posting.objects.create(user=user, post=post, from_at=from_at, to_at=to_at, deputy_for=deputy_for)
    record(
        "posting.begin",
        user,
        place_path=post.place.path,
        detail={"post": post.code, "from": from_at, "to": to_at, "deputy_for": deputy_for.username if deputy_for else None},
    )
    return row


@action("post.write", place=lambda given: given["posting"].post.place.path)
def end_posting(*, posting: Posting, by: Actor, at: datetime) -> None:
    """Let a posting end now. Raises Stale when it already has."""
    if not Posting.objects.filter(pk=posting.pk, to_at=None).update(to_at=at):
        raise Stale(T("该任职已结束。", "This posting has already ended."))
    record("posting.end", posting.user, place_path=posting.post.place.path, detail={"post": posting.post.code})


@action("token.write")
def issue_token(*, user: User, name: str, scopes: Sequence[str], expires_at: datetime, by: Actor, at: datetime) -> str:
    """Make an interface token; gives back the secret, which is shown this once. Raises Invalid for unknown scopes or a past end."""
    known = frozenset[str]().union(*CAPABILITIES.values())
    problems = [FieldProblem("scopes", T(f"未知权限“{s}”。", f"Unknown scope '{s}'.")) for s in scopes if s not in known]
    if not scopes:
        problems.append(FieldProblem("scopes", T("至少选择一项权限。", "Choose at least one scope.")))
    if expires_at <= at:
        problems.append(FieldProblem("expires_at", T("到期时间须在将来。", "The end must lie in the future.")))
    if problems:
        raise Invalid(problems)
    secret = f"tc_{secrets.token_urlsafe(32)}"
    token = Token.objects.create(
        user=user, name=name, scopes=sorted(set(scopes)), digest=sha256(secret.encode()).hexdigest(), created_at=at, expires_at=expires_at
    )
    record("token.issue", user, place_path="/", detail={"token": token.pk, "name": name, "scopes": token.scopes, "expires": expires_at})
    return secret


@action("token.write")
def revoke_token(*, token: Token, by: Actor, at: datetime) -> None:
    """End a token at once. Raises Stale when it already was."""
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        raise Stale(T("该令牌已作废。", "This token is already revoked."))
    record("token.revoke", token.user, place_path="/", detail={"token": token.pk})


# Django's own messages come in one language at a time.
_WEAK = {
    "password_too_short": T("至少 8 个字符", "at least 8 characters"),
    "password_too_common": T("太常见", "too common"),
    "password_entirely_numeric": T("不能全是数字", "not digits alone"),
}


def _password_problems(password: str | None) -> list[FieldProblem]:
    if password is None:
        return []
    try:
        validate_password(password)
    except ValidationError as error:
        why = [_WEAK.get(str(e.code), T(e.messages[0], e.messages[0])) for e in error.error_list]
        said = T(f"密码太弱：{'、'.join(w.zh for w in why)}。", f"Password too weak: {', '.join(w.en for w in why)}.")
        return [FieldProblem("password", said)]
    return []
