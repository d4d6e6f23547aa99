"""The sentinel matrix for programs and devices: reporting, series as they were known, coverage; the same actions and queries as the pages."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.queries import post_by_code, within
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation, place_by_code
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import add_sentinel, change_sentinel_state, edit_sentinel, report_observations
from tongchou.domains.sentinels.coverage import blind_spots, matrix_at
from tongchou.domains.sentinels.models import Sentinel, Stream
from tongchou.domains.sentinels.queries import freshness_of, seen_sentinel, seen_stream, stream_curve
from tongchou.domains.sentinels.reports import Report
from tongchou.interfaces.api.fields import Instant, Limit, Offset, page_of
from tongchou.interfaces.api.wording import Pair, both, pair

router = Router(tags=["sentinels"])
MOST_ROWS, MOST_DAYS = 5_000, 1_500
Kind = Literal["testing", "electronic", "spot_check", "monitoring", "case_investigation"]


class ReportIn(Schema):
    """One value of one stream for one day. 0 is a report; leave the row out when there is none."""

    stream: str = Field(description=both("数据流编号", "code of the stream"))
    day: date
    value: Annotated[Any, Field(json_schema_extra={"type": "number"}, description=both("数值，不小于零", "not below zero"))]
    sent_at: Instant | None = Field(
        None, description=both("设备时钟，快十分钟以上拒收", "the sender's clock; refused when over ten minutes ahead")
    )
    correction: bool = Field(False, description=both("更正已报的数，须写原因", "replaces a known value; needs a reason"))
    confirmed: bool = Field(False, description=both("少见的数已核对，须写原因", "an unusual value is right; needs a reason"))
    reason: str = Field("", max_length=300)


class ReportsIn(Schema):
    """A batch: kept whole, or not at all."""

    rows: list[ReportIn] = Field(max_length=MOST_ROWS)


class ReportOut(Schema):
    """What became of one row."""

    row: int
    stream: str
    day: date
    outcome: Literal["new", "same", "corrected"]


class ReportsOut(Schema):
    """What became of the batch."""

    received_at: datetime
    rows: list[ReportOut]


class StreamOut(Schema):
    """A stream and how up to date it is."""

    code: str
    sentinel: str
    indicator: Pair
    unit: Pair
    value_kind: str
    step_days: int
    direction: str
    targets: list[str]
    freshness: Literal["fresh", "due", "late", "silent"]
    last_day: date | None
    awaited_day: date | None


class SentinelOut(Schema):
    """A sentinel of the register."""

    code: str
    kind: Kind
    setting: str
    name: Pair
    place: str
    state: str
    schedule: dict[str, Any]
    is_generated: bool


class SentinelPage(Schema):
    """Some of the sentinels, and how many there are."""

    items: list[SentinelOut]
    count: int


class SentinelDetail(SentinelOut):
    """A sentinel with whom it sees and what it reports."""

    operator: Pair
    contact_post: str | None
    contact: str
    valid_from: date
    catchment: dict[str, float] = Field(description=both("地方编码与看见的居民比例", "code of a place and share of its residents seen"))
    streams: list[StreamOut]


class SentinelIn(Schema):
    """What is written about a sentinel and may change."""

    name: Pair
    operator: Pair
    catchment: dict[str, float]
    schedule: dict[str, Any] = Field(description=both("上报日与最晚时间", 'days and time: {"weekdays": [1], "due": "18:00"}'))
    contact_post: str | None = None
    contact: str = ""


class SentinelNew(SentinelIn):
    """A sentinel to put into the matrix."""

    code: str
    kind: Kind
    setting: str
    place: str
    valid_from: date
    state: Literal["planned", "live"] = "planned"


class SentinelEdit(SentinelIn):
    """A change with its reason."""

    reason: str


class StateIn(Schema):
    """The next state, with the reason."""

    state: Literal["live", "suspended", "closed"]
    reason: str


class ObservationOut(Schema):
    """A day's value; none where nothing was known."""

    day: date
    value: float | None


class SeriesOut(Schema):
    """One stream as it was known at an instant."""

    stream: str
    as_known_at: datetime
    days: list[ObservationOut]
    corrections: int


class CellOut(Schema):
    """One kind of sentinel over one village."""

    place: str
    kind: Kind
    watching: int
    worst: Literal["fresh", "due", "late", "silent"] | None
    share_seen: float


class BlindOut(Schema):
    """Residents of a village whom no live sentinel sees."""

    place: str
    population: int
    unseen: int
    unseen_by_kind: dict[str, int]
    is_blind: bool


