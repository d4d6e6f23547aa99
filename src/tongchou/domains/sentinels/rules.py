"""What a report may say, how fresh a stream is, and how many residents are seen. Pure: facts and parameters are arguments."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import Literal
from zoneinfo import ZoneInfo

from tongchou.core.wording import T

FreshnessState = Literal["fresh", "due", "late", "silent"]
ORDER: tuple[FreshnessState, ...] = ("fresh", "due", "late", "silent")
DAILY = tuple(range(1, 8))
DUE = time(18)
CLOCK_TOLERANCE = timedelta(minutes=10)
UNUSUAL_FACTOR = (
    20.0  # assumption: no epidemic multiplies a daily figure twentyfold between two reports; a slipped digit does tenfold and more
)
UNUSUAL_HISTORY = 28  # values needed before a stream's own past says anything
LARGEST_VALUE = 1e15  # beyond it lies nothing anyone counts; the bound also keeps NaN and infinity out of PostgreSQL

KIND_NAMES: Mapping[str, T] = {
    "testing": T("检测哨", "Testing"),
    "electronic": T("电子哨", "Electronic"),
    "spot_check": T("抽检哨", "Spot check"),
    "monitoring": T("监测哨", "Monitoring"),
    "case_investigation": T("流调哨", "Case investigation"),
}
STATE_NAMES: Mapping[str, T] = {
    "planned": T("拟设", "planned"),
    "live": T("启用", "live"),
    "suspended": T("停用", "suspended"),
    "closed": T("撤销", "closed"),
}
# State → states a sentinel may change to. Closed is the end.
STATE_CHANGES: Mapping[str, tuple[str, ...]] = {
    "planned": ("live", "closed"),
    "live": ("suspended", "closed"),
    "suspended": ("live", "closed"),
    "closed": (),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """On which ISO weekdays (Monday = 1) a sentinel reports, and by what time of the town's clock."""

    weekdays: tuple[int, ...] = DAILY
    due: time = DUE


def schedule_of(content: Mapping[str, object]) -> Schedule:
    """The schedule of a sentinel's stored `schedule`; missing parts take the default (daily, 18:00). Raises ValueError for a wrong one."""
    days = content.get("weekdays", DAILY)
    if not isinstance(days, Sequence) or not days or any(not isinstance(d, int) or not 1 <= d <= 7 for d in days):
        raise ValueError(f"weekdays must be numbers from 1 to 7, not {days!r}")
    return Schedule(tuple(sorted({int(day) for day in days})), time.fromisoformat(str(content.get("due", "18:00"))))


@dataclass(frozen=True, slots=True)
class FreshnessParams:
    """`stream.late_after` (days of grace after the expected instant) and `stream.silent_factor` (reports missed until silent)."""

    late_after_days: float
    silent_after_reports: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """How up to date a stream is. `awaited_day` is the first day whose report is missing, `expected_at` when it should have come."""

    state: FreshnessState
    last_day: date | None
    awaited_day: date | None
    expected_at: datetime | None
    missed: int


def freshness(
    last_day: date | None,
    schedule: Schedule,
    expected_delay_days: float,
    at: datetime,
    zone: ZoneInfo,
    params: FreshnessParams,
    *,
    began_on: date,
    step_days: int = 1,
) -> Freshness:
    """Fresh: no report outstanding. Due: one should have come. Late: past the grace. Silent: so many past the grace.

    Only days after the last one reported count: a gap long ago is a missing value, not a silent sentinel.
    """
    day = began_on if last_day is None else last_day + timedelta(days=step_days)
    grace, today = timedelta(days=params.late_after_days), at.astimezone(zone).date()
    awaited: list[tuple[date, datetime]] = []
    missed = 0
    while day <= today and missed < params.silent_after_reports:
        if day.isoweekday() not in schedule.weekdays:
            day += timedelta(days=1)
            continue
        expected = expected_instant(day, schedule, expected_delay_days, zone)
        if expected <= at:
            awaited.append((day, expected))
            missed += expected + grace <= at
        day += timedelta(days=step_days)
    if not awaited:
        return Freshness("fresh", last_day, None, None, 0)
    state: FreshnessState = "silent" if missed >= params.silent_after_reports else "late" if missed else "due"
    return Freshness(state, last_day, *awaited[0], missed)


def expected_instant(day: date, schedule: Schedule, expected_delay_days: float, zone: ZoneInfo) -> datetime:
    """When the value of a day should be known: the due time of that day, later by the stream's usual delay."""
    return datetime.combine(day, schedule.due, zone) + timedelta(days=expected_delay_days)


def open_day(
    last_day: date | None,
    schedule: Schedule,
    expected_delay_days: float,
    at: datetime,
    zone: ZoneInfo,
    *,
    began_on: date,
    step_days: int = 1,
) -> date | None:
    """The day a sentinel would fill in today: the oldest unreported one of a week that its schedule names and whose value is there by now."""
    today = at.astimezone(zone).date() - timedelta(days=int(expected_delay_days))
    first = max(began_on, today - timedelta(days=6)) if last_day is None else last_day + timedelta(days=step_days)
    day = max(first, today - timedelta(days=6))
    while day <= today:
        if day.isoweekday() in schedule.weekdays:
            return day
        day += timedelta(days=1)
    return None


