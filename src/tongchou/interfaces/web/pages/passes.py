"""Passes for a village: find a household, give links, let one phone carry several, print cards, register visitors.

What is typed travels in the body of a POST: an identity number must not stand in a log of addresses. A person elsewhere and a person
nobody knows get the same answer.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.parameters.queries import duration
from tongchou.core.passes.queries import standing_passes
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.actions_passes import carry_passes, give_link, look_at_holders
from tongchou.domains.gate.models import Holder, PassLink
from tongchou.domains.gate.queries import seen_holders
from tongchou.domains.registry.models import Household, Resident
from tongchou.interfaces.chance import random_holder, random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pass_cards import Card, cards_pdf
from tongchou.interfaces.web.qr import qr_inline
from tongchou.workflows.passing import PRINTED_FOR, holders_of, passes_of, report_lost
from tongchou.workflows.testing_rounds import recognise

GIVING = T("发放通行码", "giving out passes")
CHILD_YEARS, ELDER_YEARS = 14, 70  # whom the form proposes to carry for; whoever fills it in decides
NOBODY = T("没有找到，或不在您的村居。", "Not found, or not in your village.")


@page("pass.issue", methods=("GET", "POST"))
def passes(request: Asked) -> HttpResponse:
    """The page; a POST looks for a household or a person."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            context = _panel(request, recognise(request.POST.get("who", ""), request.at).people)
        except Unseen:
            context = {"trouble": NOBODY}
        except Refusal as refusal:
            context = {"trouble": refusal.said}
    response = render(request, "passes/passes.html", {**context, "villages": _villages(request), "visitor_open": not context})
    add_never_cache_headers(response)
    return response


def _villages(request: Asked) -> list[Place]:
    below = Place.objects.filter(path__startswith=request.town.place.path, valid_to=None).order_by("path")
    return [place for place in below if request.actor.may("pass.issue", place.path)]


def _panel(request: Asked, found: Sequence[int]) -> dict[str, Any]:
    """The household of whoever was found, or that person alone; only those of the actor's places. Raises Unseen when none is."""
    homes = Household.objects.filter(members__in=found).distinct()
    rows = Resident.objects.select_related("place", "household").defer("id_number", "phone").order_by("born_on", "pk")
    people = {
        r.pk: r for r in (*rows.filter(household__in=homes), *rows.filter(pk__in=found)) if request.actor.may("pass.issue", r.place.path)
    }
    if not people:
        raise Unseen("resident")
    numbers = holders_of(list(people), random_holder, by=request.actor, at=request.at)
    holders = seen_holders(numbers.values(), request.actor)
    look_at_holders(holders, purpose=f"{GIVING.zh} {GIVING.en}", by=request.actor, at=request.at)
    standing = standing_passes([h.number for h in holders], request.at)
    linked = set(PassLink.objects.filter(holder__in=holders, ended_at=None).values_list("holder_id", flat=True))
    by_person = {h.resident_id: h for h in holders}
    members = [
        {
            "number": by_person[pk].number, "name": person.name, "born": person.born_on.year, "sampled_at": by_person[pk].sampled_at,
            "suspended": (issued := standing.get(by_person[pk].number)) is not None and issued.is_suspended(request.at),
            "may_suspend": request.actor.may("suspension.ask", person.place.path), "has_link": by_person[pk].number in linked, "carrier": _name(carrier) if (carrier := by_person[pk].proxy) else None,
            "is_dependent": not CHILD_YEARS <= request.at.year - person.born_on.year < ELDER_YEARS,
        }
        for pk, person in people.items()
    ]  # fmt: skip
    # Whoever needs nobody to carry for them is proposed first.
    members.sort(key=lambda m: (bool(m["carrier"]), m["is_dependent"]))
    return {"members": members, "home": next((p.household for p in people.values() if p.household), None)}


def _name(holder: Holder) -> str:
    return holder.resident.name if holder.resident else holder.name


