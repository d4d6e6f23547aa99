"""How far work has come back and what holds it up; files of evidence; the white lists."""

from datetime import date
from typing import Any

import numpy as np
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.resumption import queries
from tongchou.domains.resumption.actions import keep_white_list
from tongchou.domains.resumption.rules import FILE, KINDS, SOURCES
from tongchou.interfaces.web.chart_parts import Chart
from tongchou.interfaces.web.chart_recovery import recovery_chart
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.interfaces.web.story import state_of
from tongchou.workflows import recovering, resuming

LIST, EVIDENCE = "resumption.list", "resumption.evidence"
STUCK = 20


@page(queries.READ)
def resumption(request: Asked) -> HttpResponse:
    """The two rates, where they go, what holds them up, and firms whose filing and evidence disagree; the whole town, as on the desk."""
    path, today, by = request.town.place.path, request.at.date(), request.GET.get("by", "sector")
    by = by if by in recovering.BY else "sector"
    seen = recovering.picture(path, today)
    whole, *groups = recovering.rates(seen, by, {place.pk: place.name for place in places_below(path)})
    waiting = recovering.stuck(request.actor.scopes(queries.READ))
    odd = recovering.disagreements(seen) if request.actor.may("register.read", path) else []
    context = {
        "by": by, "ways": list(recovering.BY.items()), "whole": whole, "groups": groups, "kpis": _kpis(whole), "sources": list(SOURCES.items()),
        "chart": _chart(path, today, whole.full), "counts": queries.filing_counts(request.actor),
        "stuck": [{"one": one, "state": state_of(one.filing.dossier)} for one in waiting[:STUCK]], "stuck_count": len(waiting),
        "unblocking": recovering.unblocking(waiting), "odd": odd,
        "may_file": request.actor.may(FILE), "may_list": request.actor.may(LIST, path), "may_read_in": request.actor.may(EVIDENCE, path),
        "waiting": queries.checks_seen(request.actor).count(),
    }  # fmt: skip
    return render(request, "resumption/resumption.html", context)


def _kpis(whole: recovering.Rate) -> list[dict[str, Any]]:
    power = whole.evidence.get("electricity")
    shown = power[0] if power else None
    known = shown.seen if shown else 0
    span = (
        T(f"用电推算 {shown.low:.0%}–{shown.high:.0%}", f"by power {shown.low:.0%}–{shown.high:.0%}")
        if shown and shown.low is not None
        else None
    )
    return [
        {"label": T("复工率（申报）", "At work, as filed"), "value": f"{whole.at_work:.1%}", "note": span},
        {"label": T("达产率（申报）", "At full capacity, as filed"), "value": f"{whole.full:.1%}"},
        {"label": T("企业", "Firms"), "value": f"{whole.firms:,}", "note": T(f"有用电读数 {known:,} 家", f"{known:,} with power read")},
    ]  # fmt: skip


def _chart(path: str, today: date, full_now: float) -> Chart | None:
    # The same day gives the same figure: the stream of chance is that of the day.
    found = recovering.ahead(path, today, np.random.default_rng(today.toordinal()))
    if found is None:
        return None
    last = found.forecast.at_work[:, -1]
    summary = T(
        f"{recovering.AHEAD_DAYS} 天后复工率预计 {last[2]:.0%}（九成把握 {last[0]:.0%}–{last[4]:.0%}）。"
        + ("达产备案还太少，达产率按不变画。" if "full" in found.too_thin else ""),
        f"In {recovering.AHEAD_DAYS} days {last[2]:.0%} at work (nine in ten: {last[0]:.0%}–{last[4]:.0%})."
        + (" Too few filings of full capacity: that rate is drawn as it stands." if "full" in found.too_thin else ""),
    )
    return recovery_chart(
        found.past_days, found.past, full_now, found.days, found.forecast.at_work, found.forecast.full,
        title=T("复工率、达产率和未来两周", "At work and at full capacity, two weeks ahead"), summary=summary,
    )  # fmt: skip


@page(EVIDENCE, methods=("GET", "POST"))
def readings(request: Asked) -> HttpResponse:
    """Bring in a file of power, gate or invoices."""
    refused = None
    if request.method == "POST":
        try:
            file = request.FILES.get("file")
            if file is None:
                raise Invalid([FieldProblem("file", T("请选择文件。", "Choose a file."))])
            count = resuming.keep_file(file.read(), file.name or "", request.town.place, by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            messages.success(request, str(T(f"已导入 {count} 条。", f"{count} readings kept.")))
            return redirect("resumption")
    problems = list(refused.problems) if isinstance(refused, FileRefused) else []
    context = {"refused": refused, "problems": problems, "sources": list(SOURCES.values())}
    return render(request, "resumption/readings.html", context, status=422 if refused else 200)


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
    path("resumption/readings", readings, name="readings"),
    path("resumption/white-list", white_list, name="white_list"),
]
