"""Alarms, evidence and readings for programs: the same queries and actions as the pages."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from math import isfinite
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.places.models import Place
from tongchou.domains.warning import actions
from tongchou.domains.warning.learning import Given, ppv_at
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import alarms_seen_by, evidence_series, seen_alarm, verdict_log
from tongchou.interfaces.api.fields import Limit, Offset, page_of
from tongchou.interfaces.api.wording import Pair, Reason, both, pair
from tongchou.workflows.activation import confirm
from tongchou.workflows.promise import concerns, standing_on, unjudged_on
from tongchou.workflows.watched_town import installed_town

router = Router(tags=["warning"])


class ShareOut(Schema):
    """What one kind of stream contributes."""

    kind: str
    stream: str | None = Field(description=both("数据流编码", "code of the stream"))
    share: float = Field(description=both("份额", "share of the evidence, 0 to 1"))
    statistic: float
    threshold: float | None


class PpvOut(Schema):
    """How probably such an alarm is right: posterior from the verdicts known when it was raised."""

    mean: float = Field(description=both("后验均值", "posterior mean"))
    low: float = Field(description=both("95% 区间下限", "lower end of the 95 % interval"))
    high: float = Field(description=both("95% 区间上限", "upper end of the 95 % interval"))
    right: int = Field(description=both("同级同病种预警属实次数", "alarms of this grade and target that were right"))
    wrong: int = Field(description=both("同级同病种预警误报次数", "alarms of this grade and target that were false"))
    prior_alpha: float = Field(description=both("先验 Beta 的 α，含借用的结论", "alpha of the Beta prior, with what is borrowed"))
    prior_beta: float = Field(description=both("先验 Beta 的 β，含借用的结论", "beta of the Beta prior, with what is borrowed"))


class AlarmOut(Schema):
    """A rise found in a place."""

    number: str = Field(description=both("编号", "number"))
    title: Pair
    place: str = Field(description=both("地方编码", "code of the place"))
    target: str
    state: str
    grade: str
    day: date
    last_seen_on: date
    as_known_at: datetime
    probability: float = Field(description=both("暴发概率", "probability of an outbreak at the stated prior"))
    log_evidence: float = Field(description=both("证据（自然对数）", "natural logarithm"))
    threshold: float
    prior_onsets_per_year: float = Field(description=both("先验：每年起始次数", "prior: onsets a year"))
    growth_per_day: float | None
    verdict: str
    due_at: datetime | None = Field(None, description=both("最近时限", "next limit"))
    is_exercise: bool


class AlarmListed(AlarmOut):
    """With how probably such an alarm is right."""

    ppv: PpvOut


class AlarmPage(Schema):
    """Some of the alarms, and how many there are."""

    items: list[AlarmListed]
    count: int


class AlarmDetail(AlarmListed):
    """With the streams that carry it and what is expected next."""

    shares: list[ShareOut]
    expected: list[dict[str, Any]]
    input_digest: str


class EvidenceOut(Schema):
    """One morning's evidence in a place."""

    day: date
    log_evidence: float
    threshold: float | None
    probability: float
    grade: str


class Confirmation(Reason):
    """A confirmation sets a plan in motion."""

    plan: str = Field(description=both("方案编码", "code of the plan"))


class Dismissal(Reason):
    """Why it is none."""

    verdict: Literal["false", "unclear"] = "false"


class Verdict(Reason):
    """The last word on a decided alarm."""

    verdict: Literal["true", "false", "unclear"]


class Opened(Schema):
    """The incident a confirmation opened."""

    incident: str


class MonitorOut(Schema):
    """One drift monitor of one kind of stream as last judged."""

    monitor: str
    kind: str
    size: float | None = Field(description=both("幅度", "size, as the monitor measures it"))
    log_evidence: float | None = Field(description=both("证据（自然对数）", "natural logarithm; none: a fact"))
    needed_log: float = Field(description=both("达到此值即存疑", "in doubt from here on"))
    since: date | None = Field(description=both("何日起存疑", "in doubt since"))
    places: list[str]


class PromiseOut(Schema):
    """The promise of few false alarms: record, what history proves, and what puts it in doubt."""

    promised_per_year: float | None
    false: int = Field(description=both("近 365 天误报", "false alarms of the last 365 days"))
    true: int
    unclear: int
    undecided: int
    upper_per_year: float | None = Field(description=both("历史能证明的上限（95%）", "what history proves, 95 %; none without a past"))
    is_upper_from_replay: bool
    is_trusted: bool | None = Field(description=both("是否可信；空为尚未检验", "none while nothing was checked yet"))
    doubts: list[Pair]
    judged_at: datetime | None
    monitors: list[MonitorOut]
    lines: list[dict[str, Any]] = Field(description=both("各报警线的构成", "what each alarm line is made of"))


def _out(alarm: Alarm) -> dict[str, Any]:
    head = alarm.dossier
    return {
        "number": head.number,
        "title": {"zh": head.title_zh, "en": head.title_en},
        "place": head.place.code,
        "state": head.state,
        "grade": head.grade,
        "is_exercise": head.is_exercise,
        "due_at": getattr(alarm, "due_at", None),
    } | {
        name: getattr(alarm, name)
        for name in (
            "target",
            "day",
            "last_seen_on",
            "as_known_at",
            "probability",
            "log_evidence",
            "threshold",
            "prior_onsets_per_year",
            "growth_per_day",
            "verdict",
        )
    }


