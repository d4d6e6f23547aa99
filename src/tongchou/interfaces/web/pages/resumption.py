"""How far work has come back, and the white lists."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.wording import T
from tongchou.domains.resumption import queries
from tongchou.domains.resumption.actions import keep_white_list
from tongchou.domains.resumption.rules import FILE, KINDS
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.workflows import resuming

LIST = "resumption.list"


@page(queries.READ)
def resumption(request: Asked) -> HttpResponse:
    """Who is stuck, who waits to be looked at."""
    counts = queries.filing_counts(request.actor)
    context = {
        "counts": counts, "may_file": request.actor.may(FILE), "may_list": request.actor.may(LIST, request.town.place.path),
        "waiting": queries.checks_seen(request.actor).count(),
    }  # fmt: skip
    return render(request, "resumption/resumption.html", context)


@page(LIST, methods=("GET", "POST"))
def white_list(request: Asked) -> HttpResponse:
    """The white lists in force, and a form that keeps a batch: a line a firm (credit code, people) or site (number, people)."""
    given, refused, town = request.POST, None, request.town.place
    if request.method == "POST":
        try:
            kind = given.get("kind", "firm")
            lines = resuming.lines_of_codes(kind, _lines(given.get("lines", "")), request.actor)
            count = keep_white_list(
                kind=kind, lines=lines, batch=given.get("batch", ""), source=given.get("source", ""), place=town, by=request.actor,
                at=request.at, from_on=read_day("from_on", given.get("from_on", "")) or request.at.date(),
                to_on=read_day("to_on", given.get("to_on", "")),
            )  # fmt: skip
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            messages.success(request, str(T(f"已写入 {count} 行。", f"{count} lines kept.")))
            return redirect("white_list")
    context = {
        "rows": queries.white_list_on(request.at.date(), town.path), "kinds": [(k, KINDS[k]) for k in ("firm", "site")], "given": given,
        "refused": refused, "today": request.at.date(),
    }  # fmt: skip
    return render(request, "resumption/white_list.html", context, status=422 if refused else 200)


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        code, _, people = line.replace("，", ",").replace("\t", ",").partition(",")
        if people.strip() and not people.strip().isdecimal():
            raise Invalid([FieldProblem("lines", T(f"第 {number} 行：人数只填数字。", f"Line {number}: people in digits only."))])
        found[code.strip().upper()] = int(people or 0)
    return found


urlpatterns = [
    path("resumption/", resumption, name="resumption"),
    path("resumption/white-list", white_list, name="white_list"),
]
