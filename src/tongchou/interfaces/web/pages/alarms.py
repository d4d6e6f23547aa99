"""Alarms: the list by deadline, and the picture of one: why, how sure, what comes next, and the decision."""

from collections.abc import Callable
from datetime import timedelta
from math import exp
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone

from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Link
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.response.queries import plans_in_force
from tongchou.domains.warning import actions
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import Promise, alarms_seen_by, evidence_on, evidence_series, seen_alarm, verdict_log
from tongchou.domains.warning.rules import ALARM
from tongchou.interfaces.web.charts import AlarmMark, Area, Chart, Grade, evidence_curve, stream_curve, village_map
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.interfaces.web.pages.causes import walk_from
from tongchou.interfaces.web.pages.promise import promise_line, standing_for
from tongchou.interfaces.web.story import address_of, state_of, story_of
from tongchou.workflows.activation import confirm
from tongchou.workflows.early_warning import recompute
from tongchou.workflows.explaining import explain, name_of, ppv_beside, times_said
from tongchou.workflows.explanation import Explanation, StreamStory

ROWS, LOG_ROWS, PLACES = 50, 40, 8
EVIDENCE_DAYS = timedelta(days=60)
LEAST_DAYS, TABLE_DAYS = 5, 14
# exp() beyond this is a number nobody can read; the curve is clamped there.
MOST_EVIDENCE = 23.0
MAP_STEPS = (0.1, 0.25, 0.5, 0.75)


@page("alarm.read")
def alarm_list(request: Asked) -> HttpResponse:
    """Alarms of one's places: what waits for a decision first, by its clock."""
    rows = alarms_seen_by(request.actor)
    state, grade, place = (request.GET.get(name, "") for name in ("state", "grade", "place"))
    if state == "open":
        rows = rows.filter(dossier__closed_at=None)
    elif state in ALARM.states:
        rows = rows.filter(dossier__state=state)
    if grade:
        rows = rows.filter(dossier__grade=grade)
    if place:
        rows = rows.filter(dossier__place__path__contains=f"/{place}/")
    page_obj, log = Paginator(rows, ROWS).get_page(request.GET.get("page")), verdict_log()
    shown = [
        {
            "alarm": a,
            "head": a.dossier,
            "state": state_of(a.dossier),
            "url": address_of(a.dossier),
            "due_at": a.due_at,
            "ppv": ppv_beside(a, log),
        }
        for a in page_obj
    ]
    standing = standing_for(request)
    context = {
        "rows": shown,
        "page_obj": page_obj,
        "state": state,
        "grade": grade,
        "states": list(ALARM.states.items()),
        "kpis": _promise_kpis(standing.kept),
        "promise": promise_line(standing),
    }
    return render(request, "alarms/list.html", context)


def _promise_kpis(kept: Promise) -> list[dict[str, Any]]:
    """A year's alarms by verdict; false ones beside what was promised."""
    promised = kept.promised_per_year
    note = T(f"承诺每年不超过 {promised:g}", f"promised: at most {promised:g} a year") if promised is not None else None
    listed = reverse("alarms")
    return [
        {"label": T("误报，过去 365 天", "False, last 365 days"), "value": kept.false, "note": note, "url": f"{listed}?state=dismissed",
         "tone": "" if kept.is_kept is None else "good" if kept.is_kept else "bad"},
        {"label": T("属实", "True"), "value": kept.true, "url": f"{listed}?state=confirmed"},
        {"label": T("不明", "Unclear"), "value": kept.unclear, "url": f"{listed}?state=dismissed"},
        {"label": T("尚无结论", "No verdict yet"), "value": kept.undecided, "url": f"{listed}?state=open"},
    ]  # fmt: skip


