"""Doors and what is counted at them, for programs: the same numbers as the pages, no person among them."""

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.domains.footfall.actions import look_at_door
from tongchou.domains.footfall.queries import door_figures
from tongchou.domains.footfall.rules import MarkName
from tongchou.domains.gate.actions import change_screen_secret, edit_entrance
from tongchou.domains.gate.models import Entrance
from tongchou.domains.gate.queries_doors import door_days, doors_for, limits_on, oddities_of, seen_door
from tongchou.interfaces.api.fields import Limit, Offset, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both
from tongchou.interfaces.chance import random_token

router = Router(tags=["gate"])
Oddity = Literal["silent", "let_in", "after_refusal", "few", "no_scanner"]


class DoorOut(Schema):
    """入口 An entrance with its venue code, and what is odd about it."""

    code: str
    venue: str
    venue_class: str
    name: Pair
    place: str
    keeper: str
    expected_daily: int | None
    scanners: int
    screens: int
    last_on: date | None = Field(description=both("最近扫码的日期", "day of the last scan: its minute would tell of one person"))
    odd: list[Oddity]


class DoorPage(Schema):
    """Some entrances, and how many in all."""

    items: list[DoorOut]
    count: int


class DoorDayOut(Schema):
    """一天的扫码数 What was counted on a day."""

    on: date
    admitted: int
    refused: int
    let_in: int
    after_refusal: int


class DoorFigureOut(Schema):
    """公布的一天 What was given of a day; null where fewer than k people are behind it, or would follow from the sums."""

    on: date
    k: int
    mark: MarkName = Field(description=both("进门人次", "of the entries"))
    entries: int | None
    refused: int | None
    let_in: int | None
    after_refusal: int | None


class DoorFullOut(DoorOut):
    """入口和最近14天 An entrance with the last fourteen days that were given."""

    days: list[DoorFigureOut]


class CauseIn(Schema):
    """目的 What the exact counts are read for."""

    purpose: str = Field(max_length=200)


class DoorIn(Schema):
    """负责人和平日人次 Who is responsible, and the usual footfall."""

    keeper: str = Field("", max_length=60)
    expected_daily: int | None = Field(None, ge=0, le=1_000_000)


def _door(row: Entrance, at: datetime) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("code", "keeper", "expected_daily", "scanners", "screens")}
    last: datetime | None = getattr(row, "last_at", None)
    return {
        **plain, "venue": row.venue.name, "venue_class": row.venue.venue_class, "name": {"zh": row.name_zh, "en": row.name_en}, "place": row.place.code,
        "odd": oddities_of(row), "last_on": last and last.astimezone(at.tzinfo).date(),
    }  # fmt: skip


@router.get("/gate/doors", response=DoorPage, summary=both("入口清单", "Doors in one's places"))
def get_doors(request: HttpRequest, q: str = "", odd: Oddity | None = None, limit: Limit = 50, offset: Offset = 0) -> Any:
    """By code; `q`: part of the venue's name or code; `odd`: only those of which this holds."""
    town = town_for(request, "gate.read")
    at: datetime = request.at  # type: ignore[attr-defined]
    limits = limits_on(at.date(), town.place.path)
    rows = doors_for(request.auth, at=at, limits=limits, words=q[:60], odd=odd or "")  # type: ignore[attr-defined]
    return page_of(rows, lambda row: _door(row, at), limit, offset)


@router.get("/gate/doors/{code}", response=DoorFullOut, summary=both("一个入口", "One door with its days"))
def get_door(request: HttpRequest, code: str) -> Any:
    """What was given of its last fourteen days, the latest first."""
    town = town_for(request, "gate.read")
    at: datetime = request.at  # type: ignore[attr-defined]
    found = seen_door(code, request.auth, at, limits_on(at.date(), town.place.path))  # type: ignore[attr-defined]
    plain = ("mark", "entries", "refused", "let_in", "after_refusal")
    days = [{"on": row.release.on, "k": row.release.k} | {name: getattr(row, name) for name in plain} for row in door_figures(found)]
    return _door(found, at) | {"days": days}


@router.post(
    "/gate/doors/{code}/exact", response=list[DoorDayOut], summary=both("确切数字", "Exact counts of a door, with cause: an Access")
)
def post_exact(request: HttpRequest, code: str, given: CauseIn) -> Any:
    """The last fourteen days up to now, the latest first. A small count may be about one person."""
    town_for(request, "gate.write")
    at: datetime = request.at  # type: ignore[attr-defined]
    found = seen_door(code, request.auth, at)  # type: ignore[attr-defined]
    look_at_door(found, place_path=found.place.path, purpose=given.purpose, by=request.auth, at=at)  # type: ignore[attr-defined]
    return [{name: getattr(day, name) for name in DoorDayOut.model_fields} for day in door_days(found, at.date())]


@router.post("/gate/doors/{code}", response=DoorFullOut, summary=both("修改入口信息", "Change who is responsible and the usual footfall"))
def post_door(request: HttpRequest, code: str, given: DoorIn) -> Any:
    """Both are set; an absent footfall becomes unknown."""
    town_for(request, "gate.write")
    found = seen_door(code, request.auth, request.at)  # type: ignore[attr-defined]
    edit_entrance(found, keeper=given.keeper, expected_daily=given.expected_daily, by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return get_door(request, code)


@router.post(
    "/gate/doors/{code}/screen-secret", response=DoorFullOut, summary=both("更换动态码密钥", "Change the secret of a door's screens")
)
def post_screen_secret(request: HttpRequest, code: str) -> Any:
    """Every code that its screens have shown or fetched is dead; they fetch new ones within a minute. 409 where no screen stands."""
    town_for(request, "gate.write")
    found = seen_door(code, request.auth, request.at)  # type: ignore[attr-defined]
    change_screen_secret(found, secret=random_token(), by=request.auth, at=request.at)  # type: ignore[attr-defined]
    return get_door(request, code)
