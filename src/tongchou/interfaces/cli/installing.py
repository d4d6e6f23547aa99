"""`tongchou init`: a town from a pack, in an empty or an existing home."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import bring_up_to_date, home, progress, say, start_new_home


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("init")(init)


def init(
    pack: Annotated[Path, typer.Argument(help="Folder of the pack, for example packs/xujing. 资料包目录。")],
    seed: Annotated[int | None, typer.Option(help="Seed of the generated part; default: the pack's. 随机种子。")] = None,
    without_people: Annotated[
        bool, typer.Option("--without-people", help="Make none of the pack's fictional accounts. 不建示范账号。")
    ] = False,
    without_registers: Annotated[
        bool, typer.Option("--without-registers", help="Generate no residents, firms, venues. 不生成底数。")
    ] = False,
) -> None:
    """Make the database of a town, or renew it from a newer pack. What is already there stays. 由资料包建立（或更新）一个镇的数据库。"""
    from tongchou.core.packs.loading import load_pack

    town = load_pack(pack)
    start_new_home()
    from tongchou.core.people.rules import system_actor
    from tongchou.interfaces import clock
    from tongchou.workflows.installation import install_pack

    password = secrets.token_urlsafe(9)
    with progress() as show:
        bring_up_to_date()
        done = install_pack(
            town,
            seed=seed,
            password=password,
            with_people=not without_people,
            with_registers=not without_registers,
            by=system_actor("init"),
            at=clock.now(),
            progress=lambda what, share: show(share, what),
        )
    name = town.identity.name
    say(
        T(
            f"{name.zh}：{done.places} 个地方，{done.posts} 个岗位，{done.streams} 条数据流，读入 {done.observations_read} 个观测值，位于 {home()}。",
            f"{name.en}: {done.places} places, {done.posts} posts, {done.streams} streams, {done.observations_read} observations read, in {home()}.",
        )
    )
    if done.accounts_added:
        say(
            T(
                f"新建 {done.accounts_added} 个虚构的示范账号，口令（只显示这一次）：{password}",
                f"{done.accounts_added} fictional accounts made; their password, shown this once: {password}",
            )
        )
    say(T("下一步：tongchou serve", "Next: tongchou serve"))