@page("alarm.read")
def alarm(request: Asked, number: str) -> HttpResponse:
    """One alarm with everything it stands on."""
    found = seen_alarm(number, request.actor)
    head = found.dossier
    told = explain(found)
    evidence = evidence_on(found.last_seen_on, found.target, found.area.path)
    touched = [e for e in evidence.exclude(grade="").exclude(place=found.area)[: PLACES + 1] if e.place_id != head.place_id]
    # The walk of an incident stops at its alarm; here that stop is where one stands.
    steps = walk_from(head, alarm=found)
    context: dict[str, Any] = {
        "alarm": found,
        "head": head,
        "state": state_of(head),
        "told": told,
        "streams": [_stream(s, found) for s in told.streams],
        "map": _map(told),
        "candidates": [{"label": c.said, "share": c.share} for c in told.candidates],
        "touched": touched[:PLACES],
        "evidence": _evidence_chart(found),
        "horizons": [h[0] for h in told.ahead[0].horizons] if told.ahead else [],
        "steps": [steps[0], *steps[2:]],
        "incidents": [{"head": x.source, "url": address_of(x.source)} for x in _incidents(found)],
        "timeline": story_of(_log(found), {head.pk: head}, head),
        "clocks": head.deadlines.filter(stopped_at=None),
    }
    context |= _decision(found, request)
    return render(request, "alarms/alarm.html", context)


def _decision(found: Alarm, request: Asked) -> dict[str, Any]:
    head, actor = found.dossier, request.actor
    allowed = {s.name for s in ALARM.allowed(head.state) if s.needs != "alarm.propose" and actor.may(s.needs, head.place.path)}
    return {
        "allowed": allowed,
        "plans": plans_in_force(request.at.date(), head.place.path) if "confirm" in allowed else [],
        "may_judge": head.closed_at is not None and actor.may("alarm.confirm", head.place.path),
        "verdicts": [(name, said) for name, said in Alarm.VERDICTS.items() if name],
    }


def _stream(story: StreamStory, found: Alarm) -> dict[str, Any]:
    """A stream's part of the page: how much it carries, as a curve and day by day."""
    note = story.sentinel
    if note is not None and story.is_over_its_line:
        note = T(f"{note.zh}，单独已越线", f"{note.en}, over its own line")
    known_on = timezone.localtime(found.as_known_at).date()
    return {
        "story": story,
        "label": story.name,
        "share": story.share,
        "note": note,
        "url": f"{reverse('stream', args=[story.stream])}?known_on={known_on}" if story.stream else None,
        "chart": _stream_chart(story, found),
        "days": [(s, times_said(s.statistic)) for s in reversed(story.days[-TABLE_DAYS:])],
    }


def _stream_chart(story: StreamStory, found: Alarm) -> Chart | None:
    """Seen and expected as a curve; a stream of few days, or of one now and then, is read in its table."""
    if len(story.days) < LEAST_DAYS:
        return None
    first, last = story.days[0].day, story.days[-1].day
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(story.days) < len(days) / 2:
        return None
    by_day = {s.day: s for s in story.days}
    seen = [by_day.get(day) for day in days]
    unit = (
        story.unit
        if story.days_summed == 1
        else T(f"{story.unit.zh}/{story.days_summed} 天", f"{story.unit.en} in {story.days_summed} days")
    )
    return stream_curve(
        days,
        [s and s.observed for s in seen],
        title=story.name,
        unit=unit,
        expected=[s and s.expected for s in seen],
        band=([s and s.lower for s in seen], [s and s.upper for s in seen]),
        alarms=[AlarmMark(found.day, cast(Grade, found.dossier.grade), found.dossier.title)] if found.dossier.grade else (),
        summary=story.gist,
    )


def _map(told: Explanation) -> Chart | None:
    """Where it probably began. Beyond those that are kept no place has more than the first step."""
    share = {c.path: c.share for c in told.candidates}
    head = told.alarm.dossier
    areas = [
        Area(p.code, p.name, p.outline, share.get(p.path, 0.0), cast(Grade, head.grade) if p.pk == head.place_id else None)
        for p in places_below(told.alarm.area.path, told.alarm.day)
        if p.outline and p.path != told.alarm.area.path
    ]
    if not areas or not share:
        return None
    unit = T("起始于此的份额", "Share: began here")
    return village_map(areas, title=T("可能从哪里开始", "Where it probably began"), unit=unit, breaks=MAP_STEPS, pattern=".0%")


