"""Testing for programs: rounds, check-off, the missing list, boxes and results, sites; the same queries and actions as the pages."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Body, Router

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.queries import post_by_code
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.testing import actions, actions_check_off, actions_laboratory, actions_sampling
from tongchou.domains.testing.models import Box, Round, Site
from tongchou.domains.testing.queries import (  # fmt: skip
    boxes_seen,
    missing,
    positive_results,
    rounds_seen,
    seen_round,
    seen_site,
    shares_by_place,
    sites_seen,
    together,
    tubes_of,
    turnaround,
)
from tongchou.domains.testing.rules import Share, wait_minutes
from tongchou.interfaces.adapters.fhir import read_reports
from tongchou.interfaces.api.fields import Instant, Limit, Offset, page_of
from tongchou.interfaces.api.response import StepWords, _head
from tongchou.interfaces.api.testing_shapes import (
    AccountIn,
    BoxIn,
    BoxOut,
    BoxPage,
    DeliveryIn,
    DeliveryOut,
    MissingPage,
    NewOut,
    PeopleIn,
    PersonIn,
    PhoneOut,
    PositiveOut,
    QueueIn,
    ResultsIn,
    ResultsOut,
    RoundDetail,
    RoundIn,
    RoundOut,
    RoundPage,
    SiteIn,
    SiteOut,
    TakeOverIn,
)
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both
from tongchou.workflows import crew_phones, testing_rounds

router = Router(tags=["testing"])


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _round(row: Round) -> dict[str, Any]:
    return {**_head(row.dossier), "round_kind": row.kind, "pool_size": row.pool_size, "retests": row.retests.code if row.retests else None}


def _share(place: str | None, share: Share) -> dict[str, Any]:
    names = ("people", "sampled", "excused", "away", "handed_on", "missing")
    return {"place": place, **{name: getattr(share, name) for name in names}}


def _site(row: Site, at: datetime) -> dict[str, Any]:
    return {
        **{n: getattr(row, n) for n in ("code", "point", "booths", "staff", "per_booth_hour", "queue", "queue_at", "closed_at")},
        "name": {"zh": row.name_zh, "en": row.name_en},
        "address": {"zh": row.address_zh, "en": row.address_en},
        "place": row.place.code,
        "hours": [{"weekdays": h["weekdays"], "opens": h["from"], "closes": h["to"]} for h in row.hours],
        "wait_min": wait_minutes(row.queue, row.queue_at, row.booths * row.per_booth_hour, at),
    }


def _box(row: Any) -> dict[str, Any]:
    return {
        **{n: getattr(row, n) for n in ("number", "laboratory", "tube_count", "packed_at", "received_at")},
        "round": row.round.dossier.number,
        "site": row.site.code,
    }


@router.get("/testing/rounds", response=RoundPage, summary=both("检测轮次", "rounds of one's places, open ones first"))
def list_rounds(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "testing.read")
    return page_of(rounds_seen(request.auth), _round, limit, offset)  # type: ignore[attr-defined]


@router.post("/testing/rounds", response=RoundOut, summary=both("计划一轮", "plan a round"))
def post_round(request: HttpRequest, given: RoundIn) -> Any:
    owner = post_by_code(given.owner_post) if given.owner_post else None
    title, place = T(given.title.zh[:200], given.title.en[:240]), place_by_code(given.place)
    return _round(actions.plan_round(title=title, place=place, kind=given.kind, pool_size=given.pool_size, owner=owner, **_who(request)))


@router.get("/testing/rounds/{number}", response=RoundDetail, summary=both("一轮的进度", "one round with its progress"))
def get_round(request: HttpRequest, number: str) -> Any:
    return _detail(seen_round(number, request.auth))  # type: ignore[attr-defined]


def _detail(found: Round) -> dict[str, Any]:
    shares = shares_by_place(found)
    codes = dict(found.roll.model.objects.filter(round=found).order_by().values_list("place_id", "place__code").distinct())
    counts = tubes_of(found)
    return {
        **_round(found),
        "total": _share(None, together(shares.values())),
        "places": sorted((_share(codes[pk], share) for pk, share in shares.items()), key=lambda s: str(s["place"])),
        "tubes": {n: getattr(counts, n) for n in ("all", "at_site", "under_way", "at_laboratory", "resulted", "positive")},
        "turnaround": [
            {"name": {"zh": s.name.zh, "en": s.name.en}, "tubes": s.tubes, "median_min": s.median_min, "p90_min": s.p90_min}
            for s in turnaround(found)
        ],
    }


STEPS = {
    "start": lambda r, reason, **who: actions.start_round(r, **who),
    "wind-up": lambda r, reason, **who: actions.wind_up_round(r, reason=reason, **who),
    "resume": lambda r, reason, **who: actions.resume_round(r, reason=reason, **who),
    "close": lambda r, reason, **who: actions.close_round(r, **who),
    "cancel": lambda r, reason, **who: actions.cancel_round(r, reason=reason, **who),
}
RoundStep = Literal["start", "wind-up", "resume", "close", "cancel"]


@router.post("/testing/rounds/{number}/steps/{step}", response=RoundOut, summary=both("开始、清零、结束", "one step of a round"))
def take_round_step(request: HttpRequest, number: str, step: RoundStep, given: StepWords) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    STEPS[step](found, given.reason, **_who(request))
    return _round(seen_round(number, request.auth))  # type: ignore[attr-defined]


@router.post("/testing/rounds/{number}/people", response=NewOut, summary=both("加入名册", "put people on the roll"))
def post_people(request: HttpRequest, number: str, given: PeopleIn) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    return {"new": actions.add_people(testing_round=found, people=given.people, **_who(request))}


@router.post("/testing/rounds/{number}/check-offs", response=DeliveryOut, summary=both("采样登记", "check people off; once per person"))
def post_check_offs(request: HttpRequest, number: str, given: DeliveryIn) -> Any:
    found, site = seen_round(number, request.auth), seen_site(given.site, request.auth)  # type: ignore[attr-defined]
    lines = [crew_phones.Line(s.tube, s.person, s.text, s.way, s.sampled_at) for s in given.sampled]
    delivery = crew_phones.read_delivery(found, site, lines, tube_size=given.tube_size, key=given.id, add=given.add, **_who(request))
    done = actions_check_off.check_off(
        testing_round=found, site=site, sampled=delivery.sampled, tube_size=delivery.tube_size, key=delivery.id, **_who(request)
    )
    return {"new": done.new, "known": {str(who): tube for who, tube in done.known.items()}, "room": done.room}


@router.get("/testing/rounds/{number}/missing", response=MissingPage, summary=both("漏检名单", "who is not accounted for, by household"))
def get_missing(request: HttpRequest, number: str, place: str | None = None, limit: Limit = 100, offset: Offset = 0) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    scopes = request.auth.scopes("testing.read")  # type: ignore[attr-defined]
    rows = missing(found).select_related("place")
    rows = rows.filter(place__code=place) if place else rows
    within = [p.pk for p in _places(found) if any(p.path.startswith(scope) for scope in scopes)]
    shape = lambda row: {"person": row.person_id, "household": row.household_id, "place": row.place.code}  # noqa: E731
    return page_of(rows.filter(place__in=within), shape, limit, offset)


def _places(found: Round) -> Any:
    return Place.objects.filter(pk__in=found.roll.order_by().values("place_id"))


@router.post("/testing/rounds/{number}/accounts", response=NewOut, summary=both("写明去向", "say why people are not sampled"))
def post_accounts(request: HttpRequest, number: str, given: AccountIn) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    post = post_by_code(given.to_post) if given.to_post else None
    new = actions_sampling.account_for(
        testing_round=found, people=given.people, reason=given.reason, note=given.note, to_post=post, **_who(request)
    )
    return {"new": new}


@router.post("/testing/rounds/{number}/accounts/withdraw", response=NewOut, summary=both("撤回去向", "back on the missing list"))
def post_withdraw(request: HttpRequest, number: str, given: PersonIn) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    return {"new": actions_sampling.withdraw_account(testing_round=found, person=given.person, **_who(request))}


@router.post("/testing/rounds/{number}/calls", response=PhoneOut, summary=both("一次拨打的号码", "a number for one call, logged"))
def post_call(request: HttpRequest, number: str, given: PersonIn) -> Any:
    found = seen_round(number, request.auth)  # type: ignore[attr-defined]
    return {"phone": testing_rounds.number_to_call(found, given.person, **_who(request))}


@router.get("/testing/sites", response=list[SiteOut], summary=both("采样点", "sampling sites with their queues"))
def list_sites(request: HttpRequest) -> Any:
    town_for(request, "testing.read")
    return [_site(row, request.at) for row in sites_seen(request.auth)]  # type: ignore[attr-defined]


@router.post("/testing/sites", response=SiteOut, summary=both("设立或修改采样点", "set a site up, or change it with the reason"))
def post_site(request: HttpRequest, given: SiteIn) -> Any:
    spec = actions.SiteSpec(
        name=T(given.name.zh, given.name.en),
        address=T(given.address.zh, given.address.en),
        point=given.point,
        hours=[{"weekdays": h.weekdays, "from": h.opens, "to": h.closes} for h in given.hours],
        booths=given.booths,
        staff=given.staff,
        per_booth_hour=given.per_booth_hour,
    )
    known = sites_seen(request.auth).filter(code=given.code).first()  # type: ignore[attr-defined]
    if known is not None:
        row = actions.edit_site(known, spec=spec, reason=given.reason, **_who(request))
    else:
        row = actions.open_site(code=given.code, spec=spec, place=place_by_code(given.place), **_who(request))
    return _site(row, request.at)  # type: ignore[attr-defined]


@router.post("/testing/sites/{code}/queue", response=SiteOut, summary=both("上报排队人数", "how many stand in the queue"))
def post_queue(request: HttpRequest, code: str, given: QueueIn) -> Any:
    row = actions.report_queue(seen_site(code, request.auth), queue=given.queue, **_who(request))  # type: ignore[attr-defined]
    return _site(row, request.at)  # type: ignore[attr-defined]


@router.get("/testing/boxes", response=BoxPage, summary=both("送检箱", "boxes, those under way first"))
def list_boxes(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "testing.read")
    return page_of(boxes_seen(request.auth), _box, limit, offset)  # type: ignore[attr-defined]


@router.post("/testing/boxes", response=BoxOut, summary=both("装箱", "pack tubes for the laboratory"))
def post_box(request: HttpRequest, given: BoxIn) -> Any:
    found, site = seen_round(given.round, request.auth), seen_site(given.site, request.auth)  # type: ignore[attr-defined]
    box = actions_laboratory.pack_box(testing_round=found, site=site, laboratory=given.laboratory, tubes=given.tubes, **_who(request))
    return _box(_seen_box(box.number, request))


@router.post("/testing/boxes/{number}/{step}", response=BoxOut, summary=both("交接或接收", "carry a box on, or receive it"))
def take_box(request: HttpRequest, number: str, step: Literal["carry", "receive"], given: TakeOverIn) -> Any:
    box = _seen_box(number, request)
    do = actions_laboratory.carry_box if step == "carry" else actions_laboratory.receive_box
    do(box, holder=given.holder, tube_count=given.tube_count, note=given.note, **_who(request))
    return _box(_seen_box(number, request))


def _seen_box(number: str, request: HttpRequest) -> Box:
    digits = number.removeprefix("BX")
    for row in boxes_seen(request.auth).filter(pk=int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0):  # type: ignore[attr-defined]
        return row
    raise Unseen("box")


@router.post(
    "/testing/results", response=ResultsOut, summary=both("检测结果", "results, all or none; a positive pool is called back at once")
)
def post_results(request: HttpRequest, given: ResultsIn) -> Any:
    findings = [actions_laboratory.Finding(f.tube, f.value, f.tested_at, f.reason) for f in given.results]
    return _taken(testing_rounds.take_results(findings, source="api", **_who(request)))


@router.post("/testing/results/fhir", response=ResultsOut, summary=both("检测结果（FHIR R4）", "results as DiagnosticReport or Bundle"))
def post_fhir(request: HttpRequest, given: Body[dict[str, Any]]) -> Any:
    town_for(request, "testing.laboratory")
    reports = read_reports(given)
    findings = [actions_laboratory.Finding(r.tube, r.value, r.tested_at, r.reason) for r in reports]
    return _taken(testing_rounds.take_results(findings, source="fhir", **_who(request)))


def _taken(taken: testing_rounds.Taken) -> dict[str, Any]:
    return {
        "new": len(taken.new),
        "retests": [r.dossier.number for r in taken.called_back],
        "single_positives": [t.code for t in taken.single_positives],
    }


@router.get("/testing/positives", response=list[PositiveOut], summary=both("阳性管", "positive tubes of a stretch of time"))
def list_positives(request: HttpRequest, since: Instant, until: Instant) -> Any:
    town = town_for(request, "testing.laboratory", whole=True)
    if since > until:
        raise Invalid([FieldProblem("since", T("开始晚于结束", "begins after its end"))])
    rows = positive_results(town.place.path, since, until)
    names = ("tube", "round", "size", "is_single", "sampled_at", "reported_at")
    return [{**{n: getattr(row, n) for n in names}, "people": len(row.people)} for row in rows]
