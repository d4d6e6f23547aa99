"""Reading the pipeline: projects with what is known of them at an instant, their batch and lights on a day, slips and issues."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, Q, QuerySet

from tongchou.core.casework.models import Deadline, Dossier, Link
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.parameters.queries import duration, values_on
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.projects.models import Issue, MilestoneNote, Project, ProjectBook, Slip, Spending, YearPlan
from tongchou.domains.projects.rules import (
    AGAIN_AFTER,
    BEHIND_RED,
    BEHIND_YELLOW,
    CLIMBING,
    COLOURS,
    FIGURES_BY_DAY,
    GREEN,
    SLIP,
    START_RED_AFTER,
    Batch,
    Book,
    Known,
    Light,
    Limits,
    book_from,
    lights_of,
    worst,
)

_WITH = ("dossier__place", "dossier__owner_post__unit", "firm")
_LIMITS = (START_RED_AFTER, BEHIND_YELLOW, BEHIND_RED, FIGURES_BY_DAY)


class NoPipeline(Refusal):
    """The town keeps no pipeline: its book or the limits of its lights are missing."""

    status = 404


def has_book() -> bool:
    """Whether the town keeps a pipeline."""
    return ProjectBook.objects.exists()


def book() -> Book:
    """The book in force. Raises NoPipeline where the town has none. One query."""
    row = ProjectBook.objects.first()
    if row is None:
        said = T("还没有项目口径（projects.yaml）。", "There is no book of projects (projects.yaml) yet.")
        raise NoPipeline(said, T("请在数据包里补上，再更新安装。", "Add it to the pack and renew the installation."))
    return book_from(row.body)


def limits_on(day: date, place_path: str) -> Limits:
    """When lights change, on a day in a place. Raises NoPipeline naming the parameters without a value. One query."""
    found = values_on(_LIMITS, day, place_path)
    if missing := [key for key in _LIMITS if key not in found]:
        keys = ", ".join(missing)
        raise NoPipeline(
            T(f"参数 {keys} 在 {day} 没有取值。", f"No value on {day}: {keys}."),
            T("请在“参数”页补录。", "Enter it on the Parameters page."),
        )
    return Limits(*(int(found[key].value) for key in _LIMITS))


def known_of(projects: Collection[int], at: datetime) -> dict[int, Known]:
    """Project → what was known of it at an instant: the latest said until then. Three queries however many."""
    planned: dict[int, dict[str, date | None]] = {pk: {} for pk in projects}
    done: dict[int, dict[str, date | None]] = {pk: {} for pk in planned}
    plan: dict[int, dict[int, int]] = {pk: {} for pk in planned}
    spent: dict[int, dict[date, int]] = {pk: {} for pk in planned}
    asked = {"project__in": list(planned), "said_at__lte": at}
    for pk, code, planned_on, done_on in MilestoneNote.objects.filter(**asked).values_list("project", "code", "planned_on", "done_on"):
        planned[pk][code], done[pk][code] = planned_on, done_on
    for pk, year, amount in YearPlan.objects.filter(**asked).values_list("project", "year", "cny_10k"):
        plan[pk][year] = amount
    for pk, month, amount in Spending.objects.filter(**asked).values_list("project", "month", "cny_10k"):
        spent[pk][month] = amount
    return {
        pk: Known(_said(planned[pk]), _said(done[pk]), dict(sorted(plan[pk].items())), dict(sorted(spent[pk].items()))) for pk in planned
    }


def _said(days: dict[str, date | None]) -> dict[str, date]:
    return {code: day for code, day in days.items() if day is not None}


@dataclass(frozen=True, slots=True)
class Standing:
    """A project as it stood on a day: batch, lights (none once it is closed) and the one to look at first."""

    row: Project
    known: Known
    batch: Batch
    lights: tuple[Light, ...]

    @property
    def light(self) -> Light | None:
        return worst(self.lights)

    @property
    def planned_cny_10k(self) -> int:
        return sum(self.known.plan.values())

    @property
    def spent_cny_10k(self) -> int:
        return sum(self.known.spent.values())


def standings(rows: Iterable[Project], at: datetime, place_path: str) -> list[Standing]:
    """Projects as known at an instant and as they stood on its day, red first, then yellow. Five queries however many."""
    listed, day = list(rows), at.date()
    kept, limits, known = book(), limits_on(day, place_path), known_of([row.pk for row in listed], at)
    found = []
    for row in listed:
        mine = known[row.pk]
        lights = () if row.dossier.closed_at is not None and row.dossier.closed_at <= at else lights_of(mine, day, limits)
        found.append(Standing(row, mine, kept.batch_on(mine.done_by(day), day), lights))
    order = list(COLOURS)
    return sorted(found, key=lambda one: (order.index(one.light.colour) if one.light else len(order), one.row.dossier.number))


def projects_seen(actor: Actor, at: datetime) -> QuerySet[Project]:
    """Projects in the actor's places that were in the pipeline by an instant, those given up left out."""
    rows = Project.objects.filter(within(actor, "project.read", "dossier__place__path"), dossier__opened_at__lte=at)
    return rows.exclude(dossier__state="dropped", dossier__closed_at__lte=at).select_related(*_WITH).order_by("pk")


