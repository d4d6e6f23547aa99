"""What the charts are put together from: types, axes, bands, alarm marks, and outlines laid flat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil, cos, floor, log10, radians
from typing import Any

from tongchou.core.wording import T, current_language
from tongchou.science.detection.model import Grade

Spec = dict[str, Any]
Series = Sequence[float | None]
Band = tuple[Series, Series]
Table = tuple[tuple[T, ...], tuple[tuple[object, ...], ...]]
GRADE_WORDS: dict[str, T] = {"red": T("红", "Red"), "orange": T("橙", "Orange"), "yellow": T("黄", "Yellow"), "blue": T("蓝", "Blue")}
GRADE_SHAPES = {"red": "square", "orange": "triangle-up", "yellow": "diamond", "blue": "circle"}
DAY = T("日期", "Day")
EXPECTED, LOW, HIGH = T("预期", "Expected"), T("预期下限", "Expected, low"), T("预期上限", "Expected, high")
LEVELS = 5
FEW = 5  # below so many, five ticks would stand closer than one apart
SMALLEST = 1e-9  # a rate below it is zero to the eye, and far above what a float can still divide by
MIDDLE: Spec = {"longitude": {"field": "x", "type": "quantitative"}, "latitude": {"field": "y", "type": "quantitative"}}
KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure: its specification, what it shows in a sentence, and the same values as a table."""

    spec: Spec
    title: T
    summary: T | None
    columns: tuple[T, ...]
    rows: tuple[tuple[object, ...], ...]
    shape: str = ""


@dataclass(frozen=True, slots=True)
class AlarmMark:
    """An alarm on a time axis."""

    day: date
    grade: Grade
    label: T | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """One place of a map: outline is a GeoJSON Polygon or MultiPolygon in WGS-84; `mark` the grade of an alarm there."""

    code: str
    name: T
    outline: Mapping[str, Any]
    value: float | None
    mark: Grade | None = None
    url: str | None = None


WRITING: Spec = {
    "labelColor": "$chart-ink",
    "titleColor": "$mute",
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
}
CONFIG: Spec = {
    "font": "PingFang SC, Noto Sans CJK SC, Noto Sans SC, Microsoft YaHei, system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **WRITING,
        "gridColor": "$chart-grid",
        "domainColor": "$line-2",
        "tickColor": "$line-2",
        "labelPadding": 5,
        "tickSize": 4,
    },
    "axisX": {"grid": False, "labelOverlap": True},
    "axisY": {
        "domain": False,
        "ticks": False,
        "tickCount": 5,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleBaseline": "bottom",
        "titleX": 0,
        "titleY": -8,
    },
    "legend": {
        **WRITING,
        "gradientHorizontalMaxLength": 280,
        "orient": "bottom",
        "direction": "horizontal",
        "symbolSize": 90,
        "labelLimit": 240,
    },
    "text": {"color": "$chart-ink", "fontSize": 12},
}


def spec_of(source: Spec, layers: list[Spec], height_px: int, encoding: Spec) -> Spec:
    """A layered specification as wide as its container."""
    return {
        "width": "container",
        "height": height_px,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "config": CONFIG,
        "data": source,
        "encoding": encoding,
        "layer": layers,
    }


def layer(kind: str, encoding: Spec, *, values: Sequence[Spec] | None = None, keep: str | None = None, **look: Any) -> Spec:
    """One layer: a kind of mark with its look, its encoding, and its own values or a filter of the chart's."""
    made: Spec = {"mark": {"type": kind, **look}, "encoding": encoding}
    if values is not None:
        made["data"] = {"values": list(values)}
    if keep is not None:
        made["transform"] = [{"filter": keep}]
    return made


