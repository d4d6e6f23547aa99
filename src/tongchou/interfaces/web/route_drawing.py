"""A day's round as an inline drawing: numbered stops and the way between them, to scale, north up. No tiles, no script, no request."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, log10, radians

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tongchou.core.wording import T
from tongchou.domains.calls.routing import EARTH_KM, Point

WIDE, MOST_HIGH, LEAST_HIGH, EDGE = 640, 460, 160, 34
KM_PER_DEGREE = radians(1) * EARTH_KM
LEAST_KM = 0.3  # a round within one street is not blown up beyond this


@dataclass(frozen=True, slots=True)
class Spot:
    """One stop: where it is (WGS-84), its name, whether it was measured, whether somebody has been there."""

    point: Point
    name: str
    is_measured: bool
    is_done: bool


def route_drawing(start: Point, spots: Sequence[Spot]) -> SafeString:
    """The round from `start` through the stops and back; hollow: nobody has measured that firm yet, it is drawn where its village is."""
    points = [start, *(spot.point for spot in spots)]
    west, south = min(p[0] for p in points), min(p[1] for p in points)
    east, north = max(p[0] for p in points), max(p[1] for p in points)
    shrink = cos(radians((south + north) / 2))
    wide_km, high_km = max(LEAST_KM, (east - west) * shrink * KM_PER_DEGREE), max(LEAST_KM, (north - south) * KM_PER_DEGREE)
    scale = min((WIDE - 2 * EDGE) / wide_km, (MOST_HIGH - 2 * EDGE) / high_km)
    high = max(LEAST_HIGH, round(high_km * scale + 2 * EDGE))

    def laid(point: Point) -> tuple[float, float]:
        x = (point[0] - (west + east) / 2) * shrink * KM_PER_DEGREE * scale + WIDE / 2
        y = ((south + north) / 2 - point[1]) * KM_PER_DEGREE * scale + high / 2
        return round(x, 1), round(y, 1)

    way = " ".join(f"{x},{y}" for x, y in (laid(p) for p in [*points, start]))
    rows = (
        (
            *laid(spot.point),
            " ".join(kind for kind, on in (("done", spot.is_done), ("unmeasured", not spot.is_measured)) if on),
            n,
            spot.name,
        )
        for n, spot in enumerate(spots, start=1)
    )
    stops = format_html_join(
        "",
        '<a href="#stop-{3}"><g class="stop {2}"><title>{3} {4}</title><circle cx="{0}" cy="{1}" r="13"/><text x="{0}" y="{1}" dy=".36em">{3}</text></g></a>',
        rows,
    )
    x, y = laid(start)
    return format_html(
        '<svg class="route" viewBox="0 0 {w} {h}" role="img" aria-label="{label}"><polyline points="{way}"/>'
        '<path class="start" d="M{x} {y}m-8 -8h16v16h-16z"/>{stops}{bar}</svg>',
        w=WIDE, h=high, label=str(T("走访路线图", "Drawing of the round")), way=way, x=x, y=y, stops=stops, bar=_bar(scale, high),
    )  # fmt: skip


def _bar(scale: float, high: int) -> SafeString:
    """A bar of a round length, about a fifth of the drawing."""
    about_km = WIDE / 5 / scale
    unit = 10 ** floor(log10(about_km))
    km = max(step * unit for step in (1, 2, 5) if step * unit <= about_km * 1.001)
    label = f"{km:g} km" if km >= 1 else f"{km * 1000:g} m"
    return format_html(
        '<g class="bar"><path d="M12 {}h{}"/><text x="12" y="{}">{}</text></g>', high - 12, round(km * scale, 1), high - 18, label
    )
