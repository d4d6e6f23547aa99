"""How soon every rule rings after an outbreak begins, how many are infected by then, and whether it points to the right village."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.backgrounds import Watched
from tongchou.science.evaluation.fusion.budgets import BACKGROUNDS, stream_of
from tongchou.science.evaluation.fusion.contenders import CONTENDERS, Rule, rules_of
from tongchou.science.evaluation.fusion.epidemics import Epidemic, EpidemicParams, epidemic, expected_events
from tongchou.science.evaluation.fusion.towns import Town, town_of
from tongchou.science.evaluation.fusion.worlds import Quiet, quiet_town

METHODS = tuple(CONTENDERS)


@dataclass(frozen=True, slots=True)
class OutbreakParams:
    """The outbreaks that are tried. P: the first simulation of this project, unpublished; A: assumption."""

    reproductions: tuple[float, ...] = (1.6, 2.5, 4.0)  # P
    horizons: tuple[int, ...] = (80, 55, 40)  # A: days after seeding that are watched, by reproduction number; later is not found
    qualities: tuple[float, ...] = (0.5, 1.0, 2.0)  # sensitivity of all streams; the detector is not told
    truth_at: float = 1.0  # A: the quality at which the true background is tried beside the estimated one
    past: int = 728  # A: two years without an outbreak
    # A: the rules run so long before the seeding, anything from .. to, with false alarms and restarts. It must differ between towns: a sum grows by
    # about one a day, so at one alarm in 30 days even a useless stream rings every month, and with one run-in for all always on the same day.
    run_in: tuple[int, int] = (21, 56)

    @property
    def seeding(self) -> int:
        """Day of the town's calendar on which the outbreak is seeded."""
        return self.past + self.run_in[1]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """One town's outbreaks: (backgrounds, reproductions, qualities, methods, intervals).

    delay: days from seeding to the first alarm on or after it, NaN = none. infected: so many by then, at the horizon if none. rank: of the
    seeded village at the alarm, 1 = first, NaN = no alarm. All NaN where the true background was not tried.
    """

    delay: Floats
    infected: Floats
    rank: Floats


def judge_outbreaks(
    seed: int, number: int, thresholds: Mapping[str, Mapping[str, tuple[float, ...]]], offsets: Mapping[str, Floats], params: OutbreakParams
) -> Outcomes:
    """Every method on the outbreaks of one town; thresholds: by background and method, one for each interval."""
    town = town_of(stream_of("outbreak town", seed, number))
    seen = quiet_town(
        stream_of("outbreak quiet", seed, number), town, "as modelled", params.seeding + max(params.horizons) + 1, params.past
    )
    run_in = int(stream_of("run-in", seed, number).integers(params.run_in[0], params.run_in[1] + 1))
    intervals = len(next(iter(thresholds["estimated"].values())))
    shape = (len(BACKGROUNDS), len(params.reproductions), len(params.qualities), len(METHODS), intervals)
    delay, infected, rank = (np.full(shape, np.nan) for _ in range(3))
    table = Watched().table()
    for i, (reproduction, horizon) in enumerate(zip(params.reproductions, params.horizons, strict=True)):
        one = epidemic(stream_of("epidemic", seed, number, i), town, EpidemicParams(reproduction))
        for j, quality in enumerate(params.qualities):
            with_events = laid_in(seen, one, town, params, horizon, quality, stream_of("events", seed, number, i, j))
            for b, (background, panel_of) in enumerate(BACKGROUNDS.items()):
                if background == "true" and quality != params.truth_at:
                    continue
                panel = panel_of(with_events, town, params.seeding - run_in)
                rules = rules_of(panel, town, table, offsets[background], with_places=True)
                for m, method in enumerate(METHODS):
                    for k, threshold in enumerate(thresholds[background][method]):
                        found = first_alarm(rules[method], threshold, run_in, one.village)
                        delay[b, i, j, m, k], rank[b, i, j, m, k] = found
                        infected[b, i, j, m, k] = one.infected_by[horizon if np.isnan(found[0]) else int(found[0])]
    return Outcomes(delay, infected, rank)


def laid_in(
    seen: Quiet, one: Epidemic, town: Town, params: OutbreakParams, horizon: int, quality: float, rng: np.random.Generator
) -> Quiet:
    """The quiet town up to the horizon with an outbreak's events on top; a report that never came stays missing."""
    last = params.seeding + horizon + 1
    counts = seen.counts[:, :, :last].copy()
    counts[:, :, params.seeding :] += rng.poisson(quality * expected_events(one, town, params.seeding, horizon + 1))
    return Quiet(counts, seen.mean[:, :, :last], seen.dispersion[:, :last], seen.exposure[:, :, :last])


def first_alarm(rule: Rule, threshold: float, seeding: int, village: int) -> tuple[float, float]:
    """Days from seeding to the first alarm from then on, and the rank of the village in it (ties share a rank); NaN without an alarm."""
    alarms: NDArray[np.int64] = rule.alarms(threshold)
    later = np.flatnonzero(alarms >= seeding)
    if not len(later):
        return np.nan, np.nan
    day = int(alarms[later[0]])
    scores = rule.place_scores(day, int(alarms[later[0] - 1]) if later[0] else -1)
    own = scores[village]
    return float(day - seeding), 1.0 + float((scores > own).sum()) + float((scores == own).sum() - 1) / 2
