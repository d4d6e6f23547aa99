"""A firm merges, splits, leaves or has further premises. `firm` is a row of the register with its place; awards and the register follow in the workflow."""

from datetime import date, datetime
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.firms.models import FirmPremises, Succession
from tongchou.domains.firms.rules import SUCCESSIONS


@action("register.write", place=lambda given: given["firm"].place_path)
def note_succession(*, firm: Any, successor: Any | None, kind: str, on: date, reason: str, by: Actor, at: datetime) -> Succession:
    """Note what became of a firm. Raises Invalid for an unknown kind, a day ahead, a successor missing, ended or the firm itself."""
    problems = []
    if kind not in SUCCESSIONS:
        problems.append(FieldProblem("kind", T("请选择变更种类。", "Choose what happened.")))
    if on > at.date():
        problems.append(FieldProblem("on", T("日期不能在将来。", "The day lies in the future.")))
    if (kind in ("merged", "split")) != (successor is not None):
        problems.append(
            FieldProblem("successor", T("并入、分立须写另一家企业，其余不写。", "Merged and split name the other firm; the others none."))
        )
    elif successor is not None and (successor.pk == firm.pk or successor.ended_on is not None):
        problems.append(FieldProblem("successor", T("须是另一家仍在的企业。", "It must be another firm that still exists.")))
    if firm.ended_on is not None:
        raise Stale(T("这家企业已经注销或迁出。", "This firm has ended already."))
    if problems:
        raise Invalid(problems)
    row = Succession.objects.create(
        firm=firm, successor=successor, kind=kind, on=on, reason=in_words("reason", reason, 4)[:300], recorded_at=at, by_id=by.user_id
    )
    record(f"firm.{kind}", firm, reason=reason, detail={"on": on.isoformat(), "successor": successor.pk if successor else None})
    return row


@action("register.write", place=lambda given: given["firm"].place_path)
def add_premises(*, firm: Any, place: Place, address: str, from_on: date, by: Actor, at: datetime) -> FirmPremises:
    """A further place of a firm. Raises Invalid without an address, or at the place where it is registered."""
    if place.pk == firm.place_id:
        raise Invalid([FieldProblem("place", T("这就是登记的村居。", "It is registered in this village."))])
    row = FirmPremises.objects.create(firm=firm, place=place, address=in_words("address", address, 4)[:200], from_on=from_on)
    record("firm.premises", firm, detail={"place": place.code, "address": row.address})
    return row


@action("register.write", place=lambda given: given["row"].place_path)
def end_premises(*, row: FirmPremises, on: date, by: Actor, at: datetime) -> FirmPremises:
    """A firm has left one of its further places. Raises Stale when it had before, Invalid for a day before it came."""
    if row.to_on is not None:
        raise Stale(T("这处场所已经停用。", "It left this place before."))
    if on < row.from_on:
        raise Invalid([FieldProblem("on", T("早于启用日期。", "Before the day it came."))])
    row.to_on = on
    row.save(update_fields=["to_on"])
    record("firm.premises_end", row.firm, detail={"place": row.place.code, "on": on.isoformat()})
    return row
