"""What stands in a project's way: raised with who has it and until when, solved with what was done."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from tongchou.core.audit.acting import action
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, in_words
from tongchou.core.outbox.queue import tell_post
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.projects.models import Issue, Project
from tongchou.domains.projects.rules import ABOUT, ISSUE, ISSUE_DUE


@dataclass(frozen=True, slots=True)
class Raised:
    """An issue: `about` a key of ABOUT, the post that gets it, until when; one about an approval names its dossier."""

    about: str
    words: str
    post: Post
    due_at: datetime
    approval: Dossier | None = None


@action("project.write", on=Project)
def raise_issue(row: Project, *, raised: Raised, by: Actor, at: datetime) -> Issue:
    """Raise an issue of a project. Raises Invalid for an unknown subject, no words, a day past, one about an approval that names none, or land without a plot."""
    problems = []
    if raised.about not in ABOUT:
        problems.append(FieldProblem("about", T("请选择关于什么。", "Choose what it is about.")))
    if (raised.about == "approval") != (raised.approval is not None):
        said = T("审批问题请填审批件编号，其他问题不填。", "One about an approval names its number, any other does not.")
        problems.append(FieldProblem("approval", said))
    if raised.about == "land" and not row.land:
        problems.append(FieldProblem("about", T("项目还没填地块，请先补上。", "The project names no land yet; fill it in first.")))
    if raised.due_at <= at:
        problems.append(FieldProblem("due_at", T("期限须在将来。", "The time limit must lie ahead.")))
    if problems:
        raise Invalid(problems)
    head, words = row.dossier, in_words("words", raised.words, 4)[:300]
    about = ABOUT[raised.about]
    opening = Opening(
        T(f"{head.title_zh}：{about.zh}问题"[:200], f"{head.title_en}: issue of {about.en.lower()}"[:240]), head.place, raised.post,
        part_of=head, caused_by=raised.approval, reason=words, clocks=((ISSUE_DUE, ceil((raised.due_at - at).total_seconds() / 60)),),
        detail={"project": head.number, "about": raised.about, "approval": raised.approval.number if raised.approval else None},
    )  # fmt: skip
    (issue_head,) = open_dossiers(ISSUE, [opening], by=by, at=at)
    tell_post(raised.post, T(f"{issue_head.number} 请解决：{words}", f"{issue_head.number} to solve: {words}"), issue_head, at=at)
    return Issue.objects.create(dossier=issue_head, project=row, about=raised.about, words=words)


@action("project.answer", on=Issue)
def solve_issue(row: Issue, *, answer: str, by: Actor, at: datetime) -> Issue:
    """Say how an issue was solved. Raises Invalid without words, Stale when it is solved already."""
    row.answer = in_words("answer", answer, 4)[:300]
    advance(row.dossier, ISSUE, "solve", at=at, reason=row.answer, detail={"project": row.project.dossier.number})
    row.save(update_fields=["answer"])
    return row


@action("project.write", on=Issue)
def reopen_issue(row: Issue, *, reason: str, by: Actor, at: datetime) -> Issue:
    """Open an issue again that was not solved after all, with a reason."""
    advance(row.dossier, ISSUE, "reopen", at=at, reason=in_words("reason", reason, 4))
    return row
