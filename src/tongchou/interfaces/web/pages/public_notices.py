"""What everybody may read: venues and hours at which somebody confirmed was there, and what to do. Nothing of any person."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.core.parameters.queries import values_on
from tongchou.core.wording import T
from tongchou.domains.exposures.queries import notices_shown
from tongchou.domains.exposures.rules import ADVICE
from tongchou.interfaces.web.public_page import Visited, public_page

KEPT_S = 60  # a notice taken down is gone a minute later


@public_page(for_s=KEPT_S)
def public_notices(request: Visited) -> HttpResponse:
    """Notices shown today, latest first."""
    town, at = request.town, request.at
    advice = values_on([ADVICE], at.date(), town.place.path).get(ADVICE)
    context = {"town": town, "now": at, "notices": notices_shown(at.date())}
    if advice:
        context |= {"do": T(**advice.value["do"]), "hours": advice.value["within_hours"], "call": T(**advice.value["call"])}
    return render(request, "exposures/public.html", context)


urlpatterns = [path("public/notices", public_notices, name="public_notices")]
