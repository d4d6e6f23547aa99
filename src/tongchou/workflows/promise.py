"""The promise of few false alarms, kept in the town.

1. Every morning: what false alarms judged by then add to the alarm line of an area and target (`with_controls`), from the log alone.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.domains.warning.learning import Given
from tongchou.domains.warning.promise import outcomes_of
from tongchou.domains.warning.queries import alarms_raised, mornings_read
from tongchou.domains.warning.watching import Area
from tongchou.science.detection.controller import ControllerParams, controlled_margin
from tongchou.workflows.watched_town import Town

CONTROLLER = ControllerParams()


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


def control_record(town: Town, area: Area, target: str) -> dict[str, Any]:
    """The controller's part as a run keeps it; nothing where no alarm was ever raised."""
    control = town.controls.get((area.path, target))
    return {"control": asdict(control)} if control else {}
