"""Doors for the office: which stand where, what is odd about them, their scanners; and the page behind a venue code."""

from datetime import date, datetime, timedelta
from typing import Any, get_args

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.wording import T
from tongchou.domains.footfall.actions import look_at_door
from tongchou.domains.footfall.queries import door_figures, last_released
from tongchou.domains.gate import actions
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.queries import rules_in_force
from tongchou.domains.gate.queries_doors import count_doors, door_days, doors_for, limits_on, oddities_of, seen_door
from tongchou.domains.gate.rules import FREE, ODDITIES, DeviceKind, EntryRule, Limits, rule_for
from tongchou.domains.gate.screen_codes import seconds_old
from tongchou.domains.registry.models import Venue
from tongchou.domains.registry.rules import VENUE_CLASSES
from tongchou.interfaces.chance import random_token, random_typed_code
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.figures import acts_text, figure_text, legend, small
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.posters import SIZES
from tongchou.interfaces.web.public_page import Visited, public_page
from tongchou.interfaces.web.qr import qr_inline
from tongchou.workflows.scanning import sampling_sites

ROWS, OPENED_AT_ONCE, KEPT_S = 50, 5_000, 60


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


def oddity_words(limits: Limits) -> dict[str, T]:
    """What each of ODDITIES says."""
    hours, share = (limits.silent_after or timedelta()) / timedelta(hours=1), (limits.few_share or 0) * 100
    return {
        "silent": T(f"有设备但{hours:g}小时无扫码", f"A scanner, but no scan for {hours:g} hours"),
        "let_in": T("昨日以来放行了应拦的人", "Let in people whom the rule refuses, since yesterday"),
        "after_refusal": T("昨日以来拦下后不久又放行", "Let in soon after a refusal, since yesterday"),
        "few": T(f"最近公布的人次不足预计的{share:g}%", f"The latest figure is below {share:g} % of the expected footfall"),
        "no_scanner": T("没有登记扫码设备", "No scanner enrolled"),
    }


