"""Filing that a firm, school or site works again, and what becomes of it. What other domains know comes as `Facts` from the workflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import inf
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import canonical
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.resumption.conditions import Answer, Asked, Facts, answers
from tongchou.domains.resumption.life import begin, clear, close, open_check
from tongchou.domains.resumption.models import Filing, Item, Listing, Part, RulebookVersion
from tongchou.domains.resumption.queries import asked_of, live_filing, rulebook
from tongchou.domains.resumption.rules import CHECK_WITHIN, FILING, KINDS, Rulebook, Stage, rulebook_from

MOST_PEOPLE, MOST_PARTS, YEAR = 200_000, 400, timedelta(days=366)
MEASURES: Mapping[str, T] = {"electricity": T("用电量", "electricity"), "output": T("产值", "output")}


@action("plan.write", place=lambda given: given["place"].path)
def publish_rulebook(*, body: Mapping[str, Any], place: Place, by: Actor, at: datetime) -> RulebookVersion:
    """Bring rules of resumption (checked by the schema of packs) into force as the next version; the very same again changes nothing."""
    rulebook_from(body)
    text = canonical(body)
    digest, latest = sha256(text.encode()).hexdigest(), RulebookVersion.objects.first()
    row = latest
    if row is None or row.digest != digest:
        version = (latest.version if latest else 0) + 1
        row = RulebookVersion.objects.create(version=version, body=json.loads(text), digest=digest, place=place, published_at=at)
    record("resumption.rules", row, detail={"version": row.version, "digest": digest, "again": row is latest})
    return row


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a white list: the firm's or site's row, and how many people it names (0: none)."""

    row: Any
    people: int = 0


@action("resumption.list", place=lambda given: given["place"].path)
def keep_white_list(
    *, kind: str, lines: Sequence[Listed], batch: str, from_on: date, to_on: date | None, source: str, place: Place, by: Actor, at: datetime
) -> int:
    """Put firms or sites of a place on a batch of the white list; who is on it already gets the new days and number. Gives how many lines."""
    problems = []
    if kind not in {"firm", "site"}:
        problems.append(FieldProblem("kind", T("白名单只列企业或工地。", "A white list names firms or sites.")))
    if to_on is not None and to_on < from_on:
        problems.append(FieldProblem("to_on", T("止日早于起日。", "It ends before it begins.")))
    if not lines or not all(line.row.place_path.startswith(place.path) for line in lines):
        problems.append(FieldProblem("lines", T("请列出本镇的企业或工地。", "Name firms or sites of this town.")))
    if problems:
        raise Invalid(problems)
    days = {"from_on": from_on, "to_on": to_on, "source": in_words("source", source)[:200]}
    name = in_words("batch", batch)[:60]
    for line in lines:
        Listing.objects.update_or_create(**{kind: line.row}, batch=name, defaults={**days, "people": line.people})
    record("resumption.list", place, detail={"kind": kind, "batch": name, "lines": len(lines), "from": from_on, "to": to_on})
    return len(lines)


@action("resumption.file", place=lambda given: given["subject"].place_path)
def file_resumption(*, subject: Any, asked: Asked, facts: Facts, signed_by: str, by: Actor, at: datetime) -> Filing:
    """File that a firm, school or site comes back; every condition of that day is answered at once.

    A veto that is not met: the filing is kept as refused, with what, why and what to do. A missing paper goes to the on-site check.
    Raises Invalid for what makes no sense, Stale when another filing of it is live.
    """
    book = rulebook()
    stage = _stage(book, asked, at)
    signed = in_words("signed_by", signed_by)[:60]
    answered = answers(book, stage, asked, facts)
    title = T(f"{KINDS[asked.kind].zh}复工：{subject.name}", f"Resumption: {subject.name}")
    detail = {"kind": asked.kind, "register_row": subject.pk, "stage": stage.code, "ground": asked.ground, "people": asked.people}
    opening = Opening(title, subject.place, None, reason=signed, detail=detail | {"closed_loop": asked.closed_loop, "from": asked.from_on})
    (head,) = open_dossiers(FILING, [opening], by=by, at=at)
    # Asked only now: the row of numbers is held, so of two filings at once the second sees the first.
    known = live_filing(asked.kind, subject.pk)
    if known is not None:
        number = known.dossier.number
        raise Stale(T(f"它已有备案 {number}。", f"It has a filing already: {number}."), T("请在那一件上办理。", "Go on with that one."))
    filing = Filing.objects.create(
        dossier=head, **{asked.kind: subject}, stage=stage.code, stage_zh=stage.name.zh, stage_en=stage.name.en, ground=asked.ground,
        closed_loop=asked.closed_loop, people=asked.people, beds=asked.beds, quiet_beds=asked.quiet_beds, from_on=asked.from_on,
        ends_on=asked.ends_on, signed_by=signed, filed_by_id=by.user_id,
    )  # fmt: skip
    Part.objects.bulk_create(
        [Part(filing=filing, name=p.name.strip()[:40], grade=p.grade, people=p.people, returns_on=p.returns_on) for p in asked.parts]
    )
    _keep_answers(filing, answered, asked, stage)
    _settle(filing, answered, stage, by, at)
    return filing


