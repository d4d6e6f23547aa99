"""A pack's past read again, morning by morning, as it was known then: no database, nothing is written.

1. Take the mornings one after another.  2. Add what became known since the last one.  3. Read each area (`watching.read_morning`).
4. Raise an alarm, renew it, or say nothing, by the very rule of the watch.  Nobody decides on alarms here, so none is ever dismissed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tongchou.core.errors import Refusal
from tongchou.core.packs.contents import Pack, PlaceSpec, SentinelSpec
from tongchou.core.packs.observations import read_observations
from tongchou.core.wording import T
from tongchou.domains.sentinels.generation import generate_observations
from tongchou.domains.warning.rules import Known, Memory, next_move, rank
from tongchou.domains.warning.watching import (
    HISTORY_DAYS,
    SPREAD_DAYS,
    Area,
    Block,
    Morning,
    Reading,
    Spot,
    Watched,
    areas_of,
    margin_of,
    parameters_from,
    place_of,
    read_morning,
)
from tongchou.science.detection.model import DetectionParams
from tongchou.workflows.early_warning import MORNING, mornings
from tongchou.workflows.watched_town import PARAMETERS


@dataclass(slots=True)
class Raised:
    """One alarm of a replay, with the grade it reached and the day it was last seen."""

    day: date
    place: str
    name: T
    target: str
    grade: str
    worst_grade: str
    last_seen_on: date
    raised_by: str
    log_evidence: float
    threshold: float
    probability: float
    growth_per_day: float | None
    streams: tuple[tuple[str, float], ...]

    def record(self) -> dict[str, Any]:
        """The alarm as JSON: one record."""
        return {
            "day": self.day.isoformat(), "place": self.place, "name": {"zh": self.name.zh, "en": self.name.en}, "target": self.target,
            "grade": self.grade, "worst_grade": self.worst_grade, "last_seen_on": self.last_seen_on.isoformat(), "raised_by": self.raised_by,
            "log_evidence": round(self.log_evidence, 3), "threshold": round(self.threshold, 3), "probability": round(self.probability, 4),
            "growth_per_day": None if self.growth_per_day is None else round(self.growth_per_day, 4),
            "streams": [{"kind": kind, "share": round(share, 3)} for kind, share in self.streams],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay: the mornings read, and every alarm in the order of its day."""

    mornings: int
    readings: int
    alarms: tuple[Raised, ...]


@dataclass(slots=True)
class _Past:
    """Observations in the order in which they became known, laid into a matrix as time goes by."""

    codes: tuple[str, ...]
    first_day: date
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    known_at: NDArray[np.float64]
    value: NDArray[np.float64]
    values: NDArray[np.float64]
    laid: int = 0

    def upto(self, day: date, at: datetime, history_days: int) -> Block:
        """What was known at an instant of the days before a day."""
        end = int(np.searchsorted(self.known_at, at.timestamp(), side="right"))
        # Rows are in the order of reporting, and the last of equal cells stays.
        self.values[self.row[self.laid : end], self.column[self.laid : end]] = self.value[self.laid : end]
        self.laid = end
        last = (day - self.first_day).days + 1
        first = max(0, last - history_days - 1)
        return Block(self.codes, self.first_day + timedelta(days=first), self.values[:, first:last])


