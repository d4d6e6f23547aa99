"""Changing a number an office may change: from a day on, with its source; the past keeps its value."""

from datetime import date, datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T


@action("parameter.write", place=lambda given: given["place"].path if given.get("place") else "/")
def set_parameter(
    *, key: str, value: object, valid_from: date, source: T, confidence: str = "high", place: Place | None = None, by: Actor, at: datetime
) -> ParameterValue:
    """Give a parameter a new value from a day on. Raises Unseen for an unknown key, Invalid for a missing source or wrong kind of value."""
    parameter = Parameter.objects.filter(key=key).first()
    if parameter is None:
        raise Unseen("parameter")
    problems = []
    if not source.zh.strip():
        problems.append(FieldProblem("source", T("请写明依据。", "Name the source.")))
    known = parameter.values.order_by("-valid_from").first()
    numeric = known is not None and isinstance(known.value, (int, float)) and not isinstance(known.value, bool)
    if numeric and (not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0):
        problems.append(FieldProblem("value", T("应为不小于零的数字。", "Must be a number not below zero.")))
    if problems:
        raise Invalid(problems)
    row, _ = ParameterValue.objects.update_or_create(
        parameter=parameter,
        place=place,
        valid_from=valid_from,
        defaults={"value": value, "source_zh": source.zh, "source_en": source.en or source.zh, "confidence": confidence},
    )
    record("parameter.set", row, detail={"key": key, "value": value, "from": valid_from, "before": known.value if known else None})
    return row
