"""Base registers and imports for programs: numbers masked as on the pages, the same rules for a row, the same batches for a file."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.importing import actions as importing
from tongchou.core.importing.models import ImportBatch
from tongchou.core.importing.queries import batch_seen, batches_seen
from tongchou.core.importing.tables import FileRefused
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.registry.actions import add_row, edit_row, unmask
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.registry.models import RegisterRow
from tongchou.domains.registry.queries import places_seen, resumption_by_place, resumption_by_sector, row_of
from tongchou.interfaces.api.wording import Pair, Reason, both, pair
from tongchou.interfaces.web.registers.register import Register
from tongchou.interfaces.web.registers.town import REGISTERS

router = Router(tags=["registers"])
Slug = Literal["household", "resident", "firm", "venue", "school", "care-home", "site"]


class ColumnOut(Schema):
    """One column of a register, as files and requests name it."""

    field: str
    label: Pair
    required: bool
    is_secret: bool = Field(description=both("加密存储，只显示掩码", "sealed; shown masked"))
    choices: dict[str, Pair] | None


class RegisterOut(Schema):
    """A register and its columns."""

    name: str
    label: Pair
    columns: list[ColumnOut]


class RowOut(Schema):
    """One record; `values` by field, numbers masked, words as codes."""

    id: int
    version: int = Field(description=both("修改时须带回", "to be given back when changing"))
    place: str = Field(description=both("村居代码", "code of the village"))
    is_generated: bool
    values: dict[str, Any]


class RowsOut(Schema):
    """One page of records, by id."""

    rows: list[RowOut]
    next_after: int | None = Field(description=both("下一页的 after", "`after` of the next page"))


class RowIn(Schema):
    """Texts by field, as a file would hold them; the place by its code."""

    values: dict[str, str]
    version: int = 1
    reason: str = ""


class UnmaskIn(Schema):
    """Which sealed fields, and what for."""

    fields: list[str]
    purpose: str


class ProblemOut(Schema):
    """One thing wrong in a file, by cell."""

    cell: str
    row: int
    heading: str
    value: str
    what: Pair
    remedy: Pair


class BatchOut(Schema):
    """A file brought in and what became of it."""

    id: int
    kind: str
    file_name: str
    file_sha256: str
    state: str
    row_count: int
    bad_row_count: int
    known_row_count: int = Field(description=both("号码已登记的行", "rows whose key is known"))
    near_row_count: int = Field(description=both("疑似重复的行", "rows that resemble a known one"))
    added_count: int
    updated_count: int
    skipped_count: int
    previewed_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None


class BatchDetail(BatchOut):
    """A batch with its first problems and likely duplicates."""

    problem_count: int
    problems: list[ProblemOut]
    near: list[dict[str, Any]]


class FileRefusedOut(Schema):
    """Why nothing could be read from a file."""

    said: Pair
    remedy: Pair
    problems: list[ProblemOut]


class ApplyIn(Schema):
    """What to do with duplicates; `chosen` by row number of the file."""

    same: Literal["skip", "update"] = "skip"
    near: Literal["skip", "update", "add"] = "skip"
    chosen: dict[int, Literal["skip", "update", "add"]] = {}
    leaves_bad_out: bool = Field(False, description=both("略过有错的行", "leave wrong rows out"))


class ResumptionOut(Schema):
    """How far one sector or village is back at work."""

    key: str
    name: Pair
    firm_count: int
    resumed_count: int
    full_count: int
    staff_count: int
    resumed_staff_count: int


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _acting(request: HttpRequest) -> dict[str, Any]:
    return {"by": _actor(request), "at": request.at}  # type: ignore[attr-defined]


def _town() -> Installation:
    town = installation()
    if town is None:
        raise Unseen("town")
    return town


def _places(request: HttpRequest) -> list[Place]:
    if not _actor(request).may("register.read"):
        raise Unseen("register")
    return places_seen(_actor(request), _town().place.path)


def _row(register: Register, row: Any) -> dict[str, Any]:
    values = {}
    for column in register.import_spec.columns:
        if not column.is_place:
            value = getattr(row, column.field)
            values[column.field] = column.shown(value or "") if column.is_secret else value
    return {"id": row.pk, "version": row.version, "place": row.place.code, "is_generated": row.is_generated, "values": values}


def _found(request: HttpRequest, register: Register, row_id: int) -> RegisterRow:
    row = row_of(register.import_spec, row_id, [place.pk for place in _places(request)])
    if row is None:
        raise Unseen("row")
    return row


@router.get("/registers", response=list[RegisterOut], summary=both("各登记册及其栏目", "registers and their columns"))
def list_registers(request: HttpRequest) -> Any:
    _places(request)
    return [
        {
            "name": spec.name,
            "label": pair(spec.label),
            "columns": [
                {
                    "field": c.field, "label": pair(c.label), "required": c.required, "is_secret": c.is_secret,
                    "choices": {key: pair(word) for key, word in c.choices.items()} if c.choices else None,
                }
                for c in spec.columns
            ],
        }
        for spec in SPECS.values()
    ]  # fmt: skip


@router.get("/registers/{name}/rows", response=RowsOut, summary=both("列出或搜索", "list, or search by name, code or whole number"))
def list_rows(request: HttpRequest, name: Slug, q: str = "", place: str = "", after: int = 0, limit: int = 50) -> Any:
    register, places = REGISTERS[name], _places(request)
    wanted = [p.pk for p in places if not place or p.code == place]
    size = max(1, min(limit, 500))
    rows = list(register.listed(wanted, {"q": q}).filter(pk__gt=after).order_by("pk")[: size + 1])
    return {"rows": [_row(register, row) for row in rows[:size]], "next_after": rows[size - 1].pk if len(rows) > size else None}


@router.get("/registers/{name}/rows/{row_id}", response=RowOut, summary=both("一条记录", "one record"))
def get_row(request: HttpRequest, name: Slug, row_id: int) -> Any:
    return _row(REGISTERS[name], _found(request, REGISTERS[name], row_id))


@router.post("/registers/{name}/rows", response={201: RowOut}, summary=both("新增一条", "add one record"))
def post_row(request: HttpRequest, name: Slug, given: RowIn) -> Any:
    return Status(201, _row(REGISTERS[name], add_row(spec=SPECS[name], given=given.values, **_acting(request))))


@router.patch("/registers/{name}/rows/{row_id}", response=RowOut, summary=both("修改一条", "change one record"))
def patch_row(request: HttpRequest, name: Slug, row_id: int, given: RowIn) -> Any:
    row = _found(request, REGISTERS[name], row_id)
    changed = edit_row(spec=SPECS[name], row=row, given=given.values, version=given.version, reason=given.reason, **_acting(request))
    return _row(REGISTERS[name], changed)


@router.post(
    "/registers/{name}/rows/{row_id}/unmask", response=dict[str, str], summary=both("按目的查看号码", "numbers in clear, for a purpose")
)
def post_unmask(request: HttpRequest, name: Slug, row_id: int, given: UnmaskIn) -> Any:
    row = _found(request, REGISTERS[name], row_id)
    return unmask(spec=SPECS[name], row=row, fields=given.fields, purpose=given.purpose, **_acting(request))


@router.get("/resumption", response=list[ResumptionOut], summary=both("复工达产率", "firms back at work"))
def get_resumption(request: HttpRequest, by: Literal["sector", "village"] = "sector") -> Any:
    path = _town().place.path
    if not _actor(request).may("register.read", path):
        raise Unseen("resumption")
    shares = resumption_by_sector(path) if by == "sector" else resumption_by_place(path)
    counts = ("firm_count", "resumed_count", "full_count", "staff_count", "resumed_staff_count")
    return [{"key": s.key, "name": pair(s.name), **{n: getattr(s, n) for n in counts}} for s in shares]


def refused_file(refused: FileRefused) -> dict[str, Any]:
    problems = [
        {"cell": p.cell, "row": p.row, "heading": p.heading, "value": p.value, "what": pair(p.what), "remedy": pair(p.remedy)}
        for p in refused.problems
    ]
    return {"said": pair(refused.said), "remedy": pair(refused.remedy or T("请核对。", "Check it.")), "problems": problems}


@router.post("/imports", response={201: BatchDetail, 422: FileRefusedOut}, summary=both("上传并预览文件", "upload a file and preview it"))
def post_import(request: HttpRequest, kind: Form[Slug], file: File[UploadedFile]) -> Any:
    try:
        batch = importing.preview_import(
            spec=SPECS[kind], content=file.read(), file_name=file.name or "", place=_town().place, **_acting(request)
        )
    except FileRefused as refused:
        return Status(422, refused_file(refused))
    return Status(201, batch)


@router.get("/imports", response=list[BatchOut], summary=both("最近五十次导入", "the latest fifty files"))
def list_imports(request: HttpRequest) -> Any:
    return list(batches_seen(_actor(request))[:50])


@router.get("/imports/{batch_id}", response=BatchDetail, summary=both("一次导入", "one file's batch"))
def get_import(request: HttpRequest, batch_id: int) -> ImportBatch:
    return batch_seen(_actor(request), batch_id)


@router.post("/imports/{batch_id}/apply", response=BatchOut, summary=both("确认导入", "write the previewed rows"))
def post_apply(request: HttpRequest, batch_id: int, given: ApplyIn) -> ImportBatch:
    batch = batch_seen(_actor(request), batch_id)
    return importing.apply_import(batch, spec=SPECS[batch.kind], **given.dict(), **_acting(request))


@router.post("/imports/{batch_id}/undo", response=BatchOut, summary=both("整批撤销", "undo the whole batch"))
def post_undo(request: HttpRequest, batch_id: int, given: Reason) -> ImportBatch:
    batch = batch_seen(_actor(request), batch_id)
    return importing.undo_import(batch, spec=SPECS[batch.kind], reason=given.reason, **_acting(request))


@router.post("/imports/{batch_id}/discard", response=BatchOut, summary=both("放弃", "forget a previewed file"))
def post_discard(request: HttpRequest, batch_id: int) -> ImportBatch:
    return importing.discard_import(batch_seen(_actor(request), batch_id), **_acting(request))
