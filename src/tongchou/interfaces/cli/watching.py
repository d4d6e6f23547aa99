"""`tongchou watch` and `tongchou replay`: the watch read on the screen of a shell."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault, home, out, print_json, print_table, say, start_django

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs. 输出 JSON。")]
DAY_FORMAT = ["%Y-%m-%d"]
GRADE_MARKS = {"red": "■ red 红", "orange": "▲ orange 橙", "yellow": "◆ yellow 黄", "blue": "● blue 蓝", "": "–"}


def register(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command("watch")(watch)
    app.command("replay")(replay)
    app.command("calibrate")(calibrate)


def watch(
    day: Annotated[datetime | None, typer.Option("--day", formats=DAY_FORMAT, help="One morning; default: today. 某一天。")] = None,
    from_day: Annotated[datetime | None, typer.Option("--from", formats=DAY_FORMAT, help="First morning of a range. 起始日。")] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=DAY_FORMAT, help="Last morning of a range. 结束日。")] = None,
    as_json: AsJson = False,
) -> None:
    """Read one morning, or each of a range, and keep what it says: places with grade, evidence and streams. 研判某日或某段时间的监测数据。"""
    if (from_day is None) != (to_day is None) or (day is not None and from_day is not None):
        raise Fault(
            T("日期不全或重复。", "--day, --from, --to: incomplete."),
            T("请用 --day，或同时给出 --from 与 --to。", "Give --day, or both --from and --to."),
        )
    _in_order(from_day, to_day)
    start_django()
    from tongchou.core.people.rules import system_actor
    from tongchou.interfaces import clock
    from tongchou.workflows.early_warning import screen_morning, screen_range

    by, at = system_actor("watch"), clock.local_now()
    if from_day is not None and to_day is not None:
        screened: Iterable[Any] = screen_range(from_day.date(), to_day.date(), by=by)
    else:
        chosen = (day or at).date()
        screened = [screen_morning(chosen, at, by=by, at=at)]
    rows = [row for one in screened for row in _watch_rows(one.day)]
    if as_json:
        print_json(rows)
        return
    _print_watch(rows)


def _in_order(first: datetime | None, last: datetime | None) -> None:
    if first is not None and last is not None and first > last:
        raise Fault(T("起始日晚于结束日。", "--from lies after --to."), T("请交换两个日期。", "Exchange the two dates."))


def _watch_rows(day: date) -> list[dict[str, Any]]:
    """What is kept of a morning: one record per place, strongest first, with the streams of its area."""
    from tongchou.domains.warning.models import PlaceEvidence

    found = PlaceEvidence.objects.filter(day=day).select_related("place", "run").order_by("target", "-log_evidence")
    return [
        {
            "day": day.isoformat(),
            "target": e.target,
            "place": e.place.code,
            "name": {"zh": e.place.name_zh, "en": e.place.name_en},
            "grade": e.grade or None,
            "log_evidence": round(e.log_evidence, 3),
            "threshold": None if e.threshold is None else round(e.threshold, 3),
            "probability": round(e.probability, 4),
            "streams": _carried(e.run.result["streams"]) if e.place.path == e.run.result["area"] else [],
        }
        for e in found
    ]


def _carried(streams: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    ordered = sorted(streams.items(), key=lambda item: -item[1]["share"])
    return [{"kind": kind, "share": round(s["share"], 3)} for kind, s in ordered if s["share"] >= 0.01]


def _print_watch(rows: list[dict[str, Any]]) -> None:
    columns = (
        T("日期", "day"), T("病种", "target"), T("级别", "grade"), T("地方", "place"), T("证据（对数）", "log evidence"),
        T("报警线", "alarm line"), T("暴发概率", "probability"), T("主要数据流", "streams"),
    )  # fmt: skip
    print_table(
        columns,
        (
            (
                r["day"], r["target"], GRADE_MARKS[r["grade"] or ""], f"{r['name']['en']} {r['name']['zh']}", f"{r['log_evidence']:.2f}",
                "–" if r["threshold"] is None else f"{r['threshold']:.2f}", f"{r['probability']:.1%}", _said(r["streams"]),
            )
            for r in rows
        ),
    )  # fmt: skip
    if not rows:
        say(T("这一天没有可研判的数据。", "There is nothing to read on that day."))


def _said(streams: list[dict[str, Any]]) -> str:
    return ", ".join(f"{s['kind']} {s['share']:.0%}" for s in streams[:4])


def replay(
    pack: Annotated[Path, typer.Argument(help="Folder of the pack, for example packs/germany. 资料包目录。")],
    from_day: Annotated[datetime, typer.Option("--from", formats=DAY_FORMAT, help="First morning. 起始日。")],
    to_day: Annotated[datetime, typer.Option("--to", formats=DAY_FORMAT, help="Last morning. 结束日。")],
    margin: Annotated[
        float | None, typer.Option(help="Margin above the theoretical threshold (log), instead of the pack's. 报警线余量。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read each past morning of a pack as it was known then; one line per alarm. Nothing is written. 按当时所知重放历史，逐条列出预警。"""
    _in_order(from_day, to_day)
    start_for_reading()
    from tongchou.core.packs.loading import load_pack
    from tongchou.workflows.replay import replay_pack

    town = load_pack(pack)
    found = replay_pack(town, from_day.date(), to_day.date(), margin_log=margin)
    if as_json:
        print_json([a.record() for a in found.alarms])
        return
    columns = (
        T("日期", "day"), T("级别", "grade"), T("病种", "target"), T("地方", "place"), T("证据/报警线", "evidence/line"), T("暴发概率", "probability"),
        T("最后见到", "last seen"), T("主要数据流", "streams"),
    )  # fmt: skip
    print_table(
        columns,
        (
            (
                a.day, GRADE_MARKS[a.grade], a.target, f"{a.name.en} {a.name.zh}", f"{a.log_evidence:.1f}/{a.threshold:.1f}",
                f"{a.probability:.0%}", a.last_seen_on, ", ".join(f"{kind} {share:.0%}" for kind, share in a.streams[:4]),
            )
            for a in found.alarms
        ),
    )  # fmt: skip
    say(
        T(
            f"{found.mornings} 个早晨、{found.readings} 次研判，{len(found.alarms)} 条预警。",
            f"{found.mornings} mornings, {found.readings} readings, {len(found.alarms)} alarms.",
        )
    )
    for a in town.attribution:
        out.print(f"  {a.title.en}, {a.holder.en}, {a.licence}", markup=False, highlight=False)


