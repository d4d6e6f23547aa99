"""The desk's three lines: epidemic, economy, safety."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from tongchou.core.audit.models import DailyRoot
from tongchou.core.wording import T
from tongchou.domains.registry.rules import SECTIONS, SITE_STATES, SIZE_CLASSES
from tongchou.domains.sentinels.rules import ORDER
from tongchou.domains.warning.rules import rank
from tongchou.interfaces.web import desk_queries as reading
from tongchou.interfaces.web.charts import AlarmMark, Area, Chart, Grade, epidemic_curve, small_multiples, village_map
from tongchou.interfaces.web.nowcast_words import band_of, said_of, said_of_pace
from tongchou.interfaces.web.pages.desk_reading import Desk, firms_url, link, register_url
from tongchou.interfaces.web.pages.promise import promise_line
from tongchou.interfaces.web.story import address_of
from tongchou.workflows.promise import standing_on

RESUMED_DAYS, SECTORS, VILLAGES, SILENT, AWAITED = 45, 12, 4, 5, 7
MAP_STEPS = (0.1, 0.4, 0.7, 0.9)
FRESHNESS = {"fresh": T("及时", "fresh"), "due": T("待报", "due"), "late": T("迟报", "late"), "silent": T("失联", "silent")}


def epidemic_part(desk: Desk) -> dict[str, Any]:
    """The curve of the kind of stream that says most, and the villages by the newest evidence."""
    curve, (kind, others) = desk.curve, desk.kinds
    context: dict[str, Any] = {"curve": curve, "figure": None, "map": None}
    if curve is not None:
        names = {s.stream.kind: s.stream.indicator for s in desk.streams}
        keep = {} if desk.is_town else {"place": desk.place.code}
        context |= {
            "figure": _curve_figure(curve, desk),
            "curve_name": curve.streams[0].indicator,
            "kinds": [{"name": names[k], "url": "?" + urlencode({**keep, "curve": k}), "is_current": k == kind} for k in others],
            "said": said_of(curve.outlook, curve.days, _silent(curve, desk)),
            "awaited": [d for i, d in enumerate(curve.days[-AWAITED:], len(curve.days) - AWAITED) if curve.completed.missing[i] == 1],
            "pace": said_of_pace(desk.pace),
            "pace_to": desk.pace.last_day,
            "period": T("周", "week") if curve.step_days > 1 else T("天", "day"),
            "stream_links": [(s, link("stream", s.code)) for s in curve.streams],
        }
    if desk.is_town and desk.request.actor.may("alarm.read", desk.path):
        standing = standing_on(desk.today, desk.at, desk.path)
        context["promise"] = promise_line(standing) if standing else None
    target = desk.request.town.targets[0]["code"] if desk.request.town.targets else ""
    evidence = reading.village_evidence(desk.path, target)
    places = desk.matrix.places
    if desk.is_town and evidence.as_known_at and any(place.outline for place in places):
        context["map"] = _map_figure(evidence, desk)
    ranked = sorted((p for p in places if p.pk in evidence.probability), key=lambda p: -evidence.probability[p.pk])
    context["evidence_at"] = evidence.as_known_at
    context["villages"] = [
        {
            "place": p,
            "url": f"?{urlencode({'place': p.code})}",
            "probability": evidence.probability[p.pk],
            "grade": evidence.grades.get(p.pk, ""),
        }
        for p in ranked[:VILLAGES]
        if evidence.probability[p.pk] >= MAP_STEPS[0]
    ]
    return context


def _silent(curve: reading.Curve, desk: Desk) -> list[date | None]:
    """The last day of each silent site of the curve."""
    return [s.freshness.last_day for s in desk.streams if s.stream.kind == curve.kind and s.freshness.state == "silent"]


def _curve_figure(curve: reading.Curve, desk: Desk) -> Chart:
    name, unit = curve.streams[0].indicator, curve.streams[0].unit
    marks = [AlarmMark(a.day, cast(Grade, a.dossier.grade), a.dossier.title, address_of(a.dossier)) for a in desk.alarms if a.dossier.grade]
    has_level = any(level is not None for level in curve.expected)
    label = (
        T(f"{name.zh}（{unit.zh}/天）", f"{name.en} ({unit.en} a day)")
        if curve.step_days == 1
        else T(f"{name.zh}（{unit.zh}/周）", f"{name.en} ({unit.en} a week)")
    )
    return epidemic_curve(
        curve.days,
        curve.counts,
        title=T(f"{desk.place.name_zh}{name.zh}曲线", f"{name.en} in {desk.place.name_en}"),
        unit=label,
        expected=curve.expected if has_level else None,
        alarms=marks,
        completed=band_of(curve.completed),
    )


def _map_figure(evidence: reading.VillageEvidence, desk: Desk) -> Chart:
    marks: dict[int, str] = {}
    for alarm in sorted(desk.open_alarms, key=lambda a: rank(a.dossier.grade)):
        marks[alarm.dossier.place_id] = alarm.dossier.grade
    areas = [
        Area(p.code, p.name, p.outline, evidence.probability.get(p.pk), marks.get(p.pk), f"?{urlencode({'place': p.code})}")  # type: ignore[arg-type]
        for p in desk.matrix.places
        if p.outline
    ]
    unit = T("有上升的概率", "Probability of a rise")
    return village_map(areas, title=T("各村居证据", "Evidence by village"), unit=unit, breaks=MAP_STEPS, pattern=".0%")


def economy_part(desk: Desk) -> dict[str, Any]:
    """How far work has come back, from the register's state alone."""
    if not desk.request.actor.may("register.read", desk.path):
        return {"economy": None}
    economy = desk.economy
    days = [desk.today - timedelta(days=n) for n in reversed(range(RESUMED_DAYS))]
    return {
        "economy": economy if economy.whole.count else None,
        "sectors": [_share_row(desk, SECTIONS[s.key], s, section=s.key) for s in economy.sectors[:SECTORS] if s.key in SECTIONS],
        "sector_count": len(economy.sectors),
        "sizes": [_share_row(desk, name, economy.sizes[k], size_class=k) for k, name in SIZE_CLASSES.items() if k in economy.sizes],
        "progress": _progress_figure(economy, days) if economy.resumed_by else None,
        "firms_url": firms_url(desk),
    }


