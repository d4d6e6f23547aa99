"""Taking projects into the pipeline, planning them, keeping what was reached and spent. Slips: `actions_slips.py`, issues: `actions_issues.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import canonical
from tongchou.core.casework.actions import attach_evidence
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.projects.models import MilestoneNote, Project, ProjectBook, Spending, YearPlan
from tongchou.domains.projects.queries import book, known_of
from tongchou.domains.projects.rules import PROJECT, WORKS, book_from, month_of

MOST_CNY_10K, FIRST_YEAR, LAST_YEAR, MOST_LINES = 10_000_000, 2000, 2099, 5_000


@action("plan.write", place=lambda given: given["place"].path)
def publish_project_book(*, body: Mapping[str, Any], place: Place, by: Actor, at: datetime) -> ProjectBook:
    """Bring milestones, sectors and batches (checked by the schema of packs) into force as the next version; the very same again changes nothing."""
    book_from(body)
    text = canonical(dict(body))
    digest, latest = sha256(text.encode()).hexdigest(), ProjectBook.objects.first()
    if latest is not None and latest.digest == digest:
        record("project.book", latest, detail={"version": latest.version, "again": True})
        return latest
    version = latest.version + 1 if latest else 1
    row = ProjectBook.objects.create(version=version, body=json.loads(text), digest=digest, place=place, published_at=at)
    record("project.book", row, detail={"version": version, "digest": digest})
    return row


@dataclass(frozen=True, slots=True)
class Proposed:
    """A project as it is taken in: `firm` a row number or none, `plan` year → 10,000 yuan, `milestones` code → planned day."""

    name: str
    place: Place
    post: Post
    sector: str
    works: str = "construction"
    firm: int | None = None
    land: str = ""
    area_m2: int | None = None
    plan: Mapping[int, int] = field(default_factory=dict)
    milestones: Mapping[str, date] = field(default_factory=dict)
    is_generated: bool = False


@action("project.write", place=lambda given: given["proposed"].place.path)
def open_project(*, proposed: Proposed, by: Actor, at: datetime) -> Project:
    """Take a project into the pipeline, with its plan. Raises Invalid for no name, an unknown sector, milestone or kind of works, an amount out of bounds."""
    given, known = proposed, book()
    problems = [*_amount_problems(given.plan), *_unknown("milestones", given.milestones, known.milestones)]
    problems += _unknown("sector", [given.sector], known.sectors) + _unknown("works", [given.works], WORKS)
    if not given.place.path.startswith(given.post.place.path):
        problems.append(FieldProblem("post", T("该岗位不管这个地方。", "That post does not answer for this place.")))
    if problems:
        raise Invalid(problems)
    name = in_words("name", given.name)[:100]
    opening = Opening(T(name, name), given.place, given.post, detail={"sector": given.sector, "firm": given.firm, "works": given.works})
    (head,) = open_dossiers(PROJECT, [opening], by=by, at=at)
    row = Project.objects.create(
        dossier=head, firm_id=given.firm, sector=given.sector, works=given.works, land=given.land.strip()[:200], area_m2=given.area_m2,
        is_generated=given.is_generated,
    )  # fmt: skip
    if given.plan:
        plan_years(row, plan=given.plan, by=by, at=at)
    if given.milestones:
        plan_milestones(row, planned=given.milestones, by=by, at=at)
    return row


@action("project.write", on=Project)
def plan_years(row: Project, *, plan: Mapping[int, int], reason: str = "", by: Actor, at: datetime) -> Project:
    """Say what is to be invested in each year named (10,000 yuan). Raises Invalid; changing a year that was planned needs a reason."""
    _require_live(row)
    if problems := _amount_problems(plan):
        raise Invalid(problems)
    before = known_of([row.pk], at)[row.pk].plan
    changed = {year: amount for year, amount in plan.items() if before.get(year) != amount}
    said = in_words("reason", reason) if before.keys() & changed.keys() else reason.strip()
    YearPlan.objects.bulk_create([YearPlan(project=row, year=year, cny_10k=amount, said_at=at) for year, amount in changed.items()])
    record("project.plan_years", row.dossier, reason=said, detail={"plan": {str(year): amount for year, amount in changed.items()}})
    return row


@action("project.write", on=Project)
def plan_milestones(row: Project, *, planned: Mapping[str, date], reason: str = "", by: Actor, at: datetime) -> Project:
    """Say on which day each milestone named is planned. Raises Invalid for an unknown one; moving a planned day needs a reason."""
    _require_live(row)
    if problems := _unknown("milestones", planned, book().milestones):
        raise Invalid(problems)
    known = known_of([row.pk], at)[row.pk]
    moved = {code: day for code, day in planned.items() if known.planned_on.get(code) != day}
    said = in_words("reason", reason) if known.planned_on.keys() & moved.keys() else reason.strip()
    latest = _latest_notes(row)
    notes = [
        MilestoneNote(project=row, code=code, planned_on=day, done_on=known.done_on.get(code), evidence_id=latest.get(code), said_at=at)
        for code, day in moved.items()
    ]
    MilestoneNote.objects.bulk_create(notes)
    record("project.plan_milestones", row.dossier, reason=said, detail={"planned": {code: day.isoformat() for code, day in moved.items()}})
    return row


@action("project.write", on=Project)
def reach_milestone(
    row: Project, *, code: str, done_on: date, note: str = "", content: bytes | None = None, name: str = "", by: Actor, at: datetime
) -> Project:
    """Keep the day a milestone was reached, with a file or words that prove it; again corrects the day.

    Raises Invalid for an unknown milestone, a day ahead, or nothing that proves it.
    """
    _require_live(row)
    problems = _unknown("code", [code], book().milestones)
    if done_on > at.date():
        problems.append(FieldProblem("done_on", T("完成日期不能在将来。", "It cannot be done on a day ahead.")))
    if content is None and len(note.strip()) < 4:
        said = T("请附文件，或写明依据（至少四个字）。", "Attach a file, or say what proves it (at least four characters).")
        problems.append(FieldProblem("note", said))
    if problems:
        raise Invalid(problems)
    proof = attach_evidence(row.dossier, content=content, name=name, note=note, by=by, at=at)
    planned = known_of([row.pk], at)[row.pk].planned_on.get(code)
    MilestoneNote.objects.create(project=row, code=code, planned_on=planned, done_on=done_on, evidence=proof, said_at=at)
    detail = {"milestone": code, "done_on": done_on.isoformat(), "evidence": proof.pk}
    record("project.reach", row.dossier, reason=note.strip(), detail=detail)
    return row


@action("project.write", on=Project)
def take_back_milestone(row: Project, *, code: str, reason: str, by: Actor, at: datetime) -> Project:
    """Say that a milestone was not reached after all. Raises Invalid without a reason, Stale when it is not kept as reached."""
    known = known_of([row.pk], at)[row.pk]
    if code not in known.done_on:
        raise Stale(T("这个节点没有登记完成。", "This milestone is not kept as reached."))
    MilestoneNote.objects.create(project=row, code=code, planned_on=known.planned_on.get(code), said_at=at)
    record("project.take_back", row.dossier, reason=in_words("reason", reason), detail={"milestone": code})
    return row


@dataclass(frozen=True, slots=True)
class Spent:
    """What a project invested in a month (any day of it), in 10,000 yuan."""

    number: str
    month: date
    cny_10k: int


@action("project.write")
def report_spending(*, lines: Sequence[Spent], by: Actor, at: datetime) -> int:
    """Keep what projects invested by month: every line or none; a month again corrects it. Gives how many lines were new.

    Raises Invalid naming every wrong line: an unknown project, a month ahead, an amount out of bounds, the same month twice.
    """
    if not 0 < len(lines) <= MOST_LINES:
        raise Invalid([FieldProblem("lines", T(f"一次 1 至 {MOST_LINES} 行。", f"1 to {MOST_LINES} lines at a time."))])
    rows = {row.dossier.number: row for row in Project.objects.filter(dossier__number__in={line.number for line in lines}).select_related("dossier__place")}  # fmt: skip
    seen, problems = set(), []
    for n, line in enumerate(lines, start=1):
        row = rows.get(line.number)
        if row is None or row.dossier.closed_at is not None or not by.may("project.write", row.place_path):
            said = T("没有这个在库项目，或不归您管。", "No such project in the pipeline, or not yours.")
            problems.append(FieldProblem(f"lines[{n}].number", said))
        if not line.month.year >= FIRST_YEAR or month_of(line.month) > at.date():
            problems.append(FieldProblem(f"lines[{n}].month", T("月份不能在将来。", "The month cannot lie ahead.")))
        if not 0 <= line.cny_10k <= MOST_CNY_10K:
            problems.append(_bounds(f"lines[{n}].cny_10k"))
        key = (line.number, month_of(line.month))
        if key in seen:
            problems.append(
                FieldProblem(f"lines[{n}].month", T("同一项目同一月份写了两次。", "The same month of a project is given twice."))
            )
        seen.add(key)
    if problems:
        raise Invalid(problems)
    known = known_of([row.pk for row in rows.values()], at)
    fresh = [line for line in lines if known[rows[line.number].pk].spent.get(month_of(line.month)) != line.cny_10k]
    Spending.objects.bulk_create(
        [Spending(project=rows[line.number], month=month_of(line.month), cny_10k=line.cny_10k, said_at=at) for line in fresh]
    )
    for number, row in rows.items():
        mine = {month_of(line.month).isoformat()[:7]: line.cny_10k for line in fresh if line.number == number}
        record("project.spending", row.dossier, detail={"spent": mine})
    return len(fresh)


@action("project.write", on=Project)
def archive_project(row: Project, *, by: Actor, at: datetime) -> Project:
    """Put a project away whose batch is the last. Raises Stale before."""
    known = known_of([row.pk], at)[row.pk]
    batches = book().batches_on(at.date())
    if book().batch_on(known.done_by(at.date()), at.date()) != batches[-1]:
        raise Stale(T(f"还没到“{batches[-1].name.zh}”，不能归档。", f"It is not yet '{batches[-1].name.en}' and cannot be archived."))
    _require_no_slip(row)
    advance(row.dossier, PROJECT, "archive", at=at)
    return row


@action("project.write", on=Project)
def drop_project(row: Project, *, reason: str, by: Actor, at: datetime) -> Project:
    """Give a project up, with a reason. Raises Stale while a slip is open."""
    _require_no_slip(row)
    advance(row.dossier, PROJECT, "drop", at=at, reason=in_words("reason", reason, 4))
    return row


@action("project.write", on=Project)
def revive_project(row: Project, *, reason: str, by: Actor, at: datetime) -> Project:
    """Take a project up again that was given up or archived, with a reason."""
    advance(row.dossier, PROJECT, "revive", at=at, reason=in_words("reason", reason, 4))
    return row


def _latest_notes(row: Project) -> dict[str, int | None]:
    """Milestone → the evidence of what was said of it last."""
    return dict(row.milestone_notes.values_list("code", "evidence"))


def _require_live(row: Project) -> None:
    if row.dossier.closed_at is not None:
        said = T(f"{row.dossier.number} 已归档或终止。", f"{row.dossier.number} is archived or given up.")
        raise Stale(said, T("要继续，请先恢复。", "Take it up again first."))


def _require_no_slip(row: Project) -> None:
    if row.slips.filter(is_open=True).exists():
        raise Stale(
            T("还有督办单没有销号。", "A supervision slip is still open."), T("请先答复并销号。", "Answer it and have it closed first.")
        )


def _unknown(name: str, codes: Any, known: Mapping[str, Any]) -> list[FieldProblem]:
    words = "、".join(known)
    return [
        FieldProblem(name, T(f"没有“{code}”，可用：{words}。", f"No such code: '{code}'; known: {', '.join(known)}."))
        for code in codes
        if code not in known
    ]


def _bounds(name: str) -> FieldProblem:
    return FieldProblem(name, T(f"金额为 0 至 {MOST_CNY_10K:,} 万元的整数。", f"A whole amount from 0 to {MOST_CNY_10K:,} (10,000 yuan)."))


def _amount_problems(plan: Mapping[int, int]) -> list[FieldProblem]:
    found = [_bounds(f"plan[{year}]") for year, amount in plan.items() if not 0 < amount <= MOST_CNY_10K]
    wrong = [year for year in plan if not FIRST_YEAR <= year <= LAST_YEAR]
    return found + [FieldProblem(f"plan[{year}]", T("年份有误。", "Not a year of the plan.")) for year in wrong]
