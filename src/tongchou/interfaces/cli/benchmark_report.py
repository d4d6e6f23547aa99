"""What the weekly benchmark says: its figures as records, tables, charts and goals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tongchou.core.wording import T
from tongchou.interfaces.cli.benchmark_charts import DRAWN, both_measures, by_set, gaps, named, power_curves
from tongchou.interfaces.cli.benchmark_run import Results
from tongchou.interfaces.cli.paper import Block, Figure, Heading, Paragraph, Rows
from tongchou.science.evaluation.design import PUBLISHED_RANGES, SCENARIOS
from tongchou.science.evaluation.onsets import MISSED_DAYS, paired
from tongchou.science.evaluation.weekly import Measured, difference

PEER = "farringtonFlexible"
OURS = "memoryMixture"
GOALS: Mapping[str, float] = {"pod": 0.61, "pod_week_1": 0.43, "ppv": 0.69}
GOAL_RATE = 0.01
MEASURES: Mapping[str, T] = {
    "fpr": T("误报率", "FPR"),
    "pod": T("检出率", "POD"),
    "pod_week_1": T("首周检出率", "POD week 1"),
    "sensitivity": T("灵敏度", "sensitivity"),
    "ppv": T("阳性预测值", "PPV"),
    "specificity": T("特异度", "specificity"),
    "weeks_to_alarm": T("至预警周数", "weeks to alarm"),
}
LEAD = frozenset({named(OURS)})


def records_of(results: Results) -> list[dict[str, Any]]:
    """Every figure as one record: part, method, rate (empty: the published setting), measure, value, standard error."""
    rows: list[dict[str, Any]] = []
    for part, measured in (("simulated", results.weekly), ("labelled", results.labelled)):
        for one in measured:
            head = {"part": part, "method": one.method, "rate": one.rate}
            rows += [{**head, "measure": name, "value": v, "standard_error": one.errors[name]} for name, v in one.values.items()]
            rows.append({**head, "measure": "highest_fpr", "value": one.highest_fpr, "standard_error": None})
            rows.append({**head, "measure": "threshold", "value": one.threshold, "standard_error": None})
    for per_year, d in results.delays:
        spread = float(d.days.std(ddof=1) / np.sqrt(len(d.days))) if len(d.days) > 1 else None
        head = {"part": "onsets", "method": d.method, "rate": per_year}
        rows.append({**head, "measure": "days_to_alarm", "value": d.mean, "standard_error": spread})
        rows.append({**head, "measure": "false_alarms_a_year", "value": d.false_alarms_per_year, "standard_error": None})
    return rows


def blocks_of(results: Results, command: str) -> list[Block]:
    """The report from the top down."""
    series = len(results.ground.scenario)
    intro = T(
        f"{len(results.plan.scenarios)} 个情景、{series} 条序列、{results.ground.added.shape[0] * results.ground.added.shape[1]} 起暴发。各方法用一个统一阈值，使平均误报率相同。"
        f"±为标准误（序列为单位，含阈值本身的误差）。命令：{command}",
        f"{len(results.plan.scenarios)} scenarios, {series} series, {results.ground.added.shape[0] * results.ground.added.shape[1]} outbreaks. Each method has one threshold for all "
        f"series, set so that the average false-positive rate is equal. ± is a standard error (series are the units; the threshold's own error "
        f"is in it). Made by: {command}",
    )
    blocks: list[Block] = [Paragraph(intro), *_goals(results), *_simulated(results)]
    if results.labelled:
        blocks += _labelled(results)
    if results.delays:
        blocks += _onsets(results)
    return blocks


def at_rate(rows: Iterable[Measured], rate: float | None) -> list[Measured]:
    """Rows of one rate, the best found first."""
    return sorted((row for row in rows if row.rate == rate), key=lambda row: -row.values["pod"])


def _goals(results: Results) -> list[Block]:
    lines = [*_goals_simulated(results), *_goals_labelled(results), *_goals_onsets(results)]
    columns = (
        T("指标", "measure"), T("目标", "goal"), T("实测", "measured"), T("结果", "result"), T("改进 Farrington", "Farrington flexible"),
        T("真实基线", "true baseline"),
    )  # fmt: skip
    caption = T(
        "目标与实测：双记忆基线上的两周混合，误报率 1 %，另注明者除外。",
        "Goals and what was measured: the two-week mixture on the baseline of two memories, at a false-positive rate of 1 %, unless said.",
    )
    return [Heading(T("目标", "Goals")), Rows(caption, columns, lines)] if lines else []


def _goals_simulated(results: Results) -> list[list[str]]:
    of = {row.method: row for row in at_rate(results.weekly, GOAL_RATE)}
    if not of:
        return []
    mine, peer, truth = of[OURS], of[PEER], of["oracleMixture"]
    return [
        [
            MEASURES[name].en, f"≥ {goal:.2f}", _with_error(mine, name), _met(mine.values[name] >= goal), _with_error(peer, name),
            _with_error(truth, name),
        ]
        for name, goal in GOALS.items()
    ]  # fmt: skip


def _goals_labelled(results: Results) -> list[list[str]]:
    lines = []
    for rate in results.plan.rates:
        of = {row.method: row.values["pod"] for row in at_rate(results.labelled, rate)}
        if of:
            lines.append([f"labelled POD, FPR {rate:.1%}", "≥ peer", f"{of[OURS]:.3f}", _met(of[OURS] >= of[PEER]), f"{of[PEER]:.3f}", "–"])
    return lines


def _goals_onsets(results: Results) -> list[list[str]]:
    lines = []
    for per_year in sorted({rate for rate, _ in results.delays}):
        days = {d.method: d.mean for rate, d in results.delays if rate == per_year}
        for name in (OURS, "mixture", "levelMixture"):
            label = f"onset, {named(name)}, {per_year:g} / year"
            lines.append([label, "≤ peer", f"{days[name]:+.1f} d", _met(days[name] <= days[PEER]), f"{days[PEER]:+.1f} d", "–"])
    return lines


def _met(is_met: bool) -> str:
    return "met 达到" if is_met else "not met 未达到"


def _with_error(row: Measured, name: str) -> str:
    return f"{row.values[name]:.3f} ± {row.errors[name]:.3f}"


def _simulated(results: Results) -> list[Block]:
    rows = results.weekly
    rate = GOAL_RATE if GOAL_RATE in results.plan.rates else results.plan.rates[0]
    main = at_rate(rows, rate)
    matched = [row for row in rows if row.rate is not None]
    points = [{"method": r.method, "rate": r.rate, "pod": r.values["pod"]} for r in matched]
    plane = [
        {
            "method": r.method,
            "pod": r.values["pod"],
            "pod_week_1": r.values["pod_week_1"],
            "pod_error": r.errors["pod"],
            "first_error": r.errors["pod_week_1"],
        }
        for r in main
    ]
    blocks: list[Block] = [
        Heading(T("模拟序列", "Simulated series")),
        Figure(T("检出率随误报率的变化；灰线为其余方法。", "Outbreaks found against the false-positive rate; grey: the other methods."), power_curves(points, "outbreaks found 检出率", "pod")),
        Figure(T(f"误报率 {rate:.1%} 时：检出与首周检出（±2 标准误）；虚线为目标。", f"At a false-positive rate of {rate:.1%}: found, and found in the first week (two standard errors); dashed: the goals."), both_measures(plane, (GOALS["pod"], GOALS["pod_week_1"]))),
        Figure(T("按参数组的检出率：括号内为第 576 周前后的期望值。", "Found by parameter set; in brackets the mean count of the current weeks."), by_set(_set_points(results, main))),
    ]  # fmt: skip
    blocks += [_table(results, at_rate(rows, each), each) for each in results.plan.rates]
    return [*blocks, *_published(results)]


def _set_points(results: Results, rows: Sequence[Measured]) -> list[dict[str, Any]]:
    points = []
    sets = np.array([SCENARIOS[k].set_number for k in results.ground.scenario])
    for number in sorted(set(sets.tolist())):
        means = [s.mean()[-49:].mean() for s in SCENARIOS if s.set_number == number]
        for row in rows:
            if row.method in DRAWN:
                label = f"{number} ({_short(float(np.median(means)))})"
                points.append({"method": row.method, "label": label, "pod": row.within(sets == number)["pod"]})
    return points


def _short(mean: float) -> str:
    return f"{mean:.0f}" if mean >= 10 else f"{mean:.1f}"


def _table(results: Results, rows: Sequence[Measured], rate: float) -> Rows:
    peer = next(row for row in rows if row.method == PEER)
    cells = []
    for row in rows:
        gap, error = difference(row, peer, "pod", results.ground.scenario)
        beside = "–" if row is peer else f"{gap:+.3f} ± {error:.3f}"
        cells.append([named(row.method), f"{row.values['fpr']:.4f}", f"{row.highest_fpr:.3f}", *(_with_error(row, n) for n in ("pod", "pod_week_1")), beside, *(f"{row.values[n]:.3f}" for n in ("sensitivity", "ppv", "specificity")), f"{row.values['weeks_to_alarm']:.2f}"])  # fmt: skip
    columns = (
        T("方法", "method"),
        MEASURES["fpr"],
        T("情景最高", "max"),
        MEASURES["pod"],
        MEASURES["pod_week_1"],
        T("检出率差", "POD − flexible"),
        *(MEASURES[n] for n in ("sensitivity", "ppv", "specificity", "weeks_to_alarm")),
    )
    caption = T(
        f"误报率 {rate:.1%}。“最高”：误报最多的情景。至预警周数：漏检按暴发全长计。",
        f"False-positive rate {rate:.1%}. max: the scenario with the most. Weeks to alarm: a missed outbreak counts with its whole length.",
    )
    return Rows(caption, columns, cells, LEAD)


def _published(results: Results) -> list[Block]:
    names = ("fpr", "pod", "pod_week_1", "sensitivity", "ppv", "specificity")
    cells = [[named(row.method), *(f"{row.values[n]:.3f}" for n in names)] for row in at_rate(results.weekly, None)]
    for which, label in ((0, "Bédubourg & Le Strat 2017, lowest of 21 最低"), (1, "highest of 21 最高")):
        ends = [PUBLISHED_RANGES.get(n, (None, None))[which] for n in names]
        cells.append([label, *("–" if end is None else f"{end:.3f}" for end in ends)])
    caption = T(
        "各方法按发表时的设定（有 α 者为 0.01），旁列已发表的范围。误报率各不相同，不能直接比较检出率。",
        "Every method at its published setting (alpha .01 where it has one), and the published ranges beside it. Rates of false alarms differ, so the detection rates cannot be compared.",
    )
    return [Rows(caption, (T("方法", "method"), *(MEASURES[n] for n in names)), cells, LEAD)]


def _labelled(results: Results) -> list[Block]:
    blocks: list[Block] = [
        Heading(T("有标注的真实序列", "Labelled real series")),
        Paragraph(
            T(
                f"{len(results.labelled[0].counted.stratum)} 条序列，从第三年起评判；标注为暴发的周不计入误报率。标注次数少，标准误大。",
                f"{len(results.labelled[0].counted.stratum)} series, judged from their third year on; labelled weeks are left out of the false-positive rate. Few outbreaks are labelled: errors are large.",
            )
        ),
    ]
    names = ("pod", "pod_week_1", "sensitivity", "ppv")
    for rate in results.plan.rates:
        rows = at_rate(results.labelled, rate)
        cells = [[named(r.method), f"{r.values['fpr']:.4f}", *(_with_error(r, n) for n in names)] for r in rows]
        caption = T(f"误报率 {rate:.1%}。", f"False-positive rate {rate:.1%}.")
        blocks.append(Rows(caption, (T("方法", "method"), MEASURES["fpr"], *(MEASURES[n] for n in names)), cells, LEAD))
    return blocks


def _onsets(results: Results) -> list[Block]:
    points = _onset_points(results)
    cells = [
        [
            f"{named(p['method'])}, {p['rate']:g}/y",
            f"{p['days']:+.1f}",
            f"{p['missed']:.0%}",
            f"{p['mean']:+.1f} [{p['low']:+.1f}, {p['high']:+.1f}]",
        ]
        for p in points
    ]
    intro = T(
        f"德国 12 个州 {len(results.onsets)} 次流感季起点（60 岁以上每 10 万人报告不少于 3 例，连续两周）；每周五按当时已公布的 60 岁以下病例判断；"
        "各方法每州每年误报次数相同。负数：早于起点所在周的星期一。区间对流感季和州重新抽样；只有三个流感季，区间较粗。",
        f"{len(results.onsets)} onsets of influenza in 12 German states (60 and over notified at 3 per 100,000 or more, two weeks in a row); each Friday "
        "judged on the cases under 60 published by then; every method at the same number of false alarms a quiet state and year (a method that is "
        "mostly mute may have fewer). Negative: before the Monday of the onset's week. Intervals draw seasons and states anew; with three seasons they are coarse.",
    )
    columns = (
        T("方法、每年误报", "method, false alarms a year"), T("天", "days"), T("漏", "missed"), T("与改进 Farrington 之差", "beside Farrington flexible"),
    )  # fmt: skip
    caption = T("相对改进 Farrington 的天数差及 95 % 区间。", "Days beside Farrington flexible with 95 % intervals.")
    table = Rows(T("起点到首次预警的天数。", "Days from onset to the first alarm."), columns, cells, LEAD)
    figure = Figure(caption, gaps([p for p in points if p["method"] in DRAWN and p["method"] != PEER]))
    return [Heading(T("流感季起点", "Onsets of influenza seasons")), Paragraph(intro), figure, table]


def _onset_points(results: Results) -> list[dict[str, Any]]:
    peers = {rate: d for rate, d in results.delays if d.method == PEER}
    points: list[dict[str, Any]] = []
    for rate, d in results.delays:
        mean, low, high = paired(d, peers[rate], results.onsets)
        missed = float((d.days >= MISSED_DAYS).mean())
        points.append({"method": d.method, "rate": rate, "mean": mean, "low": low, "high": high, "days": d.mean, "missed": missed})
    return sorted(points, key=lambda p: (p["rate"], p["days"]))
