"""Taking a pack's parameters over: what each key means, and its dated values. What the office set itself stays."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tongchou.core.audit.acting import action, record
from tongchou.core.packs.contents import ParameterSpec
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place

_BATCH = 500
# Durations are looked up by the name of one unit.
_UNITS = {"minutes": "minute", "hours": "hour", "days": "day"}


@action("parameter.write")
def define_parameters(*, specs: Sequence[ParameterSpec], places: Mapping[str, Place], root: Place, by: Actor, at: datetime) -> int:
    """Define a pack's parameters and add values for days that have none yet; gives back how many values are new."""
    Parameter.objects.bulk_create(
        [
            Parameter(key=s.key, unit=_UNITS.get(s.unit, s.unit)[:24], name_zh=s.description.zh[:120], name_en=s.description.en[:160])
            for s in specs
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["unit", "name_zh", "name_en"],
    )
    rows = {p.key: p for p in Parameter.objects.all()}
    known = set(ParameterValue.objects.values_list("parameter__key", "place_id", "valid_from"))
    new = []
    for spec in specs:
        for entry in spec.entries:
            place = places[entry.place] if entry.place else None
            if (spec.key, place.pk if place else None, entry.from_on) in known:
                continue
            new.append(
                ParameterValue(
                    parameter=rows[spec.key],
                    place=place,
                    value=entry.value,
                    valid_from=entry.from_on,
                    # A pack names the last day of a value, the table the first day without it.
                    valid_to=entry.to_on + timedelta(days=1) if entry.to_on else None,
                    source_zh=entry.source.zh[:300],
                    source_en=entry.source.en[:300],
                    confidence=entry.confidence,
                )
            )
    ParameterValue.objects.bulk_create(new, batch_size=_BATCH)
    record("parameter.define", root, detail={"parameters": len(specs), "new_values": len(new)})
    return len(new)
