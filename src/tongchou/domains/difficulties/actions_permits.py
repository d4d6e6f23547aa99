"""What is given to solve a difficulty at once: a permit to pass, a place to be tested. The passes and sites themselves are others' (workflow)."""

from dataclasses import dataclass
from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.spans import span_problem
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.parameters.queries import duration
from tongchou.core.passes.models import IssuedPass
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.difficulties.models import Difficulty, Permit
from tongchou.domains.difficulties.rules import PERMIT_LONGEST, permit_problems

SHORT_LIVED = T("到期须重新申请", "apply anew when it ends")


@dataclass(frozen=True, slots=True)
class PermitSpec:
    """Who passes (plate or name), whom the guard may call, what for, on which way, until when."""

    subject: str
    phone: str
    purpose: str
    way: str
    until_at: datetime


@action("permit.issue", on=Difficulty)
def keep_permit(row: Difficulty, *, spec: PermitSpec, holder: int, issued: IssuedPass, by: Actor, at: datetime) -> Permit:
    """Keep a permit beside its signed pass. Raises Invalid without subject, purpose or way, or with an end past or too far; Stale when it is solved."""
    if row.dossier.closed_at is not None:
        raise Stale(T("这件困难已了结，不能再开证。", "This difficulty is over: no permit on its account."))
    problems = permit_problems(spec.subject, spec.purpose, spec.way)
    longest = duration(PERMIT_LONGEST, on=at.date(), place_path=row.place_path)
    if said := span_problem(spec.until_at, longest, at, SHORT_LIVED):
        problems.append(FieldProblem("until_at", said))
    if by.user_id is None:
        problems.append(FieldProblem("by", T("须由本人签发。", "A person must issue it.")))
    if problems or by.user_id is None:
        raise Invalid(problems)
    permit = Permit.objects.create(
        difficulty=row,
        issued=issued,
        holder_id=holder,
        subject=spec.subject.strip()[:40],
        purpose=spec.purpose.strip()[:120],
        way=spec.way.strip()[:200],
        issued_by_id=by.user_id,
    )
    record(
        "difficulty.permit",
        row.dossier,
        reason=f"{permit.subject} {permit.way}",
        detail={"pass": issued.pk, "until": spec.until_at.isoformat()},
    )
    return permit


@action("permit.issue", on=Permit)
def drop_permit(permit: Permit, *, reason: str, by: Actor, at: datetime) -> Permit:
    """Note that a permit is taken back, and why."""
    record("difficulty.permit_revoked", permit.difficulty.dossier, reason=in_words("reason", reason, 4), detail={"pass": permit.pk})
    return permit


@action("difficulty.work", on=Difficulty)
def note_sampling(row: Difficulty, *, site: str, words: str, by: Actor, at: datetime) -> None:
    """Note that a sampling site (its code) was set up for a firm."""
    record("difficulty.sampling", row.dossier, reason=words, detail={"site": site})
