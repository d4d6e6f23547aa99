"""What happens to the nowcast when waves turn? python benchmarks/nowcast/turning.py [--worlds N]

The weeks on which it was chosen only rose. Here the events are a share of the real case curves of Germany, winter 2020-21 (a plateau, Christmas, a
fall, a rise), and the reports are *simulated*: hazards by weekday as estimated from the hospital reports of 2021, with a slow drift and
shocks by report day and class of delay, common and of each age group, of about the size seen there (log sd .25, 15+ days .5; classes uncorrelated).
Read the order of the methods, not the scores.
"""

import argparse
import csv
import gzip
import io
import sys
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parent))

from evaluate import MAX_DELAY, TRIANGLE, Cells, by_day, evaluate, marginal, nationwide_holidays, read_cells

from tongchou.science.nowcasting.delay_hazard import report_kinds
from tongchou.science.nowcasting.model import HazardParams, LadderParams

CASES = Path(__file__).parents[2] / "tests/data/rki_cases/germany_cases_2020_21.csv.gz"
SHARES = {"00-04": 0.03, "05-14": 0.01, "15-34": 0.02, "35-59": 0.05, "60-79": 0.15, "80+": 0.25}  # hospitalised per case, about
CLASS_OF_DELAY = np.searchsorted([2, 7, 15], np.arange(MAX_DELAY + 1), side="right")
COMMON_SHOCK, OWN_SHOCK = np.array([0.1, 0.17, 0.17, 0.3]), np.array([0.28, 0.2, 0.2, 0.4])  # log sd by class of delay
FIRST_REPORT_SHOCK, DRIFT, CARRIED = (
    0.1,
    0.015,
    0.4,
)  # of the share reported on the day; of a random walk a day; of yesterday's common shock
TRIED = {
    "A chain ladder": LadderParams(),
    "hazard without level": HazardParams(use_level=False),
    "C level = same day of last week, one trust (.7)": HazardParams(profile_weeks=0, open_share_sds=(0.7,)),
    "one trust, 1.0": HazardParams(open_share_sds=(1.0,)),
    "one trust, 0.7": HazardParams(open_share_sds=(0.7,)),
    "one trust, 0.4": HazardParams(open_share_sds=(0.4,)),
    "one trust, 0.1": HazardParams(open_share_sds=(0.1,)),
    "the default: 0.1 and 1.0 by past error": HazardParams(),
    "the default, growth damping 0.5": HazardParams(growth_damping=0.5),
    "the default, growth damping 1.0": HazardParams(growth_damping=1.0),
}


def hazards_of(first: date, cells: np.ndarray, holidays: list[date]) -> np.ndarray:
    """Hazard by delay and kind of report day over the whole triangle."""
    kinds = report_kinds(first, len(cells) + MAX_DELAY + 1, holidays)
    known = np.cumsum(cells, axis=1)
    events, exposed = np.zeros((MAX_DELAY + 1, 7)), np.zeros((MAX_DELAY + 1, 7))
    for delay in range(1, MAX_DELAY + 1):
        for day in range(len(cells) - delay):
            events[delay, kinds[day + delay]] += cells[day, delay]
            exposed[delay, kinds[day + delay]] += known[day, delay - 1]
    overall = (events.sum(axis=1) / np.maximum(exposed.sum(axis=1), 1))[:, None]
    return np.asarray((events + 5 * overall) / (exposed + 5))


def world(seed: int, holidays: list[date]) -> tuple[date, Cells]:
    """First day and simulated reports of every age group and the country."""
    rng = np.random.default_rng(seed)
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(CASES.read_bytes()).decode())))
    first = min(date.fromisoformat(r["day"]) for r in rows)
    days = (max(date.fromisoformat(r["day"]) for r in rows) - first).days + 1
    kinds = report_kinds(first, days + MAX_DELAY + 1, holidays)
    common = rng.normal(0, COMMON_SHOCK, (len(kinds), 4))
    for day in range(1, len(kinds)):
        common[day, 1:] = CARRIED * common[day - 1, 1:] + (1 - CARRIED**2) ** 0.5 * common[day, 1:]
    common += np.cumsum(rng.normal(0, DRIFT, len(kinds)))[:, None]
    real_first, real = read_cells(TRIANGLE)
    made = {}
    for group, share in SHARES.items():
        source = real.get(group, real["60-79"])[:200]
        hazards = hazards_of(real_first, source, holidays)
        shock = np.exp(common + rng.normal(0, OWN_SHOCK, (len(kinds), 4)))
        level = np.zeros(days)
        for r in rows:
            if r["age_group"] == group:
                level[(date.fromisoformat(r["day"]) - first).days] = share * float(r["cases"])
        expected = np.zeros((days, MAX_DELAY + 1))
        weekend = np.where(kinds[:days] >= 5, 0.9, 1.0)
        expected[:, 0] = level * source[:, 0].sum() / source.sum() * np.exp(rng.normal(0, FIRST_REPORT_SHOCK, days)) * weekend
        for delay in range(1, MAX_DELAY + 1):
            reported_on = np.arange(days) + delay
            expected[:, delay] = (
                expected[:, :delay].sum(axis=1) * hazards[delay, kinds[reported_on]] * shock[reported_on, CLASS_OF_DELAY[delay]]
            )
        made[group] = rng.poisson(expected).astype(float)
    made["00+"] = sum(made.values())
    return first, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=4)
    chosen = parser.parse_args()
    holidays = nationwide_holidays(range(2020, 2023))
    mornings = [date(2020, 11, 29) + timedelta(i) for i in range(0, 152, 3)]
    scores: dict[str, list[list[float]]] = {name: [] for name in TRIED}
    for seed in range(1, chosen.worlds + 1):
        first, cells = world(seed, holidays)
        for name, params in TRIED.items():
            found = evaluate(first, cells, mornings, partial(marginal, params=params, holidays=holidays))
            row = []
            for ages in (False, True):
                wis, covered = by_day(found, ages)
                row += [float(wis.mean()), *covered.mean(axis=0)[[2, 0]].tolist()]
            scores[name].append(row)
    floor = np.array(scores["A chain ladder"])
    print(
        f"{chosen.worlds} worlds, {len(mornings)} mornings {mornings[0]}..{mornings[-1]}; WIS relative to the chain ladder of the same world"
    )
    print("| method | country, each world | mean | coverage 50/95 | age groups, mean | coverage 50/95 |\n|---|---|---|---|---|---|")
    for name, rows in scores.items():
        values = np.array(rows)
        country, groups, c = values[:, 0] / floor[:, 0], values[:, 3] / floor[:, 3], values.mean(axis=0)
        each = " ".join(f"{x:.2f}" for x in country)
        print(f"| {name} | {each} | {country.mean():.2f} | {c[1]:.2f}/{c[2]:.2f} | {groups.mean():.2f} | {c[4]:.2f}/{c[5]:.2f} |")


if __name__ == "__main__":
    main()
