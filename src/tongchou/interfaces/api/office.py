"""The office for programs: parameters, the audit log, messages, and one's own notices."""

from datetime import date, datetime
from typing import Any, Literal

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from tongchou.core.audit.models import PERSONAL_READ, DailyRoot, Entry
from tongchou.core.audit.queries import entries_matching, verify_chain
from tongchou.core.errors import Unseen
from tongchou.core.outbox.actions import retry_message
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.queue import mark_read
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.interfaces.api.fields import Limit
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.interfaces.retention import limit_at, look_everywhere

router = Router(tags=["office"])
STATES = {
    "waiting": Q(done_at=None, dead_at=None),
    "done": Q(done_at__isnull=False),
    "dead": Q(dead_at__isnull=False),
}


class ValueOut(Schema):
    """一个取值及其依据 A value with its source."""

    value: Any
    valid_from: date
    place: str | None = Field(None, description=both("适用地方，空为各地", "where it holds; none: everywhere"))
    source: Pair
    confidence: str


class ParameterOut(Schema):
    """一个参数及其现行取值 A parameter and the value in force."""

    key: str
    unit: str
    name: Pair
    in_force: ValueOut | None


class ParameterDetail(ParameterOut):
    """一个参数及其全部取值 A parameter and every value it had, latest first."""

    values: list[ValueOut]


class ValueIn(Schema):
    """自哪天起的新取值 A new value from a day on."""

    value: Any
    valid_from: date
    source: Pair = Field(description=both("依据：文件名、文号、日期", "source: act, number, date"))
    place: str | None = Field(None, description=both("地方编码，默认本镇", "code of a place; default: the town"))
    confidence: Literal["high", "medium", "low"] = "high"


class EntryOut(Schema):
    """留痕一条 One entry of the log."""

    seq: int
    at: datetime
    actor: str
    posts: str
    action: str
    subject: str = Field(description=both("对象", "kind and id of the subject"))
    place_path: str
    reason: str
    detail: dict[str, Any]
    digest: str


class ProofOut(Schema):
    """核验结果 Outcome of a verification."""

    entries: int
    digest: str
    is_intact: bool
    problems: list[str]
    latest_root: str | None = Field(description=both("最近封存的日根", "the day's root sealed last"))


class LookedOut(Schema):
    """查过的一处；看不到的也列出 One place that was looked at, or could not be (state unseen)."""

    kind: Pair
    where: str
    state: Literal["ok", "old", "unseen", "kept"]
    held: int | None
    old: int
    oldest_at: datetime | None
    said: Pair | None


class RetentionOut(Schema):
    """扫码记录保存期核查；没有设定期限则为空 Scans from before `before` should be gone; none: no retention time is set."""

    before: datetime | None
    places: list[LookedOut]


class MessageOut(Schema):
    """一条待发或已发的消息，不含内容 A message of the outbox, without its content."""

    id: int
    topic: str
    key: str
    created_at: datetime
    due_at: datetime
    attempts: int
    done_at: datetime | None
    dead_at: datetime | None
    outcome: str
    error: str


class NoticeOut(Schema):
    """一条提醒 A notice of one's own."""

    id: int
    text: Pair
    dossier: str | None
    created_at: datetime
    read_at: datetime | None


class ReadOut(Schema):
    """已读条数 How many notices were marked."""

    count: int


