"""Supervision slips: opened by a light or a person, answered with what was done, checked by somebody else; unanswered they climb."""

from datetime import datetime

from tongchou.core.audit.acting import action
from tongchou.core.casework.actions import escalate
from tongchou.core.casework.life import Opening, advance, assign, open_dossiers
from tongchou.core.casework.models import Deadline
from tongchou.core.casework.two_people import nearest_post, require_another
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.outbox.queue import tell_post
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.projects.models import Project, Slip
from tongchou.domains.projects.rules import CAUSES, CLIMBING, SLIP

TO_CHECK = "to_check"  # why it lies with the post that checks


class NotYours(Refusal):
    """It lies in other hands."""

    status = 403


@action("project.supervise", on=Project)
def open_slip(row: Project, *, cause: str, why: T, by: Actor, at: datetime) -> Slip:
    """Open a blue slip about a project, to be answered by its post before the clock runs out.

    Raises Invalid for an unknown cause or no words, Stale while one about the same cause is open or when the project is closed.
    """
    if cause not in CAUSES:
        raise Invalid([FieldProblem("cause", T("请选择督办什么。", "Choose what it is about."))])
    said = in_words("why", why.zh, 4)
    if row.dossier.closed_at is not None:
        raise Stale(T("项目已归档或终止。", "The project is archived or given up."))
    if cause != "other" and (open_one := row.slips.filter(cause=cause, is_open=True).first()) is not None:
        number = open_one.dossier.number
        raise Stale(
            T(f"同一事由已有 {number}。", f"There is one about this already: {number}."), T("请在那一件上办理。", "Go on with that one.")
        )
    head, name = row.dossier, CAUSES[cause]
    opening = Opening(
        T(f"{head.title_zh}：{name.zh}"[:200], f"{head.title_en}: {name.en}"[:240]), head.place, head.owner_post, grade="blue",
        part_of=head, reason=said, detail={"project": head.number, "cause": cause, "by_light": by.is_system},
    )  # fmt: skip
    (slip_head,) = open_dossiers(SLIP, [opening], by=by, at=at)
    slip = Slip.objects.create(
        dossier=slip_head, project=row, cause=cause, words_zh=said[:300], words_en=why.en.strip()[:400], opened_by_id=by.user_id
    )  # fmt: skip
    _tell(slip, T("蓝色督办单，请答复", "a blue slip to answer"), at)
    return slip


@action("project.answer", on=Slip)
def answer_slip(row: Slip, *, answer: str, by: Actor, at: datetime) -> Slip:
    """Answer a slip with what was done; it goes to whoever checks it. Raises NotYours in other hands, Invalid without words, Stale when it is not open."""
    owner = row.dossier.owner_post
    if not by.is_system and (owner is None or not by.holds(owner.code)):
        zh, en = (owner.name_zh, owner.name_en) if owner else ("无人", "nobody")
        raise NotYours(T(f"这件由{zh}答复。", f"This is for {en} to answer."))
    row.answer, row.answered_by_id = in_words("answer", answer, 4)[:500], by.user_id
    colour = row.dossier.state
    advance(row.dossier, SLIP, "answer", at=at, reason=row.answer)
    _keep_colour(row, colour)
    row.save(update_fields=["answer", "answered_by"])
    checker = nearest_post("duty_officer", row.dossier.place)
    checker = checker.reports_to if checker is not None and checker == owner else checker
    if checker is not None:
        assign(row.dossier, checker, at=at, why=TO_CHECK)
        _tell(row, T("已答复，请核实", "is answered, please check"), at)
    return row


@action("project.supervise", on=Slip)
def close_slip(row: Slip, *, words: str = "", by: Actor, at: datetime) -> Slip:
    """Close an answered slip: somebody other than who answered finds that it holds. Raises Invalid for the same person, Stale before an answer."""
    SLIP.step("close", row.dossier.state)
    require_another(by, row.answered_by_id)
    advance(row.dossier, SLIP, "close", at=at, reason=words.strip()[:300])
    row.is_open = False
    row.save(update_fields=["is_open"])
    return row


@action("project.supervise", on=Slip)
def return_slip(row: Slip, *, reason: str, by: Actor, at: datetime) -> Slip:
    """Send an answer back that does not hold: blue comes back yellow, yellow and red come back red. Raises Invalid without a reason, Stale before an answer."""
    said = in_words("reason", reason, 4)
    colour = "yellow" if row.dossier.grade == "blue" else "red"
    advance(row.dossier, SLIP, f"return_{colour}", at=at, reason=said)
    _keep_colour(row, colour)
    held = list(row.dossier.assignments.select_related("post").order_by("pk"))
    last = max((n for n, one in enumerate(held) if one.why == TO_CHECK), default=0)
    if last:  # to whoever had answered, however far it climbed while it was to be checked
        assign(row.dossier, held[last - 1].post, at=at, why="returned", reason=said)
    _tell(row, T(f"答复被退回：{said}", f"the answer came back: {said}"), at)
    return row


@action("project.keep", on=Slip)
def climb_slip(row: Slip, *, by: Actor, at: datetime) -> Slip:
    """An unanswered slip whose clock has run out turns the next colour, with a new clock, and goes to the post above. Raises Stale before, and at red."""
    state = row.dossier.state
    SLIP.step("climb", state)
    late = Deadline.objects.filter(dossier=row.dossier, key=CLIMBING[state], stopped_at=None, due_at__lte=at).first()
    if late is None:
        raise Stale(T("还没到期。", "Its time is not over."))
    if late.escalations == 0:  # else it went up by itself a moment ago
        escalate(row.dossier, by=by, at=at)
    head = row.dossier
    head.refresh_from_db()
    advance(head, SLIP, "climb", at=at, detail={"late": late.key})
    _keep_colour(row, head.state)
    said = SLIP.states[head.state]
    _tell(row, T(f"逾期未答复，升为{said.zh}", f"not answered in time, now {said.en.lower()}"), at)
    return row


def _keep_colour(row: Slip, colour: str) -> None:
    row.dossier.grade = colour
    row.dossier.save(update_fields=["grade"])


def _tell(row: Slip, what: T, at: datetime) -> None:
    head = row.dossier
    text = T(f"{head.number} {what.zh}（{head.title_zh}）", f"{head.number} {what.en} ({head.title_en})")
    tell_post(head.owner_post, text, head, at=at)
