"""Projects for programs: the pipeline on any day, plans and figures, slips, issues, the OC4IDS package. The same rules as the pages."""

from datetime import date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.casework.queries import seen_dossier
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.projects import actions, actions_issues, actions_slips
from tongchou.domains.projects.models import Issue, Slip
from tongchou.domains.projects.queries import (
    Standing,
    issues_of,
    projects_seen,
    seen_issue,
    seen_project,
    seen_slip,
    slips_seen,
    standings,
)
from tongchou.domains.registry.models import Firm
from tongchou.interfaces.api.fields import Instant, Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Pair, both
from tongchou.interfaces.project_export import exported

router = Router(tags=["projects"])
READ = "project.read"


class LightOut(Schema):
    """一盏灯和一句原因 A light and why, in one sentence."""

    cause: str
    colour: str
    why: Pair


class ProjectOut(Schema):
    """一个项目当天的情况 A project as it stood on a day. Amounts in 10,000 yuan."""

    number: str
    name: str
    state: str
    place: str
    post: str | None
    firm: int | None
    sector: str
    works: str
    land: str
    batch: str
    lights: list[LightOut]
    planned_on: dict[str, date]
    done_on: dict[str, date]
    plan: dict[int, int]
    spent: dict[str, int]


class ProjectIn(Schema):
    """项目入库 A project to take in; `plan`: year → 10,000 yuan, `milestones`: code → planned day."""

    name: str = Field(max_length=100)
    place: str = Field(max_length=32)
    post: str = Field(max_length=60)
    sector: str = Field(max_length=16)
    works: Literal["construction", "expansion", "rehabilitation", "replacement"] = "construction"
    firm: RowNumber | None = None
    land: str = Field("", max_length=200)
    area_m2: int | None = Field(None, ge=0, le=2_000_000_000)
    plan: dict[int, int] = Field(default_factory=dict, max_length=20)
    milestones: dict[str, date] = Field(default_factory=dict, max_length=40)


class ProjectPlanIn(Schema):
    """改计划 Years and milestones to plan anew; changing what was planned needs a reason."""

    plan: dict[int, int] = Field(default_factory=dict, max_length=20)
    milestones: dict[str, date] = Field(default_factory=dict, max_length=40)
    reason: str = Field("", max_length=200)


class ReachedIn(Schema):
    """节点完成及依据 The day a milestone was reached and what proves it."""

    code: str = Field(max_length=16)
    done_on: date
    note: str = Field(max_length=300)


class SpentIn(Schema):
    """某月完成投资 What a project invested in a month (any day of it), 10,000 yuan."""

    number: str = Field(max_length=24)
    month: date
    cny_10k: int = Field(ge=0, le=2_000_000_000)


class SpendingIn(Schema):
    """若干行，全收或全不收 Every line or none."""

    lines: list[SpentIn] = Field(min_length=1, max_length=5_000)


class SpendingKept(Schema):
    """收下多少条新数 How many figures were new."""

    kept: int


class ProjectStepIn(Schema):
    """为什么 Why; `code`: the milestone to take back."""

    reason: str = Field("", max_length=200)
    code: str = Field("", max_length=16)


class SlipIn(Schema):
    """督办什么、要求什么 What it is about and what is asked."""

    cause: Literal["start", "investment", "figures", "other"]
    words: str = Field(max_length=300)


class SlipOut(Schema):
    """一件督办单 A supervision slip."""

    number: str
    project: str
    state: str
    cause: str
    why: Pair
    post: str | None
    by_light: bool
    answer: str


class SlipsOut(Schema):
    """若干督办单 Some of them, and how many in all."""

    items: list[SlipOut]
    count: int


class WordsIn(Schema):
    """说明 In words."""

    words: str = Field("", max_length=500)


class IssueIn(Schema):
    """问题：关于什么、谁解决、到什么时候 An issue: about what, who solves it, until when; `approval`: its number."""

    about: Literal["approval", "land", "other"]
    words: str = Field(max_length=300)
    post: str = Field(max_length=60)
    due_at: Instant
    approval: str = Field("", max_length=24)


class IssueOut(Schema):
    """一个问题 An issue: who has it; for one about an approval, the posts whose turn it is there."""

    number: str
    project: str
    state: str
    about: str
    words: str
    post: str | None
    answer: str
    due_at: datetime | None = None
    approval: str | None = None
    waits_for: list[str] = []


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": _local(request)}  # type: ignore[attr-defined]


def _local(request: HttpRequest, day: date | None = None) -> datetime:
    """Now in the town's zone, or the end of a day that is over."""
    zone = ZoneInfo(town_for(request, READ).zone)
    now: datetime = request.at.astimezone(zone)  # type: ignore[attr-defined]
    return now if day is None or day >= now.date() else datetime.combine(day, time(23, 59, 59), zone)


