"""Circular zones: every place with its nearest neighbours, one more at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tongchou.science.detection.model import Floats

EARTH_RADIUS_KM = 6371.0088  # mean radius, International Union of Geodesy and Geophysics
SAME_DISTANCE = 1e-9  # relative: two neighbours this close to equally far are taken in together


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Candidate zones: the first ``k + 1`` entries of ``neighbours[i]`` wherever ``ends[i, k]``.

    ``neighbours`` (places, most): places by distance from place i, itself first. ``radius`` (places, most): distance of that neighbour.
    """

    neighbours: NDArray[np.int32]
    ends: NDArray[np.bool_]
    radius: Floats

    @property
    def places(self) -> int:
        return int(self.neighbours.shape[0])

    def members(self, centre: int, size: int) -> tuple[int, ...]:
        """The places of one zone, nearest first."""
        return tuple(int(p) for p in self.neighbours[centre, :size])


def plane_distances(points: ArrayLike) -> Floats:
    """Distances (places, places) between points (places, 2) of a plane, in the points' unit."""
    xy = _points(points)
    return np.asarray(np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1]))


def great_circle_km(longitude_latitude: ArrayLike) -> Floats:
    """Distances (places, places) in kilometres between points (longitude, latitude) in degrees, WGS-84."""
    degrees = _points(longitude_latitude)
    if (np.abs(degrees[:, 1]) > 90).any() or (np.abs(degrees[:, 0]) > 180).any():
        raise ValueError("great_circle_km: points are (longitude, latitude) in degrees; one lies outside [-180, 180] x [-90, 90]")
    lon, lat = np.radians(degrees).T
    half = np.sin((lat[:, None] - lat) / 2) ** 2 + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def circular_zones(distances: ArrayLike, populations: ArrayLike, *, largest_share: float = 0.5, most_places: int | None = None) -> Zones:
    """Zones around every place, as long as they hold at most a share of all people.

    Parameters
    ----------
    distances: (places, places), symmetric, zero diagonal. populations: (places,), not negative.
    largest_share: in (0, 1]; SaTScan's default .5. most_places: no zone has more places than this.

    Notes
    -----
    Places equally far from the centre come in together, so the zones do not depend on the order of the places. A place alone is always a zone.

    Examples
    --------
    >>> zones = circular_zones(plane_distances([[0, 0], [1, 0], [5, 0]]), [100, 100, 100], largest_share=0.7)
    >>> [zones.members(0, int(k) + 1) for k in np.flatnonzero(zones.ends[0])]
    [(0,), (0, 1)]
    """
    away, people = np.asarray(distances, dtype=np.float64), np.asarray(populations, dtype=np.float64)
    n = away.shape[0] if away.ndim == 2 else 0
    if n == 0 or away.shape != (n, n) or not (np.isfinite(away).all() and (away >= 0).all() and (np.diag(away) == 0).all()):
        raise ValueError(
            f"circular_zones: distances are (places, places), finite, not negative, zero from a place to itself; got {away.shape}"
        )
    if people.shape != (n,) or not (np.isfinite(people).all() and (people >= 0).all() and people.sum() > 0):
        raise ValueError(f"circular_zones: populations are {n} numbers, finite, not negative, not all zero; got shape {people.shape}")
    if not 0 < largest_share <= 1 or (most_places is not None and most_places < 1):
        raise ValueError(f"circular_zones: largest_share in (0, 1], most_places at least 1; got {largest_share}, {most_places}")
    # The centre itself comes first even where another place has the same point.
    key = away.copy()
    np.fill_diagonal(key, -1.0)
    order = np.argsort(key, axis=1, kind="stable")
    radius = np.take_along_axis(away, order, axis=1)
    ends = np.ones((n, n), dtype=bool)
    ends[:, :-1] = radius[:, 1:] > radius[:, :-1] * (1 + SAME_DISTANCE)
    small = people[order].cumsum(axis=1) <= largest_share * people.sum() * (1 + SAME_DISTANCE)
    ends &= small & (np.arange(n) < (most_places or n))
    ends[:, 0] = True
    most = int(np.flatnonzero(ends.any(axis=0))[-1]) + 1
    return Zones(order[:, :most].astype(np.int32), ends[:, :most], radius[:, :most])


def _points(points: ArrayLike) -> Floats:
    xy = np.asarray(points, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise ValueError(f"points are (places, 2), finite; got shape {xy.shape}")
    return xy
