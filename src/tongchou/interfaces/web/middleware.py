"""What every page has: the reader's language and theme (two cookies) and the content security policy."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from tongchou.core.wording import Language, use_language

LANGUAGES: dict[str, str] = {"zh": "zh-hans", "en": "en"}
THEMES = ("system", "light", "dark")
A_YEAR_S = 365 * 86_400


class Page:
    """Sets `request.lang` and `request.theme`, speaks that language while the view runs, and adds the headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        lang = request.COOKIES.get("lang", "zh")
        theme = request.COOKIES.get("theme", "system")
        request.lang = lang if lang in LANGUAGES else "zh"  # type: ignore[attr-defined]
        request.theme = theme if theme in THEMES else "system"  # type: ignore[attr-defined]
        language = cast(Language, request.lang)  # type: ignore[attr-defined]
        with use_language(language), translation.override(LANGUAGES[language]):
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        response.headers.setdefault("Content-Language", LANGUAGES[language])
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        patch_vary_headers(response, ["Cookie"])
        return response


def policy(request: HttpRequest) -> str:
    """The content security policy: everything from this address, plus the live process and the lanes, which listen above."""
    offsets = (settings.LIVE_PORT_OFFSET, settings.LANE_PORT_OFFSET, settings.CREWS_PORT_OFFSET)
    beside = "".join(f" {address}" for offset in offsets if (address := above(request, offset)))
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self'{beside}; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


def above(request: HttpRequest, offset: int) -> str:
    """The address of a process that listens some ports above the pages; empty when the pages stand on no port that is told."""
    host, _, port = request.get_host().rpartition(":")
    return f"{request.scheme}://{host}:{int(port) + offset}" if host and port.isdigit() else ""


@require_POST
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language or theme in a cookie and go back to the page the form stood on."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    for name, allowed in (("lang", tuple(LANGUAGES)), ("theme", THEMES)):
        value = request.POST.get(name)
        if value in allowed:
            response.set_cookie(name, str(value), max_age=A_YEAR_S, samesite="Lax", secure=request.is_secure())
    return response
