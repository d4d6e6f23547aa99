"""Policies: how far they have come to firms, one measure with its firms, documents with their clocks, lists to approve and fulfil."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.packs.policies import DELIVERIES, Measure
from tongchou.core.parameters.queries import duration
from tongchou.core.wording import T
from tongchou.domains.policies import actions, actions_awards, queries
from tongchou.domains.policies.models import Award, PaymentList, PolicyDocument
from tongchou.domains.policies.rules import (
    AWARD,
    BREAK_DOWN,
    DELIVER,
    DOCUMENT,
    ISSUE,
    LEVELS,
    PAYMENT_LIST,
    REPORT,
    UNREACHED_AFTER,
    Reach,
    left_behind,
)
from tongchou.domains.registry.rules import SECTIONS, SIZE_CLASSES
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import entitling
from tongchou.workflows.policy_outlook import latest_outlook
from tongchou.workflows.policy_text import benefit_words, how_words, source_words

ROWS = 50
READ, WORK = "policy.read", "policy.work"
TONES: Mapping[str, str] = {
    "due": "", "claimed": "warn", "listed": "warn", "approved": "warn", "paid": "ok", "refused": "bad", "prepared": "warn", "received": "warn",
    "reported": "ok",
}  # fmt: skip


CLOCKS: Mapping[str, T] = {
    BREAK_DOWN: T("及早处理：分解成条目", "Broken down early"), ISSUE: T("及早下发", "Handed down early"), DELIVER: T("及早传达到企业", "Passed on early"),
    REPORT: T("及早上报", "Reported early"),
}  # fmt: skip


@page(READ)
def policies(request: Asked) -> HttpResponse:
    """How far policies have come: documents, measures, who was not reached, whom they reach less."""
    town, book = request.town.place, queries.latest_book()
    if book is None:
        return render(request, "policies/none.html", {"may_write": request.actor.may("policy.write", town.path)})
    measures = [m for m in queries.read_again(book).measures.in_force(request.at.date()) if m.is_for_firms]
    tallies = queries.tallies(town.path)
    rows = sorted(((m, tallies.get(m.id)) for m in measures if m.is_claimed), key=lambda row: -(row[1].due if row[1] else 0))
    documents = list(queries.documents_seen(request.actor)[:12])
    clocks = running_clocks([row.pk for row in documents])
    since = request.at - duration(UNREACHED_AFTER, on=request.at.date(), place_path=town.path)
    outlook, fields = latest_outlook(town), queries.read_again(book).fields
    context = {
        "outlook": outlook, "asked": [(fields[name], n) for name, n in (outlook.asked if outlook else ()) if name in fields],
        "book": book, "rows": [row for row in rows if row[1]], "nobody": sum(row[1] is None for row in rows), "kpis": _kpis(tallies),
        "told_only": [m for m in measures if not m.is_claimed], "low": sum(m.confidence == "low" for m in queries.read_again(book).measures.measures),
        "documents": [(row, state_of(row.dossier), TONES.get(row.dossier.state, ""), clocks.get(row.pk)) for row in documents],
        "by_size": _reaches("size_class", town.path, SIZE_CLASSES), "by_sector": _reaches("section", town.path, SECTIONS),
        "unreached": queries.unreached(request.actor, since).count(), "lists": _lists(request), "levels": LEVELS,
        "may_work": request.actor.may(WORK, town.path), "may_write": request.actor.may("policy.write", town.path),
    }  # fmt: skip
    return render(request, "policies/policies.html", context)


def _kpis(tallies: Mapping[str, queries.Tally]) -> list[dict[str, Any]]:
    due, told, read, paid = (sum(getattr(t, name) for t in tallies.values()) for name in ("due", "told", "read", "paid"))
    yuan, paid_yuan = sum(t.yuan for t in tallies.values()), sum(t.paid_yuan for t in tallies.values())

    def share(part: float, whole: float) -> T:
        said = f"{part / whole:.1%}" if whole else "–"
        return T(f"占 {said}", f"{said} of them")

    return [
        {"label": T("应享（企业×政策）", "Due (firm × measure)"), "value": f"{due:,}"},
        {"label": T("已通知", "Told"), "value": f"{told:,}", "note": share(told, due)},
        {"label": T("企业已阅", "Read by the firm"), "value": f"{read:,}", "note": share(read, due)},
        {"label": T("已兑现", "Fulfilled"), "value": f"{paid:,}", "note": share(paid, due)},
        {
            "label": T("已兑现 / 应兑现金额", "Sum paid of what is due"),
            "value": f"{paid_yuan / 10_000:,.0f} / {yuan / 10_000:,.0f}",
            "unit": T("万元", "× 10,000 yuan"),
        },
    ]


def _reaches(field: str, path: str, names: Mapping[str, T], measure: str | None = None) -> list[dict[str, Any]]:
    groups = [Reach(*row) for row in queries.reach_by(field, path, measure)]
    behind = left_behind(groups)
    order = sorted((g for g in groups if g.due), key=lambda g: (g not in behind, list(names).index(g.key)))
    return [{"name": names[g.key], "reach": g, "interval": g.interval(), "is_behind": g in behind} for g in order]


def _lists(request: Asked) -> list[dict[str, Any]]:
    rows = list(queries.lists_seen(request.actor)[:8])
    clocks = running_clocks([row.pk for row in rows])
    return [
        {"row": r, "head": r.dossier, "state": state_of(r.dossier), "tone": TONES.get(r.dossier.state, ""), "clock": clocks.get(r.pk)}
        for r in rows
    ]


def _measure(name: str) -> Measure:
    """A measure of the book that holds. Raises Unseen."""
    book = queries.latest_book()
    found = next((m for m in queries.read_again(book).measures.measures if m.id == name), None) if book else None
    if found is None or not found.is_for_firms:
        raise Unseen("measure")
    return found


@page(READ)
def policy_measure(request: Asked, name: str) -> HttpResponse:
    """One measure: what it gives, how far it has come, which firms."""
    measure, town = _measure(name), request.town.place
    state = request.GET.get("state", "")
    awards = queries.awards_seen(name, request.actor)
    if state in AWARD.states:
        awards = awards.filter(state=state)
    page_obj = Paginator(awards, ROWS).get_page(request.GET.get("page"))
    context = {
        "measure": measure, "gives": benefit_words(measure, queries.read_again(entitling.require_book()).fields), "how": how_words(measure), "source": source_words(measure),
        "delivery": DELIVERIES[measure.delivery], "level": LEVELS[measure.level], "tally": queries.tallies(town.path).get(name),
        "rows": [(row, AWARD.states[row.state], TONES.get(row.state, "")) for row in page_obj], "page_obj": page_obj, "state": state,
        "states": list(AWARD.states.items()), "by_size": _reaches("size_class", town.path, SIZE_CLASSES, name),
        "may_work": measure.is_claimed and request.actor.may(WORK, town.path),
    }  # fmt: skip
    return render(request, "policies/measure.html", context)


@page(READ)
def policy_unreached(request: Asked) -> HttpResponse:
    """Firms that have read no notice for days, those with most to get first: whom to visit."""
    since = request.at - duration(UNREACHED_AFTER, on=request.at.date(), place_path=request.town.place.path)
    page_obj = Paginator(queries.unreached(request.actor, since), ROWS).get_page(request.GET.get("page"))
    return render(request, "policies/unreached.html", {"page_obj": page_obj, "since": since})


@page(WORK, methods=("POST",))
def policy_entitle(request: Asked) -> HttpResponse:
    """Match the whole town now, and tell those with something new."""
    done = entitling.entitle(request.town.place, by=request.actor, at=request.at)
    kept = done.kept
    said = T(
        f"已匹配 {done.firms:,} 家企业：新增 {kept.new:,} 项，失效 {kept.lapsed:,} 项，金额变化 {kept.changed:,} 项；通知 {done.told:,} 家。",
        f"{done.firms:,} firms matched: new {kept.new:,}, lapsed {kept.lapsed:,}, other sums {kept.changed:,}; firms told: {done.told:,}.",
    )
    messages.success(request, str(said))
    return redirect("policies")


@page(WORK, methods=("POST",))
def policy_list_measure(request: Asked, name: str) -> HttpResponse:
    """Prepare a list of those who wait for a measure."""
    row = entitling.list_measure(_measure(name), request.town.place, by=request.actor, at=request.at)
    messages.success(request, str(T("清单已生成，等另一人批准。", "The list is made; somebody else must approve it.")))
    return redirect("payment_list", row.dossier.number)


@page(READ)
def payment_list(request: Asked, number: str) -> HttpResponse:
    """One list with its firms and sums."""
    row = queries.seen_list(number, request.actor)
    head, awards = row.dossier, Award.objects.filter(payment_list=row).select_related("firm__place").order_by("firm__name", "pk")
    page_obj = Paginator(awards, ROWS).get_page(request.GET.get("page"))
    total = sum((a or 0) for a in awards.values_list("yuan", flat=True))
    allowed, mine = {step.name for step in PAYMENT_LIST.allowed(head.state)}, row.prepared_by_id == request.user.pk
    may = request.actor.may
    context = {
        "row": row, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "clock": running_clocks([head.pk]).get(head.pk),
        "rows": [(a, AWARD.states[a.state], TONES.get(a.state, "")) for a in page_obj], "page_obj": page_obj, "total": total, "count": page_obj.paginator.count,
        "waiting": awards.filter(state="approved").count(), "may_decide": "approve" in allowed and may("policy.approve", head.place.path) and not mine,
        "is_own": mine and "approve" in allowed, "may_pay": "pay" in allowed and may(WORK, head.place.path), "today": request.at.date(),
        "timeline": story_of(history_of(head).order_by("-seq")[:20], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "policies/list.html", context)


@page(READ)
def payment_list_csv(request: Asked, number: str) -> HttpResponse:
    """The list as a table for whoever pays: fill in the reference and bring it back. A formula in a firm's name stays a text."""
    row = queries.seen_list(number, request.actor)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["award", "credit_code", "firm", "yuan", "reference"])
    for award in Award.objects.filter(payment_list=row).select_related("firm").order_by("pk"):
        name = award.firm.name
        writer.writerow(
            [award.pk, award.firm.credit_code, f"'{name}" if name[:1] in "=+-@\t\r" else name, award.yuan or "", award.reference]
        )
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{number}.csv") or ""
    return response


