"""Does the controller bring the alarm rate back, and what does it cost? python benchmarks/detection/controller.py [--towns N] [--years N]

Towns with one Poisson stream (3 a day) watched by a Shiryaev-Roberts sum with restart; the background is taken too low, so that without the
controller chance alarms come at 1, 2, 3 or 5 times the promise of 1 a year. Verdicts arrive after three days. Then an outbreak grows by .15 a day.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from tongchou.science.detection.controller import DAYS_PER_YEAR, ControllerParams, next_balance

MEAN, RISE, VERDICT_DAYS, PROMISED, GROWTH = 3.0, 1.6, 3, 1.0, 0.15


def log_ratios(counts: np.ndarray, share: float) -> np.ndarray:
    """Log likelihood ratio of a rise, when the background is taken as `share` of what it is."""
    return counts * np.log(RISE) - MEAN * share * (RISE - 1)


def live(counts: np.ndarray, share: float, log_c: float, params: ControllerParams | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Alarms (days x towns), margins, and the log sum on the last day."""
    days, towns = counts.shape
    ratios, sums = np.exp(log_ratios(counts, share)), np.zeros(towns)
    alarms, margins, balance = np.zeros((days, towns)), np.zeros((days, towns)), np.zeros(towns)
    for t in range(days):
        sums = (1 + sums) * ratios[t]
        if params is not None:
            margins[t] = params.gain_log * np.maximum(balance, 0)
        alarms[t] = np.log(sums) >= log_c + margins[t]
        sums[alarms[t] > 0] = 0.0
        if params is not None:
            judged = alarms[t - VERDICT_DAYS] if t >= VERDICT_DAYS else np.zeros(towns)
            balance = np.array([next_balance(b, c, PROMISED / DAYS_PER_YEAR, params) for b, c in zip(balance, judged, strict=True)])
    return alarms, margins, sums


def threshold_for(counts: np.ndarray, share: float, per_year: float) -> float:
    """The line at which the wrong background gives a stated rate: bisection on the simulated towns themselves."""
    low, high, years = 1.0, 16.0, counts.size / DAYS_PER_YEAR
    while high - low > 0.02:
        middle = (low + high) / 2
        rate = live(counts, share, middle, None)[0].sum() / years
        low, high = (middle, high) if rate > per_year else (low, middle)
    return (low + high) / 2


def delay(rng: np.random.Generator, share: float, lines: np.ndarray, sums: np.ndarray) -> float:
    """Median days from the first excess case to the alarm."""
    found = np.full(len(lines), 60.0)
    for t in range(60):
        counts = rng.poisson(MEAN + 0.5 * np.exp(GROWTH * t), len(lines))
        sums = np.minimum((1 + sums) * np.exp(np.minimum(log_ratios(counts, share), 50)), 1e50)
        found = np.where((np.log(sums) >= lines) & (found == 60), t, found)
    return float(np.median(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", type=int, default=100)
    parser.add_argument("--years", type=int, default=8)
    chosen = parser.parse_args()
    days = round(chosen.years * DAYS_PER_YEAR)
    counts = np.random.default_rng(1).poisson(MEAN, (days, chosen.towns))
    print("times  gain      alarms a year: yr 1   yr 2   yr 3-  excess  mean margin  on the floor  delay (without)")
    for times in (0.5, 1.0, 2.0, 3.0, 5.0):
        line = threshold_for(counts, 0.9, PROMISED * times)
        for name, gain in (("log 1.4", np.log(1.4)), ("log 2", np.log(2)), ("log 4", np.log(4))):
            alarms, margins, sums = live(counts, 0.9, line, replace(ControllerParams(), gain_log=float(gain)))
            by_year = [alarms[round(y * 365.25) : round((y + 1) * 365.25)].sum() / chosen.towns for y in range(chosen.years)]
            excess = alarms.sum() / chosen.towns - PROMISED * chosen.years
            with_it = delay(np.random.default_rng(2), 0.9, line + margins[-1], sums)
            without = delay(np.random.default_rng(2), 0.9, np.full(chosen.towns, line), sums)
            print(
                f"{times:>5}  {name:<8}  {by_year[0]:>20.2f} {by_year[1]:>6.2f} {np.mean(by_year[2:]):>7.2f} {excess:>7.2f} "
                f"{margins.mean():>12.2f} {(margins == 0).mean():>13.0%} {with_it:>6.0f} ({without:.0f})"
            )


if __name__ == "__main__":
    main()
