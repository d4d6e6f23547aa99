"""What the benchmark on real streams says: figures as records, tables, a chart, goals."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from tongchou.core.wording import T
from tongchou.interfaces.cli.benchmark_charts import gaps
from tongchou.interfaces.cli.paper import Block, Figure, Heading, Paragraph, Rows
from tongchou.interfaces.cli.real_districts import LEVELS, District
from tongchou.interfaces.cli.real_sources import alarm_day
from tongchou.science.evaluation.combining import ALONE
from tongchou.science.evaluation.fusing import DEVELOPMENT, EVERY, HELD_OUT, PARTS, RealMeasured, RealRow
from tongchou.science.evaluation.onsets import MISSED_DAYS

METHODS: Mapping[str, T] = {
    "fused": T("本系统：加权乘积＋邻区", "the watch: weighted product and neighbours"),
    "weighted": T("加权乘积（特异 1、非特异 .25）", "weighted product (specific 1, others .25)"),
    "best": T("最佳单一数据流", "best single stream"),
    "bestWeek": T("最佳单一数据流，单周 z", "best single stream, one-week z"),
    "bestAndRest": T("最佳单一数据流＋邻区", "best single stream and neighbours"),
    "bestAndRestUncapped": T("同上，邻区不设上限", "the same, neighbours without ceiling"),
    "fusedUncapped": T("加权乘积＋邻区，不设上限", "weighted product and neighbours, no ceiling"),
    "product": T("e 值乘积", "product of e"),
    "rootProduct": T("e 值乘积的平方根", "product of e^.5"),
    "meanE": T("e 值平均", "mean of e"),
    "bonferroni": T("Bonferroni 校正", "Bonferroni"),
    "fisher": T("Fisher 合并", "Fisher"),
    "stouffer": T("Stouffer 合并", "Stouffer"),
    "twoOfAll": T("两路同时", "2 of n"),
    "others": T("除最佳外的乘积", "all but the best, product"),
    "weightedWithoutSeason": T("加权乘积，扣除季节增长", "weighted product, season's growth taken out"),
    "fusedWithoutSeason": T("本系统，扣除季节增长", "the watch, season's growth taken out"),
}
TARGETS: Mapping[str, T] = {"influenza": T("流感", "influenza"), "covid19": T("新冠", "COVID-19")}
PART_NAMES: Mapping[str, T] = {DEVELOPMENT: T("调试部分", "development"), HELD_OUT: T("留出部分", "held out"), EVERY: T("全部", "all")}
DRAWN = ("fused", "weighted", "bestAndRest", "bestWeek", "product", "meanE", "bonferroni", "fisher", "twoOfAll", "others")
WITHIN_DAYS, BEFORE_AVERAGE_DAYS, RATIO = 2.0, 10.0, (0.5, 2.0)


def named(method: str) -> str:
    if method.startswith(ALONE):
        return f"alone 单独: {method.removeprefix(ALONE)}"
    return f"{METHODS[method].en} {METHODS[method].zh}"


def records_of(measured: Sequence[RealMeasured]) -> list[dict[str, Any]]:
    """Every figure as one record."""
    rows: list[dict[str, Any]] = []
    for m in measured:
        for r in m.rows:
            head = {"target": r.target, "part": r.part, "rate": r.rate, "method": r.delays.method}
            figures = {"days": r.delays.mean, "missed": _missed(r), "false_alarms_a_year": r.delays.false_alarms_per_year}
            figures |= dict(zip(("beside_best", "beside_best_low", "beside_best_high"), r.gap, strict=True))
            rows += [{**head, "measure": name, "value": value} for name, value in figures.items()]
        for (part, rate, name), (fused, single) in m.beside_each.items():
            head = {"target": m.target.code, "part": part, "rate": rate, "method": f"{ALONE}{name}"}
            rows.append({**head, "measure": "days_on_onsets_seen", "value": single})
            rows.append({**head, "measure": "fused_days_on_onsets_seen", "value": fused})
        for c in m.carried:
            head = {"target": m.target.code, "part": f"carried, {c.basis}", "rate": c.promised_per_year, "method": c.method}
            figures = {"ratio": c.ratio, "false_alarms": c.false_alarms, "quiet_years": c.quiet_years, "days": float(c.days.mean())}
            rows += [{**head, "measure": name, "value": value} for name, value in figures.items()]
    return rows


def alarms_of(measured: Sequence[RealMeasured]) -> list[dict[str, Any]]:
    """For every onset, method and rate the day of the alarm at both thresholds between which the coin decides; empty: none in time."""
    rows = []
    for m in measured:
        for r in (r for r in m.rows if r.part != EVERY):
            d, sundays = r.delays, m.target.weeks
            for n, onset in enumerate(m.grounds[r.part].onsets):
                begun = alarm_day(onset, sundays, 0)
                both = [days[n] if days is not None else MISSED_DAYS for days in (d.strict, d.loose)]
                at = [None if x >= MISSED_DAYS else alarm_day(onset, sundays, x).isoformat() for x in both]
                rows.append(
                    {
                        "target": r.target, "wave": onset.season, "state": m.target.places[onset.place], "onset": begun.isoformat(),
                        "part": r.part, "false_alarms_a_year": r.rate, "method": d.method, "alarm_at_strict_line": at[0],
                        "alarm_at_loose_line": at[1], "share_of_loose_line": round(d.loose_share, 3), "days": round(float(d.days[n]), 1),
                    }
                )  # fmt: skip
    return rows


def blocks_of(
    measured: Sequence[RealMeasured], districts: Sequence[District], split: tuple[date, Sequence[str]], command: str
) -> list[Block]:
    """The report from the top down."""
    blocks: list[Block] = [*_intro(measured, split, command), *_goals(measured)]
    for m in measured:
        blocks += _target(m)
    blocks += [_carried(measured)]
    return [*blocks, *(_districts(districts) if districts else [])]


def _intro(measured: Sequence[RealMeasured], split: tuple[date, Sequence[str]], command: str) -> list[Block]:
    held = ", ".join(split[1])
    what = T(
        "德国各州逐周实测：每周五按当时已公布的数据评判，数据流由本系统监测程序本身读取。起点：流感为 60 岁以上每 10 万人报告 3 例以上连续两周的第一周；新冠为 7 天住院（三周平均）"
        "每 10 万人 1 例以上，之前至少 4 周低于、持续至少 6 周。起点前 3 周至后 4 周内的预警算发现，未发现计 35 天；各法每州每年误报次数完全相等（两个阈值间以硬币决定）。"
        "区间对波次和州两向重抽样。",
        "German states, week by week: each Friday judged on what was published by then, streams read by the watch's own code. Onsets: influenza, the first of two weeks with "
        "3 or more notified per 100,000 aged 60 and over; COVID-19, patients admitted in 7 days (mean of three weeks) at 1 or more per 100,000 after at least 4 weeks below, "
        "for at least 6. An alarm from 3 weeks before to 4 weeks after finds an onset; none counts as 35 days; false alarms per quiet state and year are exactly equal (a coin "
        "decides between two thresholds). Intervals draw waves and states anew.",
    )
    which = T(
        f"最佳单一数据流只在调试部分选定：{split[0]} 以前且不含州 {held}；其余为留出部分。步骤、权重和网格出自更早的一项研究，该研究看过这些数据，因此留出部分只对此处所选"
        f"（最佳数据流、阈值、邻区上限）是新的。",
        f"The best single stream is picked on the development part alone: before {split[0]}, without states {held}; the rest is held out. Steps, weights and grids come from an "
        f"earlier study that had seen these data, so held out is new only to what was chosen here: the best stream, thresholds, the ceiling of the neighbours.",
    )
    return [Paragraph(what), Paragraph(which), Paragraph(T(f"命令：{command}", f"Made by: {command}"))]


def _goals(measured: Sequence[RealMeasured]) -> list[Block]:
    lines = []
    for m in (m for m in measured if m.grounds[HELD_OUT].onsets):
        name = TARGETS[m.target.code]
        for rate in sorted({r.rate for r in m.rows}):
            head = f"{name.en} {name.zh}, {rate:g}/y"
            own, rest = m.row("weighted", HELD_OUT, rate).gap, m.row("fused", HELD_OUT, rate).gap
            average, (stream, behind) = m.gain_on_average(HELD_OUT, rate), m.behind_hindsight(HELD_OUT, rate)
            lines += [
                [head, "own streams, beside the best 自有流与最佳之差", "≤ 2 d", _gap(own), _met(own[0] <= WITHIN_DAYS)],
                [head, f"beside the best in hindsight 与事后最佳之差: {stream}", "≤ 2 d", f"{behind:+.1f}", _met(behind <= WITHIN_DAYS)],
                [head, "with neighbours, beside the best 含邻区与最佳之差", "< 0 d", _gap(rest), _met(rest[0] < 0)],
                [head, "before the average stream 早于平均单一流", "≥ 10 d", f"{average:.1f}", _met(average >= BEFORE_AVERAGE_DAYS)],
            ]
        for c in (c for c in m.carried if c.method == "fused" and c.basis in ("own past", "own past, ceiling")):
            head = f"{name.en} {name.zh}, {c.promised_per_year:g}/y"
            ratio = f"{c.ratio:.2f} [{c.interval[0]:.2f}, {c.interval[1]:.2f}]"
            lines.append([head, f"false alarms / promise 误报/承诺: {c.basis}", "0.5–2", ratio, _met(RATIO[0] <= c.ratio <= RATIO[1])])
    caption = T("目标与实测（留出部分；天数：负为早）。", "Goals and what was measured (held out; days, negative: earlier).")
    columns = (T("病种、误报", "target"), T("指标", "measure"), T("目标", "goal"), T("实测", "measured"), T("结果", "result"))
    return [Heading(T("目标", "Goals")), Rows(caption, columns, lines)] if lines else []


def _target(m: RealMeasured) -> list[Block]:
    name = TARGETS[m.target.code]
    counts = {p: f"{len(g.onsets)} / {len({o.season for o in g.onsets})} / {g.quiet_years:.1f}" for p, g in m.grounds.items()}
    seen = T(
        f"调试部分选定的最佳单一数据流：{m.best}。起点数 / 波次数 / 平静州年：{'；'.join(f'{PART_NAMES[p].zh} {count}' for p, count in counts.items())}。",
        f"Best single stream, picked on the development part: {m.best}. Onsets / waves / quiet state-years: "
        f"{'; '.join(f'{PART_NAMES[p].en} {count}' for p, count in counts.items())}.",
    )
    rates = sorted({r.rate for r in m.rows})
    parts = [p for p in PARTS if m.grounds[p].onsets]
    drawn = [
        {"method": r.delays.method, "rate": r.rate, "mean": r.gap[0], "low": r.gap[1], "high": r.gap[2]}
        for r in m.rows
        if r.part == parts[min(1, len(parts) - 1)] and r.delays.method in DRAWN
    ]
    caption = T(
        "留出部分：比最佳单一数据流早（负）或晚的天数，95 % 区间。",
        "Held out: days before (negative) or after the best single stream, 95 % intervals.",
    )
    title = "days beside the best single stream 比最佳单一数据流早（负）或晚（天）"
    tables = [_table(m, part, rates) for part in parts]
    return [Heading(name), Paragraph(seen), Figure(caption, gaps(drawn, title, named)), *tables, _each(m, rates), _waves(m, rates)]


def _table(m: RealMeasured, part: str, rates: Sequence[float]) -> Rows:
    methods = list(dict.fromkeys(r.delays.method for r in m.rows if r.part == part))
    order = sorted(methods, key=lambda name: (name.startswith(ALONE), list(METHODS).index(name) if name in METHODS else 0))
    cells = []
    for method in order:
        rows = [m.row(method, part, rate) for rate in rates]
        cells.append([named(method), *(cell for r in rows for cell in (f"{r.delays.mean:+.1f}", f"{_missed(r):.0%}", _gap(r.gap)))])
    heads = [
        head
        for rate in rates
        for head in (T(f"天（{rate:g}/年）", f"days ({rate:g} / y)"), T("漏", "missed"), T("与最佳之差", "beside the best"))
    ]
    caption = T(f"{PART_NAMES[part].zh}。", f"{PART_NAMES[part].en.capitalize()}.")
    return Rows(caption, (T("方法", "method"), *heads), cells, frozenset({named("fused"), named("best")}))


def _each(m: RealMeasured, rates: Sequence[float]) -> Rows:
    cells = [
        [f"{name}, {PART_NAMES[part].en} {PART_NAMES[part].zh}, {rate:g}/y", f"{single:+.1f}", f"{fused:+.1f}", f"{single - fused:+.1f}"]
        for (part, rate, name), (fused, single) in m.beside_each.items()
        if part == HELD_OUT
    ]
    caption = T(
        "本系统与每一数据流：只计该流有数据的起点与平静周。",
        "The watch beside every single stream, on the onsets and quiet weeks that this stream saw (at least five onsets).",
    )
    return Rows(caption, (T("单一数据流", "single stream"), T("单独（天）", "alone (days)"), T("本系统（天）", "the watch (days)"), T("早（天）", "days gained")), cells)  # fmt: skip


def _waves(m: RealMeasured, rates: Sequence[float]) -> Rows:
    """Mean days by wave, over the onsets of both parts, each at the thresholds of its part."""
    numbers = sorted({o.season for o in m.grounds[EVERY].onsets})
    methods = [name for name in METHODS if any(r.delays.method == name for r in m.rows)]
    cells = []
    for method in methods:
        line = [named(method)]
        for number in numbers:
            for rate in rates:
                days = [
                    d for part in (DEVELOPMENT, HELD_OUT) if m.grounds[part].onsets
                    for d, o in zip(m.row(method, part, rate).delays.days, m.grounds[part].onsets, strict=True) if o.season == number
                ]  # fmt: skip
                line.append(f"{np.mean(days):+.1f}")
        cells.append(line)
    heads = []
    for number in numbers:
        first = min(o.week for o in m.grounds[EVERY].onsets if o.season == number)
        begun = f"{m.target.weeks[first]:%Y-%m}"
        heads += [T(f"{begun}，{rate:g}/年", f"{begun}, {rate:g} / y") for rate in rates]
    caption = T("按波次的平均天数；逐州日期见 alarms.csv。", "Mean days by wave; the dates of every state are in alarms.csv.")
    return Rows(caption, (T("方法", "method"), *heads), cells, frozenset({named("fused"), named("best")}))


def _carried(measured: Sequence[RealMeasured]) -> Rows:
    cells = [
        [
            f"{TARGETS[m.target.code].en}, {named(c.method)}", c.basis, f"{c.promised_per_year:g}", f"{c.false_alarms}", f"{c.quiet_years:.1f}",
            f"{c.ratio:.2f} [{c.interval[0]:.2f}, {c.interval[1]:.2f}]", f"{c.days.mean():+.1f}", f"{(c.days >= MISSED_DAYS).mean():.0%}",
        ]
        for m in measured
        for c in m.carried
    ]  # fmt: skip
    heads = (
        T("病种、方法", "target, method"), T("阈值依据", "threshold from"), T("承诺/年", "promised / y"), T("误报", "false alarms"), T("平静州年", "quiet state-years"),
        T("实际/承诺", "actual / promised"), T("天", "days"), T("漏", "missed"),
    )  # fmt: skip
    caption = T(
        "用过去定的阈值沿用到下一季（每年 5 月 1 日为界）：实际误报与承诺之比（区间把各次误报当作独立，偏窄）。“ceiling”：余量不超过 log 64，即误报额度控制器的上限。",
        "Thresholds set on the past and carried to the next season (cut on 1 May): actual over promised false alarms (the interval takes them as independent: too "
        "narrow). Ceiling: a margin of at most log 64, as the budget controller has it.",
    )
    return Rows(caption, heads, cells)


def _districts(districts: Sequence[District]) -> list[Block]:
    kinds = ("total", "community", "rest", "fused")
    cells = [[d.name, *(_day(x) for x in (d.listed_on, *(d.alarms[k] for k in kinds), *(d.reached[n] for n in LEVELS)))] for d in districts]
    heads = (
        T("区", "district"), T("首次报告", "first listed"), T("全部报告", "all findings"), T("社区报告", "community only"), T("其余各区", "rest of the city"),
        T("全部＋其余", "all, and the rest"), *(T(f"每日 {n} 例", f"{n} a day") for n in LEVELS),
    )  # fmt: skip
    intro = T(
        "仅为描述：此前没有可用于校准的季节，假定每区每日本底 0.3 例，阈值为理论值（每区每年一次）。3 月 19 日前各区报告一律记为社区发现，途径无助于早期判断。",
        "Descriptive only: no season before it to calibrate on; a background of 0.3 a day and district is assumed and the line is the theoretical one (one a district and "
        "year). Until 19 March all findings are coded as community: the route says nothing in the days that matter.",
    )
    return [Heading(T("上海 2022 年 3 月，12 个区", "Shanghai, March 2022, 12 districts")), Paragraph(intro), Rows(T("首次预警日。", "First day of an alarm."), heads, cells)]  # fmt: skip


def _day(day: date | None) -> str:
    return "–" if day is None else f"{day:%m-%d}"


def _missed(row: RealRow) -> float:
    return float((row.delays.days >= MISSED_DAYS).mean())


def _gap(gap: tuple[float, float, float]) -> str:
    return f"{gap[0]:+.1f} [{gap[1]:+.1f}, {gap[2]:+.1f}]"


def _met(is_met: bool) -> str:
    return "met 达到" if is_met else "not met 未达到"