def quantity(field: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", **more}


def as_given(field: str) -> Spec:
    """A channel whose values are colours or shapes already."""
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def instant(day: date) -> str:
    """A day as Vega reads it in the reader's own zone; a bare date would be read as UTC and slip by a day west of Greenwich."""
    return f"{day.isoformat()}T00:00"


def day_records(days: Sequence[date], **series: Series | None) -> list[Spec]:
    """One record per day with the series that are given. Unequal lengths are a ValueError."""
    given = {name: values for name, values in series.items() if values is not None}
    for name, values in given.items():
        if len(values) != len(days):
            raise ValueError(f"{name}: {len(values)} values for {len(days)} days")
    return [{"day": instant(day)} | {name: values[i] for name, values in given.items()} for i, day in enumerate(days)]


def day_format() -> str:
    return "%-m/%-d" if current_language() == "zh" else "%-d %b"


def x_days(days: Sequence[date]) -> Spec:
    span = {"domain": [instant(days[0]), instant(days[-1])]} if days else {}
    axis = {"format": day_format(), "tickCount": 7}
    return {"field": "day", "type": "temporal", "title": None, "scale": {**span, "padding": 8}, "axis": axis}


def y_axis(field: str, unit: T | None, top: float, *shown: Series | None) -> Spec:
    """An axis from zero. Where all that is `shown` is whole (people, cases), so are its ticks: nobody counts half a case."""
    scale = {"domain": [0, top], "nice": True, "clamp": True}
    is_whole = bool(shown) and all(float(v).is_integer() for values in shown if values is not None for v in values if v is not None)
    axis: Spec = {"format": ",d"} if is_whole else {}
    if is_whole and top < FEW:
        axis["values"] = list(range(ceil(top) + 1))
    return quantity(field, title=None if unit is None else str(unit), scale=scale, stack=None, axis=axis)


def top_of(*series: Series | None) -> float:
    """The largest known value, at least 1, so that an all-zero series still has an axis."""
    return max([1.0, *(value for values in series if values is not None for value in values if value is not None)])


def tip_day() -> Spec:
    return {"field": "day", "type": "temporal", "format": "%Y-%m-%d", "title": str(DAY)}


def tip_value(unit: T, field: str = "value", pattern: str = ",.4~g") -> Spec:
    return quantity(field, format=pattern, title=str(unit))


def tips_of(unit: T, has_expected: bool, has_band: bool) -> list[Spec]:
    tips = [tip_day(), tip_value(unit)]
    if has_expected:
        tips.append(tip_value(EXPECTED, "expected", ",.1f"))
    if has_band:
        tips += [tip_value(LOW, "low", ",.1f"), tip_value(HIGH, "high", ",.1f")]
    return tips


def expectation_layers(has_expected: bool, has_band: bool) -> list[Spec]:
    """The expected band as ground and the expected level as a dotted line; dashes are for what the last days will be."""
    layers: list[Spec] = []
    if has_band:
        layers.append(layer("area", {"y": quantity("low"), "y2": {"field": "high"}}, color="$chart-band", opacity=0.75))
    if has_expected:
        layers.append(layer("line", {"y": quantity("expected")}, strokeDash=[1.5, 3], strokeWidth=1.5, color="$chart-ink"))
    return layers


def alarm_layers(alarms: Sequence[AlarmMark], days: Sequence[date]) -> list[Spec]:
    """A rule with the grade's shape and word per alarm. One close behind another goes a row lower; the same word is not said again there."""
    shown = sorted((a for a in alarms if days and days[0] <= a.day <= days[-1]), key=lambda a: a.day)
    if not shown:
        return []
    room_days = max(1, (days[-1] - days[0]).days) / 12
    rows = row = 0
    marks: list[Spec] = []
    turn_on, turn_off = days[-1] - (days[-1] - days[0]) / 8, days[0] + (days[-1] - days[0]) / 12
    for i, alarm in enumerate(shown):
        row = row + 1 if i and (alarm.day - shown[i - 1].day).days < room_days else 0
        rows = max(rows, row)
        grade, look = str(GRADE_WORDS[alarm.grade]), dict[str, Any]({"ink": f"${alarm.grade}-ink", "shape": GRADE_SHAPES[alarm.grade]})
        # Before a close follower the word stands on the left, out of the follower's way.
        is_followed = i + 1 < len(shown) and (shown[i + 1].day - alarm.day).days < room_days and alarm.day > turn_off
        look |= {"align": "right", "dx": -8} if alarm.day > turn_on or is_followed else {"align": "left", "dx": 8}
        is_said = row > 0 and alarm.grade == shown[i - 1].grade
        marks.append({"day": instant(alarm.day), "grade": grade, "word": "" if is_said else grade, "label": str(alarm.label or grade),
                      "row": row, "url": alarm.url, **look})  # fmt: skip
    tips = [tip_day(), {"field": "label", "title": str(T("预警", "Alarm"))}]
    paint = {"color": as_given("ink"), "tooltip": tips, "href": {"field": "url"}}
    layers = [layer("rule", paint, values=marks, strokeWidth=1.5)]
    for level in range(rows + 1):
        here = [mark for mark in marks if mark["row"] == level]
        height = {"y": {"value": 5 + 15 * level}}
        layers.append(layer("point", {**paint, **height, "shape": as_given("shape")}, values=here, filled=True, size=95, opacity=1))
        side: Spec = {"align": {"expr": "datum.align"}, "dx": {"expr": "datum.dx"}}
        layers.append(layer("text", {**paint, **height, "text": {"field": "word"}}, values=here, fontWeight=600, **side))
    return layers


def day_table(days: Sequence[date], unit: T, values: Series, expected: Series | None, band: Band | None) -> Table:
    """The same values for those who read a table, latest day first."""
    columns, series = [DAY, unit], [list(values)]
    for label, extra in ((EXPECTED, expected), (LOW, band and band[0]), (HIGH, band and band[1])):
        if extra is not None:
            columns.append(label)
            series.append(list(extra))
    return tuple(columns), tuple(reversed([(day, *(line[i] for line in series)) for i, day in enumerate(days)]))


def breaks_of(values: Sequence[float]) -> list[float]:
    """Up to four round limits that cut the values above zero at their quantiles."""
    above = sorted(value for value in values if value > SMALLEST)
    if not above:
        return [1.0]
    return sorted({_rounded(above[min(len(above) - 1, int(len(above) * q))]) for q in (0.3, 0.55, 0.78, 0.92)})


def _rounded(value: float) -> float:
    power: float = 10.0 ** floor(log10(value))
    return float(f"{round(value / power * 2) / 2 * power:.6g}")


def spread_levels(count: int) -> list[int]:
    """`count` of the five colour steps, from the lightest to the darkest."""
    return [round(i * (LEVELS - 1) / max(1, count - 1)) for i in range(count)]


def points_of(outline: Mapping[str, Any]) -> list[list[list[list[float]]]]:
    """The polygons of a GeoJSON Polygon or MultiPolygon."""
    rings: Any = outline["coordinates"]
    return [rings] if outline["type"] == "Polygon" else list(rings)


def frame_of(shapes: Sequence[list[list[list[list[float]]]]]) -> tuple[float, float]:
    """The middle of the map: longitude and latitude in degrees."""
    points = [point for polygons in shapes for rings in polygons for point in rings[0]]
    if not points:
        return 0.0, 0.0
    return (min(p[0] for p in points) + max(p[0] for p in points)) / 2, (min(p[1] for p in points) + max(p[1] for p in points)) / 2


def feature_of(area: Area, middle: tuple[float, float]) -> Spec:
    """A GeoJSON feature in kilometres from the middle: laid flat here, since Vega's spherical maps turn inside out on clockwise rings."""
    x_scale, (lon0, lat0) = KM_PER_DEGREE * cos(radians(middle[1])), middle
    flat = [
        [[[round((lon - lon0) * x_scale, 3), round((lat - lat0) * KM_PER_DEGREE, 3)] for lon, lat, *_ in ring] for ring in rings]
        for rings in points_of(area.outline)
    ]
    ring = max((rings[0] for rings in flat), key=_area_of)
    x, y = _centre_of(ring)
    properties: Spec = {"name": str(area.name), "value": area.value, "mark": area.mark, "url": area.url, "x": x, "y": y}
    return {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": flat}, "properties": properties}


def _area_of(ring: Sequence[Sequence[float]]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2


def _centre_of(ring: Sequence[Sequence[float]]) -> tuple[float, float]:
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    if not doubled:
        return ring[0][0], ring[0][1]
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairwise(ring)) / (3 * doubled)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairwise(ring)) / (3 * doubled)
    return round(x, 3), round(y, 3)


def names_apart(features: Sequence[Spec], wanted: Sequence[int]) -> list[Spec]:
    """The places of `wanted`, in that order, whose names do not run into one named before; under a mark the name moves down."""
    xs = [feature["properties"]["x"] for feature in features]
    room_x, room_y = (max(xs) - min(xs)) / 4.5, (max(xs) - min(xs)) / 22
    shown: list[Spec] = []
    for i in wanted:
        place = features[i]["properties"]
        if all(abs(place["x"] - other["x"]) > room_x or abs(place["y"] - other["y"]) > room_y for other in shown):
            shown.append({"name": place["name"], "x": place["x"], "y": place["y"], "dy": 15 if place["mark"] else 0})
    return shown


def map_marks(features: Sequence[Spec]) -> list[Spec]:
    """The shape of the grade at the middle of each place under alarm."""
    if not features:
        return []
    marks = [f["properties"] for f in features]
    values = [mark | {"ink": f"${mark['mark']}-fill", "shape": GRADE_SHAPES[mark["mark"]]} for mark in marks]
    encoding = {**MIDDLE, "fill": as_given("ink"), "shape": as_given("shape"), "tooltip": {"field": "name"}, "href": {"field": "url"}}
    return [layer("point", encoding, values=values, filled=True, size=150, stroke="$card", strokeWidth=1.5, opacity=1)]
