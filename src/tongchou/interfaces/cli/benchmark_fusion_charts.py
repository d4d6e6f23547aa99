"""Names and figures of the fusion benchmark."""

from collections.abc import Mapping, Sequence
from typing import Any

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import Spec, layer, quantity, spec_of

NAMES: Mapping[str, T] = {
    "fused": T("融合（五类哨点）", "fused, five streams"),
    "fused or a stream": T("融合或单一哨点（各半）", "fused or one stream (half each)"),
    "largest ratio": T("最大似然比", "largest ratio (GLR)"),
    "testing": T("检测", "testing"),
    "scanner": T("扫码", "scanner"),
    "spot check": T("抽检", "spot check"),
    "monitoring": T("监测", "monitoring"),
    "case investigation": T("病例调查", "case investigation"),
    "testing, chart": T("检测 · CUSUM", "testing, CUSUM"),
    "scanner, chart": T("扫码 · CUSUM", "scanner, CUSUM"),
    "spot check, chart": T("抽检 · CUSUM", "spot check, CUSUM"),
    "monitoring, chart": T("监测 · CUSUM", "monitoring, CUSUM"),
    "case investigation, chart": T("病例调查 · CUSUM", "case investigation, CUSUM"),
    "mean of e": T("e 值平均", "mean of e"),
    "generic product": T("e 值乘积（通用）", "product of e, generic"),
    "Bonferroni": T("Bonferroni（五个 CUSUM）", "Bonferroni of five CUSUMs"),
    "Fisher": T("Fisher 合并 CUSUM", "Fisher CUSUM"),
    "Stouffer": T("Stouffer 合并 CUSUM", "Stouffer CUSUM"),
    "scan": T("时空扫描", "space-time scan"),
}
WORLD_NAMES: Mapping[str, T] = {
    "as modelled": T("与模型一致", "as modelled"),
    "weekday drift": T("周内模式漂移", "weekday drift"),
    "common day shock": T("全镇同日波动", "common day shock"),
    "holidays": T("节假日", "holidays"),
    "more dispersion": T("离散度增大", "more dispersion"),
    "all four": T("以上四项", "all four"),
    "outage": T("停报", "outage"),
    "outage, caught up": T("停报后补报", "outage, caught up"),
    "sites change, known": T("站点增减（已知）", "sites change, known"),
    "sites change, unknown": T("站点增减（未知）", "sites change, unknown"),
    "method change": T("方法改变", "method change"),
    "school holidays": T("学校假期", "school holidays"),
}
DRAWN = {
    "fused": "$cat-1",
    "testing": "$cat-2",
    "spot check, chart": "$cat-3",
    "Bonferroni": "$cat-4",
    "scan": "$cat-5",
    "case investigation": "$cat-7",
}


def named(name: str) -> str:
    """A method or a world in both languages."""
    both = NAMES.get(name) or WORLD_NAMES[name]
    return f"{both.en} {both.zh}"


def found_by_day(points: Sequence[Mapping[str, Any]]) -> Spec:
    """Share of outbreaks found against days since seeding. points: method, day, found."""
    values = [{**p, "method": named(p["method"])} for p in points]
    scale = {"domain": [named(m) for m in DRAWN], "range": list(DRAWN.values())}
    colour = {"field": "method", "type": "nominal", "title": None, "scale": scale, "legend": {"columns": 3, "symbolType": "stroke"}}
    x = quantity("day", title="days since seeding 播种后天数")
    y = quantity("found", title="outbreaks found 已发现的暴发", axis={"format": ".0%"}, scale={"domain": [0, 1]})
    return spec_of({"values": values}, [layer("line", {"x": x, "y": y, "color": colour}, strokeWidth=2, interpolate="step-after")], 280, {})


def intervals(points: Sequence[Mapping[str, Any]], promises: Sequence[float]) -> Spec:
    """Days between alarms by null world with limits, beside what was promised. points: world, promise, mean, low, high; None = unbounded."""
    values = [{**p, "world": named(p["world"]), "promise": f"c = {p['promise']:g}"} for p in points]
    y = {"field": "world", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 260, "grid": False}}
    title = "days between alarms 两次预警间隔（天）"
    scale = {"type": "log", "nice": False, "padding": 10}
    axis = {"values": [10, 30, 90, 365, 1000, 3000], "format": "d"}
    names = [f"c = {promise:g}" for promise in promises]
    colour = {"field": "promise", "type": "nominal", "title": None, "scale": {"domain": names, "range": ["$cat-3", "$cat-2", "$cat-1"]}}
    lines = [{"at": promise, "promise": name} for promise, name in zip(promises, names, strict=True)]

    def x(field: str) -> Spec:
        return quantity(field, title=title, scale=scale, axis=axis)

    layers = [
        layer("rule", {"x": x("at"), "color": colour}, values=lines, strokeDash=[4, 3]),
        layer("rule", {"y": y, "x": x("low"), "x2": {"field": "high"}, "color": colour}, strokeWidth=2),
        layer("point", {"y": y, "x": x("mean"), "color": colour}, keep="datum.mean !== null", filled=True, size=45, opacity=1),
    ]
    return spec_of({"values": values}, layers, 24 * len({p["world"] for p in points}), {})


def beside(points: Sequence[Mapping[str, Any]]) -> Spec:
    """Days that the fused rule rings earlier (left) or later than each other, the same outbreaks. points: method, cell, mean, low, high."""
    values = [{**p, "method": named(p["method"])} for p in points]
    y = {"field": "method", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 260, "grid": False}}
    title = "fused minus the other, days 融合比对方早（负）或晚（天）"
    colour = {"field": "cell", "type": "nominal", "title": None, "sort": None, "scale": {"range": ["$cat-3", "$cat-1", "$cat-2"]}}
    offset = {"field": "cell", "sort": None}
    layers = [
        layer("rule", {"x": quantity("zero", title=title)}, values=[{"zero": 0}], color="$line-2"),
        layer("rule", {"y": y, "x": quantity("low", title=title), "x2": {"field": "high"}, "color": colour, "yOffset": offset}),
        layer("point", {"y": y, "x": quantity("mean", title=title), "color": colour, "yOffset": offset}, filled=True, size=40, opacity=1),
    ]
    return spec_of({"values": values}, layers, 30 * len({p["method"] for p in points}), {})