def _pay(row: PaymentList, request: Asked) -> T:
    """All that wait, or those of a file that came back with references."""
    on = read_day("on", request.POST.get("on", "")) or request.at.date()
    waiting = list(Award.objects.filter(payment_list=row, state="approved").values_list("pk", flat=True))
    upload = request.FILES.get("file")
    paid = _references(upload.read()) if upload is not None else {pk: request.POST.get("reference", "") for pk in waiting}
    count = actions_awards.pay_awards(row, paid=paid, on=on, by=request.actor, at=request.at)
    return T(f"已登记 {count} 笔。", f"Recorded: {count}.")


def _references(content: bytes) -> dict[int, str]:
    """Award → reference of a table that came back. Raises Invalid naming the row that cannot be read."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    except UnicodeDecodeError:
        raise Invalid([FieldProblem("file", T("文件不是 UTF-8 编码的 CSV。", "The file is no CSV in UTF-8."))]) from None
    found = {}
    for n, row in enumerate(rows, 2):
        award, reference = (row.get("award") or "").strip(), (row.get("reference") or "").strip()
        if not award.isdecimal() or len(award) > 18:
            said = T(f"第 {n} 行 award 列不是编号：{award[:20]}。", f"Row {n}: column award holds no number: {award[:20]}.")
            raise Invalid([FieldProblem("file", said)])
        if reference:
            found[int(award)] = reference
    return found


LIST_STEPS: Mapping[str, Callable[[PaymentList, Asked], T]] = {
    "approve": lambda row, r: (actions_awards.approve_list(row, by=r.actor, at=r.at), T("已批准。", "Approved."))[1],
    "refuse": lambda row, r: (actions_awards.refuse_list(row, reason=r.POST.get("reason", ""), by=r.actor, at=r.at), T("已退回。", "Sent back."))[1],
    "pay": _pay,
}  # fmt: skip


@page(READ, methods=("POST",))
def payment_list_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a list."""
    said = LIST_STEPS[step](queries.seen_list(number, request.actor), request)
    messages.success(request, f"{number} {said}")
    return redirect("payment_list", number)


