"""Messages waiting, sent and dead; a dead one can be given another life."""

from collections.abc import Mapping

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.outbox.actions import retry_message
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.rules import OUTCOMES
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page

ROWS = 50
# What each topic of jobs.handlers.HANDLERS brings, in words.
TOPICS: Mapping[str, T] = {
    "mail": T("邮件", "E-mail"),
    "gate.posters": T("批量海报", "Posters in bulk"),
    "testing.results": T("检测结果交给通行码", "Test results to passes"),
    "task.remind": T("任务到期提醒", "Reminder of a task"),
    "stream.silent": T("数据失联提醒", "Notice of a silent stream"),
    "watch.morning": T("晨间研判", "Morning reading"),
}


def _told(message: Message) -> dict[str, object]:
    said = OUTCOMES.get(message.outcome, T(message.outcome, message.outcome))
    return {
        "message": message,
        "topic": TOPICS.get(message.topic, message.topic),
        "outcome": said,
        "was_sent": message.outcome in ("", "sent"),
    }


@page("outbox.read", methods=("GET", "POST"))
def outbox(request: Asked) -> HttpResponse:
    """Counts by topic, dead letters first, then the latest."""
    if request.method == "POST":
        asked = request.POST.get("message", "")
        message = Message.objects.filter(pk=asked).first() if asked.isdecimal() else None
        if message is None:
            raise Unseen("message")
        retry_message(message, by=request.actor, at=request.at)
        messages.success(request, str(T("已重新排队。", "Back in the queue.")))
        return redirect("outbox")
    topics = Message.objects.values("topic").annotate(
        waiting=Count("pk", filter=Q(done_at=None, dead_at=None)), done=Count("pk", filter=~Q(done_at=None)), dead=Count("pk", filter=~Q(dead_at=None))
    )  # fmt: skip
    page_obj = Paginator(Message.objects.all(), ROWS).get_page(request.GET.get("page"))
    context = {
        "topics": [{**row, "name": TOPICS.get(row["topic"], row["topic"])} for row in topics.order_by("topic")],
        "dead": [_told(m) for m in Message.objects.exclude(dead_at=None)[:ROWS]], "dead_count": Message.objects.exclude(dead_at=None).count(),
        "page_obj": page_obj, "rows": [_told(m) for m in page_obj], "may_retry": request.actor.may("outbox.retry"),
    }  # fmt: skip
    return render(request, "outbox/list.html", context)


urlpatterns = [path("outbox/", outbox, name="outbox")]
