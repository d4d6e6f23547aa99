"""Reading the matrix: series as they were known at an instant, and how fresh every stream is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.db.models import Case, Max, Q, QuerySet, When
from numpy.typing import NDArray

from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import installation
from tongchou.domains.sentinels import rules
from tongchou.domains.sentinels.models import Observation, Sentinel, Stream
from tongchou.domains.sentinels.rules import Freshness, FreshnessParams

_IDS_PER_QUERY = 5_000  # below the bound-variable limits of both databases
_RECENT_DAYS = 60
_DAY_NUMBER = {"sqlite": "CAST(julianday(day) - julianday(%s) AS INTEGER)", "postgresql": "day - %s::date"}


@dataclass(frozen=True, slots=True)
class SeriesBlock:
    """Values of streams × days as known at an instant; NaN where nothing was known. `days` are consecutive from `first_day`."""

    stream_ids: tuple[int, ...]
    first_day: date
    values: NDArray[np.float64]
    as_known_at: datetime

    @property
    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=k) for k in range(self.values.shape[1])]


@dataclass(frozen=True, slots=True)
class StreamFreshness:
    """A stream, its sentinel, and how up to date it is."""

    stream: Stream
    freshness: Freshness


def zone_of_town() -> ZoneInfo:
    """The zone in which the town's days begin; UTC before a town is installed."""
    town = installation()
    return ZoneInfo(town.zone if town else "UTC")


def observations_as_known(stream_ids: Sequence[int], first_day: date, last_day: date, as_known_at: datetime) -> SeriesBlock:
    """What was known at an instant about each stream on each day, both ends included: the last report up to then.

    Rows come in the order in which they became known, so of two values for one day the later one stays.
    """
    ids = tuple(stream_ids)
    days = max((last_day - first_day).days + 1, 0)
    values = np.full((len(ids), days), np.nan)
    order = np.argsort(ids)
    for part in batched_ids(ids) if days else ():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT stream_id, {_DAY_NUMBER[connection.vendor]}, value FROM sentinels_observation"
                f" WHERE stream_id IN ({','.join(['%s'] * len(part))}) AND day BETWEEN %s AND %s AND reported_at <= %s"
                " ORDER BY stream_id, day, reported_at",
                [first_day.isoformat(), *part, first_day.isoformat(), last_day.isoformat(), _bound(as_known_at)],
            )
            rows = np.fromiter(chain.from_iterable(cursor.fetchall()), dtype=float).reshape(-1, 3)
        places = order[np.searchsorted(ids, rows[:, 0], sorter=order)]
        values[places, rows[:, 1].astype(int)] = rows[:, 2]
    return SeriesBlock(ids, first_day, values, as_known_at)


def batched_ids(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[k : k + _IDS_PER_QUERY] for k in range(0, len(ids), _IDS_PER_QUERY)]


def _bound(at: datetime) -> str:
    """An instant as this database compares it: raw SQL goes past the model's own conversion."""
    return str(connection.ops.adapt_datetimefield_value(at))


def live_streams(place_path: str = "/") -> QuerySet[Stream]:
    """Streams of live sentinels in a place and below, each with its sentinel and place, by code."""
    rows = Stream.objects.filter(sentinel__place__path__startswith=place_path, sentinel__state="live", state="live")
    return rows.select_related("sentinel__place").defer("sentinel__place__outline", "sentinel__place__point").order_by("code")


def seen_sentinel(code: str, by: Actor) -> Sentinel:
    """The sentinel with this code, if the actor may read it. Raises Unseen."""
    row = Sentinel.objects.select_related("place", "contact_post").filter(code=code).first()
    if row is None or not by.may("sentinel.read", row.place_path):
        raise Unseen("sentinel")
    return row


def seen_stream(code: str, by: Actor) -> Stream:
    """The stream with this code, if the actor may read it. Raises Unseen."""
    row = Stream.objects.select_related("sentinel__place").filter(code=code).first()
    if row is None or not by.may("sentinel.read", row.place_path):
        raise Unseen("stream")
    return row


