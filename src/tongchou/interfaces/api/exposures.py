"""Requests for exposed people, what everybody is told, and a person's own accesses, for programs: the same rules as the pages."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.domains.exposures import actions as asking
from tongchou.domains.exposures.models import ExposureRequest
from tongchou.domains.exposures.queries import latest_list, notices_shown, requests_seen, seen_request
from tongchou.domains.exposures.rules import Window
from tongchou.domains.response.queries import seen_incident
from tongchou.domains.tracing.queries import seen_case
from tongchou.interfaces.api.fields import Instant, Limit, Offset, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, Reason, both
from tongchou.workflows.exposing import make_list, own_accesses, people_on

router = Router(tags=["tracing"])


class ExposureIn(Schema):
    """同时段人员查询 A request; somebody else must approve."""

    case: str
    incident: str
    basis: str
    purpose: str
    from_at: Instant
    to_at: Instant
    minutes: int | None = Field(None, ge=1, le=1440)
    generations: Literal[1, 2] = 1


class ExposureOut(Schema):
    """查询及其最新名单的人数 A request and how many its latest list holds."""

    number: str
    state: str
    case: str
    basis: Pair
    purpose: str
    from_at: datetime
    to_at: datetime
    minutes: int
    generations: int
    asked_by: str
    decided_by: str | None
    list_version: int | None
    added: int | None
    removed: int | None


class ExposurePage(Schema):
    """Some requests, and how many in all."""

    items: list[ExposureOut]
    count: int


class ListedOut(Schema):
    """名单上的人和告知内容 Somebody on a list, and what they are told."""

    name: str
    phone: str
    place: str
    change: str
    generation: int
    minutes: int
    notice: Pair


class OwnIn(Schema):
    """当事人的身份证号 The identity number of the person who asks."""

    id_number: str = Field(max_length=40)


class VenueNoticeOut(Schema):
    """场所时段 A venue and hours told to everybody."""

    venue: str
    from_at: datetime
    to_at: datetime


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _exposure(row: ExposureRequest) -> dict[str, Any]:
    latest = latest_list(row)
    plain = {n: getattr(row, n) for n in ("purpose", "from_at", "to_at", "minutes", "generations")}
    return {
        **plain, "number": row.dossier.number, "state": row.dossier.state, "case": row.case.number,
        "basis": {"zh": row.basis_zh, "en": row.basis_en}, "asked_by": row.asked_by.username,
        "decided_by": row.decided_by.username if row.decided_by else None, "list_version": latest.version if latest else None,
        "added": latest.added if latest else None, "removed": latest.removed if latest else None,
    }  # fmt: skip


@router.get("/exposures", response=ExposurePage, summary=both("同时段人员查询", "requests in one's places"))
def list_exposures(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "case.read")
    return page_of(requests_seen(request.auth), _exposure, limit, offset)  # type: ignore[attr-defined]


@router.post("/exposures", response=ExposureOut, summary=both("申请查询", "ask for exposed people"))
def post_exposure(request: HttpRequest, given: ExposureIn) -> Any:
    case = seen_case(given.case, request.auth)  # type: ignore[attr-defined]
    incident = seen_incident(given.incident, request.auth).dossier  # type: ignore[attr-defined]
    rest = given.dict(include={"basis", "purpose", "minutes", "generations"})
    row = asking.ask_exposed(case.dossier, incident=incident, window=Window(given.from_at, given.to_at), **rest, **_who(request))
    return _exposure(row)


@router.get("/exposures/{number}", response=ExposureOut, summary=both("一次查询", "one request"))
def get_exposure(request: HttpRequest, number: str) -> Any:
    return _exposure(seen_request(number, request.auth))  # type: ignore[attr-defined]


ExposureStep = Literal["approve", "refuse", "withdraw", "end", "make"]


@router.post(
    "/exposures/{number}/steps/{step}", response=ExposureOut, summary=both("批准、驳回、撤回、结束、生成名单", "one step of a request")
)
def take_exposure_step(request: HttpRequest, number: str, step: ExposureStep, given: Reason) -> Any:
    found, who, said = seen_request(number, request.auth), _who(request), given.reason  # type: ignore[attr-defined]
    if step == "make":
        make_list(found, reason=said, **who)
    elif step in ("approve", "refuse"):
        (asking.approve_request if step == "approve" else asking.refuse_request)(found, answer=said, **who)
    else:
        (asking.withdraw_request if step == "withdraw" else asking.end_request)(found, reason=said, **who)
    return _exposure(seen_request(number, request.auth))  # type: ignore[attr-defined]


@router.post(
    "/exposures/{number}/people", response=list[ListedOut], summary=both("名单上的人", "names and words, for a purpose (reason): an Access")
)
def post_people(request: HttpRequest, number: str, given: Reason) -> Any:
    row = latest_list(seen_request(number, request.auth))  # type: ignore[attr-defined]
    people = people_on(row, purpose=given.reason, **_who(request)) if row else []
    plain = ("name", "phone", "change", "generation", "minutes")
    return [{**{n: getattr(p, n) for n in plain}, "place": p.place.code, "notice": {"zh": p.notice.zh, "en": p.notice.en}} for p in people]


@router.post("/accesses/own", response=list[ExposureOut], summary=both("当事人查询", "which requests touched the person who asks"))
def post_own(request: HttpRequest, given: OwnIn) -> Any:
    town = town_for(request, "exposure.learn")
    return [_exposure(row) for row in own_accesses(id_number=given.id_number, place=town.place, **_who(request))]


@router.get("/notices/venues", response=list[VenueNoticeOut], summary=both("场所时段告知", "venues and hours told to everybody"))
def get_notices(request: HttpRequest) -> Any:
    rows = notices_shown(request.at.date())  # type: ignore[attr-defined]
    return [{"venue": n.venue.name, "from_at": n.from_at, "to_at": n.to_at} for n in rows]