def _post(code: str) -> Post:
    try:
        return post_by_code(code)
    except Unseen:
        raise Invalid([FieldProblem("post", T("没有这个岗位。", "No such post."))]) from None


def _shown(one: Standing) -> dict[str, Any]:
    row, head, known = one.row, one.row.dossier, one.known
    return {
        "number": head.number, "name": head.title_zh, "state": head.state, "place": head.place.code, "post": head.owner_post.code if head.owner_post else None,
        "firm": row.firm_id, "sector": row.sector, "works": row.works, "land": row.land, "batch": one.batch.code,
        "lights": [{"cause": light.cause, "colour": light.colour, "why": {"zh": light.why.zh, "en": light.why.en}} for light in one.lights],
        "planned_on": known.planned_on, "done_on": known.done_on, "plan": known.plan, "spent": {f"{month:%Y-%m}": n for month, n in known.spent.items()},
    }  # fmt: skip


def _standing(request: HttpRequest, number: str) -> Standing:
    town = town_for(request, READ)
    (one,) = standings([seen_project(number, request.auth)], _local(request), town.place.path)  # type: ignore[attr-defined]
    return one


def _all(request: HttpRequest, day: date | None) -> list[Standing]:
    town, at = town_for(request, READ), _local(request, day)
    return standings(projects_seen(request.auth, at), at, town.place.path)  # type: ignore[attr-defined]


@router.get(
    "/projects", response=list[ProjectOut], summary=both("项目，可看过去某天", "the pipeline, behind first; on a past day as known then")
)
def get_projects(request: HttpRequest, day: date | None = None, batch: str = "") -> Any:
    return [_shown(one) for one in _all(request, day) if not batch or one.batch.code == batch]


@router.get("/projects/oc4ids", response=dict[str, Any], summary=both("OC4IDS 数据包", "every project seen as an OC4IDS 0.9 package"))
def get_package(request: HttpRequest) -> Any:
    town = town_for(request, READ)
    return exported(_all(request, None), town=town.place, uri=request.build_absolute_uri(), at=_local(request))


@router.post("/projects", response=ProjectOut, summary=both("项目入库", "take a project in"))
def post_project(request: HttpRequest, given: ProjectIn) -> Any:
    town_for(request, READ)
    if given.firm is not None and not Firm.objects.filter(pk=given.firm).exists():
        raise Invalid([FieldProblem("firm", T("没有这家企业。", "No such firm."))])
    said = given.dict() | {"place": place_by_code(given.place), "post": _post(given.post)}
    row = actions.open_project(proposed=actions.Proposed(**said), **_who(request))
    return _shown(_standing(request, row.dossier.number))


@router.post("/projects/spending", response=SpendingKept, summary=both("报月度投资", "report months of many projects, every line or none"))
def post_spending(request: HttpRequest, given: SpendingIn) -> Any:
    lines = [actions.Spent(line.number, line.month, line.cny_10k) for line in given.lines]
    return {"kept": actions.report_spending(lines=lines, **_who(request))}


@router.get("/projects/{number}", response=ProjectOut, summary=both("一个项目", "one project"))
def get_project(request: HttpRequest, number: str) -> Any:
    return _shown(_standing(request, number))


@router.get(
    "/projects/{number}/oc4ids", response=dict[str, Any], summary=both("一个项目的 OC4IDS 数据包", "one project as an OC4IDS 0.9 package")
)
def get_project_package(request: HttpRequest, number: str) -> Any:
    town = town_for(request, READ)
    return exported([_standing(request, number)], town=town.place, uri=request.build_absolute_uri(), at=_local(request))


@router.post("/projects/{number}/plan", response=ProjectOut, summary=both("改计划", "plan years and milestones"))
def post_plan(request: HttpRequest, number: str, given: ProjectPlanIn) -> Any:
    row = seen_project(number, request.auth)  # type: ignore[attr-defined]
    if given.plan:
        actions.plan_years(row, plan=given.plan, reason=given.reason, **_who(request))
    if given.milestones:
        actions.plan_milestones(row, planned=given.milestones, reason=given.reason, **_who(request))
    return _shown(_standing(request, number))


@router.post("/projects/{number}/milestones", response=ProjectOut, summary=both("节点完成", "a milestone is reached"))
def post_milestone(request: HttpRequest, number: str, given: ReachedIn) -> Any:
    row = seen_project(number, request.auth)  # type: ignore[attr-defined]
    actions.reach_milestone(row, code=given.code, done_on=given.done_on, note=given.note, **_who(request))
    return _shown(_standing(request, number))


