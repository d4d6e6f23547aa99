"""Passes for programs of a village: signed passes, links for phones, visitors. The same rules as the pages."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.places.queries import place_by_code
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.actions_passes import carry_passes, give_link, look_at_holders
from tongchou.domains.gate.models import Holder
from tongchou.domains.gate.queries import seen_holders
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both
from tongchou.interfaces.chance import random_holder, random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.workflows.passing import ShownPass, holders_of, passes_of, report_lost

router = Router(tags=["gate"])


class PassesIn(Schema):
    """发给谁：底数里的居民 Residents of the register by row number, and what their passes are for."""

    people: list[int] = Field(min_length=1, max_length=500)
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

    holder: int
    carries: list[int] = Field([], max_length=50)


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
def post_lost(request: HttpRequest, holder: int) -> Any:
    return {"revoked": report_lost(_holder(request, holder), **_who(request))}


@router.post("/passes/visitors", response=PassOut, summary=both("访客发码", "register a visitor and give a pass"))
def post_visitor(request: HttpRequest, given: VisitorIn) -> Any:
    town = town_for(request, "pass.issue")
    place = place_by_code(given.place)
    row = register_visitor(number=random_holder(), **given.dict(exclude={"place"}), place=place, **_who(request))
    return _pass(passes_of([_holder(request, row.number)], town.place, **_who(request))[0])
