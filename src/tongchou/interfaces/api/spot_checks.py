"""Spot checks for programs: plan, announce, draw, take, results, close; the same queries and actions as the pages."""

import secrets
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.people.queries import post_by_code
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.spot_checks import actions, actions_taking
from tongchou.domains.spot_checks.framing import Candidate
from tongchou.domains.spot_checks.imports import ALL
from tongchou.domains.spot_checks.models import SpotCheck, Unit
from tongchou.domains.spot_checks.queries import checks_seen, crew_units, outcome_kept, outcome_now, seen_check, standings
from tongchou.domains.spot_checks.rules import outcome_in_words
from tongchou.interfaces.api.fields import Instant, Limit, Offset, page_of
from tongchou.interfaces.api.response import DossierOut, _head
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.workflows import spot_checking

router = Router(tags=["spot checks"])
MOST_ROWS = 2000


class SpotCheckOut(DossierOut):
    """A spot check; the second half of the seed and the draw's instant are empty until it is drawn."""

    subject: Literal["people", "venues", "goods"]
    by_risk: bool
    pool_size: int
    wanted_prevalence: float
    wanted_chance: float | None
    frame_digest: str
    design_digest: str
    secret_digest: str
    beacon: str
    beacon_at: datetime | None
    beacon_value: str
    announced_at: datetime | None
    drawn_at: datetime | None


class SpotCheckPage(Schema):
    """Some of the checks, and how many there are."""

    items: list[SpotCheckOut]
    count: int


class StratumOut(Schema):
    """How far one stratum is."""

    name: str
    place: str
    people: int
    units: int
    size: int
    reserve_left: int
    waiting: int
    taken: int
    negative: int
    positive: int
    not_taken: int


class OutcomeOut(Schema):
    """What the check says: shares of everybody in the frame, corrected for the test."""

    drawn: int
    answered: int
    tested: int
    positive: int
    estimate: float | None
    low: float | None
    high: float | None
    most_if_none: float | None = Field(description=both("一例未见时的单侧95%上限", "one-sided 95 % end where nothing was found"))
    least: float | None
    most: float | None
    strata_joined: bool
    wanted_prevalence: float
    chance: float = Field(description=both("按此阳性率至少发现一例的把握", "chance to have found one at that prevalence"))
    unresolved: int = Field(description=both("混管阳性后未单采复核", "of a positive pool and not tested alone"))
    words: list[Pair]


class SpotCheckDetail(SpotCheckOut):
    """A check with its strata and what it says."""

    resting: int = Field(description=both("近期已抽检而不在框内的人", "people left out because their household was checked lately"))
    strata: list[StratumOut]
    outcome: OutcomeOut | None


class GoodsIn(Schema):
    """One lot that may be drawn."""

    lot: str = Field(min_length=1, max_length=120)
    stratum: str = Field(ALL, min_length=1, max_length=40)
    risk: float = Field(1.0, ge=0, le=1000)


class SpotCheckIn(Schema):
    """A check to be planned: `size`, or how surely (`chance`) a share of `prevalence` is to be found."""

    title: Pair
    place: str
    subject: Literal["people", "venues", "goods"] = "people"
    size: int | None = Field(None, ge=1, le=1_000_000)
    prevalence: float = Field(0.001, gt=0, lt=1)
    chance: float | None = Field(None, gt=0, lt=1)
    by_village: bool = True
    by_risk: bool = False
    pool_size: Literal[1, 5, 10, 20] = 1
    owner_post: str | None = None
    goods: list[GoodsIn] = Field([], max_length=20_000)


class CheckStepIn(Schema):
    """What a step asks for: announce `beacon` and `beacon_at`, draw `beacon_value`, cancel `reason`, close nothing."""

    beacon: str = Field("", max_length=200)
    beacon_at: Instant | None = None
    beacon_value: str = Field("", max_length=200)
    reason: str = Field("", max_length=200)


class UnitOut(Schema):
    """A unit that was called up, by its pseudonym; who it is stands in the register under the row number."""

    code: str
    stratum: str
    place: str
    is_reserve: bool
    order: int
    state: str
    person: int | None
    venue: int | None
    lot: str
    tube: str | None
    reason: str


class UnitPage(Schema):
    """Some of the units, and how many there are."""

    items: list[UnitOut]
    count: int


class TakeIn(Schema):
    """Units taken into one tube."""

    units: list[str] = Field(min_length=1, max_length=MOST_ROWS)
    tube: str = Field(max_length=32)


class TubeOut(Schema):
    """A tube and how many it still takes."""

    tube: str
    room: int


class MissIn(Schema):
    """Units that were not taken, and why."""

    units: list[str] = Field(min_length=1, max_length=MOST_ROWS)
    reason: str = Field(max_length=16)
    note: str = Field("", max_length=200)


class StandInsOut(Schema):
    """Who stands in now, by pseudonym."""

    stand_ins: list[str]


class TubeFindingIn(Schema):
    """What the laboratory says of a tube. `reason` where it said something else before."""

    tube: str = Field(max_length=32)
    value: Literal["negative", "positive", "unclear"]
    reason: str = Field("", max_length=200)


class FindingsIn(Schema):
    """Results to be kept, all or none."""

    results: list[TubeFindingIn] = Field(min_length=1, max_length=MOST_ROWS)


