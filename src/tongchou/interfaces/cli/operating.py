"""Commands for whoever runs the machine: check, upgrade, audit, backup, restore."""

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli import archive, checking
from tongchou.interfaces.cli.shell import Fault, bring_up_to_date, home, pair_lines, print_json, print_table, say, start_django

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs. 输出 JSON。")]
MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL"}
audit = typer.Typer(no_args_is_help=True, help="The audit log. 审计日志。")


def register(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command("check")(check)
    app.command("upgrade")(upgrade)
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("forget-scans")(forget_scans)
    app.add_typer(audit, name="audit")


class What(StrEnum):
    """What to look at."""

    INSTALLATION = "installation"
    RETENTION = "retention"


def check(
    what: Annotated[What, typer.Argument(help="`retention`: are scans past their time gone, everywhere? 看什么。")] = What.INSTALLATION,
    backups: Annotated[
        list[Path] | None, typer.Option(help="With `retention`: a folder of archives; may be repeated. 备份所在目录。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at configuration, database, keys, clock, fonts, disk and work; or for scans older than their retention time. 检查配置、数据库、密钥、时钟、字体、磁盘、后台任务；或查过期扫码记录。

    Ends with 1 when something must be done, or when anything older is found.
    """
    start_django()
    if what is What.RETENTION:
        check_retention(backups or [], as_json)
        return
    found = checking.check_installation()
    if as_json:
        print_json([{"part": f.part.en, "state": f.state, "said": f.said.en, "remedy": f.remedy.en if f.remedy else ""} for f in found])
    else:
        rows = [(MARKS[f.state], pair_lines(f.part), pair_lines(f.said), pair_lines(f.remedy)) for f in found]
        print_table((T("状态", "state"), T("部分", "part"), T("情况", "found"), T("怎么办", "what to do")), rows)
    if any(f.state == "fail" for f in found):
        raise typer.Exit(1)


def check_retention(backups: list[Path], as_json: bool) -> None:
    """Where was looked for old scans, how many there are, the oldest, the verdict; what could not be looked at is named."""
    from tongchou.interfaces.clock import local_now
    from tongchou.interfaces.retention import STATES, limit_at, look_everywhere

    at = local_now()
    limit = limit_at(at, _town_path())
    if limit is None:
        raise Fault(
            T("本镇没有设定扫码记录的保存时间。", "This town has set no retention time for scans."),
            T("请在“参数”页设定 gate.keep_scans_for。", "Set gate.keep_scans_for on the Parameters page."),
        )
    found = look_everywhere(limit, at=at, folders=backups)
    if as_json:
        plain = [{"kind": r.kind.en, "where": r.where, "state": r.state, "held": r.held, "old": r.old, "oldest_at": r.oldest_at, "said": r.said.en if r.said else ""} for r in found]  # fmt: skip
        print_json({"before": limit.before, "places": plain})
    else:
        zone = at.tzinfo
        rows = [
            (pair_lines(STATES[r.state]), pair_lines(r.kind), r.where, _or_dash(r.held), _or_dash(r.old), f"{r.oldest_at.astimezone(zone):%Y-%m-%d %H:%M}" if r.oldest_at else "-", pair_lines(r.said))
            for r in found
        ]  # fmt: skip
        heads = (T("结论", "verdict"), T("位置", "place"), T("哪一个", "which"), T("共", "held"), T("过期", "too old"), T("最早", "oldest"), T("说明", "what to do"))  # fmt: skip
        print_table(heads, rows)
    if old := [r for r in found if r.state == "old"]:
        raise Fault(
            T(
                f"{len(old)} 处有早于 {limit.before:%Y-%m-%d %H:%M} 的扫码记录。",
                f"{len(old)} places hold scans from before {limit.before:%Y-%m-%d %H:%M}.",
            ),
            T("请按上表处理后再查。", "Do what the table says, then look again."),
        )


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _town_path() -> str:
    from tongchou.core.places.queries import installation

    town = installation()
    return town.place.path if town else "/"


def forget_scans(
    archives: Annotated[list[Path], typer.Argument(help="Archives made by `tongchou backup`. 备份文件。")],
) -> None:
    """Take the scans out of archives; everything else in them stays, and is read back. 从备份里取出扫码记录，其余不变。"""
    start_django()
    for path in archives:
        archive.forget_scans_in(path.resolve(), at=datetime.now(UTC))
        say(T(f"{path}：扫码记录已取出，其余已读回核对。", f"{path}: the scans are out of it, the rest is read back."))


def upgrade() -> None:
    """Bring the database to the form of this version. Back up first. 升级数据库结构（请先备份）。"""
    start_django()
    bring_up_to_date()
    say(T("数据库结构已是最新。", "The database has the form of this version."))


@audit.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Recompute the whole chain of the audit log. 校验审计链。"""
    start_django()
    from tongchou.core.audit.queries import verify_chain

    proof = verify_chain()
    if as_json:
        print_json({"entries": proof.entries, "digest": proof.digest, "problems": list(proof.problems)})
    elif not proof.problems:
        say(T(f"审计链完整：{proof.entries} 条，链尾 {proof.digest}", f"The chain holds: {proof.entries} entries, head {proof.digest}"))
    for problem in () if as_json else proof.problems:
        typer.echo(f"  {problem}")
    if proof.problems:
        raise Fault(
            T(f"审计链有 {len(proof.problems)} 处不符。", f"audit log: {len(proof.problems)} places do not hold."),
            T("请保留现状，与备份的链尾比对。", "Keep everything as it is and compare with the head noted in the last backup."),
        )


def backup(
    target: Annotated[Path, typer.Argument(help="The archive to write, for example town-2022-06-02.tar. 备份文件。")],
    keys: Annotated[Path | None, typer.Option(help="Also write the keys, to another file: keep it elsewhere. 另存密钥。")] = None,
) -> None:
    """Write a verified archive of database and evidence files, while the desk goes on working. 备份（不停机）。

    The keys are not in it: whoever finds the archive must not be able to read identity numbers. Keep them apart with --keys.
    """
    start_django()
    from tongchou.core.audit.models import ChainHead

    if keys is not None and keys.exists():
        raise Fault(T(f"{keys} 已存在。", f"{keys}: already there."), T("请换一个文件名。", "Name a new file."))
    from tongchou.interfaces.clock import local_now
    from tongchou.interfaces.retention import note_archive, young_enough

    head = ChainHead.objects.get(pk=1)
    since, keep = young_enough(local_now(), _town_path())
    manifest = archive.make_backup(home(), target.resolve(), at=datetime.now(UTC), head=(head.seq, head.digest), since=since, keep=keep)
    note_archive(home(), target.resolve())
    total = sum(told["bytes"] for told in manifest["files"].values())
    say(T(f"已备份并读回核对：{target}，{total >> 20} MiB", f"Backed up and read back: {target}, {total >> 20} MiB"))
    if due := manifest["scans"]["due_at"]:
        count = manifest["scans"]["count"]
        say(T(f"内有 {count} 条扫码记录，{due[:10]} 之前请运行 tongchou forget-scans {target}", f"It holds {count} scans; before {due[:10]} run: tongchou forget-scans {target}"))  # fmt: skip
    say(T(f"审计链尾 {head.seq} {head.digest}", f"Audit head {head.seq} {head.digest}"))
    if keys is None:
        say(T("密钥不在其中，请用 --keys 另存到别处。", "The keys are not in it; keep them elsewhere: --keys FILE."))
    else:
        keys.touch(mode=0o600)
        keys.write_bytes((home() / archive.KEYS_FILE).read_bytes())
        say(T(f"密钥已另存到 {keys}，请与备份分开保管。", f"Keys written to {keys}: keep them apart from the archive."))


def restore(
    source: Annotated[Path, typer.Argument(help="An archive made by `tongchou backup`. 备份文件。")],
    keys: Annotated[Path, typer.Option(help="The keys.json kept for it. 与之配套的密钥。")],
) -> None:
    """Lay a backup out in an empty folder (--home), after comparing every digest. 恢复到空目录。"""
    manifest = archive.restore_backup(source.resolve(), home(), keys.resolve(), os.environ.get("TONGCHOU_DATABASE", ""))
    start_django()
    if apart := os.environ.get("TONGCHOU_SCANS", ""):
        bring_up_to_date()
        archive.load_scans(home(), manifest, apart)
    from tongchou.core.audit.models import Entry
    from tongchou.core.audit.queries import verify_chain

    proof = verify_chain()
    noted = manifest["audit"]
    kept = noted["entries"] == 0 or Entry.objects.filter(seq=noted["entries"], digest=noted["digest"]).exists()
    if proof.problems or not kept:
        raise Fault(
            T(f"已恢复到 {home()}，但审计链不符。", f"{home()}: restored, but the audit chain does not hold."),
            T("请运行 tongchou audit verify 查看。", "See where: tongchou audit verify"),
        )
    say(
        T(
            f"已恢复到 {home()}，审计链完整（{proof.entries} 条）。",
            f"Restored to {home()}; the audit chain holds ({proof.entries} entries).",
        )
    )
    say(T("下一步：tongchou check", "Next: tongchou check"))
