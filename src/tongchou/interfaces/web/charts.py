"""Charts as Vega-Lite specifications. Pure: values in, a `Chart` out.

A colour is the name of one of the sheet's tokens ("$brand"): the browser fills it in for the reader's theme, `paper` for print.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import ceil, floor, isfinite, log10
from pathlib import Path
from typing import Any

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_nowcast import Completed, add_nowcast, ground_layers, nowcast_layers, with_nowcast
from tongchou.interfaces.web.chart_parts import (
    DAY,
    GRADE_WORDS,
    LEVELS,
    MIDDLE,
    AlarmMark,
    Area,
    Band,
    Chart,
    Grade,
    Series,
    Spec,
    alarm_layers,
    as_given,
    breaks_of,
    day_format,
    day_records,
    day_table,
    expectation_layers,
    feature_of,
    frame_of,
    instant,
    layer,
    map_marks,
    names_apart,
    points_of,
    quantity,
    spec_of,
    spread_levels,
    tip_day,
    tip_value,
    tips_of,
    top_of,
    x_days,
    y_axis,
)

__all__ = ["AlarmMark", "Area", "Chart"]
# Evidence runs over many powers of ten, for which SI letters ("100G times") would be a riddle.
PLAIN_OR_POWER = "datum.value >= 1e7 ? '10^' + format(log(datum.value) / LN10, '.0f') : datum.value >= 1 ? format(datum.value, ',d') : format(datum.value, '~g')"
GROUP, PLACE = T("类别", "Group"), T("地方", "Place")


def epidemic_curve(
    days: Sequence[date],
    counts: Series,
    *,
    title: T,
    unit: T,
    expected: Series | None = None,
    band: Band | None = None,
    alarms: Sequence[AlarmMark] = (),
    completed: Completed | None = None,
    summary: T | None = None,
) -> Chart:
    """Counts per day as bars (paler on days not all in), what they will be, the expected level and its band, and the alarms above them."""
    values = day_records(days, value=counts, expected=expected, low=band and band[0], high=band and band[1])
    add_nowcast(values, days, counts, completed)
    # A fifth more room above, so that the marks of alarms do not stand in the bars.
    top = top_of(counts, expected, band and band[1], completed.high95 if completed else None)
    y = y_axis("value", unit, top * (1.2 if alarms else 1), counts)
    bars = layer(
        "bar",
        {
            "y": y,
            "opacity": {"condition": {"test": "datum.partial", "value": 0.7}, "value": 1},
            "tooltip": tips_of(unit, expected is not None, band is not None),
        },
        color="$chart-bar",
        width={"expr": f"max(1.5, 0.75 * width / {len(days)})"},
    )
    ground = expectation_layers(expected is not None, band is not None)
    below, above = ground[: band is not None], ground[band is not None :]
    layers = [
        *ground_layers(days, completed), *below, bars, *nowcast_layers(days, completed, unit), *above, *alarm_layers(alarms, days),
    ]  # fmt: skip
    spec = spec_of({"values": values}, layers, 230, {"x": x_days(days)})
    return Chart(spec, title, summary, *with_nowcast(day_table(days, unit, counts, expected, band), days, completed))


def stream_curve(
    days: Sequence[date],
    values: Series,
    *,
    title: T,
    unit: T,
    expected: Series | None = None,
    band: Band | None = None,
    threshold: Series | None = None,
    signals: Collection[date] = (),
    alarms: Sequence[AlarmMark] = (),
    completed: Completed | None = None,
    summary: T | None = None,
) -> Chart:
    """One stream: a line with points and what it will be, expected band, threshold, days that signalled (▲), days without a report (|)."""
    records = day_records(days, value=values, expected=expected, low=band and band[0], high=band and band[1], threshold=threshold)
    for record, day, value in zip(records, days, values, strict=True):
        record["kind"] = "missing" if value is None else "signal" if day in signals else "plain"
        if value is None:
            record["note"] = str(T("未报", "no report"))
    add_nowcast(records, days, values, completed)
    y = y_axis("value", unit, top_of(values, expected, band and band[1], threshold, completed.high95 if completed else None), values)
    point = {"y": y, "tooltip": tips_of(unit, expected is not None, band is not None)}
    gap = {"y": {"datum": 0}, "tooltip": [tip_day(), {"field": "note", "title": str(unit)}]}
    layers = [
        *ground_layers(days, completed),
        *expectation_layers(expected is not None, band is not None),
        *nowcast_layers(days, completed, unit),
        *(
            []
            if threshold is None
            else [layer("line", {"y": quantity("threshold")}, color="$orange-ink", strokeDash=[2, 3], strokeWidth=1.5)]
        ),
        layer("line", {"y": y}, color="$chart-line", strokeWidth=1.6),
        layer("point", point, keep="datum.kind === 'plain'", filled=True, size=16, color="$chart-line"),
        layer("point", point, keep="datum.kind === 'signal'", filled=True, shape="triangle-up", size=90, color="$orange-ink", opacity=1),
        layer("tick", gap, keep="datum.kind === 'missing'", orient="vertical", color="$mute", height=7, thickness=1.5, yOffset=-4),
        *alarm_layers(alarms, days),
    ]
    spec = spec_of({"values": records}, layers, 230, {"x": x_days(days)})
    return Chart(spec, title, summary, *with_nowcast(day_table(days, unit, values, expected, band), days, completed))


def village_map(
    areas: Sequence[Area], *, title: T, unit: T, breaks: Sequence[float] | None = None, pattern: str = ",.1f", summary: T | None = None
) -> Chart:
    """Places coloured by value in at most five steps; no value is grey; an alarm is a shape in its grade; the highest three are named."""
    drawn = [area for area in areas if area.outline]
    cuts = list(breaks) if breaks is not None else breaks_of([area.value for area in drawn if area.value is not None])
    middle = frame_of([points_of(area.outline) for area in drawn])
    ranked = sorted(areas, key=lambda area: -(area.value or 0))
    features = [feature_of(area, middle) for area in drawn]
    wanted = [i for i, area in enumerate(drawn) if area.mark] + [
        drawn.index(area) for area in ranked[:3] if area.outline and (area.value or 0) >= cuts[0]
    ]
    scale = {"type": "threshold", "domain": cuts, "range": [f"$seq-{level}" for level in spread_levels(len(cuts) + 1)]}
    legend = {"title": str(unit), "format": pattern, "gradientThickness": 10}
    unknown = {"test": "!isValid(datum.properties.value)", "value": "$chart-gap"}
    tips = [{"field": "properties.name", "title": str(PLACE)}, quantity("properties.value", title=str(unit), format=pattern)]
    ground = {
        "color": quantity("properties.value", condition=unknown, scale=scale, legend=legend),
        "tooltip": tips,
        "href": {"field": "properties.url"},
    }
    marked = [feature for feature in features if feature["properties"]["mark"]]
    name = {**MIDDLE, "text": {"field": "name"}}
    names = names_apart(features, list(dict.fromkeys(wanted)))
    writing: Spec = {"fontSize": 11, "fontWeight": 600, "color": "$ink", "dy": {"expr": "datum.dy"}}
    halo: Spec = {"stroke": "$card", "strokeWidth": 3, "strokeOpacity": 0.85, "strokeJoin": "round"}
    layers = [
        layer("geoshape", ground, stroke="$card", strokeWidth=1.2),
        *map_marks(marked),
        layer("text", name, values=names, **writing, **halo),
        layer("text", name, values=names, **writing),
    ]
    spec = spec_of({"values": {"type": "FeatureCollection", "features": features}, "format": {"property": "features"}}, layers, 340, {})
    spec["projection"] = {"type": "identity", "reflectY": True}
    rows = tuple((area.name, area.value, GRADE_WORDS[area.mark] if area.mark else None) for area in ranked)
    return Chart(spec, title, summary, (PLACE, unit, T("预警", "Alarm")), rows, "map")


def evidence_curve(
    days: Sequence[date],
    evidence: Sequence[float],
    *,
    title: T,
    threshold: float,
    grades: Sequence[tuple[Grade, float]] = (),
    summary: T | None = None,
) -> Chart:
    """Evidence (how many times likelier an outbreak makes the data) on a log scale, the alarm line, and a ground per grade from its size up."""
    unit = T("证据（倍）", "Evidence (times)")
    known = [value for value in evidence if value > 0 and isfinite(value)]
    low = 10.0 ** floor(log10(min([0.1, *known])))
    high = 10.0 ** ceil(log10(2 * max([threshold * 10, *known, *(size for _, size in grades)])))
    axis = {"values": [10.0**k for k in range(round(log10(low)), round(log10(high)) + 1)], "labelExpr": PLAIN_OR_POWER}
    y = quantity("value", title=str(unit), scale={"type": "log", "domain": [low, high], "clamp": True}, axis=axis)
    values = [{"day": instant(day), "value": value if value > 0 else None} for day, value in zip(days, evidence, strict=True)]
    sizes = sorted(grades, key=lambda pair: pair[1])
    bands = [
        {"grade": str(GRADE_WORDS[grade]), "from": start, "to": end, "soft": f"${grade}-soft", "ink": f"${grade}-ink"}
        for (grade, start), end in zip(sizes, [*(size for _, size in sizes[1:]), high], strict=True)
    ]
    across = {"x": {"value": 0}, "x2": {"value": "width"}, "y": quantity("from"), "y2": {"field": "to"}, "color": as_given("soft")}
    limit = [{"from": threshold, "text": str(T("报警线", "alarm line"))}]
    line = {"x": x_days(days), "y": y, "tooltip": [tip_day(), tip_value(unit, pattern=",.3~g")]}
    layers = [
        layer("rect", across, values=bands),
        layer("text", {"x": {"value": 0}, "y": quantity("from"), "text": {"field": "grade"}, "color": as_given("ink")}, values=bands,
              align="left", baseline="bottom", dx=5, dy=-3, fontWeight=600),
        layer("rule", {"y": quantity("from")}, values=limit, strokeDash=[4, 3], strokeWidth=1.5, color="$ink"),
        layer("text", {"x": {"value": 70}, "y": quantity("from"), "text": {"field": "text"}}, values=limit,
              align="left", baseline="bottom", dy=-3, color="$ink"),
        layer("line", line, color="$chart-line", point={"size": 18, "filled": True, "color": "$chart-line"}),
    ]  # fmt: skip
    return Chart(spec_of({"values": values}, layers, 230, {}), title, summary, (DAY, unit), tuple(zip(days, evidence, strict=True)))


def share_bars(
    groups: Sequence[tuple[T, Mapping[str, float]]], parts: Sequence[tuple[str, T, str]], *, title: T, summary: T | None = None
) -> Chart:
    """One full-length bar per group, cut into shares; `parts` are (key, label, colour token) in the order in which they are laid."""
    labels = [str(label) for _, label, _ in parts]
    values = [
        {
            "group": str(label),
            "part": str(part),
            "rank": rank,
            "count": counts.get(key, 0),
            "share": counts.get(key, 0) / (sum(counts.values()) or 1),
        }
        for label, counts in groups
        for rank, (key, part, _) in enumerate(parts)
    ]
    colour = {
        "field": "part",
        "type": "nominal",
        "title": None,
        "scale": {"domain": labels, "range": [f"${token}" for _, _, token in parts]},
    }
    tips = [
        {"field": "group", "title": str(GROUP)},
        {"field": "part", "title": str(T("状态", "State"))},
        quantity("share", format=".1%", title=str(T("占比", "Share"))),
        quantity("count", format=",", title=str(T("数量", "Count"))),
    ]
    encoding = {
        "y": {"field": "group", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 150, "grid": False}},
        "x": quantity("share", stack="normalize", title=None, axis={"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1], "grid": True}),
        "color": colour,
        "order": quantity("rank"),
        "tooltip": tips,
    }
    bars = layer("bar", encoding, height={"band": 0.66}, stroke="$card", strokeWidth=1)
    rows = tuple((label, *(counts.get(key, 0) for key, _, _ in parts)) for label, counts in groups)
    spec = spec_of({"values": values}, [bars], 26 * len(groups) + 8, {})
    return Chart(spec, title, summary, (GROUP, *(label for _, label, _ in parts)), rows, "short")


def heat_map(rows: Sequence[T], columns: Sequence[date], values: Sequence[Series], *, title: T, unit: T, summary: T | None = None) -> Chart:
    """Rows × days as coloured cells; a cell without a report stays empty."""
    cells = [
        {"row": str(label), "day": instant(day), "value": value}
        for label, line in zip(rows, values, strict=True)
        for day, value in zip(columns, line, strict=True)
        if value is not None
    ]
    axis = {"format": day_format(), "labelAngle": 0, "ticks": False, "domain": False}
    encoding = {
        "x": {"field": "day", "type": "ordinal", "timeUnit": "yearmonthdate", "title": None, "axis": axis},
        "y": {"field": "row", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 150}},
        "color": quantity(
            "value",
            scale={"range": [f"$seq-{level}" for level in range(LEVELS)]},
            legend={"title": str(unit), "gradientLength": 180, "gradientThickness": 10},
        ),
        "tooltip": [{"field": "row", "title": str(GROUP)}, tip_day(), tip_value(unit)],
    }
    spec = spec_of({"values": cells}, [layer("rect", encoding, stroke="$card", strokeWidth=1)], 18 * len(rows) + 8, {})
    table = tuple((label, *line) for label, line in zip(rows, values, strict=True))
    return Chart(spec, title, summary, (GROUP, *(T(f"{d.month}/{d.day}", f"{d.day}/{d.month}") for d in columns)), table, "short")


def small_multiples(days: Sequence[date], series: Sequence[tuple[T, Series]], *, unit: T) -> tuple[Chart, ...]:
    """One small chart per series on a shared value axis, to be laid out by `.cards.three`."""
    lines = [values for _, values in series]
    y = y_axis("value", unit, top_of(*lines), *lines)
    encoding = {"y": y, "tooltip": [tip_day(), tip_value(unit)]}
    area = layer("area", encoding, color="$chart-band", line={"color": "$chart-line", "strokeWidth": 1.5})
    # A value between two missing days has no line; it is seen as a point.
    point = layer("point", encoding, filled=True, size=9, color="$chart-line", opacity=1)
    x = {"x": x_days(days)}
    return tuple(
        Chart(
            spec_of({"values": day_records(days, value=values)}, [area, point], 90, x),
            label,
            None,
            (DAY, unit),
            tuple(zip(days, values, strict=True)),
            "short",
        )
        for label, values in series
    )


@dataclass(frozen=True, slots=True)
class Spark:
    """A sparkline in a box of 100 × 24: path of the line, its last point, height of the threshold."""

    path: str
    end: tuple[float, float] | None
    limit_y: float | None


def sparkline(values: Series, threshold: float | None = None) -> Spark:
    """The drawing of a short series from zero upward; a missing value breaks the line."""
    top = top_of(values, [threshold])
    step = 100 / max(1, len(values) - 1)
    path, end, pen_down = "", None, False
    for i, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        end = (round(i * step, 1), round(24 - 24 * value / top, 1))
        path += f"{'L' if pen_down else 'M'}{end[0]} {end[1]}"
        pen_down = True
    return Spark(path, end, None if threshold is None else round(24 - 24 * threshold / top, 1))


def paper(spec: Spec, *, width_px: int = 640) -> Spec:
    """The specification for print: the sheet's light colours filled in, a fixed width, no links."""
    filled: Spec = fill(spec, light_tokens())
    return {**filled, "width": width_px, "autosize": {"type": "pad"}, "background": "#ffffff"}


def fill(value: Any, tokens: Mapping[str, str]) -> Any:
    """`value` with every "$token" string replaced; an unknown token is a KeyError. charts.js does the same in the browser."""
    if isinstance(value, dict):
        return {key: fill(inner, tokens) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [fill(inner, tokens) for inner in value]
    if isinstance(value, str) and re.fullmatch(r"\$[a-z][a-z0-9-]*", value):
        return tokens[value[1:]]
    return value


@cache
def light_tokens() -> dict[str, str]:
    """The light theme's tokens, read from the sheet itself: one source for page and paper."""
    sheet = (Path(__file__).parent / "static" / "tongchou.css").read_text(encoding="utf-8")
    first_block = sheet[sheet.index(":root {") : sheet.index("}")]
    return dict(re.findall(r"--([a-z0-9-]+):\s*([^;]+);", first_block))
