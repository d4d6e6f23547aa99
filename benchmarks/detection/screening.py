"""Speed of the watch beside R `surveillance`, in one run: python benchmarks/detection/screening.py [--r-series N]

Prints the seconds of one morning's full screening (60 villages x 10 streams x 2 years, fusion included), the same morning done by
R (farringtonFlexible weekly and earsC daily per series), and fits per second of the improved Farrington algorithm on equal input,
with the share of equal bounds. CPU time of one core throughout; compile time and the start of R are left out.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from tongchou.science.detection.ears import ears
from tongchou.science.detection.farrington import FarringtonParams, farrington_flexible
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import Additive, DetectionParams, History

VILLAGES, STREAMS, DAYS = 60, 10, 730
FIRST = date(2024, 1, 1)
PEER = Path(__file__).with_name("peer.R")
# Mean per village and day, dispersion, kernel: docs/methods/fusion_benchmark.md, each twice.
MATRIX = [
    (0.02, 1.0, Additive(0.3, 4.5, 2.0)),
    (4.0, 1.8, Additive(0.105, 5.5, 2.0)),
    (0.004, 1.0, Additive(0.2, 5.0, 2.0)),
    (8.0, 2.5, Additive(0.245, 7.0, 2.5)),
    (0.01, 1.2, Additive(0.08, 10.0, 3.0)),
]


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Least CPU time of a few repeats after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def town(rng: np.random.Generator) -> list[History]:
    """Background counts of every village and stream, 3 % of days missing."""
    histories = []
    for s in range(STREAMS):
        mean, dispersion, model = MATRIX[s % len(MATRIX)]
        for v in range(VILLAGES):
            y = rng.poisson(mean, DAYS) if dispersion == 1 else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion, DAYS)
            values = np.where(rng.random(DAYS) < 0.03, np.nan, y.astype(float))
            histories.append(History(f"stream {s}", values, FIRST, 1, "count", model, f"village {v}", 3000.0))
    return histories


def weekly_series(rng: np.random.Generator, series: int) -> np.ndarray:
    """Noufaily 2013 (docs/methods/weekly_benchmark.md), sets 1 to 7 in turn, one harmonic, 624 weeks."""
    sets = [
        (0.1, 0.6, 0.6, 1.5),
        (-2, 0.1, 0.3, 2),
        (1.5, 0.2, -0.4, 1.001),
        (0.5, 0.5, 0.5, 5),
        (2.5, 1, 0.1, 3),
        (3.75, 0.1, -0.1, 1.1),
        (5, 0.05, 0.01, 1.2),
    ]
    t = np.arange(1, 625)
    rows = []
    for i in range(series):
        theta, g1, g2, phi = sets[i % 7]
        mu = np.exp(theta + g1 * np.cos(2 * np.pi * t / 52) + g2 * np.sin(2 * np.pi * t / 52))
        rows.append(rng.negative_binomial(mu / (phi - 1), 1 / phi))
    return np.array(rows, dtype=float)


def run_r(jobs: list[tuple[str, str, int, int, np.ndarray]]) -> tuple[dict[str, tuple[float, int]], list[dict[str, str]]]:
    """CPU seconds and fits per method, and R's bounds."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        raise FileNotFoundError("Rscript is missing: apt-get install r-base-core r-cran-surveillance")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "counts.csv", Path(folder) / "bounds.csv"
        with source.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["series", "kind", "years_back", "evaluate", "counts"])
            writer.writerows([name, kind, back, last, " ".join(str(int(x)) for x in counts)] for name, kind, back, last, counts in jobs)
        done = subprocess.run([rscript, str(PEER), str(source), str(target)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"R failed: {done.stderr.strip()[-500:]} (is r-cran-surveillance installed?)")
        lines = [line.split() for line in done.stdout.splitlines()]
        with target.open() as file:
            return {name: (float(seconds), int(fits)) for name, seconds, fits in lines}, list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--r-series", type=int, default=60, help="daily series R is given of 600; its time is scaled up")
    parser.add_argument("--r-weeks", type=int, default=6, help="weeks per series in the Farrington comparison")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    histories, params = town(rng), DetectionParams()
    today = FIRST + timedelta(days=DAYS - 1)
    ours_morning = cpu_seconds(lambda: screen(histories, today, params), 5)
    print(f"one morning, {VILLAGES} villages x {STREAMS} streams x {DAYS} days, scored and fused: {ours_morning:.3f} s")

    filled = [np.nan_to_num(h.values) for h in histories]
    weeks = np.stack([y[-728:].reshape(104, 7).sum(axis=1) for y in filled])
    one_year = FarringtonParams(years_back=1)
    ours_plain = cpu_seconds(lambda: (farrington_flexible(weeks, [103], one_year), ears(np.stack(filled)[:, -10:])), 5)
    print(f"the same morning by Farrington flexible (weekly) and EARS C2 (daily) of ours: {ours_plain:.4f} s")

    series = weekly_series(rng, 42)
    evaluated = list(range(624 - chosen.r_weeks, 624))
    all_weeks = list(range(624 - 49, 624))
    per_fit = cpu_seconds(lambda: farrington_flexible(series, all_weeks), 5) / (42 * 49)
    print(f"Farrington flexible (5 years, 10 periods, reweighted, nbPlugin): {per_fit * 1e6:.1f} us a fit, {1 / per_fit:,.0f} fits/s")

    share = min(chosen.r_series, len(filled))
    picked = rng.permutation(len(filled))[:share]
    try:
        daily = [(f"d{i}", "daily", 0, 1, filled[i]) for i in picked]
        weekly = [(f"w{i}", "weekly", 1, 1, weeks[i]) for i in picked]
        morning, _ = run_r(daily + weekly)
        fits, bounds = run_r([(f"n{i}", "weekly", 5, chosen.r_weeks, series[i]) for i in range(42)])
    except (FileNotFoundError, RuntimeError) as problem:
        print(f"peer not measured: {problem}")
        return
    r_morning = sum(seconds for seconds, _ in morning.values()) * len(filled) / share
    r_fit = fits["farringtonFlexible"][0] / fits["farringtonFlexible"][1]
    mine = farrington_flexible(series, evaluated)
    theirs = np.array([float(b["upperbound"]) if b["upperbound"] != "NA" else np.nan for b in bounds]).reshape(42, -1)
    same = np.mean((mine.upper == theirs) | (np.isnan(mine.upper) & np.isnan(theirs)))
    alarms = np.array([b["alarm"] == "1" for b in bounds]).reshape(42, -1)
    same_alarms = np.mean(mine.alarm == alarms)
    print(
        f"R surveillance, the same morning: {r_morning:.1f} s; ratio to full screening {r_morning / ours_morning:,.0f}, to the same two methods {r_morning / ours_plain:,.0f}"
    )
    print(f"R surveillance, a Farrington fit: {r_fit * 1e3:.1f} ms; ratio {r_fit / per_fit:,.0f}; equal bounds {same:.2%} of {theirs.size}")
    rows = [
        {
            "promise": {
                "zh": "同样早晨的科学计算（600 条数据流评分并融合）：至少是 R `surveillance` 的 50 倍快",
                "en": "the science of such a morning (600 streams scored and fused): at least 50 times as fast as R `surveillance`",
            },
            "measured": f"{ours_morning:.2f} s",
            "peer": {
                "zh": f"R {r_morning:.1f} s，{r_morning / ours_morning:.0f} 倍",
                "en": f"R {r_morning:.1f} s, {r_morning / ours_morning:.0f} times",
            },
            "kept": r_morning / ours_morning >= 50,
        },
        {
            "promise": {
                "zh": "改进的 Farrington 算法：同样的拟合单核至少是 R `surveillance` 的 500 倍快，上界与预警相同",
                "en": "improved Farrington: the same fits at least 500 times as fast as R `surveillance` per core, bounds and alarms identical",
            },
            "measured": f"{per_fit * 1e6:.0f} µs",
            "peer": {
                "zh": f"R {r_fit * 1e3:.1f} ms，{r_fit / per_fit:.0f} 倍；{theirs.size} 个上界相等 {same:.0%}，预警相等 {same_alarms:.0%}",
                "en": f"R {r_fit * 1e3:.1f} ms, {r_fit / per_fit:.0f} times; {same:.0%} of {theirs.size} bounds and {same_alarms:.0%} of alarms equal",
            },
            "kept": bool(same == 1 and same_alarms == 1 and r_fit / per_fit >= 500),
        },
    ]
    print("figures: " + json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    main()
