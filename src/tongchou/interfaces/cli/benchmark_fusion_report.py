"""What the fusion benchmark says: its figures as records, tables and charts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tongchou.core.wording import T
from tongchou.interfaces.cli.benchmark_fusion_charts import DRAWN, beside, found_by_day, intervals, named
from tongchou.interfaces.cli.benchmark_fusion_figures import Cell, Figures, WorldRow
from tongchou.interfaces.cli.benchmark_fusion_goals import goals_of
from tongchou.interfaces.cli.paper import Block, Heading, Paragraph, Rows
from tongchou.interfaces.cli.paper import Figure as Drawing
from tongchou.science.evaluation.fusion.budgets import INTERVALS
from tongchou.science.evaluation.fusion.comparisons import Interval, Row
from tongchou.science.evaluation.fusion.contenders import CONTENDERS, FUSED

LEAD = frozenset({named(FUSED)})
YEARLY = INTERVALS.index(365.0)


def blocks_of(figures: Figures, command: str) -> list[Block]:
    """The report from the top down."""
    plan = figures.results.plan
    quiet = figures.results.matched["estimated"].days
    intro = T(
        f"随机模拟的镇：60 个村、20 万居民、五类哨点，按日判断。阈值在 {plan.matching_towns} 个平静镇（{quiet:,} 天）里共同设定，使每种方法误报同样稀少；"
        f"每个平静世界 {plan.world_towns} 个镇、{plan.world_towns * plan.timeline.judged:,} 天；每格 {plan.outbreak_towns} 起暴发。区间为 95 %。命令：{command}",
        f"Simulated towns of 60 villages, 200,000 residents and five streams, judged every day. Thresholds are set in common in {plan.matching_towns} quiet towns "
        f"({quiet:,} days), so that every method rings equally rarely; each null world has {plan.world_towns} towns and {plan.world_towns * plan.timeline.judged:,} "
        f"judged days; each cell {plan.outbreak_towns} outbreaks. Limits are 95 %. Made by: {command}",
    )
    columns = (T("目标", "goal"), T("要求", "wanted"), T("结果", "result"), T("实测", "measured"))
    caption = T(
        "365 天一次误报。中位天数（融合 : 对方）；同一批暴发的平均差及区间。",
        "At one false alarm in 365 days. Median days, fused : other; mean difference on the same outbreaks with limits.",
    )
    goals = [[g.goal, g.wanted, "met 达到" if g.is_met else "not met 未达到", g.measured] for g in goals_of(figures)]
    blocks: list[Block] = [Paragraph(intro), Heading(T("目标", "Goals")), Rows(caption, columns, goals)]
    return [*blocks, *_budgets(figures), *_delays(figures), *_where(figures), *_matching(figures)]


def _budgets(figures: Figures) -> list[Block]:
    points = [
        {
            "world": w.world,
            "promise": w.promise,
            "mean": _finite(w.by_replay[0]),
            "low": w.by_replay[1],
            "high": _finite(w.by_replay[2], 5000.0),
        }
        for w in figures.worlds
    ]
    columns = (
        T("世界", "world"), T("承诺", "promise"), T("预警次数", "alarms"), T("间隔 · 理论阈值", "interval, theory"),
        T("预警次数", "alarms"), T("间隔 · 取回放与理论之大者", "interval, larger of theory and replay"), T("达到", "kept"),
        T("镇间方差/均值", "variance / mean over towns"),
    )  # fmt: skip
    caption = T(
        "融合规则两次预警之间的天数（每次预警后重新开始）及精确泊松区间；“达到”：下限不低于承诺。镇间方差/均值大于 1 时区间偏窄。",
        "Days between alarms of the fused rule, begun anew after each, with exact Poisson limits; kept: the lower limit is at least the promise. Where variance / mean exceeds 1 the limits are too narrow.",
    )
    cells = [_world_line(w) for w in figures.worlds]
    drawn = Drawing(
        T("平静世界里的预警间隔；虚线为承诺。", "Days between alarms in the null worlds; dashed: the promise."),
        intervals(points, INTERVALS),
    )
    return [Heading(T("误报预算", "The alarm budget")), drawn, Rows(caption, columns, cells)]


def _world_line(w: WorldRow) -> list[str]:
    kept = "kept 守住" if w.is_kept else "not kept 未守住"
    return [named(w.world), f"{w.promise:g}", f"{w.alarms_theory}", limits(w.by_theory, 0), f"{w.alarms_replay}", limits(w.by_replay, 0), kept, _two(w.unevenness)]  # fmt: skip


def _delays(figures: Figures) -> list[Block]:
    blocks: list[Block] = [Heading(T("暴发：多久发现", "Outbreaks: how soon"))]
    for cell in figures.cells_at(YEARLY):
        if cell.quality == 1.0:
            caption = T(
                f"R0 {cell.reproduction:g}：播种后各天已发现的暴发。", f"R0 {cell.reproduction:g}: outbreaks found by day since seeding."
            )
            blocks.append(Drawing(caption, found_by_day(_curve(figures, cell))))
    points = [
        {"method": method, "cell": f"R0 {cell.reproduction:g}", "mean": gap[0], "low": gap[1], "high": gap[2]}
        for cell in figures.cells_at(YEARLY) if cell.quality == 1.0
        for method, gap in cell.beside.items() if method != FUSED
    ]  # fmt: skip
    caption = T(
        "同一批暴发里，融合与其他方法相差的天数（365 天一次误报）。",
        "The fused rule beside every other on the same outbreaks, mean days (one false alarm in 365 days).",
    )
    blocks.append(Drawing(caption, beside(points)))
    blocks += [_cell_table(cell) for cell in figures.cells_at(YEARLY)]
    blocks += [_overview(figures, k) for k in range(len(INTERVALS)) if k != YEARLY]
    return blocks


def _curve(figures: Figures, cell: Cell) -> list[dict[str, Any]]:
    points = []
    for method in DRAWN:
        delay = figures.delays(cell, method)
        points += [{"method": method, "day": day, "found": float(np.mean(delay <= day))} for day in range(int(cell.horizon) + 1)]
    return points


def _cell_table(cell: Cell) -> Rows:
    cells = [
        [
            named(method), days_in(row.days), limits(row.infected, 0), f"{row.found:.0%}", signed(cell.beside[method]) if method != FUSED else "–",
            share(cell.fewer[method]) if method != FUSED else "–", _brief(cell.truth[method]) if cell.truth else "–",
        ]
        for method, row in sorted(cell.rows.items(), key=lambda item: (item[1].days[0], item[1].infected[0]))
    ]  # fmt: skip
    columns = (
        T("方法", "method"), T("中位天数", "median days"), T("至此感染", "infected by then"), T("发现", "found"), T("融合早（−）晚（+）", "fused minus this, days"),
        T("融合少感染", "fused: fewer infected"), T("真实基线：天/感染", "true baseline: days / infected"),
    )  # fmt: skip
    caption = T(
        f"R0 {cell.reproduction:g}，质量 ×{cell.quality:g}，365 天一次误报，观察 {cell.horizon:g} 天。",
        f"R0 {cell.reproduction:g}, quality ×{cell.quality:g}, one false alarm in 365 days, watched for {cell.horizon:g} days. Chance alarms count as found.",
    )
    return Rows(caption, columns, cells, LEAD)


def _overview(figures: Figures, interval: int) -> Rows:
    cells_at = figures.cells_at(interval)
    cells = [[named(method), *(_brief(cell.rows[method]) for cell in cells_at)] for method in CONTENDERS]
    columns = (T("方法", "method"), *(T(f"{c.reproduction:g} ×{c.quality:g}", f"R0 {c.reproduction:g} ×{c.quality:g}") for c in cells_at))
    caption = T(
        f"{INTERVALS[interval]:g} 天一次误报：中位天数/至此感染。误报这样频繁时，不少“发现”只是巧合。",
        f"One false alarm in {INTERVALS[interval]:g} days: median days / infected by then. With alarms so frequent many of the findings are chance.",
    )
    return Rows(caption, columns, cells, LEAD)


def _where(figures: Figures) -> list[Block]:
    cells_at = figures.cells_at(YEARLY)
    cells = [
        [named(method), *(f"{_two(cell.rows[method].top_1[0])} / {_two(cell.rows[method].top_3[0])}" for cell in cells_at)]
        for method in CONTENDERS
    ]
    columns = (T("方法", "method"), *(T(f"{c.reproduction:g} ×{c.quality:g}", f"R0 {c.reproduction:g} ×{c.quality:g}") for c in cells_at))
    caption = T(
        "首个预警时，播种村排第一/前三的比例（在已发现的暴发中；365 天一次误报）。",
        "Share of the outbreaks found in which the seeded village comes first / among the first three at the alarm (one false alarm in 365 days).",
    )
    return [Heading(T("在哪里", "Where")), Rows(caption, columns, cells, LEAD)]


def _matching(figures: Figures) -> list[Block]:
    cells = []
    for method, contender in CONTENDERS.items():
        line = [named(method)]
        for background in ("estimated", "true"):
            line.append(" / ".join(f"{t:.2f}" for t in figures.results.thresholds[background][method]))
        for background in ("estimated", "true"):
            found = figures.results.matched[background]
            promised = [interval_text(found.days, found.alarms_at(method, float(np.log(c)))) for c in INTERVALS]
            line.append(" / ".join(promised) if contender.is_promise else "–")
        cells.append(line)
    columns = (
        T("方法", "method"), T("阈值 30/90/365 · 估计", "thresholds 30 / 90 / 365, estimated"), T("真实基线", "true baseline"),
        T("理论阈值的间隔 · 估计", "interval at log 30 / 90 / 365, estimated"), T("真实基线", "true baseline"),
    )  # fmt: skip
    caption = T(
        "共同设定的阈值（对数或方法自身的尺度），以及阈值取 log 30、90、365 时的实际间隔：真实基线下理论应保证不短于承诺。",
        "Thresholds set in common (logarithms, or the method's own scale), and the interval at log 30, 90 and 365: with the true baseline theory promises at least so much.",
    )
    return [Heading(T("共同阈值", "Thresholds in common")), Rows(caption, columns, cells, LEAD)]


def interval_text(days: int, alarms: int) -> str:
    """Mean interval of a count; a bound where none was counted."""
    return f"{days / alarms:.0f}" if alarms else f">{days}"


def limits(value: Interval, digits: int) -> str:
    """An estimate with its limits; a bound where it has no upper one."""
    middle, low, high = (f"{v:.{digits}f}" if np.isfinite(v) else "∞" for v in value)
    return f"{middle} [{low}, {high}]"


def days_in(value: Interval) -> str:
    """Median days; "–" where most were not found."""
    return " ".join(
        [
            f"{value[0]:.0f}" if np.isfinite(value[0]) else "–",
            "[" + ", ".join(f"{v:.0f}" if np.isfinite(v) else "–" for v in value[1:]) + "]",
        ]
    )


def signed(value: Interval) -> str:
    return f"{value[0]:+.1f} [{value[1]:+.1f}, {value[2]:+.1f}]"


def share(value: Interval) -> str:
    return f"{value[0]:.0%} [{value[1]:.0%}, {value[2]:.0%}]"


def _brief(row: Row) -> str:
    return f"{row.days[0]:.0f} / {row.infected[0]:.0f}" if np.isfinite(row.days[0]) else f"– / {row.infected[0]:.0f}"


def _two(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _finite(value: float, instead: float | None = None) -> float | None:
    return float(value) if np.isfinite(value) else instead


def records_of(figures: Figures) -> list[dict[str, Any]]:
    """Every figure as one record; an empty value: not found in time, or no limit."""
    rows: list[dict[str, Any]] = []

    def put(part: str, method: str, background: str, where: str, interval: float, measure: str, value: Sequence[float]) -> None:
        numbers = [_finite(v) for v in value]
        low, high = numbers[1:] if len(numbers) == 3 else (None, None)
        rows.append(
            {
                "part": part, "method": method, "background": background, "where": where, "interval": interval, "measure": measure,
                "value": numbers[0], "low": low, "high": high,
            }
        )  # fmt: skip

    for background, of in figures.results.thresholds.items():
        for method, thresholds in of.items():
            for c, threshold in zip(INTERVALS, thresholds, strict=True):
                put("thresholds", method, background, "as modelled", c, "threshold", [threshold])
    for w in figures.worlds:
        put("worlds", FUSED, "estimated", w.world, w.promise, "interval_theory", w.by_theory)
        put("worlds", FUSED, "estimated", w.world, w.promise, "alarms_theory", [w.alarms_theory])
        put("worlds", FUSED, "estimated", w.world, w.promise, "interval_replay", w.by_replay)
        put("worlds", FUSED, "estimated", w.world, w.promise, "alarms_replay", [w.alarms_replay])
        put("worlds", FUSED, "estimated", w.world, w.promise, "unevenness", [w.unevenness])
    for cell in figures.cells:
        where, c = f"R0 {cell.reproduction:g} x{cell.quality:g}", INTERVALS[cell.interval]
        for background, of_rows in (("estimated", cell.rows), ("true", cell.truth)):
            for method, row in of_rows.items():
                for measure in ("days", "infected", "top_1", "top_3"):
                    put("outbreaks", method, background, where, c, measure, getattr(row, measure))
                put("outbreaks", method, background, where, c, "found", [row.found])
        for method in cell.beside:
            if method != FUSED:
                put("outbreaks", method, "estimated", where, c, "days_fused_minus_this", cell.beside[method])
                put("outbreaks", method, "estimated", where, c, "share_fewer_infected_fused", cell.fewer[method])
    return rows
