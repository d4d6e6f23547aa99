"""Posters of doors to print: a few at once, many by the worker."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from tongchou.core.errors import Refusal, Unseen
from tongchou.core.wording import T
from tongchou.domains.gate.queries_doors import doors_for
from tongchou.interfaces.chance import random_token
from tongchou.interfaces.jobs.bulk_posters import MOST, ask_for_posters, jobs_of, poster_of, posters_file
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.posters import NAMES, SIZES, posters_pdf

AT_ONCE = 100  # a quarter of a second
LOOK_AGAIN_S = 2


def _wanted(request: Asked) -> tuple[str, str]:
    given = request.POST if request.method == "POST" else request.GET
    size = given.get("size", "a4")
    if size not in SIZES:
        raise Unseen("size")
    return size, given.get("q", "").strip()[:60]


def _base(request: Asked) -> str:
    return public_address(request, "/").rstrip("/")


@page("gate.read")
def door_posters(request: Asked) -> HttpResponse:
    """Posters of one door, or of all that a search finds; more than a hundred are asked for on the next page."""
    size, words = _wanted(request)
    rows = doors_for(request.actor, at=request.at, words=words)
    if code := request.GET.get("code", ""):
        rows = rows.filter(code=code)
    found = list(rows[: AT_ONCE + 1])
    if not found:
        raise Unseen("entrance")
    if len(found) > AT_ONCE:
        return redirect(f"{reverse('posters')}?{urlencode({'size': size, 'q': words})}")
    town, address = str(request.town.place.name), _base(request)
    return _pdf(posters_pdf([poster_of(door, town, address) for door in found], size), size)


@page("gate.read", methods=("GET", "POST"))
def posters(request: Asked) -> HttpResponse:
    """One's own jobs of the last day and how far they are; a new one."""
    size, words = _wanted(request)
    many = doors_for(request.actor, at=request.at, words=words).count()
    if request.method == "POST":
        if not many:
            raise Unseen("entrance")
        if many > MOST:
            raise Refusal(T(f"一次最多{MOST}张。", f"At most {MOST} posters at once."), T("请缩小范围。", "Narrow the search."))
        ask_for_posters(
            request.user, size, words, many, str(request.town.place.name), _base(request), random_token(), at=request.at
        )  # fmt: skip
        return redirect(f"{reverse('posters')}?{urlencode({'size': size, 'q': words})}")
    jobs = jobs_of(request.user, request.at)
    context = {
        "size": size,
        "said": NAMES[size],
        "q": words,
        "many": many,
        "jobs": [{"job": job, "said": NAMES[job.message.payload["size"]]} for job in jobs],
    }
    answer = render(request, "gate/posters.html", context)
    if any(job.state == "waiting" for job in jobs):
        answer.headers["Refresh"] = str(LOOK_AGAIN_S)
    return answer


@page("gate.read")
def posters_made(request: Asked, number: int) -> HttpResponse:
    """The file of one of one's own jobs."""
    content = posters_file(request.user, number, request.at)
    if content is None:
        raise Unseen("posters")
    return _pdf(content, str(number))


def _pdf(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="posters-{name}.pdf"'
    return answer


urlpatterns = [
    path("gate/posters.pdf", door_posters, name="door_posters"),
    path("gate/posters", posters, name="posters"),
    path("gate/posters/<int:number>.pdf", posters_made, name="posters_made"),
]
