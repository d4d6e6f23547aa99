"""The one place that asks what time it is. A real town runs on the wall clock; a demo town on one that started at its own instant."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from tongchou.core.places.queries import installation


def _path() -> Path:
    return Path(settings.HOME) / "clock.json"


@lru_cache(maxsize=1)
def _shift() -> timedelta:
    if not _path().exists():
        return timedelta(0)
    return timedelta(seconds=float(json.loads(_path().read_text())["shift_seconds"]))


def now() -> datetime:
    """This installation's present, in UTC."""
    return datetime.now(UTC) + _shift()


def local_now() -> datetime:
    """This installation's present in its own zone, so that its `.date()` is the day of the office; UTC before a town is installed."""
    town = installation()
    return now() if town is None else now().astimezone(ZoneInfo(town.zone))


def set_demo_clock(starts_at: datetime) -> None:
    """Let the installation's clock read `starts_at` now and run on from there. Every process started later follows it."""
    shift = starts_at - datetime.now(UTC)
    _path().write_text(json.dumps({"shift_seconds": shift.total_seconds(), "why": "demo"}))
    _shift.cache_clear()


def is_demo_clock() -> bool:
    """True when this installation does not run on the wall clock."""
    return _path().exists()
