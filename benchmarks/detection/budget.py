"""Is the alarm budget kept with an estimated background, and how soon is an outbreak seen? python benchmarks/detection/budget.py [--towns N]

Quiet towns of 15 villages x 5 streams (docs/methods/fusion_benchmark.md) are replayed day by day with a promise of 12 alarms a year and a restart after each,
as modelled and with everything worse at once (common day shocks, 60 % more dispersion); then one village gets two seeds.
"""

import argparse
import math
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parent))

from screening import DAYS, MATRIX

from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import Additive, DetectionParams, History

VILLAGES, FIRST, REPLAYED, SEEDED_ON = 15, date(2024, 1, 1), 300, 680
WEEKDAY = np.array([1.45, 1.1, 1.0, 1.0, 1.0, 0.9, 0.45])


def excess(model: Additive, growth: float, days: int) -> np.ndarray:
    """Expected events per day after two seeds, with a normal delay."""
    infections = 2 * 1.3 * growth * np.exp(growth * np.arange(days))
    infections[0] = 2
    delay = np.exp(-0.5 * ((np.arange(30) - model.delay_mean_days) / model.delay_sd_days) ** 2)
    return np.convolve(model.events_per_infection * delay / delay.sum(), infections)[:days]


def town(rng: np.random.Generator, worse: bool, growth: float | None = None) -> list[History]:
    """Streams of unequal villages with weekday, season and 3 % missing days."""
    t = np.arange(DAYS)
    weekday, season = WEEKDAY[(FIRST.weekday() + t) % 7], np.exp(0.35 * np.cos(2 * np.pi * (t - 20) / 365))
    shock = np.exp(rng.normal(0, 0.12, DAYS)) if worse else np.ones(DAYS)
    histories = []
    for s, (mean, dispersion, model) in enumerate(MATRIX):
        phi = 1 + (dispersion - 1) * (1.6 if worse else 1.0)
        common = (weekday if s in (0, 3) else 1) * (season if s == 3 else 1) * (shock if s in (1, 3) else 1)
        for v in range(VILLAGES):
            mu = np.broadcast_to(mean * np.exp(rng.normal(0, 0.4)) * common, DAYS)
            y = (rng.negative_binomial(mu / (phi - 1), 1 / phi) if phi > 1 else rng.poisson(mu)).astype(float)
            if growth is not None and v == 5:
                y[SEEDED_ON:] += rng.poisson(excess(model, growth, DAYS - SEEDED_ON))
            histories.append(
                History(f"stream {s}", np.where(rng.random(DAYS) < 0.03, np.nan, y), FIRST, 1, "count", model, f"village {v}", 7000.0)
            )
    return histories


def days_per_alarm(worse: bool, towns: int) -> tuple[int, int]:
    """Replayed days and alarms of quiet towns."""
    params, alarms = DetectionParams(alarms_per_year=12.0), 0
    for k in range(towns):
        histories, restarted = town(np.random.default_rng(100 + k), worse), None
        for i in range(DAYS - REPLAYED, DAYS):
            day = FIRST + timedelta(days=i)
            if screen(histories, day, params, restarted).assessment.alarm:
                alarms, restarted = alarms + 1, day
    return towns * REPLAYED, alarms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", type=int, default=3)
    parser.add_argument("--outbreaks", type=int, default=8)
    chosen = parser.parse_args()
    for worse in (False, True):
        days, alarms = days_per_alarm(worse, chosen.towns)
        print(
            f"quiet towns, {'everything worse' if worse else 'as modelled'}: {alarms} alarms in {days} days, promised {days * 12 / 365.25:.0f}"
        )
    params = DetectionParams(alarms_per_year=1.0)
    for growth in (0.1, 0.15, 0.24):
        delays, right = [], 0
        for k in range(chosen.outbreaks):
            histories = town(np.random.default_rng(500 + k), False, growth)
            for i in range(SEEDED_ON + 2, DAYS):
                found = screen(histories, FIRST + timedelta(days=i), params).assessment
                if found.alarm:
                    delays.append(i - SEEDED_ON)
                    right += found.leading_place == "village 5"
                    break
        median = float(np.median(delays)) if delays else math.nan
        infected = 2 * (1 + 1.3 * math.expm1(growth * median))
        print(
            f"growth {growth}/d: seen after {median:.1f} d at {infected:.0f} infections, {len(delays)} of {chosen.outbreaks}, right village {right}"
        )


if __name__ == "__main__":
    main()
