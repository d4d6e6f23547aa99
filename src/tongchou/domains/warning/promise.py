"""The promise of few false alarms: how the log of alarms and verdicts stands on a morning, and what puts it in doubt, in words. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tongchou.domains.warning.learning import Given
from tongchou.science.detection.controller import AlarmOutcome


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm as the account of false alarms needs it: paths of its area and place, target, first and last day."""

    alarm_id: int
    area_path: str
    place_path: str
    target: str
    raised_on: date
    last_seen_on: date


@dataclass(frozen=True, slots=True)
class KeptSignal:
    """One kept signal: the morning, and the newest value of its stream on that morning with what was expected of it."""

    code: str
    day: date
    observed_on: date
    observed: float
    expected: float
    mid_p: float


def outcomes_of(
    raised: Iterable[Raised], log: Iterable[Given], known_at: datetime, zone: ZoneInfo
) -> dict[tuple[str, str], list[AlarmOutcome]]:
    """Area and target → every alarm with the verdict that stood at an instant. `log` is oldest first."""
    standing = {given.alarm_id: given for given in log if given.at <= known_at}
    found: dict[tuple[str, str], list[AlarmOutcome]] = defaultdict(list)
    for alarm in raised:
        given = standing.get(alarm.alarm_id)
        verdict = (given.decision, given.at.astimezone(zone).date()) if given else ()
        found[alarm.area_path, alarm.target].append(AlarmOutcome(alarm.raised_on, *verdict))
    return dict(found)