def _asked(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _value(row: ParameterValue) -> dict[str, Any]:
    return {
        "value": row.value, "valid_from": row.valid_from, "place": row.place.code if row.place else None,
        "source": {"zh": row.source_zh, "en": row.source_en}, "confidence": row.confidence,
    }  # fmt: skip


def _parameters(rows: list[Parameter], on: date, path: str) -> list[dict[str, Any]]:
    found = values_on([p.key for p in rows], on, path)
    return [
        {
            "key": p.key, "unit": p.unit, "name": {"zh": p.name_zh, "en": p.name_en},
            "in_force": {
                "value": v.value, "valid_from": v.valid_from, "source": pair(v.source), "confidence": v.confidence,
            } if (v := found.get(p.key)) else None,
        }
        for p in rows
    ]  # fmt: skip


def _parameter(key: str) -> Parameter:
    row = Parameter.objects.filter(key=key).first()
    if row is None:
        raise Unseen("parameter")
    return row


@router.get("/parameters", response=list[ParameterOut], summary=both("参数及其取值", "parameters with the values in force on a day"))
def list_parameters(request: HttpRequest, on: date | None = None) -> Any:
    town = town_for(request, "parameter.read")
    return _parameters(list(Parameter.objects.all()), on or request.at.date(), town.place.path)  # type: ignore[attr-defined]


@router.get("/parameters/{key}", response=ParameterDetail, summary=both("一个参数的全部取值", "one parameter with every value it had"))
def get_parameter(request: HttpRequest, key: str) -> Any:
    town, row = town_for(request, "parameter.read"), _parameter(key)
    shown = _parameters([row], request.at.date(), town.place.path)[0]  # type: ignore[attr-defined]
    return {**shown, "values": [_value(v) for v in row.values.select_related("place").order_by("-valid_from")]}


@router.post("/parameters/{key}/values", response={201: ValueOut}, summary=both("自某日起改值", "a new value from a day on"))
def post_value(request: HttpRequest, key: str, given: ValueIn) -> Any:
    town = town_for(request, "parameter.write")
    place = place_by_code(given.place) if given.place else town.place
    source = T(given.source.zh, given.source.en)
    row = set_parameter(
        key=key, value=given.value, valid_from=given.valid_from, source=source, confidence=given.confidence, place=place, **_asked(request)
    )
    return Status(201, _value(row))


def _entries(rows: QuerySet[Entry], before: int | None, limit: int) -> list[dict[str, Any]]:
    found = rows if before is None else rows.filter(seq__lt=before)
    return [
        {
            "seq": e.seq, "at": e.at, "actor": e.actor_label, "posts": e.posts, "action": e.action, "place_path": e.place_path,
            "subject": f"{e.subject_kind}:{e.subject_id}", "reason": e.reason, "detail": e.details, "digest": e.digest,
        }
        for e in found[:limit]
    ]  # fmt: skip


@router.get("/audit/entries", response=list[EntryOut], summary=both("留痕，新的在前", "entries of the log, latest first"))
def list_entries(
    request: HttpRequest,
    who: str = "",
    act: str = Query("", description=both("动作的开头", "how the act begins")),
    subject: str = Query("", description=both("类别，或类别:编号", "kind, or kind:id")),
    before: int | None = Query(None, description=both("上一页最小的序号", "the lowest seq of the page before")),
    limit: Limit = 50,
) -> Any:
    town_for(request, "audit.read", whole=True)
    return _entries(entries_matching(who=who, act=act, subject=subject), before, limit)


@router.get("/audit/accesses", response=list[EntryOut], summary=both("谁查看了个人信息", "who read personal data, and what for"))
def list_accesses(request: HttpRequest, before: int | None = None, limit: Limit = 50) -> Any:
    town_for(request, "audit.read", whole=True)
    return _entries(Entry.objects.filter(action=PERSONAL_READ).order_by("-seq"), before, limit)


@router.get("/audit/retention", response=RetentionOut, summary=both("扫码记录保存期核查", "where scans past their time were looked for"))
def get_retention(request: HttpRequest) -> Any:
    town, at = town_for(request, "audit.read", whole=True), request.at  # type: ignore[attr-defined]
    limit = limit_at(at, town.place.path)
    found = look_everywhere(limit, at=at) if limit else []
    plain = ("where", "state", "held", "old", "oldest_at")
    places = [{**{n: getattr(r, n) for n in plain}, "kind": pair(r.kind), "said": pair(r.said) if r.said else None} for r in found]
    return {"before": limit.before if limit else None, "places": places}


@router.get("/audit/proof", response=ProofOut, summary=both("核验整条链", "recompute the whole chain"))
def get_proof(request: HttpRequest) -> Any:
    town_for(request, "audit.read", whole=True)
    proof, sealed = verify_chain(), DailyRoot.objects.order_by("-day").first()
    return {
        "entries": proof.entries, "digest": proof.digest, "is_intact": not proof.problems, "problems": list(proof.problems),
        "latest_root": sealed.root if sealed else None,
    }  # fmt: skip


@router.get("/outbox", response=list[MessageOut], summary=both("消息，新的在前", "messages, latest first"))
def list_messages(
    request: HttpRequest,
    state: Literal["waiting", "done", "dead"] | None = None,
    before: int | None = Query(None, description=both("上一页最小的编号", "the lowest id of the page before")),
    limit: Limit = 50,
) -> Any:
    town_for(request, "outbox.read", whole=True)
    rows = Message.objects.filter(STATES[state]) if state else Message.objects.all()
    return (rows if before is None else rows.filter(pk__lt=before))[:limit]


@router.post("/outbox/{message_id}/retry", response=MessageOut, summary=both("死信重发", "give a dead letter another life"))
def post_retry(request: HttpRequest, message_id: int) -> Any:
    row = Message.objects.filter(pk=message_id).first()
    if row is None:
        raise Unseen("message")
    return retry_message(row, **_asked(request))


@router.get("/notices", response=list[NoticeOut], summary=both("我的提醒", "one's own notices, latest first"))
def list_notices(request: HttpRequest, unread_only: bool = False, limit: Limit = 50) -> Any:
    town_for(request, "task.work")
    rows = Notice.objects.filter(user_id=_reader(request)).select_related("dossier")
    return [
        {
            "id": n.pk,
            "text": pair(n.text),
            "dossier": n.dossier.number if n.dossier else None,
            "created_at": n.created_at,
            "read_at": n.read_at,
        }
        for n in (rows.filter(read_at=None) if unread_only else rows)[:limit]
    ]


@router.post("/notices/read", response=ReadOut, summary=both("全部标为已读", "mark all of one's notices read"))
def post_read(request: HttpRequest) -> Any:
    town_for(request, "task.work")
    return {"count": mark_read(_reader(request), at=request.at)}  # type: ignore[attr-defined]


def _reader(request: HttpRequest) -> int:
    actor: Actor = request.auth  # type: ignore[attr-defined]
    if actor.user_id is None:
        raise Unseen("notices")
    return actor.user_id
