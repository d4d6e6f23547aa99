"""The crew's page at a site: scan a tube, scan people, check off a household at once; queue and packing below. Works without JavaScript.

What is scanned travels in the body of a POST, never in an address: an identity number must not stand in a log of addresses.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.identity import mask_name
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.actions import report_queue
from tongchou.domains.testing.actions_check_off import Sampled
from tongchou.domains.testing.actions_laboratory import pack_box
from tongchou.domains.testing.models import CheckOff, Round, Site, Tube
from tongchou.domains.testing.queries import seen_round, seen_site
from tongchou.domains.testing.rules import TUBE_SIZES, WAYS
from tongchou.interfaces.web.page import Asked, page
from tongchou.workflows.testing_rounds import recognise, register_newcomer, sample_here

TUBE = re.compile(r"[A-Za-z0-9]{4,32}")


@page("testing.sample", methods=("GET", "POST"))
def crew(request: Asked, number: str, code: str) -> HttpResponse:
    """The page itself; a POST is a scan: a tube's bar code changes the tube, anything else is looked for among people."""
    found, site = seen_round(number, request.actor), seen_site(code, request.actor)
    if not request.actor.may("testing.sample", site.place_path):
        raise Unseen("site")
    tube = request.POST.get("tube") or request.GET.get("tube", "")
    context: dict[str, Any] = {}
    scan = request.POST.get("scan", "").strip()
    if request.method == "POST" and scan:
        try:
            meant = recognise(scan, request.at)
            context = _panel(request, found, meant.people, meant.way)
        except Unseen:
            if TUBE.fullmatch(scan):
                return _back(number, code, scan)
            context["trouble"] = T("没有找到。可扫通行码、身份证、管码，或输入手机号、户号。", "Not found. Scan a pass, an identity card or a tube, or type a phone or household number.")  # fmt: skip
        except Refusal as refusal:
            context["trouble"] = T(f"{refusal.said.zh}{refusal.remedy.zh if refusal.remedy else ''}", str(refusal.args[0]))
    return render(request, "testing/crew.html", {**_frame(request, found, site, tube), **context})


def _back(number: str, code: str, tube: str) -> HttpResponse:
    return redirect(f"{reverse('crew', args=[number, code])}?{urlencode({'tube': tube})}")


def _frame(request: Asked, found: Round, site: Site, code: str) -> dict[str, Any]:
    row = Tube.objects.filter(code=code).first() if TUBE.fullmatch(code) else None
    state = None
    if code and row is not None and row.round_id != found.pk:
        state = T("这支管属于另一轮", "this tube belongs to another round")
    elif row is not None and row.box_id is not None:
        state = T("已装箱", "packed already")
    elif row is not None and row.filled >= row.size:
        state = T("已满，请扫新管", "full; scan a new tube")
    waiting = Tube.objects.filter(round=found, site=site, box=None, filled__gt=0).count()
    done = CheckOff.objects.filter(round=found, tube__site=site).count()
    villages = [
        p
        for p in Place.objects.filter(path__startswith=request.town.place.path, valid_to=None)
        if request.actor.may("register.write", p.path)
    ]
    return {
        "round": found, "head": found.dossier, "site": site, "tube": code if TUBE.fullmatch(code) else "", "row": row, "stopped": state,
        "filled": row.filled if row else 0, "size": row.size if row else found.pool_size, "waiting": waiting, "done": done, "villages": villages,
        "sizes": TUBE_SIZES,
    }  # fmt: skip


def _panel(request: Asked, found: Round, people: Sequence[int], way: str) -> dict[str, Any]:
    """Those recognised, and the rest of their household."""
    homes = set(Resident.objects.filter(pk__in=people, household__isnull=False).values_list("household_id", flat=True))
    rows = Resident.objects.select_related("place", "household").defer("id_number", "phone")
    members = {r.pk: r for r in rows.filter(household__in=homes)} | {r.pk: r for r in rows.filter(pk__in=people)}
    done = dict(CheckOff.objects.filter(round=found, person__in=members).values_list("person_id", "tube__code"))
    on_roll = set(found.roll.filter(person__in=members).values_list("person_id", flat=True))
    shown = [
        {
            "pk": r.pk, "name": r.name if request.actor.may("register.read", r.place.path) else mask_name(r.name), "born": r.born_on.year,
            "done": done.get(r.pk), "is_meant": r.pk in people or way == "household", "on_roll": r.pk in on_roll,
        }
        for r in sorted(members.values(), key=lambda r: r.pk)
    ]  # fmt: skip
    home = next((r.household for r in members.values() if r.household), None)
    open_ = [m for m in shown if not m["done"]]
    return {"members": shown, "open": open_, "household": home, "way": way}


