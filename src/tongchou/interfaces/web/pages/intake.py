"""Reporting by hand, on a phone first: what is due today, and one form per sentinel drawn from its streams."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Invalid, Unseen
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import report_day
from tongchou.domains.sentinels.coverage import watches_of
from tongchou.domains.sentinels.models import Sentinel, Stream
from tongchou.domains.sentinels.queries import observations_as_known, reporting_sentinels, seen_sentinel
from tongchou.domains.sentinels.reports import Report
from tongchou.domains.sentinels.rules import KIND_NAMES, ORDER, open_day, schedule_of
from tongchou.interfaces.web.intake_fields import ASKS
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.matrix import FRESHNESS, setting_name

ROWS, DAYS_OFFERED = 50, 7
EARLIEST = date(2000, 1, 1)


@page("stream.report")
def intake(request: Asked) -> HttpResponse:
    """The sentinels this person may report for: those that wait for a report first, one's own before the rest."""
    rows = list(reporting_sentinels(request.actor).filter(place__path__startswith=request.town.place.path))
    watches = watches_of(rows, request.at, request.town.place.path)
    held = {post.code for post in request.actor.posts}
    shown = []
    for row in rows:
        watch, zone = watches[row.pk], ZoneInfo(request.town.zone)
        days = [_open_day(row, f.stream, f.freshness.last_day, request, zone) for f in watch.streams]
        waiting = min((day for day in days if day), default=None)
        is_own = row.contact_post is not None and row.contact_post.code in held
        if watch.streams:
            shown.append({"sentinel": row, "worst": watch.worst or "silent", "day": waiting, "is_own": is_own, "setting": setting_name(row.setting),
                          "word": FRESHNESS[watch.worst or "silent"]})  # fmt: skip
    shown.sort(key=lambda r: (r["day"] is None, not r["is_own"], -ORDER.index(r["worst"])))
    context = {"page_obj": Paginator(shown, ROWS).get_page(request.GET.get("page")), "waiting": sum(r["day"] is not None for r in shown)}
    return render(request, "sentinels/intake.html", context)


def _open_day(row: Sentinel, stream: Stream, last_day: date | None, request: Asked, zone: ZoneInfo) -> date | None:
    return open_day(
        last_day,
        schedule_of(row.schedule),
        stream.expected_delay_days,
        request.at,
        zone,
        began_on=row.valid_from,
        step_days=stream.step_days,
    )


@page("stream.report", methods=("GET", "POST"))
def report(request: Asked, code: str) -> HttpResponse:
    """One sentinel's form for a day: yesterday's figure beside each field, zero said explicitly, a slip asked about."""
    row = seen_sentinel(code, request.actor)
    if not request.actor.may("stream.report", row.place_path):
        raise Unseen("sentinel")
    streams = list(row.streams.filter(state="live").order_by("pk"))
    today = request.at.astimezone(ZoneInfo(request.town.zone)).date()
    asked = _asked_day(request, today)
    day = asked or today
    problems: Mapping[str, T] = {}
    if request.method == "POST" and asked is None:
        # Never kept under another day than the one that was meant.
        problems = {
            "day": T("日期无效，没有保存；请在上方选择日期。", "Not a day that can be reported: nothing was saved. Choose the day above.")
        }
    elif request.method == "POST":
        try:
            judged = report_day(row, reports=_reports(request, streams, day), by=request.actor, at=request.at)
        except Invalid as refusal:
            problems = _by_stream(refusal, request, streams)
        else:
            messages.success(request, str(_thanks({j.outcome for j in judged})))
            return redirect("intake")
    context = {
        "sentinel": row, "kind": KIND_NAMES[row.kind], "setting": setting_name(row.setting), "day": day, "today": today,
        "days": [today - timedelta(days=k) for k in range(DAYS_OFFERED)], "fields": _fields(request, streams, day, problems),
        "problems": problems, "asks_sure": bool(problems) and any(name not in ("", "day") for name in problems),
        "reason": request.POST.get("reason", ""),
    }  # fmt: skip
    return render(request, "sentinels/report.html", context, status=422 if problems else 200)


def _thanks(outcomes: set[str]) -> T:
    if outcomes == {"same"}:
        return T("与已报的数相同，没有变化。", "The same as already reported; nothing changed.")
    return T("已收到，谢谢。", "Received, thank you.")


def _asked_day(request: Asked, today: date) -> date | None:
    """The day of the form or the address, today without one; None for one that no calendar of ours has."""
    try:
        day = date.fromisoformat(request.POST.get("day") or request.GET.get("day") or today.isoformat())
    except ValueError:
        return None
    return day if EARLIEST <= day <= today + timedelta(days=DAYS_OFFERED) else None


def _typed(request: Asked, stream: Stream) -> str:
    """What stands in a field: the figure, or an explicit nothing."""
    typed = request.POST.get(f"value-{stream.code}", "").strip()
    return typed or ("0" if request.POST.get(f"none-{stream.code}") else "")


def _reports(request: Asked, streams: Sequence[Stream], day: date) -> list[Report]:
    is_sure, reason = bool(request.POST.get("sure")), request.POST.get("reason", "")
    typed = ((stream, _typed(request, stream)) for stream in streams)
    return [Report(s.code, day, text, correction=is_sure, confirmed=is_sure, reason=reason) for s, text in typed if text]


def _by_stream(refusal: Invalid, request: Asked, streams: Sequence[Stream]) -> dict[str, T]:
    """Problems by the stream's code; by "day" or "" where no single field is meant."""
    sent = [stream.code for stream in streams if _typed(request, stream)]
    found: dict[str, T] = {}
    for problem in refusal.problems:
        row, _, field = problem.field.partition("].")
        number = row.removeprefix("rows[")
        found["day" if field == "day" else sent[int(number) - 1] if number.isdecimal() else ""] = problem.said
    return found


def _fields(request: Asked, streams: Sequence[Stream], day: date, problems: Mapping[str, T]) -> list[dict[str, Any]]:
    longest = max((s.step_days for s in streams), default=1)
    block = observations_as_known([s.pk for s in streams], day - timedelta(days=longest), day, request.at)
    return [
        {
            "stream": s, "ask": ASKS.get(s.kind), "problem": problems.get(s.code), "before": _known(values[-1 - s.step_days]), "known": _known(values[-1]),
            "typed": request.POST.get(f"value-{s.code}", _plain(values[-1])), "none": bool(request.POST.get(f"none-{s.code}")),
            "step": "1" if s.value_kind == "count" else "any", "is_weekly": s.step_days > 1,
        }
        for s, values in zip(streams, block.values, strict=True)
    ]  # fmt: skip


def _known(value: float) -> float | None:
    return None if value != value else float(value)


def _plain(value: float) -> str:
    return "" if value != value else f"{value:.15g}"


urlpatterns = [
    path("intake/", intake, name="intake"),
    path("sentinels/<str:code>/report", report, name="sentinel_report"),
]
