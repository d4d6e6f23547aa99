"""The promise of few false alarms, kept in the town.

1. Every morning: what false alarms judged by then add to the alarm line of an area and target (`with_controls`), from the log alone.
2. After the reading: whether what the last mornings kept still fits what was expected (`keep_judgement`), as a run.
3. At any time: promise, record, limit that history proves, and doubts, for pages and programs (`standing_on`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import inf, isfinite
from typing import Any
from zoneinfo import ZoneInfo

from scipy.stats import poisson

from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.runs.actions import keep_run
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.learning import Given
from tongchou.domains.warning.promise import outcomes_of
from tongchou.domains.warning.queries import (
    Promise,
    alarms_raised,
    kept_signals,
    mornings_read,
    promise_kept,
    promise_of,
    readings_between,
    verdict_counts,
    verdict_log,
)
from tongchou.science.detection.budget import alarm_rate_upper
from tongchou.science.detection.controller import DAYS_PER_YEAR, ControllerParams, controlled_margin
from tongchou.science.detection.drift import Drift, DriftReading, judge_drift
from tongchou.science.detection.drift_ratios import DriftParams, SeenStream
from tongchou.workflows.drifting import MONITOR_NAMES, finding_said, outbreaks_known, seen_streams
from tongchou.workflows.watched_town import Town, town_on

JUDGED, CALIBRATED, VERSION = "promise.judge", "promise.calibrate", "1"
CONTROLLER, DRIFT = ControllerParams(), DriftParams()
LEAST_MORNINGS = 28  # assumption: with fewer there is nothing to compare
YEAR = timedelta(days=365)
UNLIKELY = 0.05  # convention


def with_controls(town: Town, day: date, known_at: datetime, log: Sequence[Given]) -> Town:
    """The town with the controller's part of the alarm line on a morning; two queries, and one per area and target that ever had an alarm."""
    outcomes = outcomes_of(alarms_raised(day), log, known_at, ZoneInfo(town.installation.zone))
    controls = {
        (area, target): controlled_margin(
            mornings_read(area, target, day), alarms, day, town.params.alarms_per_year, CONTROLLER, town.params.calendar_step_days
        )
        for (area, target), alarms in outcomes.items()
    }
    return replace(town, controls=controls)


def control_record(town: Town, area_path: str, target: str) -> dict[str, Any]:
    """The controller's part as a run keeps it; nothing where no alarm was ever raised."""
    control = town.controls.get((area_path, target))
    return {"control": asdict(control)} if control else {}


def keep_judgement(day: date, known_at: datetime, *, by: Actor, at: datetime) -> Run | None:
    """Step 2. None before there are enough mornings; doing it again from the same signals and verdicts changes nothing."""
    log = [given for given in verdict_log() if given.at <= known_at]
    town = with_controls(town_on(day), day, known_at, log)
    signals = kept_signals(day - timedelta(days=DRIFT.window_days + DRIFT.recent_days), day)
    mornings = sorted({s.day for s in signals})
    if len(mornings) * town.params.calendar_step_days < LEAST_MORNINGS:
        return None
    seen = seen_streams(town.streams, signals, outbreaks_known(alarms_raised(day), log, day), day, town.params, DRIFT.window_days)
    root, lines = town.installation.place, _lines_of(town, known_at)
    digest = _digest(seen, lines)
    if Run.objects.filter(function=JUDGED, input_digest=digest, seed=root.code).exists():
        return None
    read = readings_between([a.path for a in town.areas], day - YEAR + timedelta(days=1), day)
    watched = read * town.params.calendar_step_days / DAYS_PER_YEAR
    result = {"day": day.isoformat(), "watched_years": watched, "lines": lines, **_result_of(judge_drift(seen, DRIFT), town)}
    run = Run(
        function=JUDGED, version=VERSION, parameters=asdict(DRIFT), seed=root.code, input_digest=digest,
        as_known_at=known_at, recorded_at=at, result=result,
    )  # fmt: skip
    return keep_run(run=run, entry="watch.judge", place_path=root.path, by=by, at=at)


def _lines_of(town: Town, known_at: datetime) -> list[dict[str, Any]]:
    """What the alarm line of each area and target is made of, and what the last replay of its past proposes."""
    replayed = {
        run.seed: run.result for run in Run.objects.filter(function=CALIBRATED, as_known_at__lte=known_at).order_by("as_known_at", "pk")
    }
    return [
        {"place": area.path, "target": target, "promised_per_year": town.params.alarms_per_year, "theory_log": town.params.theory_log,
         "margin_log": town.params_for(target).margin_log, "replay": replayed.get(calibration_name(target, area.path)),
         **control_record(town, area.path, target)}
        for area in town.areas for target in town.targets
    ]  # fmt: skip


def calibration_name(target: str, area_path: str) -> str:
    """What a calibration run is about, as its seed says it."""
    return f"{target}@{area_path}"


