"""Resumption for programs: rules of a day, filings, on-site checks, absences, white lists; the same actions as the pages."""

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.domains.resumption import queries
from tongchou.domains.resumption.actions import FullShown, keep_white_list
from tongchou.domains.resumption.actions_checks import Finding
from tongchou.domains.resumption.actions_schools import answer_absences
from tongchou.domains.resumption.conditions import Asked, Declared, Part
from tongchou.domains.resumption.models import AbsenceAlarm, Filing, Item, SiteCheck
from tongchou.interfaces.api.fields import Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, Reason, both, pair
from tongchou.workflows import resuming

router = Router(tags=["resumption"])
Kind = Literal["firm", "school", "site"]


class ConditionOut(Schema):
    """一个条件 A condition of a day; `check` says who answers it."""

    code: str
    check: str
    name: Pair
    proof: Pair | None
    veto: bool
    sources: list[Pair]
    confidence: str


class DayOut(Schema):
    """某天的规定 What holds on a day; without a stage nothing can be filed for it."""

    stage: str | None
    name: Pair | None
    approval: bool
    grounds: dict[str, Pair]
    conditions: list[ConditionOut]


class DeclaredIn(Schema):
    """做到没有，凭什么 Met or not, and the paper."""

    met: bool
    paper: str = Field("", max_length=120)


class PartIn(Schema):
    """一个班或一批人 A class, or a batch of workers."""

    name: str = Field(min_length=1, max_length=40)
    people: int = Field(ge=1, le=200_000)
    returns_on: date
    grade: str = Field("", max_length=60)


class FilingIn(Schema):
    """一件备案 What is filed; `row`: the row number in its register."""

    kind: Kind
    row: RowNumber
    ground: str = Field(max_length=60)
    from_on: date
    ends_on: date | None = None
    people: int = Field(ge=0, le=200_000)
    closed_loop: bool = False
    beds: int = Field(0, ge=0, le=200_000)
    quiet_beds: int = Field(0, ge=0, le=200_000)
    parts: list[PartIn] = Field([], max_length=400)
    declared: dict[str, DeclaredIn] = Field({}, description=both("按条件代码", "by code of condition"))
    signed_by: str = Field(max_length=60)


class ItemOut(Schema):
    """一个条件的答复和现场结果 How a condition was answered, and what was found."""

    code: str
    name: Pair
    veto: bool
    answer: Literal["yes", "no", "missing"]
    said: Pair
    paper: str
    to_see: bool
    is_ok: bool | None
    note: str


class PartOut(Schema):
    """一个班或一批人 A class, or a batch."""

    number: int
    name: str
    grade: str
    people: int
    returns_on: date


class FilingOut(Schema):
    """一件备案 A filing."""

    number: str
    state: str
    kind: Kind
    row: int
    name: str
    place: str
    stage: str
    ground: str
    closed_loop: bool
    people: int
    from_on: date
    ends_on: date | None
    began_on: date | None
    full_on: date | None


class FilingFull(FilingOut):
    """一件备案和它的条件、班级或批次 With its conditions, and classes or batches."""

    items: list[ItemOut]
    parts: list[PartOut]
    checks: list[str]


class FilingPage(Schema):
    """Some filings, and how many in all."""

    items: list[FilingOut]
    count: int


class FullIn(Schema):
    """达产凭据 What shows full capacity."""

    measure: Literal["electricity", "output"]
    value: float
    base: float
    paper: str = Field(max_length=200)


class CheckOut(Schema):
    """一次现场核查 An on-site check."""

    number: str
    state: str
    filing: str
    name: str
    place: str


class CheckPage(Schema):
    """Some checks that wait, and how many in all."""

    items: list[CheckOut]
    count: int


class ItemFindingIn(Schema):
    """一项的结果 What was found of an item."""

    ok: bool
    note: str = Field("", max_length=200)


class ItemFindingsIn(Schema):
    """现场核查结果 What was found, by code of condition."""

    findings: dict[str, ItemFindingIn]


class AbsenceIn(Schema):
    """一个班的缺课 Absent pupils of a class, and how many of them are ill; `part`: its number in the filing."""

    part: RowNumber
    absent: int = Field(ge=0, le=10_000)
    ill: int = Field(ge=0, le=10_000)


