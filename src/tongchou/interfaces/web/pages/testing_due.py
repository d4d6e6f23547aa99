"""Regular testing: key workers who are due within a day, who they are taken from, and a round for them."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.queries import post_by_code
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.actions import add_people, enlist_key_workers, plan_round
from tongchou.domains.testing.imports import read_people
from tongchou.domains.testing.models import KeyWorker
from tongchou.domains.testing.rules import GROUPS, REGULAR_EVERY
from tongchou.interfaces.web.page import Asked, page
from tongchou.workflows.regular_testing import key_workers_due
from tongchou.workflows.testing_rounds import listed_people

ROWS, AHEAD = 100, timedelta(days=1)


@page("testing.run", methods=("GET", "POST"))
def testing_due(request: Asked) -> HttpResponse:
    """Who is due, soonest first; a POST brings in a list of key workers, or plans a round for those due."""
    town = request.town.place
    given: dict[str, Any] = {"by": request.actor, "at": request.at}
    due = [n for scope in request.actor.scopes("testing.run") for n in key_workers_due(scope, request.at, request.at + AHEAD)]
    if request.method == "POST" and "round" in request.POST:
        if not due:
            raise Invalid([FieldProblem("people", T("没有人到期。", "Nobody is due."))])
        with transaction.atomic():
            title = T(f"重点人群{request.at.month}月{request.at.day}日", f"Key workers, {request.at.day} {request.at:%B}")
            owner = post_by_code(request.actor.posts[0].code)
            planned = plan_round(title=title, place=town, kind="list", pool_size=1, owner=owner, **given)
            add_people(testing_round=planned, people=[n.person for n in due], **given)
        return redirect("round", planned.dossier.number)
    if request.method == "POST":
        upload = request.FILES.get("file")
        listed = listed_people(read_people(upload.read() if upload else b"", with_group=True))
        groups, units = {who: row.group for who, row in listed.items()}, {who: row.unit for who, row in listed.items()}
        new = enlist_key_workers(people=groups, units=units, place=town, from_on=request.at.date(), **given)
        messages.success(request, str(T(f"新增重点人群 {new} 人次。", f"{new} key workers noted.")))
        return redirect("testing_due")
    page_obj = Paginator(due, ROWS).get_page(request.GET.get("page"))
    people = {
        r.pk: r for r in Resident.objects.filter(pk__in=[n.person for n in page_obj]).select_related("place").defer("id_number", "phone")
    }
    rule = values_on([REGULAR_EVERY], request.at.date(), town.path).get(REGULAR_EVERY)
    context = {
        "rows": [{"person": people[n.person], "group": GROUPS[n.due.group], "due": n.due.at} for n in page_obj], "page_obj": page_obj,
        "known": KeyWorker.objects.filter(to_on=None).count(), "rule": rule,
        "hours": [{"group": GROUPS[g], "hours": h} for g, h in rule.value.items() if g in GROUPS] if rule else [],
    }  # fmt: skip
    return render(request, "testing/due.html", context)


urlpatterns = [path("testing/due", testing_due, name="testing_due")]
