"""The log: what was done, by whom, why; who read personal data; whether the chain holds."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.models import ChainHead, DailyRoot
from tongchou.core.audit.queries import accesses, entries_matching, verify_chain
from tongchou.core.wording import T
from tongchou.interfaces.retention import STATES, limit_at, look_everywhere
from tongchou.interfaces.web.page import Asked, page

ROWS = 50
TONES = {"ok": "ok", "old": "bad", "unseen": "warn", "kept": ""}


class _Counted(Paginator):  # type: ignore[type-arg]
    """The chain numbers its entries, so an unfiltered count needs no counting."""

    known: int | None = None

    @property
    def count(self) -> int:  # type: ignore[override]
        return self.known if self.known is not None else super().count


@page("audit.read", methods=("GET", "POST"))
def entries(request: Asked) -> HttpResponse:
    """Entries, latest first, by person, act or subject; POST verifies the whole chain."""
    if request.method == "POST":
        proof = verify_chain()
        if proof.problems:
            messages.error(request, str(T("记录链不完整：", "The chain is broken: ")) + "; ".join(proof.problems[:5]))
        else:
            messages.success(request, str(T(f"已核验 {proof.entries} 条，全部完好。", f"{proof.entries} entries verified, all intact.")))
        return redirect("audit")
    wanted = {name: request.GET.get(name, "").strip() for name in ("who", "act", "subject")}
    rows = entries_matching(**wanted).select_related("actor")
    head = ChainHead.objects.get(pk=1)
    paginator = _Counted(rows, ROWS)
    paginator.known = None if any(wanted.values()) else head.seq
    context = {
        "page_obj": paginator.get_page(request.GET.get("page")), "wanted": wanted, "head": head, "roots": DailyRoot.objects.order_by("-day")[:7],
    }  # fmt: skip
    return render(request, "audit/list.html", context)


@page("audit.read")
def access_list(request: Asked) -> HttpResponse:
    """Every reading of personal data with its purpose."""
    page_obj = Paginator(accesses(), ROWS).get_page(request.GET.get("page"))
    return render(request, "audit/accesses.html", {"page_obj": page_obj})


@page("audit.read")
def retention(request: Asked) -> HttpResponse:
    """Where scans older than their retention time were looked for, and what was found; what could not be looked at is named."""
    limit = limit_at(request.at, request.town.place.path)
    found = look_everywhere(limit, at=request.at) if limit else []
    rows = [{"looked": row, "state": STATES[row.state], "tone": TONES[row.state]} for row in found]
    context = {
        "limit": limit,
        "rows": rows,
        "old": sum(row.state == "old" for row in found),
        "unseen": sum(row.state == "unseen" for row in found),
    }
    return render(request, "audit/retention.html", context)


urlpatterns = [
    path("audit/", entries, name="audit"),
    path("audit/retention", retention, name="retention"),
    path("audit/accesses", access_list, name="accesses"),
]
