"""A round of visits: who fits into the time there is, and in which order to walk. Pure; instants and chance play no part."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371.0088  # mean radius, IUGG
Point = tuple[float, float]  # longitude, latitude, degrees, WGS-84


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one gets about: `detour` is the way by road divided by the straight line, `stay_minutes` the time at each firm."""

    speed_km_h: float
    detour: float
    stay_minutes: float


@dataclass(frozen=True, slots=True)
class Round:
    """Which of the points given, in order; minutes on the way to each, and for the whole round with stays and the way back."""

    order: tuple[int, ...]
    way_minutes: tuple[float, ...]
    minutes: float


def distance_km(a: Point, b: Point) -> float:
    """Great-circle distance (haversine)."""
    lon, lat = radians(b[0] - a[0]), radians(b[1] - a[1])
    h = sin(lat / 2) ** 2 + cos(radians(a[1])) * cos(radians(b[1])) * sin(lon / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(h)))


def plan_round(start: Point, points: Sequence[Point], pace: Pace, limit_minutes: float) -> Round:
    """Take points in the order given, the most needed first, as long as the round with them fits; each taken is laid where it costs least.

    Parameters: `points`, WGS-84; the round begins and ends at `start`. A point that does not fit is passed over, later ones may still fit.
    The order is then improved by 2-opt until no exchange shortens it. Not always the shortest round: over up to seven points a test measures it
    against all orders.
    """
    spots = [start, *points]
    table = [[distance_km(a, b) * pace.detour / pace.speed_km_h * 60 for b in spots] for a in spots]
    order: list[int] = []
    for n in range(1, len(spots)):
        trial = _two_opt(_inserted(order, n, table), table)
        if _way(trial, table) + pace.stay_minutes * len(trial) <= limit_minutes:
            order = trial
    ways = tuple(table[a][b] for a, b in zip([0, *order], order, strict=False))
    return Round(tuple(n - 1 for n in order), ways, _way(order, table) + pace.stay_minutes * len(order))


def _way(order: Sequence[int], table: Sequence[Sequence[float]]) -> float:
    return sum(table[a][b] for a, b in zip([0, *order], [*order, 0], strict=True))


def _inserted(order: Sequence[int], n: int, table: Sequence[Sequence[float]]) -> list[int]:
    tour = [0, *order, 0]
    _, best = min((table[tour[i]][n] + table[n][tour[i + 1]] - table[tour[i]][tour[i + 1]], i) for i in range(len(tour) - 1))
    return [*order[:best], n, *order[best:]]


def _two_opt(order: list[int], table: Sequence[Sequence[float]]) -> list[int]:
    """Turn round the stretch that shortens the round most, until none does."""
    while True:
        tour = [0, *order, 0]
        gain, i, j = max(
            (
                (
                    table[tour[i]][tour[i + 1]] + table[tour[j]][tour[j + 1]] - table[tour[i]][tour[j]] - table[tour[i + 1]][tour[j + 1]],
                    -i,
                    -j,
                )
                for i in range(len(order))
                for j in range(i + 1, len(order) + 1)
            ),
            default=(0.0, 0, 0),
        )
        if gain <= 1e-9:
            return order
        order = [*order[:-i], *reversed(order[-i:-j]), *order[-j:]]