class MatrixOut(Schema):
    """The heat map and the blind spots of a place and below."""

    at: datetime
    cells: list[CellOut]
    blind_spots: list[BlindOut]


def _asker(request: HttpRequest) -> Actor:
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor


def _now(request: HttpRequest) -> datetime:
    at: datetime = request.at  # type: ignore[attr-defined]
    return at


def _may_read(actor: Actor) -> Q:
    if not actor.scopes("sentinel.read"):
        raise Unseen("sentinel")
    return within(actor, "sentinel.read", "place__path")


def _head(row: Sentinel) -> dict[str, Any]:
    return {
        "code": row.code, "kind": row.kind, "setting": row.setting, "name": pair(row.name), "place": row.place.code, "state": row.state,
        "schedule": row.schedule, "is_generated": row.is_generated,
    }  # fmt: skip


def _streams(rows: list[Stream], at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "code": f.stream.code, "sentinel": f.stream.sentinel.code, "indicator": pair(f.stream.indicator), "unit": pair(f.stream.unit),
            "value_kind": f.stream.value_kind, "step_days": f.stream.step_days, "direction": f.stream.direction, "targets": f.stream.targets,
            "freshness": f.freshness.state, "last_day": f.freshness.last_day, "awaited_day": f.freshness.awaited_day,
        }
        for f in freshness_of(rows, at)
    ]  # fmt: skip


def _detail(row: Sentinel, at: datetime) -> dict[str, Any]:
    return {
        **_head(row), "operator": pair(row.operator), "contact_post": row.contact_post.code if row.contact_post else None,
        "contact": row.contact, "valid_from": row.valid_from,
        "catchment": {c.place.code: c.share for c in row.catchments.select_related("place")},
        "streams": _streams(list(row.streams.select_related("sentinel__place")), at),
    }  # fmt: skip


def _written(given: SentinelIn) -> dict[str, Any]:
    return {
        "name": T(given.name.zh, given.name.en), "operator": T(given.operator.zh, given.operator.en), "schedule": given.schedule,
        "catchment": _places(given.catchment), "contact_post": post_by_code(given.contact_post) if given.contact_post else None,
        "contact": given.contact,
    }  # fmt: skip


def _places(shares: dict[str, float]) -> dict[Place, float]:
    known = {p.code: p for p in Place.objects.filter(code__in=shares, valid_to=None)}
    if missing := sorted(set(shares) - set(known)):
        raise Invalid([FieldProblem("catchment", T(f"没有地方 {code}", f"There is no place {code}")) for code in missing])
    return {known[code]: share for code, share in shares.items()}


@router.post("/observations", response=ReportsOut, summary=both("上报", "Report observations"))
def post_observations(request: HttpRequest, given: ReportsIn) -> dict[str, Any]:
    """Keep a batch of reports. The same value again changes nothing, so a sender may repeat a batch until it is answered."""
    reports = [Report(r.stream, r.day, r.value, r.sent_at, r.correction, r.confirmed, r.reason) for r in given.rows]
    judged = report_observations(reports=reports, source="api", by=_asker(request), at=_now(request))
    rows = [{"row": n, "stream": j.stream.code, "day": j.day, "outcome": j.outcome} for n, j in enumerate(judged, start=1)]
    return {"received_at": _now(request), "rows": rows}


