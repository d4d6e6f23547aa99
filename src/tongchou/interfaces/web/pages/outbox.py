"""Messages waiting, sent and dead; a dead one can be given another life."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.outbox.actions import retry_message
from tongchou.core.outbox.models import Message
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page

ROWS = 50


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
    context = {
        "topics": topics.order_by("topic"), "dead": Message.objects.exclude(dead_at=None)[:ROWS],
        "page_obj": Paginator(Message.objects.all(), ROWS).get_page(request.GET.get("page")), "may_retry": request.actor.may("outbox.retry"),
    }  # fmt: skip
    return render(request, "outbox/list.html", context)


urlpatterns = [path("outbox/", outbox, name="outbox")]
