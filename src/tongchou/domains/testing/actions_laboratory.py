"""Tubes on their way to the laboratory, and what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.testing.models import Box, Custody, Result, Round, Site, Tube
from tongchou.domains.testing.rules import RESULTS, receipt_problem

_BATCH = 400
_CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a laboratory says of one tube. `reason` is needed where it said something else before."""

    tube: str
    value: str
    tested_at: datetime
    reason: str = ""


@action("testing.sample", place=lambda given: given["site"].place_path)
def pack_box(*, testing_round: Round, site: Site, laboratory: str, tubes: Sequence[str] | None = None, by: Actor, at: datetime) -> Box:
    """Pack tubes for the laboratory: those named, or all that the site still has of the round. A packed tube takes nobody more."""
    rows = Tube.objects.select_for_update(of=("self",)).filter(round=testing_round, site=site, box=None, filled__gt=0)
    ready = list(rows if tubes is None else rows.filter(code__in=tubes))
    problems = []
    if not 2 <= len(laboratory.strip()) <= 80:
        problems.append(FieldProblem("laboratory", T("请写明送往哪家实验室。", "Say which laboratory.")))
    if not ready or (tubes is not None and len(ready) != len(set(tubes))):
        problems.append(
            FieldProblem("tubes", T("没有可装箱的管，或其中有空管、已装箱的管。", "No tube to pack, or some are empty or packed."))
        )
    if problems:
        raise Invalid(problems)
    box = Box.objects.create(round=testing_round, site=site, laboratory=laboratory.strip(), packed_at=at)
    for start in range(0, len(ready), _BATCH):
        Tube.objects.filter(pk__in=[t.pk for t in ready[start : start + _BATCH]]).update(box=box)
    _link(box, "packed", by.label, len(ready), "", by, at)
    return box


@action("testing.sample", on=Box)
def carry_box(box: Box, *, holder: str, tube_count: int, note: str = "", by: Actor, at: datetime) -> Custody:
    """Hand a box to whoever carries it on, counted. Raises Invalid for another count without a note, Stale when the laboratory has it."""
    return _take_over(box, "carried", holder, tube_count, note, by, at)


@action("testing.laboratory", on=Box)
def receive_box(box: Box, *, holder: str, tube_count: int, note: str = "", by: Actor, at: datetime) -> Custody:
    """Take a box over in the laboratory, counted. Raises Invalid for another count without a note, Stale the second time."""
    link = _take_over(box, "received", holder, tube_count, note, by, at)
    box.received_at = at
    box.save(update_fields=["received_at"])
    return link


@action("testing.laboratory")
def keep_results(*, findings: Sequence[Finding], source: str, by: Actor, at: datetime) -> list[Result]:
    """Keep what the laboratory found: all of it, or (Invalid, naming each row) none. The same again changes nothing; gives the new rows.

    A tube must have been received; another word on a tube is a correction and needs its reason.
    """
    tubes: dict[str, Tube] = {}
    codes = sorted({f.tube for f in findings})
    for start in range(0, len(codes), _BATCH):
        some = Tube.objects.select_for_update(of=("self",)).filter(code__in=codes[start : start + _BATCH])
        tubes |= {t.code: t for t in some.select_related("box", "site__place", "round__dossier").order_by("pk")}
    problems = [p for n, f in enumerate(findings, start=1) for p in _finding_problems(n, f, tubes.get(f.tube), by, at)]
    said: dict[str, str] = {}
    for n, finding in enumerate(findings, start=1):
        if said.setdefault(finding.tube, finding.value) != finding.value:
            problems.append(FieldProblem(f"results[{n}].value", T("同一支管写了两种结果", "two different results for one tube")))
    if not findings:
        problems.append(FieldProblem("results", T("没有任何结果。", "No results.")))
    if problems:
        raise Invalid(problems)
    fresh = {f.tube: f for f in findings if tubes[f.tube].result != f.value}
    rows = Result.objects.bulk_create(
        [
            Result(
                tube=tubes[f.tube], value=f.value, tested_at=f.tested_at, reported_at=at, source=source[:80], reason=f.reason.strip()[:200], by_id=by.user_id
            )
            for f in fresh.values()
        ],
        batch_size=_BATCH,
    )  # fmt: skip
    for row in rows:
        row.tube.result, row.tube.resulted_at = row.value, row.tube.resulted_at or at
    Tube.objects.bulk_update([row.tube for row in rows], ["result", "resulted_at"], batch_size=_BATCH)
    counts = {value: sum(row.value == value for row in rows) for value in RESULTS}
    reasons = "；".join(dict.fromkeys(row.reason for row in rows if row.reason))[:300]
    about = rows[0].tube if rows else tubes[findings[0].tube]
    record("tube.results", about, reason=reasons, detail={"source": source, "same": len(findings) - len(rows), **counts})
    return rows


def _finding_problems(n: int, finding: Finding, tube: Tube | None, by: Actor, at: datetime) -> list[FieldProblem]:
    where = f"results[{n}]"
    if tube is None or not by.may("testing.laboratory", tube.place_path):
        return [FieldProblem(f"{where}.tube", T(f"没有管 {finding.tube[:32]}，或不归您管", f"no tube {finding.tube[:32]}, or not yours"))]
    problems = []
    if tube.box is None or tube.box.received_at is None:
        problems.append(FieldProblem(f"{where}.tube", T(f"管 {tube.code} 尚未由实验室接收，请先确认接收", f"tube {tube.code} was not received yet; receive its box first")))  # fmt: skip
    elif not tube.opened_at <= finding.tested_at <= at + _CLOCK_TOLERANCE:
        problems.append(FieldProblem(f"{where}.tested_at", T("检测时间早于采样或在将来", "before the sample, or in the future")))
    if finding.value not in RESULTS:
        problems.append(FieldProblem(f"{where}.value", T("结果应为阴性、阳性或可疑", "a result is negative, positive or inconclusive")))
    elif tube.result not in ("", finding.value) and len(finding.reason.strip()) < 2:
        known = RESULTS[tube.result]
        problems.append(FieldProblem(f"{where}.reason", T(f"已报“{known.zh}”，更正须写原因", f"already reported {known.en}; a correction needs its reason")))  # fmt: skip
    return problems


def _take_over(box: Box, step: str, holder: str, tube_count: int, note: str, by: Actor, at: datetime) -> Custody:
    if box.received_at is not None:
        raise Stale(T(f"{box.number} 已由实验室接收。", f"{box.number} was received by the laboratory already."))
    problems = [] if 1 <= len(holder.strip()) <= 80 else [FieldProblem("holder", T("请写明接收人。", "Say who takes it over."))]
    if said := receipt_problem(box.tubes.count(), tube_count, note):
        problems.append(FieldProblem("tube_count", said))
    if problems:
        raise Invalid(problems)
    return _link(box, step, holder, tube_count, note, by, at)


def _link(box: Box, step: str, holder: str, tube_count: int, note: str, by: Actor, at: datetime) -> Custody:
    row = Custody.objects.create(
        box=box, step=step, holder=holder.strip(), tube_count=tube_count, note=note.strip()[:200], at=at, by_id=by.user_id
    )
    record(f"box.{step}", box, reason=note.strip(), detail={"tubes": tube_count, "holder": holder.strip()})
    return row
