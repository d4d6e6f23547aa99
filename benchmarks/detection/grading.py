"""Do the stated probabilities of an alarm come true? python benchmarks/detection/grading.py [--outbreaks N] [--picture FILE.svg]

Towns of the fusion benchmark (docs/methods/fusion_benchmark.md), watched by the product with a promise of one false alarm a year, background estimated.
Outbreaks of R0 1.6, 2.5 and 4 in equal parts, and as many quiet town-years as outbreaks: the prior that the watch states, one onset a year, is then the
truth. Every first alarm of an outbreak and every alarm of a quiet year is one case: the stated probability of an outbreak, and of 10, 50, 200 infected 14
days on, beside what happened.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from tongchou.science import DetectionParams, History, ranked_probability_score, reliability, replay, screen
from tongchou.science.evaluation.fusion.budgets import Timeline, quiet_place, stream_of
from tongchou.science.evaluation.fusion.epidemics import EpidemicParams, epidemic
from tongchou.science.evaluation.fusion.outbreaks import OutbreakParams, laid_in
from tongchou.science.evaluation.fusion.towns import FIRST_DAY, STREAMS, Town, assumed_model, town_of
from tongchou.science.evaluation.fusion.worlds import Quiet, quiet_town

OUTLOOK_DAYS, GRADES, YEARS = 14, ("yellow", "orange", "red"), 3
WATCH = DetectionParams(alarms_per_year=1.0, prior_onsets_per_year=1.0)
TRIED = OutbreakParams()
SIZES = (WATCH.grades.yellow_infections, WATCH.grades.orange_infections, WATCH.grades.red_infections)


class Case(NamedTuple):
    """One alarm: R0 (0 = none), probability of an outbreak and of each size as stated, infected 14 days on, grade."""

    reproduction: float
    outbreak: float
    sizes: tuple[float, ...]
    infected: float
    grade: str


def histories(seen: Quiet, town: Town) -> list[History]:
    return [
        History(
            stream.name, seen.counts[k, v], FIRST_DAY, 1, "count", assumed_model(stream), place=f"v{v}",
            population=float(town.population[v]), offsets=seen.exposure[k, v],
        )
        for k, stream in enumerate(STREAMS)
        for v in range(len(town.population))
    ]  # fmt: skip


def cases_of(watched: list[History], first: int, last: int, reproduction: float, infected_by: np.ndarray | None, seeded: int) -> list[Case]:
    """Alarms between two days: all of a quiet town, the first one after the seeding of an outbreak."""
    told = replay(watched, FIRST_DAY + timedelta(first), FIRST_DAY + timedelta(last), WATCH)
    found, before = [], None
    for day, _ in told.alarms:
        age = (day - FIRST_DAY).days - seeded
        if infected_by is None or age >= 0:
            a = screen(watched, day, WATCH, before).assessment
            truth = 0.0 if infected_by is None else float(infected_by[age + OUTLOOK_DAYS])
            found.append(Case(reproduction, a.outbreak_probability, tuple(a.size_probability[g] for g in GRADES), truth, a.grade or "blue"))
            if infected_by is not None:
                break
        before = day
    return found


def outbreak(seed: int, number: int) -> list[Case]:
    i = number % len(TRIED.reproductions)
    horizon = TRIED.horizons[i]
    town = town_of(stream_of("outbreak town", seed, number))
    quiet = quiet_town(stream_of("outbreak quiet", seed, number), town, "as modelled", TRIED.seeding + horizon + 1, TRIED.past)
    one = epidemic(stream_of("epidemic", seed, number, i), town, EpidemicParams(TRIED.reproductions[i]))
    seen = laid_in(quiet, one, town, TRIED, horizon, 1.0, stream_of("events", seed, number, i))
    return cases_of(
        histories(seen, town),
        TRIED.seeding - TRIED.run_in[0],
        TRIED.seeding + horizon,
        TRIED.reproductions[i],
        one.infected_by,
        TRIED.seeding,
    )


def quiet_years(seed: int, number: int) -> list[Case]:
    timeline = Timeline(learning=399, replayed=0, judged=365 * YEARS)
    town, seen = quiet_place(seed, number, "as modelled", timeline)
    return cases_of(histories(seen, town), timeline.judged_from, timeline.days - 1, 0.0, None, 0)


def table(cases: list[Case]) -> list[dict[str, object]]:
    """Points of the diagram: what was stated, in bins, and how often it happened."""
    happened = np.array([c.infected for c in cases])
    events = [("an outbreak", np.array([c.outbreak for c in cases]), np.array([c.reproduction > 0 for c in cases]))]
    events += [(f"{size:.0f} infected 14 days on", np.array([c.sizes[k] for c in cases]), happened >= size) for k, size in enumerate(SIZES)]
    points = []
    for name, stated, came in events:
        found = reliability(stated, came, bins=5)
        print(f"| {name} | {found.brier:.3f} | {found.miscalibration:.3f} | {found.resolution:.3f} | {found.uncertainty:.3f} |")
        points += [
            {"event": name, "stated": float(s), "happened": float(h), "low": float(lo), "high": float(hi), "cases": int(n)}
            for s, h, lo, hi, n in zip(found.stated, found.happened, found.low, found.high, found.cases, strict=True)
        ]
    return points


def ranked(cases: list[Case]) -> tuple[float, float]:
    """Mean ranked probability score of the stated sizes, and of the shares of these very cases."""
    stated = np.array([[1 - c.sizes[0], c.sizes[0] - c.sizes[1], c.sizes[1] - c.sizes[2], c.sizes[2]] for c in cases])
    came = np.array([sum(c.infected >= size for size in SIZES) for c in cases])
    shares = np.bincount(came, minlength=4) / len(came)
    plain = ranked_probability_score(np.tile(shares, (len(came), 1)), came)
    return float(ranked_probability_score(np.clip(stated, 0, 1) / np.clip(stated, 0, 1).sum(axis=1, keepdims=True), came).mean()), float(
        plain.mean()
    )


def draw(points: list[dict[str, object]], file: Path) -> None:
    """The diagram as SVG: a panel for each event, a dot for each bin, its size by the alarms in it."""
    side, gap, parts = 150, 56, []
    for k, event in enumerate(dict.fromkeys(p["event"] for p in points)):
        left, top = 40 + k * (side + gap), 34
        parts.append(f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#9aa5b1"/>')
        parts.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#9aa5b1" stroke-dasharray="4 4"/>')
        parts.append(f'<text x="{left}" y="{top - 12}">{event}</text>')
        for share in (0.0, 0.5, 1.0):
            parts.append(f'<text x="{left + share * side}" y="{top + side + 16}" text-anchor="middle">{share:g}</text>')
            parts.append(f'<text x="{left - 6}" y="{top + side - share * side + 4}" text-anchor="end">{share:g}</text>')
        for p in (p for p in points if p["event"] == event):
            x = left + float(p["stated"]) * side  # type: ignore[arg-type]
            low, high, y = (top + side - float(p[name]) * side for name in ("low", "high", "happened"))  # type: ignore[arg-type]
            parts.append(f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="#2b7a78"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + float(p["cases"]) ** 0.5 / 4:.1f}" fill="#2b7a78"/>')  # type: ignore[arg-type]
    parts.append(f'<text x="40" y="{34 + side + 36}">across: stated; up: how often it happened, with 95 %; dot: alarms</text>')
    width = 40 + 4 * (side + gap)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {side + 84}" font-family="sans-serif" font-size="12" fill="#334">'
    file.write_text(head + "".join(parts) + "</svg>\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outbreaks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=301)
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    with ProcessPoolExecutor(2) as workers:
        of_outbreaks = [c for part in workers.map(partial(outbreak, chosen.seed), range(chosen.outbreaks)) for c in part]
        of_years = [c for part in workers.map(partial(quiet_years, chosen.seed), range(-(-chosen.outbreaks // YEARS))) for c in part]
    cases = of_outbreaks + of_years
    print(f"{chosen.outbreaks} outbreaks, {len(of_outbreaks)} found; {chosen.outbreaks} quiet town-years, {len(of_years)} false alarms")
    print("\n| event | Brier | miscalibration | resolution | uncertainty |\n|---|---|---|---|---|")
    points = table(cases)
    print("\n| event | stated | happened [95 %] | alarms |\n|---|---|---|---|")
    for p in points:
        print(f"| {p['event']} | {p['stated']:.2f} | {p['happened']:.2f} [{p['low']:.2f}, {p['high']:.2f}] | {p['cases']} |")
    print("\n| grade | alarms | false | infected 14 days on: median (10-90 %) of the true |\n|---|---|---|---|")
    for grade in ("blue", *GRADES):
        own = [c for c in cases if c.grade == grade]
        true = [c.infected for c in own if c.reproduction]
        quantiles = np.quantile(true, [0.5, 0.1, 0.9]) if true else [np.nan] * 3
        print(f"| {grade} | {len(own)} | {len(own) - len(true)} | {quantiles[0]:.0f} ({quantiles[1]:.0f}-{quantiles[2]:.0f}) |")
    score, plain = ranked(cases)
    print(f"\nranked probability score {score:.3f}; stating these very shares every time {plain:.3f}")
    if chosen.picture:
        draw(points, chosen.picture)


if __name__ == "__main__":
    main()
