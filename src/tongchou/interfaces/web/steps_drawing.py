"""The steps of a procedure as an inline drawing: left to right in the order in which they wait for one another, those in parallel above each other."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tongchou.core.packs.procedures import StepSpec
from tongchou.core.wording import T, current_language

BOX, TALL, GAP_X, GAP_Y, EDGE = 168, 54, 34, 14, 8
MOST_SIGNS = {"zh": 12, "en": 22}


def columns_of(steps: Sequence[StepSpec]) -> list[list[StepSpec]]:
    """Steps by how many stand before them on the longest way."""
    depth: dict[str, int] = {}
    while len(depth) < len(steps):
        for step in steps:
            if step.code not in depth and all(before in depth for before in step.after):
                depth[step.code] = 1 + max((depth[before] for before in step.after), default=-1)
    return [[step for step in steps if depth[step.code] == d] for d in range(max(depth.values()) + 1)]


def drawing_of(steps: Sequence[StepSpec], states: Mapping[str, tuple[str, T]]) -> SafeString:
    """The drawing. `states`: step → its state and what is said of it below its name; steps left out have not opened."""
    columns = columns_of(steps)
    rows = max(len(column) for column in columns)
    width, height = len(columns) * (BOX + GAP_X) - GAP_X + 2 * EDGE, rows * (TALL + GAP_Y) - GAP_Y + 2 * EDGE
    at: dict[str, tuple[float, float]] = {}
    for c, column in enumerate(columns):
        top = (height - len(column) * (TALL + GAP_Y) + GAP_Y) / 2
        at |= {step.code: (EDGE + c * (BOX + GAP_X), top + r * (TALL + GAP_Y)) for r, step in enumerate(column)}
    return format_html(
        '<svg class="steps" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">{edges}{boxes}</svg>',
        w=width,
        h=round(height),
        label=str(T("环节图：", "Steps: ")) + "; ".join(f"{step.name} {states[step.code][1]}" for step in steps if step.code in states),
        edges=format_html_join(
            "", '<path d="{}"/>', ((_edge(at[before], at[step.code]),) for step in steps for before in step.after)
        ),
        boxes=format_html_join("", "{}", ((_box(step, at[step.code], states.get(step.code)),) for step in steps)),
    )  # fmt: skip


def _edge(one: tuple[float, float], other: tuple[float, float]) -> str:
    x, y, to_x, to_y = one[0] + BOX, one[1] + TALL / 2, other[0], other[1] + TALL / 2
    middle = to_x - GAP_X / 2
    return f"M{x:.0f} {y:.0f}H{middle - GAP_X / 2:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"


def _box(step: StepSpec, place: tuple[float, float], state: tuple[str, T] | None) -> SafeString:
    name, most = str(step.name), MOST_SIGNS[current_language()]
    return format_html(
        '<g class="{kind}"><title>{whole} · {office}</title><rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6"/>'
        '<text x="{tx}" y="{ty}" class="name">{name}</text><text x="{tx}" y="{uy}">{said}</text></g>',
        kind=state[0] if state else "ahead",
        whole=name,
        office=str(step.office),
        x=round(place[0]),
        y=round(place[1]),
        w=BOX,
        h=TALL,
        tx=round(place[0]) + 10,
        ty=round(place[1]) + 22,
        uy=round(place[1]) + 41,
        name=name if len(name) <= most else name[: most - 1] + "…",
        said=str(state[1]) if state else str(T("还没开始", "not open yet")),
    )