class AbsencesIn(Schema):
    """一天的缺课 A day's absences."""

    on: date
    counts: list[AbsenceIn] = Field(max_length=400)


class AbsenceAlarmOut(Schema):
    """因病缺课报警 An alarm about absences."""

    number: str
    state: str
    school: str
    on: date
    classes: list[dict[str, Any]]
    answer: str


class AlarmMade(Schema):
    """新报警，没有则为空 The alarm these counts raised, if any."""

    alarm: AbsenceAlarmOut | None


class AbsenceAnswerIn(Schema):
    """核实结果 What was found."""

    answer: str = Field(max_length=300)


class LineIn(Schema):
    """名单一行 A line of the list; 0 people: without a number."""

    row: RowNumber
    people: int = Field(0, ge=0, le=200_000)


class WhiteListIn(Schema):
    """一批白名单 A batch of a white list."""

    kind: Literal["firm", "site"]
    batch: str = Field(max_length=60)
    from_on: date
    to_on: date | None = None
    source: str = Field(max_length=200)
    lines: list[LineIn] = Field(min_length=1, max_length=5_000)


class WhiteListKept(Schema):
    """写入几行 How many lines were kept."""

    lines: int


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _filing(row: Filing) -> dict[str, Any]:
    plain = ("stage", "ground", "closed_loop", "people", "from_on", "ends_on", "began_on", "full_on", "kind")
    return {
        "number": row.dossier.number, "state": row.dossier.state, "row": row.subject.pk, "name": row.subject.name, "place": row.dossier.place.code,
        **{name: getattr(row, name) for name in plain},
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    plain = {name: getattr(item, name) for name in ("code", "answer", "paper", "to_see", "is_ok", "note")}
    return {**plain, "name": pair(item.name), "said": pair(item.said), "veto": item.is_veto}


def _whole(row: Filing) -> dict[str, Any]:
    parts = [{"number": p.pk, "name": p.name, "grade": p.grade, "people": p.people, "returns_on": p.returns_on} for p in row.parts.all()]
    checks = list(row.checks.order_by("pk").values_list("dossier__number", flat=True))
    return {**_filing(row), "items": [_item(i) for i in row.items.all()], "parts": parts, "checks": checks}


def _check(row: SiteCheck) -> dict[str, Any]:
    head = row.dossier
    names = {"filing": row.filing.dossier.number, "name": row.filing.subject.name, "place": head.place.code}
    return {"number": head.number, "state": head.state, **names}


def _alarm(row: AbsenceAlarm) -> dict[str, Any]:
    plain = {"on": row.on, "classes": row.classes, "answer": row.answer, "school": row.school.name}
    return {"number": row.dossier.number, "state": row.dossier.state, **plain}


def _seen(request: HttpRequest, number: str) -> Filing:
    return queries.seen_filing(number, request.auth)  # type: ignore[attr-defined]


@router.get("/resumption/rules", response=DayOut, summary=both("某天的复工规定", "what holds for firms, schools or sites on a day"))
def get_rules(request: HttpRequest, kind: Kind, on: date) -> Any:
    town_for(request, queries.READ)
    book = queries.rulebook()
    stage = book.stage_on(kind, on)
    if stage is None:
        return {"stage": None, "name": None, "approval": False, "grounds": {}, "conditions": []}
    conditions = [
        {
            "code": c.code, "check": c.check, "name": pair(c.name), "proof": pair(c.proof) if c.proof else None, "veto": c.veto,
            "sources": [pair(s) for s in c.sources], "confidence": c.confidence,
        }
        for c in book.conditions_on(stage, on)
    ]  # fmt: skip
    grounds = {key: pair(words) for key, words in stage.grounds.items()}
    return {"stage": stage.code, "name": pair(stage.name), "approval": stage.approval, "grounds": grounds, "conditions": conditions}


@router.get("/resumption/filings", response=FilingPage, summary=both("复工备案", "filings in one's places"))
def list_filings(request: HttpRequest, kind: Kind | None = None, state: str = "", limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, queries.READ)
    return page_of(queries.filings_seen(request.auth, kind=kind or "", state=state), _filing, limit, offset)  # type: ignore[attr-defined]


@router.post("/resumption/filings", response=FilingFull, summary=both("备案，立即答复", "file; answered at once, also when refused"))
def post_filing(request: HttpRequest, given: FilingIn) -> Any:
    row = resuming.subject_of(given.kind, given.row, request.auth)  # type: ignore[attr-defined]
    declared = {code: Declared(said.met, said.paper) for code, said in given.declared.items()}
    parts = tuple(Part(p.name, p.people, p.returns_on, p.grade) for p in given.parts)
    asked = Asked(**given.dict(exclude={"row", "signed_by", "declared", "parts"}), declared=declared, parts=parts)
    return _whole(resuming.file(row, asked, signed_by=given.signed_by, **_who(request)))


@router.get("/resumption/filings/{number}", response=FilingFull, summary=both("一件备案", "one filing"))
def get_filing(request: HttpRequest, number: str) -> Any:
    return _whole(_seen(request, number))


@router.post("/resumption/filings/{number}/full", response=FilingOut, summary=both("达产备案", "file full capacity"))
def post_full(request: HttpRequest, number: str, given: FullIn) -> Any:
    return _filing(resuming.full(_seen(request, number), FullShown(**given.dict()), **_who(request)))


FilingStep = Literal["end", "withdraw", "reduce"]


@router.post(
    "/resumption/filings/{number}/steps/{step}", response=FilingOut, summary=both("停工、撤回、不再达产", "stop, withdraw, no longer full")
)
def take_filing_step(request: HttpRequest, number: str, step: FilingStep, given: Reason) -> Any:
    return _filing(resuming.stop(_seen(request, number), step, reason=given.reason, **_who(request)))


@router.post("/resumption/filings/{number}/absences", response=AlarmMade, summary=both("登记缺课", "keep a day's absences by class"))
def post_absences(request: HttpRequest, number: str, given: AbsencesIn) -> Any:
    counts = {one.part: (one.absent, one.ill) for one in given.counts}
    alarm = resuming.count_absences(_seen(request, number), given.on, counts, **_who(request))
    return {"alarm": _alarm(alarm) if alarm else None}


@router.post(
    "/resumption/absences/{number}/answer", response=AbsenceAlarmOut, summary=both("答复缺课报警", "answer an alarm about absences")
)
def post_absence_answer(request: HttpRequest, number: str, given: AbsenceAnswerIn) -> Any:
    found = queries.seen_alarm(number, request.auth)  # type: ignore[attr-defined]
    return _alarm(answer_absences(found, answer=given.answer, **_who(request)))


@router.get("/resumption/checks", response=CheckPage, summary=both("待现场核查", "on-site checks that wait"))
def list_checks(request: HttpRequest, limit: Limit = 50, offset: Offset = 0) -> Any:
    town_for(request, queries.READ)
    return page_of(queries.checks_seen(request.auth).select_related("filing__dossier"), _check, limit, offset)  # type: ignore[attr-defined]


@router.post("/resumption/checks/{number}", response=FilingFull, summary=both("现场核查结果", "what was found on site"))
def post_check(request: HttpRequest, number: str, given: ItemFindingsIn) -> Any:
    found = queries.seen_check(number, request.auth)  # type: ignore[attr-defined]
    findings = {code: Finding(said.ok, said.note) for code, said in given.findings.items()}
    return _whole(resuming.check(found, findings, **_who(request)))


@router.post("/resumption/white-list", response=WhiteListKept, summary=both("更新一批白名单", "keep a batch of the white list"))
def post_white_list(request: HttpRequest, given: WhiteListIn) -> Any:
    who = _who(request)
    lines = resuming.lines_of(given.kind, {line.row: line.people for line in given.lines}, request.auth)  # type: ignore[attr-defined]
    town = town_for(request, "resumption.list")
    batch = given.dict(include={"kind", "batch", "from_on", "to_on", "source"})
    return {"lines": keep_white_list(**batch, lines=lines, place=town.place, **who)}
