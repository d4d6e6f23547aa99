"""Reading incidents and tasks: lists with their clocks and needs, the log as a timeline, the 7-1-7 clock."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Evidence
from tongchou.core.casework.queries import inbox_for, running_clocks
from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.models import Post
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.response.models import Incident, Plan, Task, TaskNeed
from tongchou.domains.response.rules import CLOCK_TARGETS, DUE, Stretch, may_work_on, seven_one_seven

HIGHEST = 12


@dataclass(slots=True)
class TaskRow:
    """A task as lists show it: its running (else last) due clock, whose hands, what it waits for, how much proof lies beside it."""

    task: Task
    clock: Deadline | None = None
    hand: Assignment | None = None
    waits_for: list[Dossier] = field(default_factory=list)
    evidence_count: int = 0

    @property
    def dossier(self) -> Dossier:
        return self.task.dossier

    def is_late(self, at: datetime) -> bool:
        return self.clock is not None and self.clock.stopped_at is None and self.clock.due_at < at


def plans_in_force(on: date, place_path: str) -> list[Plan]:
    """The latest version of each plan that holds at a place on a day."""
    latest: dict[str, Plan] = {}
    for plan in Plan.objects.filter(valid_from__lte=on).select_related("place").order_by("version"):
        if place_path.startswith(plan.place.path):
            latest[plan.code] = plan
    return sorted(latest.values(), key=lambda plan: plan.code)


def incidents_seen(actor: Actor) -> QuerySet[Incident]:
    """Incidents in the actor's places, open ones first, with the number of open and late-able tasks."""
    rows = Incident.objects.filter(within(actor, "incident.read", "dossier__place__path"))
    return (
        rows.select_related("dossier__place", "dossier__owner_post", "plan")
        .annotate(tasks_open=Count("tasks", filter=Q(tasks__dossier__closed_at=None)), tasks_all=Count("tasks"))
        .order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at")
    )


def seen_incident(number: str, actor: Actor) -> Incident:
    """An incident by its number. Raises Unseen when missing or elsewhere."""
    row = Incident.objects.select_related("dossier__place", "dossier__owner_post", "plan").filter(dossier__number=number).first()
    if row is None or not actor.may("incident.read", row.place_path):
        raise Unseen("incident")
    return row


def seen_task(number: str, actor: Actor) -> Task:
    """A task by its number. Raises Unseen when missing or elsewhere."""
    above = "dossier__owner_post__reports_to__reports_to__reports_to"
    rows = Task.objects.select_related("dossier__place", above, "incident__dossier", "incident__plan", "unit")
    row = rows.filter(dossier__number=number).first()
    if row is None or not actor.may("incident.read", row.place_path):
        raise Unseen("task")
    return row


def post_chain(post: Post | None) -> list[str]:
    """Codes of a post and of the posts above it, lowest first."""
    chain: list[str] = []
    while post is not None and len(chain) < HIGHEST:
        chain.append(post.code)
        post = post.reports_to
    return chain


def in_hands_of(task: Task, actor: Actor) -> bool:
    """True when this person may work on the task. Escalation adds the post above but takes it from nobody; a hand-over does."""
    chain = post_chain(task.dossier.owner_post)
    assigned: int | None = None
    for hand in Assignment.objects.filter(dossier=task.dossier).select_related("post").order_by("-from_at", "-pk"):
        assigned = hand.user_id if hand.to_at is None else assigned
        chain.append(hand.post.code)
        if hand.why != "escalated":
            break
    return may_work_on(actor, owner_chain=chain, assigned_user_id=assigned)


def open_needs(task: Task) -> list[Dossier]:
    """The dossiers of unfinished tasks this one waits for."""
    return [n.needs.dossier for n in TaskNeed.objects.filter(task=task, needs__dossier__closed_at=None).select_related("needs__dossier")]


