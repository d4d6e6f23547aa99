"""Taking applications in, telling once what is missing, accepting, extending, refusing. Steps: `actions_steps.py`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import canonical
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.packs.procedures import Named, ProcedureSpec
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.approvals.life import (
    PaperGiven,
    attach_known,
    begin,
    calendar_at,
    missing_papers,
    reckon,
    spec_of,
    take_papers,
    wind_up,
)
from tongchou.domains.approvals.models import Application, Procedure
from tongchou.domains.approvals.rules import APPEAL, APPLICATION, TELL, TELL_WITHIN, left_out, minutes_until

LONGEST_PERMIT = timedelta(days=366 * 50)  # beyond any: a slip of the pen


@dataclass(frozen=True, slots=True)
class Applying:
    """What is applied for and by whom. `firm`: a row of the register, none for one that is only being started (then `applicant` names it)."""

    procedure: Procedure
    place: Place
    firm: Any = None
    applicant: str = ""
    permit_ends_on: date | None = None
    papers: Sequence[PaperGiven] = ()


@action("plan.write", place=lambda given: given["place"].path)
def publish_procedures(*, specs: Sequence[ProcedureSpec], place: Place, by: Actor, at: datetime) -> list[Procedure]:
    """Bring procedures into force, each changed one as its next version; the very same again changes nothing."""
    found = []
    for spec in specs:
        text = canonical(dict(spec.body))
        digest, latest = sha256(text.encode()).hexdigest(), Procedure.objects.filter(code=spec.code).order_by("-version").first()
        row = latest if latest is not None and latest.digest == digest else None
        row = row or Procedure.objects.create(
            code=spec.code,
            version=latest.version + 1 if latest else 1,
            place=place,
            title_zh=spec.name.zh,
            title_en=spec.name.en,
            body=json.loads(text),
            digest=digest,
            valid_from=spec.from_on,
            valid_to=spec.to_on,
        )
        record("procedure.publish", row, detail={"code": row.code, "version": row.version, "again": row is latest})
        found.append(row)
    return found


@action("approval.receive", place=lambda given: given["applying"].place.path)
def open_application(*, applying: Applying, token: str | None = None, by: Actor, at: datetime) -> Application:
    """Take an application in. Papers the firm gave before and still holds are attached by themselves; `token` opens the applicant's own page.

    Raises Invalid for a procedure not in force that day, nobody named, a paper nobody asks for, or a renewal without the permit's last day.
    """
    procedure, name = applying.procedure, applying.applicant.strip() or getattr(applying.firm, "name", "")
    calendar = calendar_at(applying.place.path, at)
    problems = _misapplied(applying, name, calendar.local_day(at))
    if problems:
        raise Invalid(problems)
    days = float(value(TELL_WITHIN, on=at.date(), place_path=applying.place.path).value)
    opening = Opening(
        T(f"{procedure.title_zh}：{name}", f"{procedure.title_en}: {name}"),
        applying.place,
        nearest_post("approval_officer", applying.place),
        clocks=((TELL, minutes_until(calendar.deadline(at, days), at)),),
        detail={"procedure": procedure.code, "version": procedure.version, "firm": getattr(applying.firm, "pk", None)},
    )
    (head,) = open_dossiers(APPLICATION, [opening], by=by, at=at)
    row = Application.objects.create(
        dossier=head,
        procedure=procedure,
        firm_id=getattr(applying.firm, "pk", None),
        applicant=name[:120],
        permit_ends_on=applying.permit_ends_on,
        token_digest=token_digest(token) if token else None,
    )
    spec = spec_of(row)
    take_papers(row, spec, applying.papers, by=by, at=at)
    attach_known(row, spec, at=at)
    return row


def _misapplied(applying: Applying, name: str, day: date) -> list[FieldProblem]:
    procedure, problems = applying.procedure, []
    if not procedure.valid_from <= day <= (procedure.valid_to or date.max):
        said = T(f"“{procedure.title_zh}”今天不能申请。", f"'{procedure.title_en}' cannot be applied for today.")
        if procedure.valid_to and procedure.valid_to < day:
            said = T(
                f"“{procedure.title_zh}”{procedure.valid_to} 后已取消。",
                f"'{procedure.title_en}' was abolished after {procedure.valid_to}.",
            )
        problems.append(FieldProblem("procedure", said))
    if not name.strip():
        problems.append(FieldProblem("applicant", T("请填写申请人。", "Name the applicant.")))
    if (procedure.body.get("tacit") or {}).get("when") == "permit_end" and applying.permit_ends_on is None:
        said = T("请填写原许可证的最后一天。", "Give the last day of the permit now held.")
        problems.append(FieldProblem("permit_ends_on", said))
    if applying.permit_ends_on is not None and applying.permit_ends_on > day + LONGEST_PERMIT:
        problems.append(FieldProblem("permit_ends_on", T("请核对年份。", "Check the year.")))
    if applying.permit_ends_on is not None and applying.permit_ends_on < day:
        said = T("原许可证已过期，请新办。", "The permit has ended: apply for a new one.")
        problems.append(FieldProblem("permit_ends_on", said))
    return problems


def _names(papers: Sequence[Named]) -> T:
    return T("、".join(p.name.zh for p in papers), ", ".join(p.name.en for p in papers))


@action("approval.receive", on=Application)
def accept_application(row: Application, *, papers: Sequence[PaperGiven] = (), by: Actor, at: datetime) -> Application:
    """Accept an application whose papers are complete: its terms run and its first steps open. Raises Invalid naming what is missing."""
    spec = spec_of(row)
    take_papers(row, spec, papers, by=by, at=at)
    if missing := missing_papers(row, spec):
        names = _names([spec.papers[code] for code in missing])
        said = T(f"还缺 {names.zh}；请一次性告知补正。", f"{names.en} missing; ask for all of it at once.")
        raise Invalid([FieldProblem("papers", said)])
    begin(row, "accept", accepted_at=at, by=by, at=at)
    return row


@action("approval.receive", on=Application)
def ask_corrections(row: Application, *, papers: Sequence[str], words: str, by: Actor, at: datetime) -> Application:
    """Tell the applicant everything that is missing or wrong, once and whole; what is brought then is accepted.

    Raises Invalid when something missing is left out, Stale when it was told already.
    """
    if row.missing:
        names = _names([spec_of(row).papers[code] for code in row.missing])
        said = T(
            f"已一次性告知过（{names.zh}），不得再次要求补正。", f"It was told once already ({names.en}): nothing more may be asked for."
        )
        raise Stale(said)
    spec, said_words = spec_of(row), in_words("words", words, 4)
    problems = [FieldProblem("papers", T(f"这件申请不需要 {c}。", f"{c} is not needed here.")) for c in papers if c not in spec.papers]
    if out := [spec.papers[code] for code in left_out(missing_papers(row, spec), papers)]:
        problems.append(FieldProblem("papers", T(f"须一次说全，还漏了 {_names(out).zh}。", f"All at once: {_names(out).en} left out.")))
    if not papers:
        problems.append(FieldProblem("papers", T("请选择要补的材料；不缺就请受理。", "Choose what is missing; if nothing is, accept.")))
    if problems:
        raise Invalid(problems)
    row.missing, row.words = list(dict.fromkeys(papers)), said_words[:500]
    row.save(update_fields=["missing", "words"])
    advance(row.dossier, APPLICATION, "ask", at=at, reason=said_words, detail={"papers": row.missing})
    return row


@action("approval.receive", on=Application)
def correct_application(row: Application, *, papers: Sequence[PaperGiven], by: Actor, at: datetime) -> Application:
    """Bring everything that was asked for: the application is accepted by that. Raises Invalid naming what is still missing."""
    spec, brought = spec_of(row), {one.code for one in papers}
    if still := [spec.papers[code] for code in row.missing if code not in brought]:
        raise Invalid([FieldProblem("papers", T(f"还缺 {_names(still).zh}。", f"{_names(still).en} still missing."))])
    take_papers(row, spec, papers, by=by, at=at)
    begin(row, "correct", accepted_at=at, by=by, at=at)
    return row


@action("approval.receive", on=Application)
def add_papers(row: Application, *, papers: Sequence[PaperGiven], by: Actor, at: datetime) -> Application:
    """Add papers to an application that is under way: one accepted by silence may still lack some. Raises Stale when it is not under way."""
    if row.dossier.state != "under_way":
        raise Stale(T("只有办理中的申请可以添加材料。", "Papers are added only while the application is under way."))
    take_papers(row, spec_of(row), papers, by=by, at=at)
    record("application.papers", row.dossier, detail={"papers": [one.code for one in papers]})
    return row


def _over(row: Application, step: str, words: str, *, at: datetime, ground: str = "") -> Application:
    """End an application against the applicant, with its reason and the way of appeal."""
    row.words, row.ground = words[:500], ground
    row.save(update_fields=["words", "ground"])
    appeal = value(APPEAL, on=at.date(), place_path=row.place_path).value
    advance(row.dossier, APPLICATION, step, at=at, reason=words, detail={"ground": ground, "appeal": appeal["zh"]})
    wind_up(row, at=at)
    return row


@action("approval.receive", on=Application)
def decline_application(row: Application, *, words: str, by: Actor, at: datetime) -> Application:
    """Do not take an application on: it needs no permit, or another office decides. Says which, and how to appeal."""
    return _over(row, "decline", in_words("words", words, 4), at=at)


@action("approval.decide", on=Application)
def refuse_application(row: Application, *, ground: str, words: str, by: Actor, at: datetime) -> Application:
    """Refuse an application on a legal ground of its procedure, in words, with the way of appeal. Raises Invalid for any other ground."""
    spec = spec_of(row)
    if ground not in spec.grounds:
        allowed = _names(list(spec.grounds.values()))
        said = T(f"只能依据：{allowed.zh}", f"Only on these grounds: {allowed.en}")
        raise Invalid([FieldProblem("ground", said)])
    return _over(row, "refuse", in_words("words", words, 4), at=at, ground=ground)


@action("approval.receive", on=Application)
def withdraw_application(row: Application, *, words: str, by: Actor, at: datetime) -> Application:
    """Take an application back at the applicant's wish."""
    advance(row.dossier, APPLICATION, "withdraw", at=at, reason=in_words("words", words))
    wind_up(row, at=at)
    return row


@action("approval.decide", on=Application)
def extend_application(row: Application, *, words: str, by: Actor, at: datetime) -> Application:
    """Lengthen the limit of the law once, as far as the law allows, and tell the applicant why. Raises Invalid where the law allows none."""
    limit = spec_of(row).statutory
    if limit is None or not limit.extension_days or row.extended_days:
        raise Invalid([FieldProblem("words", T("法律没有规定延长，或已延长过。", "The law allows no extension, or it was used already."))])
    said = in_words("words", words, 4)
    row.extended_days, row.words = limit.extension_days, said[:500]
    clocks = tuple(clock for clock in reckon(row, at) if clock[0] == "approval.statutory")
    row.save(update_fields=["extended_days", "words", "statutory_at"])
    advance(row.dossier, APPLICATION, "extend", at=at, reason=said, detail={"days": row.extended_days}, clocks=clocks)
    return row


@action("approval.receive", on=Application)
def give_page(row: Application, *, token: str, by: Actor, at: datetime) -> Application:
    """Give the applicant the address that ends in `token` (random, kept as a digest); the one before leads nowhere from now on."""
    row.token_digest = token_digest(token)
    row.save(update_fields=["token_digest"])
    record("application.page", row.dossier)
    return row
