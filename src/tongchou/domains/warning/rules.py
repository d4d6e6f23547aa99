"""What decides about alarms: their life, which rise is the same one, grades and time limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T
from tongchou.science.evidence.hysteresis import grade_over_time

ACKNOWLEDGE, DECIDE = "alarm.acknowledge_within", "alarm.decide_within"
# Worst last, so that the position is the rank.
GRADES = ("blue", "yellow", "orange", "red")
# Before the kind of a stream: the same kind pooled from the neighbours.
OUTSIDE = "outside:"

ALARM = Machine(
    kind="alarm",
    label=T("预警", "Alarm"),
    prefix="YJ",
    start="proposed",
    states={
        "proposed": T("待签收", "Proposed"),
        "acknowledged": T("研判中", "Acknowledged"),
        "confirmed": T("已确认", "Confirmed"),
        "dismissed": T("已排除", "Dismissed"),
    },
    final=frozenset({"confirmed", "dismissed"}),
    steps=(
        Step("acknowledge", T("签收", "Acknowledge"), ("proposed",), "acknowledged", "alarm.acknowledge", stops=(ACKNOWLEDGE,)),
        Step("confirm", T("确认预警", "Confirm alarm"), ("proposed", "acknowledged"), "confirmed", "alarm.confirm", stops=(ACKNOWLEDGE, DECIDE)),
        Step("dismiss", T("排除预警", "Dismiss alarm"), ("proposed", "acknowledged"), "dismissed", "alarm.dismiss", stops=(ACKNOWLEDGE, DECIDE)),
        # A worse grade has shorter limits: the clocks start anew.
        Step("upgrade", T("升级", "Upgrade"), ("proposed",), "proposed", "alarm.propose", stops=(ACKNOWLEDGE, DECIDE)),
        Step("upgrade", T("升级", "Upgrade"), ("acknowledged",), "acknowledged", "alarm.propose", stops=(DECIDE,)),
    ),
)  # fmt: skip


def rank(grade: str) -> int:
    """Position of a grade, higher is worse; -1 without one."""
    return GRADES.index(grade) if grade in GRADES else -1


def minutes_for(grade: str, limit: float | Mapping[str, float]) -> int:
    """The time limit of a grade in minutes: limits are one number, or a table by grade."""
    return round(float(limit[grade] if isinstance(limit, Mapping) else limit))


def clocks_of(grade: str, state: str, limits: Mapping[str, float | Mapping[str, float]]) -> tuple[tuple[str, int], ...]:
    """The clocks that run in a state, with the minutes this grade allows."""
    running = {"proposed": (ACKNOWLEDGE, DECIDE), "acknowledged": (DECIDE,)}.get(state, ())
    return tuple((key, minutes_for(grade, limits[key])) for key in running)


@dataclass(frozen=True, slots=True)
class Known:
    """What must be remembered of an alarm to know a repetition: paths of its place and area, and when it was last seen or decided."""

    alarm_id: int
    place_path: str
    area_path: str
    target: str
    grade: str
    raised_on: date
    last_seen_on: date
    dismissed_on: date | None = None


Move = Literal["propose", "upgrade", "seen", "none"]


def next_move(
    known: Sequence[Known], *, place_path: str, target: str, grade: str, day: date, repeat_days: int
) -> tuple[Move, Known | None]:
    """What a rise found on `day` means beside the alarms already raised in its area.

    The same rise is not raised twice: it renews the alarm's last day, and raises its grade if worse. A dismissed alarm is not renewed,
    so that evidence which stays up for longer than `repeat_days` after the decision is told again. Two places are the same rise
    when they are one place or one lies in the other.
    """
    for alarm in sorted(known, key=lambda k: (k.last_seen_on, k.alarm_id), reverse=True):
        if alarm.target != target or not (place_path.startswith(alarm.place_path) or alarm.place_path.startswith(place_path)):
            continue
        counted_from = alarm.dismissed_on or alarm.last_seen_on
        if day - counted_from > timedelta(days=repeat_days):
            continue
        if alarm.dismissed_on is not None:
            return "none", alarm
        if rank(grade) > rank(alarm.grade):
            return "upgrade", alarm
        return ("seen" if day > alarm.last_seen_on else "none"), alarm
    return "propose", None


@dataclass(frozen=True, slots=True)
class Memory:
    """What has been told of an area and target before a morning: its alarms, and the last day each part was touched by one."""

    known: tuple[Known, ...] = ()
    touched: Mapping[str, date] = field(default_factory=dict)

    def restarted_on(self, area_path: str, day: date) -> date | None:
        """The last day on which a person dismissed an alarm of the whole area: onsets before it no longer count."""
        days = [k.dismissed_on for k in self.known if k.place_path == area_path and k.dismissed_on and k.dismissed_on <= day]
        return max(days, default=None)

    def told_parts(self, area_path: str, day: date, repeat_days: int) -> tuple[str, ...]:
        """The parts of the area with a rise that has been told of, or explained, within the repeat window: nothing new to see there."""
        since = day - timedelta(days=repeat_days)
        alarms = {k.place_path for k in self.known if k.place_path != area_path and (k.dismissed_on or k.last_seen_on) >= since}
        return tuple(sorted(alarms | {path for path, last in self.touched.items() if last >= since}))

    def is_spreading(self, day: date, spread_days: int) -> bool:
        """Whether what appears elsewhere in the area still counts as the spread of an alarm raised lately, and not as one of its own."""
        return any(k.dismissed_on is None and 0 <= (day - k.raised_on).days <= spread_days for k in self.known)


def grade_of_place(is_leading: bool, is_over_threshold: bool, area_grade: str) -> str:
    """The grade shown for one part of an area with an alarm: the alarm's where it leads, blue where it touches, else none."""
    if not area_grade:
        return ""
    return area_grade if is_leading else "blue" if is_over_threshold else ""


def grade_to_show(mornings: Sequence[str], fall_after: int) -> str:
    """The grade of an alarm after the grades that its mornings asked for, oldest first: rises at once, falls slowly, and never below blue."""
    shown = grade_over_time([grade or None for grade in mornings], fall_after)  # type: ignore[misc]
    return shown[-1] or GRADES[0]


def alarm_title(target: T, place: T) -> T:
    """The dossier's title."""
    return T(f"{place.zh}：{target.zh}上升预警", f"{place.en}: rise of {target.en}")


def may_confirm_alone(grade: str, allowed: Any) -> bool:
    """Whether the parameter lets the system confirm this grade by itself: a list of grades, or true or false for all."""
    return grade in allowed if isinstance(allowed, list | tuple) else bool(allowed)
