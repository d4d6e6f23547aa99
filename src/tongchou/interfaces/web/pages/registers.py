"""Base registers: overview, list and search, one record with its masked numbers, edit, add, export. One set of views for all seven."""

from collections.abc import Iterator
from typing import cast

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.cache import add_never_cache_headers

from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.importing.files import csv_lines, template_workbook, workbook_of
from tongchou.core.places.models import Place
from tongchou.core.wording import T, use_language
from tongchou.domains.registry.actions import add_row, edit_row, export_register, unmask
from tongchou.domains.registry.models import RegisterRow
from tongchou.domains.registry.queries import counts_by_place, places_seen, resumption_by_sector, resumption_total, row_of, seen_rows
from tongchou.domains.registry.rules import SECTIONS, SIZE_CLASSES
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.registers.register import ROWS_PER_PAGE, CappedPaginator, Register
from tongchou.interfaces.web.registers.town import REGISTERS

RELATED_AT_MOST = 12
WORKBOOK_ROWS_LIMIT = 50_000  # beyond, a CSV streams without being held in memory


def register_named(slug: str) -> Register:
    """The register of this address. Raises Unseen."""
    if slug not in REGISTERS:
        raise Unseen("register")
    return REGISTERS[slug]


def _places(request: Asked) -> list[Place]:
    return places_seen(request.actor, request.town.place.path)


@page("register.read")
def registers(request: Asked) -> HttpResponse:
    """How many rows each register has, by village, and how far work has resumed."""
    places = [place for place in _places(request) if place.kind not in ("country", "city", "district")]
    ids = [place.pk for place in places]
    counts = {slug: counts_by_place(register.import_spec, ids) for slug, register in REGISTERS.items()}
    rows = [{"place": p, "counts": [(slug, counts[slug].get(p.pk, 0)) for slug in REGISTERS]} for p in places]
    kpis = [{"label": r.label, "value": f"{sum(counts[slug].values()):,}", "url": f"/registers/{slug}/"} for slug, r in REGISTERS.items()]
    sectors = resumption_by_sector(request.town.place.path) if request.actor.may("register.read", request.town.place.path) else []
    context = {
        "kpis": kpis, "rows": [r for r in rows if any(n for _, n in r["counts"])], "heads": [r.label for r in REGISTERS.values()],  # type: ignore[attr-defined]
        "sectors": sectors, "total": resumption_total(sectors), "may_import": request.actor.may("import.write"),
    }  # fmt: skip
    return render(request, "registers/overview.html", context)


@page("register.read")
def register_list(request: Asked, slug: str) -> HttpResponse:
    """One page of a register: filters, search by name, code, whole identity number or phone."""
    register, places = register_named(slug), _places(request)
    chosen = [place for place in places if place.code == request.GET.get("place")]
    paginator = CappedPaginator(register.listed([p.pk for p in chosen or places], request.GET), ROWS_PER_PAGE)
    page_obj, read = paginator.get_page(request.GET.get("page")), register.reader(register.columns)
    context = {
        "register": register, "heads": register.heads(), "places": places, "page_obj": page_obj, "is_capped": paginator.is_capped,
        "rows": [{"row": row, "cells": read(row)} for row in page_obj], "query": request.GET.get("q", ""),
        "filters": [{"column": c, "wanted": request.GET.get(c.field, "")} for c in register.filters],
        "place": request.GET.get("place", ""), "may_write": request.actor.may("register.write"),
        "may_import": request.actor.may("import.write"), "may_export": request.actor.may("register.export", request.town.place.path),
    }  # fmt: skip
    return render(request, "registers/list.html", context)


def _row(request: Asked, register: Register, pk: int) -> RegisterRow:
    row = row_of(register.import_spec, pk, [place.pk for place in _places(request)])
    if row is None:
        raise Unseen("row")
    return row


@page("register.read", methods=("GET", "POST"))
def register_row(request: Asked, slug: str, pk: int) -> HttpResponse:
    """One record. A POST with a purpose shows its sealed numbers, this once, and leaves an Access."""
    register = register_named(slug)
    row, clear, refused = _row(request, register, pk), {}, None
    if request.method == "POST":
        asked = {"fields": request.POST.getlist("fields"), "purpose": request.POST.get("purpose", "")}
        try:
            clear = unmask(spec=register.import_spec, row=row, **asked, by=request.actor, at=request.at)  # type: ignore[arg-type]
        except Invalid as invalid:
            refused = invalid
    entries = Entry.objects.filter(subject_kind=row._meta.model_name, subject_id=str(row.pk)).order_by("-seq")[:10]
    context = {
        "register": register, "row": row, "cells": register.reader()(row),
        "secrets": [(c, clear.get(c.field)) for c in register.secrets if getattr(row, c.field)], "clear": clear, "refused": refused,
        "derived": _derived(row), "entries": entries, "related": _related(request, register, row),
        "may_write": request.actor.may("register.write", row.place_path), "may_unmask": request.actor.may("person.unmask", row.place_path),
    }  # fmt: skip
    response = render(request, "registers/row.html", context, status=422 if refused else 200)
    if clear:
        add_never_cache_headers(response)
    return response


def _related(request: Asked, register: Register, row: RegisterRow) -> list[tuple[Register, RegisterRow]]:
    """The record this one points to, and the first ones that point to it: a household's members, a firm's venues."""
    found = []
    for column in register.import_spec.columns:
        if column.reads and (above := getattr(row, column.field.removesuffix("_id"))):
            found.append((_register_of(column.reads[0]), above))
    ids = [place.pk for place in _places(request)]
    for other in REGISTERS.values():
        for column in other.import_spec.columns:
            if column.reads and _register_of(column.reads[0]) is register:
                rows = seen_rows(other.import_spec, ids).filter(**{column.field: row.pk})
                found += [(other, below) for below in rows[:RELATED_AT_MOST]]
    return found


