"""Figures of the weekly benchmark as Vega-Lite specifications."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import Spec, layer, quantity, spec_of

NAMES: Mapping[str, T] = {
    "memoryMixture": T("双记忆 · 两周混合", "two memories, mixture"),
    "memories": T("双记忆 · 单周", "two memories, one week"),
    "mixture": T("季节 · 两周混合", "season, mixture"),
    "seasonal": T("季节 · 单周", "season, one week"),
    "levelMixture": T("近半年 · 两周混合", "half-year level, mixture"),
    "level": T("近半年 · 单周", "half-year level, one week"),
    "farringtonFlexible": T("改进 Farrington", "Farrington flexible"),
    "oracleMixture": T("真实基线 · 两周混合", "true baseline, mixture"),
    "oracleTail": T("真实基线 · 单周", "true baseline, one week"),
    "farrington": T("原始 Farrington", "Farrington original"),
    "movingPercentile": T("移动百分位", "moving percentile"),
    "exactPoisson": T("精确泊松", "exact Poisson"),
}
DRAWN = {
    "memoryMixture": "$cat-1",
    "mixture": "$cat-4",
    "seasonal": "$cat-2",
    "farringtonFlexible": "$cat-3",
    "oracleMixture": "$cat-5",
    "levelMixture": "$cat-7",
}
OTHERS = "$cat-6"


def named(method: str) -> str:
    """A method in both languages, or by its name in the catalogue."""
    return f"{NAMES[method].en} {NAMES[method].zh}" if method in NAMES else method


def _coloured(methods: Sequence[str], symbol: str = "stroke") -> Spec:
    order = [m for m in DRAWN if m in methods] + sorted(m for m in methods if m not in DRAWN)
    scale = {"domain": [named(m) for m in order], "range": [DRAWN.get(m, OTHERS) for m in order]}
    return {"field": "method", "type": "nominal", "title": None, "scale": scale, "legend": {"columns": 3, "symbolType": symbol}}


def power_curves(points: Sequence[Mapping[str, Any]], title: str, field: str) -> Spec:
    """A measure against the false-positive rate, a line a method; those of interest in colour. points: method, rate, value, error."""
    drawn = [m for m in DRAWN if any(p["method"] == m for p in points)]
    grey = [{**p, "method": named(p["method"])} for p in points if p["method"] not in DRAWN]
    bright = [{**p, "method": named(p["method"])} for p in points if p["method"] in DRAWN]
    x = quantity(
        "rate",
        title="false-positive rate a week 每周误报率",
        scale={"type": "log", "nice": False, "padding": 12},
        axis={"format": ".1~%", "values": sorted({p["rate"] for p in points})},
    )
    y = quantity(field, title=title, scale={"zero": False})
    lines = {"x": x, "y": y, "detail": {"field": "method"}}
    layers = [
        layer("line", lines, values=grey, color="$line-2", strokeWidth=1),
        layer("line", {"x": x, "y": y, "color": _coloured(drawn)}, values=bright, strokeWidth=2, point={"size": 30, "filled": True}),
    ]
    return spec_of({"values": []}, layers, 300, {})


def both_measures(points: Sequence[Mapping[str, Any]], goal: tuple[float, float]) -> Spec:
    """Detection in the first week against detection at all, at one rate, with two standard errors, and the goals as lines."""
    values = [
        {
            "method": named(p["method"]), "is_drawn": p["method"] in DRAWN, "pod": p["pod"], "first": p["pod_week_1"],
            "low": p["pod"] - 2 * p["pod_error"], "high": p["pod"] + 2 * p["pod_error"],
            "down": p["pod_week_1"] - 2 * p["first_error"], "up": p["pod_week_1"] + 2 * p["first_error"],
        }
        for p in points
    ]  # fmt: skip
    x = quantity("pod", title="outbreaks found 检出率", scale={"zero": False}, axis={"format": ".0%"})
    y = quantity("first", title="found in their first week 首周检出率", scale={"zero": False}, axis={"format": ".0%"})
    colour = _coloured([p["method"] for p in points if p["method"] in DRAWN], "circle")
    bright, grey = "datum.is_drawn", "!datum.is_drawn"
    layers = [
        layer("rule", {"x": quantity("goal")}, values=[{"goal": goal[0]}], strokeDash=[4, 3], color="$orange-ink"),
        layer("rule", {"y": quantity("goal")}, values=[{"goal": goal[1]}], strokeDash=[4, 3], color="$orange-ink"),
        layer("point", {"x": x, "y": y}, keep=grey, filled=True, size=25, opacity=1, color=OTHERS),
        layer("text", {"x": x, "y": y, "text": {"field": "method"}}, keep=grey, align="left", dx=6, dy=-4, fontSize=9, color=OTHERS),
        layer("rule", {"x": quantity("low"), "x2": {"field": "high"}, "y": y, "color": colour}, keep=bright),
        layer("rule", {"x": x, "y": quantity("down"), "y2": {"field": "up"}, "color": colour}, keep=bright),
        layer("point", {"x": x, "y": y, "color": colour}, keep=bright, filled=True, size=55, opacity=1),
    ]
    return spec_of({"values": values}, layers, 340, {})


def by_set(points: Sequence[Mapping[str, Any]]) -> Spec:
    """Detection by parameter set. points: method, label, pod."""
    values = [{**p, "method": named(p["method"])} for p in points]
    methods = list(dict.fromkeys(p["method"] for p in points))
    x = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"labelAngle": 0, "grid": False}}
    y = quantity("pod", title="outbreaks found 检出率", scale={"zero": False}, axis={"format": ".0%"})
    marks = {"x": x, "y": y, "color": _coloured(methods, "circle"), "xOffset": {"field": "method", "sort": None}}
    return spec_of({"values": values}, [layer("point", marks, filled=True, size=60, opacity=1)], 260, {})


BESIDE_FLEXIBLE = "days beside Farrington flexible 比改进 Farrington 早（负）或晚（天）"


def gaps(points: Sequence[Mapping[str, Any]], title: str = BESIDE_FLEXIBLE, name: Callable[[str], str] = named) -> Spec:
    """Days earlier (left) or later (right) than what the title names, with intervals. points: method, rate, mean, low, high."""
    values = [{**p, "method": name(p["method"]), "rate": f"{p['rate']:g} / year 每年"} for p in points]
    y = {"field": "method", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 330, "grid": False}}
    colour = {"field": "rate", "type": "nominal", "title": None, "scale": {"range": ["$cat-1", "$cat-3"]}}
    offset = {"field": "rate"}
    layers = [
        layer("rule", {"x": quantity("zero", title=title)}, values=[{"zero": 0}], color="$line-2"),
        layer("rule", {"y": y, "x": quantity("low", title=title), "x2": {"field": "high"}, "color": colour, "yOffset": offset}),
        layer("point", {"y": y, "x": quantity("mean", title=title), "color": colour, "yOffset": offset}, filled=True, size=50, opacity=1),
    ]
    return spec_of({"values": values}, layers, 30 * len({p["method"] for p in points}) + 10, {})
