"""The desk: what waits for a decision, and epidemic, economy and safety of the town (or of one village) side by side."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.desk_lines import economy_part, epidemic_part, safety_part
from tongchou.interfaces.web.pages.desk_now import banner_part, kpis_part, now_part
from tongchou.interfaces.web.pages.desk_reading import Desk, link

PARTS = {
    "banner": (banner_part, "desk/_banner.html"),
    "kpis": (kpis_part, "desk/_kpis.html"),
    "now": (now_part, "desk/_now.html"),
    "epidemic": (epidemic_part, "desk/_epidemic.html"),
    "economy": (economy_part, "desk/_economy.html"),
    "safety": (safety_part, "desk/_safety.html"),
}


@page("desk.read")
def desk(request: Asked) -> HttpResponse:
    """The whole desk, or one part of it for a page that listens."""
    read = Desk(request)
    context: dict[str, Any] = {"desk": read}
    fragment = request.GET.get("fragment", "")
    if fragment in PARTS:
        part, template = PARTS[fragment]
        return render(request, template, context | part(read))
    for part, _ in PARTS.values():
        context |= part(read)
    if not read.is_town:
        context |= {
            "alarms_here_url": link("alarms", place=read.place.code),
            "sentinels_here_url": link("sentinels", place=read.place.code),
        }
    return render(request, "desk/desk.html", context)


urlpatterns = [path("", desk, name="desk")]
