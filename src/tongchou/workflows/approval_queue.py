"""Where applications lose time, and what a change would save: from the log to a network of offices (`science.queueing`).

1. The log tells when each step was opened, started, stopped, done (`step_spans`).
2. Offices are posts that work on as many steps at once as they ever did; procedures arrive as often as they were accepted (`network_of`).
3. A change is another network over the same measured times; both get the same applications (`what_if`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from django.db.models import Q

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.packs.procedures import ProcedureSpec
from tongchou.core.people.models import Post, Posting
from tongchou.core.wording import T
from tongchou.domains.approvals.life import calendar_at, spec_of
from tongchou.domains.approvals.models import Application
from tongchou.domains.approvals.queries import step_spans
from tongchou.domains.approvals.rules import StepLoss, StepSpan, losses, taken
from tongchou.science.queueing.comparing import Comparison, compare_networks
from tongchou.science.queueing.network import OfficeNetwork
from tongchou.science.queueing.service import ServiceTime, fit_service

BACK = timedelta(days=180)  # how far back the log is read
SEED = 20220602  # the same question gives the same answer
SHORTEST_DAYS = 0.05  # assumed of a step never worked yet that is to take no time


@dataclass(frozen=True, slots=True)
class Kept:
    """How one procedure keeps its limits: applications accepted, working days from acceptance to the end, share over the promise and over the law."""

    procedure: str
    name: T
    count: int
    mean_days: float | None
    over_promised: float | None
    over_statutory: float | None


@dataclass(frozen=True, slots=True)
class LostTime:
    """Where time is lost: by step and office, most days first; and how each procedure keeps its limits."""

    steps: tuple[StepLoss, ...]
    procedures: tuple[Kept, ...]
    specs: dict[str, ProcedureSpec]
    posts: dict[str, Post]


@dataclass(frozen=True, slots=True)
class LogNetwork:
    """The procedures in use as a network. `steps`: (procedure, step) by number; `offices`: posts by number; `hands`: steps that one person there has
    in work at once; `assumed`: steps nobody has worked yet.
    """

    network: OfficeNetwork
    services: tuple[ServiceTime, ...]
    per_day: tuple[float, ...]
    procedures: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    offices: tuple[str, ...]
    hands: tuple[int, ...]
    assumed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What would be changed. clerk: `post` gets one more; hand: `step` of `procedure` goes to `post`; merge: `step` and `other` are worked in one go.

    `saving`: share of the work of the two that falls away.
    """

    kind: str
    procedure: str = ""
    step: str = ""
    other: str = ""
    post: str = ""
    saving: float = 0.0


def _accepted(path: str, since: datetime) -> list[Application]:
    rows = Application.objects.filter(dossier__place__path__startswith=path, accepted_at__gte=since)
    return list(rows.select_related("dossier", "procedure").order_by("procedure__version", "accepted_at", "pk"))


def _specs(rows: Sequence[Application]) -> dict[str, ProcedureSpec]:
    """The procedures in use, each in the latest version that somebody applied under."""
    newest = {row.procedure.code: row for row in rows}
    return {code: spec_of(newest[code]) for code in sorted(newest)}


def lost_time(path: str, at: datetime) -> LostTime:
    """Where applications accepted in the last half year lost time, below a place. Five queries."""
    since = at - BACK
    rows = _accepted(path, since)
    if not rows:
        return LostTime((), (), {}, {})
    calendar, specs, kept = calendar_at(path, at), _specs(rows), list[Kept]()
    for code, spec in specs.items():
        mine = [row for row in rows if row.procedure.code == code]
        ended = [row for row in mine if row.dossier.closed_at is not None]
        days = [calendar.worked_days(row.accepted_at, row.dossier.closed_at) for row in ended if row.accepted_at and row.dossier.closed_at]
        over = [
            [(row.dossier.closed_at or at) > due for row in mine if (due := getattr(row, name))] for name in ("promised_at", "statutory_at")
        ]
        shares = [fmean(late) if late else None for late in over]
        kept.append(Kept(code, spec.name, len(mine), fmean(days) if days else None, *shares))
    steps = tuple(losses(step_spans(path, since, at), calendar, at))
    posts = {
        post.code: post for post in Post.objects.filter(code__in={one.post for one in steps} | _posts_of(specs)).select_related("unit")
    }
    return LostTime(steps, tuple(kept), specs, posts)


