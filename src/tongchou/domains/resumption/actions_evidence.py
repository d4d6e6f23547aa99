"""Keeping what firms leave behind: power, people at the gate, invoices."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.resumption.imports import ReadLine
from tongchou.domains.resumption.models import Reading

_BATCH = 500


@action("resumption.evidence", place=lambda given: given["place"].path)
def keep_readings(*, lines: Sequence[ReadLine], firms: Mapping[str, int], source_name: str, place: Place, by: Actor, at: datetime) -> int:
    """Keep a file of readings of a place's firms (credit code → row number), all or none; a known span gets the newer figure. Gives how many.

    Raises Invalid, naming each row, for a firm that is not there, a span that ends before it begins or reaches into the future, or no base.
    """
    problems = []
    for line in lines:
        if line.credit_code not in firms:
            problems.append(FieldProblem(f"{line.row}", T("底数里没有这家企业。", "No such firm in the register.")))
        if not line.from_on <= line.to_on <= at.date():
            problems.append(FieldProblem(f"{line.row}", T("止日须不早于起日、不晚于今天。", "It ends between its first day and today.")))
        if line.base <= 0:
            problems.append(FieldProblem(f"{line.row}", T("基数须大于 0。", "The base must be above 0.")))
    if problems:
        raise Invalid(problems[:50])
    found = {(line.credit_code, line.source, line.from_on, line.to_on): line for line in lines}
    rows = [
        Reading(firm_id=firms[r.credit_code], source=r.source, from_on=r.from_on, to_on=r.to_on, value=r.value, base=r.base, known_at=at)
        for r in found.values()
    ]
    Reading.objects.bulk_create(
        rows, batch_size=_BATCH, update_conflicts=True, unique_fields=["firm", "source", "from_on", "to_on"],
        update_fields=["value", "base", "known_at"],
    )  # fmt: skip
    record("resumption.readings", place, reason=source_name[:200], detail={"rows": len(rows)})
    return len(rows)
