"""Finding rows the registers already know: by key, and by likeness within a block."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps

from tongchou.core.secrecy import blind_index

if TYPE_CHECKING:
    from tongchou.core.importing.checking import ImportSpec

BLOCK = 2000  # values in one IN list


@dataclass(frozen=True, slots=True)
class Match:
    """What a row met: the known row, its version, how (same key, or alike) and how much."""

    pk: int
    version: int
    is_same: bool
    likeness: float
    name: str


def blocks(values: Iterable[Any], size: int = BLOCK) -> Iterator[list[Any]]:
    """The values in lists short enough for one query."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def rows_by_key(model: str, name: str, values: Iterable[str]) -> dict[str, int]:
    """Value of a unique field → id, for the values that exist. One query per 2,000 values."""
    rows = apps.get_model(model)._default_manager
    found: dict[str, int] = {}
    for block in blocks({v for v in values if v}):
        found.update(rows.filter(**{f"{name}__in": block}).values_list(name, "pk"))
    return found


def key_of(spec: "ImportSpec", row: Mapping[str, Any]) -> Any:
    """What the database compares: the key itself, or the blind index of a secret one; None when the row has none."""
    value = row.get(spec.key)
    return None if value in (None, "") else blind_index(str(value)) if spec.column(spec.key).is_secret else value


def find_matches(spec: "ImportSpec", rows: Sequence[Mapping[str, Any]], near_enough: float) -> list[Match | None]:
    """For each row the known row it equals or most resembles. Two queries per 2,000 rows."""
    manager = spec.model._default_manager
    if not manager.exists():
        return [None] * len(rows)
    keys = [key_of(spec, row) for row in rows]
    same: dict[Any, tuple[int, int, str]] = {}
    for block in blocks({k for k in keys if k is not None}):
        for key, *known in manager.filter(**{f"{spec.key_field}__in": block}).values_list(spec.key_field, "pk", "version", "name"):
            same[bytes(key) if isinstance(key, (bytes, memoryview)) else key] = (known[0], known[1], known[2])
    open_rows = [i for i, key in enumerate(keys) if key not in same]
    candidates = _candidates(spec, {spec.near_key(rows[i]) for i in open_rows})
    found: list[Match | None] = [Match(*same[k][:2], True, 1.0, same[k][2]) if k in same else None for k in keys]
    for i in open_rows:
        best, best_score = None, near_enough
        for known in candidates.get(spec.near_key(rows[i]), ()):
            score = spec.alike(rows[i], known)
            if score >= best_score:
                best, best_score = known, score
        if best is not None:
            found[i] = Match(best["pk"], best["version"], False, round(best_score, 2), best["name"])
    return found


def _candidates(spec: "ImportSpec", near_keys: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Known rows by blocking key, with what likeness looks at; whether they have the key, never the key itself."""
    fields = {f.name for f in spec.model._meta.get_fields()}
    wanted = [
        "pk",
        "version",
        "near_key",
        *(f for f in ("name", "address", "place_id", "sex", "born_on") if f.removesuffix("_id") in fields),
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for block in blocks(near_keys):
        query = spec.model._default_manager.filter(near_key__in=block)
        for known in query.values(*wanted, spec.key_field):
            known["has_key"] = known[spec.key_field] is not None
            found.setdefault(known["near_key"], []).append(known)
    return found
