"""What the desk reads across domains, in few queries."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import BooleanField, Case, Count, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.people.rules import Actor
from tongchou.domains.registry.models import ConstructionSite, Firm, School
from tongchou.domains.response.models import Task
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.queries import observations_as_known
from tongchou.domains.warning.models import Alarm, AlarmShare, PlaceEvidence, Signal

COMPLETE_SHARE = 0.9  # of the streams that report: below it a recent day is not yet in
RECENT_DAYS = 7


def scopes_of(actor: Actor, root: str) -> list[str]:
    """The paths of the town, or within it, whose desk the person may see; widest first."""
    found = {root if root.startswith(scope) else scope for scope in actor.scopes("desk.read")}
    return sorted((path for path in found if path.startswith(root)), key=lambda path: (len(path), path))


def alarms_since(path: str, first_day: date) -> list[Alarm]:
    """Alarms below a place that are open or were raised from a day on, with shares and streams; open and first due first. Two queries."""
    rows = (
        Alarm.objects.filter(Q(dossier__closed_at=None) | Q(day__gte=first_day), dossier__place__path__startswith=path)
        .filter(dossier__is_exercise=False)
        .select_related("dossier__place", "area")
        .annotate(due_at=Min("dossier__deadlines__due_at", filter=Q(dossier__deadlines__stopped_at=None)))
        .prefetch_related(Prefetch("shares", queryset=AlarmShare.objects.select_related("stream__sentinel")))
    )
    return sorted(rows, key=lambda a: (a.dossier.closed_at is not None, a.due_at is None, a.due_at or a.dossier.opened_at, -a.pk))


def open_incidents(path: str, at: datetime) -> QuerySet[Dossier]:
    """Incidents under way below a place with `tasks_all`, `tasks_open`, `tasks_late` and `next_due_at`, oldest first. One query."""
    tasks = Task.objects.filter(incident=OuterRef("pk")).order_by()
    clocks = Deadline.objects.filter(stopped_at=None, dossier__task__incident=OuterRef("pk"), dossier__closed_at=None).order_by()

    def counted(rows: QuerySet[Any], group: str) -> Coalesce:
        return Coalesce(Subquery(rows.values(group).annotate(n=Count("pk", distinct=True)).values("n")), 0)

    late = clocks.filter(due_at__lt=at).values("dossier__task__incident").annotate(n=Count("dossier", distinct=True)).values("n")
    first = clocks.filter(due_at__gte=at).values("dossier__task__incident").annotate(first=Min("due_at")).values("first")
    return (
        Dossier.objects.filter(kind="incident", closed_at=None, place__path__startswith=path, is_exercise=False)
        .select_related("place")
        .annotate(
            tasks_all=counted(tasks, "incident"),
            tasks_open=counted(tasks.filter(dossier__closed_at=None), "incident"),
            tasks_late=Coalesce(Subquery(late), 0),
            next_due_at=Subquery(first),
        )
        .order_by("opened_at", "pk")
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """All streams of one kind added up, as known now. `reported` is the share of them in per day; `partial` the recent days not yet in."""

    kind: str
    streams: tuple[Stream, ...]
    days: tuple[date, ...]
    counts: tuple[float | None, ...]
    expected: tuple[float | None, ...]
    reported: tuple[float, ...]
    partial: frozenset[date]

    @property
    def last_complete(self) -> int | None:
        """Position of the latest day that is in."""
        known = [i for i, day in enumerate(self.days) if self.counts[i] is not None and day not in self.partial]
        return known[-1] if known else None

    def week_to(self, end: int) -> float:
        """Sum of the seven days that end at a position."""
        return sum(value or 0.0 for value in self.counts[max(0, end - 6) : end + 1])


def curve_of(kind: str, streams: Sequence[Stream], first_day: date, last_day: date, at: datetime) -> Curve:
    """The town's curve of one kind of daily counts, with the level expected on the morning each day was first judged. Two queries."""
    block = observations_as_known([s.pk for s in streams], first_day, last_day, at)
    known = np.isfinite(block.values)
    reported = known.mean(axis=0) if len(streams) else np.zeros(len(block.days))
    sums = np.nansum(block.values, axis=0)
    counts = tuple(float(total) if share > 0 else None for total, share in zip(sums, reported, strict=True))
    recent = last_day - timedelta(days=RECENT_DAYS)
    partial = frozenset(d for d, share in zip(block.days, reported, strict=True) if d > recent and 0 < share < COMPLETE_SHARE)
    levels = _expected_levels(streams, first_day, last_day)
    return Curve(
        kind, tuple(streams), tuple(block.days), counts, tuple(levels.get(d) for d in block.days), tuple(map(float, reported)), partial
    )


