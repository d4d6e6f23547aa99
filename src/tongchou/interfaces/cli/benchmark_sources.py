"""Real series for the weekly benchmark: labelled ones from a folder of CSV files, season onsets from the pack of Germany."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tongchou.core.packs.observations import read_observations
from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault
from tongchou.interfaces.cli.tables import read_table
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.labelled import Labelled
from tongchou.science.evaluation.onsets import OnsetGround, onset_ground

LABELLED = ("k1", "m1", "m2", "m3", "n1", "q1_nrwh", "s1", "s2", "ha_sts")
# Residents of 60 and over by state, from the institute's own rates of 2024-2025 (cases / rate of influenza, file "influenza" of PROVENANCE.md).
# Bremen had no week with enough cases to divide by: 28 % of its residents, as in Hamburg and Berlin beside it (assumption).
AGED_60 = {
    "01": 923_423, "02": 449_087, "03": 2_446_634, "04": 190_000, "05": 5_271_998, "06": 1_805_860, "08": 3_187_336, "09": 3_781_021,
    "11": 939_906, "12": 889_472, "13": 577_748, "15": 789_679,
}  # fmt: skip
FIRST_JUDGED, LAST_JUDGED = date(2022, 7, 10), date(2025, 6, 29)  # Sundays: three seasons, after two and a half years of past
DECISION_AFTER = timedelta(days=5)  # Friday, on what was published by then
SEASON_FROM_MONTH = 7


@dataclass(frozen=True, slots=True, eq=False)
class OnsetSource:
    """What was known of the cases under 60, (states, judged weeks, weeks), and the onsets of the older."""

    known: Floats
    ground: OnsetGround


def read_labelled(folder: Path) -> list[Labelled]:
    """The nine sets with labels, a series per unit."""
    found = []
    for name in LABELLED:
        units: dict[str, list[tuple[float, float, bool]]] = defaultdict(list)
        for row in read_table(folder / f"{name}.csv").rows:
            units[row.cells["unit"]].append((row.count("t"), row.count("observed"), row.count("state") == 1))
        for unit, rows in units.items():
            rows.sort()
            found.append(Labelled(f"{name} {unit}", np.array([r[1] for r in rows]), np.array([r[2] for r in rows])))
    return found


def read_onsets(pack: Path) -> OnsetSource:
    """Influenza in the states of Germany: final rates at 60 and over say when a season began, cases under 60 as published are judged."""
    path = pack / "observations" / "influenza.csv.gz"
    if not path.is_file():
        raise Fault(
            T(f"没有文件 {path}。", f"{path}: not found."), T("请给出资料包 packs/germany。", "Give the pack of Germany: packs/germany.")
        )
    reported: dict[str, list[tuple[date, date, float]]] = defaultdict(list)
    for chunk in read_observations(path):
        for stream, day, at, value in zip(chunk.stream, chunk.day, chunk.reported_at, chunk.value, strict=True):
            reported[stream].append((at.date(), day, value))
    for rows in reported.values():
        rows.sort()
    first = min(day for rows in reported.values() for _, day, _ in rows)
    weeks = (LAST_JUDGED - first).days // 7 + 1
    judged = (LAST_JUDGED - FIRST_JUDGED).days // 7 + 1
    rates, known = np.zeros((len(AGED_60), weeks)), np.full((len(AGED_60), judged, weeks), np.nan)
    for place, (state, residents) in enumerate(AGED_60.items()):
        for _, day, value in reported[f"{state}-flu-60plus"]:
            if (week := (day - first).days // 7) < weeks:
                rates[place, week] = value / residents * 100_000
        known[place] = _as_known(reported[f"{state}-flu-under60"], first, judged, weeks)
    season = [(day := first + timedelta(weeks=w)).year - (day.month < SEASON_FROM_MONTH) for w in range(weeks)]
    return OnsetSource(known, onset_ground(rates, season, weeks - judged))


def _as_known(reported: list[tuple[date, date, float]], first: date, judged: int, weeks: int) -> Floats:
    """For each judged week the values that its Friday knew; reports are in order of publication."""
    known = np.full((judged, weeks), np.nan)
    for j in range(judged):
        last = weeks - judged + j
        friday = first + timedelta(weeks=last) + DECISION_AFTER
        for published, day, value in reported:
            if published > friday:
                break
            if (week := (day - first).days // 7) <= last:
                known[j, week] = value
    return known
