"""The desk's upper part: the alarm that waits, the key figures, and what needs this person now."""

from math import log
from typing import Any

from tongchou.core.wording import T
from tongchou.domains.response.queries import InboxRow, inbox_rows
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.rules import rank
from tongchou.interfaces.web.pages.desk_reading import Desk, firms_url, link
from tongchou.interfaces.web.story import ADDRESSES, MACHINES, address_of, state_of

ALARMS, INBOX, INCIDENTS, DECIDED = 4, 5, 4, 1


def banner_part(desk: Desk) -> dict[str, Any]:
    """The alarm that waits for a decision and is worst; first due among equals."""
    waiting = sorted(desk.open_alarms, key=lambda alarm: -rank(alarm.dossier.grade))
    if not waiting:
        return {"alarm": None}
    alarm = waiting[0]
    return {
        "alarm": alarm,
        "alarm_url": link("alarm", alarm.dossier.number),
        "probability": alarm.probability,
        "carriers": [(s.stream.indicator, s.share) for s in alarm.shares.all() if s.stream and s.share >= 0.05][:3],
        "doubling_days": round(log(2) / alarm.growth_per_day) if alarm.growth_per_day and alarm.growth_per_day > 0.01 else None,
        "ahead": _ahead(alarm),
        "others": len(waiting) - 1,
        "may_confirm": desk.request.actor.may("alarm.confirm", alarm.dossier.place.path),
    }


def _ahead(alarm: Alarm) -> dict[str, Any] | None:
    """What is expected over the longest horizon: of a specific kind read for the whole area if there is one, else of the leading kind here."""
    streams = {share.kind: share.stream for share in alarm.shares.all() if share.stream and share.stream.value_kind == "count"}
    rows = [e for e in alarm.expected if e["kind"] in streams]
    specific = [e for e in rows if streams[e["kind"]].is_specific and e["place"] is None]
    found = specific or [e for e in rows if e["kind"] == next(iter(streams), "")]
    if not found:
        return None
    row = max(found, key=lambda e: (e["horizon_days"], e["median"]))
    where = alarm.area.name if row["place"] is None else T("该处", "here")
    return {**row, "indicator": streams[row["kind"]].indicator, "where": where}


def kpis_part(desk: Desk) -> dict[str, Any]:
    """Six figures, each with the page it comes from."""
    return {"kpis": [k for k in (_cases_kpi(desk), *_work_kpis(desk), *_economy_kpis(desk), _seen_kpi(desk)) if k]}


def _cases_kpi(desk: Desk) -> dict[str, Any] | None:
    curve = desk.curve
    if curve is None or (end := curve.last_told) is None:
        return None
    back = 7 // curve.step_days
    (week, beside), before = curve.week_to(end), curve.week_to(end - back)[0] if end >= back else None
    day, indicator = curve.days[end], curve.streams[0].indicator
    is_up, is_down = (before is not None and week > 1.1 * before), (before is not None and week < 0.9 * before)
    than = T("高于", "up from") if is_up else T("低于", "down from") if is_down else T("持平于", "level with")
    note = None if before is None else T(f"{than.zh}前 7 天的 {before:,.0f}", f"{than.en} {before:,.0f} the week before")
    if note is not None and beside >= 0.5:
        note = T(f"{note.zh}；其中补估 {beside:,.0f}", f"{note.en}; {beside:,.0f} of it nowcast")
    return {
        "label": T(f"{indicator.zh}，至 {day.month}/{day.day} 的 7 天", f"{indicator.en}, 7 days to {day:%-d %b}"),
        "value": f"≈{week:,.0f}" if beside >= 0.5 else f"{week:,.0f}",
        "note": note,
        "tone": "bad" if is_up else "good" if is_down else "",
        "url": "#curve",
    }


def _work_kpis(desk: Desk) -> list[dict[str, Any]]:
    grades = {g: sum(a.dossier.grade == g for a in desk.open_alarms) for g in ("red", "orange", "yellow", "blue")}
    words = {"red": T("红", "red"), "orange": T("橙", "orange"), "yellow": T("黄", "yellow"), "blue": T("蓝", "blue")}
    said = [(words[g], n) for g, n in grades.items() if n]
    tasks_open, tasks_late = sum(d.tasks_open for d in desk.incidents), sum(d.tasks_late for d in desk.incidents)
    return [
        {
            "label": T("待决预警", "Alarms to decide"),
            "value": len(desk.open_alarms),
            "note": T(" ".join(f"{w.zh} {n}" for w, n in said), " ".join(f"{n} {w.en}" for w, n in said)) if said else T("无", "none"),
            "tone": "bad" if desk.open_alarms else "good",
            "url": link("alarms", state="open"),
        },
        {
            "label": T("在办任务", "Tasks under way"),
            "value": tasks_open,
            "note": T(f"逾期 {tasks_late}", f"{tasks_late} overdue") if tasks_late else T("无逾期", "none overdue"),
            "tone": "bad" if tasks_late else "good",
            "url": link("incident", desk.incidents[0].number) if len(desk.incidents) == 1 else link("incidents", state="open"),
        },
    ]