def task_rows(tasks: Iterable[Task]) -> list[TaskRow]:
    """Tasks with clock, hands, needs and number of proofs, in four queries however many."""
    rows = {task.pk: TaskRow(task) for task in tasks}
    ids = list(rows)
    for clock in Deadline.objects.filter(dossier_id__in=ids, key=DUE).order_by("started_at"):
        rows[clock.dossier_id].clock = clock
    for hand in Assignment.objects.filter(dossier_id__in=ids, to_at=None).select_related("post", "user"):
        rows[hand.dossier_id].hand = hand
    for need in TaskNeed.objects.filter(task_id__in=ids, needs__dossier__closed_at=None).select_related("needs__dossier"):
        rows[need.task_id].waits_for.append(need.needs.dossier)
    for dossier_id, count in Evidence.objects.filter(dossier_id__in=ids).values_list("dossier_id").annotate(n=Count("pk")):
        rows[dossier_id].evidence_count = count
    return list(rows.values())


def tasks_of(incident: Incident) -> list[TaskRow]:
    """Every task of an incident in the plan's order."""
    return task_rows(Task.objects.filter(incident=incident).select_related("dossier__place", "unit"))


def escalated_from(actor: Actor) -> QuerySet[Dossier]:
    """Open dossiers that climbed past this person's posts and still are theirs to do."""
    posts = [held.code for held in actor.posts]
    handed_on = Assignment.objects.filter(dossier=OuterRef("dossier"), pk__gt=OuterRef("pk")).exclude(why="escalated")
    mine = Assignment.objects.filter(Q(user_id=actor.user_id) | Q(post__code__in=posts), dossier__closed_at=None).exclude(to_at=None)
    past = mine.annotate(handed_on=Exists(handed_on)).filter(handed_on=False)
    in_hand = inbox_for(actor).values("dossier_id")
    return Dossier.objects.filter(pk__in=past.values("dossier_id")).exclude(pk__in=in_hand).select_related("place", "owner_post")


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A dossier that waits for this person, with the clock that falls due first."""

    dossier: Dossier
    clock: Deadline | None
    is_escalated_away: bool = False


def inbox_rows(actor: Actor) -> list[InboxRow]:
    """Everything in a person's hands, soonest clock first; what has no clock comes last. Four queries."""
    mine = [a.dossier for a in inbox_for(actor)]
    gone = list(escalated_from(actor))
    clocks = running_clocks([d.pk for d in (*mine, *gone)])
    rows = [InboxRow(d, clocks.get(d.pk)) for d in mine] + [InboxRow(d, clocks.get(d.pk), True) for d in gone]
    return sorted(rows, key=lambda r: (r.clock is None, r.clock.due_at if r.clock else r.dossier.opened_at, r.dossier.pk))


def log_of(incident: Incident, limit: int = 200) -> list[Entry]:
    """The latest entries about an incident and its tasks, newest first."""
    ids = [str(pk) for pk in (incident.pk, *incident.tasks.values_list("pk", flat=True))]
    rows = Entry.objects.filter(subject_kind="dossier", subject_id__in=ids).select_related("actor").order_by("-seq")
    return list(rows[:limit])


def clock_of(incident: Incident, *, detected_at: datetime, emerged_at: datetime | None = None) -> tuple[Stretch, Stretch, Stretch]:
    """The 7-1-7 clock of an incident, computed from its log.

    Notified: the first report upward. Responded: the last of the plan's tasks due within the response target was closed.
    """
    head = incident.dossier
    found = values_on(CLOCK_TARGETS, head.opened_at.date(), head.place.path)
    targets = [timedelta(days=float(found[key].value)) if key in found else None for key in CLOCK_TARGETS]
    report = Entry.objects.filter(subject_kind="dossier", subject_id=str(head.pk), action="incident.report").order_by("seq").first()
    early: dict[bool, list[datetime | None]] = defaultdict(list)
    in_time = Q(dossier__deadlines__due_at__lte=head.opened_at + targets[2]) if targets[2] else Q()
    first_wave = incident.tasks.filter(in_time, dossier__deadlines__key=DUE, dossier__opened_at=head.opened_at)
    for closed_at in first_wave.values_list("dossier__closed_at", flat=True):
        early[closed_at is None].append(closed_at)
    done = [closed for closed in early[False] if closed is not None]
    return seven_one_seven(
        emerged_at=emerged_at,
        detected_at=detected_at,
        notified_at=report.at if report else None,
        responded_at=max(done) if done and not early[True] else None,
        targets=(targets[0], targets[1], targets[2]),
    )