def worst(states: Iterable[FreshnessState]) -> FreshnessState | None:
    """The worst of several; None of none."""
    found = sorted(states, key=ORDER.index)
    return found[-1] if found else None


def value_of(raw: object, value_kind: str) -> float | T:
    """The number reported, or what is wrong with it. Zero is a report; an empty field is none."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return T(
            "没有填数。没有发生请填 0，没有上报请不要填这一行",
            "No value. Write 0 when nothing was seen; leave the row out when there is no report",
        )
    try:
        if isinstance(raw, bool):
            raise TypeError
        value = float(raw if isinstance(raw, int | float) else str(raw).strip())
    except (TypeError, ValueError, OverflowError):
        return T(f"“{str(raw)[:40]}”不是数字，请只填数字", f"'{str(raw)[:40]}' is not a number; write digits only")
    if not isfinite(value) or value > LARGEST_VALUE:
        return T("不是有限的数，请核对后重填", "Not a finite number; check and write it again")
    if value < 0:
        return T(f"{value:g} 小于零，请填 0 或正数", f"{value:g} is below zero; write 0 or more")
    if value_kind == "count" and value != int(value):
        return T(f"{value:g} 不是整数，人次、例数请填整数", f"{value:g} is not whole; a count is a whole number")
    return value


def day_problem(day: date, today: date, began_on: date, step_days: int, schedule: Schedule) -> T | None:
    """What is wrong with the day of a report, if anything."""
    if day > today:
        return T(f"{day} 还没有到，今天是 {today}", f"{day} lies in the future; today is {today}")
    if day < began_on:
        return T(f"{day} 早于哨点启用日 {began_on}", f"{day} is before the sentinel began on {began_on}")
    if step_days > 1 and day.isoweekday() not in schedule.weekdays:
        days = ", ".join(str(d) for d in schedule.weekdays)
        return T(f"{day} 不是该数据流的报告日（周 {days}）", f"{day} is not a reporting day of this stream (weekday {days})")
    return None


def clock_problem(sent_at: datetime | None, at: datetime) -> T | None:
    """A device whose clock runs ahead would date its reports wrongly: refused beyond ten minutes."""
    if sent_at is None:
        return None
    if sent_at.tzinfo is None:
        return T("时间没有时区，请写成 2022-06-02T19:00:00+08:00", "The time has no zone; write 2022-06-02T19:00:00+08:00")
    if sent_at - at > CLOCK_TOLERANCE:
        minutes = int((sent_at - at).total_seconds() // 60)
        return T(f"设备时钟快了 {minutes} 分钟，请校时后重报", f"The device's clock is {minutes} minutes ahead; set it and send again")
    return None


def clock_set_back(reported_at: datetime, at: datetime) -> T:
    """A correction dated before what it corrects would never be seen: refused until the clock is right."""
    n = max(1, round((reported_at - at).total_seconds() / 60))
    return T(f"服务器时钟比这一天已有的上报慢 {n} 分钟，更正会被旧数盖住；请管理员校时（tongchou check）后重报", f"The server's clock is {n} minutes behind a report kept for this day; set it (tongchou check), then report again")  # fmt: skip


def unusual(value: float, plausible_max: float | None, past_values: int, past_p99: float, value_kind: str) -> T | None:
    """Why a value looks like a slip of the hand: above the stream's plausible bound, or twenty times its own past 99 %."""
    if plausible_max is not None and value > plausible_max:
        return T(f"{value:g} 超过合理上限 {plausible_max:g}", f"{value:g} is above the plausible bound {plausible_max:g}")
    level = max(past_p99, 1.0) if value_kind == "count" else past_p99
    if past_values >= UNUSUAL_HISTORY and level > 0 and value > UNUSUAL_FACTOR * level:
        return T(
            f"{value:g} 超过以往 99% 水平（{past_p99:g}）的 {UNUSUAL_FACTOR:g} 倍",
            f"{value:g} is over {UNUSUAL_FACTOR:g} times this stream's own past 99 % level ({past_p99:g})",
        )
    return None


def needs_confirmation(why: T) -> T:
    """The remedy for an unusual value."""
    return T(f"{why.zh}。核对无误请勾选确认并写明原因", f"{why.en}. If it is right, confirm it and give the reason")


def needs_correction(known: float, value: float) -> T:
    """The remedy for a second value of a known day."""
    return T(
        f"这一天已报 {known:g}，与 {value:g} 不同。如为更正请注明并写明原因",
        f"This day is already known as {known:g}, not {value:g}. Mark it as a correction and give the reason",
    )


def covered_share(shares: Collection[float]) -> float:
    """The share of residents seen by at least one of several sentinels, if each sees its share independently (assumption)."""
    unseen = 1.0
    for share in shares:
        unseen *= 1.0 - min(max(share, 0.0), 1.0)
    return 1.0 - unseen


def residents_unseen(population: int, share: float) -> int:
    """Residents whom no live sentinel sees."""
    return round(population * (1.0 - share))
