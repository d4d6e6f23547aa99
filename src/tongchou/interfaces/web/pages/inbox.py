"""What waits for this person: alarms to decide, tasks by their clock, notices. Made for a phone held in one hand."""

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.casework.models import Dossier
from tongchou.core.outbox.models import Notice
from tongchou.core.outbox.queue import mark_read
from tongchou.core.wording import T
from tongchou.domains.response.queries import InboxRow, inbox_rows
from tongchou.domains.response.rules import ACCEPT_WITHIN, REPORT_WITHIN
from tongchou.domains.warning.rules import ACKNOWLEDGE
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.story import ADDRESSES, MACHINES, address_of, state_of

ROWS, NOTICES = 50, 20
# Steps offered as one tap, in the order of a task's life.
ONE_TAP = {"new": "accept", "returned": "accept", "accepted": "start"}

# A clock that is not the dossier's own deadline says what it is for.
CLOCK_IS_FOR = {
    ACCEPT_WITHIN: T("接收时限", "accept by then"),
    REPORT_WITHIN: T("上报时限", "report by then"),
    ACKNOWLEDGE: T("签收时限", "acknowledge by then"),
}


@page("task.work")
def inbox(request: Asked) -> HttpResponse:
    """Rows by kind, soonest clock first."""
    if request.GET.get("fragment") == "count":
        return render(request, "inbox/count.html")
    rows = [row for row in inbox_rows(request.actor) if row.dossier.kind in ADDRESSES]
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    pages = Paginator([r for r in rows if r.dossier.kind == "task"], ROWS).get_page(request.GET.get("page"))
    for row in pages:
        kinds["task"].append(_shown(row, request))
    for row in rows:
        if row.dossier.kind != "task":
            kinds[row.dossier.kind].append(_shown(row, request))
    late = sum(1 for row in rows if row.clock is not None and row.clock.due_at < request.at)
    context = {
        "alarms": kinds["alarm"],
        "tasks": kinds["task"],
        "incidents": kinds["incident"],
        "others": [(MACHINES[kind].label, shown) for kind, shown in kinds.items() if kind not in {"alarm", "task", "incident"}],
        "page_obj": pages,
        "how_many": len(rows),
        "late": late,
        "notices": [_notice(n) for n in Notice.objects.filter(user=request.user).select_related("dossier")[:NOTICES]],
        "unread": Notice.objects.filter(user=request.user, read_at=None).count(),
    }
    if request.GET.get("fragment") == "inbox":
        return render(request, "inbox/_inbox.html", context)
    return render(request, "inbox/inbox.html", context)


def _shown(row: InboxRow, request: Asked) -> dict[str, Any]:
    head = row.dossier
    step = ONE_TAP.get(head.state) if head.kind == "task" else None
    return {
        "number": head.number,
        "title": head.title,
        "url": address_of(head),
        "grade": head.grade,
        "place": head.place,
        "state": state_of(head),
        "due_at": row.clock.due_at if row.clock else None,
        "is_late": row.clock is not None and row.clock.due_at < request.at,
        "clock_is_for": CLOCK_IS_FOR.get(row.clock.key) if row.clock else None,
        "is_exercise": head.is_exercise,
        "is_escalated_away": row.is_escalated_away,
        "step": step,
        "step_label": next((s.label for s in MACHINES["task"].steps if s.name == step), None),
    }


def _notice(row: Notice) -> dict[str, Any]:
    dossier: Dossier | None = row.dossier
    return {
        "at": row.created_at,
        "title": T(row.text_zh, row.text_en),
        "url": address_of(dossier) if dossier and dossier.kind in ADDRESSES else None,
        "tone": "" if row.read_at else "warn",
    }


@page("task.work", methods=("POST",))
def read_notices(request: Asked) -> HttpResponse:
    """All notices seen."""
    count = mark_read(request.user.pk, at=request.at)
    messages.success(request, str(T(f"{count} 条提醒已读。", f"{count} notices marked read.")))
    return redirect("inbox")


urlpatterns = [path("inbox/", inbox, name="inbox"), path("inbox/read", read_notices, name="read_notices")]
