"""The promise of few false alarms: one line for the desk and the alarms, and the page behind it: doubts, monitors, alarm lines."""

from collections.abc import Mapping
from datetime import date
from math import exp, isfinite, log
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.parameters.models import Parameter
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page
from tongchou.workflows.drifting import MONITOR_NAMES
from tongchou.workflows.promise import Standing, concerns, standing_on, unjudged_on

LARGEST_FACTOR = log(1000)
ALWAYS_SHOWN = frozenset({"missing", "level", "spread"})
TRUST = {
    True: ("ok", T("承诺可信", "can be relied on")),
    False: ("warn", T("承诺存疑", "in doubt")),
    None: ("", T("尚未检验", "not yet checked")),
}
# What each monitor compares, for whoever asks.
MONITOR_MEANINGS = {
    "missing": T("应报未报的比例，近 28 天与此前比", "share of reports that did not come, last 28 days against those before"),
    "sites": T("停止上报或新开始上报的地方", "places that stopped or began to report"),
    "step": T("只有一两处变了：多半是检测或上报方法", "only one place or two have changed: mostly how it is measured or reported"),
    "level": T("全镇合计是预期的几倍", "the town's total over the expected"),
    "shared": T("各处同一天一起偏高偏低的幅度", "how far all places move together on a day"),
    "spread": T("波动是假定的几倍", "scatter over that assumed"),
    "tails": T("百里挑一的高值，实有是应有的几倍", "one-in-a-hundred high days over their due number"),
}


def standing_for(request: Asked) -> Standing:
    """The town's promise as it stands now."""
    today, town = request.at.astimezone(ZoneInfo(request.town.zone)).date(), request.town.place.path
    return standing_on(today, request.at, town) or unjudged_on(today, town)


def promise_line(standing: Standing) -> dict[str, Any]:
    """The one line: promise, record, what history proves, trust and the first reason against it."""
    kept, upper = standing.kept, standing.upper_per_year
    chip, trust = TRUST[standing.is_trusted]
    promised, years = kept.promised_per_year, standing.past_years
    said = [
        T("没有承诺误报次数", "No promise of false alarms is set")
        if promised is None
        else T(f"承诺每年至多 {promised:g} 次误报", f"Promised: at most {promised:g} false alarm{'' if promised == 1 else 's'} a year"),
        T(f"近 365 天 {kept.false} 次", f"{kept.false} in the last 365 days"),
    ]
    if isfinite(upper):
        zh, en = (f"{years:.1f} 年", f"{years:.1f} years") if years >= 1 else (f"{years * 365.25:.0f} 天", f"{years * 365.25:.0f} days")
        zh, en = (f"重放 {zh}历史", f"a replay of {en}") if standing.is_upper_from_replay else (f"{zh}的记录", f"{en} on record")
        said.append(T(f"{zh}能证明的上限 {upper:.1f} 次/年", f"{en} prove at most {upper:.1f} a year"))
    return {
        "said": said,
        "chip": chip,
        "trust": trust,
        "why": standing.doubts[0] if standing.doubts else None,
        "more": len(standing.doubts) - 1,
    }


@page("alarm.read")
def promise(request: Asked) -> HttpResponse:
    """How the promise stands, what puts it in doubt, and what each alarm line is made of."""
    if not concerns(request.actor, request.town.place.path):
        raise Unseen("promise")
    standing = standing_for(request)
    context = {
        "promise": promise_line(standing),
        "doubts": standing.doubts,
        "judged": standing.judged,
        "monitors": MONITOR_NAMES.values(),
        "rows": [{"name": row["name"], "cells": [_cell(c["monitor"], c["reading"]) for c in row["cells"]]} for row in standing.monitors],
        "meanings": [(name, MONITOR_MEANINGS[monitor]) for monitor, name in MONITOR_NAMES.items()],
        "lines": _lines(standing, request),
        "margin_is_set": Parameter.objects.filter(key="alarm.margin_log").exists(),
    }
    return render(request, "alarms/promise.html", context)


def _cell(monitor: str, reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """A monitor's figure; most have one only when they found something: a quiet stream of few events scatters widely."""
    since = date.fromisoformat(reading["since"]) if reading and reading["since"] else None
    label = MONITOR_NAMES[monitor]  # type: ignore[index]
    if reading is None or reading["size"] is None or (since is None and monitor not in ALWAYS_SHOWN):
        return {"label": label, "text": "", "since": None}
    size = reading["size"]
    texts = {"missing": f"{size:.0%}", "shared": f"±{size:.0%}", "sites": "−1" if size < 0 else "+1"}
    return {"label": label, "text": texts.get(monitor, f"×{size:.1f}"), "since": since}


def _lines(standing: Standing, request: Asked) -> list[dict[str, Any]]:
    """What is asked beyond the theory, as factors of the evidence, by target (and place where there are several)."""
    lines = standing.lines
    targets = {t["code"]: T(t["zh"], t["en"]) for t in request.town.targets}
    places = {p.path: p.name for p in Place.objects.filter(path__in={line["place"] for line in lines})} if len(lines) > len(targets) else {}
    return [
        {
            "target": targets.get(line["target"], T(line["target"], line["target"])),
            "place": places.get(line["place"]),
            "replay": _factor(line["margin_log"]),
            "control": _factor(line.get("control", {}).get("margin_log", 0.0)),
            "overdraft": line.get("control", {}).get("overdraft_alarms", 0.0),
            "proposed": line["replay"] and _factor(line["replay"]["margin_log"]),
            "past_years": line["replay"] and line["replay"]["past_years"],
        }
        for line in lines
    ]


def _factor(margin_log: float) -> str:
    return f"×{exp(margin_log):.1f}" if margin_log < LARGEST_FACTOR else f"×10^{margin_log / log(10):.0f}"


urlpatterns = [path("promise/", promise, name="promise")]
