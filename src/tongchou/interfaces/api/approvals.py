"""Approvals for programs: a window takes applications in, offices work their steps, analysts ask where time is lost. The same rules as the pages."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.packs.procedures import procedure_of
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code
from tongchou.core.wording import T
from tongchou.domains.approvals import actions, actions_cover, actions_steps
from tongchou.domains.approvals.life import PaperGiven, missing_papers, spec_of
from tongchou.domains.approvals.models import Application, Delegation
from tongchou.domains.approvals.queries import (
    applications_seen,
    delegations_at,
    papers_of,
    procedures_on,
    seen_application,
    seen_step,
    steps_of,
)
from tongchou.domains.registry.queries import firm_for
from tongchou.interfaces.api.approval_shapes import (
    ApplicantPageOut,
    ApplicationIn,
    ApplicationOut,
    ApplicationsOut,
    ApprovalWordsIn,
    AskIn,
    DelegationIn,
    DelegationOut,
    FinishIn,
    LossOut,
    PaperIn,
    PapersIn,
    ProcedureOut,
    RefuseIn,
    StopIn,
    TimesOut,
    WhatIfOut,
)
from tongchou.interfaces.api.fields import Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import both
from tongchou.interfaces.chance import random_token
from tongchou.interfaces.web.addresses import public_address
from tongchou.workflows.approval_queue import Change, lost_time, network_of, what_if

router = Router(tags=["approvals"])


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _papers(given: list[PaperIn]) -> list[PaperGiven]:
    return [PaperGiven(one.code, one.note, issued_on=one.issued_on) for one in given]


def _seen(request: HttpRequest, number: str) -> Application:
    return seen_application(number, request.auth)  # type: ignore[attr-defined]


def _shown(row: Application) -> dict[str, Any]:
    head = row.dossier
    kept = {name: getattr(row, name) for name in ("applicant", "accepted_at", "promised_at", "statutory_at", "words", "ground")}
    steps = [
        {"number": s.dossier.number, "code": s.code, "state": s.dossier.state, "post": s.post.code, "due_at": s.due_at,
         "held_by": s.dossier.owner_post.code if s.dossier.owner_post else None}
        for s in steps_of(row)
    ]  # fmt: skip
    papers = [
        {"code": p.code, "given_at": p.paper.given_at, "first_for": p.paper.first_for.dossier.number, "holds_until": p.paper.holds_until}
        for p in papers_of(row)
    ]
    return kept | {
        "number": head.number, "procedure": row.procedure.code, "state": head.state, "firm": row.firm_id, "place": head.place.code,
        "missing": missing_papers(row, spec_of(row)), "steps": steps, "papers": papers,
    }  # fmt: skip


def _again(request: HttpRequest, number: str) -> dict[str, Any]:
    return _shown(_seen(request, number))


def _post(field: str, code: str) -> Post:
    try:
        return post_by_code(code)
    except Unseen:
        raise Invalid([FieldProblem(field, T("没有这个岗位。", "No such post."))]) from None


@router.get("/approvals/procedures", response=list[ProcedureOut], summary=both("审批事项", "procedures that may be applied for today"))
def get_procedures(request: HttpRequest) -> Any:
    town_for(request, "approval.read")
    found = []
    for row in procedures_on(request.at.date()):  # type: ignore[attr-defined]
        spec = procedure_of(row.body)
        limits = {name: limit for name, limit in (("statutory", spec.statutory), ("promised", spec.promised)) if limit}
        found.append({
            "code": row.code, "version": row.version, "name": str(row.title), "statutory_days": spec.statutory and spec.statutory.days,
            "promised_days": spec.promised and spec.promised.days, "confidence": {name: limit.confidence for name, limit in limits.items()},
            "steps": [{"code": s.code, "name": str(s.name), "post": s.post, "days": s.days, "after": list(s.after), "papers": list(s.papers)} for s in spec.steps],
            "papers": list(spec.papers), "stops": list(spec.stops), "grounds": list(spec.grounds),
        })  # fmt: skip
    return found


@router.get("/approvals/times", response=TimesOut, summary=both("时间耗在哪", "where time is lost, most days first"))
def get_times(request: HttpRequest) -> Any:
    found = lost_time(town_for(request, "approval.read").place.path, request.at)  # type: ignore[attr-defined]
    kept = [
        {
            "code": k.procedure,
            "count": k.count,
            "mean_days": k.mean_days,
            "over_promised": k.over_promised,
            "over_statutory": k.over_statutory,
        }
        for k in found.procedures
    ]
    return {"steps": [{name: getattr(one, name) for name in LossOut.model_fields} for one in found.steps], "procedures": kept}


Saving = Annotated[float, Query(ge=0, le=1, description=both("合并后省下的工时比例", "share of the work that falls away when merged"))]


@router.get("/approvals/what-if", response=WhatIfOut, summary=both("如果改一改", "what a change would save"))
def get_what_if(
    request: HttpRequest,
    change: Literal["clerk", "merge", "hand"],
    procedure: str = "",
    step: str = "",
    other: str = "",
    post: str = "",
    saving: Saving = 0.0,
) -> Any:
    log = network_of(town_for(request, "approval.read").place.path, request.at)  # type: ignore[attr-defined]
    if log is None:
        raise Invalid([FieldProblem("change", T("还没有受理过申请。", "Nothing has been accepted yet."))])
    said = what_if(log, Change(change, procedure, step, other, post, saving))
    kept = {name: getattr(said.overall, name) for name in ("before_days", "after_days", "saved_days", "low", "high")}
    loads = dict(zip(log.offices, said.load_after, strict=True))
    return kept | {"loads": loads, "assumed": [f"{code}/{one}" for code, one in log.assumed]}


@router.get("/approvals/delegations", response=list[DelegationOut], summary=both("委托", "who stands in for whom, now or later"))
def get_delegations(request: HttpRequest) -> Any:
    town_for(request, "approval.read")
    return [_delegation(row) for row in delegations_at(request.auth, request.at)]  # type: ignore[attr-defined]


def _delegation(row: Delegation) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in ("id", "from_at", "to_at", "reason")}
    return kept | {"from_post": row.from_post.code, "to_post": row.to_post.code}


@router.post("/approvals/delegations", response=DelegationOut, summary=both("委托岗位", "let a post stand in for another"))
def post_delegation(request: HttpRequest, given: DelegationIn) -> Any:
    one, other = _post("from_post", given.from_post), _post("to_post", given.to_post)
    row = actions_cover.delegate_post(
        from_post=one, to_post=other, from_at=given.from_at, to_at=given.to_at, reason=given.reason, **_who(request)
    )
    return _delegation(row)


@router.post("/approvals/delegations/{number}/end", response=DelegationOut, summary=both("结束委托", "end a delegation; its steps go back"))
def post_delegation_end(request: HttpRequest, number: RowNumber) -> Any:
    row = Delegation.objects.select_related("from_post__place", "to_post").filter(pk=number).first()
    if row is None:
        raise Unseen("delegation")
    shown = _delegation(row)
    actions_cover.end_delegation(row, **_who(request))
    return shown | {"to_at": request.at}  # type: ignore[attr-defined]


@router.get("/approvals", response=ApplicationsOut, summary=both("审批申请", "applications seen, open ones by the nearest limit"))
def get_applications(request: HttpRequest, state: str = "", limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, "approval.read")
    rows = applications_seen(request.auth)  # type: ignore[attr-defined]
    return page_of(rows.filter(dossier__state=state) if state else rows, _shown, limit, offset)


@router.post("/approvals", response=ApplicationOut, summary=both("收件", "take an application in"))
def post_application(request: HttpRequest, given: ApplicationIn) -> Any:
    town = town_for(request, "approval.receive")
    procedure = next((one for one in procedures_on(request.at.date()) if one.code == given.procedure), None)  # type: ignore[attr-defined]
    if procedure is None:
        raise Invalid([FieldProblem("procedure", T("今天没有这个事项。", "No such procedure today."))])
    firm = firm_for(given.firm, request.auth, "approval.receive") if given.firm else None  # type: ignore[attr-defined]
    place = firm.place if firm else town.place
    applying = actions.Applying(procedure, place, firm, given.applicant, given.permit_ends_on, _papers(given.papers))
    return _shown(actions.open_application(applying=applying, **_who(request)))


@router.get("/approvals/{number}", response=ApplicationOut, summary=both("一件申请", "one application"))
def get_application(request: HttpRequest, number: str) -> Any:
    return _again(request, number)


@router.post("/approvals/{number}/accept", response=ApplicationOut, summary=both("受理", "accept it: its terms run"))
def post_accept(request: HttpRequest, number: str, given: PapersIn | None = None) -> Any:
    actions.accept_application(_seen(request, number), papers=_papers(given.papers if given else []), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/ask", response=ApplicationOut, summary=both("一次性告知补正", "tell what is missing, once and whole"))
def post_ask(request: HttpRequest, number: str, given: AskIn) -> Any:
    actions.ask_corrections(_seen(request, number), **given.dict(), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/correct", response=ApplicationOut, summary=both("补正", "bring everything asked for: it is accepted"))
def post_correct(request: HttpRequest, number: str, given: PapersIn) -> Any:
    actions.correct_application(_seen(request, number), papers=_papers(given.papers), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/papers", response=ApplicationOut, summary=both("添加材料", "add papers while it is under way"))
def post_papers(request: HttpRequest, number: str, given: PapersIn) -> Any:
    actions.add_papers(_seen(request, number), papers=_papers(given.papers), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/decline", response=ApplicationOut, summary=both("不予受理", "do not take it on"))
def post_decline(request: HttpRequest, number: str, given: ApprovalWordsIn) -> Any:
    actions.decline_application(_seen(request, number), words=given.words, **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/refuse", response=ApplicationOut, summary=both("不予许可", "refuse it on a legal ground"))
def post_refuse_application(request: HttpRequest, number: str, given: RefuseIn) -> Any:
    actions.refuse_application(_seen(request, number), **given.dict(), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/withdraw", response=ApplicationOut, summary=both("撤回", "take it back at the applicant's wish"))
def post_withdraw_application(request: HttpRequest, number: str, given: ApprovalWordsIn) -> Any:
    actions.withdraw_application(_seen(request, number), words=given.words, **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/extend", response=ApplicationOut, summary=both("延长法定时限", "extend the limit of the law, once"))
def post_extend(request: HttpRequest, number: str, given: ApprovalWordsIn) -> Any:
    actions.extend_application(_seen(request, number), words=given.words, **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/stop", response=ApplicationOut, summary=both("暂停计时", "stop the clock until an end"))
def post_stop(request: HttpRequest, number: str, given: StopIn) -> Any:
    actions_steps.stop_clock(_seen(request, number), **given.dict(), **_who(request))
    return _again(request, number)


@router.post("/approvals/{number}/resume", response=ApplicationOut, summary=both("恢复计时", "let the clock go on"))
def post_resume(request: HttpRequest, number: str) -> Any:
    actions_steps.resume_clock(_seen(request, number), **_who(request))
    return _again(request, number)


@router.post(
    "/approvals/{number}/page",
    response=ApplicantPageOut,
    summary=both("申请人的页面", "the address of the applicant's page; the former one ends"),
)
def post_applicant_page(request: HttpRequest, number: str) -> Any:
    token = random_token()
    actions.give_page(_seen(request, number), token=token, **_who(request))
    return {"address": public_address(request, reverse("applicant_page", args=[token]))}


@router.post("/approvals/steps/{number}/start", response=ApplicationOut, summary=both("开始办理环节", "begin a step"))
def post_start(request: HttpRequest, number: str) -> Any:
    step = seen_step(number, request.auth)  # type: ignore[attr-defined]
    actions_steps.start_step(step, **_who(request))
    return _again(request, step.application.dossier.number)


@router.post("/approvals/steps/{number}/finish", response=ApplicationOut, summary=both("办结环节", "finish a step"))
def post_finish(request: HttpRequest, number: str, given: FinishIn | None = None) -> Any:
    step = seen_step(number, request.auth)  # type: ignore[attr-defined]
    actions_steps.finish_step(step, finding=given.finding if given else "", **_who(request))
    return _again(request, step.application.dossier.number)
