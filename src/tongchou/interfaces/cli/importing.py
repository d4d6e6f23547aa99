"""`tongchou import`: bring a file into a register from the shell, previewed first, by the same actions as the pages."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault, pair_lines, print_json, print_table, say, start_django


class Kind(StrEnum):
    """The registers."""

    household = "household"
    resident = "resident"
    firm = "firm"
    venue = "venue"
    school = "school"
    care_home = "care-home"
    site = "site"


class Same(StrEnum):
    """What to do with a row whose key is known."""

    skip = "skip"
    update = "update"


class Near(StrEnum):
    """What to do with a row that resembles a known one."""

    skip = "skip"
    update = "update"
    add = "add"


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("import")(import_file)


def import_file(
    kind: Annotated[Kind, typer.Argument(help="Which register. 哪个登记册。")],
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, GB18030) or XLSX. 文件。")],
    applies: Annotated[
        bool, typer.Option("--apply", help="Write the rows; without it the file is only checked. 写入；否则只检查。")
    ] = False,
    same: Annotated[Same, typer.Option(help="Rows whose number is known. 号码已登记的行。")] = Same.skip,
    near: Annotated[Near, typer.Option(help="Rows that resemble a known one. 疑似重复的行。")] = Near.skip,
    leaves_bad_out: Annotated[
        bool, typer.Option("--leave-wrong-out", help="Leave wrong rows out and write the rest. 略过有错的行。")
    ] = False,
    problems: Annotated[Path | None, typer.Option(help="Write the wrong rows, marked, to this XLSX. 错误标注存到此文件。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs. 输出 JSON。")] = False,
) -> None:
    """Check a file for a register, naming every problem by cell; with --apply bring it in. Undo on the imports page. 导入登记册。"""
    start_django()
    from tongchou.core.importing import actions
    from tongchou.core.importing.tables import FileRefused
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.queries import installation
    from tongchou.domains.registry.imports import SPECS
    from tongchou.interfaces import clock

    town, spec, by, at = installation(), SPECS[kind.value], system_actor(f"shell:{getpass.getuser()}"), clock.local_now()
    if town is None:
        raise Fault(T("还没有安装城镇。", "No town is installed yet."), T("请先运行 tongchou init PACK。", "Run first: tongchou init PACK"))
    if not file.is_file():
        raise Fault(T(f"找不到文件 {file}。", f"{file}: no such file."), T("请核对路径。", "Check the path."))
    try:
        batch = actions.preview_import(spec=spec, content=file.read_bytes(), file_name=file.name, place=town.place, by=by, at=at)
    except FileRefused as refused:
        _print_problems([{"cell": p.cell, "value": p.value, "what": _pair(p.what), "remedy": _pair(p.remedy)} for p in refused.problems])
        raise
    if problems is not None and batch.bad_row_count:
        from tongchou.core.importing.files import annotated_workbook

        problems.write_bytes(annotated_workbook(**actions.take_wrong_rows(batch, by=by, at=at)))
    if applies and not (batch.bad_row_count and not leaves_bad_out):
        batch = actions.apply_import(batch, spec=spec, same=same.value, near=near.value, leaves_bad_out=leaves_bad_out, by=by, at=at)
    else:
        batch = actions.discard_import(batch, by=by, at=at)
    if as_json:
        print_json(_as_record(batch))
    else:
        _print_problems(batch.problems)
        _say_result(batch)
    if batch.state != "applied" and batch.bad_row_count:
        raise typer.Exit(1)


def _pair(text: T) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _print_problems(problems: list[dict[str, Any]]) -> None:
    if problems:
        heads = (T("单元格", "cell"), T("内容", "value"), T("问题", "problem"), T("怎么改", "what to do"))
        print_table(heads, [(p["cell"], p["value"], pair_lines(T(**p["what"])), pair_lines(T(**p["remedy"]))) for p in problems[:50]])


def _as_record(batch: Any) -> dict[str, Any]:
    counts = ("row_count", "bad_row_count", "known_row_count", "near_row_count", "added_count", "updated_count", "skipped_count")
    return {"batch": batch.pk, "state": batch.state, **{n: getattr(batch, n) for n in counts}, "problems": batch.problems}


def _say_result(batch: Any) -> None:
    if batch.state == "applied":
        added, updated, skipped = batch.added_count, batch.updated_count, batch.skipped_count
        say(
            T(
                f"已导入第 {batch.pk} 批：新增 {added}，更新 {updated}，跳过 {skipped}。",
                f"Imported as batch {batch.pk}: {added} added, {updated} updated, {skipped} skipped.",
            )
        )
        return
    rows, bad, known, near = batch.row_count, batch.bad_row_count, batch.known_row_count, batch.near_row_count
    say(
        T(
            f"共 {rows} 行，有错 {bad}，已登记 {known}，疑似重复 {near}；没有写入。加 --apply 导入。",
            f"{rows} rows, {bad} wrong, {known} known, {near} alike; nothing was written. Bring it in with --apply.",
        )
    )
