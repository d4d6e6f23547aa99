"""What changed since a point of the log, for pages that have no stream."""

from datetime import timedelta

from django.http import HttpResponse, JsonResponse
from django.urls import path

from tongchou.interfaces.changes import changes_after
from tongchou.interfaces.web.page import Asked, page

# A page asks every second and a half and knows no notice numbers: ten rounds back, so that a lost answer loses no notice.
NOTICES_BACK = timedelta(seconds=15)


@page("desk.read")
def since(request: Asked) -> HttpResponse:
    """The events after `seq`, as the stream would have told them."""
    asked = request.GET.get("seq", "")
    seq = int(asked) if asked.isdigit() else 0
    changes = changes_after(seq, notices_since=request.at - NOTICES_BACK)
    return JsonResponse({"seq": changes.seq, "events": changes.events_for(request.actor)}, headers={"Cache-Control": "no-store"})


urlpatterns = [path("live/since", since, name="live_since")]
