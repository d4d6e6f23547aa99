"""Writing many rows of one table at once, below the ORM's pace per row. Called by actions, inside their transaction."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models

from tongchou.core.secrecy import SealedTextField

_ROWS_AT_ONCE = 5_000  # of one statement on PostgreSQL
_PLAIN = (str, int, float, bytes, bool, type(None))


def insert_columns(model: type[models.Model], columns: Mapping[str, Sequence[Any]]) -> int:
    """Insert rows given as columns by database attribute (`place_id`); fields left out take their default, a key left out is counted by the
    database. Gives back how many.

    One prepared statement for all rows on SQLite, columns as arrays on PostgreSQL: many times the pace of bulk_create. Constraints of the database hold as ever.
    """
    count = len(next(iter(columns.values())))
    fields = [f for f in model._meta.concrete_fields if not f.primary_key or f.attname in columns]
    unknown = set(columns) - {f.attname for f in fields}
    if unknown:
        raise ValueError(f"{model.__name__} has no {sorted(unknown)}")
    prepared = [_prepared(f, columns[f.attname] if f.attname in columns else [f.get_default()] * count) for f in fields]
    into = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(_quoted(f.column) for f in fields)})"
    with connection.cursor() as cursor:
        # Names come from our own models; every value is a parameter.
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{_array_type(f)}[]" for f in fields)
            for start in range(0, count, _ROWS_AT_ONCE):
                cursor.execute(f"{into} SELECT * FROM unnest({arrays})", [list(c[start : start + _ROWS_AT_ONCE]) for c in prepared])
        else:
            cursor.executemany(f"{into} VALUES ({', '.join(['%s'] * len(fields))})", list(zip(*prepared, strict=True)))
    return count


def update_rows(model: type[models.Model], fields: Sequence[str], rows: Sequence[tuple[int, int, Sequence[Any]]], step: int = 1) -> int:
    """Set `fields` of rows (id, version, values) and move their version by `step`; a row of another version is left. Gives back how many changed."""
    sets = ", ".join(f"{_quoted(model._meta.get_field(name).column)} = %s" for name in fields)  # type: ignore[union-attr]
    statement = f"UPDATE {_quoted(model._meta.db_table)} SET {sets}, version = version + %s WHERE id = %s AND version = %s"
    changed = 0
    with connection.cursor() as cursor:
        for pk, version, values in rows:
            cursor.execute(statement, [*values, step, pk, version])
            changed += cursor.rowcount
    return changed


def prepared_columns(model: type[models.Model], columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Values as the database takes them: secrets sealed, days written its way."""
    return {name: list(_prepared(model._meta.get_field(name), values)) for name, values in columns.items()}


def stored_rows(model: type[models.Model], fields: Sequence[str], pks: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """What stands in the database now, as the database holds it: sealed values stay sealed."""
    names = ", ".join(_quoted(model._meta.get_field(name).column) for name in fields)  # type: ignore[union-attr]
    marks = ", ".join(["%s"] * len(pks))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, version, {names} FROM {_quoted(model._meta.db_table)} WHERE id IN ({marks})", list(pks))
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _quoted(name: str | None) -> str:
    return str(connection.ops.quote_name(str(name)))


def _array_type(field: Any) -> str:
    """What its values are called in an array. Text without its length: a cast would cut what is too long, where storing refuses it."""
    return "text" if isinstance(field, models.CharField) else str(field.db_type(connection))


def _prepared(field: Any, values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(field, models.BooleanField) and connection.vendor == "postgresql":
        return [None if v is None else bool(v) for v in values]
    if isinstance(field, SealedTextField):
        return [field.get_prep_value(value) for value in values]
    if all(type(value) in _PLAIN for value in values):
        return values
    prepare: Callable[[Any], Any] = lambda value: field.get_db_prep_save(value, connection)  # noqa: E731
    if isinstance(field, models.DateField):
        prepare = lru_cache(maxsize=None)(prepare)
    return [prepare(value) for value in values]