def _evidence_chart(found: Alarm) -> Chart | None:
    place = found.dossier.place
    rows = evidence_series(place, found.target, found.day - EVIDENCE_DAYS, found.last_seen_on)
    if not rows:
        return None
    values = [exp(max(-MOST_EVIDENCE, min(MOST_EVIDENCE, e.log_evidence))) for e in rows]
    line = exp(min(found.threshold, MOST_EVIDENCE))
    over = sum(value >= line for value in values)
    summary = T(
        f"{place.name_zh}近{len(rows)}个早晨中有{over}个越过报警线", f"{over} of the last {len(rows)} mornings lay over the alarm line"
    )
    title = T(f"{place.name_zh}的证据", f"Evidence in {place.name_en}")
    ground = [(found.dossier.grade, line)] if found.dossier.grade else []
    return evidence_curve([e.day for e in rows], values, title=title, threshold=line, grades=ground, summary=summary)  # type: ignore[arg-type]


def _incidents(found: Alarm) -> list[Link]:
    return list(Link.objects.filter(target=found.dossier, kind="caused_by", source__kind="incident").select_related("source__place"))


def _log(found: Alarm) -> list[Entry]:
    rows = Entry.objects.filter(subject_kind="dossier", subject_id=str(found.pk)).exclude(action="alarm.seen")
    return list(rows.select_related("actor").order_by("-seq")[:LOG_ROWS])


@page("alarm.read", methods=("POST",))
def decide(request: Asked, number: str, step: str) -> HttpResponse:
    """Acknowledge, confirm with a plan, dismiss, or give the last word. A second officer is told who was first."""
    found = seen_alarm(number, request.actor)
    given, who = request.POST, {"by": request.actor, "at": request.at}
    if step == "confirm":
        incident = confirm(found, plan_code=given.get("plan", ""), reason=given.get("reason", ""), **who)  # type: ignore[arg-type]
        messages.success(
            request, str(T("预警已确认，事件已启动，任务已派发。", "Confirmed; the incident is open and its tasks are given out."))
        )
        return redirect(address_of(incident.dossier))
    said = STEPS[step](found, given, who)
    messages.success(request, str(said))
    return redirect(came_from(request, address_of(found.dossier)))


def _acknowledge(found: Alarm, given: Any, who: dict[str, Any]) -> T:
    actions.acknowledge_alarm(found, reason=given.get("reason", ""), **who)
    return T("已签收，请在时限内研判。", "Acknowledged; decide within the limit.")


def _dismiss(found: Alarm, given: Any, who: dict[str, Any]) -> T:
    actions.dismiss_alarm(found, reason=given.get("reason", ""), verdict=given.get("verdict", "false"), **who)
    return T("预警已排除。", "The alarm is dismissed.")


def _judge(found: Alarm, given: Any, who: dict[str, Any]) -> T:
    actions.give_verdict(found, verdict=given.get("verdict", ""), reason=given.get("reason", ""), **who)
    return T("结论已记入。", "The verdict is kept.")


STEPS: dict[str, Callable[[Alarm, Any, dict[str, Any]], T]] = {"acknowledge": _acknowledge, "dismiss": _dismiss, "verdict": _judge}


@page("alarm.read")
def alarm_run(request: Asked, number: str) -> HttpResponse:
    """What the alarm was computed from, and the same computation done again now."""
    found = seen_alarm(number, request.actor)
    again = recompute(found.run) if "again" in request.GET else None
    parameters = sorted((k, v) for k, v in found.run.parameters.items() if not isinstance(v, dict) and k != "learnt_weights")
    shares = list(found.shares.select_related("stream__sentinel"))
    return render(
        request,
        "alarms/run.html",
        {
            "alarm": found,
            "head": found.dossier,
            "run": found.run,
            "lead": _leading_place(found),
            "again": again,
            "parameters": parameters,
            "learnt": found.run.parameters.get("learnt"),
            "shares": [(s, name_of(s, shares)) for s in shares],
        },
    )


def _leading_place(found: Alarm) -> Place | None:
    """Where the same reading found the strongest evidence, if that is another place: one reading covers the whole area."""
    path = found.run.result["place"]
    return Place.objects.filter(path=path).first() if path != found.dossier.place.path else None


urlpatterns = [
    path("alarms/", alarm_list, name="alarms"),
    path("alarms/<str:number>", alarm, name="alarm"),
    path("alarms/<str:number>/run", alarm_run, name="alarm_run"),
    *(
        path(f"alarms/<str:number>/{step}", decide, {"step": step}, name=f"alarm_{step}")
        for step in ("acknowledge", "confirm", "dismiss", "verdict")
    ),
]
