"""`tongchou screen`: the town's watch on streams from a CSV file; needs no installation and no database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.estimating import DAY_FORMAT, tell
from tongchou.interfaces.cli.observation_files import WEEK, Observations, Streams, read_observations, read_streams
from tongchou.interfaces.cli.tables import AsJson, BadTable, OutFile, refused_with_two, write_records

SILENCE_DAYS = 28  # a rise that goes on is one alarm of the past that sets the threshold


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("screen")(screen)


def screen(
    observations: Annotated[Path, typer.Argument(help="CSV: place,stream,day,reported_at,value[,sites]. 观测文件。")],
    streams: Annotated[Path, typer.Option("--streams", help="YAML: what each stream is, residents of places. 数据流说明。")],
    alarm_every: Annotated[
        float, typer.Option("--alarm-every", min=1, help="The promise: at most one false alarm in so many days. 承诺的误报间隔（天）。")
    ] = 365.0,
    from_day: Annotated[datetime | None, typer.Option("--from", formats=DAY_FORMAT, help="First day judged. 起始日。")] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=DAY_FORMAT, help="Last day judged. 截止日。")] = None,
    learn_until: Annotated[
        datetime | None,
        typer.Option(
            "--learn-until",
            formats=DAY_FORMAT,
            help="Raise the threshold so that days up to here keep the promise; judge later ones. 学习截止日。",
        ),
    ] = None,
    every_day: Annotated[bool, typer.Option("--every-day", help="Write every day judged, not only alarms. 输出每一天。")] = False,
    null: Annotated[
        int,
        typer.Option(
            "--null",
            min=0,
            max=10_000,
            help="Also replay so many copies in which nothing happened, and say how often they ring. 无疫情副本数。",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of these copies. 随机种子。")] = 1,
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge each day on what was reported by then: alarms with day, place, grade, evidence and the share of each stream. 逐日筛查多源数据。"""  # fmt: skip
    with refused_with_two():
        from tongchou.science.detection.model import DetectionParams

        described = read_streams(streams)
        found = read_observations(observations, described)
        promised = 365.25 / alarm_every
        params = DetectionParams.weekly(alarms_per_year=promised) if described.is_weekly else DetectionParams(alarms_per_year=promised)
        mornings = _mornings(found, from_day and from_day.date(), to_day and to_day.date())
        if learn_until:
            learnt = [day for day in mornings if day <= learn_until.date()]
            params = replace(params, margin_log=_margin(found, learnt, params))
            mornings = mornings[len(learnt) :]
        write_records(_records(found, mornings, params, every_day), out, as_json)
        if null:
            _tell_null(found, mornings, params, null, seed)


def _mornings(found: Observations, first: date | None, last: date | None) -> list[date]:
    """The days to judge, oldest first; once a week where the calendar is weekly."""
    step = WEEK if found.streams.is_weekly else 1
    begin, day = first or found.first_day, last or found.last_told
    days = []
    while day >= begin:
        days.append(day)
        day -= timedelta(days=step)
    if not days:
        raise BadTable(
            T(f"{begin} 至 {last or found.last_told} 没有可判的日子。", f"--from {begin} --to {last or found.last_told}: there is no day to judge."),
            T(f"数据从 {found.first_day} 到 {found.last_told}。", f"The reports run from {found.first_day} to {found.last_told}."),
        )  # fmt: skip
    return days[::-1]


def _margin(found: Observations, mornings: Sequence[date], params: Any) -> float:
    """What the threshold must rise by to keep the promise on these mornings."""
    from tongchou.science.detection.budget import calibrate_threshold
    from tongchou.science.detection.fusion import screen as judge

    excess = [judge(h, day, params).assessment.excess if h else float("nan") for day, h in _each(found, mornings)]
    learnt = calibrate_threshold(excess, params.alarms_per_year, step_days=params.calendar_step_days, silence_days=SILENCE_DAYS)  # type: ignore[arg-type]
    tell(
        T(
            f"学习 {len(mornings)} 次：阈值上调 {learnt.margin_log:.2f}，据此只能证明每年至多 {learnt.rate_upper_per_year:.1f} 次",
            f"learnt from {len(mornings)} mornings: threshold raised by {learnt.margin_log:.2f}; they prove no better than {learnt.rate_upper_per_year:.1f} alarms a year",
        )
    )
    return learnt.margin_log


