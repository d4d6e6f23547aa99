"""Working days and office hours: weekends, public holidays and the weekend days worked in their stead, as dated parameters."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tongchou.core.parameters.models import ParameterValue
from tongchou.core.parameters.queries import value

HOLIDAYS, OFFICE_HOURS = "calendar.holidays", "calendar.office_hours"
_LONG = 4000  # days ahead in which a working day is looked for


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When an office works. `off` and `worked` are sorted ordinals of the weekdays without and the weekend days with work.

    A year whose holidays are not published yet has its weekends only: a deadline in it falls too early, never too late.
    """

    zone: ZoneInfo
    off: tuple[int, ...]
    worked: tuple[int, ...]
    opens: time
    closes: time

    def is_working(self, day: date) -> bool:
        """True when the office works on that day."""
        return self._before(day.toordinal() + 1) > self._before(day.toordinal())

    def local_day(self, at: datetime) -> date:
        """The day of the office's calendar at an instant."""
        return at.astimezone(self.zone).date()

    def reading(self, at: datetime) -> float:
        """The clock of working time at an instant, in working days: it runs in office hours only. Differences of two readings mean something."""
        local = at.astimezone(self.zone)
        day = local.date().toordinal()
        if not self.is_working(local.date()):
            return float(self._before(day))
        return self._before(day) + min(1.0, max(0.0, (local - self._at(day, self.opens)) / self._length))

    def worked_days(self, from_at: datetime, to_at: datetime) -> float:
        """Working time between two instants, in working days."""
        return self.reading(to_at) - self.reading(from_at)

    def deadline(self, at: datetime, days: float) -> datetime:
        """When a term that begins now is over. The day it begins is not counted; whole days end when the office closes on the last one.

        A fraction of a day is working time after that; none at all is the close of this working day. So counted by the Civil Code, articles 201
        and 203 (the day of beginning is not counted; the last day ends with office hours).
        """
        day = self.local_day(at).toordinal()
        whole, part = divmod(round(days, 6), 1)
        if whole:
            at = self._at(self._nth(self._before(day + 1) + int(whole)), self.closes)
        elif not part:
            over = self.reading(at) >= self._before(day + 1)
            return self._at(self._nth(self._before(day + 1) + 1) if over else day, self.closes)
        return self._reads(self.reading(at) + part) if part else at

    def later(self, at: datetime, working_days: float) -> datetime:
        """The instant by which so much working time has passed."""
        return max(at, self._reads(self.reading(at) + working_days))

    def _reads(self, reading: float) -> datetime:
        whole, part = divmod(round(reading, 9), 1)
        if not part:
            return self._at(self._nth(int(whole)), self.closes)
        return self._at(self._nth(int(whole) + 1), self.opens) + part * self._length

    @property
    def _length(self) -> timedelta:
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def _at(self, ordinal: int, when: time) -> datetime:
        return datetime.combine(date.fromordinal(ordinal), when, self.zone)

    def _before(self, ordinal: int) -> int:
        """How many working days lie before a day, from a fixed first one. Ordinal 1 is a Monday."""
        weeks, days = divmod(ordinal - 1, 7)
        return weeks * 5 + min(days, 5) - bisect_left(self.off, ordinal) + bisect_left(self.worked, ordinal)

    def _nth(self, count: int) -> int:
        """The day with which so many working days are over."""
        near = max(1, count * 7 // 5 - _LONG)
        return near + bisect_left(range(near, near + 2 * _LONG), count, key=lambda day: self._before(day + 1))


def working_time_of(zone: ZoneInfo, off: Collection[date], worked: Collection[date], hours: str) -> WorkingTime:
    """From published lists (days off, weekend days worked) and hours as "09:00-17:00". Days off that are weekends anyway do no harm."""
    opens, closes = (time.fromisoformat(part.strip()) for part in hours.split("-"))
    return WorkingTime(
        zone,
        tuple(sorted(day.toordinal() for day in set(off) if day.weekday() < 5)),
        tuple(sorted(day.toordinal() for day in set(worked) if day.weekday() >= 5)),
        opens,
        closes,
    )


def working_time(zone: ZoneInfo, on: date, place_path: str = "/") -> WorkingTime:
    """The office calendar of a place as the parameters say: the holidays of every year that is published, the hours of this day.

    Raises Refusal when no office hours are set. Three queries at most.
    """
    hours = value(OFFICE_HOURS, on=on, place_path=place_path).value
    rows = ParameterValue.objects.filter(parameter__key=HOLIDAYS).select_related("place")
    tables = [row.value for row in rows if row.place is None or place_path.startswith(row.place.path)]
    days = {name: {date.fromisoformat(day) for table in tables for day in table.get(name, ())} for name in ("off", "worked")}
    return working_time_of(zone, days["off"], days["worked"], hours)
