"""The gallery of parts as a site of its own, for the tests of the look."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tongchou.interfaces.web.gallery import gallery
from tongchou.interfaces.web.middleware import set_preferences


def changes_since(request: HttpRequest) -> JsonResponse:
    """One change of the inbox, told once."""
    seq = int(request.GET["seq"])
    return JsonResponse({"seq": 1, "events": [] if seq else [{"topic": "inbox", "keys": [], "seq": 1}]})


urlpatterns = [
    path("gallery", gallery, name="gallery"),
    path("preferences", set_preferences, name="preferences"),
    path("live/since", changes_since),
]
