"""How far work has come back, for programs: the two rates, two weeks ahead, who is stuck, what disagrees; files of evidence."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
from django.http import HttpRequest
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile

from tongchou.core.importing.tables import FileRefused
from tongchou.core.places.queries import places_below
from tongchou.domains.resumption import queries
from tongchou.interfaces.api.registry import FileRefusedOut, refused_file
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.science import WorkingShare
from tongchou.workflows import recovering, resuming

router = Router(tags=["resumption"])


class EvidenceShareOut(Schema):
    """佐证推算的比例 A share by evidence, with the interval of nine in ten; null where no firm had a reading."""

    seen: int
    share: float | None
    low: float | None
    high: float | None


class RateOut(Schema):
    """一类企业的两率 The two rates of a group: as filed, and by kind of evidence."""

    key: str
    name: Pair
    firms: int
    at_work: float
    full: float
    at_work_by: dict[str, EvidenceShareOut]
    full_by: dict[str, EvidenceShareOut]


class ForecastDayOut(Schema):
    """一天的预计 A day ahead: quantiles 5, 25, 50, 75, 95 %."""

    on: date
    at_work: list[float]
    full: list[float]


class RecoveryForecastOut(Schema):
    """未来两周的两率 The two rates two weeks ahead; `too_thin`: what was too seldom seen to be estimated and is held as it stands."""

    days: list[ForecastDayOut]
    too_thin: list[str]


class StuckOut(Schema):
    """谁卡住了 Who is stuck, since when, because of what."""

    filing: str
    name: str
    state: str
    since: datetime
    causes: dict[str, Pair]


class UnblockingOut(Schema):
    """疏通一项能带动多少 What one thing out of the way would bring; output in 10,000 yuan a day."""

    code: str
    name: Pair
    waiting: int
    freed: int
    people: int
    output_10k_a_day: float


class HeldUpOut(Schema):
    """卡住的和疏通的 Who is stuck, and what would help most."""

    stuck: list[StuckOut]
    unblocking: list[UnblockingOut]


class DisagreementOut(Schema):
    """申报与佐证对不上的企业 A firm whose filing and evidence disagree."""

    row: int
    name: str
    staff: int
    state: str
    chance_at_work: float
    reason: Pair


class ReadingsKept(Schema):
    """导入几条 How many readings were kept."""

    readings: int


def _share(found: WorkingShare) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("seen", "share", "low", "high")}


def _rate(row: recovering.Rate) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("key", "firms", "at_work", "full")}
    by = [{source: _share(found[n]) for source, found in row.evidence.items()} for n in (0, 1)]
    return {**plain, "name": pair(row.name), "at_work_by": by[0], "full_by": by[1]}


@router.get("/resumption/rates", response=list[RateOut], summary=both("两率", "the two rates, first of all firms, then by group"))
def get_rates(request: HttpRequest, by: Literal["sector", "village", "size", "venue"] = "sector") -> Any:
    path, day = town_for(request, queries.READ).place.path, request.at.date()  # type: ignore[attr-defined]
    villages = {place.pk: place.name for place in places_below(path)}
    return [_rate(row) for row in recovering.rates(recovering.picture(path, day), by, villages)]


@router.get("/resumption/forecast", response=RecoveryForecastOut, summary=both("两率预测", "the two rates two weeks ahead"))
def get_forecast(request: HttpRequest) -> Any:
    path, day = town_for(request, queries.READ).place.path, request.at.date()  # type: ignore[attr-defined]
    found = recovering.ahead(path, day, np.random.default_rng(day.toordinal()))
    if found is None:
        return {"days": [], "too_thin": []}
    days = [
        {"on": on, "at_work": found.forecast.at_work[:, n].tolist(), "full": found.forecast.full[:, n].tolist()}
        for n, on in enumerate(found.days)
    ]
    return {"days": days, "too_thin": list(found.too_thin)}


@router.get("/resumption/stuck", response=HeldUpOut, summary=both("谁卡住了", "who is stuck, and what would help most"))
def get_stuck(request: HttpRequest) -> Any:
    town_for(request, queries.READ)
    found = recovering.stuck(request.auth.scopes(queries.READ))  # type: ignore[attr-defined]
    rows = [
        {
            "filing": one.filing.dossier.number, "name": one.filing.subject.name, "state": one.filing.dossier.state, "since": one.since,
            "causes": {code: pair(name) for code, name in one.causes.items()},
        }
        for one in found
    ]  # fmt: skip
    return {"stuck": rows, "unblocking": [{**asdict(row), "name": pair(row.name)} for row in recovering.unblocking(found)]}


@router.get(
    "/resumption/disagreements", response=list[DisagreementOut], summary=both("对不上的企业", "firms whose filing and evidence disagree")
)
def get_disagreements(request: HttpRequest) -> Any:
    town = town_for(request, "register.read", whole=True)
    return [
        {
            "row": one.firm.pk, "name": one.firm.name, "staff": one.firm.staff, "state": one.firm.resumption, "chance_at_work": one.chance,
            "reason": pair(one.reason),
        }
        for one in recovering.disagreements(recovering.picture(town.place.path, request.at.date()))  # type: ignore[attr-defined]
    ]  # fmt: skip


@router.post(
    "/resumption/readings", response={200: ReadingsKept, 422: FileRefusedOut}, summary=both("导入佐证", "bring in a file of evidence")
)
def post_readings(request: HttpRequest, file: File[UploadedFile]) -> Any:
    town = town_for(request, "resumption.evidence", whole=True)
    try:
        who = {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]
        return {"readings": resuming.keep_file(file.read(), file.name or "", town.place, **who)}
    except FileRefused as refused:
        return Status(422, refused_file(refused))