class FoundOut(Schema):
    """What a delivery did: new results, units called back to be taken alone, units found positive alone."""

    new: int
    called_back: list[str]
    positive: list[str]


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _check(row: SpotCheck) -> dict[str, Any]:
    names = [name for name in SpotCheckOut.model_fields if name not in DossierOut.model_fields and name != "subject"]
    return {**_head(row.dossier), "subject": row.kind, **{name: getattr(row, name) for name in names}}


def _seen(request: HttpRequest, number: str) -> SpotCheck:
    return seen_check(number, request.auth)  # type: ignore[attr-defined]


@router.get("/spot-checks", response=SpotCheckPage, summary=both("抽检", "spot checks of one's places, open ones first"))
def list_spot_checks(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "spot_check.read")
    return page_of(checks_seen(request.auth), _check, limit, offset)  # type: ignore[attr-defined]


@router.post("/spot-checks", response=SpotCheckOut, summary=both("拟定抽检", "plan a spot check"))
def post_spot_check(request: HttpRequest, given: SpotCheckIn) -> Any:
    goods = [Candidate(g.lot, g.stratum, None, g.risk) for g in given.goods]
    if len({g.subject for g in goods}) < len(goods):
        raise Invalid([FieldProblem("goods", T("有名称重复", "a name stands twice"))])
    wish = spot_checking.Wish(
        title=T(given.title.zh[:200], given.title.en[:240]), place=place_by_code(given.place), kind=given.subject, prevalence=given.prevalence,
        size=given.size, chance=given.chance, by_village=given.by_village, by_risk=given.by_risk, pool_size=given.pool_size, goods=goods,
    )  # fmt: skip
    owner = post_by_code(given.owner_post) if given.owner_post else None
    row = spot_checking.plan(wish, secret=secrets.token_hex(16), owner=owner, **_who(request))
    return _check(_seen(request, row.dossier.number))


@router.get("/spot-checks/{number}", response=SpotCheckDetail, summary=both("一次抽检及其结论", "one spot check and what it says"))
def get_spot_check(request: HttpRequest, number: str) -> Any:
    row = _seen(request, number)
    outcome = (outcome_kept(row) or outcome_now(row)) if row.drawn_at else None
    states = ("waiting", "taken", "negative", "positive", "not_taken")
    strata = [
        {
            **{name: getattr(s.stratum, name) for name in ("name", "people", "units", "size")}, "place": s.stratum.place.code,
            "reserve_left": s.reserve if row.drawn_at else s.stratum.reserve, **{name: getattr(s, name) for name in states},
        }
        for s in standings(row)
    ]  # fmt: skip
    said = (
        {**asdict(outcome), "words": [pair(line) for line in outcome_in_words(outcome, row.kind, is_final=row.outcome is not None)]}
        if outcome
        else None
    )
    return {**_check(row), "resting": row.resting, "strata": strata, "outcome": said}


@router.post("/spot-checks/{number}/steps/{step}", response=SpotCheckOut, summary=both("公布、抽取、办结、取消", "one step of a check"))
def take_spot_check_step(
    request: HttpRequest, number: str, step: Literal["announce", "draw", "close", "cancel"], given: CheckStepIn
) -> Any:
    row, who = _seen(request, number), _who(request)
    if step == "announce":
        if given.beacon_at is None:
            raise Invalid([FieldProblem("beacon_at", T("请填写日期和时间。", "Give day and time."))])
        actions.announce_check(row, beacon=given.beacon, beacon_at=given.beacon_at, **who)
    elif step == "draw":
        actions.draw_check(row, beacon_value=given.beacon_value, **who)
    elif step == "close":
        actions.close_check(row, **who)
    else:
        actions.cancel_check(row, reason=given.reason, **who)
    return _check(_seen(request, number))


@router.get(
    "/spot-checks/{number}/units", response=UnitPage, summary=both("采样名单", "units called up in one's places, in the drawn order")
)
def list_units(request: HttpRequest, number: str, limit: Limit = 100, offset: Offset = 0) -> Any:
    rows = crew_units(_seen(request, number), request.auth)  # type: ignore[attr-defined]
    return page_of(rows, _unit, limit, offset)


def _unit(row: Unit) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("code", "is_reserve", "order", "state", "lot", "reason")}, "stratum": row.stratum.name,
        "place": row.place.code, "person": row.person_id, "venue": row.venue_id, "tube": row.tube.code if row.tube else None,
    }  # fmt: skip


@router.post("/spot-checks/{number}/taken", response=TubeOut, summary=both("登记采样", "units were taken into one tube"))
def post_taken(request: HttpRequest, number: str, given: TakeIn) -> Any:
    tube = actions_taking.take_units(check=_seen(request, number), units=given.units, tube=given.tube, **_who(request))
    return {"tube": tube.code, "room": tube.size - tube.filled}


@router.post("/spot-checks/{number}/not-taken", response=StandInsOut, summary=both("未采原因", "units were not taken; the next stand in"))
def post_not_taken(request: HttpRequest, number: str, given: MissIn) -> Any:
    rows = actions_taking.miss_units(check=_seen(request, number), units=given.units, reason=given.reason, note=given.note, **_who(request))
    return {"stand_ins": [row.code for row in rows]}


@router.post("/spot-checks/{number}/results", response=FoundOut, summary=both("抽检结果", "results by tube, all or none"))
def post_spot_results(request: HttpRequest, number: str, given: FindingsIn) -> Any:
    findings = [actions_taking.Finding(f.tube, f.value, f.reason) for f in given.results]
    found = spot_checking.take_results(_seen(request, number), findings, source="api", **_who(request))
    return {"new": found.new, "called_back": [u.code for u in found.called_back], "positive": [u.code for u in found.positive]}
