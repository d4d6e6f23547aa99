"""Incidents: the list, and the picture of one: clocks, tasks by group, log, causes, closing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from tongchou.core.casework.models import Deadline
from tongchou.core.casework.queries import running_clocks
from tongchou.core.wording import T
from tongchou.domains.response import actions
from tongchou.domains.response.models import Incident
from tongchou.domains.response.queries import TaskRow, clock_of, incidents_seen, log_of, seen_incident, tasks_of
from tongchou.domains.response.rules import INCIDENT, Stretch
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import evidence_series
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.interfaces.web.pages.causes import alarm_behind, walk_from
from tongchou.interfaces.web.story import MISSED, address_of, state_of, story_of

ROWS, LOG_ROWS = 50, 40
LOOK_BACK = timedelta(days=60)
FRAGMENTS = {"tasks": "incidents/_tasks.html", "log": "incidents/_log.html", "clocks": "incidents/_clocks.html"}


@page("incident.read")
def incident_list(request: Asked) -> HttpResponse:
    """Incidents of one's places, open ones first."""
    rows = incidents_seen(request.actor)
    if request.GET.get("state") == "open":
        rows = rows.filter(dossier__closed_at=None)
    page_obj = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    shown = [{"incident": i, "head": i.dossier, "state": state_of(i.dossier), "url": address_of(i.dossier)} for i in page_obj]
    return render(request, "incidents/list.html", {"rows": shown, "page_obj": page_obj, "only_open": request.GET.get("state") == "open"})


@page("incident.read")
def incident(request: Asked, number: str) -> HttpResponse:
    """The picture of one incident; tasks, clocks and log refetch themselves."""
    found = seen_incident(number, request.actor)
    head = found.dossier
    alarm = alarm_behind(head)
    fragment = request.GET.get("fragment", "")
    context: dict[str, Any] = {"incident": found, "head": head, "state": state_of(head), "plan": found.plan}
    if fragment in ("", "tasks", "clocks"):
        context |= _tasks(found, request)
    if fragment in ("", "clocks"):
        context |= _clocks(found, alarm, request)
    if fragment in ("", "log"):
        known = {head.pk: head} | {t.dossier.pk: t.dossier for t in found.tasks.select_related("dossier")}
        # That each task was given out is said once, by the incident itself.
        told = [entry for entry in log_of(found) if entry.action != "task.open"]
        context["timeline"] = story_of(told[:LOG_ROWS], known, head)
    if fragment in FRAGMENTS:
        return render(request, FRAGMENTS[fragment], context)
    context |= {
        "steps": walk_from(head, alarm=alarm),
        "allowed": {s.name for s in INCIDENT.allowed(head.state)},
        "may_work": request.actor.may("incident.work", head.place.path),
        "may_close": request.actor.may("incident.close", head.place.path),
        "view": "list" if request.GET.get("view") == "list" else "board",
    }
    return render(request, "incidents/incident.html", context)


def _tasks(found: Incident, request: Asked) -> dict[str, Any]:
    rows = tasks_of(found)
    first = running_clocks([row.dossier.pk for row in rows if row.dossier.closed_at is None])
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        unit = row.task.unit
        group = groups.setdefault(unit.code, {"unit": unit.name, "rows": [], "done": 0})
        group["rows"].append(_shown(row, first.get(row.dossier.pk), request))
        group["done"] += row.dossier.closed_at is not None
    left = [row for row in rows if row.dossier.closed_at is None]
    order = [g["unit"] for g in found.plan.body["groups"]]
    for group in groups.values():
        group["shown"] = _without_earlier_rounds(group["rows"])
    return {
        "groups": sorted(groups.values(), key=lambda g: next((order.index(c) for c in order if groups.get(c) is g), len(order))),
        "task_rows": [shown for g in groups.values() for shown in g["rows"]],
        "view": "list" if request.GET.get("view") == "list" else "board",
        "left": len(left),
        "late": sum(shown["is_late"] for group in groups.values() for shown in group["rows"]),
        "finished": len(rows) - len(left),
        "all": len(rows),
    }


