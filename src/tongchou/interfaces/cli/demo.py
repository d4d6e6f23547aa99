"""`tongchou demo`: makes the demonstration town once, then serves it; the second time it goes on where it stopped."""

import json
import shlex
import shutil
import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tongchou.core.packs.contents import Pack
from tongchou.core.wording import T
from tongchou.interfaces.cli.serving import LOCK, Port, hold_home, refuse_taken_ports, serve_desk
from tongchou.interfaces.cli.shell import Fault, bring_up_to_date, home, out, progress, say, start_django, start_new_home

PASSWORD = "tongchou-demo"
MARK = "demo.json"
SCREEN_AT = time(18, 30)
THINGS_TO_TRY = (
    T("以 lin 登录，打开值班席上待决的预警，看依据，写理由并确认：任务即刻派出", "Sign in as lin, open the undecided alarm on the desk, look at its evidence, give a reason and confirm it: the tasks go out at once"),
    T("在另一个浏览器以 wu 登录看待办：任务自己出现。lin 先用任一照片完成“启动专班并通知到岗”，wu 便可用照片完成“先行管控住所和停留场所”", "In another browser watch wu's inbox: the tasks appear by themselves. Once lin has finished 'Activate and call in' with any picture, wu can finish 'Hold the home and places of stay' with another"),
    T("以 gao 登录，在“审计”页核验整条记录链；或运行 {verify}", "Sign in as gao and verify the chain of the log on the Audit page; or run: {verify}"),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("demo")(demo)


def demo(
    pack: Annotated[Path, typer.Option(help="Folder of the pack. 资料包。")] = Path("packs/xujing"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the demo's folder away and start over. 重新开始。")] = False,
    port: Port = 8000,
) -> None:
    """Make the demonstration town if needed and serve it. 建立并启动示范镇。"""
    from tongchou.core.packs.loading import load_pack

    town = load_pack(pack)
    if town.identity.demo_now is None or town.identity.demo_from is None or town.story is None:
        raise Fault(T(f"{pack} 不是示范资料包。", f"{pack}: not a demonstration pack."), T("请用 packs/xujing。", "Use packs/xujing."))
    mark = home() / MARK
    if home().exists() and any(p.name != LOCK for p in home().iterdir()) and not mark.exists():
        raise Fault(
            T(f"{home()} 不是演示目录，不会改动。", f"{home()}: not a demo's folder; left untouched."),
            T("请用 --home 指定另一个空目录。", "Name another, empty one with --home."),
        )
    # Told now, not after two minutes of building; and no second demo may clear the folder away that a first one serves.
    refuse_taken_ports("127.0.0.1", port)
    with hold_home():
        if mark.exists() and (fresh or json.loads(mark.read_text()).get("digest") != town.digest):
            clear_home()
        if not mark.exists():
            make_town(town, mark)
        start_django()
        resume_clock(town)
        serve_desk("127.0.0.1", port, lambda seconds: greet(town, port, seconds), holds_home=True)


def clear_home() -> None:
    """Remove everything in the demo's folder but the lock that is being held; the mark last, so that a cut leaves a demo's folder."""
    for path in sorted(home().iterdir(), key=lambda p: p.name == MARK):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def make_town(pack: Pack, mark: Path) -> None:
    """A fresh database, the pack, its generated registers, and the weeks up to the demo's now. The mark is written last in full."""
    mark.write_text(json.dumps({"digest": None}))  # a town half made is made again
    start_new_home()
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.sentinels.generation import generate_observations
    from tongchou.workflows.demonstration import live_through
    from tongchou.workflows.installation import install_pack

    assert pack.identity.demo_from is not None and pack.identity.demo_now is not None and pack.identity.generated is not None
    with progress() as show:
        bring_up_to_date()
        from_at = pack.identity.demo_from.astimezone(UTC)
        by = system_actor("demo")
        install_pack(pack, password=PASSWORD, known_until=from_at, by=by, at=from_at, progress=lambda what, share: show(0.39 * share, what))
        show(0.4, T("两年观测数据", "two years of observations"))
        history = generate_observations(pack, pack.identity.generated.seed)
        live_through(
            pack, history, from_at=from_at, to_at=pack.identity.demo_now, screen_at=SCREEN_AT,
            progress=lambda share, what: show(0.4 + 0.6 * share, T(f"重放 {what.zh}", f"living through {what.en}")),
        )  # fmt: skip
        show(1.0, T("完成", "done"))
    mark.write_text(json.dumps({"digest": pack.digest, "made_at": datetime.now(UTC).isoformat()}))


def resume_clock(pack: Pack) -> None:
    """The demo's clock starts at its own now, the next time at its last act: it never runs back behind the log."""
    from django.db.models import Max

    from tongchou.core.audit.models import Entry
    from tongchou.interfaces.clock import set_demo_clock

    assert pack.identity.demo_now is not None
    last = Entry.objects.aggregate(last=Max("at"))["last"]
    set_demo_clock(max(pack.identity.demo_now, last) if last else pack.identity.demo_now)


def greet(pack: Pack, port: int, seconds: float) -> None:
    """Address, one account per role, three things to try."""
    say(T(f"{seconds:.1f} 秒后就绪（Ctrl-C 停止）", f"Ready after {seconds:.1f} s (stop with Ctrl-C)"))
    out.print(f"\n  [bold]http://127.0.0.1:{port}/[/bold]   password 密码  [bold]{PASSWORD}[/bold]\n")
    kinds = {post.code: post for post in pack.posts}
    table = Table("account 账号", "post 岗位", "name 姓名", box=None, pad_edge=False, header_style="bold")
    seen: set[str] = set()
    for account in pack.accounts:
        post = kinds[account.posts[0]]
        if post.kind not in seen:
            seen.add(post.kind)
            table.add_row(account.username, f"{post.name.en} {post.name.zh}", f"{account.name.en} {account.name.zh}")
    out.print(table)
    out.print("\nTry 试试：")
    verify = shlex.join([program(), "audit", "verify", "--home", str(home())])
    for n, thing in enumerate(THINGS_TO_TRY, start=1):
        out.print(f"  {n}. {thing.en}\n     {thing.zh}".replace("{verify}", verify), markup=False, soft_wrap=True)


def program() -> str:
    """What to type for this program: its name where the shell finds it, else its path beside the interpreter."""
    beside = Path(sys.executable).with_name("tongchou")
    return str(beside) if shutil.which("tongchou") is None and beside.exists() else "tongchou"
