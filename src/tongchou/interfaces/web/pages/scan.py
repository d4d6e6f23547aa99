"""The scanner at a door: an installable page that asks nobody to sign in, and what it needs from the house with its device's token."""

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from tongchou.core.audit.chain import canonical
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.parameters.queries import duration
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.gate.actions import enrol_device
from tongchou.domains.gate.actions_appeals import open_appeal
from tongchou.domains.gate.queries import device_of
from tongchou.interfaces import clock
from tongchou.interfaces.web.middleware import above
from tongchou.interfaces.web.scan_words import both, everything
from tongchou.workflows.scanning import bundle_for

STATIC = Path(__file__).parents[1] / "static"


def modules_in(*folders: str) -> tuple[str, ...]:
    """The files of a page that works without a network; the service worker itself is not one of them."""
    files = [path for folder in folders for path in sorted((STATIC / folder).iterdir()) if path.suffix in {".js", ".css", ".svg"}]
    return tuple(f"{path.parent.name}/{path.name}" for path in files if path.name != "worker.js")


MODULES = modules_in("offline", "gate")
SCANNER = system_actor("scanner")
MOST_BYTES = 8_000
Call = Callable[[HttpRequest, Installation, datetime], HttpResponse]


class Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    """What a device shows to become one."""

    code: str


class Objection(msgspec.Struct, forbid_unknown_fields=True):
    """An appeal as a scanner sends it: the number of the scan, why, and a phone for the answer."""

    seq: int
    words: str
    phone: str = ""


def call(view: Call) -> Callable[[HttpRequest], HttpResponse]:
    """A request of the scanner's script: refusals are answered in both languages, no cookie counts, nothing is cached."""

    @csrf_exempt  # a token in a header, which no other page can make a browser send
    @wraps(view)
    def run(request: HttpRequest) -> HttpResponse:
        town = installation()
        try:
            if town is None:
                raise Unseen("town")
            answer = view(request, town, clock.local_now())
        except Refusal as refusal:
            answer = JsonResponse({"said": both(refusal.said), "remedy": both(refusal.remedy)}, status=refusal.status)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Server-Now"] = str(int(clock.now().timestamp() * 1000))
        return answer

    return run


@require_GET
def scanner(request: HttpRequest) -> HttpResponse:
    """The page; the same for everybody."""
    answer = render(request, "scan/scan.html", {"everything": everything()})
    answer.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return answer


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, told which files make up this version of the scanner."""
    return worker_for("/scan", ["/scan/manifest.json"], MODULES, _version())


def worker_for(page: str, files: Sequence[str], modules: Sequence[str], version: str) -> HttpResponse:
    """A service worker that keeps a page with its files, so that it opens without a network."""
    kept = [page, *files, *(static(name) for name in modules)]
    text = (STATIC / "offline/worker.js").read_text("utf-8")
    for word, said in (("__NAME__", page[1:]), ("__VERSION__", version), ("__FILES__", json.dumps(kept))):
        text = text.replace(word, said)
    return HttpResponse(text, content_type="text/javascript", headers={"Service-Worker-Allowed": page, "Cache-Control": "no-cache"})


@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes it installable."""
    return manifest_of("/scan", T("统筹门岗", "Tongchou gate"))


def manifest_of(page: str, name: T) -> HttpResponse:
    """The manifest of a page that works without a network."""
    icon = {"src": static("gate/scan.svg"), "sizes": "any", "type": "image/svg+xml"}
    return JsonResponse(
        {
            "name": str(name), "short_name": str(name), "start_url": page, "scope": page, "id": page, "display": "standalone",
            "background_color": "#0d2b33", "theme_color": "#0d2b33", "icons": [icon | {"purpose": "any"}, icon | {"purpose": "maskable"}],
        },
        content_type="application/manifest+json",
    )  # fmt: skip


@require_POST
@call
def enrol(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """An enrolment code becomes a device's token; only its digest stays here."""
    token = secrets.token_urlsafe(32)
    device = enrol_device(code=said_in(request, Enrolment).code, token=token, by=SCANNER, at=at)
    return JsonResponse({"token": token, "device": device.pk})


@require_GET
@call
def bundle(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """All a device decides by; 304 when it has that already, 401 when it is no longer trusted."""
    try:
        found = bundle_for(bearer(request), town, at)
    except Unseen:
        return unknown_device()
    lane = above(request, settings.LANE_PORT_OFFSET) or f"{request.scheme}://{request.get_host()}"
    body = found.body | {"lane": f"{lane}/gate/scans"}
    tag = f'"{sha256(canonical(body).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    return JsonResponse(body, headers={"ETag": tag})


@require_POST
@call
def appeal(request: HttpRequest, town: Installation, at: datetime) -> HttpResponse:
    """A refusal is objected to; sent again it is the same appeal."""
    try:
        device = device_of(bearer(request))
    except Unseen:
        return unknown_device()
    said = said_in(request, Objection)
    opened = open_appeal(device, seq=said.seq, words=said.words, phone=said.phone, by=SCANNER, at=at)
    within = duration("gate.appeal_within", on=at.date(), place_path=opened.place_path)
    return JsonResponse({"number": opened.dossier.number, "hours": round(within.total_seconds() / 3600)})


def unknown_device() -> HttpResponse:
    """The answer to a token that nobody holds, or holds no more: whoever shows it erases itself."""
    return JsonResponse({"said": both(T("设备未登记或已停用。", "This device is not enrolled, or was revoked."))}, status=401)


def bearer(request: HttpRequest) -> str:
    """The token that a request shows; empty when it shows none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def said_in(request: HttpRequest, form: type[Any]) -> Any:
    """The body of a request in the form asked for. Raises Refusal saying what is wrong with it."""
    try:
        if len(request.body) > MOST_BYTES:
            raise msgspec.DecodeError("too long")
        found = msgspec.json.decode(request.body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(T(f"格式不符：{error}", f"Not of the right form: {error}")) from None
    if any("\0" in text for text in msgspec.structs.astuple(found) if isinstance(text, str)):
        raise Refusal(T("所填内容含有空字符。", "What was sent holds a null character."))
    return found


@lru_cache(maxsize=1)
def _version() -> str:
    return version_of(MODULES, "scan/scan.html", everything())


def version_of(modules: Sequence[str], template: str, words: Any) -> str:
    """Of everything that a worker keeps: it changes when any of it does."""
    files = [STATIC / "offline/worker.js", *(STATIC / name for name in modules), STATIC.parent / "templates" / template]
    return sha256(b"".join(path.read_bytes() for path in files) + canonical(words).encode()).hexdigest()[:16]


urlpatterns = [
    path("scan", scanner, name="scan"),
    path("scan/worker.js", worker, name="scan_worker"),
    path("scan/manifest.json", manifest, name="scan_manifest"),
    path("scan/enrol", enrol, name="scan_enrol"),
    path("scan/bundle", bundle, name="scan_bundle"),
    path("scan/appeals", appeal, name="scan_appeals"),
]
