"""Projects: the four batches, one project with its time line and money, taking one in, monthly figures by file, the OC4IDS package."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks, seen_dossier
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.core.people.queries import post_by_code
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.projects import actions, actions_issues, actions_slips
from tongchou.domains.projects.imports import read_spending
from tongchou.domains.projects.models import Project
from tongchou.domains.projects.queries import (
    Standing,
    book,
    has_book,
    issues_of,
    open_slip_counts,
    projects_seen,
    seen_project,
    standings,
)
from tongchou.domains.projects.rules import ABOUT, CAUSES, COLOURS, SLIP, WORKS, planned_share
from tongchou.domains.registry.models import Firm
from tongchou.interfaces.project_export import exported
from tongchou.interfaces.web.chart_parts import Chart
from tongchou.interfaces.web.charts import stream_curve
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.case_steps import read_day, read_instant, read_whole
from tongchou.interfaces.web.pages.difficulties import posts_for
from tongchou.interfaces.web.story import state_of, story_of

READ, WRITE, SUPERVISE = "project.read", "project.write", "project.supervise"
TONES: Mapping[str, str] = {"green": "ok", "yellow": "warn", "red": "bad", "blue": "info", "answered": "info"}
YEARS = 3  # that the form asks for: this one and two more
MONEY = T("累计投资", "Invested so far")


def _on(request: Asked) -> datetime:
    """The instant asked about: now, or the end of a day that is over."""
    day = read_day("day", request.GET.get("day", ""))
    if day is None or day >= request.at.date():
        return request.at
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(request.town.zone))


def money(cny_10k: int) -> T:
    """An amount in the reader's own large unit."""
    return T(f"{cny_10k:,} 万元", f"{cny_10k / 100:,.1f} m yuan")


def shown(one: Standing) -> dict[str, Any]:
    """A project as a line of a list."""
    head, light = one.row.dossier, one.light
    return {
        "one": one, "head": head, "light": light, "tone": TONES[light.colour] if light else "", "word": COLOURS[light.colour] if light else state_of(head),
        "planned": money(one.planned_cny_10k), "spent": money(one.spent_cny_10k),
        "share": one.spent_cny_10k / one.planned_cny_10k if one.planned_cny_10k else None,
    }  # fmt: skip


@page(READ)
def projects(request: Asked) -> HttpResponse:
    """The four batches with how many and how much; what is behind first. Any past day as known then."""
    if not has_book():
        return render(request, "projects/none.html")
    at, chosen = _on(request), request.GET.get("batch", "")
    found = standings(projects_seen(request.actor, at), at, request.town.place.path)
    batches = book().batches_on(at.date())
    kpis = []
    for batch in batches:
        mine = [one for one in found if one.batch == batch]
        planned = money(sum(one.planned_cny_10k for one in mine))
        note = T(f"计划投资 {planned.zh}", f"{planned.en} planned")
        kpis.append({"label": batch.name, "value": len(mine), "note": note, "url": f"?batch={batch.code}"})
    rows = [shown(one) for one in found if chosen not in {b.code for b in batches} or one.batch.code == chosen]
    lit = {colour: sum(one.light is not None and one.light.colour == colour for one in found) for colour in COLOURS}
    context = {
        "rows": rows, "kpis": kpis, "batch": next((b for b in batches if b.code == chosen), None), "day": at.date(), "is_past": at != request.at,
        "lit": [(COLOURS[colour], TONES[colour], n) for colour, n in lit.items()], "today": request.at.date(),
        "slips": [(SLIP.states[state], TONES.get(state, ""), n) for state, n in open_slip_counts(request.actor).items()],
        "may_write": request.actor.may(WRITE),
    }  # fmt: skip
    return render(request, "projects/list.html", context)


@page(READ)
def project(request: Asked, number: str) -> HttpResponse:
    """One project: lights with their reasons, milestones, plan against what was spent, slips, issues, what may be done now."""
    row, kept = seen_project(number, request.actor), book()
    (one,) = standings([row], request.at, request.town.place.path)
    head, known = row.dossier, one.known
    slips = list(row.slips.select_related("dossier__owner_post").order_by("-is_open", "-pk")[:20])
    clocks = running_clocks([slip.pk for slip in slips])
    milestones = [
        {"code": code, "name": kind.name, "planned": known.planned_on.get(code), "done": known.done_on.get(code), "tone": _tone(known, code, request.at.date())}
        for code, kind in kept.milestones.items()
    ]  # fmt: skip
    years = [(year, amount, sum(n for m, n in known.spent.items() if m.year == year)) for year, amount in known.plan.items()]
    context = {
        **shown(one), "row": row, "state": state_of(head), "lights": [(light, TONES[light.colour], COLOURS[light.colour]) for light in one.lights], "chart": _chart(one, request.at.date()),
        "milestones": milestones, "years": [(y, n, s, s / n if n else 0) for y, n, s in years], "sector": kept.sectors[row.sector].name if row.sector in kept.sectors else T(row.sector, row.sector), "works": WORKS[row.works],
        "slips": [(slip, state_of(slip.dossier), TONES.get(slip.dossier.state, ""), clocks.get(slip.pk), CAUSES[slip.cause]) for slip in slips],
        "issues": [(stuck, state_of(stuck.issue.dossier), ABOUT[stuck.issue.about]) for stuck in issues_of(row)],
        "timeline": story_of(history_of(head).order_by("-seq")[:30], {head.pk: head}, head), **_possible(row, request),
    }  # fmt: skip
    return render(request, "projects/project.html", context)


