"""Beginning, holding and ending the terms and steps of an application: blocks under the actions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tongchou.core.audit.acting import record
from tongchou.core.casework.actions import attach_evidence
from tongchou.core.casework.life import Opening, advance, assign, open_dossiers
from tongchou.core.casework.models import Assignment
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.outbox.queue import tell_post
from tongchou.core.packs.procedures import ProcedureSpec, StepSpec, procedure_of
from tongchou.core.parameters.working_days import WorkingTime, working_time
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.approvals.models import Application, ApplicationStep, AttachedPaper, Delegation, Paper
from tongchou.domains.approvals.rules import (
    APPLICATION,
    PROMISED,
    STATUTORY,
    STEP,
    STEP_DUE,
    Span,
    Standing,
    due_at,
    holds_on,
    minutes_until,
    stands_in,
)


@dataclass(frozen=True, slots=True)
class PaperGiven:
    """A paper handed in: a file, or a note of what was shown at the window. `issued_on`: its own date, from which it holds."""

    code: str
    note: str = ""
    content: bytes | None = None
    name: str = ""
    issued_on: date | None = None


def calendar_at(place_path: str, at: datetime) -> WorkingTime:
    """The town's calendar of working time as known at an instant. Raises Refusal when no office hours are set."""
    town = installation()
    zone = ZoneInfo(town.zone if town else "UTC")
    return working_time(zone, at.astimezone(zone).date(), place_path)


def spec_of(row: Application) -> ProcedureSpec:
    return procedure_of(row.procedure.body)


def stopped_spans(row: Application, at: datetime) -> list[Span]:
    """Spans in which the clock stood; one that lasts counts up to now."""
    return [(stop.from_at, stop.ended_at or at) for stop in row.clock_stops.all()]


def begin(row: Application, step: str, *, accepted_at: datetime, reason: str = "", by: Actor, at: datetime) -> None:
    """Let the terms run from `accepted_at` and open the first steps."""
    row.accepted_at = accepted_at
    advance(row.dossier, APPLICATION, step, at=at, reason=reason, clocks=reckon(row, at))
    row.save(update_fields=["accepted_at", "promised_at", "statutory_at"])
    open_steps(row, by=by, at=at)


def reckon(row: Application, at: datetime) -> tuple[tuple[str, int], ...]:
    """Set the two limits as they stand now; gives the clocks to start."""
    spec, calendar, begun = spec_of(row), calendar_at(row.place_path, at), row.accepted_at or at
    stopped, clocks = stopped_spans(row, at), []
    for key, field, limit, more in (
        (PROMISED, "promised_at", spec.promised, 0),
        (STATUTORY, "statutory_at", spec.statutory, row.extended_days),
    ):
        if limit is not None:
            due = due_at(calendar, begun, limit.days + more, stopped)
            setattr(row, field, due)
            clocks.append((key, minutes_until(due, at)))
    return tuple(clocks)


def silent_from(row: Application, spec: ProcedureSpec, at: datetime) -> datetime | None:
    """The instant from which silence counts as approval; None where the law has no such rule, or while its clock stands."""
    if spec.tacit is None:
        return None
    if spec.tacit.when == "permit_end":
        zone = calendar_at(row.place_path, at).zone
        ends = row.permit_ends_on
        return datetime(ends.year, ends.month, ends.day, tzinfo=zone) + timedelta(days=1) if ends else None
    return row.statutory_at if row.dossier.state == "under_way" else None


def standing_at(at: datetime) -> list[Standing]:
    """Delegations that hold at an instant or later. One query."""
    rows = Delegation.objects.filter(to_at__gt=at).select_related("from_post", "to_post").order_by("pk")
    return [Standing(one.from_post.code, one.to_post.code, one.from_at, one.to_at) for one in rows]