def _posts_of(specs: dict[str, ProcedureSpec]) -> set[str]:
    return {step.post for spec in specs.values() for step in spec.steps}


def network_of(path: str, at: datetime) -> LogNetwork | None:
    """The procedures in use below a place as a network; None before anything was accepted. Five queries."""
    since = at - BACK
    rows = _accepted(path, since)
    if not rows:
        return None
    calendar, specs = calendar_at(path, at), _specs(rows)
    spans, measured = step_spans(path, since, at), dict[tuple[str, str], list[float]]()
    for span in spans:
        if span.is_done and span.started_at is not None:
            measured.setdefault((span.procedure, span.code), []).append(taken(span, calendar, at)[1])
    steps = [(code, step) for code, spec in specs.items() for step in spec.steps]
    number = {(code, step.code): n for n, (code, step) in enumerate(steps)}
    offices = sorted(_posts_of(specs))
    held = Posting.objects.filter(Q(to_at=None) | Q(to_at__gt=at), from_at__lte=at, post__code__in=offices, deputy_for=None)
    people = Counter(held.values_list("post__code", flat=True))
    clerks = [max(1, people[post], most_at_once([span for span in spans if span.post == post], at)) for post in offices]
    network = OfficeNetwork(
        after=tuple(tuple(number[code, before] for before in step.after) for code, step in steps),
        office=tuple(offices.index(step.post) for _, step in steps),
        clerks=tuple(clerks),
        procedure=tuple(list(specs).index(code) for code, _ in steps),
    )
    services = [
        fit_service(times) if (times := measured.get((code, step.code))) else ServiceTime("exponential", (max(step.days, SHORTEST_DAYS),))
        for code, step in steps
    ]
    arrived = Counter(row.procedure.code for row in rows)
    span_days = max(1.0, calendar.worked_days(min(row.accepted_at for row in rows if row.accepted_at), at))
    keys = tuple((code, step.code) for code, step in steps)
    rates = tuple(arrived[code] / span_days for code in specs)
    hands = tuple(round(n / max(1, people[post])) for n, post in zip(clerks, offices, strict=True))
    assumed = tuple(key for key in keys if key not in measured)
    return LogNetwork(network, tuple(services), rates, tuple(specs), keys, tuple(offices), hands, assumed)


def most_at_once(spans: Sequence[StepSpan], at: datetime) -> int:
    """The most steps an office ever had in work at one time."""
    turns = [(span.started_at, 1) for span in spans if span.started_at] + [(span.closed_at or at, -1) for span in spans if span.started_at]
    now = most = 0
    for _, turn in sorted(turns):
        now += turn
        most = max(most, now)
    return most


def what_if(log: LogNetwork, change: Change) -> Comparison:
    """What a change would save. Raises Invalid for one that makes no sense: unknown steps, two with another between them."""
    before = log.network
    steps = {key: n for n, key in enumerate(log.steps)}
    step, other = steps.get((change.procedure, change.step)), steps.get((change.procedure, change.other))
    office = log.offices.index(change.post) if change.post in log.offices else None
    after = None
    try:
        if change.kind == "clerk" and office is not None:
            after = before.with_clerks(office, before.clerks[office] + log.hands[office])
        elif change.kind == "hand" and step is not None and office is not None:
            after = before.handed_to(step, office)
        elif change.kind == "merge" and step is not None and other is not None:
            after = before.merged(step, other, change.saving)
    except ValueError as error:
        said = T("这两个环节不能合并：中间隔着别的环节，或节省比例不对。", f"These two cannot be merged: {error}.")
        raise Invalid([FieldProblem("other", said)]) from error
    if after is None:
        raise Invalid(
            [FieldProblem("change", T("请选择改什么：环节、岗位须在列表中。", "Choose what to change: a step and post of the list."))]
        )
    return compare_networks(before, after, log.services, log.per_day, seed=SEED)