@dataclass(slots=True)
class _Area:
    area: Area
    target: str
    known: list[Known] = field(default_factory=list)
    raised: list[Raised] = field(default_factory=list)
    touched: dict[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reread:
    """A pack's past: its places by path, areas and streams, and every morning with what was known then (in order, to be read once)."""

    places: dict[str, PlaceSpec]
    areas: tuple[Area, ...]
    streams: tuple[Watched, ...]
    mornings: Iterator[tuple[date, Block]]


def reread(pack: Pack, first_day: date, last_day: date, *, seed: int | None = None, history_days: int = HISTORY_DAYS) -> Reread:
    """Every morning between two days as it was known then; each block is laid over the one before."""
    places, root, leaves = _places(pack)
    streams = tuple(_watched(pack, places))
    past = _past(pack, [s.code for s in streams], last_day, seed)
    days = mornings(first_day, last_day, pack.identity.step_days)
    blocks = ((day, past.upto(day, datetime.combine(day, MORNING, pack.identity.zone), history_days)) for day in days)
    return Reread(places, areas_of(root, leaves), streams, blocks)


def replay_pack(pack: Pack, first_day: date, last_day: date, *, seed: int | None = None, margin_log: float | None = None) -> Replayed:
    """Read every morning between two days as it was known then. `margin_log` replaces the pack's own margin above the theoretical threshold."""
    past = reread(pack, first_day, last_day, seed=seed)
    areas = [_Area(area, target.code) for area in past.areas for target in pack.targets]
    names = {path: spec.name for path, spec in past.places.items()}
    days = readings = 0
    for day, block in past.mornings:
        values = _values_on(pack, day)
        if margin_log is not None:
            values["alarm.margin_log"] = margin_log
        params = parameters_from(values, pack.identity.step_days)
        days += 1
        for one in areas:
            readings += _read(one, past.streams, block, day, params, values, names)
    alarms = sorted((a for one in areas for a in one.raised), key=lambda a: (a.day, a.place, a.target))
    return Replayed(days, readings, tuple(alarms))


def _read(
    one: _Area, streams: Sequence[Watched], block: Block, day: date, params: DetectionParams, values: dict[str, Any], names: dict[str, T]
) -> int:
    if "alarm.repeat_window" not in values:
        raise Refusal(
            T(f"资料包的参数 alarm.repeat_window 在 {day} 没有取值。", f"Parameter alarm.repeat_window of the pack has no value on {day}."),
            T("请从有取值的日子开始重放，或在资料包中补录。", "Begin the replay on a day that has one, or add it to the pack."),
        )
    repeat_days = int(values["alarm.repeat_window"])
    spread_days = int(values.get("alarm.spread_window", SPREAD_DAYS))
    memory = Memory(tuple(one.known), one.touched)
    params = margin_of(params, values.get("alarm.margin_log"), one.target)
    morning = read_morning(one.area, one.target, streams, block, day, params, memory, repeat_days=repeat_days, spread_days=spread_days)
    if morning is None:
        return 0
    for reading in morning.found:
        _tell(one, reading, day, repeat_days, names)
    _touch(one, morning, day)
    return 1


def _touch(one: _Area, morning: Morning, day: date) -> None:
    one.touched |= {path: day for path, (_, _, grade) in morning.places.items() if grade and path != one.area.path}


def _tell(one: _Area, reading: Reading, day: date, repeat_days: int, names: dict[str, T]) -> None:
    a, path = reading.assessment, reading.place_path
    grade = a.grade or "blue"
    move, same = next_move(one.known, place_path=path, target=one.target, grade=grade, day=day, repeat_days=repeat_days)
    if move == "propose":
        streams = tuple((s.stream, s.share) for s in sorted(a.streams, key=lambda s: -s.share) if s.share >= 0.01)
        growth = a.growth_per_day if np.isfinite(a.growth_per_day) else None
        one.known.append(Known(len(one.known), path, one.area.path, one.target, grade, day, day))
        one.raised.append(
            Raised(
                day, path.rstrip("/").rsplit("/", 1)[-1], names[path], one.target, grade, grade, day, a.alarm_by or "fusion",
                a.statistic, a.threshold, a.outbreak_probability, growth, streams,
            )
        )  # fmt: skip
    elif same is not None and move in ("seen", "upgrade"):
        raised = one.raised[same.alarm_id]
        raised.last_seen_on = day
        raised.worst_grade = grade if rank(grade) > rank(raised.worst_grade) else raised.worst_grade
        one.known[same.alarm_id] = replace(same, last_seen_on=day, grade=raised.worst_grade)


def _places(pack: Pack) -> tuple[dict[str, PlaceSpec], Spot, list[Spot]]:
    """Places by path, the pack's own place, and the leaves below it."""
    by_code = {p.code: p for p in pack.places if p.valid_to is None}

    def path(code: str) -> str:
        parent = by_code[code].parent
        return f"{path(parent) if parent else '/'}{code}/"

    paths = {path(code): spec for code, spec in by_code.items()}
    parents = {spec.parent for spec in by_code.values()}
    spots = {p: Spot(spec.code, p, spec.kind, float(spec.population or 1)) for p, spec in paths.items()}
    root = spots[path(pack.identity.place)]
    leaves = [s for p, s in spots.items() if s.code not in parents and p.startswith(root.path) and p != root.path]
    return paths, root, sorted(leaves, key=lambda s: s.path)


def _watched(pack: Pack, places: dict[str, PlaceSpec]) -> Iterator[Watched]:
    paths = {spec.code: path for path, spec in places.items()}
    for sentinel in pack.sentinels:
        if sentinel.state == "live":
            yield from _streams_of(sentinel, paths, places, paths[pack.identity.place])


def _streams_of(sentinel: SentinelSpec, paths: dict[str, str], places: dict[str, PlaceSpec], root: str) -> Iterator[Watched]:
    seen = [(paths[c.place], c.share * (places[paths[c.place]].population or 1)) for c in sentinel.catchments if c.place in paths]
    place = place_of(root, seen or [(paths[sentinel.place], 1.0)])
    for s in sorted((s for s in sentinel.streams if s.targets), key=lambda s: s.code):
        model = {name: getattr(s.model, name) for name in ("form", "events_per_infection", "delay_mean_days", "delay_sd_days")}
        yield Watched(
            s.code, s.kind, place, s.targets, s.value_kind, s.step_days, s.period_days, s.direction, s.weight, model
        )  # fmt: skip


def _past(pack: Pack, codes: Sequence[str], last_day: date, seed: int | None) -> _Past:
    index = {code: row for row, code in enumerate(codes)}
    rows: list[tuple[float, int, int, float]] = []
    for path in pack.observation_files:
        for part in read_observations(path):
            rows += [
                (at.timestamp(), index[code], day.toordinal(), value)
                for code, day, at, value in zip(part.stream, part.day, part.reported_at, part.value, strict=True)
                if code in index and day <= last_day
            ]
    if pack.story is not None and pack.identity.generated is not None:
        made = generate_observations(pack, pack.identity.generated.seed if seed is None else seed)
        ordinals = made.day.astype("datetime64[D]").astype(int) + date(1970, 1, 1).toordinal()
        seconds = made.reported_at.astype("datetime64[s]").astype(float)
        rows += [
            (at, index[code], int(day), value)
            for code, day, at, value in zip(made.stream.tolist(), ordinals, seconds, made.value.tolist(), strict=True)
            if code in index and day <= last_day.toordinal()
        ]
    rows.sort()
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    first = int(table[:, 2].min()) if len(table) else last_day.toordinal()
    days = last_day.toordinal() - first + 1
    return _Past(
        codes=tuple(codes),
        first_day=date.fromordinal(first),
        row=table[:, 1].astype(np.int64),
        column=table[:, 2].astype(np.int64) - first,
        known_at=table[:, 0],
        value=table[:, 3],
        values=np.full((len(codes), days), np.nan),
    )


def _values_on(pack: Pack, day: date) -> dict[str, Any]:
    """The pack's own numbers in force on a day, where they hold everywhere."""
    found: dict[str, Any] = {}
    for spec in pack.parameters:
        if spec.key in PARAMETERS:
            entries = [e for e in spec.entries if e.place in (None, pack.identity.place) and e.from_on <= day]
            entries = [e for e in entries if e.to_on is None or e.to_on >= day]
            if entries:
                found[spec.key] = max(entries, key=lambda e: e.from_on).value
    return found
