"""A screen at a door: a page that shows the venue code of the half minute. It fetches codes some way ahead, never the secret that makes them.

Enrolled once by an address or a code from the door's page; works by itself from then on, until it is revoked.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST

from tongchou.core.audit.chain import canonical
from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import duration
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.core.wording import T
from tongchou.domains.gate.actions import enrol_device
from tongchou.domains.gate.models import Entrance
from tongchou.domains.gate.queries import device_of
from tongchou.domains.gate.screen_codes import STEP_S, sign
from tongchou.interfaces.chance import random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.pages.scan import Enrolment, bearer, call, said_in, unknown_device, version_of, worker_for
from tongchou.interfaces.web.qr import qr_bits
from tongchou.interfaces.web.scan_words import both

SCREEN = system_actor("screen")
AHEAD = "gate.screen_ahead"
MODULES = ("screen/screen.js", "screen/screen.css", "gate/scan.svg")
WORDS: Mapping[str, T] = {
    "what": T("扫码看进门要求", "Scan to see what is asked here"),
    "left": T("{n} 秒后更换", "changes in {n} s"),
    "online": T("在线", "Online"),
    "offline": T("断网，还可用 {n} 分钟", "Offline: good for {n} more minutes"),
    "away": T("断网", "No network"),
    "over": T("此码已不能更新", "This code cannot be renewed"),
    "over_ask": T("请联网；来访者请找门口的工作人员。", "Connect to the network. Visitors: please see the staff at the door."),
    "not_enrolled": T("本屏未登记", "This screen is not enrolled"),
    "enrol_how": T("在“门岗”的入口页登记一块屏幕，用本机打开所给的链接，或输入登记码。", "Enrol a screen on the door's page under Gate, then open the link on this device or type the code."),
    "code": T("登记码", "Enrolment code"),
    "enrol": T("登记", "Enrol"),
    "revoked": T("本屏已停用", "This screen was revoked"),
    "unreachable": T("连不上系统，请检查网络后再试。", "The system cannot be reached. Check the network and try again."),
    "full": T("全屏", "Full screen"),
}  # fmt: skip


def _words() -> dict[str, dict[str, str] | None]:
    return {key: both(said) for key, said in WORDS.items()}


@require_GET
def screen(request: HttpRequest) -> HttpResponse:
    """The page; the same for everybody, in both languages at once."""
    return render(request, "screen/screen.html", {"words": _words()})


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, told which files make up this version of the screen."""
    return worker_for("/screen", [], MODULES, _version())


@lru_cache(maxsize=1)
def _version() -> str:
    return version_of(MODULES, "screen/screen.html", _words())


@require_POST
@call
def enrol(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """An enrolment code becomes a screen's token; only its digest stays here."""
    token, code = random_token(), said_in(request, Enrolment).code.strip().lower()
    enrol_device(code=code, token=token, kind="screen", secret=random_token(), by=SCREEN, at=at)
    return JsonResponse({"token": token})


@require_GET
@call
def codes(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """Pictures of the codes from now on, as far ahead as the town lets a screen go without news; 304 while those it holds are the right ones."""
    try:
        door = device_of(bearer(request), "screen").entrance
    except Unseen:
        return unknown_device()
    address, secret = public_address(request, reverse("venue_code", args=[door.code])), door.secret or ""
    ahead = duration(AHEAD, on=at.date(), place_path=door.place.path)
    body = _names(door, town) | {"code": door.code, "zone": town.zone, "step_s": STEP_S}
    tag = f'"{sha256(canonical(body | {"of": [address, secret, ahead.total_seconds()]}).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    first = int(at.timestamp()) // STEP_S
    steps = range(first, first + int(ahead.total_seconds()) // STEP_S)
    pictures = [qr_bits(f"{address}?s={sign(secret, door.code, step)}") for step in steps]
    return JsonResponse(body | {"first_step": first, "pictures": pictures}, headers={"ETag": tag})


def _names(door: Entrance, town: Installation) -> dict[str, Any]:
    return {"town": both(town.place.name), "venue": door.venue.name, "entrance": both(door.name)}


urlpatterns = [
    path("screen", screen, name="screen"),
    path("screen/worker.js", worker, name="screen_worker"),
    path("screen/enrol", enrol, name="screen_enrol"),
    path("screen/codes", codes, name="screen_codes"),
]
