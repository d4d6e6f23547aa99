"""Firms' difficulties for programs: a hotline writes them down, a unit promises and answers. The same rules as the pages."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code
from tongchou.core.wording import T
from tongchou.domains.difficulties import actions
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.actions_permits import PermitSpec
from tongchou.domains.difficulties.models import Cause, Difficulty, Permit
from tongchou.domains.difficulties.queries import causes_seen, difficulties_seen, repeated_causes, seen_cause, seen_difficulty, seen_permit
from tongchou.domains.registry.queries import firm_for
from tongchou.interfaces.api.fields import Instant, Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Reason, both
from tongchou.interfaces.chance import random_holder, random_share
from tongchou.workflows.solving import permit, sample_at, shown_permit, take_back

router = Router(tags=["difficulties"])
Outcome = Literal["done", "part", "cannot"]


class ToldIn(Schema):
    """一件困难：类别（参数 difficulty.kinds 的键）、企业原话 A difficulty: its kind, a key of difficulty.kinds, and the firm's own words."""

    kind: str = Field(max_length=16)
    words: str = Field(max_length=500)


class DifficultiesIn(Schema):
    """哪家企业、怎么知道的、几时说的 Which firm (row number), how it was told, when it was said."""

    firm: RowNumber
    source: Literal["visit", "hotline"]
    said_at: Instant | None = None
    told: list[ToldIn] = Field(min_length=1, max_length=20)


class DifficultyOut(Schema):
    """一件困难 A difficulty."""

    number: str
    state: str
    firm: int
    place: str
    kind: str
    words: str
    source: str
    said_at: datetime
    post: str | None
    promise: str
    promised_at: datetime | None
    outcome: str
    answer: str
    cause: str | None


class DifficultiesOut(Schema):
    """若干困难 Some of them, and how many in all."""

    items: list[DifficultyOut]
    count: int


class RouteIn(Schema):
    """交给哪个岗位 The post it goes to; `kind` corrects it."""

    post: str
    kind: str = Field("", max_length=16)
    reason: str = Field("", max_length=200)


class PromiseIn(Schema):
    """答应什么、几时办好 What is promised, and until when."""

    promised_at: Instant
    words: str = Field(max_length=300)


class DifficultyAnswerIn(Schema):
    """办得怎样，用平常话 How it went, in plain words."""

    outcome: Outcome
    answer: str = Field(max_length=500)


class HeardIn(Schema):
    """企业说了什么，和谁、几时说的 What the firm said, to whom and when. On its own page it says so itself."""

    verdict: Literal["solved", "not_yet", "withdrawn", "again"]
    way: Literal["phone", "visit"]
    spoke_to: str = Field(max_length=60)
    spoken_at: Instant
    words: str = Field("", max_length=500)


class CommonCauseIn(Schema):
    """哪些困难同一原因、交给谁 Which difficulties (numbers) have one cause, and the post that gets it."""

    of: list[str] = Field(min_length=2, max_length=500)
    words: str = Field(max_length=500)
    post: str


class CommonCauseOut(Schema):
    """一件共性问题 A common cause."""

    number: str
    state: str
    kind: str
    words: str
    post: str | None
    answer: str
    difficulties: list[str]


class JoinIn(Schema):
    """又归入哪些困难 Which further difficulties (numbers)."""

    of: list[str] = Field(min_length=1, max_length=500)


class ProposedCauseOut(Schema):
    """可能同一原因的困难 Difficulties that may have one cause."""

    difficulties: list[str]
    firms: int
    kind: str
    words: str


class CommonCausesOut(Schema):
    """若干共性问题 Some of them, and how many in all."""

    items: list[CommonCauseOut]
    count: int


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _shown(row: Difficulty) -> dict[str, Any]:
    head = row.dossier
    kept = {name: getattr(row, name) for name in ("kind", "words", "source", "said_at", "promise", "promised_at", "outcome", "answer")}
    return kept | {
        "number": head.number, "state": head.state, "firm": row.firm_id, "place": head.place.code,
        "post": head.owner_post.code if head.owner_post else None, "cause": row.cause.dossier.number if row.cause else None,
    }  # fmt: skip


def _post(code: str) -> Post:
    try:
        return post_by_code(code)
    except Unseen:
        raise Invalid([FieldProblem("post", T("没有这个岗位。", "No such post."))]) from None


