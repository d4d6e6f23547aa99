"""Investigations for programs: cases without names, follow-up, requests for exposed people; the same queries and actions as the pages."""

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.response.queries import seen_incident
from tongchou.domains.tracing import actions
from tongchou.domains.tracing.actions_contacts import add_contact, check_contact
from tongchou.domains.tracing.models import Case
from tongchou.domains.tracing.queries import FollowUp, cases_seen, contacts_followed, follow_ups, seen_case, seen_contact
from tongchou.domains.tracing.rules import DATES
from tongchou.interfaces.api.fields import Limit, Offset, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both
from tongchou.workflows.chaining import chain_of
from tongchou.workflows.exposing import remake_lists

router = Router(tags=["tracing"])


class CaseOut(Schema):
    """一个病例，不含姓名和号码 A case, without name and numbers."""

    number: str
    state: str
    place: str
    onset_on: date | None
    reported_on: date | None
    sex: str
    age: int | None
    outcome: str
    version: int
    incident: str | None
    opened_at: datetime
    due_at: datetime | None = Field(description=both("最近时限", "the clock that falls due first"))


class CasePage(Schema):
    """Some cases, and how many in all."""

    items: list[CaseOut]
    count: int


class IdentityIn(Schema):
    """姓名和号码 Who somebody is; numbers may be left out."""

    name: str = Field(max_length=120)
    id_number: str = Field("", max_length=40)
    phone: str = Field("", max_length=40)


class CaseIn(IdentityIn):
    """立案 A case to open."""

    place: str
    incident: str | None = None
    sex: str = ""
    age: int | None = Field(None, ge=0, le=130)
    onset_on: date | None = None
    reported_on: date | None = None
    has_symptoms: bool = False
    has_known_contact: bool = False
    address: str = Field("", max_length=200)


class CorrectionIn(Schema):
    """更正，只给要改的 What to set; version is the one that was read."""

    version: int
    reason: str
    given: dict[str, str | int | bool | None]


class StepIn(Schema):
    """步骤：判定 to；提交 part、text；其余只要理由 classify: to; hand-in: part, text; discard and close: reason."""

    reason: str = ""
    to: str = ""
    part: str = ""
    text: str = ""


class ContactIn(IdentityIn):
    """接触者 A contact to follow up; days as the parameter says when left out."""

    place: str
    kind: str
    setting: str
    last_contact_on: date
    days: int | None = Field(None, ge=1, le=365)
    address: str = Field("", max_length=200)


class FollowUpOut(Schema):
    """一名随访对象，不含号码 Somebody under follow-up, without numbers."""

    id: int
    name: str
    place: str
    kind: str
    case: str
    last_day: date
    days: int
    missed: list[date]
    asked_today: bool


class CheckIn(Schema):
    """随访记录 What a contact said on a day."""

    day: date
    temperature_c: float | None = None
    symptoms: str = Field("", max_length=200)


class LinkOut(Schema):
    """传播关系 A recorded link, or the likeliest source reckoned (outside: none of these cases)."""

    infector: str | None
    infectee: str
    probability: float
    is_recorded: bool


class ChainOut(Schema):
    """传播链 Likeliest source of each case, clusters, and the serial interval where enough is known."""

    sources: list[LinkOut]
    clusters: list[list[str]]
    serial_interval_days: float | None


def _case(row: Case, due_at: datetime | None = None) -> dict[str, Any]:
    head = row.dossier
    names = ("onset_on", "reported_on", "sex", "age", "outcome", "version")
    return {
        **{name: getattr(row, name) for name in names}, "number": head.number, "state": head.state, "place": head.place.code,
        "incident": row.incident.dossier.number if row.incident else None, "opened_at": head.opened_at, "due_at": due_at,
    }  # fmt: skip


def _whole(row: Case) -> dict[str, Any]:
    row = Case.objects.select_related("dossier__place", "incident__dossier").get(pk=row.pk)
    clock = running_clocks([row.pk]).get(row.pk)
    return _case(row, clock.due_at if clock else None)


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


@router.get("/cases", response=CasePage, summary=both("病例", "cases of one's places, open ones first"))
def list_cases(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "case.read")
    return page_of(cases_seen(request.auth).select_related("incident__dossier"), _case, limit, offset)  # type: ignore[attr-defined]


@router.post("/cases", response=CaseOut, summary=both("立案", "open a case; its clocks start"))
def post_case(request: HttpRequest, given: CaseIn) -> Any:
    town_for(request, "case.work")
    facts = given.dict(exclude={"place", "incident"})
    incident = seen_incident(given.incident, request.auth) if given.incident else None  # type: ignore[attr-defined]
    place = place_by_code(given.place)
    return _whole(actions.open_case(facts=facts, place=place, incident_id=incident.pk if incident else None, **_who(request)))


