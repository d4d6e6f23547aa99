"""A file's life: preview, apply in one transaction, undo as a whole, or discard."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import Refusal, Stale, Unseen
from tongchou.core.importing.bulk import insert_columns, prepared_columns, stored_rows, update_rows
from tongchou.core.importing.checking import NEAR_ENOUGH, CheckedTable, ImportSpec, check_table
from tongchou.core.importing.chunks import chunks_of, rows_in
from tongchou.core.importing.matching import Match, blocks, find_matches
from tongchou.core.importing.models import ImportBatch, ImportChunk
from tongchou.core.importing.tables import CellProblem, read_table
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T

SHOWN = 200  # problems and likely duplicates kept readable on the batch; all of them are in its chunks
SAME_CHOICES = ("skip", "update")
NEAR_CHOICES = ("skip", "update", "add")


@action("import.write", place=lambda given: given["place"].path)
def preview_import(*, spec: ImportSpec, content: bytes, file_name: str, place: Place, by: Actor, at: datetime) -> ImportBatch:
    """Read, check and compare a file and keep its rows for applying; no register changes. Raises FileRefused when nothing can be read."""
    table = read_table(content, spec.known_headings)
    checked = check_table(spec, table, _places_of(place, by))
    matches = find_matches(spec, [row for _, row in checked.rows], NEAR_ENOUGH)
    batch = ImportBatch.objects.create(
        kind=spec.name, place=place, file_name=file_name[-200:], file_sha256=sha256(content).hexdigest(), encoding=table.encoding,
        row_count=len(checked.rows) + len(checked.bad), bad_row_count=len(checked.bad),
        known_row_count=sum(1 for m in matches if m and m.is_same), near_row_count=sum(1 for m in matches if m and not m.is_same),
        problem_count=len(checked.problems), problems=[_shown(p) for p in checked.problems[:SHOWN]], near=_near_shown(checked, matches),
        by_id=by.user_id, previewed_at=at,
    )  # fmt: skip
    rows = [(number, row, _kept(match)) for (number, row), match in zip(checked.rows, matches, strict=True)]
    bad = [{"headings": checked.headings, "rows": checked.bad, "problems": [_shown(p) for p in checked.problems]}] if checked.bad else []
    ImportChunk.objects.bulk_create(chain(chunks_of(batch, "rows", rows), chunks_of(batch, "bad", bad)), batch_size=8)
    record("import.preview", batch, detail={"kind": spec.name, "sha256": batch.file_sha256, "rows": batch.row_count})
    return batch


def _places_of(place: Place, by: Actor) -> dict[str, int]:
    """Code and names of every place below that the actor may bring rows into."""
    found: dict[str, int] = {}
    for row in places_below(place.path):
        if by.may("import.write", row.path):
            found |= {row.code: row.pk, row.name_zh: row.pk, row.name_en: row.pk}
    return found


def _shown(problem: CellProblem) -> dict[str, Any]:
    return {**asdict(problem), "cell": problem.cell}


def _kept(match: Match | None) -> list[Any] | None:
    return [match.pk, match.version, match.is_same] if match else None


def _near_shown(checked: CheckedTable, matches: Sequence[Match | None]) -> list[dict[str, Any]]:
    pairs = zip(checked.rows, matches, strict=True)
    alike = ((number, row, m) for (number, row), m in pairs if m and not m.is_same)
    return [
        {"row": number, "name": row.get("name") or "", "known_id": m.pk, "known_name": m.name, "likeness": m.likeness}
        for (number, row, m), _ in zip(alike, range(SHOWN), strict=False)
    ]


@action("import.write", on=ImportBatch)
def apply_import(
    batch: ImportBatch,
    *,
    spec: ImportSpec,
    same: str = "skip",
    near: str = "skip",
    chosen: Mapping[int, str] | None = None,
    leaves_bad_out: bool = False,
    by: Actor,
    at: datetime,
) -> ImportBatch:
    """Write exactly the previewed rows. `same`: what to do with known keys; `near`: with likely duplicates; `chosen`: by row number.

    Wrong rows are left out only when `leaves_bad_out` says so. Raises Stale when a register moved on since the preview.
    """
    _require(batch, spec, "previewed")
    if same not in SAME_CHOICES or not {near, *(chosen or {}).values()} <= set(NEAR_CHOICES):
        raise Refusal(
            T("没有这种重复处理方式。", "No such way of treating duplicates."), T("可选：跳过、更新、新增。", "Choose skip, update or add.")
        )
    if batch.bad_row_count and not leaves_bad_out:
        raise Refusal(
            T(f"有 {batch.bad_row_count} 行有错，没有导入。", f"{batch.bad_row_count} rows are wrong; nothing was imported."),
            T("请改正后重新上传，或勾选“略过有错的行”。", "Correct and upload again, or tick 'leave wrong rows out'."),
        )
    added, updates, skipped = _sorted_out(batch, same, near, chosen or {})
    _require_places(spec, [*added, *(row for _, _, row in updates)], batch, by)
    try:
        with transaction.atomic():
            _add(spec, added, batch, at)
            _update(spec, updates, batch, at)
    except IntegrityError as error:
        raise Stale(
            T(
                "预览之后登记册又有变动，编号已被占用；没有导入任何一行。",
                "The register changed after the preview: a number is taken now. No row was imported.",
            ),
            T("请重新上传预览。", "Upload the file again."),
        ) from error
    batch.chunks.filter(part__in=["rows", "bad"]).delete()
    batch.state, batch.applied_at = "applied", at
    batch.added_count, batch.updated_count, batch.skipped_count = len(added), len(updates), skipped
    batch.save()
    record(
        "import.apply", batch, detail={"added": len(added), "updated": len(updates), "skipped": skipped, "left_out": batch.bad_row_count}
    )
    return batch


def _require(batch: ImportBatch, spec: ImportSpec, state: str) -> None:
    if spec.name != batch.kind:
        raise ValueError(f"batch {batch.pk} is {batch.kind}, not {spec.name}")
    if batch.state != state:
        name = batch.state_name
        raise Stale(T(f"这一批现在是“{name.zh}”。", f"This batch is '{name.en}' now."), T("请刷新页面。", "Reload the page."))


def _sorted_out(
    batch: ImportBatch, same: str, near: str, chosen: Mapping[int, str]
) -> tuple[list[dict[str, Any]], list[tuple[int, int, dict[str, Any]]], int]:
    """Rows to add, rows to update (id, version, row), and how many are skipped."""
    added, updates, skipped = [], [], 0
    for number, row, match in rows_in(batch.chunks.filter(part="rows")):
        do = "add" if match is None else same if match[2] else chosen.get(number, near)
        if do == "add":
            added.append(row)
        elif do == "update":
            updates.append((match[0], match[1], row))
        else:
            skipped += 1
    return added, updates, skipped


def _require_places(spec: ImportSpec, rows: Sequence[Mapping[str, Any]], batch: ImportBatch, by: Actor) -> None:
    """A post may have been narrowed between preview and apply."""
    allowed = set(_places_of(batch.place, by).values())
    name = spec.place_column.field
    if any(row[name] is not None and row[name] not in allowed for row in rows):
        raise Unseen("place")


def _columns(spec: ImportSpec, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns of the database: what the file gave, what follows from it, the blind index beside each secret."""
    fields = {f.attname for f in spec.model._meta.concrete_fields}
    given = [name for name in rows[0] if name in fields]
    columns = {name: [row[name] for row in rows] for name in given}
    for name in given:
        column = next((c for c in spec.columns if c.field == name), None)
        if column and column.is_secret:
            columns[column.index_field] = [None if value is None else blind_index(value) for value in columns[name]]
    derived = [{**spec.derive(row), "near_key": spec.near_key(row)} for row in rows]
    columns |= {name: [row[name] for row in derived] for name in derived[0]}
    return columns