def _seen(request: HttpRequest, number: str) -> Difficulty:
    return seen_difficulty(number, request.auth)  # type: ignore[attr-defined]


@router.get("/difficulties", response=DifficultiesOut, summary=both("企业困难", "difficulties seen, open ones first"))
def get_difficulties(request: HttpRequest, state: str = "", kind: str = "", limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, "difficulty.read")
    rows = difficulties_seen(request.auth)  # type: ignore[attr-defined]
    rows = rows.filter(dossier__state=state) if state else rows
    return page_of(rows.filter(kind=kind) if kind else rows, _shown, limit, offset)


@router.post("/difficulties", response=list[DifficultyOut], summary=both("记下困难", "write down what a firm says"))
def post_difficulties(request: HttpRequest, given: DifficultiesIn) -> Any:
    who = _who(request)
    firm = firm_for(given.firm, who["by"], "difficulty.raise")
    told = [actions.Told(one.kind, one.words) for one in given.told]
    said_at = given.said_at or who["at"]
    rows = actions.raise_difficulties(
        firm=firm.pk, name=firm.name, place=firm.place, told=told, source=given.source, said_at=said_at, **who
    )
    return [_shown(row) for row in rows]


@router.get("/difficulties/{number}", response=DifficultyOut, summary=both("一件困难", "one difficulty"))
def get_difficulty(request: HttpRequest, number: str) -> Any:
    return _shown(_seen(request, number))


@router.post("/difficulties/{number}/route", response=DifficultyOut, summary=both("交办", "route it to a post"))
def post_route(request: HttpRequest, number: str, given: RouteIn) -> Any:
    row, post = _seen(request, number), _post(given.post)
    return _shown(actions.route_difficulty(row, post=post, kind=given.kind, reason=given.reason, **_who(request)))


@router.post("/difficulties/{number}/promise", response=DifficultyOut, summary=both("承诺时限", "promise a day"))
def post_promise(request: HttpRequest, number: str, given: PromiseIn) -> Any:
    return _shown(actions.promise_difficulty(_seen(request, number), **given.dict(), **_who(request)))


@router.post("/difficulties/{number}/answer", response=DifficultyOut, summary=both("答复", "answer it; the firm has the word"))
def post_answer(request: HttpRequest, number: str, given: DifficultyAnswerIn) -> Any:
    return _shown(actions.answer_difficulty(_seen(request, number), **given.dict(), **_who(request)))


@router.post(
    "/difficulties/{number}/heard", response=DifficultyOut, summary=both("企业怎么说", "what the firm says: the only way it is solved")
)
def post_heard(request: HttpRequest, number: str, given: HeardIn) -> Any:
    row = _seen(request, number)
    hear_firm(row, heard=Heard(**given.dict()), draw=random_share(), **_who(request))
    return _shown(_seen(request, number))


class PermitIn(Schema):
    """通行证：车牌号或姓名、司机手机、事由、路线、到什么时候 A permit: plate or name, driver's mobile, what for, which way, until when."""

    subject: str = Field(max_length=40)
    phone: str = Field(max_length=20)
    purpose: str = Field(max_length=120)
    way: str = Field(max_length=200)
    until_at: Instant


class PermitOut(Schema):
    """通行证；text 是二维码内容 A permit; `text` is the content of its QR code, none once it holds no more."""

    id: int
    difficulty: str
    subject: str
    purpose: str
    way: str
    until_at: datetime
    is_revoked: bool
    text: str | None


class SamplingIn(Schema):
    """企业采样点：每天几点到几点、采样台、人员 A site at the firm: hours of every day, booths, staff."""

    begins: str = Field(max_length=5)
    ends: str = Field(max_length=5)
    booths: int = Field(ge=1, le=200)
    staff: int = Field(ge=0, le=2000)


class SamplingOut(Schema):
    """采样点编号 The code of the site."""

    site: str


def _permit(request: HttpRequest, row: Permit) -> dict[str, Any]:
    holds = row.issued.revoked_at is None and row.issued.expires_at > request.at  # type: ignore[attr-defined]
    return {
        "id": row.pk, "difficulty": row.difficulty.dossier.number, "subject": row.subject, "purpose": row.purpose, "way": row.way,
        "until_at": row.issued.expires_at, "is_revoked": row.issued.revoked_at is not None, "text": shown_permit(row).text if holds else None,
    }  # fmt: skip


