"""Who is seen by whom: the matrix village × kind, and the blind spots between. A silent sentinel sees nobody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from tongchou.core.parameters.queries import values_on
from tongchou.core.places.models import Place
from tongchou.core.places.queries import leaf_places
from tongchou.domains.sentinels import rules
from tongchou.domains.sentinels.models import Catchment, Sentinel
from tongchou.domains.sentinels.queries import StreamFreshness, freshness_of, live_streams, zone_of_town
from tongchou.domains.sentinels.rules import FreshnessState

SEEN_FROM = 0.2  # where `coverage.seen_from` has no value
# A case desk sees only those whom others found: it watches, but it opens no eye on residents nobody else sees.
FINDING_KINDS = tuple(kind for kind in Sentinel.KINDS if kind != "case_investigation")


@dataclass(frozen=True, slots=True)
class Watch:
    """A sentinel with the state of its streams. It watches while it is live and at least one stream is not silent."""

    sentinel: Sentinel
    streams: tuple[StreamFreshness, ...]

    @property
    def worst(self) -> FreshnessState | None:
        return rules.worst(found.freshness.state for found in self.streams)

    @property
    def is_watching(self) -> bool:
        return self.sentinel.state == "live" and any(found.freshness.state != "silent" for found in self.streams)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of sentinel over one village: each with the share of residents it sees when it works."""

    watches: tuple[tuple[Watch, float], ...]

    @property
    def live(self) -> int:
        return sum(watch.is_watching for watch, _ in self.watches)

    @property
    def worst(self) -> FreshnessState | None:
        return rules.worst(watch.worst for watch, _ in self.watches if watch.sentinel.state == "live" and watch.worst)

    @property
    def share(self) -> float:
        return rules.covered_share([share for watch, share in self.watches if watch.is_watching])


@dataclass(frozen=True, slots=True)
class Matrix:
    """The heat map: villages, and for each the cell of every kind."""

    places: tuple[Place, ...]
    cells: Mapping[int, Mapping[str, Cell]]
    seen_from: float

    def share(self, place: Place) -> float:
        """The share of a village's residents whom a live sentinel would find; case desks do not count."""
        return rules.covered_share([self.cells[place.pk][kind].share for kind in FINDING_KINDS])

    def sentinels(self) -> list[Watch]:
        """Every sentinel of the matrix once, by code."""
        found = {w.sentinel.pk: w for cells in self.cells.values() for cell in cells.values() for w, _ in cell.watches}
        return sorted(found.values(), key=lambda watch: watch.sentinel.code)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would open an eye on a village: a sentinel that exists but does not watch, and the share seen with it."""

    sentinel: Sentinel
    share_after: float


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """A village's residents whom no live sentinel would find: in all, by kind, and what would change that. `is_blind`: below the parameter."""

    place: Place
    share: float
    unseen: int
    unseen_by_kind: Mapping[str, int]
    is_blind: bool
    remedies: tuple[Remedy, ...]


@dataclass(frozen=True, slots=True)
class BlindSpots:
    """The villages, least seen residents first, and the sums over all of them."""

    villages: tuple[BlindSpot, ...]
    population: int
    unseen: int
    unseen_by_kind: Mapping[str, int]


def matrix_at(at: datetime, place_path: str, zone: ZoneInfo | None = None) -> Matrix:
    """The matrix of the villages at or below a place, as fresh as it was at an instant; states of sentinels are today's. Seven queries,

    six for one who knows the town's zone.
    """
    zone = zone or zone_of_town()
    on = at.astimezone(zone).date()
    places = tuple(leaf_places(place_path).order_by("code"))
    ancestors = [place_path[: k + 1] for k, sign in enumerate(place_path) if sign == "/"]
    catchments = list(
        Catchment.objects.filter(Q(place__path__startswith=place_path) | Q(place__path__in=ancestors))
        .exclude(sentinel__state="closed")
        .select_related("sentinel__place", "place")
        # Outlines and points stand in `places` already; here they would be read once for every catchment.
        .defer("place__outline", "place__point", "sentinel__place__outline", "sentinel__place__point")
        .order_by("sentinel__code", "place__path")
    )
    watches = watches_of({c.sentinel_id: c.sentinel for c in catchments}.values(), at, place_path, zone)
    cells: dict[int, dict[str, list[tuple[Watch, float]]]] = {place.pk: {kind: [] for kind in Sentinel.KINDS} for place in places}
    for catchment in catchments:
        for place in places:
            if place.path.startswith(catchment.place.path):
                cells[place.pk][catchment.sentinel.kind].append((watches[catchment.sentinel_id], catchment.share))
    found = values_on(["coverage.seen_from"], on, place_path).get("coverage.seen_from")
    seen_from = float(found.value) if found else SEEN_FROM
    return Matrix(places, {pk: {kind: Cell(tuple(ws)) for kind, ws in kinds.items()} for pk, kinds in cells.items()}, seen_from)


def watches_of(sentinels: Iterable[Sentinel], at: datetime, place_path: str = "/", zone: ZoneInfo | None = None) -> dict[int, Watch]:
    """Each sentinel by id with the freshness of its live streams."""
    rows = {sentinel.pk: sentinel for sentinel in sentinels}
    by_sentinel: dict[int, list[StreamFreshness]] = {pk: [] for pk in rows}
    for found in freshness_of(list(live_streams().filter(sentinel__in=list(rows))), at, place_path, zone):
        by_sentinel[found.stream.sentinel_id].append(found)
    return {pk: Watch(sentinel, tuple(by_sentinel[pk])) for pk, sentinel in rows.items()}


def blind_spots(matrix: Matrix) -> BlindSpots:
    """Residents no live sentinel sees, by village and by kind, the worst first."""
    villages = sorted((_blind_spot(place, matrix) for place in matrix.places), key=lambda v: (-v.unseen, v.place.code))
    by_kind = {kind: sum(v.unseen_by_kind[kind] for v in villages) for kind in Sentinel.KINDS}
    return BlindSpots(tuple(villages), sum(p.population for p in matrix.places), sum(v.unseen for v in villages), by_kind)


def _blind_spot(place: Place, matrix: Matrix) -> BlindSpot:
    cells, share = matrix.cells[place.pk], matrix.share(place)
    asleep = [(w.sentinel, s) for kind in FINDING_KINDS for w, s in cells[kind].watches if not w.is_watching]
    remedies = sorted((Remedy(sentinel, rules.covered_share([share, own])) for sentinel, own in asleep), key=lambda r: -r.share_after)
    return BlindSpot(
        place,
        share,
        rules.residents_unseen(place.population, share),
        {kind: rules.residents_unseen(place.population, cell.share) for kind, cell in cells.items()},
        share < matrix.seen_from,
        tuple(remedies),
    )