def _economy_kpis(desk: Desk) -> list[dict[str, Any]]:
    if not desk.request.actor.may("register.read", desk.path) or not desk.economy.whole.count:
        return []
    whole = desk.economy.whole
    return [
        {
            "label": T("复工率", "Firms at work"),
            "value": f"{whole.resumed_share:.1%}",
            "note": T(f"未复工 {whole.firms['closed']:,} 家", f"{whole.firms['closed']:,} closed"),
            "url": firms_url(desk, resumption="closed"),
        },
        {
            "label": T("达产率", "At full capacity"),
            "value": f"{whole.full_share:.1%}",
            "note": T(f"{whole.firms['full']:,} 家", f"{whole.firms['full']:,} firms"),
            "url": firms_url(desk, resumption="full"),
        },
    ]


def _seen_kpi(desk: Desk) -> dict[str, Any]:
    quiet = sum(s.freshness.state in ("late", "silent") for s in desk.streams)
    return {
        "label": T("哨点数据流", "Sentinel streams"),
        "value": len(desk.streams),
        "note": T(f"迟报或失联 {quiet}", f"{quiet} late or silent") if quiet else T("全部及时", "all in time"),
        "tone": "bad" if quiet else "good",
        "url": "#freshness" if quiet else link("matrix"),
    }


def now_part(desk: Desk) -> dict[str, Any]:
    """What needs this person, and the clocks that run."""
    everything = [row for row in inbox_rows(desk.request.actor) if row.dossier.kind in ADDRESSES]
    # An alarm that stands in the card beside is counted here, as the badge counts it, but not told twice.
    beside = {alarm.pk for alarm in desk.open_alarms[:ALARMS]}
    mine = [row for row in everything if row.dossier.pk not in beside]
    return {
        "alarm_rows": [_alarm_row(alarm, desk) for alarm in desk.open_alarms[:ALARMS]],
        "alarm_count": len(desk.open_alarms),
        "inbox_rows": [_inbox_row(row, desk) for row in mine[:INBOX]],
        "inbox_count": len(everything),
        "inbox_beside": len(everything) - len(mine),
        "inbox_more": len(mine) > INBOX,
        "inbox_late": sum(row.clock is not None and row.clock.due_at < desk.at for row in everything),
        "incident_rows": [
            {"head": head, "url": address_of(head), "state": state_of(head), "done": head.tasks_all - head.tasks_open}
            for head in desk.incidents[:INCIDENTS]
        ],
        "incident_count": len(desk.incidents),
        "decided": [{"alarm": a, "url": address_of(a.dossier), "state": state_of(a.dossier)} for a in _latest_decided(desk)],
    }


def _latest_decided(desk: Desk) -> list[Alarm]:
    return sorted((a for a in desk.alarms if a.dossier.closed_at), key=lambda a: (a.day, a.pk), reverse=True)[
        : DECIDED if desk.open_alarms else 3
    ]


def _alarm_row(alarm: Alarm, desk: Desk) -> dict[str, Any]:
    head = alarm.dossier
    first = [share.stream.indicator for share in alarm.shares.all() if share.stream and share.share >= 0.05][:2]
    return {
        "title": head.place.name,
        "url": address_of(head),
        "grade": head.grade,
        "due_at": alarm.due_at,
        "state": state_of(head),
        "note": T("、".join(t.zh for t in first), ", ".join(t.en for t in first)),
        "is_overdue": alarm.due_at is not None and alarm.due_at < desk.at,
    }


def _inbox_row(row: InboxRow, desk: Desk) -> dict[str, Any]:
    head = row.dossier
    kind = MACHINES[head.kind].label
    return {
        "title": head.title,
        "url": address_of(head),
        "grade": head.grade if head.kind != "task" else "",
        "kind": kind,
        "state": state_of(head),
        "note": head.place.name,
        "due_at": row.clock.due_at if row.clock else None,
        "is_overdue": row.clock is not None and row.clock.due_at < desk.at,
    }