def _expected_levels(streams: Sequence[Stream], first_day: date, last_day: date) -> dict[date, float]:
    """Day → the level all streams together were expected to have, as of the first morning that judged each; streams not judged count as the others."""
    rows = Signal.objects.filter(stream__in=[s.pk for s in streams], observed_on__gte=first_day, observed_on__lte=last_day)
    first: dict[tuple[date, int], float] = {}
    for stream, day, level, pooled in rows.order_by("day").values_list("stream_id", "observed_on", "expected", "pooled"):
        if level is not None and day is not None:
            # A pooled row bears the figure of the whole pool, once for each of its streams.
            first.setdefault((day, stream), level / pooled)
    sums, judged = Counter[date](), Counter[date]()
    for (day, _), level in first.items():
        sums[day] += level  # type: ignore[assignment]
        judged[day] += 1
    return {day: sums[day] * len(streams) / judged[day] for day in sums}


@dataclass(frozen=True, slots=True)
class VillageEvidence:
    """The newest reading's probability of a rise and grade per place, and the instant it stands on."""

    as_known_at: datetime | None
    probability: Mapping[int, float]
    grades: Mapping[int, str]


def village_evidence(path: str, target: str) -> VillageEvidence:
    """Place id → newest evidence below a place. One query."""
    newest = PlaceEvidence.objects.filter(target=target).order_by("-day").values("day")[:1]
    rows = list(PlaceEvidence.objects.filter(target=target, day=Subquery(newest), place__path__startswith=path))
    return VillageEvidence(
        max((r.as_known_at for r in rows), default=None),
        {r.place_id: r.probability for r in rows},
        {r.place_id: r.grade for r in rows if r.grade},
    )


@dataclass(slots=True)
class Resumed:
    """Firms of one group by state."""

    key: str
    firms: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.firms.total()

    @property
    def resumed_share(self) -> float:
        return (self.firms["resumed"] + self.firms["full"]) / self.count if self.count else 0.0

    @property
    def full_share(self) -> float:
        return self.firms["full"] / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Economy:
    """The firm register's state: all, by section, by size, how many of today's open firms had resumed by each day, and the day it speaks of."""

    whole: Resumed
    sectors: tuple[Resumed, ...]
    sizes: Mapping[str, Resumed]
    resumed_by: tuple[tuple[date, int], ...]
    as_of: date | None


def economy_of(path: str) -> Economy:
    """Counts over the firms below a place. One query."""
    rows = (
        Firm.objects.filter(place__path__startswith=path)
        .values("section", "size_class", "resumption", "resumed_on")
        .annotate(n=Count("pk"), changed_at=Max("changed_at"))
        .order_by()
    )
    whole, sectors, sizes, days = Resumed("all"), dict[str, Resumed](), dict[str, Resumed](), Counter[date]()
    changed: list[date] = []
    for row in rows:
        for group in (
            whole,
            sectors.setdefault(row["section"], Resumed(row["section"])),
            sizes.setdefault(row["size_class"], Resumed(row["size_class"])),
        ):
            group.firms[row["resumption"]] += row["n"]
        changed.append(row["changed_at"].date())
        if row["resumed_on"] and row["resumption"] != "closed":
            days[row["resumed_on"]] += row["n"]
    total, line = 0, []
    for day in sorted(days):
        total += days[day]
        line.append((day, total))
    return Economy(
        whole,
        tuple(sorted(sectors.values(), key=lambda s: -s.count)),
        sizes,
        tuple(line),
        max((day for day in (*days, *changed)), default=None),
    )


def states_of_sites(path: str) -> Mapping[tuple[str, str], int]:
    """("site", state), ("major", state) and ("school", open or closed) → how many below a place. One query."""
    here = Q(place__path__startswith=path)
    sites = ConstructionSite.objects.filter(here).order_by().values_list(Value("site"), "state", "is_major").annotate(n=Count("pk"))
    is_open = Case(When(is_open=True, then=Value("open")), default=Value("closed"))
    never = Value(False, output_field=BooleanField())
    schools = School.objects.filter(here).order_by().values_list(Value("school"), is_open, never).annotate(n=Count("pk"))
    found: Counter[tuple[str, str]] = Counter()
    for kind, state, is_major, n in sites.union(schools, all=True):
        found[(kind, state)] += n
        if is_major:
            found[("major", state)] += n
    return found


def chosen_kind(alarms: Iterable[Alarm], streams: Collection[Stream], wanted: str = "") -> tuple[str, tuple[str, ...]]:
    """Which kind of daily counts the curve shows and which others may be chosen: by share in the first alarm, else specific kinds."""
    usable = {s.kind: s for s in streams if s.value_kind == "count" and s.step_days == 1}
    first = next(iter(alarms), None)
    ranked = [share.kind for share in first.shares.all() if share.kind in usable and share.share >= 0.01] if first else []
    ranked += sorted((k for k in usable if k not in ranked), key=lambda k: (not usable[k].is_specific, k))
    if not ranked:
        return "", ()
    return (wanted if wanted in usable else ranked[0]), tuple(ranked[:4])
