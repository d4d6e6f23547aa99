"""The alarm line from the town's own past: what margin would have kept the promise there, for a person to adopt.

1. Read every observation as it is known now, and replay each past morning of every area and target without a margin (`science.detection.replaying`).
2. Leave out the mornings around alarms judged true, or not judged yet.
3. Find the margin that keeps the promise, never below theory; keep it as a run. `alarm.margin_log` itself only a person changes.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import inf
from typing import Any

import numpy as np

from tongchou.core.people.rules import Actor
from tongchou.core.runs.actions import keep_run
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Observation
from tongchou.domains.warning.queries import alarms_raised, verdict_log
from tongchou.domains.warning.watching import Area, Block, histories_of
from tongchou.science.detection.budget import calibrate_threshold
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import Calibration, DetectionParams, Floats, History
from tongchou.science.detection.replaying import replay
from tongchou.workflows.drifting import Explained, outbreaks_known
from tongchou.workflows.promise import CALIBRATED, VERSION, calibration_name
from tongchou.workflows.watched_town import Town, observe, town_on

# Assumption: half a year of background before the first morning that counts.
SETTLING_DAYS, WEEK = 182, 7


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One area and target: what its past says, beside the margin in use."""

    area_path: str
    target: str
    found: Calibration
    margin_in_use: float

    def record(self) -> dict[str, Any]:
        """As it is kept and printed."""
        upper = self.found.rate_upper_per_year
        place = self.area_path.rstrip("/").rsplit("/", 1)[-1]
        return {
            "place": place, "target": self.target, **asdict(self.found), "margin_in_use": self.margin_in_use,
            "rate_upper_per_year": None if upper == inf else upper,
        }  # fmt: skip


def calibrate(day: date, known_at: datetime, *, by: Actor, at: datetime) -> list[Calibrated]:
    """Calibrate every area and target with at least a morning to replay. The same past gives the same run, kept once."""
    town = town_on(day)
    log = [given for given in verdict_log() if given.at <= known_at]
    outbreaks = outbreaks_known(alarms_raised(day), log, day)
    first = Observation.objects.filter(stream_id__in=town.stream_ids.values()).order_by("day").values_list("day", flat=True).first()
    if first is None:
        return []
    block = observe(town, day, known_at, (day - first).days)
    told = (_calibrate_one(town, area, target, block, outbreaks, day) for area in town.areas for target in town.targets)
    return [_kept(one, digest, known_at, by=by, at=at) for one, digest in filter(None, told)]


def _calibrate_one(
    town: Town, area: Area, target: str, block: Block, outbreaks: list[Explained], day: date
) -> tuple[Calibrated, str] | None:
    params = town.params_for(target)
    streams = [s for s in town.streams if target in s.targets and s.code in block.row]
    histories = [history for history, _ in histories_of(area, streams, block, params.calendar_step_days)]
    first = block.first_day + timedelta(days=SETTLING_DAYS)
    if not histories or first > day:
        return None
    days, excess = _excess(histories, first, day, replace(params, margin_log=0.0))
    near = [e for e in outbreaks if e.place_path.startswith(area.path) or area.path.startswith(e.place_path)]
    quiet = [not any(e.first_day <= d <= e.last_day for e in near) for d in days]
    values = np.where(quiet, np.maximum(excess, -999.0), np.nan)
    step = params.calendar_step_days
    found = calibrate_threshold(values, params.alarms_per_year, step_days=step, silence_days=town.repeat_days)
    digest = sha256(f"{area.path}|{target}|{first}|{day}|{params}|{town.repeat_days}".encode() + values.tobytes()).hexdigest()
    return Calibrated(area.path, target, found, params.margin_log), digest


def _excess(histories: list[History], first: date, last: date, params: DetectionParams) -> tuple[list[date], Floats]:
    """How far each morning lay above its line. Without restart: in the town an alarm is silent only until it may repeat."""
    if params.calendar_step_days == WEEK:
        days = [last - timedelta(days=n) for n in range((last - first).days, -1, -1) if n % WEEK == 0]
        return days, np.array([screen(histories, one, params).assessment.excess for one in days])
    found = replay(histories, first, last, params, restarts=False)
    return list(found.days), found.excess


def _kept(one: Calibrated, digest: str, known_at: datetime, *, by: Actor, at: datetime) -> Calibrated:
    name = calibration_name(one.target, one.area_path)
    if not Run.objects.filter(function=CALIBRATED, input_digest=digest, seed=name).exists():
        run = Run(
            function=CALIBRATED, version=VERSION, parameters={"settling_days": SETTLING_DAYS}, seed=name,
            input_digest=digest, as_known_at=known_at, recorded_at=at,
            result=one.record(),
        )  # fmt: skip
        keep_run(run=run, entry="watch.calibrate", place_path=one.area_path, by=by, at=at)
    return one
