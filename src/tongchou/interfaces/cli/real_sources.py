"""Real streams for the benchmark of fusion: the pack of Germany, read week by week as it was known, by the very rules of the watch."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tongchou.core.packs.contents import Pack
from tongchou.core.packs.loading import load_pack
from tongchou.core.packs.observations import read_observations
from tongchou.core.wording import T
from tongchou.domains.warning.watching import WEEK, Area, Block, Watched, histories_of
from tongchou.interfaces.cli.benchmark_sources import AGED_60, DECISION_AFTER
from tongchou.science.detection.model import DetectionParams, Floats, History, StreamScore
from tongchou.science.detection.stream_evidence import score
from tongchou.science.evaluation.combining import Evidence
from tongchou.science.evaluation.expected_growth import without_season
from tongchou.science.evaluation.fusing import RealMeasured, RealTarget, is_development, measure_target
from tongchou.science.evaluation.onsets import COVID19, INFLUENZA, Onset, OnsetGround, OnsetRule, by_wave, onset_ground, part_of, settled
from tongchou.workflows.replay import reread

PAST_DAYS = 6 * 366  # for the season's growth; the evidence itself looks back two years
SPOKEN_WITHIN_DAYS = 28  # assumption: a stream without a value for four weeks is silent
SHARE_60 = 0.30  # of the population of Germany, where a state's own number is not known
Scored = Mapping[str, StreamScore]


@dataclass(frozen=True, slots=True)
class Truth:
    """What defines the onsets of a target: a kind of stream (final values), per residents; whether that kind is also judged."""

    target: str
    kind: str
    rule: OnsetRule
    is_judged: bool
    residents: Callable[[str, float], float]


TRUTHS = (
    # The older define the onset, so their cases are not judged: the stream would foretell itself.
    Truth("influenza", "influenza_60plus", INFLUENZA, False, lambda code, population: AGED_60.get(code, SHARE_60 * population)),
    Truth("covid19", "hospitalised_7d", COVID19, True, lambda code, population: population),
)


def read_real(folder: Path, first: date, last: date, tell: Callable[[float, T], None]) -> list[RealTarget]:
    """Every target of the pack whose truth it has: judged each Friday from the first to the last, on what was known then."""
    pack = load_pack(folder)
    kinds = {s.kind for sentinel in pack.sentinels for s in sentinel.streams}
    truths = [t for t in TRUTHS if t.kind in kinds]
    if not truths:
        wanted = ", ".join(t.kind for t in TRUTHS)
        raise ValueError(f"--pack {folder}: no stream that defines an onset ({wanted}); give the pack of Germany: packs/germany")
    past = reread(pack, first, last, history_days=PAST_DAYS)
    codes = [area.path.rstrip("/").rsplit("/", 1)[-1] for area in past.areas]
    heard: dict[str, list[list[tuple[Scored, Scored]]]] = defaultdict(list)
    days: list[date] = []
    for day, block in past.mornings:
        tell(0.9 * (day - first).days / max((last - first).days, 1), T(f"读取 {day}", f"read {day}"))
        days.append(day)
        for truth in truths:
            streams = [s for s in past.streams if truth.target in s.targets and (truth.is_judged or s.kind != truth.kind)]
            heard[truth.target].append(_read_friday(past.areas, streams, block, day))
    sundays = tuple(day - DECISION_AFTER for day in days)
    return [_target(pack, truth, heard[truth.target], sundays, codes) for truth in truths]


def judge_targets(
    targets: Sequence[RealTarget], held_out_from: date, held_out: Sequence[str] | None, rates: Sequence[float]
) -> tuple[list[RealMeasured], tuple[str, ...]]:
    """Measure every target, and say which places were held out: every fourth in the order of their codes unless named.

    Raises ValueError for an unknown place and for a split that leaves no onset to develop on.
    """
    places = tuple(sorted({place for target in targets for place in target.places}))
    chosen = tuple(held_out) if held_out else places[3::4]
    if unknown := sorted(set(chosen) - set(places)):
        raise ValueError(f"--held-out {', '.join(unknown)}: no such state in the pack; it has {', '.join(places)}")
    measured = []
    for target in targets:
        development = is_development(target, held_out_from, chosen)
        if not part_of(target.ground, development).onsets:
            raise ValueError(
                f"{target.code}: no onset before {held_out_from} in the states not held out; choose an earlier --from or a later --held-out-from"
            )
        measured.append(measure_target(target, development, rates))
    return measured, chosen


def _read_friday(areas: Iterable[Area], streams: list[Watched], block: Block, day: date) -> list[tuple[Scored, Scored]]:
    """Per area the score of every stream, plain and with the season taken out of what is not specific."""
    params = DetectionParams.weekly()
    done: dict[tuple[str, tuple[str, ...]], tuple[StreamScore, StreamScore]] = {}
    found: list[tuple[Scored, Scored]] = []
    for area in areas:
        plain: dict[str, StreamScore] = {}
        adjusted: dict[str, StreamScore] = {}
        for history, codes in histories_of(area, streams, block, WEEK):
            key = (history.stream, codes)  # a national stream is the same in every state
            if key not in done:
                one = score(history, day, params)
                done[key] = one, one if history.weight == 1 else score(_without_season(history, day), day, params)
            plain[history.stream], adjusted[history.stream] = done[key]
        found.append((plain, adjusted))
    return found


def _without_season(history: History, day: date) -> History:
    return without_season(history, day) if history.step_days == WEEK else history


def _target(pack: Pack, truth: Truth, heard: list[list[tuple[Scored, Scored]]], sundays: tuple[date, ...], codes: list[str]) -> RealTarget:
    plain, adjusted = (_evidence([[pair[which] for pair in areas] for areas in heard]) for which in (0, 1))
    rates = _rates(pack, truth, sundays[0], len(sundays), codes)
    ground = settled(onset_ground(rates, [0] * len(sundays), 0, truth.rule), truth.rule)
    spoken = ~np.isnan(plain.mid_p[list(plain.own)]).all(axis=0)
    ground = OnsetGround(by_wave(ground.onsets), ground.window, ground.is_quiet & spoken)
    return RealTarget(truth.target, plain, adjusted, ground, sundays, tuple(codes))


def _evidence(weeks: list[list[Scored]]) -> Evidence:
    """Scores by week and area as arrays."""
    spoken = [[{n: s for n, s in area.items() if _speaks(s)} for area in areas] for areas in weeks]
    seen = {name: one for areas in spoken for area in areas for name, one in area.items()}
    names = sorted(seen, key=lambda name: (seen[name].outside, name))
    shape = (len(names), len(weeks[0]), len(weeks))
    log_evidence, mid_p = np.zeros((*shape, *DetectionParams.weekly().grid_shape[:2])), np.full(shape, np.nan)
    for w, areas in enumerate(spoken):
        for a, area in enumerate(areas):
            for name, one in area.items():
                k = names.index(name)
                # Growth streams have no size axis of their own.
                log_evidence[k, a, w], mid_p[k, a, w] = one.log_evidence[:, :, 0], one.mid_p
    weights = np.array([seen[name].weight for name in names])
    return Evidence(tuple(names), weights, np.array([seen[name].outside for name in names]), log_evidence, mid_p)


def _speaks(score: StreamScore) -> bool:
    return score.observed_on is not None and (score.day - score.observed_on).days <= SPOKEN_WITHIN_DAYS


def _rates(pack: Pack, truth: Truth, first: date, weeks: int, codes: list[str]) -> Floats:
    """Final values of the defining stream per 100,000, (places, weeks)."""
    home = {s.code: sentinel.place for sentinel in pack.sentinels for s in sentinel.streams if s.kind == truth.kind}
    latest: dict[tuple[str, date], tuple[float, float]] = {}
    for path in pack.observation_files:
        for part in read_observations(path):
            for code, day, at, value in zip(part.stream, part.day, part.reported_at, part.value, strict=True):
                if code in home and latest.get((code, day), (0.0, 0.0))[0] <= at.timestamp():
                    latest[code, day] = (at.timestamp(), value)
    residents = {p.code: truth.residents(p.code, float(p.population or 1)) for p in pack.places}
    rates = np.full((len(codes), weeks), np.nan)
    for (code, day), (_, value) in latest.items():
        week, late = divmod((day - first).days, 7)
        if home[code] in codes and 0 <= week < weeks and late == 0:
            rates[codes.index(home[code]), week] = value / residents[home[code]] * 100_000
    return rates


def alarm_day(onset: Onset, sundays: tuple[date, ...], days: float) -> date:
    """The day of an alarm so many days from the Monday of an onset's week."""
    return sundays[onset.week] - timedelta(days=6) + timedelta(days=round(days))