def freshness_params(on: date, place_path: str = "/") -> FreshnessParams:
    """Grace and patience of a place on a day: half a day and three reports where the office set nothing."""
    found = values_on(["stream.late_after", "stream.silent_factor"], on, place_path)
    late, silent = found.get("stream.late_after"), found.get("stream.silent_factor")
    return FreshnessParams(float(late.value) if late else 0.5, float(silent.value) if silent else 3.0)


def last_days_known(stream_ids: Sequence[int], at: datetime) -> dict[int, date]:
    """Stream id → the last day it had reported on by an instant; streams that never did are left out."""
    since = at.date() - timedelta(days=_RECENT_DAYS)
    found: dict[int, date] = {}
    # Nearly every stream spoke lately, and the recent end of the index is short; only the rest are looked up in the whole past.
    for rows in (Observation.objects.filter(day__gte=since), Observation.objects.filter(day__lt=since)):
        wanted = [stream for stream in stream_ids if stream not in found]
        for part in batched_ids(wanted):
            known = rows.filter(stream__in=part, reported_at__lte=at).values_list("stream_id").annotate(last=Max("day"))
            found.update(dict(known.order_by()))
    return found


def freshness_of(streams: Sequence[Stream], at: datetime, place_path: str = "/", zone: ZoneInfo | None = None) -> list[StreamFreshness]:
    """How up to date each of these streams is at an instant, in the town's zone. Their sentinels must be loaded."""
    zone = zone or zone_of_town()
    params = freshness_params(at.astimezone(zone).date(), place_path)
    last_days = last_days_known([stream.pk for stream in streams], at)
    return [
        StreamFreshness(
            stream,
            rules.freshness(
                last_days.get(stream.pk), rules.schedule_of(stream.sentinel.schedule), stream.expected_delay_days, at, zone, params,
                began_on=stream.sentinel.valid_from, step_days=stream.step_days,
            ),
        )
        for stream in streams
    ]  # fmt: skip


def freshness_at(at: datetime, place_path: str = "/") -> list[StreamFreshness]:
    """How up to date every live stream of a place and below is at an instant, by code."""
    return freshness_of(list(live_streams(place_path)), at, place_path)


def turned_silent(since: datetime, at: datetime, place_path: str = "/") -> list[StreamFreshness]:
    """Live streams that are silent at `at` and were not yet at `since`."""
    streams = list(live_streams(place_path))
    before = {found.stream.pk for found in freshness_of(streams, since, place_path) if found.freshness.state == "silent"}
    return [found for found in freshness_of(streams, at, place_path) if found.freshness.state == "silent" and found.stream.pk not in before]


@dataclass(frozen=True, slots=True)
class Curve:
    """One stream over days as it was known at an instant, with every report of a day that was reported more than once."""

    days: list[date]
    values: list[float | None]
    corrections: tuple[tuple[Observation, Observation], ...]  # (replaced, by), newest first
    reports: int
    bases: frozenset[str]


def stream_curve(stream: Stream, first_day: date, last_day: date, as_known_at: datetime) -> Curve:
    """A stream's curve with its corrections, in one query."""
    rows = stream.observations.filter(day__range=(first_day, last_day), reported_at__lte=as_known_at).select_related("by")
    latest: dict[date, Observation] = {}
    corrections: list[tuple[Observation, Observation]] = []
    known = list(rows.order_by("reported_at"))
    for row in known:
        if row.day in latest:
            corrections.append((latest[row.day], row))
        latest[row.day] = row
    days = [first_day + timedelta(days=k) for k in range((last_day - first_day).days + 1)]
    values = [latest[day].value if day in latest else None for day in days]
    corrections.sort(key=lambda pair: pair[1].reported_at, reverse=True)
    return Curve(days, values, tuple(corrections), len(known), frozenset(row.basis for row in known))


def reporting_sentinels(by: Actor) -> QuerySet[Sentinel]:
    """Live sentinels the actor may report for, those whose contact post they hold first."""
    reach = Q(pk=None)
    for path in by.scopes("stream.report"):
        reach |= Q(place__path__startswith=path)
    own = Case(When(contact_post__code__in=[held.code for held in by.posts], then=0), default=1)
    rows = Sentinel.objects.filter(reach, state="live").select_related("place", "contact_post")
    return rows.annotate(rank=own).order_by("rank", "code")
