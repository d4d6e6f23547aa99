"""One sentinel and one stream: whom it sees, what it reported as known on any day, what was corrected, what detection assumes."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.errors import Unseen
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import add_stream, change_sentinel_state
from tongchou.domains.sentinels.coverage import watches_of
from tongchou.domains.sentinels.models import Sentinel, Stream
from tongchou.domains.sentinels.queries import Curve, freshness_of, observations_as_known, seen_sentinel, seen_stream, stream_curve
from tongchou.domains.sentinels.rules import KIND_NAMES, STATE_CHANGES, STATE_NAMES, Schedule, schedule_of
from tongchou.domains.warning.models import Signal
from tongchou.interfaces.web.charts import Chart
from tongchou.interfaces.web.charts import stream_curve as curve_chart
from tongchou.interfaces.web.intake_fields import INTAKE, NOT_READ
from tongchou.interfaces.web.nowcast_words import band_of, said_of, said_of_pace
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.intake import EARLIEST
from tongchou.interfaces.web.pages.matrix import FRESHNESS, setting_name
from tongchou.workflows.nowcasting import Outlook, outlook_of

SPARK_DAYS, DAYS, MOST_DAYS, CORRECTIONS = 60, 90, 800, 50
SPANS = (30, 90, 180, 365, 730)
WEEKDAYS = ("一二三四五六日", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
BASES = {
    "reported": T("实报", "as reported"),
    "vintage": T("当时公布值", "as published then"),
    "final_at_usual_lag": T("最终值，按惯常时延", "final value at the usual lag"),
    "generated": T("生成数据", "generated"),
}
FORMS = {
    "additive": T("叠加：本底之上另加感染带来的", "additive: infections add to the background"),
    "multiplicative": T("成倍：整条曲线随感染升降", "multiplicative: the level rises and falls with infections"),
}
# Field of a stream's model → what it means; in the order in which a reader asks.
MODEL_NAMES = {
    "form": T("形式", "Form"),
    "events_per_infection": T("每例感染带来的事件数", "Events per infection"),
    "delay_mean_days": T("感染到出现的平均天数", "Days from infection, mean"),
    "delay_sd_days": T("该天数的标准差", "Days from infection, SD"),
    "background_per_day": T("平日本底（每天）", "Background a day"),
    "dispersion": T("离散程度", "Dispersion"),
    "season_amplitude": T("季节起伏", "Seasonal swing"),
    "missing_share": T("缺报比例", "Share of days missing"),
}


@page("sentinel.read", methods=("GET", "POST"))
def sentinel(request: Asked, code: str) -> HttpResponse:
    """One sentinel: facts, catchment, streams with the last sixty days; opening and closing it, adding the figures its form lacks."""
    row = seen_sentinel(code, request.actor)
    may_write = request.actor.may("sentinel.write", row.place_path)
    if request.method == "POST":
        _change(request, row)
        messages.success(request, str(T("已保存。", "Saved.")))
        return redirect("sentinel", code=code)
    watch = watches_of([row], request.at, request.town.place.path)[row.pk]
    schedule = schedule_of(row.schedule)
    context = {
        "sentinel": row, "kind": KIND_NAMES[row.kind], "setting": setting_name(row.setting), "state": STATE_NAMES[row.state],
        "watch": watch, "worst": watch.worst and FRESHNESS[watch.worst], "weekdays": _weekdays(schedule), "due": schedule.due,
        "catchments": row.catchments.select_related("place"), "streams": _stream_rows(watch.streams, request.at),
        "history": [_told(e) for e in history_of(row).order_by("-seq")[:10]],
        "next_states": [{"value": s, "label": STATE_NAMES[s]} for s in STATE_CHANGES[row.state]] if may_write else [],
        "lacking": _lacking(row) if may_write else [], "may_write": may_write,
        "may_report": row.state == "live" and request.actor.may("stream.report", row.place_path),
    }  # fmt: skip
    return render(request, "sentinels/sentinel.html", context)


def _told(entry: Any) -> dict[str, Any]:
    return {
        "at": entry.at,
        "title": ENTRY_NAMES.get(entry.action, T(entry.action, entry.action)),
        "who": entry.actor_label,
        "note": entry.reason,
    }


ENTRY_NAMES = {
    "sentinel.add": T("设立", "Added"),
    "sentinel.edit": T("修改", "Edited"),
    "sentinel.state": T("改变状态", "State changed"),
    "observation.report": T("重报同样的数", "Said the same again"),
}


def _change(request: Asked, row: Sentinel) -> None:
    match request.POST.get("do"):
        case "state":
            state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
            change_sentinel_state(row, state=state, reason=reason, by=request.actor, at=request.at)
        case "fields":
            add_lacking_streams(row, request)
        case _:
            raise Unseen("sentinel")


def _lacking(row: Sentinel) -> list[Any]:
    known = set(row.streams.values_list("kind", flat=True))
    return [field for field in INTAKE.get(row.setting, ()) if field.kind not in known]


def add_lacking_streams(row: Sentinel, request: Asked) -> None:
    """Give a sentinel a stream for every figure of its setting's form. A figure detection reads takes over what its kind assumes elsewhere."""
    for field in _lacking(row):
        model = Stream.objects.filter(kind=field.kind).order_by("pk").first() if field.is_read_by_detection else None
        like = model and {"targets": model.targets, "weight": model.weight, "model": model.model, "plausible_max": model.plausible_max,
                          "is_specific": model.is_specific, "expected_delay_days": model.expected_delay_days}  # fmt: skip
        add_stream(
            row, code=f"{row.code}-{field.kind}"[:60], kind=field.kind, indicator=field.indicator, unit=field.unit, value_kind=field.value_kind,
            step_days=request.town.step_days, by=request.actor, at=request.at, **(like or NOT_READ),
        )  # fmt: skip


