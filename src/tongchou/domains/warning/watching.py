"""From series of numbers to one assessment per area and target. Pure: the database and the files of a pack both end here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tongchou.domains.warning.rules import OUTSIDE, Memory, grade_of_place
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import Additive, Assessment, DetectionParams, GradeParams, History, Multiplicative, StreamScore

Floats = NDArray[np.float64]
HISTORY_DAYS = 2 * 365
WEEK = 7
SPREAD_DAYS = 21  # assumption: about three generations of infection
# A country's parts are far apart, each with its own waves; a town's villages are one population and share their evidence.
READS_PARTS_APART = frozenset({"country"})
# Published weekly figures of a country are complete by Thursday night: it is read on Friday mornings.
WEEKLY_READING_DAY = 4


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as the watch needs it: its own code last in `path`."""

    code: str
    path: str
    kind: str
    population: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A stream as the watch sees it. `place` is the path of the part it speaks for; the whole town's (or country's) path: for all of it."""

    code: str
    kind: str
    place: str
    targets: tuple[str, ...]
    value_kind: str
    step_days: int
    period_days: int
    direction: str
    weight: float
    model: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Area:
    """What is read together: `path`, the parts in which a rise can be located (none: the area is one), and the areas read beside it."""

    path: str
    parts: tuple[Spot, ...]
    population: float
    neighbours: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class Block:
    """Values as known at an instant: one row per stream, one column per day from `first_day`; NaN where nothing was known."""

    codes: tuple[str, ...]
    first_day: date
    values: Floats

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=self.values.shape[1] - 1)

    @cached_property
    def row(self) -> Mapping[str, int]:
        return {code: index for index, code in enumerate(self.codes)}


@dataclass(frozen=True, slots=True)
class Reading:
    """One morning's assessment of one area and target. `members[i]` are the codes of the streams behind `scores[i]`."""

    area: Area
    target: str
    assessment: Assessment
    scores: tuple[StreamScore, ...]
    members: tuple[tuple[str, ...], ...]
    digest: str
    without: tuple[str, ...] = ()

    @property
    def place_path(self) -> str:
        """Where the rise is: the leading part if it holds at least half of the evidence, else the whole area."""
        return self.assessment.located_in or self.area.path


def areas_of(root: Spot, leaves: Sequence[Spot]) -> tuple[Area, ...]:
    """The areas of a town (one) or of a country (each part by itself)."""
    if root.kind in READS_PARTS_APART:
        return tuple(Area(leaf.path, (), leaf.population, tuple(other for other in leaves if other != leaf)) for leaf in leaves)
    return (Area(root.path, tuple(leaves), sum(leaf.population for leaf in leaves) or root.population),)


def place_of(root_path: str, catchments: Iterable[tuple[str, float]]) -> str:
    """The path a stream speaks for: the place that holds at least half of the residents it sees, else the whole. Pairs of path, residents."""
    seen = list(catchments)
    total = sum(residents for _, residents in seen)
    path, most = max(seen, key=lambda pair: pair[1], default=(root_path, 0.0))
    return path if total > 0 and most >= total / 2 else root_path


def parameters_from(values: Mapping[str, Any], step_days: int) -> DetectionParams:
    """Detection parameters from the office's numbers (`alarm.*`); what is not given keeps the science's default."""
    sizes = dict(values.get("alarm.grade_thresholds") or {})
    if "blue_probability" in sizes:
        sizes["blue_outbreak_probability"] = sizes.pop("blue_probability")
    if "alarm.grade_quorum" in values:
        sizes["size_probability"] = values["alarm.grade_quorum"]
    changes: dict[str, Any] = {"grades": GradeParams(**sizes)}
    if "alarm.promised_per_year" in values:
        changes["alarms_per_year"] = float(values["alarm.promised_per_year"])
    if "alarm.prior_odds" in values:
        changes["prior_onsets_per_year"] = 365.25 * float(values["alarm.prior_odds"])
    return DetectionParams.weekly(**changes) if step_days == WEEK else DetectionParams(**changes)


def margin_of(params: DetectionParams, margin: Any, target: str) -> DetectionParams:
    """The parameters with a target's margin above the theoretical threshold: `alarm.margin_log` is one number, or a table by target."""
    chosen = margin.get(target, 0.0) if isinstance(margin, Mapping) else margin
    return params if not chosen else replace(params, margin_log=float(chosen))


def read_area(
    area: Area,
    target: str,
    streams: Sequence[Watched],
    block: Block,
    day: date,
    params: DetectionParams,
    restarted_on: date | None = None,
    without: tuple[str, ...] = (),
) -> Reading | None:
    """Screen one area for one target on one morning; None when no stream there has ever reported.

    `without`: parts left out, with every stream that sees them, to find what a known rise there would drown.
    """
    asked = [s for s in streams if target in s.targets and s.code in block.row]
    pairs = histories_of(area, asked, block, params.calendar_step_days, without)
    histories, members = [history for history, _ in pairs], [codes for _, codes in pairs]
    if not histories:
        return None
    found = screen(histories, day, params, restarted_on)
    question = f"{area.path}|{target}|{day}|{params}|{restarted_on}|{without}"
    return Reading(area, target, found.assessment, found.scores, tuple(members), _digest(question, histories), without)


