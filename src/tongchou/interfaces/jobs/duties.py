"""What the worker does by itself, and how often. Every duty may be kept twice, by two workers or after a restart: nothing changes the second time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tongchou.core.audit.actions import seal_day
from tongchou.core.audit.models import DailyRoot
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation


@dataclass(frozen=True, slots=True)
class Duty:
    """A periodic duty: `keep` is called every so often and decides itself whether anything is due."""

    name: str
    every: timedelta
    keep: Callable[[datetime], None]


def seal_yesterday(at: datetime) -> None:
    """Once the town's day is over, keep the Merkle root of its log."""
    town = installation()
    if town is None:
        return
    yesterday = at.astimezone(ZoneInfo(town.zone)).date() - timedelta(days=1)
    if not DailyRoot.objects.filter(day=yesterday).exists():
        seal_day(day=yesterday, by=system_actor("worker"), at=at)


DUTIES: tuple[Duty, ...] = (Duty("seal", timedelta(minutes=5), seal_yesterday),)