@router.post(
    "/projects/{number}/steps/{step}", response=ProjectOut, summary=both("归档、终止、恢复、撤回节点", "archive, give up, take up again, take a milestone back")
)  # fmt: skip
def post_project_step(
    request: HttpRequest, number: str, step: Literal["archive", "drop", "revive", "take_back"], given: ProjectStepIn
) -> Any:
    row, who = seen_project(number, request.auth), _who(request)  # type: ignore[attr-defined]
    if step == "archive":
        actions.archive_project(row, **who)
    elif step == "take_back":
        actions.take_back_milestone(row, code=given.code, reason=given.reason, **who)
    else:
        act = actions.drop_project if step == "drop" else actions.revive_project
        act(row, reason=given.reason, **who)
    return _shown(_standing(request, number))


def _slip(row: Slip) -> dict[str, Any]:
    head = row.dossier
    return {
        "number": head.number, "project": row.project.dossier.number, "state": head.state, "cause": row.cause, "why": {"zh": row.words_zh, "en": row.words_en},
        "post": head.owner_post.code if head.owner_post else None, "by_light": row.opened_by_id is None, "answer": row.answer,
    }  # fmt: skip


@router.get("/slips", response=SlipsOut, summary=both("督办单", "supervision slips, open ones first"))
def get_slips(request: HttpRequest, state: str = "", limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, READ)
    rows = slips_seen(request.auth)  # type: ignore[attr-defined]
    return page_of(rows.filter(dossier__state=state) if state else rows, _slip, limit, offset)


@router.post("/projects/{number}/slips", response=SlipOut, summary=both("发督办单", "open a blue slip"))
def post_slip(request: HttpRequest, number: str, given: SlipIn) -> Any:
    row = seen_project(number, request.auth)  # type: ignore[attr-defined]
    made = actions_slips.open_slip(row, cause=given.cause, why=T(given.words, given.words), **_who(request))
    return _slip(seen_slip(made.dossier.number, request.auth))  # type: ignore[attr-defined]


@router.get("/slips/{number}", response=SlipOut, summary=both("一件督办单", "one slip"))
def get_slip(request: HttpRequest, number: str) -> Any:
    return _slip(seen_slip(number, request.auth))  # type: ignore[attr-defined]


@router.post("/slips/{number}/steps/{step}", response=SlipOut, summary=both("答复、销号、退回", "answer it, close it, send it back"))
def post_slip_step(request: HttpRequest, number: str, step: Literal["answer", "close", "return"], given: WordsIn) -> Any:
    row, who = seen_slip(number, request.auth), _who(request)  # type: ignore[attr-defined]
    if step == "answer":
        actions_slips.answer_slip(row, answer=given.words, **who)
    elif step == "close":
        actions_slips.close_slip(row, words=given.words, **who)
    else:
        actions_slips.return_slip(row, reason=given.words, **who)
    return _slip(seen_slip(number, request.auth))  # type: ignore[attr-defined]


def _issue(row: Issue) -> dict[str, Any]:
    head, project = row.dossier, row.project
    stuck = next(one for one in issues_of(project) if one.issue.pk == row.pk)
    return {
        "number": head.number, "project": project.dossier.number, "state": head.state, "about": row.about, "words": row.words, "answer": row.answer,
        "post": head.owner_post.code if head.owner_post else None, "due_at": stuck.clock.due_at if stuck.clock else None,
        "approval": stuck.approval.number if stuck.approval else None, "waits_for": [step.owner_post.code for step, _ in stuck.waits_for if step.owner_post],
    }  # fmt: skip


@router.get("/projects/{number}/issues", response=list[IssueOut], summary=both("项目的问题", "a project's issues, open ones first"))
def get_issues(request: HttpRequest, number: str) -> Any:
    return [_issue(seen_issue(one.issue.dossier.number, request.auth)) for one in issues_of(seen_project(number, request.auth))]  # type: ignore[attr-defined]


@router.post("/projects/{number}/issues", response=IssueOut, summary=both("提出问题", "raise an issue"))
def post_issue(request: HttpRequest, number: str, given: IssueIn) -> Any:
    row = seen_project(number, request.auth)  # type: ignore[attr-defined]
    approval = seen_dossier("application", given.approval, request.auth, "approval.read") if given.approval else None  # type: ignore[attr-defined]
    raised = actions_issues.Raised(given.about, given.words, _post(given.post), given.due_at, approval)
    made = actions_issues.raise_issue(row, raised=raised, **_who(request))
    return _issue(seen_issue(made.dossier.number, request.auth))  # type: ignore[attr-defined]


@router.post("/issues/{number}/steps/{step}", response=IssueOut, summary=both("问题解决、重新打开", "solve an issue, open it again"))
def post_issue_step(request: HttpRequest, number: str, step: Literal["solve", "reopen"], given: WordsIn) -> Any:
    row, who = seen_issue(number, request.auth), _who(request)  # type: ignore[attr-defined]
    if step == "solve":
        actions_issues.solve_issue(row, answer=given.words, **who)
    else:
        actions_issues.reopen_issue(row, reason=given.words, **who)
    return _issue(seen_issue(number, request.auth))  # type: ignore[attr-defined]