@router.get("/streams", response=list[StreamOut], summary=both("数据流", "Streams"))
def get_streams(
    request: HttpRequest,
    place: str | None = None,
    sentinel: str | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[dict[str, Any]]:
    """Streams by code with their freshness now; of one place and below, or of one sentinel."""
    owners = Sentinel.objects.filter(_may_read(_asker(request)))
    if place:
        owners = owners.filter(place__path__startswith=place_by_code(place).path)
    if sentinel:
        owners = owners.filter(code=sentinel)
    rows = Stream.objects.filter(sentinel__in=owners).select_related("sentinel__place").order_by("code")
    return _streams(list(rows[offset : offset + limit]), _now(request))


@router.get("/streams/{code}", response=StreamOut, summary=both("一条数据流", "One stream"))
def get_stream(request: HttpRequest, code: str) -> dict[str, Any]:
    """A stream and how up to date it is."""
    return _streams([seen_stream(code, _asker(request))], _now(request))[0]


@router.get("/streams/{code}/observations", response=SeriesOut, summary=both("按某一时刻所知的数值", "Values as known at an instant"))
def get_observations(
    request: HttpRequest, code: str, first_day: date | None = None, last_day: date | None = None, as_known_at: Instant | None = None
) -> dict[str, Any]:
    """A stream's days, both ends included (default: the last ninety), as they were known at an instant (default: now)."""
    row = seen_stream(code, _asker(request))
    known_at = min(as_known_at, _now(request)) if as_known_at else _now(request)
    town = installation()
    last = last_day or known_at.astimezone(ZoneInfo(town.zone if town else "UTC")).date()
    first = first_day or last - timedelta(days=89)
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        told = T(f"首日不得晚于末日，最多 {MOST_DAYS} 天", f"first_day must not follow last_day; at most {MOST_DAYS} days")
        raise Invalid([FieldProblem("first_day", told)])
    curve = stream_curve(row, first, last, known_at)
    days = [{"day": day, "value": value} for day, value in zip(curve.days, curve.values, strict=True)]
    return {"stream": row.code, "as_known_at": known_at, "days": days, "corrections": len(curve.corrections)}


@router.get("/sentinels", response=SentinelPage, summary=both("哨点", "Sentinels"))
def get_sentinels(
    request: HttpRequest,
    kind: Kind | None = None,
    place: str | None = None,
    state: str | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The register by code; of one kind, state, or place and below."""
    rows = Sentinel.objects.filter(_may_read(_asker(request))).select_related("place").order_by("code")
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    if place:
        rows = rows.filter(place__path__startswith=place_by_code(place).path)
    return page_of(rows, _head, limit, offset)


@router.get("/sentinels/{code}", response=SentinelDetail, summary=both("一个哨点", "One sentinel"))
def get_sentinel(request: HttpRequest, code: str) -> dict[str, Any]:
    """A sentinel with its catchment and streams."""
    return _detail(seen_sentinel(code, _asker(request)), _now(request))


@router.post("/sentinels", response={201: SentinelDetail}, summary=both("新设哨点", "Add a sentinel"))
def post_sentinel(request: HttpRequest, given: SentinelNew) -> Status[dict[str, Any]]:
    """Put a sentinel into the matrix; its streams come from the page or a pack."""
    row = add_sentinel(
        code=given.code, kind=given.kind, setting=given.setting, place=place_by_code(given.place), valid_from=given.valid_from, state=given.state,
        by=_asker(request), at=_now(request), **_written(given),
    )  # fmt: skip
    return Status(201, _detail(row, _now(request)))


@router.put("/sentinels/{code}", response=SentinelDetail, summary=both("修改哨点", "Edit a sentinel"))
def put_sentinel(request: HttpRequest, code: str, given: SentinelEdit) -> dict[str, Any]:
    """Change what is written about a sentinel, with the reason."""
    row = seen_sentinel(code, _asker(request))
    return _detail(edit_sentinel(row, reason=given.reason, by=_asker(request), at=_now(request), **_written(given)), _now(request))


@router.post("/sentinels/{code}/state", response=SentinelDetail, summary=both("启用、停用、撤销", "Open, suspend, close"))
def post_sentinel_state(request: HttpRequest, code: str, given: StateIn) -> dict[str, Any]:
    """Change the state of a sentinel, with the reason."""
    row = seen_sentinel(code, _asker(request))
    return _detail(change_sentinel_state(row, state=given.state, reason=given.reason, by=_asker(request), at=_now(request)), _now(request))


@router.get("/matrix", response=MatrixOut, summary=both("哨点矩阵与盲区", "Matrix and blind spots"))
def get_matrix(request: HttpRequest, place: str | None = None) -> dict[str, Any]:
    """Who watches whom now, village by kind, and the residents nobody sees; of a place and below (default: the town)."""
    town = installation()
    root = place_by_code(place).path if place else town.place.path if town else "/"
    if not _asker(request).may("sentinel.read", root):
        raise Unseen("matrix")
    found = matrix_at(_now(request), root)
    return {
        "at": _now(request),
        "cells": [
            {"place": p.code, "kind": kind, "watching": cell.live, "worst": cell.worst, "share_seen": cell.share}
            for p in found.places
            for kind, cell in found.cells[p.pk].items()
        ],
        "blind_spots": [
            {
                "place": v.place.code,
                "population": v.place.population,
                "unseen": v.unseen,
                "unseen_by_kind": v.unseen_by_kind,
                "is_blind": v.is_blind,
            }
            for v in blind_spots(found).villages
        ],
    }