def _ppv(alarm: Alarm, log: Sequence[Given]) -> dict[str, Any]:
    found = ppv_at(log, alarm.dossier.opened_at, alarm.dossier.grade, alarm.target)  # type: ignore[arg-type]
    return {name: getattr(found, name) for name in PpvOut.model_fields}


def _asked(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


@router.get("/alarms", response=AlarmPage, summary="预警 Alarms, those that wait first")
def list_alarms(request: HttpRequest, state: str = "", grade: str = "", place: str = "", limit: Limit = 50, offset: Offset = 0) -> Any:
    """Alarms of one's places."""
    rows = alarms_seen_by(request.auth)  # type: ignore[attr-defined]
    if state == "open":
        rows = rows.filter(dossier__closed_at=None)
    elif state:
        rows = rows.filter(dossier__state=state)
    if grade:
        rows = rows.filter(dossier__grade=grade)
    if place:
        rows = rows.filter(dossier__place__path__contains=f"/{place}/")
    log = verdict_log()
    return page_of(rows, lambda alarm: _out(alarm) | {"ppv": _ppv(alarm, log)}, limit, offset)


@router.get("/alarms/{number}", response=AlarmDetail, summary="一条预警 One alarm")
def get_alarm(request: HttpRequest, number: str) -> Any:
    """One alarm with everything it stands on."""
    alarm = seen_alarm(number, request.auth)  # type: ignore[attr-defined]
    shares = [
        {
            "kind": s.kind,
            "stream": s.stream.code if s.stream else None,
            "share": s.share,
            "statistic": s.statistic,
            "threshold": s.threshold,
        }
        for s in alarm.shares.all()
    ]
    return _out(alarm) | {
        "shares": shares,
        "expected": alarm.expected,
        "input_digest": alarm.run.input_digest,
        "ppv": _ppv(alarm, verdict_log()),
    }


@router.get("/places/{code}/evidence", response=list[EvidenceOut], summary="证据随时间 Evidence over time")
def get_evidence(request: HttpRequest, code: str, target: str, first_day: date, last_day: date) -> Any:
    """Evidence per morning in one place, both ends included."""
    place = Place.objects.filter(code=code).order_by("-valid_from").first()
    if place is None or not request.auth.may("alarm.read", place.path):  # type: ignore[attr-defined]
        raise Unseen("place")
    return evidence_series(place, target, first_day, last_day)


@router.post("/alarms/{number}/acknowledge", response=AlarmOut, summary="签收 Acknowledge")
def acknowledge(request: HttpRequest, number: str, given: Reason) -> Any:
    """Say that somebody is looking at it; 409 when another was first."""
    return _out(actions.acknowledge_alarm(seen_alarm(number, request.auth), reason=given.reason, **_asked(request)))  # type: ignore[attr-defined]


@router.post("/alarms/{number}/confirm", response=Opened, summary="确认预警并启动方案 Confirm and activate")
def confirm_alarm(request: HttpRequest, number: str, given: Confirmation) -> Any:
    """Open the incident and give out the plan's tasks; 409 when another was first."""
    found = seen_alarm(number, request.auth)  # type: ignore[attr-defined]
    incident = confirm(found, plan_code=given.plan, reason=given.reason, **_asked(request))
    return {"incident": incident.dossier.number}


@router.post("/alarms/{number}/dismiss", response=AlarmOut, summary="排除预警 Dismiss")
def dismiss(request: HttpRequest, number: str, given: Dismissal) -> Any:
    """Decide that it is none; 409 when another was first."""
    found = seen_alarm(number, request.auth)  # type: ignore[attr-defined]
    return _out(actions.dismiss_alarm(found, reason=given.reason, verdict=given.verdict, **_asked(request)))


@router.post("/alarms/{number}/verdict", response=AlarmOut, summary="结论 Verdict")
def give_verdict(request: HttpRequest, number: str, given: Verdict) -> Any:
    """The last word on a decided alarm; 409 before the decision."""
    found = seen_alarm(number, request.auth)  # type: ignore[attr-defined]
    return _out(actions.give_verdict(found, reason=given.reason, verdict=given.verdict, **_asked(request)))


@router.get("/promise", response=PromiseOut, summary="误报承诺 The promise of few false alarms")
def get_promise(request: HttpRequest) -> Any:
    """How the town's promise stands now."""
    town = installed_town()
    if not concerns(request.auth, town.place.path):  # type: ignore[attr-defined]
        raise Unseen("promise")
    at = request.at  # type: ignore[attr-defined]
    today, path = at.astimezone(ZoneInfo(town.zone)).date(), town.place.path
    standing = standing_on(today, at, path) or unjudged_on(today, path)
    readings = standing.judged.result["readings"] if standing.judged else []
    return {
        **asdict(standing.kept),
        "upper_per_year": standing.upper_per_year if isfinite(standing.upper_per_year) else None,
        "is_upper_from_replay": standing.is_upper_from_replay,
        "is_trusted": standing.is_trusted,
        "doubts": [pair(doubt) for doubt in standing.doubts],
        "judged_at": standing.judged.as_known_at if standing.judged else None,
        "monitors": [{**r, "places": [_code(p) for p in r["places"]]} for r in readings],
        "lines": [{**line, "place": _code(line["place"])} for line in standing.lines],
    }


def _code(path: str) -> str:
    """A path ends with the place's own code."""
    return path.rstrip("/").rsplit("/", 1)[-1]