def histories_of(
    area: Area, streams: Sequence[Watched], block: Block, calendar_step_days: int, without: tuple[str, ...] = ()
) -> list[tuple[History, tuple[str, ...]]]:
    """A history per kind of stream and part of an area, then per specific kind what its neighbours see; each with the codes of its streams."""
    inside = [s for s in streams if _speaks_for(s.place, area.path) and not any(_speaks_for(s.place, part) for part in without)]
    population = {spot.path: spot.population for spot in area.parts}
    found = []
    for (kind, path), group in _grouped(inside, area):
        history = _history(kind, group, block, calendar_step_days)
        if history is not None:
            place = path if path in population else None
            history = replace(history, place=place, population=population.get(path, area.population) or 1.0)
            found.append((history, tuple(s.code for s in group)))
    return found + _outside_histories(area, streams, block, calendar_step_days)


def _outside_histories(
    area: Area, streams: Sequence[Watched], block: Block, calendar_step_days: int
) -> list[tuple[History, tuple[str, ...]]]:
    """Every specific kind of stream that the area has itself, pooled over its neighbours by residents: what may be coming from outside."""
    residents = {spot.path: spot.population for spot in area.neighbours}
    own = {s.kind for s in streams if s.weight == 1 and s.place.startswith(area.path)}
    home = {s.code: path for s in streams for path in residents if s.kind in own and s.weight == 1 and s.place.startswith(path)}
    found = []
    for (kind, _), group in _grouped([s for s in streams if s.code in home], area):
        history = _history(kind, group, block, calendar_step_days, [residents[home[s.code]] for s in group])
        if history is not None:
            # Many places' events together are a busy stream, whatever they are in one of them.
            pooled = replace(history, stream=f"{OUTSIDE}{kind}", model=Multiplicative(), population=area.population or 1.0, outside=True)
            found.append((pooled, tuple(s.code for s in group)))
    return found


@dataclass(frozen=True, slots=True)
class Morning:
    """Everything one morning says about one area and target. `found` are the readings that ask for an alarm, or for renewing one."""

    whole: Reading
    rest: Reading | None
    found: tuple[Reading, ...]
    places: Mapping[str, tuple[float, float, str]]  # path → log evidence, probability, grade


def read_morning(
    area: Area,
    target: str,
    streams: Sequence[Watched],
    block: Block,
    day: date,
    params: DetectionParams,
    memory: Memory,
    *,
    repeat_days: int,
    spread_days: int,
) -> Morning | None:
    """Read an area whole, and then what lies outside the rises already told of.

    A large outbreak in one village drowns the beginning of another; so its streams, and those that see it from afar, are left out
    of the second reading. What appears there soon after an alarm counts as its spread; later, as a rise of its own.
    """
    restarted_on = memory.restarted_on(area.path, day)
    whole = read_area(area, target, streams, block, day, params, restarted_on)
    if whole is None:
        return None
    told = memory.told_parts(area.path, day, repeat_days)
    found = [whole] if whole.assessment.alarm else []
    places = _graded(whole, area.path, whole.assessment.grade or ("blue" if told else ""))
    places[area.path] = (whole.assessment.statistic, whole.assessment.outbreak_probability, whole.assessment.grade or "")
    rest = read_area(area, target, streams, block, day, params, restarted_on, without=told) if told else None
    if rest is not None:
        spreading = memory.is_spreading(day, spread_days)
        alone = None if spreading else _strongest_part(rest, streams, block, day, params, restarted_on)
        if alone is not None and alone.assessment.alarm:
            found.append(alone)
        told_here = "blue" if spreading else (alone.assessment.grade or "") if alone else ""
        places |= _graded(rest, alone.area.path if alone else "", told_here)
    return Morning(whole, rest, tuple(found), places)


def _graded(reading: Reading, leading: str, grade: str) -> dict[str, tuple[float, float, str]]:
    """Evidence of the parts a reading is about, with the grade to show."""
    a = reading.assessment
    leads = reading.place_path if leading == reading.area.path else leading
    return {
        p.place: (p.log_evidence, p.outbreak_probability, grade_of_place(p.place == leads, p.log_evidence >= a.threshold, grade))
        for p in a.places
        if p.place is not None and p.place not in reading.without
    }