def _register_of(model: str) -> Register:
    return next(register for register in REGISTERS.values() if register.model._meta.label == model)


def _derived(row: RegisterRow) -> list[tuple[T, object]]:
    """What follows from the row rather than being typed: section and size class of a firm."""
    if not hasattr(row, "size_class"):
        return []
    return [(T("行业门类", "Section"), SECTIONS[row.section]), (T("规模", "Size class"), SIZE_CLASSES[row.size_class])]  # type: ignore[attr-defined]


@page("register.write", methods=("GET", "POST"))
def register_edit(request: Asked, slug: str, pk: int) -> HttpResponse:
    """Change one record; a wrong field is named beside it, and a change by somebody else in between is refused."""
    register = register_named(slug)
    row = _row(request, register, pk)
    form = register.bound_form(row, _writable(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            edit_row(
                spec=register.import_spec, row=row, given=form.texts(), version=int(request.POST.get("version") or 0),
                reason=request.POST.get("reason", ""), by=request.actor, at=request.at,
            )  # fmt: skip
        except Invalid as invalid:
            form.show(invalid.problems)
        except Refusal as refused:
            if isinstance(refused, Unseen):
                raise
            form.add_error(None, str(refused))
        else:
            messages.success(request, str(T("已保存。", "Saved.")))
            return redirect("register_row", slug=slug, pk=pk)
    return render(request, "registers/edit.html", {"register": register, "row": row, "form": form})


@page("register.write", methods=("GET", "POST"))
def register_new(request: Asked, slug: str) -> HttpResponse:
    """Add one record."""
    register = register_named(slug)
    form = register.bound_form(None, _writable(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = add_row(spec=register.import_spec, given=form.texts(), by=request.actor, at=request.at)
        except Invalid as invalid:
            form.show(invalid.problems)
        else:
            messages.success(request, str(T("已新增。", "Added.")))
            return redirect("register_row", slug=slug, pk=row.pk)
    return render(request, "registers/edit.html", {"register": register, "row": None, "form": form})


def _writable(request: Asked) -> list[Place]:
    return [place for place in _places(request) if request.actor.may("register.write", place.path)]


@page("register.export")
def register_export(request: Asked, slug: str, form: str) -> HttpResponse:
    """The listed rows as CSV or XLSX, numbers masked; the entry keeps who took which rows."""
    register, places = register_named(slug), _places(request)
    chosen = [place for place in places if place.code == request.GET.get("place")] or places
    rows = register.listed([place.pk for place in chosen], request.GET)
    count = rows.count()
    if form == "xlsx" and count > WORKBOOK_ROWS_LIMIT:
        raise Refusal(
            T(f"{count:,} 行太多，不适合 XLSX。", f"{count:,} rows are too many for XLSX."),
            T("请改用 CSV，或先筛选。", "Use CSV, or filter first."),
        )
    asked = {name: request.GET[name] for name in ("place", *(c.field for c in register.filters)) if request.GET.get(name)}
    # What was searched for may be somebody's number; that there was a search is enough for the log.
    asked |= {"q": "…"} if request.GET.get("q") else {}
    export_register(spec=register.import_spec, place=request.town.place, row_count=count, filters=asked, by=request.actor, at=request.at)
    names = [column.field for column in register.import_spec.columns]
    heads = [str(register.import_spec.column(name).label) for name in names]
    read, language = register.reader(), request.lang  # type: ignore[attr-defined]

    def lines() -> Iterator[list[object]]:
        related = [name.removesuffix("_id") for name in names if register.import_spec.column(name).reads]
        for row in rows.select_related("place", *related).iterator(2000):
            with use_language(language):  # the frame's language has ended when a stream is read
                cells = [_plain(cell.value) for cell in read(row)]
            yield cells

    name = f"{slug}-{request.at:%Y%m%d}.{form}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    if form == "xlsx":
        return HttpResponse(
            workbook_of(str(register.label), heads, lines()),
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            headers=disposition,
        )
    stream = StreamingHttpResponse(csv_lines(heads, lines()), content_type="text/csv; charset=utf-8", headers=disposition)
    return cast(HttpResponse, stream)


def _plain(value: object) -> object:
    return value if isinstance(value, int) else "" if value is None else str(value)


@page("register.read")
def register_template(request: Asked, slug: str) -> HttpResponse:
    """An empty workbook to fill in and bring back."""
    return HttpResponse(
        template_workbook(register_named(slug).import_spec),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="{slug}-template.xlsx"'},
    )


urlpatterns = [
    path("registers/", registers, name="registers"),
    path("registers/<slug:slug>/", register_list, name="register"),
    path("registers/<slug:slug>/new", register_new, name="register_new"),
    path("registers/<slug:slug>/template.xlsx", register_template, name="register_template"),
    path("registers/<slug:slug>/export.csv", register_export, {"form": "csv"}, name="register_csv"),
    path("registers/<slug:slug>/export.xlsx", register_export, {"form": "xlsx"}, name="register_xlsx"),
    path("registers/<slug:slug>/<int:pk>", register_row, name="register_row"),
    path("registers/<slug:slug>/<int:pk>/edit", register_edit, name="register_edit"),
]
