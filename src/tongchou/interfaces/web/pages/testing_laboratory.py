"""The laboratory's page: boxes to be counted in, results by file or one by one."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.core.wording import T
from tongchou.domains.testing.actions_laboratory import Finding, carry_box, receive_box
from tongchou.domains.testing.imports import read_findings
from tongchou.domains.testing.models import Box, Custody, Result
from tongchou.domains.testing.queries import boxes_seen
from tongchou.domains.testing.rules import RESULTS
from tongchou.interfaces.web.page import Asked, page
from tongchou.workflows.testing_rounds import Taken, take_results

ROWS, SHOWN = 20, 200
STEPS = {"packed": T("装箱", "packed"), "carried": T("转交", "carried on"), "received": T("接收", "received")}


@page("testing.laboratory", methods=("GET", "POST"))
def laboratory(request: Asked) -> HttpResponse:
    """Boxes under way first, each with its chain; a POST is a file of results."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        upload = request.FILES.get("file")
        try:
            findings = read_findings(upload.read() if upload else b"", ZoneInfo(request.town.zone))
            _tell(request, take_results(findings, source="file", by=request.actor, at=request.at))
            return redirect("laboratory")
        except FileRefused as refusal:
            context = {"refusal": refusal, "problems": refusal.problems[:SHOWN], "problem_count": len(refusal.problems)}
    page_obj = Paginator(boxes_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    chains: dict[int, list[dict[str, Any]]] = {}
    for link in Custody.objects.filter(box__in=list(page_obj)):
        chains.setdefault(link.box_id, []).append({"link": link, "step": STEPS[link.step]})
    latest = (
        Result.objects.filter(tube__box__in=boxes_seen(request.actor).order_by().values("pk")).select_related("tube").order_by("-pk")[:10]
    )
    context |= {
        "page_obj": page_obj, "rows": [{"box": box, "chain": chains.get(box.pk, [])} for box in page_obj], "results": list(RESULTS.items()),
        "latest": [{"result": r, "word": RESULTS[r.value]} for r in latest],
    }  # fmt: skip
    return render(request, "testing/laboratory.html", context, status=422 if context.get("problem_count") else 200)


@page("testing.laboratory", methods=("POST",))
def laboratory_result(request: Asked) -> HttpResponse:
    """One result typed in; tested now."""
    given = request.POST
    finding = Finding(given.get("code", "").strip(), given.get("value", ""), request.at, given.get("reason", ""))
    _tell(request, take_results([finding], source="page", by=request.actor, at=request.at))
    return redirect("laboratory")


@page("testing.sample", methods=("POST",))
def box_step(request: Asked, number: int, step: str) -> HttpResponse:
    """Carry a box on, or count it in."""
    box = boxes_seen(request.actor).filter(pk=number).first()
    if box is None:
        raise Unseen("box")
    text = request.POST.get("tube_count", "")
    if not text.isdecimal() or len(text) > 6:
        raise Invalid([FieldProblem("tube_count", T("请填点得的管数。", "Give the tubes counted."))])
    _take_over(box, step, request, int(text))
    messages.success(request, f"{box.number} {STEPS['received' if step == 'receive' else 'carried']}")
    return redirect("laboratory")


def _take_over(box: Box, step: str, request: Asked, count: int) -> None:
    do = receive_box if step == "receive" else carry_box
    do(box, holder=request.POST.get("holder", ""), tube_count=count, note=request.POST.get("note", ""), by=request.actor, at=request.at)


def _tell(request: Asked, taken: Taken) -> None:
    said = T(
        f"新收 {len(taken.new)} 条；阳性混管召回 {len(taken.called_back)} 起，单采阳性 {len(taken.single_positives)} 例。",
        f"{len(taken.new)} new; pools called back: {len(taken.called_back)}, positive alone: {len(taken.single_positives)}.",
    )
    (messages.warning if taken.called_back or taken.single_positives else messages.success)(request, str(said))


urlpatterns = [
    path("testing/laboratory", laboratory, name="laboratory"),
    path("testing/laboratory/result", laboratory_result, name="laboratory_result"),
    *(path(f"testing/boxes/<int:number>/{step}", box_step, {"step": step}, name=f"box_{step}") for step in ("carry", "receive")),
]
