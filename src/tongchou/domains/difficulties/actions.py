"""What the office does with firms' difficulties: written down, routed to a unit, promised, answered, put to one cause. It does not close them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, assign, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.casework.spans import span_problem
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen, in_words
from tongchou.core.outbox.queue import tell_post
from tongchou.core.parameters.queries import duration, value
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.difficulties.models import Cause, Difficulty
from tongchou.domains.difficulties.rules import (
    CAUSE,
    DIFFICULTY,
    KINDS,
    LONGEST_PROMISE,
    NO_FURTHER,
    OUTCOMES,
    PROMISED,
    SOURCES,
    WITH_UNIT,
    NotYours,
)

MOST_AT_ONCE = 20  # difficulties of one firm, said at one time


@dataclass(frozen=True, slots=True)
class Told:
    """One difficulty as the firm put it: `kind` a key of the parameter difficulty.kinds, `words` its own."""

    kind: str
    words: str


@action("difficulty.raise", place=lambda given: given["place"].path)
def raise_difficulties(
    *, firm: int, name: str, place: Place, told: Sequence[Told], source: str, said_at: datetime, by: Actor, at: datetime
) -> list[Difficulty]:
    """Write down what hinders a firm (row number, name, its place). Each goes to the duty post, which routes it before its clock runs out.

    Raises Invalid for nothing or too much at once, an unknown kind, no words, or an instant ahead; Stale when the firm itself has too many open.
    """
    kinds = value(KINDS, on=at.date(), place_path=place.path).value
    if problems := _misraised(told, kinds, source, said_at, at):
        raise Invalid(problems)
    if source == "firm" and Difficulty.objects.filter(firm_id=firm, dossier__closed_at=None).count() + len(told) > MOST_AT_ONCE:
        raise Stale(
            T("在办的困难已很多，请先看已有答复，或打电话给村居。", "Many are open already: read the answers first, or call your village.")
        )
    duty = nearest_post("duty_officer", place)
    openings = [
        Opening(
            T(f"{name}：{kinds[one.kind]['zh']}", f"{name}: {kinds[one.kind]['en']}"),
            place,
            duty,
            detail={"firm": firm, "kind": one.kind, "source": source},
        )
        for one in told
    ]
    heads = open_dossiers(DIFFICULTY, openings, by=by, at=at)
    rows = [
        Difficulty(
            dossier=head,
            firm_id=firm,
            kind=one.kind,
            words=one.words.strip()[:500],
            source=source,
            said_at=said_at,
            raised_by_id=None if source == "firm" else by.user_id,
        )
        for head, one in zip(heads, told, strict=True)
    ]
    for head in heads:
        tell_post(duty, T(f"{head.number} 待交办：{head.title_zh}", f"{head.number} to be routed: {head.title_en}"), head, at=at)
    return Difficulty.objects.bulk_create(rows)


def _misraised(told: Sequence[Told], kinds: dict[str, dict[str, str]], source: str, said_at: datetime, at: datetime) -> list[FieldProblem]:
    found = []
    if not 0 < len(told) <= MOST_AT_ONCE:
        found.append(FieldProblem("told", T(f"一次 1 至 {MOST_AT_ONCE} 件。", f"1 to {MOST_AT_ONCE} at a time.")))
    if source not in SOURCES:
        found.append(FieldProblem("source", T("请选择来源。", "Choose who raised it.")))
    if said_at > at:
        found.append(FieldProblem("said_at", T("提出时间不能在将来。", "It cannot have been said in the future.")))
    for n, one in enumerate(told, start=1):
        if one.kind not in kinds:
            found.append(FieldProblem(f"told[{n}].kind", T("请选择困难类别。", "Choose the kind of difficulty.")))
        if len(one.words.strip()) < 4:
            found.append(FieldProblem(f"told[{n}].words", T("请写下企业原话（至少四个字）。", "Write what the firm says (at least four characters).")))  # fmt: skip
    return found


@action("difficulty.route", on=Difficulty)
def route_difficulty(row: Difficulty, *, post: Post, kind: str = "", reason: str = "", by: Actor, at: datetime) -> Difficulty:
    """Put a difficulty into the hands of a unit's post, which has until its clock runs out to promise a day; again moves it on, with a reason.

    `kind`: corrects it. Raises Invalid for a post that does not answer for the place, an unknown kind, or moving it on without a reason.
    """
    head = row.dossier
    kinds = value(KINDS, on=at.date(), place_path=head.place.path).value
    if not head.place.path.startswith(post.place.path):
        raise Invalid([FieldProblem("post", T("该岗位不管这个地方。", "That post does not answer for this place."))])
    if kind and kind not in kinds:
        raise Invalid([FieldProblem("kind", T("请选择困难类别。", "Choose the kind of difficulty."))])
    said = in_words("reason", reason) if head.state != "reported" else reason.strip()
    advance(head, DIFFICULTY, "route", at=at, reason=said, detail={"post": post.code, "kind": kind or row.kind})
    assign(head, post, at=at, why="routed", reason=said)
    row.kind, row.promise, row.promised_at = kind or row.kind, "", None
    row.save(update_fields=["kind", "promise", "promised_at"])
    tell_post(post, T(f"{head.number} 交您办理：{head.title_zh}", f"{head.number} is yours: {head.title_en}"), head, at=at)
    return row


@action("difficulty.work", on=Difficulty)
def promise_difficulty(row: Difficulty, *, promised_at: datetime, words: str, by: Actor, at: datetime) -> Difficulty:
    """Promise the firm what will be done, and until when; again moves the day. The firm reads both.

    Raises NotYours in other hands, Invalid without words or with a day past or too far.
    """
    _require_hands(row.dossier, by)
    longest = duration(LONGEST_PROMISE, on=at.date(), place_path=row.place_path)
    if said := span_problem(promised_at, longest, at, NO_FURTHER):
        raise Invalid([FieldProblem("promised_at", said)])
    row.promise, row.promised_at = in_words("words", words, 4)[:300], promised_at
    row.save(update_fields=["promise", "promised_at"])
    minutes = ceil((promised_at - at) / timedelta(minutes=1))
    advance(
        row.dossier,
        DIFFICULTY,
        "promise",
        at=at,
        reason=row.promise,
        detail={"until": promised_at.isoformat()},
        clocks=((PROMISED, minutes),),
    )
    return row


@action("difficulty.work", on=Difficulty)
def answer_difficulty(row: Difficulty, *, outcome: str, answer: str, by: Actor, at: datetime) -> Difficulty:
    """Tell the firm what was done, in plain words. It stays open until the firm says that it is solved.

    Raises NotYours in other hands, Invalid without an outcome of the list or words.
    """
    _require_hands(row.dossier, by)
    _keep_answer(row, outcome, answer, at)
    return row


@action("difficulty.route", place=lambda given: given["place"].path)
def open_cause(*, of: Sequence[str], words: str, post: Post, place: Place, by: Actor, at: datetime) -> Cause:
    """Confirm that difficulties (numbers) of two firms or more have one cause, and put it with all of them that are open to one unit's post.

    Raises Invalid for fewer, for one that belongs to a cause already, or for a post that does not answer for the place; Unseen for one elsewhere.
    """
    said = in_words("words", words, 4)
    rows, problems = _loose(of, place.path)
    if len({row.firm_id for row in rows}) < 2:
        problems.append(FieldProblem("of", T("共性问题至少来自两家企业。", "A common cause has at least two firms.")))
    if not place.path.startswith(post.place.path):
        problems.append(FieldProblem("post", T("该岗位不管这个地方。", "That post does not answer for this place.")))
    if problems:
        raise Invalid(problems)
    kind = max({row.kind for row in rows}, key=lambda name: (sum(row.kind == name for row in rows), name))
    title = T(f"共性问题：{said[:80]}", f"Common cause: {said[:80]}")
    (head,) = open_dossiers(CAUSE, [Opening(title, place, post, reason=said, detail={"of": sorted(of)})], by=by, at=at)
    cause = Cause.objects.create(dossier=head, kind=kind, words=said[:500])
    for row in rows:
        _join(row, cause, post, at)
    tell_post(
        post,
        T(f"{head.number} 交您办理：{len(rows)} 件困难同一原因", f"{head.number} is yours: {len(rows)} difficulties, one cause"),
        head,
        at=at,
    )
    return cause


@action("difficulty.route", on=Cause)
def join_cause(row: Cause, *, of: Sequence[str], by: Actor, at: datetime) -> list[Difficulty]:
    """Put further difficulties (numbers) to a cause that is not over: those still open go to its post. Raises Stale when it is over, Invalid, Unseen."""
    head = row.dossier
    if head.closed_at is not None or head.owner_post is None:
        raise Stale(T(f"{head.number} 已办结，请另立一件。", f"{head.number} is over: open another."))
    rows, problems = _loose(of, row.place_path)
    if problems or not rows:
        raise Invalid(problems or [FieldProblem("of", T("请先勾选。", "Tick some first."))])
    for one in rows:
        _join(one, row, head.owner_post, at)
    record("cause.join", head, detail={"of": sorted(of)})
    return rows


def _loose(of: Sequence[str], path: str) -> tuple[list[Difficulty], list[FieldProblem]]:
    """Difficulties by number in a place, and what is wrong where some belong to a cause. Raises Unseen when one is not there."""
    rows = list(Difficulty.objects.select_related("dossier__place", "dossier__owner_post").filter(dossier__number__in=of).order_by("pk"))
    if len(rows) != len(set(of)) or not all(row.place_path.startswith(path) for row in rows):
        raise Unseen("difficulty")
    taken = [row.dossier.number for row in rows if row.cause_id]
    said = T(f"{'、'.join(taken)} 已归入别的共性问题。", f"{', '.join(taken)} belong to another cause.")
    return rows, [FieldProblem("of", said)] if taken else []


def _join(row: Difficulty, cause: Cause, post: Post, at: datetime) -> None:
    head, number = row.dossier, cause.dossier.number
    row.cause = cause
    row.save(update_fields=["cause"])
    record("difficulty.join", head, reason=number)
    if head.state in {"reported", *WITH_UNIT}:
        advance(head, DIFFICULTY, "route", at=at, reason=number, detail={"post": post.code})
        assign(head, post, at=at, why="routed", reason=number)


@action("difficulty.work", on=Cause)
def answer_cause(row: Cause, *, outcome: str, answer: str, by: Actor, at: datetime) -> list[Difficulty]:
    """Answer a cause: every difficulty in it that lies with a unit has this answer, and its firm is asked. Gives those. Again after some said no.

    Raises NotYours in other hands, Invalid without an outcome of the list or words.
    """
    _require_hands(row.dossier, by)
    advance(row.dossier, CAUSE, "answer", at=at, reason=in_words("answer", answer, 4), detail={"outcome": outcome})
    row.answer = answer.strip()[:500]
    row.save(update_fields=["answer"])
    waiting = list(row.difficulties.select_related("dossier__place").filter(dossier__state__in=WITH_UNIT).order_by("pk"))
    for one in waiting:
        _keep_answer(one, outcome, answer, at)
    return waiting


def _keep_answer(row: Difficulty, outcome: str, answer: str, at: datetime) -> None:
    """The answer is kept, the firm has the word, and its village is told to ask. Raises Invalid, Stale."""
    if outcome not in OUTCOMES:
        raise Invalid([FieldProblem("outcome", T("请选择办理结果。", "Choose how it went."))])
    row.outcome, row.answer, row.answered_at = outcome, in_words("answer", answer, 4)[:500], at
    row.save(update_fields=["outcome", "answer", "answered_at"])
    head = row.dossier
    advance(head, DIFFICULTY, "answer", at=at, reason=row.answer, detail={"outcome": outcome})
    said = T(
        f"{head.number} 已答复，请问企业是否解决：{head.title_zh}",
        f"{head.number} answered; ask the firm whether it is solved: {head.title_en}",
    )
    tell_post(nearest_post("village_secretary", head.place), said, head, at=at)


def _require_hands(head: Dossier, by: Actor) -> None:
    """Raises NotYours for anybody but the post that has it in hand."""
    owner = head.owner_post
    if not by.is_system and (owner is None or not by.holds(owner.code)):
        zh, en = (owner.name_zh, owner.name_en) if owner else ("值班席", "the desk")
        raise NotYours(
            T(f"这件由{zh}办理。", f"This lies with {en}."), T("要由您办理，请先转交给您的岗位。", "Have it routed to your post first.")
        )
