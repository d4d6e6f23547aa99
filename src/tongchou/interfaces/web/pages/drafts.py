"""Drafts of warning for one alarm: read them, and take one out as text or PDF. Nothing is sent; what is taken stands in the log."""

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.http import content_disposition_header

from tongchou.core.errors import Unseen
from tongchou.core.wording import current_language
from tongchou.domains.warning.queries import seen_alarm
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.typeset import typeset
from tongchou.workflows.draft_text import KINDS, Draft
from tongchou.workflows.drafting import drafts_for, take

FORMS = ("copy", "text", "pdf")


@page("alarm.read", methods=("GET", "POST"))
def drafts(request: Asked, number: str) -> HttpResponse:
    """The drafts proper to an alarm's grade; a POST takes one out as `form` says and is recorded."""
    alarm = seen_alarm(number, request.actor)
    found = drafts_for(alarm, request.town.place, request.actor, request.at.astimezone(ZoneInfo(request.town.zone)).date())
    asked = request.POST if request.method == "POST" else request.GET
    kind, form = asked.get("kind") or next(iter(found.kinds), ""), request.POST.get("form", "")
    if (kind and kind not in found.kinds) or (request.method == "POST" and form not in FORMS):
        raise Unseen("draft")
    draft = found.draft(kind) if kind else None
    if draft is not None and form:
        draft = take(alarm, found, kind, form, by=request.actor, at=request.at)
        if form != "copy":
            return _file(draft, form, number)
    context = {
        "alarm": alarm, "head": alarm.dossier, "draft": draft, "kinds": [(k, name, k in found.kinds) for k, name in KINDS.items()],
        "taken": draft.text(current_language()) if draft is not None and form == "copy" else "",
        "may_take": request.actor.may("alarm.acknowledge", alarm.dossier.place.path),
    }  # fmt: skip
    return render(request, "alarms/drafts.html", context)


def _file(draft: Draft, form: str, number: str) -> HttpResponse:
    lang = current_language()
    content, kind = (draft.text(lang).encode(), "text/plain; charset=utf-8") if form == "text" else (as_pdf(draft, lang), "application/pdf")
    answer = HttpResponse(content, content_type=kind)
    name = f"{number}-{draft.title}.{'txt' if form == 'text' else 'pdf'}"
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    answer.headers["Cache-Control"] = "no-store"
    return answer


_DESIGN = """#set page(paper: "a4", margin: 42pt)
#set text(size: 12pt)
#text(size: 17pt, weight: "bold", data.title)
#for line in data.lines {
  if line in data.headings { block(above: 1.6em, sticky: true, strong(line)) } else { par(line) }
}
"""


def as_pdf(draft: Draft, lang: str) -> bytes:
    """The draft on A4."""
    title, *lines = draft.text(lang).splitlines()
    return typeset(_DESIGN, {"title": title, "lines": lines, "headings": [getattr(heading, lang) for heading, _ in draft.parts]})


urlpatterns = [path("alarms/<str:number>/drafts", drafts, name="alarm_drafts")]