def open_steps(row: Application, *, by: Actor, at: datetime) -> list[ApplicationStep]:
    """Open the steps whose predecessors are done, each with its post (or who stands in for it), its deadline, and a word to them."""
    states = dict(row.steps.values_list("code", "dossier__state"))
    specs = spec_of(row).openable(states, [code for code, state in states.items() if state == "done"])
    if not specs:
        return []
    delegated, calendar = standing_at(at), calendar_at(row.place_path, at)
    hands = {spec.code: stands_in(spec.post, delegated, at)[-1] for spec in specs}
    posts = _posts({spec.post for spec in specs} | set(hands.values()))
    dues = [calendar.deadline(at, spec.days) for spec in specs]
    openings = [
        Opening(
            T(f"{spec.name.zh}：{row.applicant}", f"{spec.name.en}: {row.applicant}"),
            row.dossier.place,
            posts[hands[spec.code]],
            part_of=row.dossier,
            clocks=((STEP_DUE, minutes_until(due, at)),),
            detail={"application": row.dossier.number, "step": spec.code, "post": spec.post, "held_by": hands[spec.code]},
        )
        for spec, due in zip(specs, dues, strict=True)
    ]
    found = [
        ApplicationStep.objects.create(dossier=head, application=row, code=spec.code, post=posts[spec.post], due_at=due)
        for head, spec, due in zip(open_dossiers(STEP, openings, by=by, at=at), specs, dues, strict=True)
    ]
    for step in found:
        head = step.dossier
        tell_post(head.owner_post, T(f"新的审批环节 {head.number} {head.title_zh}", f"New step {head.number} {head.title_en}"), head, at=at)
    return found


def _posts(codes: Iterable[str]) -> dict[str, Post]:
    wanted = set(codes)
    posts = {post.code: post for post in Post.objects.filter(code__in=wanted).select_related("place")}
    if gone := sorted(wanted - set(posts)):
        said = T(f"办理岗位已不存在：{'、'.join(gone)}", f"posts that no longer exist: {', '.join(gone)}")
        raise Invalid([FieldProblem("procedure", said)])
    return posts


def live_steps(row: Application) -> list[ApplicationStep]:
    return list(row.steps.filter(dossier__closed_at=None).select_related("dossier__place", "dossier__owner_post"))


def wind_up(row: Application, *, at: datetime) -> None:
    """Close the steps and the stop of an application that is over."""
    row.clock_stops.filter(ended_at=None).update(ended_at=at)
    for step in live_steps(row):
        advance(step.dossier, STEP, "drop", at=at)


def pause_steps(row: Application, *, at: datetime) -> None:
    for step in live_steps(row):
        advance(step.dossier, STEP, "pause", at=at)


def unpause_steps(row: Application, span: Span, *, at: datetime) -> None:
    """Let steps go on where they stood; their time moves on by the working time of the stop."""
    calendar = calendar_at(row.place_path, at)
    for step in live_steps(row):
        step.due_at = calendar.later(step.due_at, calendar.worked_days(max(span[0], step.dossier.opened_at), span[1]))
        step.save(update_fields=["due_at"])
        name = "go_on" if step.started_at else "unpause"
        advance(step.dossier, STEP, name, at=at, clocks=((STEP_DUE, minutes_until(step.due_at, at)),))


def misplaced(steps: Iterable[ApplicationStep], at: datetime) -> list[tuple[ApplicationStep, str]]:
    """Steps that lie elsewhere than with whoever stands in for their post now, with that post; escalated or handed-over ones stay. Two queries."""
    delegated = standing_at(at)
    ends = [(step, stands_in(step.post.code, delegated, at)[-1]) for step in steps]
    off = [(step, code) for step, code in ends if step.dossier.owner_post is not None and step.dossier.owner_post.code != code]
    by_machine = Assignment.objects.filter(
        dossier__in=[step.pk for step, _ in off], to_at=None, why__in=["opened", "delegated", "returned"]
    )
    free = set(by_machine.values_list("dossier_id", flat=True)) if off else set()
    return [(step, code) for step, code in off if step.pk in free]


