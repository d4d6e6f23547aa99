"""What the desk reads across domains, in few queries."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.models import BooleanField, Case, Count, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.people.rules import Actor
from tongchou.domains.registry.models import ConstructionSite, School
from tongchou.domains.registry.queries import living_firms
from tongchou.domains.response.models import Task
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.models import Alarm, AlarmShare, PlaceEvidence, Signal
from tongchou.interfaces.web.nowcast_words import last_told
from tongchou.science.nowcasting.site_model import CompletedCurve
from tongchou.workflows.nowcasting import WEEK, Outlook, can_be_completed, outlook_of


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
    """All streams of one kind added up, as known now, with what the last days will be. Positions are those of `days`."""

    kind: str
    streams: tuple[Stream, ...]
    days: tuple[date, ...]
    counts: tuple[float | None, ...]
    expected: tuple[float | None, ...]
    outlook: Outlook

    @property
    def completed(self) -> CompletedCurve:
        """The nowcast on these days."""
        return self.outlook.at_days(self.days)

    @property
    def step_days(self) -> int:
        return self.outlook.curve.step_days

    @property
    def last_told(self) -> int | None:
        """Position of the latest day that is in, or of which is known what it will be."""
        return last_told(self.completed)

    def week_to(self, end: int) -> tuple[float, float]:
        """Sum of the seven days that end at a position as they will be, and how much of it is not reported yet."""
        week = slice(max(0, end - WEEK // self.step_days + 1), end + 1)
        reported = sum(value or 0.0 for value in self.counts[week])
        beside = float(np.nansum(self.completed.expected[week] - np.nan_to_num(self.completed.reported[week])))
        return reported + beside, beside


def curve_of(kind: str, streams: Sequence[Stream], steps: int, today: date, at: datetime, scope: str) -> Curve | None:
    """The town's curve of one kind of counts, with the level expected on the morning each day was first judged. Three queries at most."""
    outlook = outlook_of(streams, at, today, scope)
    if outlook is None:
        return None
    days = outlook.curve.days[-steps:]
    counts = tuple(None if np.isnan(value) else float(value) for value in outlook.curve.reported[-steps:])
    levels = _expected_levels(streams, days[0], today)
    return Curve(kind, tuple(streams), days, counts, tuple(levels.get(day) for day in days), outlook)


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
        living_firms()
        .filter(place__path__startswith=path)
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
    """Which kind of counts the curve shows and which others may be chosen: by share in the first alarm, else specific kinds."""
    usable = {s.kind: s for s in streams if can_be_completed(s)}
    first = next(iter(alarms), None)
    ranked = [share.kind for share in first.shares.all() if share.kind in usable and share.share >= 0.01] if first else []
    ranked += sorted((k for k in usable if k not in ranked), key=lambda k: (not usable[k].is_specific, k))
    if not ranked:
        return "", ()
    return (wanted if wanted in usable else ranked[0]), tuple(ranked[:4])
