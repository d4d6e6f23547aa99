"""`tongchou users`: accounts, postings and interface tokens, through the same actions as the pages."""

import getpass
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault, print_json, print_table, say, start_django

if TYPE_CHECKING:
    from tongchou.core.people.models import Post, User
    from tongchou.core.people.rules import Actor

app = typer.Typer(no_args_is_help=True, help="People, devices, posts and tokens. 人员、设备、岗位与令牌。")
Username = Annotated[str, typer.Argument(help="The user name. 用户名。")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs. 输出 JSON。")]
DAY_FORMATS = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]


def _now() -> datetime:
    from tongchou.interfaces.clock import local_now

    return local_now()


def operator() -> "Actor":
    """Whoever has the machine's shell; the entry names the machine's account, so that it is not mistaken for a person of the town."""
    from tongchou.core.people.rules import system_actor

    return system_actor(f"shell:{getpass.getuser()}")


def _user(username: str) -> "User":
    from tongchou.core.people.models import User

    found = User.objects.filter(username=username).first()
    if found is None:
        raise Fault(
            T(f"没有用户“{username}”。", f"user '{username}': not there."), T("请查看 tongchou users list。", "See: tongchou users list")
        )
    return found


def _post(code: str) -> "Post":
    from tongchou.core.people.models import Post

    found = Post.objects.filter(code=code).select_related("place").first()
    if found is None:
        raise Fault(T(f"没有岗位“{code}”。", f"post '{code}': not there."), T("请查看 tongchou users posts。", "See: tongchou users posts"))
    return found


def _instant(given: datetime | None) -> datetime | None:
    """What was typed, on the clock of the town."""
    from tongchou.core.places.queries import installation

    town = installation()
    return None if given is None else given.replace(tzinfo=given.tzinfo or ZoneInfo(town.zone if town else "UTC"))


def _read_password(from_stdin: bool) -> str:
    """Never from the command line, where `ps` and the shell's history keep it."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password 密码: ")
    if first != getpass.getpass("Again 再输一次: "):
        raise Fault(T("两次输入不同。", "password: the two differ."), T("请再试一次；没有更改。", "Try again; nothing was changed."))
    return first


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Everybody with the posts they hold now. 用户与现任岗位。"""
    start_django()
    from tongchou.core.people.models import User
    from tongchou.core.people.queries import actor_for

    at = _now()
    rows = [(u, [held.code for held in actor_for(u, at).posts]) for u in User.objects.order_by("username")]
    if as_json:
        print_json(
            [
                {"username": u.username, "zh": u.name_zh, "en": u.name_en, "active": u.is_active, "device": u.is_device, "posts": p}
                for u, p in rows
            ]
        )
        return
    print_table(
        (T("用户名", "user"), T("姓名", "name"), T("岗位", "posts"), T("状态", "state")),
        [(u.username, f"{u.name_en} {u.name_zh}", ", ".join(p), "active 在用" if u.is_active else "closed 停用") for u, p in rows],
    )


@app.command("posts")
def list_posts(as_json: AsJson = False) -> None:
    """Every post with the person on duty in it. 岗位与在岗人员。"""
    start_django()
    from tongchou.core.people.models import Post
    from tongchou.core.people.queries import holders_at

    posts = list(Post.objects.select_related("unit", "place"))
    holders = holders_at(posts, _now())
    if as_json:
        print_json(
            [
                {"code": p.code, "kind": p.kind, "place": p.place.code, "holder": h.username if (h := holders.get(p.pk)) else None}
                for p in posts
            ]
        )
        return
    rows = [
        (p.code, f"{p.name.en} {p.name.zh}", f"{p.place.name.en} {p.place.name.zh}", h.username if (h := holders.get(p.pk)) else "—")
        for p in posts
    ]
    print_table((T("代码", "code"), T("岗位", "post"), T("地方", "place"), T("在岗", "on duty")), rows)


