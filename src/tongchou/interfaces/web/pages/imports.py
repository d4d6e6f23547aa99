"""Bringing files in: upload, preview with every problem by cell, choices for duplicates, apply, undo; and the history of it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Refusal
from tongchou.core.importing.actions import apply_import, discard_import, preview_import, take_wrong_rows, undo_import
from tongchou.core.importing.files import annotated_workbook
from tongchou.core.importing.models import ImportBatch
from tongchou.core.importing.queries import batch_seen, batches_seen
from tongchou.core.importing.tables import FILE_BYTES_LIMIT, FileRefused
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.registers.town import REGISTERS

SAME = {"skip": T("跳过，保留现有记录", "skip, keep what is known"), "update": T("更新现有记录", "update the known record")}
NEAR = {**SAME, "add": T("不是同一条，新增", "not the same, add it")}


@page("import.write", methods=("GET", "POST"))
def imports(request: Asked) -> HttpResponse:
    """Upload a file, and every file brought in so far."""
    refused: FileRefused | None = None
    if request.method == "POST":
        try:
            return redirect("import_batch", pk=_preview(request).pk)
        except FileRefused as problem:
            refused = problem
    context = {
        "page_obj": Paginator(batches_seen(request.actor), 50).get_page(request.GET.get("page")), "refused": refused,
        "registers": REGISTERS.values(), "kind": request.POST.get("kind") or request.GET.get("kind", "resident"),
        "labels": {slug: register.label for slug, register in REGISTERS.items()},
    }  # fmt: skip
    return render(request, "imports/list.html", context, status=422 if refused else 200)


def _preview(request: Asked) -> ImportBatch:
    register, file = REGISTERS.get(request.POST.get("kind", "")), request.FILES.get("file")
    if register is None or file is None:
        raise FileRefused(
            T("没有选择登记册或文件。", "No register or no file was chosen."), T("请选择后上传。", "Choose both, then upload.")
        )
    if (file.size or 0) > FILE_BYTES_LIMIT:
        raise FileRefused(
            T(f"文件超过 {FILE_BYTES_LIMIT >> 20} MB。", f"The file is larger than {FILE_BYTES_LIMIT >> 20} MB."),
            T("请按村居拆成几个文件。", "Split it, for example one file per village."),
        )
    return preview_import(
        spec=register.import_spec, content=file.read(), file_name=file.name or "", place=request.town.place, by=request.actor, at=request.at
    )


@page("import.write", methods=("GET", "POST"))
def import_batch(request: Asked, pk: int) -> HttpResponse:
    """One file: what was found, what to do with duplicates; apply, discard or undo."""
    batch = batch_seen(request.actor, pk)
    if batch.kind not in REGISTERS:
        return redirect("line_list", pk=pk)
    if request.method == "POST":
        try:
            said = _act(request, batch)
        except OperationalError as error:
            raise Refusal(
                T(f"数据库没有写成（{error}），一行也没有改动。", f"The database could not write ({error}); not one row has changed."),
                T("请检查磁盘空间和数据库，再点一次。", "Check disk space and database, then press the button again."),
            ) from error
        messages.success(request, str(said))
        return redirect("import_batch", pk=pk)
    register = REGISTERS[batch.kind]
    sound = batch.row_count - batch.bad_row_count
    kpis: list[dict[str, Any]] = [
        {"label": T("读到", "Rows read"), "value": f"{batch.row_count:,}"},
        {"label": T("可导入", "Sound"), "value": f"{sound:,}", "tone": "good"},
        {"label": T("有错", "Wrong"), "value": f"{batch.bad_row_count:,}", "tone": "bad" if batch.bad_row_count else None},
        {"label": T("号码已登记", "Known already"), "value": f"{batch.known_row_count:,}"},
        {"label": T("疑似重复", "Likely duplicates"), "value": f"{batch.near_row_count:,}"},
    ]
    context = {
        "batch": batch, "register": register, "kpis": kpis, "same": SAME, "near": NEAR, "sound": sound,
        "is_own": batch.by_id == request.user.pk,
    }  # fmt: skip
    return render(request, "imports/batch.html", context)


def _act(request: Asked, batch: ImportBatch) -> T:
    given, spec = request.POST, REGISTERS[batch.kind].import_spec
    match given.get("do"):
        case "apply":
            chosen = {
                int(name[4:]): str(value) for name, value in given.items() if name.startswith("row-") and name[4:].isdigit() and value
            }
            done = apply_import(
                batch, spec=spec, same=given.get("same", "skip"), near=given.get("near", "skip"), chosen=chosen,
                leaves_bad_out=given.get("leaves_bad_out") == "1", by=request.actor, at=request.at,
            )  # fmt: skip
            added, updated = done.added_count, done.updated_count
            return T(f"已导入：新增 {added:,}，更新 {updated:,}。", f"Imported: {added:,} added, {updated:,} updated.")
        case "undo":
            undo_import(batch, spec=spec, reason=given.get("reason", ""), by=request.actor, at=request.at)
            return T("整批已撤销。", "The whole batch was undone.")
        case "discard":
            discard_import(batch, by=request.actor, at=request.at)
            return T("已放弃，没有改动任何登记。", "Discarded; no register was changed.")
    raise Refusal(T("没有这个操作。", "No such step."), T("请用页面上的按钮。", "Use the buttons of the page."))


@page("import.write")
def import_problems(request: Asked, pk: int) -> HttpResponse:
    """The wrong rows as a workbook, each wrong cell marked; only for the one who uploaded them."""
    found = take_wrong_rows(batch_seen(request.actor, pk), by=request.actor, at=request.at)
    return HttpResponse(
        annotated_workbook(found["headings"], found["rows"], found["problems"]),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="import-{pk}-problems.xlsx"', "Cache-Control": "no-store"},
    )


urlpatterns = [
    path("imports/", imports, name="imports"),
    path("imports/<int:pk>", import_batch, name="import_batch"),
    path("imports/<int:pk>/problems.xlsx", import_problems, name="import_problems"),
]
