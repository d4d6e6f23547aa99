"""The programming interface: the same actions and queries as the pages, for programs and devices with a token."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import HttpBearer

from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.people.queries import actor_for_token
from tongchou.core.people.rules import Actor
from tongchou.interfaces import clock


class TokenAuth(HttpBearer):
    """`Authorization: Bearer …` with a token from the People page. The actor may never do more than the token's scopes."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        request.at = clock.now()  # type: ignore[attr-defined]
        try:
            return actor_for_token(token, request.at)  # type: ignore[attr-defined]
        except Unseen:
            return None


api = NinjaAPI(title="tongchou", version="1", auth=TokenAuth(), urls_namespace="api", docs_url=None)


@api.exception_handler(Refusal)
def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What was refused, in both languages, with every wrong field."""
    body: dict[str, object] = {"said": {"zh": refusal.said.zh, "en": refusal.said.en}}
    if refusal.remedy:
        body["remedy"] = {"zh": refusal.remedy.zh, "en": refusal.remedy.en}
    if isinstance(refusal, Invalid):
        body["problems"] = [{"field": p.field, "zh": p.said.zh, "en": p.said.en} for p in refusal.problems]
    return api.create_response(request, body, status=refusal.status)
