"""`@public_page`: a page for everybody, without signing in: nothing personal, no cookie needed, kept by caches for a while."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control

from tongchou.core.errors import Refusal
from tongchou.core.places.models import Installation
from tongchou.core.places.queries import installation
from tongchou.interfaces import clock


class Visited(HttpRequest):
    """A request of anybody, with the present of this installation."""

    at: datetime
    town: Installation


def public_page(*, for_s: int) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A view for everybody; browsers and proxies may keep its answer for `for_s` seconds. Only GET.

    The view gives a template's answer through `render`; it must show nothing about a person. An answer that says itself how long it may be
    kept is left so.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def run(request: Visited, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                return HttpResponse(status=405, headers={"Allow": "GET"})
            town = installation()
            if town is None:
                return render(request, "not_installed.html", status=503)
            request.at, request.town = clock.now().astimezone(ZoneInfo(town.zone)), town
            timezone.activate(town.zone)
            try:
                response = view(request, *args, **kwargs)
            except Refusal as refusal:
                return render(request, "public/refused.html", {"town": town, "now": request.at, "refusal": refusal}, status=refusal.status)
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, public=True, max_age=for_s)
            return response

        return run

    return decorate
