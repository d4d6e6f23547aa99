"""One firm, one file: what is known of it, what it gets, what has happened with it; its own address to hand over."""

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.places.queries import place_by_code, places_below
from tongchou.core.wording import T
from tongchou.domains.approvals.queries import open_for_firm as applied_for
from tongchou.domains.difficulties.queries import open_for_firm
from tongchou.domains.firms.actions import Origin, end_address, give_address
from tongchou.domains.firms.actions_succession import add_premises, end_premises
from tongchou.domains.firms.models import Succession
from tongchou.domains.firms.queries import premises_of, successions_of
from tongchou.domains.firms.rules import SUCCESSIONS
from tongchou.domains.policies.actions_awards import note_receipt
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.rules import RESUMPTIONS, SIZE_CLASSES
from tongchou.domains.resumption.queries import resumption_of
from tongchou.interfaces.web.addresses import public_address
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day
from tongchou.interfaces.web.qr import qr_inline
from tongchou.interfaces.web.story import address_of, state_of
from tongchou.workflows import firm_file
from tongchou.workflows.succeeding import succeed

READ = "register.read"


@page(READ)
def firm(request: Asked, pk: int) -> HttpResponse:
    """The file."""
    row = firm_file.seen_firm(pk, request.actor, request.at)
    file, may_write = firm_file.open_file(row), request.actor.may("register.write", row.place.path)
    context = {
        "firm": row, "what": firm_file.policies_for(file, request.at.date()) if file else None, "facts": firm_file.known_of(file) if file else [],
        "history": [(event, address_of(event.dossier) if event.dossier else None) for event in firm_file.history_of_firm(row, file)],
        "applications": [(one.dossier, state_of(one.dossier)) for one in applied_for(row.pk)] if request.actor.may("approval.read", row.place.path) else [], "unread": file is not None and file.is_unread, "difficulties": open_for_firm(row.pk), "filed": resumption_of(row.pk),
        "size": SIZE_CLASSES[row.size_class], "work": RESUMPTIONS[row.resumption], "may_write": may_write,
        "industry": file.book.industries.get(row.industry[:2]) if file else None,
        "fields": [f for f in file.book.fields.values() if not f.register] if file and may_write else [],
        "claim_url": reverse("firm_claim_for", args=[row.pk]) if request.actor.may("policy.work", row.place.path) else None,
        "tell_url": reverse("firm_facts", args=[row.pk]) if may_write else None, "premises": premises_of(row.pk),
        "successions": [_succession(one) for one in successions_of(row.pk)], "successions_kinds": list(SUCCESSIONS.items()),
        "villages": places_below(request.town.place.path) if may_write else [],
    }  # fmt: skip
    return render(request, "firms/firm.html", context)


@page("register.write", methods=("POST",))
def firm_address(request: Asked, pk: int) -> HttpResponse:
    """The firm's address, to scan with the phone of whoever speaks for it."""
    row = firm_file.seen_firm(pk, request.actor, request.at)
    token = give_address(firm=row, by=request.actor, at=request.at)
    address = public_address(request, reverse("firm_page", args=[token]))
    response = render(request, "firms/address.html", {"firm": row, "qr": qr_inline(address), "address": address})
    add_never_cache_headers(response)
    return response


def _succession(row: Succession) -> dict[str, object]:
    return {
        "firm": row.firm,
        "firm_id": row.firm_id,
        "successor": row.successor,
        "successor_id": row.successor_id,
        "on": row.on,
        "reason": row.reason,
        "words": SUCCESSIONS[row.kind],
    }


def _succeed(row: Firm, request: Asked) -> T:
    code = request.POST.get("successor", "").strip().upper()
    successor = Firm.objects.select_related("place").filter(credit_code=code).first() if code else None
    if code and (successor is None or not request.actor.may(READ, successor.place.path)):
        raise Invalid([FieldProblem("successor", T("登记册里没有这家企业。", "The register has no such firm."))])
    on = read_day("on", request.POST.get("on", "")) or request.at.date()
    done = succeed(
        row,
        request.POST.get("kind", ""),
        successor=successor,
        on=on,
        reason=request.POST.get("reason", ""),
        by=request.actor,
        at=request.at,
    )
    return T(
        f"已登记。转给承继企业 {done.passed_on} 项，失效 {done.lapsed} 项，待人工处理 {done.left} 项。",
        f"Recorded. Passed on: {done.passed_on}; lapsed: {done.lapsed}; left to a person: {done.left}.",
    )


def _premises(row: Firm, request: Asked) -> T:
    given, today = request.POST, request.at.date()
    add_premises(
        firm=row,
        place=place_by_code(given.get("place", "")),
        address=given.get("address", ""),
        from_on=today,
        by=request.actor,
        at=request.at,
    )
    return T("已登记另一处场所。", "Further premises recorded.")


def _leave(row: Firm, request: Asked) -> T:
    number = request.POST.get("premises", "")
    found = next((one for one in premises_of(row.pk) if str(one.pk) == number), None)
    if found is None:
        raise Unseen("premises")
    end_premises(row=found, on=request.at.date(), by=request.actor, at=request.at)
    return T("已登记停用。", "Recorded: it has left.")


def _facts(row: Firm, request: Asked) -> T:
    """One fact, from the form that picks its field, or a correction of one that stands."""
    given = {name: str(text) for name, text in request.POST.items() if name not in {"csrfmiddlewaretoken", "field", "value", "note"}}
    if request.POST.get("field"):
        given[request.POST["field"]] = request.POST.get("value", "")
    firm_file.tell(row, given, Origin("office", request.at.date(), request.POST.get("note", "")), by=request.actor, at=request.at)
    return T("已记录，应享政策已重新计算。", "Recorded; what the firm gets was reckoned again.")


def _receipt(row: Firm, request: Asked) -> T:
    note_receipt(firm=row, by=request.actor, at=request.at)
    return T("已记录：当面告知。", "Recorded: told in person.")


def _claim(row: Firm, request: Asked) -> T:
    firm_file.claim(row, request.POST.get("measure", ""), by=request.actor, at=request.at)
    return T("已代为申请。", "Claimed for the firm.")


def _end(row: Firm, request: Asked) -> T:
    end_address(firm=row, reason=request.POST.get("reason", ""), by=request.actor, at=request.at)
    return T("链接已停用，可重新发放。", "The address has ended; a new one can be given.")


STEPS: Mapping[str, tuple[str, Callable[[Firm, Asked], T]]] = {
    "facts": ("firm_facts", _facts), "told": ("firm_told", _receipt), "claim": ("firm_claim_for", _claim), "end-address": ("firm_address_end", _end),
    "succeed": ("firm_succeed", _succeed), "premises": ("firm_premises", _premises), "leave-premises": ("firm_leave_premises", _leave),
}  # fmt: skip


@page(READ, methods=("POST",))
def firm_step(request: Asked, pk: int, step: str) -> HttpResponse:
    """One step with a firm."""
    said = STEPS[step][1](firm_file.seen_firm(pk, request.actor, request.at), request)
    messages.success(request, str(said))
    return redirect("firm", pk)


urlpatterns = [
    path("firms/<int:pk>", firm, name="firm"),
    path("firms/<int:pk>/address", firm_address, name="firm_address"),
    *(path(f"firms/<int:pk>/{step}", firm_step, {"step": step}, name=name) for step, (name, _) in STEPS.items()),
]