def settle_hands(steps: Iterable[ApplicationStep], *, at: datetime) -> int:
    """Put steps into the hands of whoever stands in for their post now. Gives how many moved."""
    moving = misplaced(steps, at)
    posts = _posts({code for _, code in moving})
    for step, code in moving:
        assign(step.dossier, posts[code], at=at, why="returned" if posts[code].pk == step.post_id else "delegated")
    return len(moving)


def needed_papers(spec: ProcedureSpec, steps: Sequence[StepSpec] | None = None) -> list[str]:
    """Codes of the papers that steps (none: all) ask for, in their order, each once."""
    return list(dict.fromkeys(code for step in steps or spec.steps for code in step.papers))


def missing_papers(row: Application, spec: ProcedureSpec, steps: Sequence[StepSpec] | None = None) -> list[str]:
    """Papers needed and not attached. One query."""
    there = set(row.papers.values_list("code", flat=True))
    return [code for code in needed_papers(spec, steps) if code not in there]


def held_papers(firm_id: int, codes: Sequence[str], day: date) -> dict[str, Paper]:
    """Code → the newest paper a firm has given that still holds on a day. One query."""
    newest: dict[str, Paper] = {}
    for paper in Paper.objects.filter(firm=firm_id, code__in=codes).select_related("first_for__dossier"):
        if holds_on(paper.holds_until, day):
            newest.setdefault(paper.code, paper)
    return newest


def attach_known(row: Application, spec: ProcedureSpec, *, at: datetime) -> list[AttachedPaper]:
    """Attach what the firm has given before and still holds: nothing is asked for twice. Two queries and one insert."""
    wanted = missing_papers(row, spec)
    if row.firm_id is None or not wanted:
        return []
    newest = held_papers(row.firm_id, wanted, calendar_at(row.place_path, at).local_day(at))
    rows = AttachedPaper.objects.bulk_create(
        [AttachedPaper(application=row, paper=newest[code], code=code, attached_at=at) for code in wanted if code in newest]
    )
    for one in rows:
        lineage = {"paper": one.code, "given_at": one.paper.given_at, "for": one.paper.first_for.dossier.number}
        record("application.reuse", row.dossier, detail=lineage)
    return rows


def take_papers(row: Application, spec: ProcedureSpec, given: Sequence[PaperGiven], *, by: Actor, at: datetime) -> None:
    """Keep papers handed in; one of a code that is attached already takes its place. Raises Invalid for a paper nobody asks for."""
    unknown = [one.code for one in given if one.code not in spec.papers]
    if unknown:
        known = T("、".join(p.name.zh for p in spec.papers.values()), ", ".join(p.name.en for p in spec.papers.values()))
        raise Invalid(
            [
                FieldProblem("papers", T(f"这件申请不需要 {c}；需要：{known.zh}", f"{c} is not needed here; needed: {known.en}"))
                for c in unknown
            ]
        )
    today = calendar_at(row.place_path, at).local_day(at)
    if early := [one for one in given if one.issued_on is not None and one.issued_on > today]:
        raise Invalid(
            [FieldProblem("issued_on", T(f"{one.code} 的出具日期在将来。", f"{one.code} is dated in the future.")) for one in early]
        )
    for one in given:
        days, day = spec.papers[one.code].days, one.issued_on or today
        note = one.note.strip() or ("" if one.content is not None else str(spec.papers[one.code].name))
        kept = attach_evidence(row.dossier, content=one.content, name=one.name, note=note, by=by, at=at)
        paper = Paper.objects.create(
            code=one.code,
            firm_id=row.firm_id,
            first_for=row,
            evidence=kept,
            given_at=at,
            holds_until=day + timedelta(days=days) if days else None,
        )
        AttachedPaper.objects.update_or_create(application=row, code=one.code, defaults={"paper": paper, "attached_at": at})
