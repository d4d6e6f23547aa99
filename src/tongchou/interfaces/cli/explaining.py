"""`tongchou explain`: why an alarm was raised, as its page shows it, on the screen of a shell."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from tongchou.core.wording import T, chance, figure
from tongchou.interfaces.cli.shell import Fault, out, pair_lines, print_json, print_table, say, start_django
from tongchou.interfaces.cli.watching import GRADE_MARKS, AsJson

if TYPE_CHECKING:
    from tongchou.workflows.explanation import Explanation, StreamStory

DAYS = 7


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("explain")(explain_alarm)


def explain_alarm(
    number: Annotated[str, typer.Argument(metavar="ALARM", help="Number of the alarm, for example YJ-2022-0006. 预警编号。")],
    as_json: AsJson = False,
) -> None:
    """Say why an alarm was raised: streams by day, places, probability and prior, cost, forecast; does its computation again. 说明预警的依据。"""
    start_django()
    from tongchou.domains.warning.queries import find_alarm
    from tongchou.workflows.explaining import explain
    from tongchou.workflows.watched_town import installed_town

    zone = ZoneInfo(installed_town().zone)
    alarm = find_alarm(number.strip().upper())
    if alarm is None:
        raise Fault(
            T(f"没有编号为 {number} 的预警。", f"No alarm is numbered {number}."),
            T("编号见“预警”页。", "The Alarms page lists their numbers."),
        )
    told = explain(alarm, again=True)
    if as_json:
        print_json(told.record())
        return
    _print_head(told, zone)
    _print_streams(told)
    _print_places_and_outlook(told)
    _print_run(told, zone)


def _heading(text: T) -> None:
    out.print(f"\n[bold]{text.en} {text.zh}[/bold]")


def _print_head(told: "Explanation", zone: ZoneInfo) -> None:
    alarm, head = told.alarm, told.alarm.dossier
    out.print(f"{head.number}  {GRADE_MARKS[head.grade]}  {head.title_en} {head.title_zh}", style="bold", markup=False, soft_wrap=True)
    for line in (told.gist.en, told.gist.zh):
        out.print(line, markup=False, soft_wrap=True)
    grown = alarm.growth_per_day
    low, high = alarm.growth_low, alarm.growth_high
    growth = None if grown is None or low is None or high is None else f"{grown:.0%} ({low:.0%}–{high:.0%})"
    facts: list[tuple[T, T | str | None]] = [
        (T("暴发概率", "probability"), chance(alarm.probability)),
        (T("先验", "prior"), told.prior),
        (T("每日增长", "growth a day"), growth),
        (T("越线规则", "rule"), told.rule),
        (T("报警线", "alarm line"), told.line),
        (T("同类属实", "such alarms right"), told.ppv_said),
        (T("占用承诺", "cost"), told.cost.said),
        (T("提出", "raised"), f"{alarm.day}, {alarm.last_seen_on} last seen 最近见到"),
        (T("结论", "verdict"), alarm.verdict_name),
        (T("数据截至", "as known at"), _instant(alarm.as_known_at, zone)),
    ]
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in facts:
        if value is not None:
            table.add_row(f"{label.en} {label.zh}", pair_lines(value) if isinstance(value, T) else value)
    out.print(table, markup=False)


def _print_streams(told: "Explanation") -> None:
    _heading(T("数据流", "Streams"))
    columns = (T("数据流", "stream"), T("份额", "share"), T("自身证据/报警线（对数）", "own evidence/line (log)"), T("最新所见", "newest"), T("预期的由来", "why so much is expected"))  # fmt: skip
    print_table(
        columns,
        (
            (
                pair_lines(s.name), f"{s.share:.0%}", f"{s.statistic:.2f}/{'–' if s.threshold is None else f'{s.threshold:.2f}'}",
                pair_lines(s.gist), pair_lines(s.why_expected),
            )
            for s in told.streams
        ),
    )  # fmt: skip
    for story in told.streams:
        _print_days(story)


def _print_days(story: "StreamStory") -> None:
    if not story.days:
        return
    _heading(T(f"{story.name.zh}（{story.stream}）逐日", f"{story.name.en} ({story.stream}) by day"))
    columns = (T("日期", "day"), T("所见", "seen"), T("预期", "expected"), T("95% 范围", "95 % range"), T("中位 p", "mid-p"), T("自身证据（对数）", "own evidence (log)"))  # fmt: skip
    print_table(
        columns,
        (
            (s.day, figure(s.observed), _known(s.expected), f"{_known(s.lower)}–{_known(s.upper)}", "–" if s.p is None else f"{s.p:.3g}",
             f"{s.statistic:.2f}")
            for s in story.days[-DAYS:]
        ),
    )  # fmt: skip
    say(story.method_said)


def _known(value: float | None) -> str:
    return "–" if value is None else figure(value)


def _print_places_and_outlook(told: "Explanation") -> None:
    if told.candidates:
        _heading(T("可能从哪里开始", "Where it probably began"))
        columns = (T("地方", "place"), T("份额", "share"), T("该处有暴发的概率", "probability of an outbreak there"))
        print_table(columns, ((f"{c.said.en} {c.said.zh}", f"{c.share:.1%}", chance(c.probability)) for c in told.candidates))
        if told.listed_said:
            say(told.listed_said)
    if told.ahead:
        _heading(T("若不处置，接下来（中位数与 80% 区间）", "Expected next if nothing is done (median, 80 % interval)"))
        outlook = (T("数据流", "stream"), *(T(f"{h[0]} 天内", f"in {h[0]} days") for h in told.ahead[0].horizons))
        print_table(
            outlook,
            (
                (
                    f"{x.name.en} {x.name.zh}{'' if x.is_local else ' (whole area 全域)'}",
                    *(f"{figure(median)} ({figure(low)}–{figure(high)})" for _, median, low, high in x.horizons),
                )
                for x in told.ahead
            ),
        )


def _print_run(told: "Explanation", zone: ZoneInfo) -> None:
    run = told.alarm.run
    _heading(T("计算", "Computation"))
    out.print(f"{run.function} {run.version}  {run.input_digest}  {_instant(run.as_known_at, zone)}", markup=False, soft_wrap=True)
    if told.again is None:
        say(T("这次计算没有可重算的内容。", "Nothing is left to compute again."))
    elif told.again.is_same:
        say(T("重算一致：输入摘要和证据都相同。", "Recomputed: same input digest, same evidence."))
    else:
        say(
            T(
                "重算不一致：此后参数、哨点或历史数据有改动。",
                "Recomputed differently: parameters, sentinels or the past have changed since.",
            )
        )


def _instant(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
