"""Doors for the office: which stand where, what is odd about them, their scanners, their posters; and the page behind a venue code."""

import secrets
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.wording import T
from tongchou.domains.gate import actions
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.queries import rules_in_force
from tongchou.domains.gate.queries_doors import ODDITIES, count_doors, door_days, doors_for, oddities_of, seen_door
from tongchou.domains.gate.rules import FREE, EntryRule, rule_for
from tongchou.domains.registry.models import Venue
from tongchou.domains.registry.rules import VENUE_CLASSES
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.posters import SIZES, Poster, posters_pdf, qr_image
from tongchou.interfaces.web.public_page import Visited, public_page
from tongchou.workflows.scanning import sampling_sites

ROWS, MOST_POSTERS, OPENED_AT_ONCE, KEPT_S = 50, 4_000, 5_000, 60


def rule_words(rule: EntryRule) -> T:
    """What a door asks for, as a visitor reads it."""
    if rule is FREE:
        return T("自由进入，请扫码登记。", "Enter freely; please scan.")
    test = (
        T("出示通行码即可，不查核酸。", "Show your pass; no test is asked for.")
        if rule.test_hours is None
        else T(
            f"出示通行码，须有{rule.test_hours}小时内核酸阴性。",
            f"Show your pass with a negative test of the last {rule.test_hours} hours.",
        )
    )
    return (
        test
        if rule.may_refuse
        else T(f"{test.zh}就医不拒：不符合也会放行。", f"{test.en} Care is never refused: you are let in in any case.")
    )


@page("gate.read")
def gate(request: Asked) -> HttpResponse:
    """All doors in one's places, narrowed by name or by what is odd."""
    odd, words = request.GET.get("odd", ""), request.GET.get("q", "").strip()[:60]
    odd = odd if odd in ODDITIES else ""
    listed = Paginator(doors_for(request.actor, at=request.at, words=words, odd=odd), ROWS).get_page(request.GET.get("page"))
    counts = count_doors(request.actor, request.at)
    address = reverse("gate")
    kpis = [
        {
            "label": T("入口", "Doors"),
            "value": f"{counts.doors:,}",
            "note": T(f"{counts.with_scanner} 处有扫码设备", f"{counts.with_scanner} with a scanner"),
        },
        {"label": T("今日扫码", "Scans today"), "value": f"{counts.scans:,}"},
        *({"label": said, "value": f"{counts.odd[name]:,}", "url": f"{address}?odd={name}"} for name, said in ODDITIES.items()),
    ]
    may = request.actor.may("gate.write", request.town.place.path)
    context = {
        "kpis": kpis, "page_obj": listed, "q": words, "odd": odd, "oddities": ODDITIES, "sizes": SIZES,
        "rows": [{"door": door, "odd": [ODDITIES[name] for name in oddities_of(door, request.at)], "class": VENUE_CLASSES.get(door.venue.venue_class)} for door in listed],
        "without": Venue.objects.filter(entrances=None).count() if may else 0,
    }  # fmt: skip
    return render(request, "gate/list.html", context)


@page("gate.write", methods=("POST",))
def doors_open(request: Asked) -> HttpResponse:
    """Give every venue that has no entrance its first."""
    wanted = Venue.objects.filter(entrances=None).order_by("code").values_list("pk", flat=True)[:OPENED_AT_ONCE]
    specs = [actions.EntranceSpec(pk) for pk in wanted]
    opened = actions.open_entrances(specs=specs, by=request.actor, at=request.at) if specs else []
    messages.success(request, str(T(f"已设立 {len(opened)} 处入口。", f"{len(opened)} doors opened.")))
    return redirect("gate")


@page("gate.read", methods=("GET", "POST"))
def door(request: Asked, code: str) -> HttpResponse:
    """One door; who may names its keeper and its usual footfall."""
    found = seen_door(code, request.actor, request.at)
    if request.method == "POST":
        text = request.POST.get("expected_daily", "").strip()
        if text and not (text.isdecimal() and len(text) < 8):
            raise Invalid([FieldProblem("expected_daily", T("请填整数，或留空。", "Give a whole number, or leave it empty."))])
        keeper, expected = request.POST.get("keeper", ""), int(text) if text else None
        actions.edit_entrance(found, keeper=keeper, expected_daily=expected, by=request.actor, at=request.at)
        messages.success(request, str(T("已保存。", "Saved.")))
        return redirect("door", code)
    return render(request, "gate/door.html", _context(request, found))


