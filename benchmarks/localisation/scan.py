"""The space-time scan beside a plain version in one run, its chance of a false alarm, and how often it finds the place.

python benchmarks/localisation/scan.py [--towns N]

60 villages x 14 days x 999 replicates: milliseconds per model, beside the same search written plainly (numpy over the durations of one zone, no tables,
no compiled loop) on a few replicates. Then quiet towns (share with p <= .05, with the true and with an estimated expectation), and towns
in which one village and its nearest have k times the expected counts for five days.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from tongchou.science.evidence.e_values import e_bh
from tongchou.science.localisation.scan import ScanModel, ScanParams, space_time_scan
from tongchou.science.localisation.zones import Zones, circular_zones, plane_distances

VILLAGES, DAYS, REPLICATES, PLAIN_REPLICATES, PROMISED = 60, 14, 999, 8, 100.0
MODELS: tuple[ScanModel, ...] = ("population", "poisson", "negative_binomial")


def town(rng: np.random.Generator) -> tuple[np.ndarray, Zones]:
    """Expected counts of unequal villages, and their zones."""
    people = rng.lognormal(8, 0.5, VILLAGES)
    zones = circular_zones(plane_distances(rng.uniform(0, 10, (VILLAGES, 2))), people)
    return np.repeat((people / people.mean())[:, None], DAYS, axis=1), zones


def plain_highest(model: ScanModel, counts: np.ndarray, expected: np.ndarray, zones: Zones, phi: float) -> float:
    """The best score, zone after zone."""
    total, everything, highest = counts.sum(), expected.sum(), 0.0
    for centre in range(zones.places):
        for size in np.flatnonzero(zones.ends[centre]):
            members = list(zones.members(centre, int(size) + 1))
            c, b = (a[members, ::-1].sum(axis=0).cumsum() for a in (counts, expected))
            e = b if model != "population" else total * b / everything
            if model == "negative_binomial":
                score = (c - b) / np.sqrt(phi * b)
            elif model == "poisson":
                score = c * np.log(np.maximum(c, 1e-300) / b) + b - c
            else:
                rest = np.maximum(total - c, 1e-300)
                score = c * np.log(np.maximum(c, 1e-300) / e) + rest * np.log(rest / (total - e))
            highest = max(highest, float(np.where(c > e, score, 0.0).max()))
    return highest


def speed() -> list[dict[str, object]]:
    rng = np.random.default_rng(1)
    expected, zones = town(rng)
    counts, figures = rng.poisson(expected).astype(float), []
    for model in MODELS:
        phi = 1.8 if model == "negative_binomial" else 1.0
        space_time_scan(counts, expected, zones, ScanParams(model, replicates=2), seed=1, dispersion=phi)
        started = time.process_time()
        found = space_time_scan(counts, expected, zones, ScanParams(model, DAYS, REPLICATES), seed=1, dispersion=phi)
        ours = time.process_time() - started
        started = time.process_time()
        for _ in range(PLAIN_REPLICATES):
            plain = plain_highest(model, counts, expected, zones, phi)
        theirs = (time.process_time() - started) / PLAIN_REPLICATES * (REPLICATES + 1)
        assert abs(plain - (found.clusters[0].score if found.clusters else 0.0)) < 1e-6, (model, plain, found.clusters[:1])
        print(f"{model}: {ours * 1000:.0f} ms; plainly {theirs:.0f} s (from {PLAIN_REPLICATES} searches), {theirs / ours:.0f} times")
        if model == "poisson":
            figures = [
                {
                    "promise": {
                        "zh": f"时空扫描（60 村 × 14 天 × 999 次重复）：至少是逐区计算的 {PROMISED:.0f} 倍快",
                        "en": f"space-time scan (60 villages x 14 days x 999 replicates): at least {PROMISED:.0f} times as fast as zone by zone",
                    },
                    "measured": f"{ours * 1000:.0f} ms",
                    "peer": {
                        "zh": f"numpy {theirs:.0f} s，{theirs / ours:.0f} 倍",
                        "en": f"numpy {theirs:.0f} s, {theirs / ours:.0f} times",
                    },
                    "kept": theirs / ours >= PROMISED,
                }
            ]
    return figures


def quiet(towns: int) -> None:
    """Share of quiet towns with p <= .05; "estimated": the expectation is the mean of 8 quiet weeks before, without and with its doubt stated."""
    for model in MODELS:
        for name in ("true", "estimated", "estimated, doubt stated"):
            flagged = 0
            for k in range(towns):
                rng = np.random.default_rng(1000 + k)
                expected, zones = town(rng)
                past = rng.poisson(expected[:, 0] * 56) + 0.5
                known = expected if name == "true" else np.repeat(past[:, None] / 56, DAYS, axis=1)
                doubt = 1 / np.sqrt(past) if name.endswith("stated") else 0.0
                found = space_time_scan(rng.poisson(expected), known, zones, ScanParams(model, DAYS, 199), seed=k, doubt=doubt)
                flagged += bool(found.clusters) and (found.clusters[0].p_value or 1) <= 0.05
            print(f"quiet, {model}, expectation {name}: {flagged} of {towns} with p <= .05")


def outbreaks(towns: int) -> None:
    for times in (1.5, 2.0, 3.0):
        alarms, found_village, overlap, listed, false = 0, 0, [], 0, []
        for k in range(towns):
            rng = np.random.default_rng(5000 + k)
            expected, zones = town(rng)
            ill = zones.members(int(rng.integers(VILLAGES)), 4)
            mean = expected.copy()
            mean[list(ill), -5:] *= times
            counts = rng.poisson(mean)
            best = space_time_scan(counts, expected, zones, ScanParams("poisson", DAYS, 199), seed=k).clusters[:1]
            if best and (best[0].p_value or 1) <= 0.05:
                alarms += 1
                found_village += ill[0] in best[0].places
                overlap.append(len(set(best[0].places) & set(ill)) / len(set(best[0].places) | set(ill)))
            # One e-value per village: its own five days against twice the expectation.
            log_e = (counts * np.log(2.0) - expected)[:, -5:].sum(axis=1)
            names = set(e_bh(log_e, 0.1).listed)
            listed += len(names & set(ill))
            false.append(len(names - set(ill)) / max(len(names), 1))
        print(
            f"4 villages x 5 days at {times:.1f} times: scan p <= .05 in {alarms} of {towns}, first village inside {found_village}, "
            f"overlap {np.mean(overlap) if overlap else 0:.2f}; e-BH at .1 lists {listed / towns:.1f} of 4, false share {np.mean(false):.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", type=int, default=200)
    towns = parser.parse_args().towns
    figures = speed()
    quiet(towns)
    outbreaks(towns)
    print("figures: " + json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