def _digest(seen: Sequence[SeenStream], lines: Sequence[Mapping[str, Any]]) -> str:
    digest = sha256(json.dumps(lines, sort_keys=True).encode())
    for s in seen:
        digest.update(f"{s.kind}|{s.places}|{s.last_day}|{s.step_days}|{s.is_count}|{s.day_effect_variance}".encode())
        for table in (s.observed, s.expected, s.mid_p, s.is_explained):
            digest.update(table.tobytes())
    return digest.hexdigest()


def _result_of(drift: Drift, town: Town) -> dict[str, Any]:
    names = {kind: T(zh, en) for kind, zh, en in Stream.objects.values_list("kind", "indicator_zh", "indicator_en").distinct()}
    said = [_said(f, names, town) for f in drift.findings]
    return {
        "kinds": {kind: _pair(names.get(kind, T(kind, kind))) for kind in dict.fromkeys(r.kind for r in drift.readings)},
        "readings": [
            {"monitor": r.monitor, "kind": r.kind, "size": _finite(r.size), "log_evidence": _finite(r.log_evidence),
             "needed_log": r.needed_log, "since": r.since.isoformat() if r.since else None, "places": list(r.places)}
            for r in drift.readings
        ],
        "doubts": [_pair(one) for one in said],
    }  # fmt: skip


def _said(found: DriftReading, names: Mapping[str, T], town: Town) -> T:
    return finding_said(
        found, names.get(found.kind, T(found.kind, found.kind)), [town.places[p].name for p in found.places if p in town.places]
    )


def _pair(said: T) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def _finite(number: float) -> float | None:
    return float(number) if isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the promise stands. `upper_per_year`: what so many years prove at 95 %, by replays of the past or else by the last year's own record."""

    kept: Promise
    upper_per_year: float
    past_years: float
    is_upper_from_replay: bool
    doubts: tuple[T, ...]
    judged: Run | None

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What each alarm line is made of."""
        return self.judged.result["lines"] if self.judged else []

    @property
    def is_trusted(self) -> bool | None:
        """None while nothing can be said yet."""
        return False if self.doubts else None if self.judged is None else True

    @property
    def monitors(self) -> list[dict[str, Any]]:
        """One row per kind of stream, one cell per monitor: the sizes last judged, and what is in doubt."""
        if self.judged is None:
            return []
        result, rows = self.judged.result, []
        for kind, name in result["kinds"].items():
            of = {r["monitor"]: r for r in result["readings"] if r["kind"] == kind}
            rows.append({"name": name, "cells": [{"monitor": m, "reading": of.get(m)} for m in MONITOR_NAMES]})
        return rows


def concerns(actor: Actor, town_path: str) -> bool:
    """Whether the town's promise is the actor's to see: whoever reads alarms in the town or in a part of it."""
    return any(scope.startswith(town_path) or town_path.startswith(scope) for scope in actor.scopes("alarm.read"))


def standing_on(day: date, at: datetime, place_path: str) -> Standing | None:
    """Step 3, for a whole town: one query. Each area and target that is read has a promise of its own; the town's is their sum.

    None while nothing has been judged: `unjudged_on` says what there is then.
    """
    runs = Run.objects.filter(function=JUDGED, as_known_at__lte=at).order_by("-as_known_at", "-pk")
    judged = runs.annotate(**verdict_counts(place_path, day)).first()
    if judged is None:
        return None
    lines = judged.result["lines"]
    kept = promise_of(judged, sum(line["promised_per_year"] for line in lines))
    replays = [line["replay"] for line in lines if line["replay"]]
    from_replay = len(replays) == len(lines)
    years = sum(r["past_years"] for r in replays) if from_replay else judged.result["watched_years"]
    upper = alarm_rate_upper(sum(r["alarms_left"] for r in replays) if from_replay else kept.false, years) * len(lines)
    return Standing(kept, upper, years / len(lines), from_replay, tuple(_doubts(kept, judged)), judged)


def unjudged_on(day: date, place_path: str) -> Standing:
    """The promise before the first judgement: what is stated, and the record."""
    stated = values_on(["alarm.promised_per_year"], day, place_path).get("alarm.promised_per_year")
    return Standing(promise_kept(place_path, day, float(stated.value) if stated else None), inf, 0.0, False, (), None)


def _doubts(kept: Promise, judged: Run) -> list[T]:
    """The record first: it speaks for itself. Then a line that can rise no further, then what the monitors found."""
    found = []
    if kept.promised_per_year and kept.false and poisson.sf(kept.false - 1, kept.promised_per_year) < UNLIKELY:
        found.append(T(f"近 365 天误报 {kept.false} 次，多于偶然所致", f"{kept.false} false alarms in 365 days are more than chance"))
    if any(line.get("control", {}).get("is_at_ceiling") for line in judged.result["lines"]):
        found.append(
            T("误报太多，报警线已追加到顶：先查本底", "so many false alarms that the line can be raised no further: check the background")
        )
    return found + [T(one["zh"], one["en"]) for one in judged.result["doubts"]]
