"""The applicant's own page, at an address nobody can guess: where the application stands, what is wanted, until when; papers asked for are sent there."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from tongchou.core.errors import Refusal
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.approvals.actions import correct_application
from tongchou.domains.approvals.life import PaperGiven, spec_of
from tongchou.domains.approvals.models import Application
from tongchou.domains.approvals.queries import application_behind, papers_of, steps_of
from tongchou.domains.approvals.rules import APPEAL
from tongchou.interfaces import clock
from tongchou.interfaces.web.pages.public_pass import untold
from tongchou.interfaces.web.story import state_of

APPLICANT: Actor = system_actor("applicant page")
NOW_WHAT: dict[str, T] = {
    "submitted": T("窗口正在看材料。缺什么会一次说全；逾期没说，视为受理。", "The window is looking at your papers. What is missing is told once and whole; not told in time, the application counts as accepted."),
    "correcting": T("请补齐下面的材料，补齐就受理，不会再要别的。", "Please bring what is listed below. Then it is accepted, and nothing more is asked for."),
    "under_way": T("正在办理，您不用做什么。", "It is under way. There is nothing for you to do."),
    "stopped": T("计时暂停，原因见下；到期自动恢复。", "The clock stands for the reason below, and goes on by itself."),
    "granted": T("已批准。请到综合窗口领取，或等待寄达。", "Granted. Collect it at the service window, or wait for the post."),
    "tacit": T("到期没有决定，依法视为批准。依据见下。", "Not decided in time: by law it counts as approved. The article is below."),
    "refused": T("没有批准。理由和救济途径见下。", "It was refused. The ground and the way of appeal are below."),
    "declined": T("没有受理。理由和救济途径见下。", "It was not taken on. The reason and the way of appeal are below."),
    "withdrawn": T("已按您的意思撤回。", "Withdrawn, as you wished."),
}  # fmt: skip


def _shown(request: HttpRequest, token: str, do: Callable[[Application, datetime], HttpResponse]) -> HttpResponse:
    """Find the application behind an address and answer; one that never was and one that has ended get the same answer."""
    town = installation()
    if town is None:
        return render(request, "not_installed.html", status=503)
    timezone.activate(town.zone)
    at = clock.now().astimezone(ZoneInfo(town.zone))
    try:
        answer = do(application_behind(token), at)
    except Refusal as refusal:
        answer = render(request, "approvals/applicant_refused.html", {"town": town, "now": at, "refusal": refusal}, status=refusal.status)
    return untold(answer)


@require_safe
def applicant_page(request: HttpRequest, token: str) -> HttpResponse:
    """Where it stands, what is wanted, until when. A limit of low confidence is not quoted as law or promise."""
    return _shown(request, token, lambda row, at: render(request, "approvals/applicant.html", _context(row, token, at)))


def _context(row: Application, token: str, at: datetime) -> dict[str, object]:
    spec, head, town = spec_of(row), row.dossier, installation()
    open_ = head.closed_at is None and head.state == "under_way"
    limits = [
        (T("法律规定最迟", "By law at the latest"), row.statutory_at, spec.statutory),
        (T("我们承诺", "We promise"), row.promised_at, spec.promised),
    ]
    aim = row.promised_at if open_ and spec.promised and not spec.promised.is_quotable else None
    stop = row.clock_stops.filter(ended_at=None).first()
    opened = {step.code: step.dossier.state for step in steps_of(row)}
    return {
        "town": town, "now": at, "token": token, "row": row, "head": head, "spec": spec, "state": state_of(head), "now_what": NOW_WHAT[head.state],
        "limits": [(said, due, limit) for said, due, limit in limits if open_ and due and limit and limit.is_quotable], "aim": aim,
        "wanted": [spec.papers[code] for code in row.missing] if head.state == "correcting" else [],
        "stop": stop, "stop_reason": spec.stops.get(stop.reason) if stop else None,
        "steps": [(step.name, step.office, opened.get(step.code)) for step in spec.steps],
        "papers": [(spec.papers[one.code].name, one.paper, one.paper.first_for_id != row.pk) for one in papers_of(row) if one.code in spec.papers],
        "ground": spec.grounds.get(row.ground), "appeal": T(**value(APPEAL, on=at.date(), place_path=row.place_path).value),
    }  # fmt: skip


@csrf_exempt  # nobody is signed in here: who holds the address speaks for the applicant
@require_POST
def applicant_brings(request: HttpRequest, token: str) -> HttpResponse:
    """The papers asked for, as files: all of them at once is acceptance."""

    def bring(row: Application, at: datetime) -> HttpResponse:
        files = [(code, request.FILES.get(f"file-{code}")) for code in row.missing]
        given = [PaperGiven(code, content=file.read(), name=(file.name or "").replace("\0", "")) for code, file in files if file]
        correct_application(row, papers=given, by=APPLICANT, at=at)
        return redirect("applicant_page", token)

    return _shown(request, token, bring)


urlpatterns = [
    path("a/<str:token>", applicant_page, name="applicant_page"),
    path("a/<str:token>/papers", applicant_brings, name="applicant_brings"),
]