def _without_earlier_rounds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a task that comes again and again only what is open and the latest round; that one says how many went before."""
    rounds: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        rounds.setdefault(row["plan_task"], []).append(row)
    kept = []
    for several in rounds.values():
        last = [row for row in several[:-1] if not row["is_done"]] + several[-1:]
        last[-1]["earlier"] = len(several) - len(last)
        kept += last
    return kept


def _shown(row: TaskRow, first: Deadline | None, request: Asked) -> dict[str, Any]:
    """`first` is the running clock that falls due first: a task can be late to be taken on long before it is late to be done."""
    head = row.dossier
    is_late = first is not None and first.due_at < request.at
    hand = row.hand
    return {
        "number": head.number,
        "plan_task": row.task.plan_task,
        "title": head.title,
        "url": address_of(head),
        "state": state_of(head),
        "due_at": row.clock.due_at if row.clock else None,
        "done_at": head.closed_at,
        "is_late": is_late,
        "missed": MISSED.get(first.key) if first is not None and is_late else None,
        "is_done": head.closed_at is not None,
        "post": hand.post.name if hand else None,
        "who": hand.user.name if hand and hand.user else None,
        "waits_for": [d.title for d in row.waits_for],
        "evidence_count": row.evidence_count,
        "unit": row.task.unit.name,
    }


def _clocks(found: Incident, alarm: Alarm | None, request: Asked) -> dict[str, Any]:
    head = found.dossier
    report = running_clocks([head.pk]).get(head.pk)
    return {"stretches": [_stretch(s, request.at) for s in stretches_of(found, alarm, request.town.zone)], "report_clock": report}


def stretches_of(found: Incident, alarm: Alarm | None, zone: str) -> tuple[Stretch, Stretch, Stretch]:
    """The three spans of an incident's 7-1-7 clock, from the evidence behind its alarm on."""
    detected_at = alarm.dossier.opened_at if alarm else found.dossier.opened_at
    return clock_of(found, detected_at=detected_at, emerged_at=_emerged_at(alarm, zone) if alarm else None)


def _stretch(stretch: Stretch, at: datetime) -> dict[str, Any]:
    spent = stretch.took or (at - stretch.from_at if stretch.from_at else None)
    return {
        "name": stretch.name,
        "took": _span(spent) if spent is not None else None,
        "target": _span(stretch.target) if stretch.target else None,
        "from_at": stretch.from_at,
        "to_at": stretch.to_at,
        "due_at": stretch.due_at,
        "is_kept": stretch.is_kept,
        "share": min(1.0, spent / stretch.target) if spent is not None and stretch.target else None,
    }


def _span(span: timedelta) -> T:
    minutes = round(span.total_seconds() / 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days and not hours:
        return T(f"{days} 天", f"{days} d")
    if days:
        return T(f"{days} 天 {hours} 小时", f"{days} d {hours} h")
    return T(f"{hours} 小时 {rest} 分", f"{hours} h {rest} min") if hours else T(f"{rest} 分", f"{rest} min")


def _emerged_at(alarm: Alarm, zone: str) -> datetime | None:
    """Start of the day on which the evidence at the alarm's place began to point to a rise and did not stop until the alarm."""
    rows = evidence_series(alarm.dossier.place, alarm.target, alarm.day - LOOK_BACK, alarm.day)
    began = None
    for row in sorted(rows, key=lambda r: r.day, reverse=True):
        if row.log_evidence <= 0:
            break
        began = row.day
    return datetime.combine(began, time.min, ZoneInfo(zone)).astimezone(UTC) if began else None


def _worded(do: Callable[..., object], field: str) -> Callable[[Incident, Asked], object]:
    return lambda found, request: do(found, **{field: request.POST.get(field, "")}, by=request.actor, at=request.at)


# Step in the address → what it does, what is said afterwards.
STEPS: Mapping[str, tuple[Callable[[Incident, Asked], object], T]] = {
    "note": (_worded(actions.add_log, "text"), T("已记入。", "Noted.")),
    "report": (_worded(actions.report_incident, "receipt"), T("已记录上报。", "Report recorded.")),
    "propose-closing": (_worded(actions.propose_closing, "reason"), T("已提请结束。", "Closing proposed.")),
    "resume": (_worded(actions.resume_incident, "reason"), T("已恢复处置。", "Resumed.")),
    "close": (_worded(actions.close_incident, "review"), T("事件已结束。", "Incident closed.")),
}


@page("incident.read", methods=("POST",))
def take_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step; the person goes back to where they came from."""
    do, said = STEPS[step]
    found = seen_incident(number, request.actor)
    do(found, request)
    messages.success(request, f"{found.dossier.number} {said}")
    return redirect(came_from(request, reverse("incident", args=[number])))


urlpatterns = [
    path("incidents/", incident_list, name="incidents"),
    path("incidents/<str:number>", incident, name="incident"),
    *(path(f"incidents/<str:number>/{step}", take_step, {"step": step}, name=f"incident_{step}") for step in STEPS),
]