def _context(request: Asked, found: Entrance) -> dict[str, Any]:
    rule = rule_for(rules_in_force(), found.venue.venue_class, request.at.date())
    return {
        "door": found, "class": VENUE_CLASSES.get(found.venue.venue_class), "rule": rule_words(rule), "source": rule.source, "sizes": SIZES,
        "odd": [ODDITIES[name] for name in oddities_of(found, request.at)], "devices": list(found.devices.order_by("-pk")),
        "days": door_days(found, request.at.date()), "may": request.actor.may("gate.write", found.place.path), "now": request.at,
    }  # fmt: skip


@page("gate.write", methods=("POST",))
def door_invite(request: Asked, code: str) -> HttpResponse:
    """A code, shown this once, by which one device becomes the scanner of this door within a quarter of an hour."""
    found = seen_door(code, request.actor, request.at)
    chosen = secrets.token_urlsafe(18)
    device = actions.invite_device(found, name=request.POST.get("name", ""), code=chosen, by=request.actor, at=request.at)
    address = f"{request.build_absolute_uri(reverse('scan'))}#enrol={chosen}"
    context = {"door": found, "device": device, "address": address, "image": qr_image(address)}
    answer = render(request, "gate/invitation.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page("gate.write", methods=("POST",))
def device_revoke(request: Asked, device: int) -> HttpResponse:
    """Trust a scanner no more."""
    found = get_object_or_404(Device.objects.select_related("entrance__place"), pk=device)
    actions.revoke_device(found, reason=request.POST.get("reason", ""), by=request.actor, at=request.at)
    messages.success(request, str(T("设备已停用。", "The device is revoked.")))
    return redirect("door", found.entrance.code)


@page("gate.read")
def door_posters(request: Asked) -> HttpResponse:
    """Posters of one door, or of all that a search finds."""
    size = request.GET.get("size", "a4")
    if size not in SIZES:
        raise Unseen("size")
    rows = doors_for(request.actor, at=request.at, words=request.GET.get("q", "").strip()[:60])
    if code := request.GET.get("code", ""):
        rows = rows.filter(code=code)
    found = list(rows[: MOST_POSTERS + 1])
    if not found:
        raise Unseen("entrance")
    if len(found) > MOST_POSTERS:
        raise Refusal(T(f"一次最多{MOST_POSTERS}张。", f"At most {MOST_POSTERS} posters at once."), T("请缩小范围。", "Narrow the search."))
    town = str(request.town.place.name)
    posters = [
        Poster(
            town,
            d.venue.name,
            f"{d.name.zh} {d.name.en}",
            d.code,
            d.keeper,
            request.build_absolute_uri(reverse("venue_code", args=[d.code])),
        )
        for d in found
    ]
    answer = HttpResponse(posters_pdf(posters, size), content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="posters-{size}.pdf"'
    return answer


@public_page(for_s=KEPT_S)
def venue_code(request: Visited, code: str) -> HttpResponse:
    """What a visitor sees who scans a poster with any phone: what is asked here today, and what to do. Nobody is asked who they are."""
    known = Entrance.objects.select_related("venue", "place").filter(code=code)
    found = known.first() if "\0" not in code else None  # PostgreSQL cannot even be asked
    if found is None:
        return render(request, "public/venue_code.html", {"town": request.town, "now": request.at, "code": code}, status=404)
    rule = rule_for(rules_in_force(), found.venue.venue_class, request.at.date())
    context = {"town": request.town, "now": request.at, "door": found, "rule": rule_words(rule), "until": rule.to_on, "source": rule.source}
    return render(request, "public/venue_code.html", {**context, "sites": sampling_sites(found.place)})


urlpatterns = [
    path("gate/", gate, name="gate"),
    path("gate/open", doors_open, name="doors_open"),
    path("gate/posters.pdf", door_posters, name="door_posters"),
    path("gate/devices/<int:device>/revoke", device_revoke, name="device_revoke"),
    path("gate/doors/<str:code>", door, name="door"),
    path("gate/doors/<str:code>/invite", door_invite, name="door_invite"),
    path("c/<str:code>", venue_code, name="venue_code"),
]
