"""The follow-up list of a village, for a phone: who is to be asked today, one tap to call, and who is to be told that they were exposed."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.cache import add_never_cache_headers

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.exposures.models import Exposed, ExposureList
from tongchou.domains.exposures.queries import lists_to_tell
from tongchou.domains.gate.models import Holder
from tongchou.domains.tracing.actions_contacts import call_contact, check_contact
from tongchou.domains.tracing.queries import contacts_followed, follow_ups, seen_contact
from tongchou.domains.tracing.rules import CONTACT_KINDS
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.workflows.exposing import people_to_tell


@page("contact.follow")
def follow_up(request: Asked) -> HttpResponse:
    """Everybody under follow-up in one's places, those not asked today first."""
    rows = follow_ups(contacts_followed(request.actor), request.at.date())
    context = {
        "rows": rows, "kinds": CONTACT_KINDS, "left": sum(row.today is None for row in rows), "today": request.at.date(),
        "missed": sum(bool(row.missed) for row in rows), "to_tell": _to_tell(request),
    }  # fmt: skip
    return render(request, "tracing/follow_up.html", context)


def _to_tell(request: Asked) -> list[dict[str, Any]]:
    """Lists of exposed people with somebody of one's villages on them: how many, not who."""
    lists = {row.pk: row for row in lists_to_tell(request.at)}
    listed = Exposed.objects.filter(of__in=lists).exclude(change="kept").values_list("of_id", "holder")
    homes = {h.number: h.place for h in Holder.objects.filter(number__in={who for _, who in listed}).select_related("place")}
    counted = Counter((of, homes[who]) for of, who in listed if who in homes and request.actor.may("contact.follow", homes[who].path))
    return [{"list": lists[of], "place": place, "count": n} for (of, place), n in counted.items()]


@page("contact.follow", methods=("POST",))
def follow_up_check(request: Asked, pk: int) -> HttpResponse:
    """What a contact said today, or on an earlier day."""
    contact, given = seen_contact(pk, request.actor), request.POST
    text = given.get("temperature_c", "").strip().replace("，", ".").replace(",", ".")
    try:
        temperature = float(text) if text else None
    except ValueError:
        raise Invalid([FieldProblem("temperature_c", T("请填数字，如 36.6。", "Write a number, such as 36.6."))]) from None
    day = read_day("day", given.get("day", "")) or request.at.date()
    check_contact(contact, day=day, temperature_c=temperature, symptoms=given.get("symptoms", ""), by=request.actor, at=request.at)
    messages.success(request, str(T("已记录。", "Written down.")))
    return redirect(f"/follow-up/#contact-{pk}")


@page("contact.follow", methods=("POST",))
def follow_up_call(request: Asked, pk: int) -> HttpResponse:
    """The number as one large button to press: an Access whose purpose is the call."""
    contact = seen_contact(pk, request.actor)
    phone = call_contact(contact, by=request.actor, at=request.at)
    response = render(request, "tracing/call.html", {"contact": contact, "phone": phone})
    add_never_cache_headers(response)
    return response


@page("contact.follow", methods=("POST",))
def follow_up_tell(request: Asked, pk: int) -> HttpResponse:
    """Names, phones and the words for the people of one's village on a list: an Access."""
    row = ExposureList.objects.select_related("request__dossier").filter(pk=pk).first()
    place = Place.objects.filter(code=request.POST.get("place", ""), valid_to=None).first()
    if row is None or place is None or not request.actor.may("contact.follow", place.path):
        raise Unseen("list")
    people = people_to_tell(row, place=place, by=request.actor, at=request.at)
    response = render(request, "tracing/tell.html", {"list": row, "place": place, "people": people})
    add_never_cache_headers(response)
    return response


urlpatterns = [
    path("follow-up/", follow_up, name="follow_up"),
    path("follow-up/<int:pk>/check", follow_up_check, name="follow_up_check"),
    path("follow-up/<int:pk>/call", follow_up_call, name="follow_up_call"),
    path("follow-up/<int:pk>/tell", follow_up_tell, name="follow_up_tell"),
]
