"""Suspending somebody's passes: one person asks, another decides, and it has an end from the beginning. The passes themselves follow in the workflow."""

from dataclasses import dataclass
from datetime import datetime

from tongchou.core.audit.acting import action, record_access
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.casework.spans import span_problem
from tongchou.core.casework.two_people import (
    basis_problems,
    basis_words,
    incident_problems,
    nearest_post,
    require_another,
)
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen, in_words
from tongchou.core.parameters.queries import duration, value
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.suspensions.models import Suspension
from tongchou.domains.suspensions.rules import BASES, CAUSES, DAY_COST, LONGEST, NO_FURTHER, SUSPENSION, cost_yuan


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why, on what legal basis and until when. `cause`: a key of CAUSES; `words`: what the person concerned will read."""

    incident: Dossier
    cause: str
    words: str
    basis: str
    ends_at: datetime


@action("suspension.ask", place=lambda given: given["place"].path)
def ask_suspension(*, holder: int, place: Place, grounds: Grounds, by: Actor, at: datetime) -> Suspension:
    """Ask that a holder's passes be suspended until an end; nothing happens before somebody else approves. `place`: the holder's.

    Raises Invalid without an open incident of the town, a basis in force, a reason of the list and in words, or with an end past or too far;
    Stale when a request about the same person waits already.
    """
    problems = [*_objections(grounds, place, at), *_misasked(grounds, place, at)]
    if problems or by.user_id is None:
        raise Invalid([*problems, *([] if by.user_id else [FieldProblem("by", T("须由本人提出。", "A person must ask."))])])
    if Suspension.objects.filter(holder_id=holder, dossier__state="requested").exists():
        raise Stale(T("此人已有一件待批的申请。", "A request about this person waits already."))
    cause, basis = CAUSES[grounds.cause], basis_words(BASES, grounds.basis, place.path, at)
    opening = Opening(
        T(f"暂停通行码：{cause.zh}", f"Suspension: {cause.en}"),
        place,
        nearest_post("duty_leader", place),
        part_of=grounds.incident,
        reason=grounds.words.strip(),
        detail={"holder": holder, "incident": grounds.incident.number, "basis": grounds.basis, "until": grounds.ends_at.isoformat()},
    )
    (head,) = open_dossiers(SUSPENSION, [opening], by=by, at=at)
    return Suspension.objects.create(
        dossier=head,
        holder_id=holder,
        incident=grounds.incident,
        cause=grounds.cause,
        words=grounds.words.strip()[:300],
        basis=grounds.basis,
        basis_zh=basis.zh,
        basis_en=basis.en,
        ends_at=grounds.ends_at,
        cost_yuan=cost_yuan(at, grounds.ends_at, float(value(DAY_COST, on=at.date(), place_path=place.path).value)),
        asked_by_id=by.user_id,
    )


def _objections(grounds: Grounds, place: Place, at: datetime) -> list[FieldProblem]:
    """Why there is no cause, if there is none; asked again at the approval."""
    # Somebody who met a case in one village may live in another: the incident is one of the town's, wherever in it.
    town = installation()
    found = [
        *incident_problems(grounds.incident, town.place.path if town else place.path), *basis_problems(BASES, grounds.basis, place.path, at),
    ]  # fmt: skip
    if grounds.incident.is_exercise:
        found.append(FieldProblem("incident", T("演练不得限制任何人。", "A drill restricts nobody.")))
    longest = duration(LONGEST, on=at.date(), place_path=place.path)
    return [*found, *([FieldProblem("ends_at", said)] if (said := span_problem(grounds.ends_at, longest, at, NO_FURTHER)) else [])]


def _misasked(grounds: Grounds, place: Place, at: datetime) -> list[FieldProblem]:
    found = []
    if grounds.cause not in CAUSES:
        found.append(FieldProblem("cause", T("请从列表中选择理由。", "Choose a reason of the list.")))
    if len(grounds.words.strip()) < 4:
        found.append(
            FieldProblem("words", T("请写给本人看的说明（至少四个字）。", "Say it in words for the person (at least four characters)."))
        )
    return found


@action("suspension.approve", on=Suspension)
def approve_suspension(row: Suspension, *, answer: str = "", by: Actor, at: datetime) -> Suspension:
    """Approve what somebody else asked for; its cause and its end are looked at again. Raises Invalid for one's own, or when the end has passed."""
    require_another(by, row.asked_by_id)
    if problems := _objections(Grounds(row.incident, row.cause, row.words, row.basis, row.ends_at), row.dossier.place, at):
        raise Invalid(problems)
    return _decide(row, "approve", answer.strip(), by, at)


@action("suspension.approve", on=Suspension)
def refuse_suspension(row: Suspension, *, answer: str, by: Actor, at: datetime) -> Suspension:
    """Refuse what somebody else asked for, and say why."""
    require_another(by, row.asked_by_id)
    return _decide(row, "refuse", in_words("answer", answer), by, at)


def _decide(row: Suspension, step: str, answer: str, by: Actor, at: datetime) -> Suspension:
    row.decided_by_id, row.answer = by.user_id, answer[:300]
    row.save(update_fields=["decided_by", "answer"])
    advance(row.dossier, SUSPENSION, step, at=at, reason=answer, detail={"until": row.ends_at.isoformat()})
    return row


@action("suspension.ask", on=Suspension)
def withdraw_suspension(row: Suspension, *, reason: str, by: Actor, at: datetime) -> Suspension:
    """Take one's request back before it is decided."""
    if by.user_id != row.asked_by_id:
        raise Unseen("suspension")
    advance(row.dossier, SUSPENSION, "withdraw", at=at, reason=in_words("reason", reason))
    return row


@action("suspension.lift", on=Suspension)
def lift_suspension(row: Suspension, *, reason: str, by: Actor, at: datetime) -> Suspension:
    """Let a suspension end before its time, with a reason. To free somebody takes one person, not two."""
    advance(row.dossier, SUSPENSION, "lift", at=at, reason=in_words("reason", reason, 4))
    return row


@action("suspension.end", on=Suspension)
def end_suspension(row: Suspension, *, by: Actor, at: datetime) -> Suspension:
    """Close a suspension whose end has come, or a request that nobody decided before it. Raises Stale before."""
    if row.ends_at > at:
        raise Stale(T("还没到期。", "Its end has not come."))
    advance(row.dossier, SUSPENSION, "end" if row.dossier.state == "in_force" else "lapse", at=at)
    return row


@action("suspension.read", on=Suspension)
def see_person(row: Suspension, *, purpose: str, by: Actor, at: datetime) -> None:
    """Read who it is: an Access. Raises Invalid without a purpose."""
    record_access(row.holder.resident or row.holder, fields=["name"], purpose=purpose)
