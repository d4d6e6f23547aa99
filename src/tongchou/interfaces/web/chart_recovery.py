"""The chart of the two rates: what was, and what will be, with its bands. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import DAY, Chart, Spec, instant, layer, quantity, spec_of, tip_day, x_days

_SHARE = T("复工率", "at work")
_FULL = T("达产率", "at full capacity")
_BANDS = ((0, 4, 0.25), (1, 3, 0.35))


def recovery_chart(
    past_days: Sequence[date],
    past: Sequence[float],
    full_now: float,
    days: Sequence[date],
    at_work: Any,
    full: Any,
    *,
    title: T,
    summary: T,
) -> Chart:
    """Share of firms at work by day and ahead, beside it full capacity. `at_work`, `full`: shape (5, days), quantiles 5, 25, 50, 75, 95 %."""
    seen: list[Spec] = [{"day": instant(on), "share": share} for on, share in zip(past_days, past, strict=True)]
    start = {"day": instant(past_days[-1]), "w": [past[-1]] * 5, "f": [full_now] * 5}
    coming = [start] + [{"day": instant(on), "w": at_work[:, n].tolist(), "f": full[:, n].tolist()} for n, on in enumerate(days)]
    layers: list[Spec] = []
    for key, colour, word in (("w", "$chart-line", _SHARE), ("f", "$ok-fill", _FULL)):
        rows = [{"day": one["day"], **{f"q{i}": one[key][i] for i in range(5)}} for one in coming]
        for low, high, opacity in _BANDS:
            ends = {"y": _axis(f"q{low}"), "y2": {"field": f"q{high}"}}
            layers.append(layer("area", ends, values=rows, color=colour, opacity=opacity))
        tips = [tip_day(), *(quantity(f"q{i}", format=".1%", title=f"{word} {name}") for i, name in ((2, "50%"), (0, "5%"), (4, "95%")))]
        layers.append(layer("line", {"y": _axis("q2"), "tooltip": tips}, values=rows, color=colour, strokeDash=[6, 3], strokeWidth=1.8))
        side = {"x": {"field": "day", "type": "temporal"}, "y": _axis("q2"), "text": {"value": str(word)}}
        layers.append(layer("text", side, values=rows[-1:], align="right", dy=-8, color=colour, fontWeight=600))
    line = {"y": _axis("share"), "tooltip": [tip_day(), quantity("share", format=".1%", title=str(_SHARE))]}
    layers.append(layer("line", line, color="$chart-line", strokeWidth=1.8))
    spec = spec_of({"values": seen}, layers, 240, {"x": x_days([*past_days, *days])})
    columns = (DAY, _SHARE, T("低（5%）", "low (5%)"), T("高（95%）", "high (95%)"), _FULL)
    ahead = [(on, *(_percent(at_work[i, n]) for i in (2, 0, 4)), _percent(full[2, n])) for n, on in enumerate(days)]
    told: list[tuple[object, ...]] = [(on, _percent(share), None, None, None) for on, share in zip(past_days, past, strict=True)]
    return Chart(spec, title, summary, columns, tuple(reversed([*told, *ahead])))


def _axis(field: str) -> Spec:
    return quantity(field, title=None, scale={"domain": [0, 1]}, axis={"format": ".0%"})


def _percent(share: float) -> str:
    return f"{share:.1%}"
