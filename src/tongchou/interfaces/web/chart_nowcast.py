"""How a chart shows that its last days are not all in: reported as it stands, what it will be as a dashed line, 50 and 95 % bands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import Series, Spec, Table, layer, quantity, tip_day, tip_value

MEDIAN, LOW, HIGH = T("补估", "Nowcast"), T("补估下限", "Nowcast, low"), T("补估上限", "Nowcast, high")
FIELDS = ("median", "low95", "high95", "low50", "high50")


@dataclass(frozen=True, slots=True)
class Completed:
    """What the days of a chart will be when everything is in: median, ends of the 95 and the 50 % interval; None where the day is as reported.

    `incomplete`: the days that may still rise, completed or not.
    """

    median: Series
    low95: Series
    high95: Series
    low50: Series
    high50: Series
    incomplete: frozenset[date]


def add_nowcast(records: Sequence[Spec], days: Sequence[date], values: Series, found: Completed | None) -> None:
    """Write a nowcast into the records of a chart, one per day. The line starts at the last value before it that is all in."""
    for i, record in enumerate(records):
        record["partial"] = found is not None and days[i] in found.incomplete
        if found is not None and found.median[i] is not None:
            record |= {name: getattr(found, name)[i] for name in FIELDS} | {"will_be": found.median[i]}
        elif found is not None and i + 1 < len(days) and found.median[i + 1] is not None:
            record["will_be"] = values[i]


def ground_layers(days: Sequence[date], found: Completed | None) -> list[Spec]:
    """A pale ground behind the days that are not all in."""
    if found is None or not found.incomplete:
        return []
    look: Spec = {"color": "$chart-gap", "opacity": 0.3, "width": {"expr": f"max(2, width / {len(days)})"}}
    return [layer("bar", {"y": {"value": 0}, "y2": {"value": "height"}}, keep="datum.partial", **look)]


def nowcast_layers(days: Sequence[date], found: Completed | None, unit: T) -> list[Spec]:
    """Bands as a bar per day, so that a single day has one too; the median as a dashed line with a stroke per day."""
    if found is None or all(value is None for value in found.median):
        return []
    wide = {"expr": f"max(3, 0.75 * width / {len(days)})"}
    tips = [
        tip_day(), tip_value(unit), tip_value(MEDIAN, "median", ",.0f"), tip_value(LOW, "low95", ",.0f"), tip_value(HIGH, "high95", ",.0f"),
    ]  # fmt: skip
    look: Spec = {"color": "$chart-line", "width": wide}
    return [
        layer("bar", {"y": quantity("low95"), "y2": {"field": "high95"}, "tooltip": tips}, keep="isValid(datum.median)", opacity=0.25, **look),
        layer("bar", {"y": quantity("low50"), "y2": {"field": "high50"}, "tooltip": tips}, keep="isValid(datum.median)", opacity=0.4, **look),
        layer("line", {"y": quantity("will_be")}, keep="isValid(datum.will_be)", color="$chart-line", strokeDash=[5, 3], strokeWidth=1.8),
        layer("point", {"y": quantity("median"), "tooltip": tips}, keep="isValid(datum.median)", color="$chart-line", shape="stroke", size=70, strokeWidth=2),
    ]  # fmt: skip


def with_nowcast(table: Table, days: Sequence[date], found: Completed | None) -> Table:
    """The table of a chart, latest day first, with the nowcast beside what is reported."""
    if found is None or all(value is None for value in found.median):
        return table
    columns, rows = table
    beside = list(reversed(list(zip(found.median, found.low95, found.high95, strict=True))))
    return (*columns, MEDIAN, LOW, HIGH), tuple((*row, *more) for row, more in zip(rows, beside, strict=True))