def _add(spec: ImportSpec, rows: Sequence[Mapping[str, Any]], batch: ImportBatch, at: datetime) -> None:
    if not rows:
        return
    columns = _columns(spec, rows)
    for name, values in columns.items():
        if None in values and not (field := spec.model._meta.get_field(name)).null:
            columns[name] = [field.get_default() if value is None else value for value in values]  # type: ignore[union-attr]
    count = len(rows)
    insert_columns(spec.model, {**columns, "batch_id": [batch.pk] * count, "version": [1] * count, "changed_at": [at] * count})


def _update(spec: ImportSpec, updates: Sequence[tuple[int, int, Mapping[str, Any]]], batch: ImportBatch, at: datetime) -> None:
    """Write known rows anew, keeping what stood there for undoing. An empty cell keeps the known value."""
    if not updates:
        return
    known = _known(spec, [pk for pk, _, _ in updates])
    rows = [{**known[pk], **{k: v for k, v in row.items() if v is not None}} for pk, _, row in updates if pk in known]
    if len(rows) != len(updates):
        raise IntegrityError("a row to update is gone")
    columns = _columns(spec, rows)
    fields = [*columns, "changed_at"]
    before: list[Any] = []
    for block in blocks([pk for pk, _, _ in updates], 500):
        stored = stored_rows(spec.model, fields, block)
        before += [[pk, stored[pk][0] + 1, fields, stored[pk][1:]] for pk in block]
    values = prepared_columns(spec.model, {**columns, "changed_at": [at] * len(rows)})
    wanted = [(pk, version, [values[f][i] for f in fields]) for i, (pk, version, _) in enumerate(updates)]
    if update_rows(spec.model, fields, wanted) != len(wanted):
        raise IntegrityError("a row to update has changed")
    ImportChunk.objects.bulk_create(chunks_of(batch, "before", before), batch_size=8)