def seen_project(number: str, actor: Actor) -> Project:
    """A project by its number. Raises Unseen when missing or elsewhere."""
    row = Project.objects.select_related(*_WITH).filter(dossier__number=number).first()
    if row is None or not actor.may("project.read", row.place_path):
        raise Unseen("project")
    return row


def slips_seen(actor: Actor) -> QuerySet[Slip]:
    """Slips in the actor's places: open ones first, oldest first; then the closed, latest first."""
    rows = Slip.objects.filter(within(actor, "project.read", "dossier__place__path"))
    rows = rows.select_related("dossier__place", "dossier__owner_post__unit", "project__dossier")
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "dossier__opened_at", "pk")


def seen_slip(number: str, actor: Actor) -> Slip:
    """A slip by its number. Raises Unseen when missing or elsewhere."""
    row = Slip.objects.select_related("dossier__place", "dossier__owner_post", "project__dossier").filter(dossier__number=number).first()
    if row is None or not actor.may("project.read", row.place_path):
        raise Unseen("slip")
    return row


def slips_due(at: datetime) -> list[Slip]:
    """Unanswered slips whose clock has run out and that can still climb. One query."""
    late = Q(dossier__deadlines__key__in=list(CLIMBING.values()), dossier__deadlines__stopped_at=None, dossier__deadlines__due_at__lte=at)
    return list(Slip.objects.filter(late, dossier__state__in=list(CLIMBING)).select_related("dossier__place").order_by("pk").distinct())


def unslipped(rows: Iterable[Standing], at: datetime) -> list[tuple[Project, Light]]:
    """Lights that are on and have no slip: none open, and none closed for less than `project.slip_again_after`. One query and one per place."""
    on = [(one.row, light) for one in rows for light in one.lights if light.colour != GREEN]
    found = Slip.objects.filter(project__in={row.pk for row, _ in on}).values_list("project", "cause", "dossier__closed_at")
    last: dict[tuple[int, str], datetime] = {}
    for pk, cause, closed_at in found:
        last[pk, cause] = max(last.get((pk, cause), at - timedelta(days=36_500)), closed_at or at)
    waits = {path: duration(AGAIN_AFTER, on=at.date(), place_path=path) for path in {row.place_path for row, _ in on}}
    return [
        (row, light) for row, light in on if (row.pk, light.cause) not in last or last[row.pk, light.cause] + waits[row.place_path] < at
    ]


def seen_issue(number: str, actor: Actor) -> Issue:
    """An issue by its number. Raises Unseen when missing or elsewhere."""
    row = Issue.objects.select_related("dossier__place", "project__dossier").filter(dossier__number=number).first()
    if row is None or not actor.may("project.read", row.place_path):
        raise Unseen("issue")
    return row


@dataclass(frozen=True, slots=True)
class Stuck:
    """An issue, who has it and until when; one about an approval also shows that one: its dossier, its open steps, each with its clock."""

    issue: Issue
    clock: Deadline | None
    approval: Dossier | None
    waits_for: tuple[tuple[Dossier, Deadline | None], ...]


def issues_of(row: Project) -> list[Stuck]:
    """A project's issues, open ones first. Four queries."""
    rows = row.issues.select_related("dossier__owner_post__unit", "dossier__place").order_by(
        F("dossier__closed_at").desc(nulls_first=True), "pk"
    )
    issues = list(rows)
    links = Link.objects.filter(source__in=[one.pk for one in issues], kind="caused_by").select_related("target__owner_post")
    approvals = {link.source_id: link.target for link in links}
    parts = Link.objects.filter(target__in=[a.pk for a in approvals.values()], kind="part_of", source__closed_at=None)
    steps: dict[int, list[Dossier]] = {}
    for link in parts.exclude(source__kind="issue").select_related("source__owner_post__unit").order_by("source_id"):
        steps.setdefault(link.target_id, []).append(link.source)
    clocks = running_clocks([*(one.pk for one in issues), *(step.pk for some in steps.values() for step in some)])
    found = []
    for one in issues:
        target = approvals.get(one.pk)
        waits = tuple((step, clocks.get(step.pk)) for step in (steps.get(target.pk, []) if target else []))
        found.append(Stuck(one, clocks.get(one.pk), target, waits))
    return found


def open_slip_counts(actor: Actor) -> dict[str, int]:
    """State → how many slips in the actor's places are not closed. One query."""
    counts = dict.fromkeys((state for state in SLIP.states if state not in SLIP.final), 0)
    for state in slips_seen(actor).filter(is_open=True).order_by().values_list("dossier__state", flat=True):
        counts[state] += 1
    return counts
