"""How often a rule rings in quiet towns: counts on a grid of thresholds, the threshold of an interval, and intervals in every null world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.budget import calibrate_threshold
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.backgrounds import Watched, estimated_panel, true_panel
from tongchou.science.evaluation.fusion.contenders import CONTENDERS, Rule, charts_alone, rules_of
from tongchou.science.evaluation.fusion.evidence import Windowed, shaped_evidence, summed_over_onsets
from tongchou.science.evaluation.fusion.towns import YEAR_DAYS, Town, town_of
from tongchou.science.evaluation.fusion.worlds import Quiet, quiet_town

INTERVALS = (30.0, 90.0, 365.0)  # days between false alarms of a town
BACKGROUNDS = {"estimated": estimated_panel, "true": true_panel}
PILOT_INTERVAL = 60.0  # the five CUSUMs of Bonferroni are put on one scale where each alone rings so often


@dataclass(frozen=True, slots=True)
class Timeline:
    """Days of a quiet town: past to learn from, past to set thresholds on, judged. Whole weeks. A: assumption."""

    learning: int = 392  # the product looks back 378 days and up to a week
    replayed: int = 364  # A: one year of own past, which every town soon has
    judged: int = 1456  # A: four years

    @property
    def judged_from(self) -> int:
        return self.learning + self.replayed

    @property
    def days(self) -> int:
        return self.judged_from + self.judged


def stream_of(purpose: str, *key: int) -> np.random.Generator:
    """The random numbers of one purpose."""
    return np.random.default_rng([crc32(purpose.encode()), *key])


def quiet_place(seed: int, number: int, world: str, timeline: Timeline) -> tuple[Town, Quiet]:
    """A town and its quiet counts; towns of one number are the same in every world."""
    town = town_of(stream_of("town", seed, number))
    return town, quiet_town(stream_of("quiet", seed, number), town, world, timeline.days, timeline.judged_from)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Alarms of every method at every threshold of its grid, and the days they fell in."""

    days: int
    alarms: Mapping[str, NDArray[np.int64]]

    def threshold_for(self, method: str, interval: float) -> float:
        """Threshold at which alarms are so many days apart, between grid points as if the logarithm of the interval were straight."""
        counts = np.minimum.accumulate(self.alarms[method])
        grid = CONTENDERS[method].grid(len(counts))
        some = counts > 0
        return float(np.interp(np.log(interval), np.log(self.days / counts[some]), grid[some]))

    def alarms_at(self, method: str, threshold: float) -> int:
        """Alarms at the next threshold of the grid from this one on."""
        grid = CONTENDERS[method].grid(len(self.alarms[method]))
        position = min(int(np.searchsorted(grid, threshold - 1e-9)), len(grid) - 1)
        return int(self.alarms[method][position])


def added(parts: Sequence[Counted]) -> Counted:
    """Several towns as one count."""
    return Counted(sum(p.days for p in parts), {name: np.sum([p.alarms[name] for p in parts], axis=0) for name in parts[0].alarms})


def counted(rules: Mapping[str, Rule], days: int) -> Counted:
    """Alarms of every rule at every threshold of its grid."""
    return Counted(days, {name: np.array([len(rule.alarms(t)) for t in CONTENDERS[name].grid()]) for name, rule in rules.items()})


def count_charts(seed: int, number: int, background: str, timeline: Timeline) -> Counted:
    """Pilot: the CUSUM of every stream alone in one quiet town."""
    town, seen = quiet_place(seed, number, "as modelled", timeline)
    panel = BACKGROUNDS[background](seen, town, timeline.judged_from)
    return counted(charts_alone(panel), timeline.judged)


def offsets_of(pilot: Counted) -> Floats:
    """Threshold of each stream's CUSUM at the common interval, (streams,)."""
    return np.array([pilot.threshold_for(name, PILOT_INTERVAL) for name in pilot.alarms])


def count_quiet(seed: int, number: int, background: str, offsets: Floats, timeline: Timeline) -> Counted:
    """Every contender in one quiet town as modelled."""
    town, seen = quiet_place(seed, number, "as modelled", timeline)
    panel = BACKGROUNDS[background](seen, town, timeline.judged_from)
    return counted(rules_of(panel, town, Watched().table(), offsets), timeline.judged)


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The fused rule in one town of one world: days judged, alarms by promised interval at the theory's and at the replay's threshold."""

    world: str
    days: int
    by_theory: NDArray[np.int64]
    by_replay: NDArray[np.int64]
    margins: Floats


def keep_budget(seed: int, number: int, world: str, timeline: Timeline, intervals: Sequence[float] = INTERVALS) -> Kept:
    """Count the fused rule's alarms in one town of a null world.

    Notes
    -----
    Theory: log c. Replay: the same plus the margin of `calibrate_threshold` on the replayed past (science.md 6: the larger of the two).
    """
    town, seen = quiet_place(seed, number, world, timeline)
    panel = estimated_panel(seen, town, timeline.learning)
    fused = summed_over_onsets(shaped_evidence(panel, Watched().table(), with_streams=False).fused)
    past, judged = fused.reach[: timeline.replayed, -1], _begun_anew(fused, timeline.replayed)
    margins = np.array([calibrate_threshold(past - np.log(c), YEAR_DAYS / c).margin_log for c in intervals])
    by = [[len(judged.alarms(float(np.log(c) + m))) for c, m in zip(intervals, extra, strict=True)] for extra in (0 * margins, margins)]
    return Kept(world, timeline.judged, np.array(by[0]), np.array(by[1]), margins)


def _begun_anew(rule: Windowed, day: int) -> Windowed:
    """The rule from a day on, as if it had rung the day before."""
    ages = rule.reach.shape[1]
    later = rule.reach[day:].copy()
    for t in range(min(ages, len(later))):
        later[t, t + 1 :] = later[t, t]
    return Windowed(later, rule.places)


def unevenness(alarms: Sequence[int] | NDArray[np.int64]) -> float:
    """Variance over mean of the towns' counts: 1 as in Poisson's law; above it the exact limits are too narrow."""
    counts = np.asarray(alarms, dtype=np.float64)
    return float(counts.var(ddof=1) / counts.mean()) if len(counts) > 1 and counts.any() else float("nan")
