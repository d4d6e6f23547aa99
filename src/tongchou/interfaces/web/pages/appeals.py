"""Appeals against refusals at doors: the list, one appeal, and the decision."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.casework.models import Deadline
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.wording import T
from tongchou.domains.gate.actions_appeals import decide_appeal
from tongchou.domains.gate.queries import appeals_for, seen_appeal
from tongchou.domains.gate.rules import APPEAL, REASONS
from tongchou.interfaces.web.page import Asked, page
from tongchou.workflows.suspending import behind_appeal

TONES: Mapping[str, str] = {"open": "warn", "upheld": "ok", "rejected": ""}


@page("gate.read")
def appeals(request: Asked) -> HttpResponse:
    """Those that wait, then the decided."""
    rows = [
        {"appeal": a, "state": APPEAL.states[a.dossier.state], "tone": TONES[a.dossier.state], "reason": REASONS[a.reason][0]}
        for a in appeals_for(request.actor)
    ]
    return render(request, "appeals/list.html", {"rows": rows})


@page("gate.read", methods=("GET", "POST"))
def appeal(request: Asked, number: str) -> HttpResponse:
    """One appeal; a POST decides it. The phone is not shown here."""
    found = seen_appeal(number, request.actor)
    if request.method == "POST":
        decision = request.POST.get("decision")
        if decision not in {"uphold", "reject"}:
            raise Invalid([FieldProblem("decision", T("请选择“申诉成立”或“维持原判”。", "Choose Uphold or Reject."))])
        decide_appeal(found, upheld=decision == "uphold", answer=request.POST.get("answer", ""), by=request.actor, at=request.at)
        messages.success(request, str(T("已答复。", "Answered.")))
        return redirect("appeal", number)
    head = found.dossier
    context = {
        "appeal": found, "head": head, "state": APPEAL.states[head.state], "tone": TONES[head.state], "reason": REASONS[found.reason][0],
        "due_at": Deadline.objects.filter(dossier=head, stopped_at=None).values_list("due_at", flat=True).first(),
        "may_decide": head.closed_at is None and request.actor.may("appeal.decide", head.place.path),
    }  # fmt: skip
    if found.reason == "suspended" and request.actor.may("suspension.read", head.place.path):
        context["suspensions"] = behind_appeal(found, request.at)
    return render(request, "appeals/appeal.html", context)


urlpatterns = [path("appeals/", appeals, name="appeals"), path("appeals/<str:number>", appeal, name="appeal")]
