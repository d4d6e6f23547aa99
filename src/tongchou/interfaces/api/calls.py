"""Visits to firms for programs and visitors' phones: who needs one, a day's plan, visits told once."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.domains.calls.actions import Visit
from tongchou.domains.calls.models import Call, DayPlan
from tongchou.domains.calls.queries import calls_seen, plan_of
from tongchou.domains.difficulties.actions import Told
from tongchou.interfaces.api.difficulties import ToldIn
from tongchou.interfaces.api.fields import Instant, Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.interfaces.chance import random_share
from tongchou.workflows.calling import Candidate, Word, needs_at, plan, report

router = Router(tags=["difficulties"])
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
SHOWN = 100


class NeedOut(Schema):
    """一家企业为什么需要走访 A firm, and why it needs a visit."""

    firm: int
    name: str
    place: str
    points: float
    reasons: list[Pair]


class DayPlanIn(Schema):
    """哪一天、哪里、多少分钟、哪些企业 Day, area, minutes there are, and which firms (row numbers); none: those most in need."""

    day: date
    place: str
    minutes: int = Field(ge=1, le=720)
    firms: list[RowNumber] = Field([], max_length=200)


class StopOut(Schema):
    """路线上的一家 A firm on the way."""

    firm: int
    name: str
    way_minutes: float
    reasons: list[Pair]


class DayPlanOut(Schema):
    """一天的走访 A day's round, in order."""

    day: date
    place: str
    minutes: int
    stops: list[StopOut]


class HeardOnVisitIn(Schema):
    """当面问到的 What the firm said of a difficulty raised before."""

    number: str = Field(max_length=24)
    verdict: Literal["solved", "not_yet", "withdrawn", "again"]
    words: str = Field("", max_length=500)


class CallIn(Schema):
    """一次走访；id 由手机定，重复发送只收一次 A visit; its id is the sender's, sent again it is kept once."""

    id: UUID
    firm: RowNumber
    called_at: Instant
    outcome: Literal["met", "absent", "declined", "gone"]
    spoke_to: str = Field("", max_length=60)
    words: str = Field("", max_length=500)
    point: tuple[Longitude, Latitude] | None = None
    told: list[ToldIn] = Field([], max_length=20)
    heard: list[HeardOnVisitIn] = Field([], max_length=50)


class CallKeptOut(Schema):
    """收下了什么 What was kept: numbers of difficulties raised, and of those whose word came too late."""

    id: UUID
    is_new: bool
    raised: list[str]
    passed_over: list[str]


class CallOut(Schema):
    """一次走访 A visit that was made."""

    id: UUID
    firm: int
    visitor: str
    called_at: datetime
    outcome: str
    spoke_to: str
    words: str
    raised: list[str]


class CallsOut(Schema):
    """若干走访 Some of them, and how many in all."""

    items: list[CallOut]
    count: int


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _place(request: HttpRequest, code: str, needs: str) -> Place:
    place = place_by_code(code)
    if not request.auth.may(needs, place.path):  # type: ignore[attr-defined]
        raise Unseen("place")
    return place


def _need(one: Candidate) -> dict[str, Any]:
    firm = one.firm
    return {
        "firm": firm.pk,
        "name": firm.name,
        "place": firm.place.code,
        "points": one.need.points,
        "reasons": [pair(said.words) for said in one.need.reasons],
    }


def _plan(found: DayPlan) -> dict[str, Any]:
    stops = [
        {"firm": stop.firm_id, "name": stop.firm.name, "way_minutes": stop.way_minutes, "reasons": stop.reasons}
        for stop in found.stops.select_related("firm")
    ]
    return {"day": found.day, "place": found.place.code, "minutes": found.minutes, "stops": stops}


def _call(row: Call) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in ("called_at", "outcome", "spoke_to", "words")}
    raised = [one.dossier.number for one in row.raised.all()]
    return kept | {"id": row.key, "firm": row.firm_id, "visitor": row.visitor.username, "raised": raised}


@router.get(
    "/calls/needs", response=list[NeedOut], summary=both("谁最需要走访", "firms of a place most in need of a visit, with the reasons")
)
def get_needs(request: HttpRequest, place: str) -> Any:
    return [_need(one) for one in needs_at(_place(request, place, "call.read"), request.at, at_most=SHOWN).most]  # type: ignore[attr-defined]


@router.get("/calls/plan", response=DayPlanOut, summary=both("我这一天的走访", "one's own plan of a day"))
def get_plan(request: HttpRequest, day: date) -> Any:
    found = plan_of(request.auth, day)  # type: ignore[attr-defined]
    if found is None or not request.auth.may("call.make", found.place_path):  # type: ignore[attr-defined]
        raise Unseen("plan")
    return _plan(found)


@router.post("/calls/plan", response=DayPlanOut, summary=both("计划一天的走访", "plan a day; what was planned for it is replaced"))
def post_plan(request: HttpRequest, given: DayPlanIn) -> Any:
    place = _place(request, given.place, "call.make")
    return _plan(plan(place, day=given.day, limit_minutes=given.minutes, firms=set(given.firms) or None, **_who(request)))


@router.get("/calls", response=CallsOut, summary=both("走访记录", "visits made, latest first"))
def get_calls(request: HttpRequest, limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, "call.read")
    return page_of(calls_seen(request.auth), _call, limit, offset)  # type: ignore[attr-defined]


@router.post("/calls", response=CallKeptOut, summary=both("登记走访", "tell of a visit, what was said there, once"))
def post_call(request: HttpRequest, given: CallIn) -> Any:
    visit = Visit(given.id, given.firm, given.called_at, given.outcome, given.spoke_to, given.words, given.point)
    told = [Told(one.kind, one.words) for one in given.told]
    heard = [Word(one.number, one.verdict, one.words) for one in given.heard]
    kept = report(visit, told=told, heard=heard, draw=random_share, **_who(request))
    return {"id": kept.call.key, "is_new": kept.is_new, "raised": kept.raised, "passed_over": kept.passed_over}