def _tone(known: Any, code: str, today: date) -> str:
    planned = known.planned_on.get(code)
    return "ok" if code in known.done_on else "bad" if planned and planned < today else ""


def _possible(row: Project, request: Asked) -> dict[str, Any]:
    live, path_ = row.dossier.closed_at is None, row.place_path
    may_write, may_supervise = request.actor.may(WRITE, path_), request.actor.may(SUPERVISE, path_)
    last = request.at.date().replace(day=1) - timedelta(days=1)
    return {
        "is_live": live, "may_write": may_write and live, "may_revive": may_write and not live, "may_supervise": may_supervise and live,
        "posts": posts_for(row.dossier.place, "project.answer") if may_write and live else [], "about": list(ABOUT.items()), "causes": list(CAUSES.items()),
        "today": request.at.date(), "last_month": f"{last:%Y-%m}",
    }  # fmt: skip


def _chart(one: Standing, today: date) -> Chart | None:
    """Plan and actual of the latest year with a plan that has begun, month by month, added up."""
    known = one.known
    year = max((y for y in known.plan if y <= today.year), default=None)
    if year is None:
        return None
    reported = [m.month for m in known.spent if m.year == year]
    upto = 12 if year < today.year else max(reported, default=today.month - 1)
    months = [date(year, m, 1) for m in range(1, upto + 1)]
    if not months:
        return None
    due = [float(planned_share(known, month) * known.plan[year]) for month in months]
    spent: list[float | None] = [
        sum(n for m, n in known.spent.items() if m.year == year and m <= month) if month in known.spent else None for month in months
    ]
    ends = [(month + timedelta(days=31)).replace(day=1) - timedelta(days=1) for month in months]
    return stream_curve(
        ends, spent, title=T(f"{year}年投资：计划（点线）与完成", f"{year}: planned (dotted) and invested"), unit=MONEY, expected=due
    )


@page(WRITE, methods=("GET", "POST"))
def project_new(request: Asked) -> HttpResponse:
    """Take a project in."""
    given, refused, kept = request.POST, None, book()
    places = [place for place in places_below(request.town.place.path) if request.actor.may(WRITE, place.path)]
    if request.method == "POST":
        try:
            row = actions.open_project(proposed=_proposed(request, places), by=request.actor, at=request.at)
        except Invalid as invalid:
            refused = invalid
        else:
            messages.success(request, str(T(f"{row.dossier.number} 已入库。", f"{row.dossier.number} is taken in.")))
            return redirect("project", row.dossier.number)
    context = {
        "given": given, "refused": refused, "places": places, "posts": posts_for(request.town.place, "project.answer"), "sectors": list(kept.sectors.values()),
        "works": list(WORKS.items()), "years": [(f"plan-{n}", request.at.year + n, given.get(f"plan-{n}", "")) for n in range(YEARS)],
        "milestones": [(f"planned-{code}", kind.name, given.get(f"planned-{code}", "")) for code, kind in kept.milestones.items()],
    }  # fmt: skip
    return render(request, "projects/new.html", context, status=422 if refused else 200)


def _proposed(request: Asked, places: Sequence[Any]) -> actions.Proposed:
    given, year = request.POST, request.at.year
    place = next((place for place in places if place.code == given.get("place")), None)
    try:
        post = post_by_code(given.get("post", ""))
    except Unseen:
        post = None
    if place is None or post is None:
        raise Invalid([FieldProblem("place", T("请选择地方和责任岗位。", "Choose the place and the post that answers for it."))])
    code = given.get("firm", "").strip().upper()
    firm = Firm.objects.filter(credit_code=code).values_list("pk", flat=True).first() if code else None
    if code and firm is None:
        raise Invalid(
            [
                FieldProblem(
                    "firm", T("底数里没有这个信用代码的企业，请先登记。", "No firm of that credit code; enter it in the registers first.")
                )
            ]
        )
    plan = {year + n: amount for n in range(YEARS) if (amount := read_whole(f"plan-{n}", given.get(f"plan-{n}", "")[:9])) is not None}
    planned = {code: day for code in book().milestones if (day := read_day(code, given.get(f"planned-{code}", ""))) is not None}
    return actions.Proposed(
        given.get("name", ""), place, post, given.get("sector", ""), given.get("works", ""), firm=firm, land=given.get("land", ""), plan=plan, milestones=planned
    )  # fmt: skip


