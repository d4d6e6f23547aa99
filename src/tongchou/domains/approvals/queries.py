"""Reading approvals: by office, by applicant, by firm, and where time was lost."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from tongchou.core.audit.models import Entry
from tongchou.core.casework.events import Event
from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.approvals.models import Application, ApplicationStep, AttachedPaper, Delegation, Procedure
from tongchou.domains.approvals.rules import APPLICATION, StepSpan

_WITH = ("dossier__place", "dossier__owner_post", "procedure", "firm")


def procedures_on(day: date) -> list[Procedure]:
    """The procedures that may be applied for on a day, each in its latest version. One query."""
    rows = Procedure.objects.filter(Q(valid_to=None) | Q(valid_to__gte=day), valid_from__lte=day).order_by("code", "version")
    return list({row.code: row for row in rows}.values())


def applications_seen(actor: Actor) -> QuerySet[Application]:
    """Applications in the actor's places: open ones by the nearest limit, then the closed, latest first."""
    rows = Application.objects.filter(within(actor, "approval.read", "dossier__place__path")).select_related(*_WITH)
    return rows.order_by(
        F("dossier__closed_at").desc(nulls_first=True), F("promised_at").asc(nulls_last=True), F("statutory_at").asc(nulls_last=True), "pk"
    )


def seen_application(number: str, actor: Actor) -> Application:
    """An application by its number. Raises Unseen when missing or elsewhere."""
    row = Application.objects.select_related(*_WITH).filter(dossier__number=number).first()
    if row is None or not actor.may("approval.read", row.place_path):
        raise Unseen("application")
    return row


def seen_step(number: str, actor: Actor) -> ApplicationStep:
    """A step by its number. Raises Unseen when missing or elsewhere."""
    rows = ApplicationStep.objects.select_related(
        "dossier__place", "dossier__owner_post__reports_to", "post", "application__dossier__place"
    )
    row = rows.filter(dossier__number=number).first()
    if row is None or not actor.may("approval.read", row.place_path):
        raise Unseen("approval_step")
    return row


def application_behind(token: str) -> Application:
    """The application whose own page ends in `token`. Raises Unseen. One query."""
    row = Application.objects.select_related(*_WITH).filter(token_digest=token_digest(token)).first()
    if row is None:
        raise Unseen("application")
    return row


def steps_of(row: Application) -> list[ApplicationStep]:
    """The steps opened so far. One query."""
    return list(row.steps.select_related("dossier__owner_post", "post"))


def papers_of(row: Application) -> list[AttachedPaper]:
    """What is attached, each with where it was first given. One query."""
    return list(row.papers.select_related("paper__first_for__dossier", "paper__evidence"))


def log_of(dossier_ids: Iterable[int], limit: int = 60) -> list[Entry]:
    """What happened to an application and its steps, latest first; papers are listed by themselves (`papers_of`). One query."""
    rows = Entry.objects.filter(subject_kind="dossier", subject_id__in=[str(pk) for pk in dossier_ids]).exclude(action="evidence.attach")
    return list(rows.select_related("actor").order_by("-seq")[:limit])


def live_steps_below(path: str) -> QuerySet[ApplicationStep]:
    """Steps not closed below a place, with their posts, oldest first."""
    rows = ApplicationStep.objects.filter(dossier__closed_at=None, dossier__place__path__startswith=path)
    return rows.select_related("post", "dossier__owner_post", "dossier__place", "application__dossier", "application__procedure")


def delegations_at(actor: Actor, at: datetime) -> list[Delegation]:
    """Delegations that hold now or later in the actor's places. One query."""
    rows = Delegation.objects.filter(within(actor, "approval.read", "from_post__place__path"), to_at__gt=at)
    return list(rows.select_related("from_post__place", "to_post"))


def untold(at: datetime) -> list[Application]:
    """Applications that nobody accepted, declined or asked about yet, and whose clock for that has run out. One query."""
    rows = Application.objects.filter(dossier__state="submitted", dossier__deadlines__stopped_at=None, dossier__deadlines__due_at__lte=at)
    return list(rows.select_related("dossier__place", "procedure").distinct())


def maybe_silent() -> list[Application]:
    """Applications under way of procedures in which silence may approve. One query."""
    rows = Application.objects.filter(dossier__state__in=["under_way", "stopped"], procedure__body__has_key="tacit")
    return list(rows.select_related("dossier__place", "procedure"))


def stops_over(at: datetime) -> list[Application]:
    """Applications whose clock stands past the end named for it. One query."""
    rows = Application.objects.filter(dossier__state="stopped", clock_stops__ended_at=None, clock_stops__until_at__lte=at)
    return list(rows.select_related("dossier__place", "procedure"))


def events_of_firm(firm_id: int) -> list[Event]:
    """What happened with a firm's applications, latest first: opened, each turn of the log, closed. Two queries."""
    rows = {str(row.pk): row for row in Application.objects.filter(firm=firm_id).select_related("dossier__place")}
    labels = {step.name: step.label for step in APPLICATION.steps} | {"open": T("提交申请", "Applied")}
    log = Entry.objects.filter(subject_kind="dossier", subject_id__in=rows, action__startswith="application.").order_by("-seq")
    found = []
    for entry in log:
        name, head = entry.action.split(".", 1)[1], rows[entry.subject_id].dossier
        if name in labels:
            words = T(f"{labels[name].zh}：{head.title_zh}", f"{labels[name].en}: {head.title_en}")
            found.append(Event(entry.at, words, head))
    return found


def open_for_firm(firm_id: int) -> list[Application]:
    """A firm's applications that are not decided, oldest first. One query."""
    return list(
        Application.objects.filter(firm=firm_id, dossier__closed_at=None).select_related(*_WITH).order_by("dossier__opened_at", "pk")
    )


def step_spans(path: str, since: datetime, at: datetime) -> list[StepSpan]:
    """Steps opened below a place since an instant as the log tells them until now (`at`). Two queries."""
    rows = ApplicationStep.objects.filter(dossier__place__path__startswith=path, dossier__opened_at__gte=since)
    steps = {str(step.pk): step for step in rows.select_related("dossier", "post", "application__procedure")}
    log = Entry.objects.filter(subject_kind="dossier", subject_id__in=steps, action__startswith="approval_step.").order_by("seq")
    told: dict[str, list[Entry]] = {}
    for entry in log:
        told.setdefault(entry.subject_id, []).append(entry)
    return [_span(steps[pk], entries, at) for pk, entries in told.items()]


def _span(step: ApplicationStep, entries: Iterable[Entry], at: datetime) -> StepSpan:
    opened = started = closed = paused_from = None
    is_done = False
    paused = []
    for entry in entries:
        name = entry.action.split(".", 1)[1]
        if name == "open":
            opened = entry.at
        elif name == "start":
            started = started or entry.at
        elif name == "pause":
            paused_from = entry.at
        elif name in {"unpause", "go_on", "drop"} and paused_from is not None:
            paused.append((paused_from, entry.at))
            paused_from = None
        if name in {"finish", "drop"}:
            closed, is_done = entry.at, name == "finish"
    if paused_from is not None:
        paused.append((paused_from, at))
    body = step.application.procedure.body
    days = next(row["days"] for row in body["steps"] if row["id"] == step.code)
    return StepSpan(
        body["id"], step.code, step.post.code, step.application_id, opened or step.dossier.opened_at, started, closed, tuple(paused), days, is_done
    )  # fmt: skip