def _share_row(desk: Desk, name: T, group: reading.Resumed, **asked: str) -> dict[str, Any]:
    return {
        "name": name,
        "group": group,
        "full_width": round(100 * group.full_share, 2),
        "resumed_width": round(100 * group.resumed_share, 2),
        "url": firms_url(desk, **asked),
        "closed_url": firms_url(desk, resumption="closed", **asked),
    }


def _progress_figure(economy: reading.Economy, days: list[date]) -> Chart:
    """Firms now at work by the day they resumed."""
    share: list[float | None] = []
    for day in days:
        upto = [total for resumed_on, total in economy.resumed_by if resumed_on <= day]
        share.append(round(100 * (upto[-1] if upto else 0) / economy.whole.count, 1))
    unit = T("已复工占比（%）", "Share at work (%)")
    return small_multiples(days, [(T("复工进度", "Return to work"), share)], unit=unit)[0]


def safety_part(desk: Desk) -> dict[str, Any]:
    """Who watches, whom nobody watches, sites and schools, and whether the log is sealed."""
    states = {state: [s for s in desk.streams if s.freshness.state == state] for state in ORDER}
    sites = reading.states_of_sites(desk.path) if desk.request.actor.may("register.read", desk.path) else {}
    silent = sorted(
        (s for state in ("silent", "late") for s in states[state]), key=lambda s: (s.freshness.last_day or date.min, s.stream.code)
    )
    return {
        "freshness": [
            {"state": s, "label": FRESHNESS[s], "count": len(states[s]), "url": link("sentinels", freshness=s)} for s in reversed(ORDER)
        ],
        "silent": [{"row": s, "url": link("stream", s.stream.code), "label": FRESHNESS[s.freshness.state]} for s in silent[:SILENT]],
        "silent_more": max(0, len(silent) - SILENT),
        "blind": desk.blind,
        "blind_rows": [
            {
                "spot": s,
                "url": link("sentinels", place=s.place.code),
                "share": s.unseen / s.place.population if s.place.population else None,
            }
            for s in desk.blind.villages[:VILLAGES]
            if s.unseen
        ],
        "matrix_url": link("matrix"),
        "site_rows": _site_rows(desk, sites) if sites else [],
        "sealed": DailyRoot.objects.order_by("-day").first(),
        "audit_url": link("audit") if desk.request.actor.may("audit.read") else None,
    }


def _site_rows(desk: Desk, found: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    def row(name: T, kind: str, good: str, bad: str, said: T, address: str | None) -> dict[str, Any]:
        return {"name": name, "good": found[(kind, good)], "all": found[(kind, good)] + found[(kind, bad)], "said": said, "url": address}

    working = T(f"{SITE_STATES['working'].zh}", f"{SITE_STATES['working'].en}")
    rows = [
        row(T("建筑工地", "Construction sites"), "site", "working", "stopped", working, register_url("site")),
        row(T("其中重大项目", "of these major projects"), "major", "working", "stopped", working, register_url("site")),
        row(T("学校与幼儿园", "Schools and kindergartens"), "school", "open", "closed", T("已复课", "open"), register_url("school")),
    ]
    return [r for r in rows if r["all"]]