@page("testing.sample", methods=("POST",))
def crew_check(request: Asked, number: str, code: str) -> HttpResponse:
    """Check off those picked, or the whole household."""
    found, site = seen_round(number, request.actor), seen_site(code, request.actor)
    field = "everybody" if "whole" in request.POST else "person"
    people = [int(text) for text in request.POST.getlist(field) if text.isdecimal() and len(text) < 16]
    tube, way, size = request.POST.get("tube", "").strip(), request.POST.get("way", ""), request.POST.get("tube_size", "")
    if not tube:
        raise Invalid([FieldProblem("tube", T("请先扫管码。", "Scan a tube first."))])
    if not people:
        raise Invalid([FieldProblem("person", T("请先勾选人。", "Pick somebody first."))])
    rows = [Sampled(who, tube, way if way in WAYS else "list") for who in people]
    done = sample_here(
        found, site, rows, tube_size=int(size) if size.isdecimal() and len(size) < 4 else None, by=request.actor, at=request.at
    )
    said = T(f"已登记 {done.new} 人。", f"{done.new} checked off.")
    if tube in done.room:
        left = done.room[tube]
        said = T(f"已登记 {done.new} 人，本管还能放 {left} 人。", f"{done.new} checked off; the tube takes {left} more.")
    messages.success(request, str(said))
    return _back(number, code, tube)


@page("testing.sample", methods=("POST",))
def crew_newcomer(request: Asked, number: str, code: str) -> HttpResponse:
    """Put somebody who is in no register into it, and into the tube at once."""
    found, site = seen_round(number, request.actor), seen_site(code, request.actor)
    given, tube = request.POST, request.POST.get("tube", "").strip()
    who = register_newcomer(
        found, name=given.get("name", ""), id_number=given.get("id_number", ""), phone=given.get("phone", ""),
        place=place_by_code(given.get("place", "")), by=request.actor, at=request.at,
    )  # fmt: skip
    if tube:
        sample_here(found, site, [Sampled(who, tube, "id_number")], by=request.actor, at=request.at)
    messages.success(request, str(T("已登记入底数。", "Put into the register.")))
    return _back(number, code, tube)


@page("testing.sample", methods=("POST",))
def crew_queue(request: Asked, number: str, code: str) -> HttpResponse:
    """How many stand in the queue now."""
    text = request.POST.get("queue", "")
    if not text.isdecimal() or len(text) > 5:
        raise Invalid([FieldProblem("queue", T("请填人数。", "Give a number."))])
    report_queue(seen_site(code, request.actor), queue=int(text), by=request.actor, at=request.at)
    messages.success(request, str(T("排队人数已更新。", "Queue updated.")))
    return _back(number, code, request.POST.get("tube", ""))


@page("testing.sample", methods=("POST",))
def crew_pack(request: Asked, number: str, code: str) -> HttpResponse:
    """Pack what the site has for the laboratory."""
    found, site = seen_round(number, request.actor), seen_site(code, request.actor)
    box = pack_box(testing_round=found, site=site, laboratory=request.POST.get("laboratory", ""), by=request.actor, at=request.at)
    messages.success(request, str(T(f"已装箱 {box.number}，{box.tubes.count()} 管。", f"Packed {box.number}: {box.tubes.count()} tubes.")))
    return _back(number, code, "")


urlpatterns = [
    path("testing/rounds/<str:number>/crew/<str:code>", crew, name="crew"),
    *(
        path(f"testing/rounds/<str:number>/crew/<str:code>/{name}", view, name=f"crew_{name}")
        for name, view in (("check", crew_check), ("newcomer", crew_newcomer), ("queue", crew_queue), ("pack", crew_pack))
    ),
]
