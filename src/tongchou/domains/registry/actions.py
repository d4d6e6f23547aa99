"""Changing the registers row by row, seeing what is masked, handing rows out, and filling them for a generated town."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, Unseen
from tongchou.core.importing.bulk import insert_columns
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.importing.matching import key_of, rows_by_key
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.registry.models import Firm, RegisterRow
from tongchou.domains.registry.reading import read_row

KEPT_SECRET = "***"  # stands in the log where a number stood


@action("register.write")
def add_row(*, spec: ImportSpec, given: Mapping[str, str], by: Actor, at: datetime) -> RegisterRow:
    """Add one row from texts by field. Raises Invalid naming every wrong field, Unseen for a place that is not the actor's."""
    values = read_row(spec, given, {})
    _require_place(values, by)
    _require_new_key(spec, values, None)
    row = cast(RegisterRow, spec.model(changed_at=at))
    _set(spec, row, values)
    row.save()
    record("register.add", row, detail={"register": spec.name, "new": _logged(spec, values)})
    return row


@action("register.write", place=lambda given: given["row"].place_path)
def edit_row(
    *, spec: ImportSpec, row: RegisterRow, given: Mapping[str, str], version: int, reason: str = "", by: Actor, at: datetime
) -> RegisterRow:
    """Change one row. Raises Invalid naming every wrong field, Stale when another was first. The entry holds old and new values."""
    fresh = _locked(row, by)
    if fresh.version != version:
        raise Stale(
            T("这条记录刚刚被别人改过，您的改动没有保存。", "Somebody else changed this record just now; your change was not saved."),
            T("请刷新后重改。", "Reload and change it again."),
        )
    known = {column.field: getattr(fresh, column.field) for column in spec.columns}
    values = read_row(spec, given, known)
    changed = {name: value for name, value in values.items() if value != known[name]}
    if not changed:
        raise Refusal(T("没有任何改动。", "Nothing was changed."), T("改一项再保存。", "Change a field, then save."))
    _require_place(values, by)
    _require_new_key(spec, values, fresh.pk)
    _set(spec, fresh, values)
    fresh.version, fresh.changed_at = version + 1, at
    fresh.save()
    old = {name: known[name] for name in changed}
    record("register.edit", fresh, reason=reason, detail={"register": spec.name, "old": _logged(spec, old), "new": _logged(spec, changed)})
    return fresh


@action("register.write", on=Firm)
def end_firm(row: Firm, *, on: date, reason: str, by: Actor, at: datetime) -> Firm:
    """A firm is no more from a day on: merged, moved away or struck off. Its row and what happened with it stay. Raises Stale when it has ended."""
    if row.ended_on is not None:
        raise Stale(T("这家企业已经注销或迁出。", "This firm has ended already."))
    row.ended_on, row.changed_at, row.version = on, at, row.version + 1
    row.save(update_fields=["ended_on", "changed_at", "version"])
    record("register.end", row, reason=reason, detail={"on": on.isoformat()})
    return row


@action("resumption.file", place=lambda given: given["row"].place_path)
def set_at_work(*, row: RegisterRow, values: Mapping[str, Any], cause: str, by: Actor, at: datetime) -> RegisterRow:
    """Note in a register that a firm, school or site is at work again or not: `values` by field. `cause`: the number of what says so."""
    fresh = _locked(row, by)
    for name, value in values.items():
        setattr(fresh, name, value)
    fresh.version, fresh.changed_at = fresh.version + 1, at
    fresh.save(update_fields=[*values, "version", "changed_at"])
    record("register.at_work", fresh, reason=cause, detail={name: str(value) for name, value in values.items()})
    return fresh


@action("person.unmask", place=lambda given: given["row"].place_path)
def unmask(*, spec: ImportSpec, row: RegisterRow, fields: Sequence[str], purpose: str, by: Actor, at: datetime) -> dict[str, str]:
    """The clear text of sealed fields, once, for a purpose that the log keeps. Raises Invalid without one."""
    secret = {column.field for column in spec.columns if column.is_secret}
    if not fields or not set(fields) <= secret:
        raise Invalid([FieldProblem("fields", T("请选择要查看的项目。", "Choose what to see."))])
    fresh = _locked(row, by)
    record_access(fresh, fields=list(fields), purpose=purpose)
    return {name: getattr(fresh, name) or "" for name in fields}


