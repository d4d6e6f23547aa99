"""What a pack brings: its sentinels and streams, and observations of the past with the instants at which they became known."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import ArrayLike, NDArray

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.packs.contents import SentinelSpec, StreamSpec
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import LARGEST_VALUE, Catchment, Observation, Sentinel, Stream

_ROWS_PER_INSERT = 50_000


@action("sentinel.write", place=lambda given: given["place"].path)
def install_sentinels(*, specs: Sequence[SentinelSpec], place: Place, valid_from: date, by: Actor, at: datetime) -> int:
    """Lay down a pack's sentinels, catchments and streams; known codes are brought up to the pack. Gives back how many there are.

    `place` is the pack's own place; places and posts must be there already. `valid_from` is the first day of newly made sentinels.
    """
    places = {p.code: p for p in Place.objects.filter(valid_to=None)}
    posts = {p.code: p for p in Post.objects.all()}
    for spec in specs:
        facts = _sentinel_facts(spec, places, posts)
        row, _ = Sentinel.objects.update_or_create(
            code=spec.code, defaults=facts, create_defaults={**facts, "code": spec.code, "valid_from": valid_from}
        )
        row.catchments.exclude(place__code__in=[c.place for c in spec.catchments]).delete()
        for seen in spec.catchments:
            Catchment.objects.update_or_create(sentinel=row, place=places[seen.place], defaults={"share": seen.share})
        for stream in spec.streams:
            Stream.objects.update_or_create(code=stream.code, defaults={"sentinel": row, **_stream_facts(stream)})
    digest = sha256(repr(specs).encode()).hexdigest()
    record("sentinel.install", place, detail={"sentinels": len(specs), "streams": sum(len(s.streams) for s in specs), "sha256": digest})
    return len(specs)


def _sentinel_facts(spec: SentinelSpec, places: dict[str, Place], posts: dict[str, Post]) -> dict[str, Any]:
    return {
        "kind": spec.kind,
        "setting": spec.setting,
        "name_zh": spec.name.zh,
        "name_en": spec.name.en,
        "place": places[spec.place],
        "operator_zh": spec.operator.zh,
        "operator_en": spec.operator.en,
        "contact_post": posts.get(spec.contact),
        "schedule": {"weekdays": list(spec.days), "due": "18:00"},
        "state": spec.state,
        "is_generated": spec.generated,
    }


def _stream_facts(spec: StreamSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind,
        "indicator_zh": spec.indicator.zh,
        "indicator_en": spec.indicator.en,
        "unit_zh": spec.unit.zh,
        "unit_en": spec.unit.en,
        "value_kind": spec.value_kind,
        "targets": list(spec.targets),
        "step_days": spec.step_days,
        "period_days": spec.period_days,
        "expected_delay_days": spec.expected_delay_days,
        "direction": spec.direction,
        "is_specific": spec.specific,
        "weight": spec.weight,
        "plausible_max": spec.plausible_max,
        "model": asdict(spec.model),
    }


@action("sentinel.write", place=lambda given: given["place"].path)
def load_past(
    *,
    stream_codes: Sequence[str] | NDArray[np.str_],
    days: ArrayLike | Sequence[date],
    reported_at: ArrayLike | Sequence[datetime],
    values: ArrayLike,
    basis: str | Sequence[str],
    source: str,
    place: Place,
    by: Actor,
    at: datetime,
) -> int:
    """Keep observations of the past in columns, each with the instant at which it became known (datetime64 in UTC, or aware datetimes).

    `basis` is vintage, final_at_usual_lag or generated, for all or for each. Rows already there stay as they are; gives back how many
    are new. Raises Invalid for an unknown stream, a value out of range, or a row known only after `at`.
    """
    codes = [str(code) for code in stream_codes]
    ids = dict(Stream.objects.filter(code__in=set(codes)).values_list("code", "pk"))
    numbers = np.asarray(values, dtype=float)
    instants = _instants(reported_at)
    bases = [basis] * len(codes) if isinstance(basis, str) else list(basis)
    _refuse_wrong_past(codes, ids, numbers, instants, bases, at)
    columns = (
        [ids[code] for code in codes],
        np.datetime_as_string(np.asarray(days, dtype="datetime64[D]")).tolist(),
        [text.replace("T", " ") for text in np.datetime_as_string(instants).tolist()],
        numbers.tolist(),
        bases,
    )
    before = Observation.objects.count()
    for start in range(0, len(codes), _ROWS_PER_INSERT):
        _insert(tuple(column[start : start + _ROWS_PER_INSERT] for column in columns), source)
    added = Observation.objects.count() - before
    digest = sha256("\n".join(codes).encode() + numbers.tobytes() + instants.tobytes()).hexdigest()
    record("observation.load", place, detail={"source": source, "rows": len(codes), "new": added, "sha256": digest})
    return added


def _instants(given: ArrayLike | Sequence[datetime]) -> NDArray[np.datetime64]:
    if isinstance(given, np.ndarray):
        return given.astype("datetime64[s]")
    plain = [moment.astimezone(UTC).replace(tzinfo=None) for moment in given]  # type: ignore[union-attr]
    return np.asarray(plain, dtype="datetime64[s]")


def _refuse_wrong_past(
    codes: list[str], ids: dict[str, int], numbers: NDArray[np.float64], instants: NDArray[np.datetime64], bases: list[str], at: datetime
) -> None:
    problems = [
        FieldProblem("stream", T(f"没有数据流 {code}", f"There is no stream {code}")) for code in sorted(set(codes) - set(ids))[:20]
    ]
    for row in np.flatnonzero(~((numbers >= 0) & (numbers <= LARGEST_VALUE)))[:20]:
        problems.append(
            FieldProblem(f"rows[{row + 1}].value", T(f"{numbers[row]} 不是合法取值", f"{numbers[row]} is not a possible value"))
        )
    now = np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "s")
    for row in np.flatnonzero(instants > now)[:20]:
        problems.append(FieldProblem(f"rows[{row + 1}].reported_at", T(f"{instants[row]} 还没有到", f"{instants[row]} lies in the future")))
    for basis in sorted(set(bases) - set(Observation.BASES)):
        problems.append(FieldProblem("basis", T(f"没有“{basis}”这种来历", f"There is no basis '{basis}'")))
    if problems:
        raise Invalid(problems)


def _insert(columns: tuple[list[Any], ...], source: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            ids, days, instants, values, bases = columns
            cursor.execute(
                "INSERT INTO sentinels_observation (stream_id, day, reported_at, value, basis, source, reason)"
                " SELECT s, d, (r || '+00')::timestamptz, v, b, %s, '' FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::float8[], %s::text[])"
                " AS t(s, d, r, v, b) ON CONFLICT DO NOTHING",
                [source, ids, days, instants, values, bases],
            )
            return
        cursor.executemany(
            "INSERT OR IGNORE INTO sentinels_observation (stream_id, day, reported_at, value, basis, source, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, '')",
            [(*row, source) for row in zip(*columns, strict=True)],
        )
