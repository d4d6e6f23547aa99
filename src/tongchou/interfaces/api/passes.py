"""Passes for programs of a village: signed passes, links for phones, visitors. The same rules as the pages."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.urls import reverse
from ninja import Path, Router, Schema
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.places.queries import place_by_code
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.actions_passes import carry_passes, give_link, look_at_holders
from tongchou.domains.gate.models import Holder
from tongchou.domains.gate.queries import seen_holders
from tongchou.domains.response.queries import seen_incident
from tongchou.domains.suspensions.actions import Grounds, refuse_suspension, withdraw_suspension
from tongchou.domains.suspensions.models import Objection, Suspension
from tongchou.domains.suspensions.queries import seen_objection, seen_suspension, suspensions_seen
from tongchou.domains.suspensions.rules import CAUSES
from tongchou.interfaces.api.fields import Instant, Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, Reason, both, pair
from tongchou.interfaces.chance import random_holder, random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.workflows import suspending
from tongchou.workflows.passing import ShownPass, holders_of, passes_of, report_lost

router = Router(tags=["gate"])


class PassesIn(Schema):
    """发给谁：底数里的居民 Residents of the register by row number, and what their passes are for."""

    people: list[RowNumber] = Field(min_length=1, max_length=500)
    purpose: str = Field(max_length=200)


class PassOut(Schema):
    """通行码；暂停时没有内容 A pass; no text while it is suspended."""

    holder: int
    person: int | None
    text: str | None
    until_at: datetime
    sampled_at: datetime | None


class PassLinkIn(Schema):
    """谁的手机，代持哪些人 Whose phone, and whose passes it carries (holder numbers)."""

    holder: RowNumber
    carries: list[RowNumber] = Field([], max_length=50)


class PassLinkOut(Schema):
    """只出现一次的链接 The address, told once."""

    address: str


class LostOut(Schema):
    """作废了几张码 How many passes were revoked."""

    revoked: int


class VisitorIn(Schema):
    """访客 Somebody in no register."""

    name: str = Field(max_length=60)
    phone: str = Field(max_length=20)
    id_number: str = Field("", max_length=20)
    place: str


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _pass(shown: ShownPass) -> dict[str, Any]:
    holder = shown.holder
    return {
        "holder": holder.number, "person": holder.resident_id, "text": shown.text, "until_at": shown.issued.expires_at,
        "sampled_at": holder.sampled_at,
    }  # fmt: skip


def _holder(request: HttpRequest, number: int) -> Holder:
    return seen_holders([number], request.auth)[0]  # type: ignore[attr-defined]


@router.post("/passes", response=list[PassOut], summary=both("发通行码", "passes of residents, signed: an Access for each"))
def post_passes(request: HttpRequest, given: PassesIn) -> Any:
    town = town_for(request, "pass.issue")
    numbers = holders_of(sorted(set(given.people)), random_holder, **_who(request))
    if len(numbers) != len(set(given.people)):
        raise Unseen("resident")
    holders = seen_holders(numbers.values(), request.auth)  # type: ignore[attr-defined]
    look_at_holders(holders, purpose=given.purpose, **_who(request))
    return [_pass(shown) for shown in passes_of(holders, town.place, **_who(request))]


@router.post("/passes/links", response=PassLinkOut, summary=both("给手机发链接", "a link for a phone; the former one ends"))
def post_link(request: HttpRequest, given: PassLinkIn) -> Any:
    holder, token = _holder(request, given.holder), random_token()
    carry_passes(holder, of=set(given.carries), **_who(request))
    give_link(holder, token=token, **_who(request))
    return {"address": public_address(request, reverse("shown_pass", args=[token]))}


@router.post("/passes/{holder}/lost", response=LostOut, summary=both("挂失", "a phone or card is lost: link ended, passes revoked"))
def post_lost(request: HttpRequest, holder: Path[RowNumber]) -> Any:
    return {"revoked": report_lost(_holder(request, holder), **_who(request))}


@router.post("/passes/visitors", response=PassOut, summary=both("访客发码", "register a visitor and give a pass"))
def post_visitor(request: HttpRequest, given: VisitorIn) -> Any:
    town = town_for(request, "pass.issue")
    place = place_by_code(given.place)
    row = register_visitor(number=random_holder(), **given.dict(exclude={"place"}), place=place, **_who(request))
    return _pass(passes_of([_holder(request, row.number)], town.place, **_who(request))[0])


class SuspensionIn(Schema):
    """暂停谁的通行码、为什么、到什么时候 Whose passes (holder number), why, until when; somebody else must approve."""

    holder: RowNumber
    incident: str
    cause: Literal["case", "contact", "recall"]
    words: str = Field(max_length=300)
    basis: str
    ends_at: Instant


class SuspensionOut(Schema):
    """一件暂停或申请；不含姓名 A suspension or a request for one; no name."""

    number: str
    state: str
    holder: int
    place: str
    incident: str
    cause: Pair
    words: str
    basis: Pair
    ends_at: datetime
    cost_yuan: int
    asked_by: str
    decided_by: str | None
    answer: str
    objection: str | None


class SuspensionPage(Schema):
    """Some suspensions, and how many in all."""

    items: list[SuspensionOut]
    count: int


class ObjectionIn(Schema):
    """本人怎么说 What the person says."""

    words: str = Field(max_length=500)
    phone: str = Field("", max_length=20)


class ObjectionOut(Schema):
    """申诉 An objection."""

    number: str
    state: str
    suspension: str
    words: str
    answer: str


class AnswerIn(Schema):
    """答复 The answer; upheld, the suspension is lifted."""

    upheld: bool
    answer: str = Field(max_length=500)


def _suspension(row: Suspension) -> dict[str, Any]:
    made = getattr(row, "objection", None)
    plain = {name: getattr(row, name) for name in ("words", "ends_at", "cost_yuan", "answer")}
    return {
        **plain, "number": row.dossier.number, "state": row.dossier.state, "holder": row.holder_id, "place": row.dossier.place.code,
        "incident": row.incident.number, "cause": pair(CAUSES[row.cause]), "basis": pair(row.basis_words), "asked_by": row.asked_by.username,
        "decided_by": row.decided_by.username if row.decided_by else None, "objection": made.dossier.number if made else None,
    }  # fmt: skip


def _objection(row: Objection) -> dict[str, Any]:
    return {
        "number": row.dossier.number, "state": row.dossier.state, "suspension": row.suspension.dossier.number, "words": row.words,
        "answer": row.answer,
    }  # fmt: skip


@router.get("/suspensions", response=SuspensionPage, summary=both("暂停通行码", "suspensions in one's places, and requests for them"))
def list_suspensions(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, "suspension.read")
    return page_of(suspensions_seen(request.auth).select_related("incident"), _suspension, limit, offset)  # type: ignore[attr-defined]


@router.post("/suspensions", response=SuspensionOut, summary=both("申请暂停", "ask for a suspension; somebody else must approve"))
def post_suspension(request: HttpRequest, given: SuspensionIn) -> Any:
    holder = _holder(request, given.holder)
    incident = seen_incident(given.incident, request.auth).dossier  # type: ignore[attr-defined]
    grounds = Grounds(incident=incident, **given.dict(include={"cause", "words", "basis", "ends_at"}))
    return _suspension(suspending.ask(holder, grounds, **_who(request)))


@router.get("/suspensions/{number}", response=SuspensionOut, summary=both("一件暂停", "one suspension"))
def get_suspension(request: HttpRequest, number: str) -> Any:
    return _suspension(seen_suspension(number, request.auth))  # type: ignore[attr-defined]


SuspensionStep = Literal["approve", "refuse", "withdraw", "lift"]


@router.post(
    "/suspensions/{number}/steps/{step}", response=SuspensionOut, summary=both("批准、不批准、撤回、提前解除", "one step of a suspension")
)
def take_suspension_step(request: HttpRequest, number: str, step: SuspensionStep, given: Reason) -> Any:
    found, who, said = seen_suspension(number, request.auth), _who(request), given.reason  # type: ignore[attr-defined]
    if step == "approve":
        suspending.approve(found, answer=said, **who)
    elif step == "refuse":
        refuse_suspension(found, answer=said, **who)
    else:
        (withdraw_suspension if step == "withdraw" else suspending.lift)(found, reason=said, **who)
    return _suspension(seen_suspension(number, request.auth))  # type: ignore[attr-defined]


@router.post(
    "/suspensions/{number}/objection", response=ObjectionOut, summary=both("记录申诉", "note an objection that was told to the office")
)
def post_objection(request: HttpRequest, number: str, given: ObjectionIn) -> Any:
    found = seen_suspension(number, request.auth)  # type: ignore[attr-defined]
    return _objection(suspending.protest(found, **given.dict(), **_who(request)))


@router.post("/objections/{number}/answer", response=ObjectionOut, summary=both("答复申诉", "answer an objection"))
def post_answer(request: HttpRequest, number: str, given: AnswerIn) -> Any:
    found = seen_objection(number, request.auth)  # type: ignore[attr-defined]
    return _objection(suspending.answer(found, upheld=given.upheld, said=given.answer, **_who(request)))