def _stage(book: Rulebook, asked: Asked, at: datetime) -> Stage:
    """The stage of the day. Raises Invalid, naming everything that makes no sense of itself."""
    if not book.stages:
        said = T("本镇还没有复工规则，不能备案。", "No rules of resumption are published: nothing can be filed.")
        raise Refusal(said, T("请在数据包放入 resumption.yaml，再装一次。", "Put resumption.yaml into the pack and install it again."))
    stage = book.stage_on(asked.kind, asked.from_on) if asked.kind in KINDS else None
    problems = [FieldProblem(name, said) for name, is_wrong, said in _nonsense(asked, at) if is_wrong]
    if stage is None and asked.kind in KINDS:
        later = book.stage_after(asked.kind, asked.from_on)
        until = T(f"最早 {later.from_on}。", f"The first day is {later.from_on}.") if later else T("请改日期。", "Change the day.")
        said = T(f"{asked.from_on} 还不能复工。{until.zh}", f"Nobody of this kind comes back on {asked.from_on}. {until.en}")
        problems.append(FieldProblem("from_on", said))
    if stage is not None and asked.ground not in stage.grounds:
        open_to = "、".join(g.zh for g in stage.grounds.values()), ", ".join(g.en for g in stage.grounds.values())
        said = T(f"“{stage.name.zh}”阶段只办：{open_to[0]}。", f"The stage '{stage.name.en}' is open to: {open_to[1]}.")
        problems.append(FieldProblem("ground", said))
    if problems or stage is None:
        raise Invalid(problems)
    return stage


def _nonsense(asked: Asked, at: datetime) -> list[tuple[str, bool, T]]:
    names = [part.name.strip() for part in asked.parts]
    whole = all(0 < p.people <= MOST_PEOPLE and p.name.strip() for p in asked.parts) and len(set(names)) == len(names) <= MOST_PARTS
    return [
        ("kind", asked.kind not in KINDS, T("请选择企业、学校或工地。", "Choose firm, school or site.")),
        ("people", not 0 < asked.people <= MOST_PEOPLE, T("返岗人数至少 1 人。", "At least one person comes back.")),
        (
            "beds",
            min(asked.beds, asked.quiet_beds) < 0 or max(asked.beds, asked.quiet_beds) > MOST_PEOPLE,
            T("床位数不对。", "That number of beds cannot be."),
        ),
        (
            "from_on",
            not at.date() <= asked.from_on <= at.date() + YEAR,
            T("日期为今天起一年之内。", "The day lies between today and a year from now."),
        ),
        ("ends_on", asked.ends_on is not None and asked.ends_on < asked.from_on, T("截止日早于开始日。", "It ends before it begins.")),
        ("parts", not whole, T("每班（批）须有不同的名称和人数。", "Each class or batch needs a name of its own and people.")),
    ]


def _keep_answers(filing: Filing, answered: Sequence[Answer], asked: Asked, stage: Stage) -> None:
    Item.objects.bulk_create(
        [
            Item(
                filing=filing, code=a.condition.code, name_zh=a.condition.name.zh, name_en=a.condition.name.en, is_veto=a.condition.veto,
                answer=a.answer, said_zh=a.said.zh, said_en=a.said.en, paper=a.paper.strip()[:120], to_see=stage.approval or a.answer != "yes",
                is_declared=said.is_met if (said := asked.declared.get(a.condition.code)) else None,
            )
            for a in answered
        ]
    )  # fmt: skip


def _settle(filing: Filing, answered: Sequence[Answer], stage: Stage, by: Actor, at: datetime) -> None:
    """Refuse, or send somebody to look; where no approval is asked for, begin as soon as the day has come."""
    if refused := [a for a in answered if a.answer == "no" and a.condition.veto]:
        said = "；".join(f"{a.condition.code} {a.said.zh}" for a in refused)
        close(filing, "refuse", at=at, reason=said[:300], by=by)
        return
    if filing.items.filter(to_see=True).exists():
        open_check(filing, CHECK_WITHIN, by=by, at=at)
    if not stage.approval:
        clear(filing, at=at)


@action("resumption.file", on=Filing)
def begin_due(filing: Filing, *, by: Actor, at: datetime) -> Filing:
    """Begin when the day has come and nothing stands in the way. Raises Stale otherwise."""
    if filing.cleared_at is None or filing.from_on > at.date():
        raise Stale(T("还不能开始。", "It cannot begin yet."))
    begin(filing, at=at)
    return filing