@page(WORK, methods=("POST",))
def policy_receive(request: Asked) -> HttpResponse:
    """Take in a document."""
    given = request.POST
    title = given.get("title", "").strip()
    received = actions.Received(
        given.get("source", "").strip(), T(title[:200], title[:200]), given.get("doc_number", ""), given.get("level", "")
    )
    row = actions.receive_document(given=received, place=request.town.place, by=request.actor, at=request.at)
    return redirect("policy_document", row.dossier.number)


@page(READ)
def policy_document(request: Asked, number: str) -> HttpResponse:
    """One document: how far it is, its clocks, its measures."""
    row = queries.seen_document(number, request.actor)
    head, book = row.dossier, queries.latest_book()
    measures = queries.read_again(book).measures.from_source(row.source) if book else []
    tallies = queries.tallies(request.town.place.path)
    allowed = DOCUMENT.allowed(head.state)
    context = {
        "row": row, "head": head, "state": state_of(head), "tone": TONES.get(head.state, ""), "clock": running_clocks([head.pk]).get(head.pk),
        "level": LEVELS[row.level], "measures": [(m, tallies.get(m.id)) for m in measures], "deadlines": [{"words": CLOCKS[one.key], "started_at": one.started_at, "due_at": one.due_at, "stopped_at": one.stopped_at} for one in head.deadlines.order_by("started_at")],
        "next": allowed[0] if allowed and request.actor.may(WORK, head.place.path) else None, "steps": DOCUMENT.states.items(),
        "timeline": story_of(history_of(head).order_by("-seq")[:20], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "policies/document.html", context)


DOCUMENT_STEPS: Mapping[str, Callable[[PolicyDocument, Asked], object]] = {
    "break_down": lambda row, r: actions.break_down(row, by=r.actor, at=r.at),
    "issue": lambda row, r: actions.issue_document(row, to=r.POST.get("words", ""), by=r.actor, at=r.at),
    "deliver": lambda row, r: entitling.deliver(row, by=r.actor, at=r.at),
    "report": lambda row, r: actions.report_document(row, words=r.POST.get("words", ""), by=r.actor, at=r.at),
}


@page(WORK, methods=("POST",))
def policy_document_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a document."""
    DOCUMENT_STEPS[step](queries.seen_document(number, request.actor), request)
    messages.success(request, f"{number} {T('已登记。', 'Recorded.')}")
    return redirect("policy_document", number)


urlpatterns = [
    path("policies/", policies, name="policies"),
    path("policies/unreached", policy_unreached, name="policy_unreached"),
    path("policies/entitle", policy_entitle, name="policy_entitle"),
    path("policies/receive", policy_receive, name="policy_receive"),
    path("policies/measures/<str:name>", policy_measure, name="policy_measure"),
    path("policies/measures/<str:name>/list", policy_list_measure, name="policy_list_measure"),
    path("policies/lists/<str:number>/table.csv", payment_list_csv, name="payment_list_csv"),
    path("policies/lists/<str:number>", payment_list, name="payment_list"),
    *(path(f"policies/lists/<str:number>/{step}", payment_list_step, {"step": step}, name=f"payment_list_{step}") for step in LIST_STEPS),
    path("policies/documents/<str:number>", policy_document, name="policy_document"),
    *(
        path(f"policies/documents/<str:number>/{step}", policy_document_step, {"step": step}, name=f"policy_{step}")
        for step in DOCUMENT_STEPS
    ),
]