def _given(request: Asked, field: str) -> list[Holder]:
    """The holders whose numbers a form names, of the actor's places. Raises Invalid for none, Unseen when one is somebody else's."""
    numbers = {int(text) for text in request.POST.getlist(field) if text.isdecimal() and len(text) < 17}
    if not numbers:
        raise Invalid([FieldProblem(field, T("请先勾选人。", "Pick somebody first."))])
    return seen_holders(numbers, request.actor)


@page("pass.issue", methods=("POST",))
def pass_link(request: Asked) -> HttpResponse:
    """A fresh address for one phone and whom it carries; shown once, as a code to scan with that phone."""
    (carrier,) = _given(request, "carrier")
    of = {h.number for h in _given(request, "of")} - {carrier.number} if request.POST.getlist("of") else set()
    carry_passes(carrier, of=of, by=request.actor, at=request.at)
    token = random_token()
    give_link(carrier, token=token, by=request.actor, at=request.at)
    address = public_address(request, reverse("shown_pass", args=[token]))
    context = {"name": _name(carrier), "carried": len(of), "qr": qr_inline(address), "address": address}
    response = render(request, "passes/link.html", context)
    add_never_cache_headers(response)
    return response


@page("pass.issue", methods=("POST",))
def pass_end(request: Asked) -> HttpResponse:
    """A phone or a card was lost: the address ends, passes that are out are revoked."""
    (carrier,) = _given(request, "carrier")
    count = report_lost(carrier, by=request.actor, at=request.at)
    messages.success(
        request,
        str(
            T(
                f"已挂失：链接停用，作废 {count} 张码。可以重新发放。",
                f"Reported lost: the link has ended, passes revoked: {count}. Give new ones now.",
            )
        ),
    )
    return redirect("passes")


@page("pass.issue", methods=("POST",))
def pass_print(request: Asked) -> HttpResponse:
    """Cards to cut out, for those picked; a suspended pass is not printed."""
    rows = _given(request, "holder")
    look_at_holders(rows, purpose=f"{GIVING.zh} {GIVING.en}", by=request.actor, at=request.at)
    span = duration(PRINTED_FOR, on=request.at.date(), place_path=request.town.place.path)
    shown = [s for s in passes_of(rows, request.town.place, by=request.actor, at=request.at, valid_for=span) if s.text]
    if not shown:
        raise Refusal(T("所选通行码都已暂停，不能打印。", "All of these passes are suspended and are not printed."))
    cards = [Card(s.text or "", _name(s.holder), s.holder.place.name, s.issued.expires_at.astimezone(request.at.tzinfo)) for s in shown]
    response = HttpResponse(cards_pdf(cards), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="passes.pdf"'
    add_never_cache_headers(response)
    return response


@page("pass.issue", methods=("POST",))
def pass_visitor(request: Asked) -> HttpResponse:
    """Register a visitor and show the pass right there."""
    given = request.POST
    row = register_visitor(
        number=random_holder(), name=given.get("name", ""), phone=given.get("phone", ""), id_number=given.get("id_number", ""),
        place=place_by_code(given.get("place", "")), by=request.actor, at=request.at,
    )  # fmt: skip
    (holder,) = seen_holders([row.number], request.actor)
    (shown,) = passes_of([holder], request.town.place, by=request.actor, at=request.at)
    context = {
        "name": _name(holder), "place": holder.place, "number": holder.number, "until_at": shown.issued.expires_at, "reason": shown.issued.reason,
        "qr": qr_inline(shown.text) if shown.text else None,
    }  # fmt: skip
    response = render(request, "passes/visitor.html", context)
    add_never_cache_headers(response)
    return response


urlpatterns = [
    path("passes/", passes, name="passes"),
    path("passes/link", pass_link, name="pass_link"),
    path("passes/end", pass_end, name="pass_end"),
    path("passes/print", pass_print, name="pass_print"),
    path("passes/visitor", pass_visitor, name="pass_visitor"),
]
