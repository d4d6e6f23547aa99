"""Policies for programs: the book, what became of each measure, what one firm gets and why, documents, lists; the same actions as the pages."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.parameters.queries import duration
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.firms.actions import Origin, end_address, give_address
from tongchou.domains.firms.actions_succession import add_premises, end_premises
from tongchou.domains.firms.models import FirmPremises
from tongchou.domains.firms.queries import premises_of
from tongchou.domains.policies import actions, actions_awards, queries
from tongchou.domains.policies.models import Award, PaymentList, PolicyDocument
from tongchou.domains.policies.rules import UNREACHED_AFTER
from tongchou.domains.registry.models import Firm
from tongchou.interfaces.api.fields import Limit, Offset, RowNumber, page_of
from tongchou.interfaces.api.policy_shapes import (
    AddressOut,
    AwardOut,
    AwardPage,
    BookIn,
    BookOut,
    ClaimIn,
    DocumentIn,
    DocumentOut,
    DocumentPage,
    EntitledOut,
    FactsIn,
    FirmPoliciesOut,
    HandedOverOut,
    ListOut,
    MeasureOut,
    OutlookOut,
    PaymentsIn,
    PremisesIn,
    PremisesOut,
    State,
    SuccessionIn,
    UnreachedPage,
)
from tongchou.interfaces.api.town import town_for
from tongchou.interfaces.api.wording import Reason, both, pair
from tongchou.interfaces.web.addresses import public_address
from tongchou.workflows import entitling, firm_file
from tongchou.workflows.policy_outlook import latest_outlook
from tongchou.workflows.succeeding import succeed

router = Router(tags=["policies"])
READ, WORK = "policy.read", "policy.work"


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.auth, "at": request.at}  # type: ignore[attr-defined]


def _firm(request: HttpRequest, pk: int) -> Firm:
    return firm_file.seen_firm(pk, request.auth, request.at)  # type: ignore[attr-defined]


@router.get("/policies/book", response=BookOut, summary=both("现行政策库", "the book that holds"))
def get_book(request: HttpRequest) -> Any:
    town_for(request, READ)
    book = queries.latest_book()
    if book is None:
        raise Unseen("book")
    return {"version": book.version, "published_at": book.published_at, "content": queries.read_again(book).content}


@router.post("/policies/book", response=BookOut, summary=both("发布政策库", "publish a book; it holds from now on"))
def post_book(request: HttpRequest, given: BookIn) -> Any:
    row = actions.publish_book(content=given.content, place=town_for(request, "policy.write").place, reason=given.reason, **_who(request))
    return {"version": row.version, "published_at": row.published_at, "content": given.content}


@router.get("/policies/measures", response=list[MeasureOut], summary=both("各项政策到哪一步", "what became of each measure"))
def get_measures(request: HttpRequest) -> Any:
    town = town_for(request, READ).place
    book = queries.latest_book()
    names = {m.id: m for m in queries.read_again(book).measures.measures} if book else {}
    found = []
    for tally in queries.tallies(town.path).values():
        measure = names.get(tally.measure)
        row = {name: getattr(tally, name) for name in MeasureOut.model_fields if hasattr(tally, name)}
        title = measure.title if measure else T(tally.measure, tally.measure)
        found.append({**row, "name": pair(title), "delivery": measure.delivery if measure else ""})
    return found


@router.get("/policies/outlook", response=OutlookOut, summary=both("要多少钱、先问什么", "what the policies take, and what to ask first"))
def get_outlook(request: HttpRequest) -> Any:
    found = latest_outlook(town_for(request, READ).place)
    if found is None:
        raise Unseen("outlook")
    return {
        "at": found.at,
        "firms": found.firms,
        "needs": {name: asdict(need) for name, need in found.needs.items()},
        "asked": dict(found.asked),
    }


@router.post(
    "/policies/entitle", response=EntitledOut, summary=both("匹配全镇并通知", "match the whole town and tell those with something new")
)
def post_entitle(request: HttpRequest) -> Any:
    done = entitling.entitle(town_for(request, WORK).place, **_who(request))
    kept = done.kept
    return {
        "firms": done.firms, "new": kept.new, "lapsed": kept.lapsed, "revived": kept.revived, "changed": kept.changed, "told": done.told,
    }  # fmt: skip


@router.get("/policies/measures/{name}/awards", response=AwardPage, summary=both("一项政策的企业", "the firms of one measure"))
def get_awards(request: HttpRequest, name: str, state: State | None = None, limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, READ)
    rows = queries.awards_seen(name, request.auth)  # type: ignore[attr-defined]
    return page_of(rows.filter(state=state) if state else rows, _award, limit, offset)


def _award(row: Award) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("id", "measure", "state", "yuan", "paid_yuan", "paid_on", "reference")}
    return {
        **plain, "firm": row.firm_id, "credit_code": row.firm.credit_code, "told": row.notice is not None,
        "read": bool(row.notice and row.notice.read_at), "list": row.payment_list.dossier.number if row.payment_list else None,
    }  # fmt: skip


@router.get("/policies/unreached", response=UnreachedPage, summary=both("没看到通知的企业", "firms that have read no notice"))
def get_unreached(request: HttpRequest, limit: Limit = 100, offset: Offset = 0) -> Any:
    town, at = town_for(request, READ).place, request.at  # type: ignore[attr-defined]
    since = at - duration(UNREACHED_AFTER, on=at.date(), place_path=town.path)
    return page_of(queries.unreached(request.auth, since), _unreached, limit, offset)  # type: ignore[attr-defined]


def _unreached(row: Any) -> dict[str, Any]:
    return {"firm": row.firm_id, "name": row.firm.name, "due": row.awards_due, "yuan": row.yuan_due, "told_at": row.made_at}


@router.get("/firms/{pk}/policies", response=FirmPoliciesOut, summary=both("一家企业的应享政策", "what one firm gets, why, why not"))
def get_firm_policies(request: HttpRequest, pk: RowNumber) -> Any:
    firm = _firm(request, pk)
    file = firm_file.open_file(firm)
    if file is None:
        raise Unseen("book")
    what = firm_file.policies_for(file, request.at.date())  # type: ignore[attr-defined]
    return {
        "total_yuan": what.total, "paid_yuan": what.paid, "ask": [field.name for field, _ in what.questions],
        "offers": [_offer(offer) for offer in (*what.gets, *what.could, *what.others)],
        "facts": [
            {"field": f.field.name, "label": pair(f.field.label), "value": f.raw, "source": pair(f.source), "known_on": f.known_on}
            for f in firm_file.known_of(file)
        ],
    }  # fmt: skip


def _offer(offer: firm_file.Offer) -> dict[str, Any]:
    def lacks(found: tuple[firm_file.Lack, ...]) -> list[dict[str, Any]]:
        return [{"field": one.field, "asked": pair(one.asked), "now": pair(one.now), "is_unknown": one.is_unknown} for one in found]

    return {
        "measure": offer.measure.id, "name": pair(offer.measure.title), "answer": offer.answer, "yuan": offer.yuan, "gives": pair(offer.gives),
        "how": pair(offer.how), "source": pair(offer.source), "reasons": [pair(reason) for reason in offer.reasons], "lacks": lacks(offer.lacks),
        "cheapest_change": lacks(offer.change), "instead": offer.instead.id if offer.instead else None,
        "state": offer.award.state if offer.award else None,
    }  # fmt: skip


@router.post(
    "/firms/{pk}/facts", response=dict[str, str], summary=both("记录企业情况", "record facts; what the firm gets is reckoned again")
)
def post_facts(request: HttpRequest, pk: RowNumber, given: FactsIn) -> Any:
    who = _who(request)
    return firm_file.tell(_firm(request, pk), given.facts, Origin("office", who["at"].date(), given.note), **who)


@router.post("/firms/{pk}/claims", response=AwardOut, summary=both("代企业申请", "claim a measure for the firm"))
def post_claim(request: HttpRequest, pk: RowNumber, given: ClaimIn) -> Any:
    row = _firm(request, pk)
    if not request.auth.may("policy.work", row.place.path):  # type: ignore[attr-defined]
        raise Unseen("award")
    return _award(queries.seen_award(firm_file.claim(row, given.measure, **_who(request)).pk, request.auth))  # type: ignore[attr-defined]


@router.post("/firms/{pk}/receipt", response=dict[str, int], summary=both("当面告知企业", "the firm was told in person"))
def post_receipt(request: HttpRequest, pk: RowNumber) -> Any:
    return {"notices": actions_awards.note_receipt(firm=_firm(request, pk), **_who(request))}


@router.post("/firms/{pk}/address", response=AddressOut, summary=both("企业自己的页面", "the address of the firm's own page"))
def post_address(request: HttpRequest, pk: RowNumber) -> Any:
    token = give_address(firm=_firm(request, pk), **_who(request))
    return {"address": public_address(request, reverse("firm_page", args=[token]))}


@router.delete("/firms/{pk}/address", response={204: None}, summary=both("停用企业页面", "end the address"))
def delete_address(request: HttpRequest, pk: RowNumber, given: Reason) -> Any:
    end_address(firm=_firm(request, pk), reason=given.reason, **_who(request))
    return 204, None


@router.post(
    "/firms/{pk}/successions", response=HandedOverOut, summary=both("合并、分立、迁出、注销", "merged, split, moved away, struck off")
)
def post_succession(request: HttpRequest, pk: RowNumber, given: SuccessionIn) -> Any:
    successor = Firm.objects.select_related("place").filter(credit_code=given.successor).first() if given.successor else None
    if given.successor and (successor is None or not request.auth.may("register.read", successor.place.path)):  # type: ignore[attr-defined]
        raise Invalid([FieldProblem("successor", T("登记册里没有这家企业。", "The register has no such firm."))])
    return asdict(succeed(_firm(request, pk), given.kind, successor=successor, on=given.on, reason=given.reason, **_who(request)))


def _premises(row: FirmPremises) -> dict[str, Any]:
    return {"id": row.pk, "place": row.place.code, "address": row.address, "from_on": row.from_on, "to_on": row.to_on}


@router.get("/firms/{pk}/premises", response=list[PremisesOut], summary=both("另外的场所", "further places of a firm"))
def get_premises(request: HttpRequest, pk: RowNumber) -> Any:
    return [_premises(row) for row in premises_of(_firm(request, pk).pk)]


@router.post("/firms/{pk}/premises", response=PremisesOut, summary=both("增加一处场所", "add one"))
def post_premises(request: HttpRequest, pk: RowNumber, given: PremisesIn) -> Any:
    who, place = _who(request), place_by_code(given.place)
    return _premises(add_premises(firm=_firm(request, pk), place=place, address=given.address, from_on=who["at"].date(), **who))


@router.delete("/firms/{pk}/premises/{premises_id}", response=PremisesOut, summary=both("停用一处场所", "it has left one"))
def delete_premises(request: HttpRequest, pk: RowNumber, premises_id: RowNumber) -> Any:
    found = next((row for row in premises_of(_firm(request, pk).pk) if row.pk == premises_id), None)
    if found is None:
        raise Unseen("premises")
    who = _who(request)
    return _premises(end_premises(row=found, on=who["at"].date(), **who))


@router.post("/policies/measures/{name}/lists", response=ListOut, summary=both("生成兑现清单", "put those who wait on a list"))
def post_list(request: HttpRequest, name: str) -> Any:
    book = entitling.require_book()
    measure = next((m for m in queries.read_again(book).measures.measures if m.id == name and m.is_for_firms), None)
    if measure is None:
        raise Unseen("measure")
    return _list(entitling.list_measure(measure, town_for(request, WORK).place, **_who(request)))


def _list(row: PaymentList) -> dict[str, Any]:
    awards = list(Award.objects.filter(payment_list=row).values_list("yuan", flat=True))
    return {
        "number": row.dossier.number, "measure": row.measure, "state": row.dossier.state, "awards": len(awards),
        "yuan": sum((yuan or Decimal(0) for yuan in awards), Decimal(0)), "prepared_by": row.prepared_by.username if row.prepared_by else "",
        "decided_by": row.decided_by.username if row.decided_by else None,
    }  # fmt: skip


def _seen_list(request: HttpRequest, number: str) -> PaymentList:
    return queries.seen_list(number, request.auth)  # type: ignore[attr-defined]


@router.get("/policies/lists/{number}", response=ListOut, summary=both("一份兑现清单", "one list"))
def get_list(request: HttpRequest, number: str) -> Any:
    return _list(_seen_list(request, number))


@router.post("/policies/lists/{number}/approve", response=ListOut, summary=both("批准清单", "approve a list of somebody else"))
def post_list_approve(request: HttpRequest, number: str) -> Any:
    return _list(actions_awards.approve_list(_seen_list(request, number), **_who(request)))


@router.post("/policies/lists/{number}/refuse", response=ListOut, summary=both("退回清单", "send a list back"))
def post_list_refuse(request: HttpRequest, number: str, given: Reason) -> Any:
    return _list(actions_awards.refuse_list(_seen_list(request, number), reason=given.reason, **_who(request)))


@router.post("/policies/lists/{number}/pay", response=ListOut, summary=both("登记兑现", "note what was paid"))
def post_list_pay(request: HttpRequest, number: str, given: PaymentsIn) -> Any:
    row = _seen_list(request, number)
    actions_awards.pay_awards(row, paid=given.paid, on=given.on, **_who(request))
    return _list(_seen_list(request, number))


def _document(row: PolicyDocument) -> dict[str, Any]:
    head = row.dossier
    return {
        "number": head.number, "source": row.source, "title": pair(head.title), "doc_number": row.doc_number, "level": row.level, "state": head.state,
    }  # fmt: skip


def _seen_document(request: HttpRequest, number: str) -> PolicyDocument:
    return queries.seen_document(number, request.auth)  # type: ignore[attr-defined]


@router.get("/policies/documents", response=DocumentPage, summary=both("政策文件", "documents"))
def get_documents(request: HttpRequest, limit: Limit = 100, offset: Offset = 0) -> Any:
    town_for(request, READ)
    return page_of(queries.documents_seen(request.auth), _document, limit, offset)  # type: ignore[attr-defined]


@router.post("/policies/documents", response=DocumentOut, summary=both("登记收文", "take in a document"))
def post_document(request: HttpRequest, given: DocumentIn) -> Any:
    received = actions.Received(given.source, T(given.title, given.title), given.doc_number, given.level)
    return _document(actions.receive_document(given=received, place=town_for(request, WORK).place, **_who(request)))


@router.get("/policies/documents/{number}", response=DocumentOut, summary=both("一份文件", "one document"))
def get_document(request: HttpRequest, number: str) -> Any:
    return _document(_seen_document(request, number))


@router.post(
    "/policies/documents/{number}/break-down", response=DocumentOut, summary=both("已分解成条目", "its measures stand in the book")
)
def post_break_down(request: HttpRequest, number: str) -> Any:
    return _document(actions.break_down(_seen_document(request, number), **_who(request)))


@router.post("/policies/documents/{number}/issue", response=DocumentOut, summary=both("下发", "hand it down (reason: to whom)"))
def post_issue(request: HttpRequest, number: str, given: Reason) -> Any:
    return _document(actions.issue_document(_seen_document(request, number), to=given.reason, **_who(request)))


@router.post("/policies/documents/{number}/deliver", response=DocumentOut, summary=both("确认传达完毕", "every firm it is for was told"))
def post_deliver(request: HttpRequest, number: str) -> Any:
    return _document(entitling.deliver(_seen_document(request, number), **_who(request)))


@router.post("/policies/documents/{number}/report", response=DocumentOut, summary=both("上报", "report (reason: what came of it)"))
def post_report(request: HttpRequest, number: str, given: Reason) -> Any:
    return _document(actions.report_document(_seen_document(request, number), words=given.reason, **_who(request)))