def start_for_reading() -> None:
    """Load the applications without an installation: a replay reads files only. A home made for it would be a lie, so none is kept."""
    import os
    import tempfile

    if (home() / "keys.json").exists():
        start_django()
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TONGCHOU_HOME"] = folder
        start_django(new_home=True)


def calibrate(as_json: AsJson = False) -> None:
    """Replay the town's own past and propose the margin that keeps the promise there; a person adopts it. 用本镇历史校准报警线余量。"""
    start_django()

    from tongchou.core.people.rules import system_actor
    from tongchou.interfaces import clock
    from tongchou.workflows.calibration import calibrate as calibrate_town

    at = clock.local_now()
    found = calibrate_town(at.date(), at, by=system_actor("watch"), at=at)
    rows = [one.record() for one in found]
    if as_json:
        print_json(rows)
        return
    columns = (
        T("地方", "place"), T("病种", "target"), T("重放年数", "years"), T("剩余预警", "alarms left"), T("承诺/年", "promised"),
        T("能证明的上限/年", "proved at most"), T("建议余量", "proposed margin"), T("现用余量", "in use"), T("依据", "basis"),
    )  # fmt: skip
    print_table(
        columns,
        (
            (r["place"], r["target"], f"{r['past_years']:.1f}", r["alarms_left"], f"{r['promised_per_year']:g}",
             "–" if r["rate_upper_per_year"] is None else f"{r['rate_upper_per_year']:.1f}", f"{r['margin_log']:.2f}",
             f"{r['margin_in_use']:.2f}", r["basis"])
            for r in rows
        ),
    )  # fmt: skip
    if not rows:
        say(T("历史不足半年，无法重放。", "Less than half a year of observations: nothing to replay."))
        return
    say(T("采用与否由人决定：在“参数”页修改 alarm.margin_log。", "A person decides: change alarm.margin_log on the Parameters page."))
