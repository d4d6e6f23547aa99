"""The programming interface: the same actions and queries as the pages, for programs and devices with a token."""

import json
import re
from contextlib import suppress
from typing import Any

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer

from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.people.queries import actor_for, token_behind
from tongchou.core.people.rules import Actor
from tongchou.core.people.tokens import keep_last_use
from tongchou.core.wording import T
from tongchou.interfaces import clock
from tongchou.interfaces.api.faults import FAULTS, MALFORMED, UNKNOWN_TOKEN, problems_of
from tongchou.interfaces.api.wording import pair

_NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class TokenAuth(HttpBearer):
    """`Authorization: Bearer …` with a token from the People page. The actor may never do more than the token's scopes."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        if "\0" in request.path:
            raise Http404
        request.at = clock.local_now()  # type: ignore[attr-defined]
        try:
            held = token_behind(token, request.at)  # type: ignore[attr-defined]
        except Unseen:
            return None
        with suppress(DatabaseError):  # a full disk stops writing, not reading
            keep_last_use(held, at=request.at)  # type: ignore[attr-defined]
        return actor_for(held.user, request.at, only=frozenset(held.scopes))  # type: ignore[attr-defined]


class PlainParser(Parser):
    """Takes no text and no number that a database cannot keep: PostgreSQL knows no null character, JSON no infinity."""

    def parse_body(self, request: HttpRequest) -> Any:
        found = json.loads(request.body)
        written = json.dumps(found, ensure_ascii=False, allow_nan=False)
        written.encode()  # half a surrogate pair is no text
        if _NULL.search(written):
            raise ValueError("null character")
        return found

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> Any:
        # Uploaded files pass here too: they may hold any byte, and looking into one would read it empty.
        if any(isinstance(value, str) and "\0" in value for _, values in data.lists() for value in values):
            raise HttpError(400, "null character")
        return super().parse_querydict(data, list_fields, request)


class TownAPI(NinjaAPI):
    """Adds to every operation of the document how it refuses, so that no handler has to repeat it."""

    def get_openapi_schema(self, **given: Any) -> Any:
        document = super().get_openapi_schema(**given)
        document["components"]["schemas"] |= FAULTS
        for methods in document["paths"].values():
            for method, operation in methods.items():
                _add_refusals(operation, writes=method != "get")
        return document


def _add_refusals(operation: dict[str, Any], *, writes: bool) -> None:
    said = {
        401: T("没有令牌，或令牌无效、已作废、已过期", "no token, or one that is unknown, revoked or expired"),
        404: T("没有，或无权查看", "missing, or not yours to see"),
        422: T("填写有误", "wrong fields"),
    }
    if writes:
        said |= {
            400: T("请求不合规则，或不是合法的 JSON", "declined by a rule, or not JSON"),
            403: T("不是本岗位的事", "not for your post"),
            409: T("别人已先一步", "somebody else was first"),
        }
    for status, words in said.items():
        answer = {
            "description": f"{words.zh} {words.en}",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}},
        }
        operation["responses"].setdefault(status, answer)


api = TownAPI(
    title="统筹 tongchou",
    version="1",
    description="镇域统筹的编程接口：凭令牌办事，不超过令牌的权限。 The duty desk for programs: a token acts for its owner and never beyond its scopes.",
    auth=TokenAuth(),
    parser=PlainParser(),
    urls_namespace="api",
    docs_url=None,
)


def _answer(
    request: HttpRequest, status: int, said: T, remedy: T | None = None, problems: list[dict[str, str]] | None = None
) -> HttpResponse:
    body: dict[str, object] = {"said": pair(said)}
    if remedy:
        body["remedy"] = pair(remedy)
    if problems is not None:
        body["problems"] = problems
    return api.create_response(request, body, status=status)


@api.exception_handler(Refusal)
def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What was refused, in both languages, with every wrong field."""
    problems = [{"field": p.field, **pair(p.said)} for p in refusal.problems] if isinstance(refusal, Invalid) else None
    return _answer(request, refusal.status, refusal.said, refusal.remedy, problems)


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A request that is not of the documented form: every wrong field by its place."""
    return _answer(request, 422, *MALFORMED, problems_of(error.errors))


@api.exception_handler(Http404)
def missing(request: HttpRequest, _: Http404) -> HttpResponse:
    """The same words for everything that is not there."""
    return refused(request, Unseen())


@api.exception_handler(HttpError)
def undone(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that cannot be read, or no token that holds."""
    if isinstance(error, AuthenticationError):
        return _answer(request, error.status_code, *UNKNOWN_TOKEN)
    said = T(f"请求无法读取：{error}", f"The request cannot be read: {error}")
    return _answer(request, error.status_code, said, T("请发送合法的 JSON。", "Send valid JSON."))