@page(WRITE, methods=("GET", "POST"))
def project_spending(request: Asked) -> HttpResponse:
    """A month's figures of many projects by file: every row or none."""
    refused = None
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise Invalid([FieldProblem("file", T("请选择文件。", "Choose a file."))])
            count = actions.report_spending(lines=read_spending(file.read()), by=request.actor, at=request.at)
        except Unseen:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            messages.success(request, str(T(f"收下 {count} 条新数。", f"{count} new figures kept.")))
            return redirect("projects")
    problems = list(refused.problems) if isinstance(refused, FileRefused) else []
    return render(request, "projects/spending.html", {"refused": refused, "problems": problems}, status=422 if refused else 200)


@page(READ)
def projects_oc4ids(request: Asked) -> HttpResponse:
    """The pipeline as an OC4IDS package, to hand on."""
    found = standings(projects_seen(request.actor, request.at), request.at, request.town.place.path)
    answer = JsonResponse(
        exported(found, town=request.town.place, uri=request.build_absolute_uri(), at=request.at), json_dumps_params={"ensure_ascii": False}
    )
    answer["Content-Disposition"] = 'attachment; filename="projects-oc4ids.json"'
    return answer


def _reach(row: Project, request: Asked, who: dict[str, Any]) -> T:
    given, file = request.POST, request.FILES.get("file")
    day = read_day("done_on", given.get("done_on", "")) or request.at.date()
    content, name = (file.read(), file.name or "") if file else (None, "")
    actions.reach_milestone(row, code=given.get("code", ""), done_on=day, note=given.get("note", ""), content=content, name=name, **who)
    return T("节点已完成。", "Milestone reached.")


def _plan(row: Project, request: Asked, who: dict[str, Any]) -> T:
    given = request.POST
    day = read_day("planned_on", given.get("planned_on", ""))
    if day is None:
        raise Invalid([FieldProblem("planned_on", T("请填写计划日期。", "Give the planned day."))])
    actions.plan_milestones(row, planned={given.get("code", ""): day}, reason=given.get("reason", ""), **who)
    return T("计划已改。", "Plan changed.")


def _spend(row: Project, request: Asked, who: dict[str, Any]) -> T:
    amount = read_whole("cny_10k", request.POST.get("cny_10k", "")[:9])
    month = read_day("month", f"{request.POST.get('month', '')}-01")
    if amount is None or month is None:
        raise Invalid([FieldProblem("cny_10k", T("请填写月份和金额。", "Give month and amount."))])
    actions.report_spending(lines=[actions.Spent(row.dossier.number, month, amount)], **who)
    return T("已报。", "Reported.")


def _slip(row: Project, request: Asked, who: dict[str, Any]) -> T:
    words = request.POST.get("words", "")
    slip = actions_slips.open_slip(row, cause=request.POST.get("cause", ""), why=T(words, words), **who)
    return T(f"已发 {slip.dossier.number}。", f"{slip.dossier.number} is out.")


def _issue(row: Project, request: Asked, who: dict[str, Any]) -> T:
    given, about = request.POST, request.POST.get("about", "")
    number = given.get("approval", "").strip()
    approval = seen_dossier("application", number[:24], request.actor, "approval.read") if about == "approval" and number else None
    raised = actions_issues.Raised(
        about, given.get("words", ""), post_by_code(given.get("post", "")), read_instant(request, "due_at"), approval
    )
    return T(f"{actions_issues.raise_issue(row, raised=raised, **who).dossier.number} 已提出。", "Raised.")


def _archive(row: Project, request: Asked, who: dict[str, Any]) -> T:
    actions.archive_project(row, **who)
    return T("已归档。", "Archived.")


def _drop(row: Project, request: Asked, who: dict[str, Any]) -> T:
    actions.drop_project(row, reason=request.POST.get("reason", ""), **who)
    return T("已终止。", "Given up.")


def _revive(row: Project, request: Asked, who: dict[str, Any]) -> T:
    actions.revive_project(row, reason=request.POST.get("reason", ""), **who)
    return T("已恢复。", "Taken up again.")


STEPS: Mapping[str, Callable[[Project, Asked, dict[str, Any]], T]] = {
    "reach": _reach, "plan": _plan, "spend": _spend, "slip": _slip, "issue": _issue, "archive": _archive, "drop": _drop, "revive": _revive,
}  # fmt: skip


@page(READ, methods=("POST",))
def project_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a project."""
    said = STEPS[step](seen_project(number, request.actor), request, {"by": request.actor, "at": request.at})
    messages.success(request, f"{number} {said}")
    return redirect("project", number=number)


urlpatterns = [
    path("projects/", projects, name="projects"),
    path("projects/new", project_new, name="project_new"),
    path("projects/spending", project_spending, name="project_spending"),
    path("projects/oc4ids.json", projects_oc4ids, name="projects_oc4ids"),
    path("projects/<str:number>", project, name="project"),
    *(path(f"projects/<str:number>/{step}", project_step, {"step": step}, name=f"project_{step}") for step in STEPS),
]
