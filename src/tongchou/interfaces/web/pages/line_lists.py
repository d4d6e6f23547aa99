"""Line lists: upload with preview, the batch, reports that wait for a person, and what is handed out."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.importing.actions import apply_import, discard_import, preview_import, undo_import
from tongchou.core.importing.files import csv_lines, template_workbook, workbook_of
from tongchou.core.importing.models import ImportBatch
from tongchou.core.importing.queries import batch_seen, batches_seen
from tongchou.core.importing.tables import FILE_BYTES_LIMIT, FileRefused
from tongchou.core.wording import T
from tongchou.domains.tracing.actions_reports import export_line_list, keep_apart, merge_report, open_case_from
from tongchou.domains.tracing.line_lists import NAME, line_list, written_out
from tongchou.domains.tracing.queries import cases_seen, open_reports, seen_case, seen_report, suspicions_among
from tongchou.interfaces.web.page import Asked, page

ROWS = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SETTLED = {
    "open": T("已立案。", "Case opened."),
    "merge": T("已归入病例。", "Put to the case."),
    "apart": T("已记为非同一人。", "Kept apart."),
}


@page("case.read", methods=("GET", "POST"))
def line_lists(request: Asked) -> HttpResponse:
    """Upload a line list; reports nobody has settled, each with the cases that may be the same person."""
    refused: Refusal | None = None
    if request.method == "POST":
        try:
            return redirect("line_list", pk=_preview(request).pk)
        except (FileRefused, Invalid) as problem:
            refused = problem
    reports = list(open_reports(request.actor)[:ROWS])
    near = suspicions_among(reports)
    rows = [{"report": r, "suspicions": near[r.pk][:3]} for r in reports]
    context = {
        "refused": refused, "problems": getattr(refused, "problems", []), "rows": rows, "count": open_reports(request.actor).count(),
        "batches": batches_seen(request.actor).filter(kind=NAME)[:20], "may_import": request.actor.may("import.write"),
        "may_settle": request.actor.may("case.work"),
    }  # fmt: skip
    return render(request, "tracing/line_lists.html", context, status=422 if refused else 200)


def _preview(request: Asked) -> ImportBatch:
    file, source = request.FILES.get("file"), request.POST.get("source", "").strip()
    if file is None or not source or (file.size or 0) > FILE_BYTES_LIMIT:
        raise FileRefused(
            T("请写明来源，并选择不超过大小限制的文件。", "Name the source and choose a file within the limit."),
            T("来源如“徐泾镇卫生院”。", "A source is, for example, Xujing clinic."),
        )
    given: dict[str, Any] = {"content": file.read(), "file_name": file.name or "", "place": request.town.place}
    return preview_import(spec=line_list(source), **given, by=request.actor, at=request.at)


@page("import.write", methods=("GET", "POST"))
def line_list_batch(request: Asked, pk: int) -> HttpResponse:
    """One file: its problems by cell; bring in, discard, or undo as a whole."""
    batch = batch_seen(request.actor, pk)
    if batch.kind != NAME:
        raise Unseen("batch")
    if request.method == "POST":
        who: dict[str, Any] = {"by": request.actor, "at": request.at}
        spec, do = line_list("–"), request.POST.get("do", "")
        if do == "apply":
            apply_import(batch, spec=spec, same="skip", leaves_bad_out=request.POST.get("leaves_bad_out") == "1", **who)
        elif do == "undo":
            undo_import(batch, spec=spec, reason=request.POST.get("reason", ""), **who)
        else:
            discard_import(batch, **who)
        messages.success(request, str(T("已办理。", "Done.")))
        return redirect("line_list", pk=pk)
    return render(request, "tracing/line_list.html", {"batch": batch, "sound": batch.row_count - batch.bad_row_count})


@page("case.work", methods=("POST",))
def report_settle(request: Asked, pk: int) -> HttpResponse:
    """A person decides: a case of its own, the same as a known one, or not that one."""
    report, do = seen_report(pk, request.actor), request.POST.get("do", "")
    who: dict[str, Any] = {"by": request.actor, "at": request.at}
    if do == "open":
        open_case_from(report, **who)
    elif do in ("merge", "apart"):
        case = seen_case(request.POST.get("case", ""), request.actor)
        (merge_report if do == "merge" else keep_apart)(report, case=case, **who)
    else:
        raise Refusal(T("没有这个操作。", "No such step."), T("请用页面上的按钮。", "Use the buttons of the page."))
    messages.success(request, str(SETTLED[do]))
    return redirect("line_lists")


@page("register.export")
def line_list_export(request: Asked, form: str) -> HttpResponse:
    """Every case one may see, with the tags of linelist and nobody's name or number."""
    cases = cases_seen(request.actor).order_by("pk")
    export_line_list(place=request.town.place, row_count=cases.count(), by=request.actor, at=request.at)
    heads, rows = written_out(cases)
    disposition = {"Content-Disposition": f'attachment; filename="linelist-{request.at:%Y%m%d}.{form}"'}
    if form == "xlsx":
        return HttpResponse(workbook_of("linelist", heads, rows), content_type=XLSX, headers=disposition)
    stream = StreamingHttpResponse(csv_lines(heads, rows), content_type="text/csv; charset=utf-8", headers=disposition)
    return cast(HttpResponse, stream)


@page("import.write")
def line_list_template(request: Asked) -> HttpResponse:
    """An empty workbook to fill in and bring back."""
    return HttpResponse(
        template_workbook(line_list("–")),
        content_type=XLSX,
        headers={"Content-Disposition": 'attachment; filename="linelist-template.xlsx"'},
    )


urlpatterns = [
    path("line-lists/", line_lists, name="line_lists"),
    path("line-lists/<int:pk>", line_list_batch, name="line_list"),
    path("line-lists/reports/<int:pk>/settle", report_settle, name="report_settle"),
    path("line-lists/template.xlsx", line_list_template, name="line_list_template"),
    path("cases/line-list.csv", line_list_export, {"form": "csv"}, name="line_list_csv"),
    path("cases/line-list.xlsx", line_list_export, {"form": "xlsx"}, name="line_list_xlsx"),
]
