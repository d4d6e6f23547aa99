"""A firm, school or building site comes back to work: filed, looked at, at work, over; the registers follow.

1. What the system knows of it is gathered: a venue code at its door, the white list of the day, whether an incident makes its place a risk area (`file`).
2. The filing is answered at once; a village that has to look is told. At work or not is noted in its register (`file`, `check`, `full`, `stop`).
3. Every day: what is over lapses, so does open work where the place has become a risk area; what need not wait any longer begins (`keep_filings`).
4. A school counts absences class by class; a class over the threshold alarms whoever is on duty, once a day (`count_absences`).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import Q

from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen
from tongchou.core.importing.matching import blocks, rows_by_key
from tongchou.core.outbox.queue import tell_post
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.gate.models import Entrance
from tongchou.domains.registry.actions import set_at_work
from tongchou.domains.registry.models import ConstructionSite, Firm, RegisterRow, School, Venue
from tongchou.domains.resumption import actions, queries
from tongchou.domains.resumption.actions_checks import Finding, keep_findings
from tongchou.domains.resumption.actions_evidence import keep_readings
from tongchou.domains.resumption.actions_schools import keep_absences
from tongchou.domains.resumption.conditions import Asked, Facts
from tongchou.domains.resumption.imports import read_readings
from tongchou.domains.resumption.models import AbsenceAlarm, Filing, SiteCheck
from tongchou.domains.resumption.rules import AT_WORK, FILE, RISK_GRADES

MACHINE = system_actor("resuming")
REGISTERS: Mapping[str, type[RegisterRow]] = {"firm": Firm, "school": School, "site": ConstructionSite}


class _Who(TypedDict):
    by: Actor
    at: datetime


OVER = T("已过截止日。", "Its last day is over.")


def subject_of(kind: str, pk: int, actor: Actor, needs: str = FILE) -> RegisterRow:
    """The firm, school or site of a row number. Raises Unseen when missing or elsewhere. One query."""
    model = REGISTERS.get(kind)
    row = model._default_manager.select_related("place").filter(pk=pk).first() if model else None
    if row is None or not actor.may(needs, row.place_path):
        raise Unseen(kind)
    return row


def lines_of(kind: str, people: Mapping[int, int], actor: Actor) -> list[actions.Listed]:
    """Lines of a white list from row numbers → people. Raises Unseen when one is missing or elsewhere.."""
    every = REGISTERS[kind]._default_manager.select_related("place")
    rows = [row for some in blocks(people) for row in every.filter(pk__in=some)]
    if len(rows) != len(people) or not all(actor.may("resumption.list", row.place_path) for row in rows):
        raise Unseen(kind)
    return [actions.Listed(row, people[row.pk]) for row in rows]


def lines_of_codes(kind: str, people: Mapping[str, int], actor: Actor) -> list[actions.Listed]:
    """Lines of a white list from credit codes, or numbers of sites → people. Raises Invalid naming the codes that are in no register.."""
    model, key = {"firm": ("registry.Firm", "credit_code"), "site": ("registry.ConstructionSite", "code")}.get(kind, ("", ""))
    known = rows_by_key(model, key, people) if model else {}
    if unknown := [code for code in people if code not in known]:
        listed = "、".join(unknown[:5])
        raise Invalid([FieldProblem("lines", T(f"底数里没有：{listed}", f"in no register: {listed}"))])
    return lines_of(kind, {known[code]: n for code, n in people.items()}, actor)


def facts_of(kind: str, row: RegisterRow, asked: Asked, at: datetime) -> Facts:
    """Step 1. Five queries at most."""
    named = {said.paper for said in asked.declared.values() if said.paper}
    own = Q(venue__firm=row.pk) if kind == "firm" else Q(pk__in=())
    has_code: bool | None = Entrance.objects.filter(own | Q(code__in=named, place=row.place)).exists()
    if not has_code and not (kind == "firm" and Venue.objects.filter(firm=row.pk).exists()):
        has_code = None
    grades = value(RISK_GRADES, on=at.date(), place_path=row.place_path).value
    at_risk = any(row.place_path.startswith(incident.place.path) for incident in queries.risk_areas(grades))
    return Facts(has_code, queries.listed_people(kind, row.pk, asked.from_on), at_risk)


@transaction.atomic
def file(row: RegisterRow, asked: Asked, *, signed_by: str, by: Actor, at: datetime) -> Filing:
    """Steps 1 and 2. Raises what `file_resumption` raises."""
    facts = facts_of(asked.kind, row, asked, at)
    filing = actions.file_resumption(subject=row, asked=asked, facts=facts, signed_by=signed_by, by=by, at=at)
    _tell_checks(filing, at)
    return _noted(filing, at)


@transaction.atomic
def check(row: SiteCheck, findings: Mapping[str, Finding], *, by: Actor, at: datetime) -> Filing:
    """Step 2, on site. Raises what `keep_findings` raises."""
    done = keep_findings(row, findings=findings, by=by, at=at)
    filing = Filing.objects.select_related("dossier__place", "firm", "school", "site").get(pk=done.filing_id)
    _tell_checks(filing, at)
    return _noted(filing, at)


@transaction.atomic
def full(filing: Filing, shown: actions.FullShown, *, by: Actor, at: datetime) -> Filing:
    """Step 2: at full capacity."""
    return _noted(actions.reach_full(filing, shown=shown, by=by, at=at), at)


ENDINGS: Mapping[str, Callable[..., Filing]] = {
    "end": actions.end_filing, "withdraw": actions.withdraw_filing, "reduce": actions.reduce_work,
}  # fmt: skip


@transaction.atomic
def stop(filing: Filing, step: str, *, reason: str, by: Actor, at: datetime) -> Filing:
    """Step 2: a firm stops, takes its filing back, or is no longer at full capacity (`step`: one of ENDINGS)."""
    return _noted(ENDINGS[step](filing, reason=reason, by=by, at=at), at)


def keep_filings(*, at: datetime) -> int:
    """Step 3. Gives how many filings changed; a second run changes nothing."""
    today, who = at.date(), _Who(by=MACHINE, at=at)
    changed = sum(_try(partial(actions.lapse_filing, f, reason=OVER, **who), at) for f in queries.over_on(today))
    for incident in queries.risk_areas(value(RISK_GRADES, on=today).value):
        said = T(f"所在地成为风险区（{incident.number}）。", f"Its place has become a risk area ({incident.number}).")
        changed += sum(_try(partial(actions.lapse_filing, f, reason=said, **who), at) for f in queries.open_to_all(incident.place.path))
    for filing in queries.waiting_since_other_rules(today):
        facts = facts_of(filing.kind, filing.subject, queries.asked_of(filing), at)
        changed += _try(partial(actions.reconsider, filing, facts=facts, **who), at)
    return changed + sum(_try(partial(actions.begin_due, f, **who), at) for f in queries.due_on(today))


def _try(do: Callable[[], Filing], at: datetime) -> bool:
    """False when somebody was first, or it is not yet time."""
    try:
        with transaction.atomic():
            _noted(do(), at)
    except Stale:
        return False
    return True


def keep_file(content: bytes, name: str, place: Place, *, by: Actor, at: datetime) -> int:
    """Keep a file of evidence about firms of a place. Raises FileRefused or Invalid naming what is wrong where."""
    lines = read_readings(content)
    here = Firm.objects.filter(place__path__startswith=place.path).order_by()
    firms: dict[str, int] = {}
    for codes in blocks({line.credit_code for line in lines}):
        firms |= dict(here.filter(credit_code__in=codes).values_list("credit_code", "pk"))
    return keep_readings(lines=lines, firms=firms, source_name=name, place=place, by=by, at=at)


@transaction.atomic
def count_absences(filing: Filing, on: date, counts: Mapping[int, tuple[int, int]], *, by: Actor, at: datetime) -> AbsenceAlarm | None:
    """Step 4. Gives the alarm when this count raised it."""
    alarm = keep_absences(filing, on=on, counts=counts, by=by, at=at)
    if alarm is not None:
        head = alarm.dossier
        tell_post(head.owner_post, T(f"{head.number}：{head.title_zh}", f"{head.number}: {head.title_en}"), head, at=at)
    return alarm


def _tell_checks(filing: Filing, at: datetime) -> None:
    for waiting in filing.checks.filter(dossier__opened_at=at, dossier__closed_at=None).select_related("dossier__owner_post"):
        head = waiting.dossier
        text = T(f"{head.number}：请到现场核查 {filing.subject.name}", f"{head.number}: please look at {filing.subject.name}")
        tell_post(head.owner_post, text, head, at=at)


def _noted(filing: Filing, at: datetime) -> Filing:
    """The register says what the filing says; one that never began says nothing of its firm."""
    head = filing.dossier
    if filing.began_on is None:
        return filing
    is_open = head.state in AT_WORK
    values: dict[str, Any] = {"is_open": is_open}
    if filing.kind == "firm":
        values = {
            "resumption": {"working": "resumed", "full": "full"}.get(head.state, "closed"),
            "resumed_on": filing.began_on if is_open else None,
        }
    elif filing.kind == "site":
        values = {"state": "working" if is_open else "stopped"}
    if any(getattr(filing.subject, name) != wanted for name, wanted in values.items()):
        set_at_work(row=filing.subject, values=values, cause=head.number, by=MACHINE, at=at)
    return filing
