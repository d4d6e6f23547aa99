"""What sources said of cases: put to a case, told apart from one, made into a new one; and line lists handed out."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.tracing.actions import open_case
from tongchou.domains.tracing.models import Case, Report
from tongchou.domains.tracing.reading import SECRETS
from tongchou.domains.tracing.rules import DATES

_TAKEN = (*SECRETS, "sex", "age", "occupation", "is_hcw", *DATES, "outcome")


@action("case.work", on=Report)
def open_case_from(report: Report, *, by: Actor, at: datetime) -> Case:
    """Open a case with what a report says, and put the report to it. Raises Invalid when the report has no name, Stale when it is settled."""
    _require_open(report)
    case = open_case(facts={name: getattr(report, name) for name in _TAKEN}, place=report.place, reason=report.reference, by=by, at=at)
    return _settle(report, case)


@action("case.work", on=Report)
def merge_report(report: Report, *, case: Case, by: Actor, at: datetime) -> Case:
    """Say that a report is about a known case: both stay, the case takes from the report only what it did not know. Raises Stale, Invalid."""
    _require_open(report)
    if case.dossier.closed_at is not None or not by.may("case.work", case.place_path):
        raise Invalid([FieldProblem("case", T("没有这个在办病例。", "No such open case."))])
    row = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    taken = [name for name in _TAKEN if getattr(row, name) in (None, "") and getattr(report, name) not in (None, "")]
    for name in taken:
        setattr(row, name, getattr(report, name))
        if name in ("id_number", "phone"):
            index = "id_index" if name == "id_number" else "phone_index"
            setattr(row, index, getattr(report, index))
    row.version += bool(taken)
    row.save()
    return _settle(report, row, taken)


def _settle(report: Report, case: Case, taken: list[str] | None = None) -> Case:
    report.case, report.version = case, report.version + 1
    report.save(update_fields=["case", "version"])
    record("report.merge", report, detail={"reference": report.reference, "case": case.dossier.number, "taken": taken or []})
    return case


@action("case.work", on=Report)
def keep_apart(report: Report, *, case: Case, by: Actor, at: datetime) -> Report:
    """Say that a report is not about a case; it is not proposed again."""
    _require_open(report)
    if case.dossier.number not in report.not_cases:
        report.not_cases = [*report.not_cases, case.dossier.number]
        report.version += 1
        report.save(update_fields=["not_cases", "version"])
    record("report.apart", report, detail={"reference": report.reference, "case": case.dossier.number})
    return report


@action("register.export", place=lambda given: given["place"].path)
def export_line_list(*, place: Place, row_count: int, by: Actor, at: datetime) -> None:
    """Note that a line list without names and numbers leaves the system."""
    record("linelist.export", place, detail={"rows": row_count})


def _require_open(report: Report) -> None:
    if report.case_id is not None:
        raise Stale(T("这条报告已归入病例。", "This report is settled already."))
