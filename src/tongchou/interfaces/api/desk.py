"""The desk for programs: its figures, what changed since, the plans in force, and the walk from anything back to its cause."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from tongchou.core.casework.models import Dossier
from tongchou.core.casework.queries import causes_of
from tongchou.core.errors import Unseen
from tongchou.domains.response.queries import inbox_rows, plans_in_force, seen_incident
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import seen_alarm
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.interfaces.changes import changes_after, position
from tongchou.interfaces.web.pages.causes import alarm_behind
from tongchou.interfaces.web.pages.desk_reading import Desk
from tongchou.interfaces.web.pages.evidence import NEEDS
from tongchou.interfaces.web.pages.incidents import stretches_of
from tongchou.workflows.early_warning import recompute

router = Router(tags=["desk"])
GRADES = ("red", "orange", "yellow", "blue")
Seq = Annotated[int, Query(ge=0, le=2**63 - 1, description=both("已知的最后序号", "the last number known"))]


class DeskOut(Schema):
    """值班席的数字 The figures of the desk, of the town or of one place."""

    place: str
    at: datetime
    alarms_open: dict[str, int] = Field(description=both("待决预警，按级别", "alarms to decide, by grade"))
    incidents: list[str] = Field(description=both("在办事件编号", "numbers of incidents under way"))
    tasks_open: int
    tasks_late: int
    inbox: int = Field(description=both("我的待办", "what waits for the token's owner"))
    streams: dict[str, int] = Field(description=both("数据流，按时效", "streams by freshness"))
    residents: int
    residents_unseen: int = Field(description=both("没有在用哨点看到的居民", "residents no live sentinel sees"))
    firms: dict[str, int] | None = Field(description=both("企业，按复工状态", "firms by state of resumption"))


class ChangeOut(Schema):
    """一类变化 What changed of one kind; no keys means: ask for everything of it."""

    topic: str
    seq: int
    keys: list[str]


class ChangesOut(Schema):
    """自某序号以来的变化 What changed after a point of the log."""

    seq: int
    notice: int = Field(description=both("下次请带回", "to be given back next time, beside `seq`"))
    events: list[ChangeOut]


class PlanOut(Schema):
    """现行方案的一个版本 The version of a plan in force."""

    code: str
    version: int
    title: Pair
    status: str
    place: str
    valid_from: date
    digest: str
    body: dict[str, Any]


class CauseOut(Schema):
    """从何而来 What something came from or is part of."""

    kind: str
    code: str = Field(description=both("编号；数据流为编码", "number; of a stream its code"))
    title: Pair


class RunOut(Schema):
    """一次计算及其重算 A computation, and the same done again."""

    function: str
    version: str
    parameters: dict[str, Any]
    seed: str
    input_digest: str
    as_known_at: datetime
    recorded_at: datetime
    result: dict[str, Any]
    is_same_again: bool | None = Field(None, description=both("重算是否一致", "whether computing again gave the same"))


class StretchOut(Schema):
    """7-1-7 时钟的一段 One span of the 7-1-7 clock, computed from the log."""

    name: Pair
    from_at: datetime | None
    to_at: datetime | None
    target_minutes: float | None
    took_minutes: float | None
    is_kept: bool | None


@router.get("/desk", response=DeskOut, summary=both("值班席的数字", "the figures of the desk"))
def get_desk(request: HttpRequest, place: str = "") -> Any:
    request.town, request.actor = town_for(request, "desk.read"), request.auth  # type: ignore[attr-defined]
    desk, may = Desk(request), request.auth.may  # type: ignore[arg-type,attr-defined]
    seen = may("sentinel.read", desk.path)
    return {
        "place": desk.place.code, "at": desk.at, "alarms_open": {g: sum(a.dossier.grade == g for a in desk.open_alarms) for g in GRADES},
        "incidents": [head.number for head in desk.incidents], "tasks_open": sum(head.tasks_open for head in desk.incidents),  # type: ignore[attr-defined]
        "tasks_late": sum(head.tasks_late for head in desk.incidents),  # type: ignore[attr-defined]
        "inbox": len(inbox_rows(desk.request.actor)) if may("task.work") else 0,
        "streams": {s: sum(x.freshness.state == s for x in desk.streams) for s in ("fresh", "due", "late", "silent")} if seen else {},
        "residents": desk.blind.population, "residents_unseen": desk.blind.unseen,
        "firms": dict(desk.economy.whole.firms) if may("register.read", desk.path) else None,
    }  # fmt: skip


@router.get("/changes", response=ChangesOut, summary=both("自某序号以来的变化", "what changed after a point of the log"))
def get_changes(request: HttpRequest, seq: Seq, notice: Seq | None = None) -> Any:
    town_for(request, "desk.read")
    last_notice = position()[1]
    changes = changes_after(seq, last_notice if notice is None else notice)
    events = changes.events_for(request.auth)  # type: ignore[attr-defined]
    return {"seq": changes.seq, "notice": max(last_notice, changes.notice_id), "events": events}


@router.get("/plans", response=list[PlanOut], summary=both("现行方案", "the plans in force on a day"))
def list_plans(request: HttpRequest, on: date | None = None) -> Any:
    town = town_for(request, "incident.read")
    return [
        {**{n: getattr(p, n) for n in ("code", "version", "status", "valid_from", "digest", "body")}, "title": pair(p.title), "place": p.place.code}
        for p in plans_in_force(on or request.at.date(), town.place.path)  # type: ignore[attr-defined]
    ]  # fmt: skip


@router.get("/dossiers/{number}/causes", response=list[CauseOut], summary=both("从何而来", "the walk back to the streams that began it"))
def list_causes(request: HttpRequest, number: str) -> Any:
    head = Dossier.objects.select_related("place").filter(number=number).first()
    if head is None or not request.auth.may(NEEDS.get(head.kind, "desk.read"), head.place.path):  # type: ignore[attr-defined]
        raise Unseen("dossier")
    found: list[dict[str, Any]] = []
    while head is not None and head.kind != "alarm":
        link = causes_of(head).first()
        head = link.target if link else None
        found += [{"kind": head.kind, "code": head.number, "title": pair(head.title)}] if head else []
    alarm = Alarm.objects.filter(pk=head.pk).first() if head else None
    shares = alarm.shares.exclude(stream=None).select_related("stream") if alarm else []
    return found + [{"kind": "stream", "code": s.stream.code, "title": pair(s.stream.indicator)} for s in shares if s.stream]


@router.get("/alarms/{number}/run", response=RunOut, summary=both("依据的计算", "the computation an alarm stands on, done again if asked"))
def get_run(request: HttpRequest, number: str, again: bool = False) -> Any:
    run = seen_alarm(number, request.auth).run  # type: ignore[attr-defined]
    shown = {
        n: getattr(run, n) for n in ("function", "version", "parameters", "seed", "input_digest", "as_known_at", "recorded_at", "result")
    }
    done = recompute(run) if again and "day" in run.result else None
    return {**shown, "is_same_again": done.is_same if done else None}


@router.get("/incidents/{number}/clock", response=list[StretchOut], summary=both("7-1-7 时钟", "the 7-1-7 clock of an incident"))
def get_clock(request: HttpRequest, number: str) -> Any:
    town, found = town_for(request, "incident.read"), seen_incident(number, request.auth)  # type: ignore[attr-defined]
    return [
        {
            "name": pair(s.name), "from_at": s.from_at, "to_at": s.to_at, "is_kept": s.is_kept,
            "target_minutes": s.target.total_seconds() / 60 if s.target else None, "took_minutes": s.took.total_seconds() / 60 if s.took else None,
        }
        for s in stretches_of(found, alarm_behind(found.dossier), town.zone)
    ]  # fmt: skip
