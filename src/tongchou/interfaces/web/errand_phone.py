"""A phone sent on an errand: a page that works without a network, what makes it installable, and a permission of its own that ends by itself.

The page is the same for everybody, with nothing of anybody in it; what it takes along it asks for with its permission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from tongchou.core.audit.chain import canonical
from tongchou.core.errors import Unseen
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import Token
from tongchou.core.people.queries import actor_for_token, token_behind
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked
from tongchou.interfaces.web.pages.scan import bearer, manifest_of, modules_in, version_of, worker_for
from tongchou.interfaces.web.scan_words import both

HOLDS = timedelta(hours=36)  # a day out and the night after it; assumption
ENDED = T("本机授权已到期或被停用。", "This phone's permission has ended.")


@dataclass(frozen=True)
class ErrandPhone:
    """One such page. `home`: its address, and its folder of static files without the slash; `policy`: what the browser may use (Permissions-Policy)."""

    home: str
    template: str
    title: T
    words: Mapping[str, T]
    scopes: tuple[str, ...]
    policy: str

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        return (*modules_in("offline", self.home[1:]), "gate/scan.svg")

    @cached_property
    def _said(self) -> Mapping[str, object]:
        return {"words": {key: both(said) for key, said in self.words.items()}}

    @cached_property
    def _version(self) -> str:
        return version_of(self._modules, self.template, self._said)

    def page(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        answer = render(request, self.template, {"everything": self._said})
        answer.headers["Permissions-Policy"] = self.policy
        return answer

    def worker(self, request: HttpRequest) -> HttpResponse:
        """The service worker, told which files make up this version of the page."""
        return worker_for(self.home, [f"{self.home}/manifest.json"], self._modules, self._version)

    def manifest(self, request: HttpRequest) -> HttpResponse:
        """What makes it installable."""
        return manifest_of(self.home, self.title)

    def trust(self, request: Asked, name: T) -> HttpResponse:
        """A permission of this phone, in the name of whoever is signed in, for a day."""
        by = system_actor(f"phones at {self.home}")
        token = issue_token(
            user=request.user, name=str(name), scopes=self.scopes, expires_at=request.at + HOLDS, by=by, at=request.at
        )  # fmt: skip
        answer = JsonResponse({"token": token, "who": {"number": request.user.pk, "name": both(request.user.name)}})
        answer.headers["Cache-Control"] = "no-store"
        return answer


def trusted(request: HttpRequest, at: datetime) -> tuple[Actor, Token] | None:
    """Who sent the phone, and its permission; none when that is over."""
    try:
        return actor_for_token(bearer(request), at), token_behind(bearer(request), at)
    except Unseen:
        return None


def permission_over() -> HttpResponse:
    """The answer to a phone whose permission is over: it erases what it took along."""
    return JsonResponse({"said": both(ENDED)}, status=401)


def tag_of(body: Any) -> str:
    """By which a phone knows that it has this already."""
    return f'"{sha256(canonical(body).encode()).hexdigest()[:32]}"'