def _each(found: Observations, mornings: Sequence[date]) -> Any:
    """Each morning with its histories; a line of progress every hundred."""
    for n, (day, histories) in enumerate(zip(mornings, found.known(list(mornings)), strict=True), start=1):
        if n % 100 == 0:
            tell(T(f"已判 {n}/{len(mornings)} 天", f"{n}/{len(mornings)} days judged"))
        yield day, histories


def _records(found: Observations, mornings: Sequence[date], params: Any, every_day: bool) -> list[dict[str, Any]]:
    from tongchou.science.detection.fusion import screen as judge

    records, answered, alarms = [], None, 0
    for day, histories in _each(found, mornings):
        if not histories:
            continue
        a = judge(histories, day, params, answered).assessment
        if a.alarm:
            answered, alarms = day, alarms + 1
        if a.alarm or every_day:
            records.append(_record(a, found.streams))
    tell(T(f"{len(mornings)} 天，{alarms} 次预警", f"{len(mornings)} days, {alarms} alarms"))
    return records


def _record(a: Any, streams: Streams) -> dict[str, Any]:
    shares = {s.stream: s.share for s in a.streams}
    return {
        "day": a.day.isoformat(), "place": a.located_in or "", "grade": a.grade or "",
        "raised_by": a.alarm_by or "", "evidence": a.statistic, "threshold": a.threshold, "probability": a.outbreak_probability,
        "growth_per_day": a.growth_per_day,
    } | {f"share_{name}": shares.get(name, 0.0) for name in streams.specs}  # fmt: skip


def _tell_null(found: Observations, mornings: Sequence[date], params: Any, copies: int, seed: int) -> None:
    """Replay copies without an outbreak; say the interval between alarms with its exact 95 % limits beside the promise."""
    import numpy as np

    from tongchou.science.detection.budget import interval_limits
    from tongchou.science.detection.model import Additive
    from tongchou.science.detection.null_copies import null_copy
    from tongchou.science.detection.replaying import replay

    *_, histories = found.known([mornings[-1]])
    kept = sorted({h.stream for h in histories if not isinstance(h.model, Additive)})
    if len(kept) == len({h.stream for h in histories}):
        raise BadTable(
            T("--null：没有可以抽样的数据流。", "--null: no stream here can be drawn anew."),
            T("至少一个数据流要有 events_per_infection。", "At least one stream needs a model with events_per_infection."),
        )
    alarms = 0
    for n in range(copies):
        copy = null_copy(histories, mornings[-1], params, np.random.default_rng([seed, n]))
        alarms += len(replay(copy, mornings[0], mornings[-1], params).alarms)
    days = copies * len(mornings) * params.calendar_step_days
    interval, low, high = interval_limits(alarms, days)
    also_zh, also_en = (f"；{', '.join(kept)} 原样保留", f"; {', '.join(kept)} kept as seen") if kept else ("", "")
    promised = 365.25 / params.alarms_per_year
    tell(
        T(
            f"无疫情副本 {copies} 份、{days} 天：{alarms} 次预警，平均间隔 {interval:.0f} 天（95%：{low:.0f}–{high:.0f}），承诺 {promised:.0f} 天{also_zh}",
            f"{copies} copies without an outbreak, {days} days: {alarms} alarms, one per {interval:.0f} days (95 %: {low:.0f}-{high:.0f}), promised {promised:.0f}{also_en}",
        )
    )
