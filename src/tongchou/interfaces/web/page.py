"""`@page`: who asks, at what time, and how a refusal is shown. Every view of the pages is one."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.people.models import User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.interfaces import clock

View = Callable[..., HttpResponse]


class Asked(HttpRequest):
    """A request of a signed-in person, with the actor they are and the present of this installation."""

    user: User
    actor: Actor
    at: datetime
    town: Installation


def page(needs: str, *, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """A view for people who hold the capability somewhere; the view itself narrows by place.

    Refusals become pages: 404 for what one may not see, otherwise the message is shown where the person came from and nothing has changed.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def run(request: Asked, *args: Any, **kwargs: Any) -> HttpResponse:
            town = installation()
            if town is None:
                return render(request, "not_installed.html", status=503)
            request.at, request.town = clock.now().astimezone(ZoneInfo(town.zone)), town
            request.actor = actor_for(request.user, request.at)
            timezone.activate(town.zone)
            if request.method not in (*methods, "HEAD", "OPTIONS"):
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            try:
                _refuse_null(request)
                if not request.actor.posts:
                    raise WithoutPost
                if not request.actor.may(needs):
                    raise Unseen(needs)
                return view(request, *args, **kwargs)
            except Refusal as refusal:
                return _refuse(request, refusal)

        return run

    return decorate


def _refuse_null(request: Asked) -> None:
    """No page has a use for the null character, and PostgreSQL cannot keep it."""
    if "\0" in request.path:
        raise Unseen("page")
    given = (request.GET, request.POST) if request.method == "POST" else (request.GET,)
    if any("\0" in text for fields in given for texts in fields.lists() for text in texts[1]):
        raise Refusal(
            T("所填内容含有空字符。", "What was sent holds a null character."), T("请删去后重新提交。", "Remove it and send it again.")
        )


class WithoutPost(Refusal):
    """Signed in, and in no post now: every page would be "not found", and nobody would know why."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            T("您现在没有在任岗位，还不能办事。", "You hold no post at this time, so there is nothing to work on yet."),
            T("请管理员在“人员”页为您安排岗位。", "Ask an administrator to give you one on the People page."),
        )


def _refuse(request: Asked, refusal: Refusal) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        problems = [{"field": p.field, "said": str(p.said)} for p in refusal.problems] if isinstance(refusal, Invalid) else []
        return JsonResponse({"said": str(refusal), "problems": problems}, status=refusal.status)
    if request.method == "POST" and not isinstance(refusal, Unseen):
        messages.error(request, str(refusal))
        return redirect(came_from(request))
    return render(request, "refused.html", {"refusal": refusal}, status=refusal.status)


def came_from(request: HttpRequest, otherwise: str = "/") -> str:
    """The page of ours the person came from: the `next` field, else the referrer, never another site."""
    for address in (request.POST.get("next"), request.headers.get("Referer")):
        if address and url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
            return address
    return otherwise