def _known(spec: ImportSpec, pks: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Id → what the register knows, by the spec's fields."""
    fields = [column.field for column in spec.columns]
    found: dict[int, dict[str, Any]] = {}
    for block in blocks(pks, 500):
        found |= {row.pop("pk"): row for row in spec.model._default_manager.filter(pk__in=block).values("pk", *fields)}
    return found


@action("import.write", on=ImportBatch)
def undo_import(batch: ImportBatch, *, spec: ImportSpec, reason: str, by: Actor, at: datetime) -> ImportBatch:
    """Take the whole batch back: added rows go, updated rows get their former values. Raises Stale when others have changed rows since."""
    _require(batch, spec, "applied")
    before = list(rows_in(batch.chunks.filter(part="before")))
    rows = spec.model._default_manager
    added = rows.filter(batch=batch)
    versions = {pk: version for pk, version, _, _ in before}
    moved = [*added.filter(version__gt=1).values_list("name", flat=True)[:20]]
    kept = 0
    for block in blocks(versions, 500):
        found = rows.filter(pk__in=block).values_list("pk", "version", "name")
        moved += [name for pk, version, name in found if version != versions[pk]]
        kept += len(found)
    if moved or kept != len(versions):
        names = "、".join(moved[:20]) or "–"
        raise Stale(
            T(
                f"这一批里有记录后来又被改动或删除：{names}。没有撤销。",
                f"Rows of this batch were changed or removed since: {names}. Nothing was undone.",
            ),
            T("请先核对这些记录。", "Settle these records first."),
        )
    try:
        with transaction.atomic():
            added.delete()
    except (ProtectedError, IntegrityError) as error:
        raise Stale(
            T("其他记录已经引用了这一批，没有撤销。", "Other records already point to rows of this batch; nothing was undone."),
            T("请先撤销后来的批次。", "Undo the later batches first."),
        ) from error
    for _, _, fields, _ in before[:1]:
        # What stands there again is what stood there under the former version, so that version comes back with it.
        update_rows(spec.model, fields, [(pk, version, values) for pk, version, _, values in before], step=-1)
    batch.chunks.filter(part="before").delete()
    batch.state, batch.undone_at = "undone", at
    batch.save()
    record("import.undo", batch, reason=reason, detail={"removed": batch.added_count, "restored": len(before)})
    return batch


@action("import.write", on=ImportBatch)
def discard_import(batch: ImportBatch, *, by: Actor, at: datetime) -> ImportBatch:
    """Forget a previewed file and its rows."""
    if batch.state != "previewed":
        raise Stale(T("这一批已处理。", "This batch is settled already."), T("请刷新页面。", "Reload the page."))
    batch.chunks.all().delete()
    batch.state = "discarded"
    batch.save()
    record("import.discard", batch)
    return batch


@action("import.write", on=ImportBatch)
def take_wrong_rows(batch: ImportBatch, *, by: Actor, at: datetime) -> dict[str, Any]:
    """Headings, wrong rows as they stood and all problems, for the one who uploaded the file; numbers stand there in clear."""
    found = next(rows_in(batch.chunks.filter(part="bad")), None)
    if found is None or by.user_id != batch.by_id:
        raise Unseen("wrong rows")
    record("import.wrong_rows", batch, detail={"rows": len(found["rows"])})
    return dict(found)
