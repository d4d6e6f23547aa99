"""Looking a parameter up on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q

from tongchou.core.errors import Refusal
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.wording import T

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Value:
    """A number in force: with its unit, since when, and who said so."""

    key: str
    value: Any
    unit: str
    valid_from: date
    source: T
    confidence: str


def values_on(keys: Sequence[str], on: date, place_path: str = "/") -> dict[str, Value]:
    """Several parameters in one query; keys without a value on that day are left out."""
    rows = (
        ParameterValue.objects.filter(Q(valid_to=None) | Q(valid_to__gt=on), parameter__key__in=keys, valid_from__lte=on)
        .select_related("parameter", "place")
        .order_by("valid_from", "pk")
    )
    best: dict[str, tuple[int, ParameterValue]] = {}
    for row in rows:
        depth = len(row.place.path) if row.place else 0
        if row.place is not None and not place_path.startswith(row.place.path):
            continue
        if row.parameter.key not in best or depth >= best[row.parameter.key][0]:
            best[row.parameter.key] = (depth, row)
    return {
        key: Value(key, r.value, r.parameter.unit, r.valid_from, T(r.source_zh, r.source_en), r.confidence) for key, (_, r) in best.items()
    }


def value(key: str, *, on: date, place_path: str = "/") -> Value:
    """The parameter in force on a day in a place. Raises Refusal naming the key and the day when there is none."""
    found = values_on([key], on, place_path).get(key)
    if found is None:
        raise Refusal(
            T(f"参数 {key} 在 {on} 没有取值。", f"Parameter {key} has no value on {on}."),
            T("请在“参数”页补录带日期和依据的取值。", "Enter one with its date and source on the Parameters page."),
        )
    return found


def duration(key: str, *, on: date, place_path: str = "/") -> timedelta:
    """A parameter given in minutes, hours or days, as a time span."""
    return duration_of(value(key, on=on, place_path=place_path))


def duration_of(found: Value) -> timedelta:
    """A value given in minutes, hours or days, as a time span."""
    return float(found.value) * _UNITS[found.unit]
