"""A small made town in which stays tie, cross midnight, last days and repeat themselves; the kernel's answer to compare engines with."""

import numpy as np

from tongchou.science import Cases, ExposureParams, Exposures, Visits, find_exposed, index_visits

HOUR, DAY = 3600, 86_400


def town(seed: int, visits: int = 400, persons: int = 60) -> tuple[Visits, Cases]:
    """Half of the entries on the full hour, some stays of no length and some of days; a case with two windows, and one without visits."""
    rng = np.random.default_rng(seed)
    entered = np.where(rng.random(visits) < 0.5, rng.integers(0, 72, visits) * HOUR, rng.integers(0, 3 * DAY, visits))
    stay = rng.choice([0, 600, 900, HOUR, 3 * HOUR, 30 * HOUR], visits, p=[0.05, 0.2, 0.2, 0.35, 0.15, 0.05])
    rows = np.stack([rng.integers(0, persons, visits), rng.integers(0, 12, visits), entered, entered + stay])
    rows = np.concatenate([rows, rows[:, :20]], axis=1)
    windows = [(0, 0, DAY // 2), (0, DAY, 2 * DAY), (1, HOUR, DAY), (2, 0, 3 * DAY), (3, 0, 3 * DAY), (persons + 5, 0, 3 * DAY)]
    return Visits(*rows), Cases(*np.array(windows).T)


def rows_of(found: Exposures) -> list[tuple[int, ...]]:
    columns = (found.person, found.generation, found.first_at, found.contacts, found.shared_s)
    return [tuple(int(x) for x in row) for row in zip(*columns, strict=True)]


def by_kernel(visits: Visits, cases: Cases, params: ExposureParams) -> list[tuple[int, ...]]:
    return rows_of(find_exposed(index_visits(visits), cases, params))
