"""What is given to solve a difficulty at once: a permit to pass, shown as a code and on paper; a sampling site at the firm."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.cache import add_never_cache_headers

from tongchou.core.wording import T
from tongchou.domains.difficulties.actions_permits import PermitSpec
from tongchou.domains.difficulties.queries import seen_difficulty, seen_permit
from tongchou.interfaces.chance import random_holder
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_instant, read_whole
from tongchou.interfaces.web.qr import qr_inline
from tongchou.workflows.solving import permit, sample_at, shown_permit, take_back


@page("permit.issue", methods=("POST",))
def permit_new(request: Asked, number: str) -> HttpResponse:
    """Sign a permit on account of a difficulty, and show it."""
    given = request.POST
    words = {name: given.get(name, "") for name in ("subject", "phone", "purpose", "way")}
    spec = PermitSpec(**words, until_at=read_instant(request, "until_at"))
    made = permit(seen_difficulty(number, request.actor), spec, chance=random_holder, by=request.actor, at=request.at)
    messages.success(request, str(T("已签发。企业在自己的页面也能出示。", "Issued. The firm can show it from its own page too.")))
    return redirect("permit", made.pk)


@page("difficulty.read")
def permit_page(request: Asked, number: int) -> HttpResponse:
    """One permit, to be shown or printed."""
    found = seen_permit(number, request.actor)
    shown = shown_permit(found)
    holds = found.issued.revoked_at is None and found.issued.expires_at > request.at
    context = {
        "row": found, "head": found.difficulty.dossier, "qr": qr_inline(shown.text) if shown.text and holds else None, "holds": holds,
        "may_revoke": holds and request.actor.may("permit.issue", found.place_path),
    }  # fmt: skip
    response = render(request, "difficulties/permit.html", context)
    add_never_cache_headers(response)
    return response


@page("permit.issue", methods=("POST",))
def permit_revoke(request: Asked, number: int) -> HttpResponse:
    """Take a permit back."""
    take_back(seen_permit(number, request.actor), reason=request.POST.get("reason", ""), by=request.actor, at=request.at)
    messages.success(request, str(T("已收回，各道口一分钟内得知。", "Taken back; doors learn of it within a minute.")))
    return redirect("permit", number)


@page("testing.run", methods=("POST",))
def difficulty_sampling(request: Asked, number: str) -> HttpResponse:
    """Set up a sampling site at the firm."""
    given = request.POST
    booths, staff = (read_whole(name, given.get(name, "")[:4]) or 0 for name in ("booths", "staff"))
    found, begins, ends = seen_difficulty(number, request.actor), given.get("begins", ""), given.get("ends", "")
    sample_at(found, begins=begins, ends=ends, booths=booths, staff=staff, by=request.actor, at=request.at)
    messages.success(
        request,
        str(
            T(
                "采样点已设，公众页可见；结束后请在采样点页关闭。",
                "The site is set up and on the public page; close it on its own page when it ends.",
            )
        ),
    )
    return redirect("difficulty", number)


urlpatterns = [
    path("difficulties/<str:number>/permit", permit_new, name="permit_new"),
    path("difficulties/<str:number>/sampling", difficulty_sampling, name="difficulty_sampling"),
    path("permits/<int:number>", permit_page, name="permit"),
    path("permits/<int:number>/revoke", permit_revoke, name="permit_revoke"),
]