def _strongest_part(
    rest: Reading, streams: Sequence[Watched], block: Block, day: date, params: DetectionParams, restarted_on: date | None
) -> Reading | None:
    """The strongest part of a reading by itself, from its own streams alone; None when none passes the threshold in that reading."""
    a = rest.assessment
    top = max((p for p in a.places if p.place is not None), key=lambda p: p.log_evidence, default=None)
    if top is None or top.place is None or top.log_evidence < a.threshold:
        return None
    spot = next(part for part in rest.area.parts if part.path == top.place)
    own = [s for s in streams if s.place.startswith(spot.path)]
    return read_area(Area(spot.path, (), spot.population), rest.target, own, block, day, params, restarted_on)


def _speaks_for(place: str, area: str) -> bool:
    """A stream counts in an area when it lies in it, or when it sees a larger place around it."""
    return place.startswith(area) or area.startswith(place)


def _grouped(streams: Sequence[Watched], area: Area) -> list[tuple[tuple[str, str], list[Watched]]]:
    """Streams of one kind, rhythm and model in one part are read together: two pharmacies of a village are one stream with two sites."""
    groups: dict[tuple[str, str, int, str], list[Watched]] = defaultdict(list)
    parts = {spot.path for spot in area.parts}
    for s in streams:
        groups[s.kind, s.place if s.place in parts else area.path, s.step_days, s.direction].append(s)
    return [((kind, path), group) for (kind, path, _, _), group in sorted(groups.items())]


def _history(
    kind: str, group: Sequence[Watched], block: Block, calendar_step_days: int, sizes: Sequence[float] | None = None
) -> History | None:
    """One history from the rows of a group; None without any value. `sizes`: how much each of them counts for (residents), else alike."""
    one, first_day = group[0], block.first_day
    known = block.values[[block.row[s.code] for s in group]]
    size = np.ones(len(group)) if sizes is None else np.array(sizes) / np.mean(sizes)
    sites = size @ ~np.isnan(known)
    is_count = one.value_kind == "count"
    total = np.where(np.isnan(known), 0.0, known if is_count else size[:, None] * known).sum(axis=0)
    values = np.where(sites > 0, total if is_count else total / np.where(sites > 0, sites, 1.0), np.nan)
    present = np.flatnonzero(~np.isnan(values))
    if not len(present):
        return None
    is_weekly = one.step_days == WEEK or one.period_days == WEEK or calendar_step_days == WEEK
    if is_weekly:
        first_day, values, sites = _weeks(
            values, sites, first_day, int(present[-1]), adds_days=one.period_days == 1 and is_count, steps=one.step_days
        )
        if not len(values):  # fallen silent almost two years ago: less than a week of it is left in sight
            return None
    return History(
        stream=kind,
        values=values,
        first_day=first_day,
        step_days=WEEK if is_weekly else 1,
        kind=one.value_kind,  # type: ignore[arg-type]
        model=_model(one, len(group)),
        weight=one.weight,
        direction=one.direction,  # type: ignore[arg-type]
        offsets=np.where(sites > 0, sites, 1.0) if is_count and len(group) > 1 else None,
    )  # fmt: skip


def _weeks(values: Floats, sites: Floats, first_day: date, last: int, *, adds_days: bool, steps: int) -> tuple[date, Floats, Floats]:
    """Weeks that end on the weekday of the newest value: sums of daily counts, means of daily rates, or the weekly value that lies inside."""
    begin = (last + 1) % WEEK
    weeks = values[begin : last + 1].reshape(-1, WEEK)
    sites_of_week = sites[begin : last + 1].reshape(-1, WEEK).max(axis=1)
    days_known = (~np.isnan(weeks)).sum(axis=1)
    sums = np.where(np.isnan(weeks), 0.0, weeks).sum(axis=1)
    if adds_days and steps == 1:
        # A week short of days would look like a fall.
        chosen = np.where(days_known == WEEK, sums, np.nan)
    elif steps == 1 and not adds_days:
        chosen = weeks[:, -1]
    else:
        chosen = np.where(days_known > 0, sums / np.maximum(days_known, 1), np.nan)
    return first_day + timedelta(days=begin), chosen, sites_of_week


@lru_cache(maxsize=4096)
def _additive(events: float, mean_days: float, sd_days: float) -> Additive:
    return Additive(events, mean_days, sd_days)


def _model(one: Watched, sites: int) -> Additive | Multiplicative:
    model = one.model
    if model.get("form") == "additive" and one.value_kind == "count" and one.direction == "higher":
        return _additive(float(model["events_per_infection"]) * sites, float(model["delay_mean_days"]), float(model["delay_sd_days"]))
    return Multiplicative()


def _digest(question: str, histories: Sequence[History]) -> str:
    """SHA-256 over everything the reading depends on: the same digest gives the same figures."""
    digest = sha256(question.encode())
    for h in histories:
        digest.update(
            f"{h.stream}|{h.place}|{h.first_day}|{h.step_days}|{h.kind}|{h.model}|{h.weight}|{h.direction}|{h.population}".encode()
        )
        digest.update(np.ascontiguousarray(h.values).tobytes())
        if h.offsets is not None:
            digest.update(np.ascontiguousarray(h.offsets).tobytes())
    return digest.hexdigest()