def _weekdays(schedule: Schedule) -> T:
    if len(schedule.weekdays) == 7:
        return T("每天", "every day")
    zh, en = WEEKDAYS
    return T("周" + "、".join(zh[d - 1] for d in schedule.weekdays), ", ".join(en[d - 1] for d in schedule.weekdays))


def _stream_rows(found: Sequence[Any], at: datetime) -> list[dict[str, Any]]:
    block = observations_as_known([f.stream.pk for f in found], at.date() - timedelta(days=SPARK_DAYS - 1), at.date(), at)
    return [
        {
            "stream": f.stream, "freshness": f.freshness, "word": FRESHNESS[f.freshness.state],
            "spark": [None if value != value else float(value) for value in row[:: f.stream.step_days] if f.stream.step_days == 1 or value == value],
        }
        for f, row in zip(found, block.values, strict=True)
    ]  # fmt: skip


@page("sentinel.read")
def stream(request: Asked, code: str) -> HttpResponse:
    """One stream: its curve as known now or at the end of an earlier day, corrections, freshness, signals, and what detection assumes."""
    row = seen_stream(code, request.actor)
    zone = ZoneInfo(request.town.zone)
    today = request.at.astimezone(zone).date()
    known_on = _day(request.GET.get("known_on"), today)
    known_at = request.at if known_on == today else datetime.combine(known_on + timedelta(days=1), time(0), zone)
    span = min(max(int(asked) if (asked := request.GET.get("days", "")).isdecimal() else DAYS, 7), MOST_DAYS)
    curve = stream_curve(row, known_on - timedelta(days=span - 1), known_on, known_at)
    signals = list(Signal.objects.filter(stream=row, day__range=(curve.days[0], known_on), as_known_at__lte=known_at).order_by("day"))
    outlook = outlook_of([row], known_at, known_on, row.code)
    context = {
        "stream": row, "sentinel": row.sentinel, "freshness": freshness_of([row], known_at, request.town.place.path)[0].freshness,
        "known_on": known_on, "today": today, "is_past": known_on != today, "span": span, "spans": SPANS,
        "chart": _chart(row, curve, signals, outlook), "signal": signals[-1] if signals else None, "reports": curve.reports,
        "said": said_of(outlook, outlook.curve.days) if outlook else [], "pace": said_of_pace(outlook.pace) if outlook else [],
        "bases": [BASES[basis] for basis in sorted(curve.bases)],
        "page_obj": Paginator(curve.corrections, CORRECTIONS).get_page(request.GET.get("page")),
        "model": [(name, FORMS.get(row.model[key], row.model[key])) for key, name in MODEL_NAMES.items() if key in row.model], "basis": row.model.get("basis", ""),
        "may_report": row.sentinel.state == "live" and request.actor.may("stream.report", row.place_path),
    }  # fmt: skip
    context["word"] = FRESHNESS[context["freshness"].state]  # type: ignore[attr-defined]
    return render(request, "sentinels/stream.html", context)


def _day(asked: str | None, today: date) -> date:
    try:
        return max(EARLIEST, min(date.fromisoformat(asked or ""), today))
    except ValueError:
        return today


def _chart(row: Stream, curve: Curve, signals: Sequence[Signal], outlook: Outlook | None) -> Chart:
    """The days the sentinel reports on, or did; the ground is what each morning expected of the newest day it knew."""
    weekdays = schedule_of(row.sentinel.schedule).weekdays
    wanted = [
        (day, value)
        for day, value in zip(curve.days, curve.values, strict=True)
        if value is not None or (row.step_days == 1 and day.isoweekday() in weekdays)
    ]
    days = [day for day, _ in wanted] or curve.days
    expected = {s.observed_on: s for s in signals if s.observed_on and s.pooled == 1 and s.expected is not None}
    pick = [expected.get(day) for day in days]
    has_band = any(s is not None and s.upper is not None for s in pick)
    return curve_chart(
        days,
        [value for _, value in wanted] or [None] * len(days),
        title=T(f"{row.sentinel.name.zh}：{row.indicator.zh}", f"{row.sentinel.name.en}: {row.indicator.en}"),
        unit=row.unit,
        expected=[s.expected if s else None for s in pick] if expected else None,
        band=([s.lower if s else None for s in pick], [s.upper if s else None for s in pick]) if has_band else None,
        completed=band_of(outlook.at_days(days)) if outlook else None,
        signals={s.observed_on for s in signals if s.is_raised and s.observed_on},
    )


urlpatterns = [
    path("sentinels/<str:code>", sentinel, name="sentinel"),
    path("streams/<str:code>", stream, name="stream"),
]