@page("gate.read")
def gate(request: Asked) -> HttpResponse:
    """All doors in one's places, narrowed by name or by what is odd."""
    odd, words = request.GET.get("odd", ""), request.GET.get("q", "").strip()[:60]
    odd = odd if odd in ODDITIES else ""
    limits = limits_on(request.at.date(), request.town.place.path)
    said_of = oddity_words(limits)
    listed = Paginator(doors_for(request.actor, at=request.at, limits=limits, words=words, odd=odd), ROWS).get_page(request.GET.get("page"))
    counts = count_doors(request.actor, request.at, limits)
    address = reverse("gate")
    kpis = [
        {
            "label": T("入口", "Doors"),
            "value": f"{counts.doors:,}",
            "note": T(f"{counts.with_scanner} 处有扫码设备", f"{counts.with_scanner} with a scanner"),
        },
        *_given_kpi(),
        *({"label": said, "value": f"{counts.odd[name]:,}", "url": f"{address}?odd={name}"} for name, said in said_of.items()),
    ]
    may = request.actor.may("gate.write", request.town.place.path)
    context = {
        "kpis": kpis, "page_obj": listed, "q": words, "odd": odd, "oddities": said_of, "sizes": SIZES,
        "rows": [{"door": door, "last_on": _day_of(door, request.at), "odd": [said_of[name] for name in oddities_of(door)], "class": VENUE_CLASSES.get(door.venue.venue_class)} for door in listed],
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
    limits = limits_on(request.at.date(), request.town.place.path)
    found = seen_door(code, request.actor, request.at, limits)
    if request.method == "POST":
        text = request.POST.get("expected_daily", "").strip()
        if text and not (text.isdecimal() and len(text) < 8):
            raise Invalid([FieldProblem("expected_daily", T("请填整数，或留空。", "Give a whole number, or leave it empty."))])
        keeper, expected = request.POST.get("keeper", ""), int(text) if text else None
        actions.edit_entrance(found, keeper=keeper, expected_daily=expected, by=request.actor, at=request.at)
        messages.success(request, str(T("已保存。", "Saved.")))
        return redirect("door", code)
    return render(request, "gate/door.html", _context(request, found, oddity_words(limits)))


def _context(request: Asked, found: Entrance, said_of: dict[str, T]) -> dict[str, Any]:
    rule = rule_for(rules_in_force(), found.venue.venue_class, request.at.date())
    return {
        "door": found, "class": VENUE_CLASSES.get(found.venue.venue_class), "rule": rule_words(rule), "source": rule.source, "sizes": SIZES,
        "odd": [said_of[name] for name in oddities_of(found)],
        "kinds": {kind: [d for d in found.devices.order_by("-pk") if d.kind == kind] for kind in get_args(DeviceKind)},
        "may": request.actor.may("gate.write", found.place.path), "now": request.at, **_given(found),
    }  # fmt: skip


def _given_kpi() -> list[dict[str, Any]]:
    latest = last_released()
    if latest is None:
        return []
    value = small(latest.k) if latest.entries is None else f"{latest.entries:,}"
    note = T(f"{latest.on.month}月{latest.on.day}日", f"{latest.on:%d %b}")
    return [{"label": T("全镇进门人次", "Entries in town"), "value": value, "note": note, "url": reverse("footfall")}]


def _day_of(door: Entrance, at: datetime) -> date | None:
    """The town's day of the last scan: its minute would tell of one person."""
    last: datetime | None = getattr(door, "last_at", None)
    return last and last.astimezone(at.tzinfo).date()


def _given(found: Entrance) -> dict[str, Any]:
    rows = door_figures(found)
    return {
        "legend": legend(rows[0].release.k) if rows else None,
        "days": [
            {"on": row.release.on, "entries": figure_text(row, row.release.k), "acts": [acts_text(n, row.release.k) for n in (row.refused, row.let_in, row.after_refusal)]}
            for row in rows
        ],
    }  # fmt: skip


@page("gate.write", methods=("POST",))
def door_exact(request: Asked, code: str) -> HttpResponse:
    """The exact counts of a door's last days, up to now, for a purpose that the log keeps."""
    found = seen_door(code, request.actor, request.at)
    look_at_door(found, place_path=found.place.path, purpose=request.POST.get("purpose", ""), by=request.actor, at=request.at)
    answer = render(
        request, "gate/exact.html", {"door": found, "days": door_days(found, request.at.date()), "purpose": request.POST["purpose"]}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page("gate.write", methods=("POST",))
def door_invite(request: Asked, code: str) -> HttpResponse:
    """A code, shown this once, by which one device becomes a scanner or a screen of this door within a quarter of an hour."""
    found, kind = seen_door(code, request.actor, request.at), request.POST.get("kind", "scanner")
    if kind not in get_args(DeviceKind):
        raise Unseen("kind")
    chosen = random_typed_code() if kind == "screen" else random_token()
    name = request.POST.get("name", "")
    device = actions.invite_device(found, name=name, code=chosen, kind=kind, by=request.actor, at=request.at)  # type: ignore[arg-type]
    page_address = public_address(request, reverse("screen" if kind == "screen" else "scan"))
    address = f"{page_address}#enrol={chosen}"
    context = {"door": found, "device": device, "address": address, "qr": qr_inline(address), "page": page_address, "code": chosen}
    answer = render(request, "gate/invitation.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page("gate.write", methods=("POST",))
def device_revoke(request: Asked, device: int) -> HttpResponse:
    """Trust a scanner or a screen no more."""
    found = get_object_or_404(Device.objects.select_related("entrance__place"), pk=device)
    actions.revoke_device(found, reason=request.POST.get("reason", ""), secret=random_token(), by=request.actor, at=request.at)
    messages.success(request, str(T("设备已停用。", "The device is revoked.")))
    return redirect("door", found.entrance.code)


@page("gate.write", methods=("POST",))
def door_screen_secret(request: Asked, code: str) -> HttpResponse:
    """Make every code that the door's screens have shown or fetched worthless; they fetch new ones within a minute."""
    actions.change_screen_secret(seen_door(code, request.actor, request.at), secret=random_token(), by=request.actor, at=request.at)
    messages.success(request, str(T("密钥已更换，各屏幕一分钟内换新码。", "Secret changed; screens show new codes within a minute.")))
    return redirect("door", code)


@public_page(for_s=KEPT_S)
def venue_code(request: Visited, code: str) -> HttpResponse:
    """What a visitor sees who scans a poster or a screen with any phone: whether its code is of now, what is asked here today, and what to do.

    Nobody is asked who they are, and opening it registers nobody: entries are scanned by the door.
    """
    known = Entrance.objects.select_related("venue", "place").filter(code=code)
    found = known.first() if "\0" not in code else None  # PostgreSQL cannot even be asked
    if found is None:
        return render(request, "public/venue_code.html", {"town": request.town, "now": request.at, "code": code}, status=404)
    rule = rule_for(rules_in_force(), found.venue.venue_class, request.at.date())
    context = {"town": request.town, "now": request.at, "door": found, "rule": rule_words(rule), "until": rule.to_on, "source": rule.source}
    shown, secret, age = request.GET.get("s"), found.secret, None
    if shown is not None and secret is not None:
        age = seconds_old(shown, secret, found.code, int(request.at.timestamp()))
    context |= {
        "age": age,
        "opened": f"{request.at:%H:%M:%S}",
        "is_old": shown is not None and age is None,
        "is_printed": shown is None and secret is not None,
    }
    answer = render(request, "public/venue_code.html", {**context, "sites": sampling_sites(found.place)})
    if shown is not None:
        answer.headers["Cache-Control"] = "no-store"  # what was live a minute ago is not live now
    return answer


urlpatterns = [
    path("gate/", gate, name="gate"),
    path("gate/open", doors_open, name="doors_open"),
    path("gate/devices/<int:device>/revoke", device_revoke, name="device_revoke"),
    path("gate/doors/<str:code>", door, name="door"),
    path("gate/doors/<str:code>/exact", door_exact, name="door_exact"),
    path("gate/doors/<str:code>/invite", door_invite, name="door_invite"),
    path("gate/doors/<str:code>/screen-secret", door_screen_secret, name="door_screen_secret"),
    path("c/<str:code>", venue_code, name="venue_code"),
]
