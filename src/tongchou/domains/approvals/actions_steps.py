"""Working steps, stopping and starting the clock, and what silence does when the time is over."""

from datetime import datetime

from tongchou.core.audit.acting import action
from tongchou.core.casework.life import advance
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.approvals.life import (
    begin,
    calendar_at,
    missing_papers,
    open_steps,
    pause_steps,
    reckon,
    silent_from,
    spec_of,
    standing_at,
    unpause_steps,
    wind_up,
)
from tongchou.domains.approvals.models import Application, ApplicationStep, ClockStop
from tongchou.domains.approvals.rules import APPLICATION, STEP, TELL_WITHIN, stands_in

SILENCE = T("逾期未告知，自收到之日起视为受理", "not told in time what is missing: accepted as of the day it came")


class NotYours(Refusal):
    """The person may see the step, but it lies with another office."""

    status = 403


def _require_hands(step: ApplicationStep, by: Actor, at: datetime) -> None:
    """The step's own post, whoever stands in for it, whoever holds its dossier and the post above."""
    held, chain = step.dossier.owner_post, stands_in(step.post.code, standing_at(at), at)
    chain += [post.code for post in (held, held.reports_to if held else None) if post is not None]
    if not by.is_system and not any(by.holds(code) for code in chain):
        name = held.name if held else step.post.name
        raise NotYours(
            T(f"{step.dossier.number} 由“{name.zh}”办理。", f"{step.dossier.number} lies with '{name.en}'."),
            T("请与该岗位联系，或由负责人委托。", "Ask that post, or let its head delegate it."),
        )


@action("approval.work", on=ApplicationStep)
def start_step(row: ApplicationStep, *, by: Actor, at: datetime) -> ApplicationStep:
    """Begin to work on a step: its waiting ends here. Raises NotYours for another office's."""
    _require_hands(row, by, at)
    row.started_at = at
    row.save(update_fields=["started_at"])
    advance(row.dossier, STEP, "start", at=at)
    return row


@action("approval.work", on=ApplicationStep)
def finish_step(row: ApplicationStep, *, finding: str = "", by: Actor, at: datetime) -> ApplicationStep:
    """Finish a step: those that waited for it open, and the last one grants the application.

    Raises NotYours for another office's, Invalid while a paper of this step is missing.
    """
    _require_hands(row, by, at)
    # Of two steps finished at once, the second must see that the first is done.
    application = Application.objects.select_for_update(of=("self",)).get(pk=row.application_id)
    spec = spec_of(application)
    if missing := missing_papers(application, spec, [spec.step(row.code)]):
        names = [spec.papers[code].name for code in missing]
        said = T(f"还缺 {'、'.join(n.zh for n in names)}。", f"{', '.join(n.en for n in names)} still missing.")
        raise Invalid([FieldProblem("papers", said)])
    row.finding = finding.strip()[:300]
    row.save(update_fields=["finding"])
    advance(row.dossier, STEP, "finish", at=at, reason=row.finding)
    open_steps(application, by=by, at=at)
    if application.steps.filter(dossier__state="done").count() == len(spec.steps):
        advance(application.dossier, APPLICATION, "grant", at=at)
    return row


@action("approval.work", on=Application)
def stop_clock(row: Application, *, reason: str, words: str, until_at: datetime, by: Actor, at: datetime) -> ClockStop:
    """Stop the clock for a reason of the procedure's list, with an end; the applicant reads why and until when.

    Raises Invalid for another reason, without words, or with an end that is past or later than the list allows.
    """
    spec, calendar, problems = spec_of(row), calendar_at(row.place_path, at), []
    allowed, said = spec.stops.get(reason), words.strip()
    if allowed is None:
        names = ("、".join(s.name.zh for s in spec.stops.values()) or "无", ", ".join(s.name.en for s in spec.stops.values()) or "none")
        problems.append(FieldProblem("reason", T(f"只能因这些原因暂停：{names[0]}", f"Only for these reasons: {names[1]}")))
    if len(said) < 4:
        problems.append(
            FieldProblem("words", T("请写给申请人看的说明（至少四个字）。", "Say it for the applicant (at least four characters)."))
        )
    if until_at <= at:
        problems.append(FieldProblem("until_at", T("结束时间须在将来。", "The end must lie ahead.")))
    elif allowed is not None and allowed.days and until_at > (latest := calendar.deadline(at, allowed.days)):
        until = T(f"最晚到 {latest:%Y-%m-%d}。", f"At the latest {latest:%Y-%m-%d}.")
        problems.append(FieldProblem("until_at", until))
    if problems:
        raise Invalid(problems)
    advance(row.dossier, APPLICATION, "stop", at=at, reason=said, detail={"reason": reason, "until": until_at.isoformat()})
    pause_steps(row, at=at)
    return ClockStop.objects.create(application=row, reason=reason, words=said[:300], from_at=at, until_at=until_at)


@action("approval.work", on=Application)
def resume_clock(row: Application, *, words: str = "", by: Actor, at: datetime) -> Application:
    """Let the clock go on: every limit moves by the working time it stood. Raises Stale when it does not stand."""
    stop = row.clock_stops.filter(ended_at=None).first()
    if stop is None:
        raise Stale(T("这件申请没有在暂停。", "The clock of this application is running."))
    stop.ended_at = min(max(at, stop.from_at), stop.until_at)  # its end was named: nobody's delay lengthens it
    stop.save(update_fields=["ended_at"])
    advance(row.dossier, APPLICATION, "resume", at=at, reason=words.strip(), detail={"stop": stop.pk}, clocks=reckon(row, at))
    row.save(update_fields=["promised_at", "statutory_at"])
    unpause_steps(row, (stop.from_at, stop.ended_at), at=at)
    return row


@action("approval.keep", on=Application)
def accept_by_silence(row: Application, *, by: Actor, at: datetime) -> Application:
    """Nobody said in time what is missing: the application counts as accepted on the day it came. Raises Stale before that."""
    came = row.dossier.opened_at
    days = float(value(TELL_WITHIN, on=came.date(), place_path=row.place_path).value)
    if at < calendar_at(row.place_path, at).deadline(came, days):
        raise Stale(T("告知期限还没到。", "The time to tell is not over."))
    begin(
        row,
        "accept_by_silence",
        accepted_at=came,
        reason=f"{SILENCE.zh} {SILENCE.en}",
        by=by,
        at=at,
    )
    return row


@action("approval.keep", on=Application)
def approve_by_silence(row: Application, *, by: Actor, at: datetime) -> Application:
    """The time is over and the law says what silence means: approved, and written as such. Raises Stale before, or where the law does not."""
    spec = spec_of(row)
    due = silent_from(row, spec, at)
    if spec.tacit is None or due is None or at < due:
        raise Stale(T("不适用默示批准，或时间未到。", "Silence is no approval here, or not yet."))
    basis = spec.tacit.basis
    row.words = f"{basis.zh} {basis.en}"[:500]
    row.save(update_fields=["words"])
    advance(row.dossier, APPLICATION, "approve_by_silence", at=at, reason=in_words("basis", row.words), detail={"due": due.isoformat()})
    wind_up(row, at=at)
    return row
