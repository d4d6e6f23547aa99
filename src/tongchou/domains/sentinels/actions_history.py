"""Taking over a pack's sentinels and their past: rows with the instant at which each became known, in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from itertools import islice

from django.db import connection

from tongchou.core.audit.acting import action, record
from tongchou.core.packs.contents import SentinelSpec
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.domains.sentinels.models import Catchment, Observation, Sentinel, Stream

_BATCH = 500
_HISTORY_BATCH = 20_000
_SENTINEL_FIELDS = (
    "kind", "setting", "name_zh", "name_en", "place", "operator_zh", "operator_en", "contact_post", "schedule", "is_generated",
)  # fmt: skip
_STREAM_FIELDS = (
    "sentinel", "kind", "indicator_zh", "indicator_en", "unit_zh", "unit_en", "value_kind", "targets", "step_days", "period_days",
    "expected_delay_days", "direction", "is_specific", "weight", "plausible_max", "model",
)  # fmt: skip


@action("sentinel.write", place=lambda given: given["root"].path)
def lay_sentinels(
    *,
    specs: Sequence[SentinelSpec],
    places: Mapping[str, Place],
    posts: Mapping[str, Post],
    root: Place,
    valid_from: date,
    by: Actor,
    at: datetime,
) -> dict[str, Stream]:
    """Put a pack's sentinels, catchments and streams into the matrix; gives back the streams by code. The state of a known one stays."""
    Sentinel.objects.bulk_create(
        [
            Sentinel(
                code=s.code, kind=s.kind, setting=s.setting, name_zh=s.name.zh, name_en=s.name.en, place=places[s.place],
                operator_zh=s.operator.zh, operator_en=s.operator.en, contact_post=posts.get(s.contact),
                schedule={"weekdays": list(s.days), "due": "18:00"}, state=s.state, is_generated=s.generated, valid_from=valid_from,
            )
            for s in specs
        ],
        batch_size=_BATCH, update_conflicts=True, unique_fields=["code"], update_fields=_SENTINEL_FIELDS,
    )  # fmt: skip
    rows = {s.code: s for s in Sentinel.objects.filter(code__in=[s.code for s in specs])}
    Catchment.objects.bulk_create(
        [Catchment(sentinel=rows[s.code], place=places[c.place], share=c.share) for s in specs for c in s.catchments],
        batch_size=_BATCH, update_conflicts=True, unique_fields=["sentinel", "place"], update_fields=["share"],
    )  # fmt: skip
    Stream.objects.bulk_create(
        [
            Stream(
                code=t.code, sentinel=rows[s.code], kind=t.kind, indicator_zh=t.indicator.zh, indicator_en=t.indicator.en,
                unit_zh=t.unit.zh, unit_en=t.unit.en, value_kind=t.value_kind, targets=list(t.targets), step_days=t.step_days,
                period_days=t.period_days, expected_delay_days=t.expected_delay_days, direction=t.direction, is_specific=t.specific,
                weight=t.weight, plausible_max=t.plausible_max, model=asdict(t.model),
            )
            for s in specs
            for t in s.streams
        ],
        batch_size=_BATCH, update_conflicts=True, unique_fields=["code"], update_fields=_STREAM_FIELDS,
    )  # fmt: skip
    found = {t.code: t for t in Stream.objects.filter(sentinel__in=rows.values()).select_related("sentinel")}
    record("sentinel.lay", root, detail={"sentinels": len(specs), "streams": len(found)})
    return found


@action("stream.report", place=lambda given: given["root"].path)
def keep_history(*, rows: Iterable[tuple[str, date, datetime, float, str]], source: str, root: Place, by: Actor, at: datetime) -> int:
    """Keep past values, each (stream code, day, reported at, value, basis), as they became known; known ones stay. Gives back how many were read."""
    ids = dict(Stream.objects.values_list("code", "pk"))
    table = connection.ops.quote_name(Observation._meta.db_table)
    # One statement for many rows, on both databases: building a hundred thousand model objects takes longer than storing them.
    names = "stream_id, day, reported_at, value, basis, source, reason"
    insert = f"INSERT INTO {table} ({names}) VALUES (%s, %s, %s, %s, %s, %s, '') ON CONFLICT DO NOTHING"
    adapt_day, adapt_at = connection.ops.adapt_datefield_value, connection.ops.adapt_datetimefield_value
    values = ((ids[code], adapt_day(day), adapt_at(known_at), value, basis, source) for code, day, known_at, value, basis in rows)
    read = 0
    with connection.cursor() as cursor:
        while batch := list(islice(values, _HISTORY_BATCH)):
            cursor.executemany(insert, batch)
            read += len(batch)
    record("observation.history", root, detail={"rows": read, "source": source})
    return read
