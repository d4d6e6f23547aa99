"""Full daily screening, many days at once: python benchmarks/detection/throughput.py [--days N]

A series-day is one stream of one village on one morning: its expectation (weekly, from the past alone) and day effect, the evidence of 36 days of
onset x 3 growth rates x 2 sizes, its part in the fusion of all streams, and the alarm. 60 villages x 10 streams are replayed, in as many processes
as there are cores (at most two), each with a town of its own and timed by its own processor time, so that other work does not count. Beside it R `surveillance` on one core: farringtonFlexible once a week and
earsC once a day for the same series, in the same run. A morning screened singly is timed too: it also makes bands and forecasts.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parent))

from screening import DAYS, FIRST, STREAMS, VILLAGES, cpu_seconds, run_r, town

from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import DetectionParams
from tongchou.science.detection.replaying import replay

TODAY = FIRST + timedelta(days=DAYS - 1)


def replayed(seed: int, days: int) -> float:
    """Processor seconds of one town's mornings."""
    histories = town(np.random.default_rng(seed))
    return cpu_seconds(lambda: replay(histories, TODAY - timedelta(days=days - 1), TODAY, DetectionParams()), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=300)
    parser.add_argument("--r-series", type=int, default=20, help="series that R is given; its time is scaled up")
    chosen = parser.parse_args()
    cores, series_days = min(2, os.cpu_count() or 1), VILLAGES * STREAMS * chosen.days
    replayed(0, 2)  # compiles
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(replayed, range(cores), [2] * cores))
        towns = [pool.submit(replayed, seed, chosen.days) for seed in range(cores)]
        spent = [found.result() for found in towns]
    each = [series_days / seconds for seconds in spent]
    print(
        f"{series_days:,} series-days a core: {', '.join(f'{rate:,.0f}' for rate in each)} a second of each core's time, {sum(each):,.0f} together"
    )
    histories = town(np.random.default_rng(0))
    morning = cpu_seconds(lambda: screen(histories, TODAY, DetectionParams()), 5)
    print(
        f"one morning by itself, bands and forecasts included: {morning:.3f} s, {len(histories) / morning:,.0f} series-days/s on one core"
    )
    picked = np.random.default_rng(1).permutation(len(histories))[: chosen.r_series]
    filled = [np.nan_to_num(histories[i].values) for i in picked]
    weeks = [y[-728:].reshape(104, 7).sum(axis=1) for y in filled]
    begun = time.perf_counter()
    try:
        r, _ = run_r(
            [(f"d{i}", "daily", 0, 7, y) for i, y in enumerate(filled)] + [(f"w{i}", "weekly", 1, 1, y) for i, y in enumerate(weeks)]
        )
    except (FileNotFoundError, RuntimeError) as problem:
        print(f"peer not measured: {problem}")
        return
    theirs = 7 * len(filled) / sum(seconds for seconds, _ in r.values())
    print(f"R surveillance: {theirs:,.0f} series-days/s on one core (asked {time.perf_counter() - begun:.0f} s)")
    row = {
        "promise": {
            "zh": "完整的逐日筛查（每周基线、各起始日证据、融合、预警）：两核每秒至少 100,000 个序列日",
            "en": "full daily screening (weekly background, evidence of every onset, fusion, alarm): at least 100,000 series-days a second on two cores",
        },
        "measured": f"{sum(each):,.0f} /s",
        "peer": {
            "zh": f"R（每周 farringtonFlexible、每天 earsC）单核每秒 {theirs:,.0f} 个",
            "en": f"R (farringtonFlexible weekly, earsC daily) {theirs:,.0f} /s on one core",
        },
        "kept": cores <= 2 and sum(each) >= 100_000,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))


if __name__ == "__main__":
    main()