@router.post("/difficulties/{number}/permits", response=PermitOut, summary=both("开通行证", "sign a permit to pass"))
def post_permit(request: HttpRequest, number: str, given: PermitIn) -> Any:
    made = permit(_seen(request, number), PermitSpec(**given.dict()), chance=random_holder, **_who(request))
    return _permit(request, seen_permit(made.pk, request.auth))  # type: ignore[attr-defined]


@router.post("/difficulties/{number}/sampling", response=SamplingOut, summary=both("在企业设采样点", "set up a sampling site at the firm"))
def post_sampling(request: HttpRequest, number: str, given: SamplingIn) -> Any:
    return {"site": sample_at(_seen(request, number), **given.dict(), **_who(request)).code}


@router.get("/permits/{permit_id}", response=PermitOut, summary=both("一张通行证", "one permit"))
def get_permit(request: HttpRequest, permit_id: Path[RowNumber]) -> Any:
    return _permit(request, seen_permit(permit_id, request.auth))  # type: ignore[attr-defined]


@router.post("/permits/{permit_id}/revoke", response=PermitOut, summary=both("收回通行证", "take a permit back, with a reason"))
def post_permit_revoke(request: HttpRequest, permit_id: Path[RowNumber], given: Reason) -> Any:
    take_back(seen_permit(permit_id, request.auth), reason=given.reason, **_who(request))  # type: ignore[attr-defined]
    return _permit(request, seen_permit(permit_id, request.auth))  # type: ignore[attr-defined]


def _cause(row: Cause) -> dict[str, Any]:
    head = row.dossier
    numbers = row.difficulties.order_by("pk").values_list("dossier__number", flat=True)
    return {
        "number": head.number, "state": head.state, "kind": row.kind, "words": row.words, "answer": row.answer,
        "post": head.owner_post.code if head.owner_post else None, "difficulties": list(numbers),
    }  # fmt: skip


@router.get(
    "/causes/proposed",
    response=list[ProposedCauseOut],
    summary=both("可能的共性问题", "what may have one cause, by likeness of words; a person decides"),
)
def get_proposed_causes(request: HttpRequest) -> Any:
    town = town_for(request, "difficulty.route", whole=True)
    groups = repeated_causes(request.auth, town.place.path, request.at)  # type: ignore[attr-defined]
    return [
        {"difficulties": [row.dossier.number for row in one.rows], "firms": one.firm_count, "kind": one.kind, "words": one.words}
        for one in groups
    ]


@router.get("/causes", response=CommonCausesOut, summary=both("共性问题", "common causes, open ones first"))
def get_causes(request: HttpRequest, limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, "difficulty.read")
    return page_of(causes_seen(request.auth), _cause, limit, offset)  # type: ignore[attr-defined]


@router.post("/causes", response=CommonCauseOut, summary=both("确认共性问题", "confirm that several have one cause"))
def post_cause(request: HttpRequest, given: CommonCauseIn) -> Any:
    town = town_for(request, "difficulty.route")
    return _cause(actions.open_cause(of=given.of, words=given.words, post=_post(given.post), place=town.place, **_who(request)))


@router.get("/causes/{number}", response=CommonCauseOut, summary=both("一件共性问题", "one common cause"))
def get_cause(request: HttpRequest, number: str) -> Any:
    return _cause(seen_cause(number, request.auth))  # type: ignore[attr-defined]


@router.post("/causes/{number}/join", response=CommonCauseOut, summary=both("归入共性问题", "put further difficulties to it"))
def post_cause_join(request: HttpRequest, number: str, given: JoinIn) -> Any:
    actions.join_cause(seen_cause(number, request.auth), of=given.of, **_who(request))  # type: ignore[attr-defined]
    return _cause(seen_cause(number, request.auth))  # type: ignore[attr-defined]


@router.post("/causes/{number}/answer", response=CommonCauseOut, summary=both("答复共性问题", "answer it for every firm in it"))
def post_cause_answer(request: HttpRequest, number: str, given: DifficultyAnswerIn) -> Any:
    row = seen_cause(number, request.auth)  # type: ignore[attr-defined]
    actions.answer_cause(row, **given.dict(), **_who(request))
    return _cause(seen_cause(number, request.auth))  # type: ignore[attr-defined]