@router.get("/cases/chain", response=ChainOut, summary=both("传播链", "who most likely had it from whom"))
def get_chain(request: HttpRequest) -> Any:
    town_for(request, "case.read")
    found = chain_of(list(cases_seen(request.auth)[:300]), request.at)  # type: ignore[attr-defined]
    return {
        "sources": [
            {
                "infector": s.infector.dossier.number if s.infector else None, "infectee": s.infectee.dossier.number,
                "probability": s.probability, "is_recorded": s.is_recorded,
            }
            for s in found.likely
        ],
        "clusters": [[c.dossier.number for c in cluster] for cluster in found.clusters],
        "serial_interval_days": found.interval.mean_days if found.interval else None,
    }  # fmt: skip


@router.get("/cases/{number}", response=CaseOut, summary=both("一个病例", "one case"))
def get_case(request: HttpRequest, number: str) -> Any:
    return _whole(seen_case(number, request.auth))  # type: ignore[attr-defined]


@router.post("/cases/{number}/correct", response=CaseOut, summary=both("更正", "correct a case; its lists are made anew"))
def correct(request: HttpRequest, number: str, given: CorrectionIn) -> Any:
    found = seen_case(number, request.auth)  # type: ignore[attr-defined]
    facts = {name: _day(name, value) if name in DATES else value for name, value in given.given.items()}
    fresh = actions.correct_case(found, given=facts, version=given.version, reason=given.reason, **_who(request))
    if request.auth.may("exposure.ask", found.place_path):  # type: ignore[attr-defined]
        remake_lists(fresh, reason=given.reason, **_who(request))
    return _whole(fresh)


def _day(name: str, value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        raise Invalid([FieldProblem(name, T("写成 2022-06-02。", "Write 2022-06-02."))]) from None


CaseStep = Literal["classify", "hand-in", "discard", "close"]


@router.post("/cases/{number}/steps/{step}", response=CaseOut, summary=both("判定、提交、排除、结案", "one step of a case"))
def take_case_step(request: HttpRequest, number: str, step: CaseStep, given: StepIn) -> Any:
    found, who = seen_case(number, request.auth), _who(request)  # type: ignore[attr-defined]
    if step == "classify":
        actions.classify_case(found, to=given.to, reason=given.reason, **who)
    elif step == "hand-in":
        actions.hand_in(found, part=given.part, text=given.text, **who)
    else:
        (actions.discard_case if step == "discard" else actions.close_case)(found, reason=given.reason, **who)
    return _whole(found)


def _follow_up(f: FollowUp) -> dict[str, Any]:
    c = f.contact
    return {
        "id": c.pk, "name": c.name, "place": c.place.code, "kind": c.kind, "case": c.case.dossier.number, "last_day": f.last_day,
        "days": f.days, "missed": f.missed, "asked_today": f.today is not None,
    }  # fmt: skip


@router.post("/cases/{number}/contacts", response=FollowUpOut, summary=both("列入接触者", "put somebody under follow-up"))
def post_contact(request: HttpRequest, number: str, given: ContactIn) -> Any:
    found = seen_case(number, request.auth)  # type: ignore[attr-defined]
    person = given.dict(include={"name", "id_number", "phone"})
    rest = given.dict(include={"kind", "setting", "last_contact_on", "days", "address"})
    row = add_contact(found, person=person, place=place_by_code(given.place), **rest, **_who(request))
    return _follow_up(follow_ups([row], request.at.date())[0])  # type: ignore[attr-defined]


@router.get("/follow-up", response=list[FollowUpOut], summary=both("随访名单", "people under follow-up in one's places"))
def get_follow_up(request: HttpRequest) -> Any:
    town_for(request, "contact.follow")
    return [_follow_up(f) for f in follow_ups(contacts_followed(request.auth), request.at.date())]  # type: ignore[attr-defined]


@router.post("/follow-up/{contact_id}/checks", response=FollowUpOut, summary=both("随访记录", "what a contact said on a day"))
def post_check(request: HttpRequest, contact_id: int, given: CheckIn) -> Any:
    row = seen_contact(contact_id, request.auth)  # type: ignore[attr-defined]
    check_contact(row, **given.dict(), **_who(request))
    return _follow_up(follow_ups([row], request.at.date())[0])  # type: ignore[attr-defined]
