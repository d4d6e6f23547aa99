"""Reading alarms, the evidence behind them, and how well the watch keeps its promise."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Max, Min, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.domains.warning.learning import Given
from tongchou.domains.warning.models import Alarm, AlarmShare, AlarmVerdict, PlaceEvidence, Signal
from tongchou.domains.warning.promise import KeptSignal, Raised
from tongchou.domains.warning.rules import Known, Memory
from tongchou.science.detection.model import METHOD_FALLBACK

# A rise is remembered this long when a new one is compared with it; longer than any repeat window an office would set.
_MEMORY_DAYS = 400


def alarms_seen_by(actor: Actor) -> QuerySet[Alarm]:
    """Alarms in places where the actor may read them, with dossier, place and running clocks; first due first, then newest."""
    running = Deadline.objects.filter(stopped_at=None).order_by("due_at", "pk")
    return (
        Alarm.objects.filter(within(actor, "alarm.read", "dossier__place__path"))
        .select_related("dossier__place", "dossier__owner_post", "area")
        .prefetch_related(Prefetch("dossier__deadlines", queryset=running, to_attr="running_clocks"))
        .annotate(due_at=Min("dossier__deadlines__due_at", filter=Q(dossier__deadlines__stopped_at=None)))
        .order_by(F("dossier__closed_at").desc(nulls_first=True), F("due_at").asc(nulls_last=True), "-day", "-pk")
    )


def open_alarms(path: str) -> QuerySet[Alarm]:
    """Alarms below `path` that wait for a decision, first due first, with dossier and place."""
    return (
        Alarm.objects.filter(dossier__closed_at=None, dossier__place__path__startswith=path)
        .select_related("dossier__place", "dossier__owner_post")
        .annotate(due_at=Min("dossier__deadlines__due_at", filter=Q(dossier__deadlines__stopped_at=None)))
        .order_by("due_at", "pk")
    )


def find_alarm(number: str) -> Alarm | None:
    """One alarm by its number, with its run, its shares and their streams."""
    shares = AlarmShare.objects.select_related("stream__sentinel__place")
    rows = Alarm.objects.select_related("dossier__place", "dossier__owner_post", "area", "run").prefetch_related(
        Prefetch("shares", queryset=shares)
    )
    return rows.filter(dossier__number=number).first()


def seen_alarm(number: str, actor: Actor) -> Alarm:
    """As `find_alarm`. Raises Unseen when missing or not the actor's to see."""
    alarm = find_alarm(number)
    if alarm is None or not actor.may("alarm.read", alarm.dossier.place.path):
        raise Unseen("alarm")
    return alarm


def alarms_of_year(alarm: Alarm) -> list[Alarm]:
    """The alarms of its area and target in the 365 days that end with it, itself last; no exercises unless it is one."""
    head = alarm.dossier
    rows = Alarm.objects.filter(
        area=alarm.area_id,
        target=alarm.target,
        day__gt=alarm.day - timedelta(days=365),
        pk__lte=alarm.pk,
        dossier__is_exercise=head.is_exercise,
    )
    return list(rows.order_by("pk"))


def known_alarms(area: Place, target: str, day: date, known_at: datetime | None = None) -> list[Known]:
    """What the repeat rule must remember about earlier alarms of this area and target: as they stand, or with the dismissals known at an instant."""
    rows = Alarm.objects.filter(
        area=area, target=target, day__lte=day, last_seen_on__gte=day - timedelta(days=_MEMORY_DAYS)
    ).select_related("dossier__place")
    return [
        Known(a.pk, a.dossier.place.path, area.path, a.target, a.dossier.grade, a.day, a.last_seen_on, a.decided_on if a.is_dismissed(known_at) else None)
        for a in rows
    ]  # fmt: skip


def memory_of(area: Place, target: str, day: date, known_at: datetime, repeat_days: int) -> Memory:
    """What has been told of an area before the morning of `day`, with the dismissals known at an instant."""
    recent = PlaceEvidence.objects.filter(
        place__path__startswith=area.path, target=target, day__lt=day, day__gte=day - timedelta(days=repeat_days)
    )
    touched = recent.exclude(grade="").exclude(place=area).values_list("place__path").annotate(last=Max("day")).order_by()
    return Memory(tuple(known_alarms(area, target, day, known_at)), dict(touched))


def raw_grades(alarm: Alarm, before: date) -> list[str]:
    """The grade that each morning from the alarm's first up to a day asked for, "" for none, oldest first.

    The whole area's where that reading found its rise in the alarm's place or around it, else that of the place itself.
    """
    here = alarm.place_path
    rows = PlaceEvidence.objects.filter(
        place__in={alarm.area_id, alarm.dossier.place_id}, target=alarm.target, day__gte=alarm.day, day__lt=before
    )
    found: dict[date, str] = {}
    for row in rows.select_related("run").order_by("day"):
        leading = row.run.result.get("place", "")
        if row.place_id != alarm.area_id:
            found.setdefault(row.day, row.grade)
        elif leading.startswith(here) or here.startswith(leading):
            found[row.day] = row.grade
    return list(found.values())


def evidence_series(place: Place, target: str, first_day: date, last_day: date) -> list[PlaceEvidence]:
    """Evidence per morning in one place, oldest first."""
    return list(PlaceEvidence.objects.filter(place=place, target=target, day__gte=first_day, day__lte=last_day).order_by("day"))