@action("resumption.file", on=Filing)
def reconsider(filing: Filing, *, facts: Facts, by: Actor, at: datetime) -> Filing:
    """Look again at a filing that waits for its on-site check, by the rules of today: where no approval is asked for any more it begins.

    What the check is still to see stays to be seen. Raises Stale where approval is still asked for, or a veto would not be met.
    """
    book, asked = rulebook(), asked_of(filing)
    day = max(filing.from_on, at.date())
    stage = book.stage_on(filing.kind, day)
    waits = filing.dossier.state == "filed" and filing.cleared_at is None
    answered = [] if stage is None else answers(book, stage, replace(asked, from_on=day), facts)
    if stage is None or stage.approval or not waits or any(a.answer == "no" and a.condition.veto for a in answered):
        raise Stale(T("仍须现场核查后才能复工。", "It still waits for the on-site check."))
    known = {a.condition.code for a in answered}
    filing.items.exclude(code__in=known).update(to_see=False)
    filing.items.filter(code__in=[a.condition.code for a in answered if a.answer == "yes"], is_ok=None).update(to_see=False)
    held = set(filing.items.values_list("code", flat=True))
    _keep_answers(filing, [a for a in answered if a.condition.code not in held], asked, stage)
    filing.stage, filing.stage_zh, filing.stage_en = stage.code, stage.name.zh, stage.name.en
    filing.save(update_fields=["stage", "stage_zh", "stage_en"])
    record("filing.reconsider", filing.dossier, detail={"stage": stage.code})
    clear(filing, at=at)
    return filing


@dataclass(frozen=True, slots=True)
class FullShown:
    """What shows full capacity: `measure` a key of MEASURES, its value of a month and that of the same month of the year before; `paper`: what proves it."""

    measure: str
    value: float
    base: float
    paper: str


@action("resumption.file", on=Filing)
def reach_full(filing: Filing, *, shown: FullShown, by: Actor, at: datetime) -> Filing:
    """File full capacity: electricity or output at or above the same month of the year before, shown by a paper. Raises Invalid otherwise."""
    problems = []
    if filing.kind != "firm":
        problems.append(FieldProblem("filing", T("只有企业办达产。", "Only firms file full capacity.")))
    if shown.measure not in MEASURES:
        problems.append(FieldProblem("measure", T("请选用电量或产值。", "Choose electricity or output.")))
    if not 0 < shown.base < inf:
        problems.append(FieldProblem("base", T("请填上年同月的数。", "Give the figure of the same month last year.")))
    elif not shown.base <= shown.value < inf:
        share = T(f"只有上年同月的 {shown.value / shown.base:.0%}", f"only {shown.value / shown.base:.0%} of the same month last year")
        said = T(f"{share.zh}，还不算达产。到 100% 再报。", f"{share.en}: not full yet. File it at 100%.")
        problems.append(FieldProblem("value", said))
    if len(shown.paper.strip()) < 2:
        problems.append(FieldProblem("paper", T("请写明凭据，如电费单号。", "Name the proof, for example the number of the power bill.")))
    if problems:
        raise Invalid(problems)
    filing.full_on, filing.full_measure, filing.full_value, filing.full_base = at.date(), shown.measure, shown.value, shown.base
    filing.save(update_fields=["full_on", "full_measure", "full_value", "full_base"])
    detail = {"measure": shown.measure, "value": shown.value, "base": shown.base}
    advance(filing.dossier, FILING, "reach_full", at=at, reason=shown.paper.strip()[:200], detail=detail)
    return filing


@action("resumption.file", on=Filing)
def reduce_work(filing: Filing, *, reason: str, by: Actor, at: datetime) -> Filing:
    """No longer at full capacity, but at work."""
    filing.full_on = None
    filing.save(update_fields=["full_on"])
    advance(filing.dossier, FILING, "reduce", at=at, reason=in_words("reason", reason))
    return filing


@action("resumption.file", on=Filing)
def withdraw_filing(filing: Filing, *, reason: str, by: Actor, at: datetime) -> Filing:
    """Take a filing back before work begins."""
    close(filing, "withdraw", at=at, reason=in_words("reason", reason), by=by)
    return filing


@action("resumption.file", on=Filing)
def end_filing(filing: Filing, *, reason: str, by: Actor, at: datetime) -> Filing:
    """The firm, school or site stops, and says why."""
    close(filing, "end", at=at, reason=in_words("reason", reason), by=by)
    return filing


@action("resumption.file", on=Filing)
def lapse_filing(filing: Filing, *, reason: T, by: Actor, at: datetime) -> Filing:
    """A filing ends by itself: its last day is over, or its place has become a risk area. Raises Stale when it is over already."""
    if not filing.is_live:
        raise Stale(T("备案已结束。", "The filing is over."))
    close(filing, "lapse", at=at, reason=f"{reason.zh} {reason.en}", by=by)
    return filing