@action("register.read")
def read_names(*, rows: Sequence[RegisterRow], purpose: str, by: Actor, at: datetime) -> None:
    """Note that the names of households or people picked by what else is known of them are read: an Access of each, so that each can learn of it.

    Raises Unseen when one of them is not the actor's, Invalid without a purpose.
    """
    if not all(by.may("register.read", row.place_path) for row in rows):
        raise Unseen("row")
    for row in rows:
        record_access(row, fields=["name"], purpose=purpose)


@action("register.export", place=lambda given: given["place"].path)
def export_register(*, spec: ImportSpec, place: Place, row_count: int, filters: Mapping[str, str], by: Actor, at: datetime) -> None:
    """Note that rows of a register leave the system (masked): which, how many, by which filter."""
    record("register.export", place, detail={"register": spec.name, "rows": row_count, "filters": dict(filters)})


@action("register.write", place=lambda given: given["place"].path)
def add_generated(*, register: str, columns: Mapping[str, Sequence[Any]], place: Place, by: Actor, at: datetime) -> int:
    """Insert rows of a generated town given as columns, marked generated; one entry for all. Gives back how many.

    Columns are named like the model's fields, secrets in clear (they are sealed here); `place` holds place codes, `household`
    household codes, `firm` credit codes or None.
    """
    spec = SPECS[register]
    filled = {name: list(values) for name, values in columns.items()}
    count = len(next(iter(filled.values())))
    for given, field, model, key in _REFERENCES:
        if given in filled:
            codes = filled.pop(given)
            known = rows_by_key(model, key, codes)
            filled[field] = [known[code] if code else None for code in codes]
    for column in spec.columns:
        if column.is_secret and column.field in filled:
            filled[column.field] = [value or None for value in filled[column.field]]
            filled[column.index_field] = [blind_index(value) if value else None for value in filled[column.field]]
    names = [name for name in filled if name not in {"id_number", "phone", "id_index", "phone_index"}]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(filled[name] for name in names), strict=True)]
    filled["near_key"] = [spec.near_key(row) for row in rows]
    derived = [spec.derive(row) for row in rows]
    filled |= {name: [row[name] for row in derived] for name in (derived[0] if derived else ())}
    insert_columns(spec.model, {**filled, "is_generated": [True] * count, "version": [1] * count, "changed_at": [at] * count})
    record("register.generate", place, detail={"register": register, "rows": count})
    return count


_REFERENCES = (
    ("place", "place_id", "places.Place", "code"),
    ("household", "household_id", "registry.Household", "code"),
    ("firm", "firm_id", "registry.Firm", "credit_code"),
)


def _locked(row: RegisterRow, by: Actor) -> RegisterRow:
    """The row as it is now, held until the transaction ends."""
    fresh = type(row)._default_manager.select_for_update(of=("self",)).select_related("place").filter(pk=row.pk).first()
    if fresh is None or not by.may("register.read", fresh.place_path):
        raise Unseen("row")
    return fresh


def _require_place(values: Mapping[str, Any], by: Actor) -> None:
    if not by.may("register.write", Place.objects.get(pk=values["place_id"]).path):
        raise Unseen("place")


def _require_new_key(spec: ImportSpec, values: Mapping[str, Any], own_pk: int | None) -> None:
    key = key_of(spec, values)
    if key is not None and spec.model._default_manager.filter(**{spec.key_field: key}).exclude(pk=own_pk).exists():
        raise Invalid(
            [FieldProblem(spec.key, T("登记册里已有这个号码，请打开那一条。", "The register has this number already; open that record."))]
        )


def _set(spec: ImportSpec, row: RegisterRow, values: Mapping[str, Any]) -> None:
    """Values, what follows from them, and the blind index beside each secret."""
    for column in spec.columns:
        value = values[column.field]
        if column.is_secret:
            setattr(row, column.index_field, blind_index(value) if value else None)
        field = spec.model._meta.get_field(column.field)
        setattr(row, column.field, field.get_default() if value is None and not field.null else value)  # type: ignore[union-attr]
    for name, value in {**spec.derive(values), "near_key": spec.near_key(values)}.items():
        setattr(row, name, value)


def _logged(spec: ImportSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: KEPT_SECRET if value and spec.column(name).is_secret else value for name, value in values.items()}
