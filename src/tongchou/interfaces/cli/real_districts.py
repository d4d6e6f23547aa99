"""Shanghai, March 2022: when each district's own findings, and those of the rest of the city, would have raised the alarm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tongchou.interfaces.cli.tables import read_table
from tongchou.science.detection.fusion import fuse
from tongchou.science.detection.model import DetectionParams, Floats, History, Multiplicative
from tongchou.science.detection.stream_evidence import score

BACKGROUND_PER_DAY = 0.3  # assumption: no season before the wave was published to estimate it from
BACKGROUND_FROM = date(2022, 1, 1)
LAST_DAY = date(2022, 4, 15)  # later days are not in the file
LEVELS = (20, 100)


@dataclass(frozen=True, slots=True)
class District:
    """First day listed, first day of an alarm by kind of evidence, and first day with so many findings; None: never."""

    name: str
    listed_on: date | None
    alarms: Mapping[str, date | None]
    reached: Mapping[int, date | None]


def read_districts(folder: Path) -> dict[str, dict[str, Floats]]:
    """District → kind ("total", "community") → findings a day from BACKGROUND_FROM to LAST_DAY; NaN where the file has no day."""
    days = (LAST_DAY - BACKGROUND_FROM).days + 1
    found: dict[str, dict[str, Floats]] = {}
    for row in read_table(folder / "district_daily.csv").rows:
        day = date.fromisoformat(row.cells["date"])
        if day > LAST_DAY:
            continue
        of = found.setdefault(row.cells["district"], {kind: np.full(days, np.nan) for kind in ("total", "community")})
        at = (day - BACKGROUND_FROM).days
        of["total"][at] = max(row.count("confirmed") + row.count("asymptomatic") - row.count("asym_to_confirmed"), 0)
        of["community"][at] = row.count("confirmed_community") + row.count("asymptomatic_community")
    for of in found.values():
        for values in of.values():
            values[: int(np.flatnonzero(~np.isnan(values))[0])] = BACKGROUND_PER_DAY
    return found


def judge_districts(found: Mapping[str, Mapping[str, Floats]], params: DetectionParams) -> list[District]:
    """Every district each day from the first published one on."""
    districts = []
    for name, of in found.items():
        rest = np.sum([other["total"] for key, other in found.items() if key != name], axis=0)
        series = {"total": (of["total"],), "community": (of["community"],), "rest": (rest,), "fused": (of["total"], rest)}
        alarms = {kind: _first_alarm(values, params) for kind, values in series.items()}
        seen = of["total"] * (of["total"] != BACKGROUND_PER_DAY)
        listed, *reached = (_first_day(seen >= level) for level in (1, *LEVELS))
        districts.append(District(name, listed, alarms, dict(zip(LEVELS, reached, strict=True))))
    return districts


def _first_alarm(series: tuple[Floats, ...], params: DetectionParams) -> date | None:
    """First day on which the first series, with the second as one from outside, passes the line of the fusion."""
    histories = [
        History("outside" if n else "own", values, BACKGROUND_FROM, 1, "count", Multiplicative(), outside=bool(n))
        for n, values in enumerate(series)
    ]
    first = int(np.flatnonzero(series[0] != BACKGROUND_PER_DAY)[0])
    for at in range(first, len(series[0])):
        day = BACKGROUND_FROM + timedelta(days=at)
        if fuse([score(h, day, params) for h in histories], params).statistic >= params.theory_log:
            return day
    return None


def _first_day(reached: np.ndarray) -> date | None:
    at = np.flatnonzero(reached)
    return BACKGROUND_FROM + timedelta(days=int(at[0])) if len(at) else None