@app.command("add")
def add_user(
    username: Username,
    zh: Annotated[str, typer.Option(help="Name in Chinese. 中文姓名。")],
    en: Annotated[str, typer.Option(help="Name in Latin letters. 拼音姓名。")],
    email: Annotated[str, typer.Option(help="Address for messages. 邮箱。")] = "",
    device: Annotated[bool, typer.Option("--device", help="A device: no password, tokens only. 设备。")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input. 从标准输入读密码。")] = False,
) -> None:
    """Make an account. 新建用户。"""
    start_django()
    from tongchou.core.people import actions

    password = None if device else _read_password(stdin)
    actions.add_user(username=username, name=T(zh, en), email=email, password=password, is_device=device, by=operator(), at=_now())
    say(
        T(
            f"已新建 {username}；岗位用 tongchou users post 指定。",
            f"Made {username}; give a post with: tongchou users post {username} POST",
        )
    )


@app.command("password")
def set_password(
    username: Username, stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input. 从标准输入读。")] = False
) -> None:
    """Give somebody a new password. 重设密码。"""
    start_django()
    from tongchou.core.people import actions

    actions.set_password(user=_user(username), password=_read_password(stdin), by=operator(), at=_now())
    say(T(f"{username} 的密码已更改。", f"{username} has a new password."))


@app.command("post")
def post_user(
    username: Username,
    post: Annotated[str, typer.Argument(help="Code of the post. 岗位代码。")],
    start: Annotated[datetime | None, typer.Option("--from", formats=DAY_FORMATS, help="First instant; now if left out. 开始。")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DAY_FORMATS, help="First instant no longer in the post. 结束。")] = None,
    deputy_for: Annotated[str, typer.Option(help="User name of the holder whom this person stands in for. 代谁值守。")] = "",
) -> None:
    """Put somebody in a post. 任职。"""
    start_django()
    from tongchou.core.people import actions

    at = _now()
    holder = _user(deputy_for) if deputy_for else None
    actions.post_user(
        user=_user(username), post=_post(post), from_at=_instant(start) or at, to_at=_instant(end), deputy_for=holder, by=operator(), at=at
    )
    say(T(f"{username} 已任 {post}。", f"{username} holds {post}."))


@app.command("unpost")
def end_posting(username: Username, post: Annotated[str, typer.Argument(help="Code of the post. 岗位代码。")]) -> None:
    """End a posting now. 免职。"""
    start_django()
    from tongchou.core.people import actions
    from tongchou.core.people.models import Posting

    held = Posting.objects.filter(user=_user(username), post=_post(post), to_at=None).select_related("post__place", "user").first()
    if held is None:
        raise Fault(
            T(f"{username} 不在岗位 {post}。", f"{username}: does not hold {post}."),
            T("请查看 tongchou users list。", "See: tongchou users list"),
        )
    actions.end_posting(posting=held, by=operator(), at=_now())
    say(T(f"{username} 已离任 {post}。", f"{username} no longer holds {post}."))


@app.command("close")
def close_account(username: Username, reason: Annotated[str, typer.Option(help="Why; it goes into the log. 原因。")]) -> None:
    """Close an account: no sign-in, no tokens, postings end; what the person did stays. 停用账号。"""
    start_django()
    from tongchou.core.people import actions

    actions.deactivate_user(user=_user(username), reason=reason, by=operator(), at=_now())
    say(T(f"{username} 已停用。", f"{username} is closed."))


@app.command("token")
def issue_token(
    username: Username,
    name: Annotated[str, typer.Option(help="What it is for. 用途。")],
    scope: Annotated[list[str], typer.Option(help="A capability, for example stream.report; may be repeated. 权限。")],
    days: Annotated[int, typer.Option(help="Days until it ends. 有效天数。", min=1, max=3660)] = 365,
) -> None:
    """Make an interface token and show it this once. 签发接口令牌（只显示一次）。"""
    start_django()
    from tongchou.core.people import actions

    at = _now()
    secret = actions.issue_token(user=_user(username), name=name, scopes=scope, expires_at=at + timedelta(days=days), by=operator(), at=at)
    typer.echo(secret)


@app.command("tokens")
def list_tokens(username: Username) -> None:
    """Tokens of one account, without their secrets. 令牌一览。"""
    start_django()
    from tongchou.core.people.models import Token

    rows = Token.objects.filter(user=_user(username)).order_by("pk")
    print_table(
        (T("编号", "no."), T("用途", "name"), T("权限", "scopes"), T("到期", "ends"), T("最近使用", "last used"), T("状态", "state")),
        [
            (
                t.pk,
                t.name,
                ", ".join(t.scopes),
                f"{t.expires_at:%Y-%m-%d}",
                str(t.last_used_on or "–"),
                "revoked 已作废" if t.revoked_at else "valid 有效",
            )
            for t in rows
        ],
    )


@app.command("revoke")
def revoke_token(number: Annotated[int, typer.Argument(help="Number of the token (see tokens). 令牌编号。")]) -> None:
    """End a token at once. 作废令牌。"""
    start_django()
    from tongchou.core.people import actions
    from tongchou.core.people.models import Token

    token = Token.objects.select_related("user").filter(pk=number).first()
    if token is None:
        raise Fault(
            T(f"没有令牌 {number}。", f"token {number}: not there."), T("请查看 tongchou users tokens。", "See: tongchou users tokens USER")
        )
    actions.revoke_token(token=token, by=operator(), at=_now())
    say(T(f"令牌 {number} 已作废。", f"Token {number} is revoked."))