def evidence_on(day: date, target: str, path: str) -> QuerySet[PlaceEvidence]:
    """Every place's evidence on one morning, strongest first."""
    rows = PlaceEvidence.objects.filter(day=day, target=target, place__path__startswith=path)
    return rows.select_related("place", "run").order_by("-log_evidence")


def signals_of(stream_ids: Iterable[int], first_day: date, last_day: date) -> dict[int, list[Signal]]:
    """Stream id → how it looked on each morning of a time, oldest first."""
    found: dict[int, list[Signal]] = defaultdict(list)
    for row in Signal.objects.filter(stream_id__in=stream_ids, day__gte=first_day, day__lte=last_day).order_by("day"):
        found[row.stream_id].append(row)
    return found


def failed_methods(path: str) -> list[Signal]:
    """Streams below `path` whose own method failed on the newest morning read, so that only the rank of their week was judged."""
    newest = Signal.objects.order_by("-day").values("day")[:1]
    rows = Signal.objects.filter(method=METHOD_FALLBACK, day=newest, stream__sentinel__place__path__startswith=path)
    return list(rows.select_related("stream__sentinel").order_by("stream__code"))


def latest_signals(stream_ids: list[int], on_or_before: date) -> dict[int, Signal]:
    """Stream id → its newest signal up to a day."""
    rows = Signal.objects.filter(stream_id__in=stream_ids, day__lte=on_or_before, day__gt=on_or_before - timedelta(days=60))
    return {row.stream_id: row for row in rows.order_by("day")}


def verdict_log() -> list[Given]:
    """Every verdict ever given on an alarm that was no exercise, oldest first; `learning` says what stood when."""
    rows = AlarmVerdict.objects.filter(alarm__dossier__is_exercise=False).select_related("alarm__dossier__place", "alarm__area")
    return [
        Given(
            row.at, row.alarm_id, row.alarm.area.path, row.alarm.place_path, row.alarm.target, row.grade, row.verdict,  # type: ignore[arg-type]
            row.shares, row.alarm.day, row.alarm.last_seen_on,
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Promise:
    """Alarms of the last 365 days by verdict, beside what was promised a year."""

    false: int
    true: int
    unclear: int
    undecided: int
    promised_per_year: float | None

    @property
    def is_kept(self) -> bool | None:
        return None if self.promised_per_year is None else self.false <= self.promised_per_year


def promise_kept(path: str, on: date, promised_per_year: float | None) -> Promise:
    """How the last 365 days stand against the promised number of false alarms."""
    rows = _alarms_of_the_year(path, on)
    counts = rows.aggregate(**{name: Count("pk", filter=Q(verdict=verdict)) for name, verdict in _COUNTED.items()})
    return Promise(**counts, promised_per_year=promised_per_year)


_COUNTED = {"false": "false", "true": "true", "unclear": "unclear", "undecided": ""}


def verdict_counts(path: str, on: date) -> dict[str, Coalesce]:
    """The same counts as columns to annotate another row with, so that a page asks once; `promise_of` reads them."""
    rows = _alarms_of_the_year(path, on).order_by().values(all=Value(1)).annotate(n=Count("pk")).values("n")
    return {f"alarms_{name}": Coalesce(Subquery(rows.filter(verdict=verdict)), 0) for name, verdict in _COUNTED.items()}


def promise_of(row: object, promised_per_year: float) -> Promise:
    """The promise beside the counts a row was annotated with."""
    return Promise(**{name: getattr(row, f"alarms_{name}") for name in _COUNTED}, promised_per_year=promised_per_year)


def _alarms_of_the_year(path: str, on: date) -> QuerySet[Alarm]:
    return Alarm.objects.filter(
        dossier__place__path__startswith=path, day__gt=on - timedelta(days=365), day__lte=on, dossier__is_exercise=False
    )


def alarms_raised(before: date) -> list[Raised]:
    """Every alarm raised before a morning that was no exercise."""
    rows = Alarm.objects.filter(day__lt=before, dossier__is_exercise=False).select_related("dossier__place", "area")
    return [Raised(a.pk, a.area.path, a.place_path, a.target, a.day, a.last_seen_on) for a in rows]


def mornings_read(area_path: str, target: str, before: date) -> list[date]:
    """The mornings before a day on which an area was read for a target."""
    return list(PlaceEvidence.objects.filter(place__path=area_path, target=target, day__lt=before).values_list("day", flat=True))


def kept_signals(first_day: date, last_day: date) -> list[KeptSignal]:
    """Every signal with a value that mornings of a span kept."""
    rows = Signal.objects.filter(day__gte=first_day, day__lte=last_day, observed__isnull=False, expected__isnull=False, p__isnull=False)
    columns = ("stream__code", "day", "observed_on", "observed", "expected", "p")
    return [
        KeptSignal(*row) for row in rows.filter(observed_on__isnull=False).exclude(method=METHOD_FALLBACK).values_list(*columns).order_by()
    ]


def readings_between(area_paths: Sequence[str], first_day: date, last_day: date) -> int:
    """How many readings of areas for targets were kept in a span of mornings."""
    return PlaceEvidence.objects.filter(place__path__in=area_paths, day__gte=first_day, day__lte=last_day).count()
