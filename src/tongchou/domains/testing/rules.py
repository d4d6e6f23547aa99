"""What decides in testing: the life of a round, who is next due, what a tube takes, whether a site is open, how long it takes. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T
from tongchou.science.localisation.zones import great_circle_km

ROUND_WITHIN, RETEST_WITHIN, REGULAR_EVERY = "testing.area_round_within", "testing.retest_within", "testing.regular_every"

ROUND = Machine(
    kind="round",
    label=T("检测轮次", "Testing round"),
    prefix="HS",
    start="planned",
    states={
        "planned": T("拟开展", "Planned"),
        "open": T("采样中", "Sampling"),
        "closing": T("清零中", "Accounting for the rest"),
        "closed": T("已结束", "Closed"),
        "cancelled": T("已取消", "Cancelled"),
    },
    final=frozenset({"closed", "cancelled"}),
    steps=(
        Step("start", T("开始采样", "Start sampling"), ("planned",), "open", "testing.run"),
        Step("wind_up", T("转入清零", "Account for the rest"), ("open",), "closing", "testing.run"),
        Step("resume", T("恢复采样", "Resume sampling"), ("closing",), "open", "testing.run"),
        Step("close", T("结束本轮", "Close the round"), ("closing",), "closed", "testing.run"),
        Step("cancel", T("取消", "Cancel"), ("planned",), "cancelled", "testing.run"),
    ),
)
SAMPLING_STATES = frozenset({"open", "closing"})
KINDS = {"area": T("全员", "whole area"), "list": T("名单", "list"), "retest": T("复核", "retest")}
TUBE_SIZES = (1, 5, 10, 20)
RESULTS = {"negative": T("阴性", "negative"), "positive": T("阳性", "positive"), "unclear": T("可疑", "inconclusive")}
WAYS = ("pass", "id_number", "list", "household")  # how a person was recognised; the index is kept, never renumber

OUTCOMES = {"excused": T("免采", "excused"), "away": T("不在", "away"), "handed_on": T("失联已移交", "missing, handed on")}
# Reason → what it makes of the person, in words.
REASONS: Mapping[str, tuple[str, T]] = {
    "infant": ("excused", T("婴幼儿", "infant")),
    "medical": ("excused", T("医学原因", "medical reason")),
    "recovered": ("excused", T("近期感染已康复", "recently recovered")),
    "elsewhere": ("excused", T("已在别处采样", "sampled elsewhere")),
    "died": ("excused", T("已去世", "died")),
    "out_of_town": ("away", T("外出不在本地", "out of town")),
    "hospital": ("away", T("住院", "in hospital")),
    "isolation": ("away", T("在隔离点", "in isolation")),
    "moved": ("handed_on", T("已搬离", "moved away")),
    "no_answer": ("handed_on", T("多次联系不上", "cannot be reached")),
    "refused": ("handed_on", T("拒绝采样", "refuses")),
}
# What holds for good; any other word why somebody is not sampled holds as long as a sample would. Assumption.
LASTING = frozenset({"infant", "medical", "died", "moved"})
# Groups of regular testing; a resident is everybody.
RESIDENT = "resident"
GROUPS = {
    RESIDENT: T("一般居民", "residents"), "medical": T("医务人员", "medical staff"), "isolation_site": T("隔离点人员", "isolation site staff"),
    "cold_chain": T("冷链从业人员", "cold chain"), "care_home": T("养老机构人员", "care home staff"), "courier": T("快递外卖", "couriers"),
    "market": T("商超农贸", "markets and supermarkets"), "transport": T("交通运输", "transport"), "school": T("学校人员", "school staff"),
    "site": T("建筑工地", "building sites"),
}  # fmt: skip

WALK_M_PER_MIN, DETOUR = 75.0, 1.3  # assumption: an elder's 4.5 km/h; streets are 1.3 times the straight line
QUEUE_HOLDS = timedelta(minutes=45)  # assumption: an older word about a queue says nothing


@dataclass(frozen=True, slots=True)
class Due:
    """When somebody is next to be sampled, and the group that asks for it."""

    at: datetime
    group: str


def next_due(groups: Collection[str], *, last_sampled_at: datetime | None, since: datetime, every_hours: Mapping[str, float]) -> Due | None:
    """When a person of these groups is next due under the rule in force: the strictest group decides.

    `since` is when the rule, or the person's being in the group, began: whoever was never sampled is due one interval later; nobody is
    late before it. None when no rule holds for any of the groups.
    """
    asked = [(float(every_hours[group]), group) for group in groups if group in every_hours]
    if not asked:
        return None
    hours, group = min(asked)
    every = timedelta(hours=hours)
    return Due(since + every if last_sampled_at is None else max(since, last_sampled_at + every), group)


def regular_rule_problems(value: object) -> list[T]:
    """What is wrong with a table of regular testing (group → hours)."""
    if not isinstance(value, Mapping):
        return [T("应为“人群：小时”的表", "must be a table of groups and hours")]
    found = [T(f"没有“{g}”这类人群", f"there is no group '{g}'") for g in value if g not in GROUPS]
    wrong = [g for g, h in value.items() if isinstance(h, bool) or not isinstance(h, int | float) or not 1 <= h <= 24 * 90]
    return found + [T(f"{g} 的间隔应为1至2160小时", f"{g}: an interval is 1 to 2160 hours") for g in wrong]


def hours_problems(hours: object) -> list[T]:
    """What is wrong with a site's opening hours."""
    try:
        spans = [(_clock(h["from"]), _clock(h["to"]), [int(d) for d in h["weekdays"]]) for h in hours]  # type: ignore[attr-defined]
    except (TypeError, ValueError, KeyError, AttributeError):
        return [T("营业时间写成 08:00 至 20:00，周几为 1 至 7", "hours read 08:00 to 20:00, weekdays 1 to 7")]
    if any(a >= b or not days or not set(days) <= set(range(1, 8)) for a, b, days in spans):
        return [T("结束须晚于开始，周几为 1（周一）至 7", "the end must be after the start; weekdays are 1 (Monday) to 7")]
    return []


def is_open_at(hours: Sequence[Mapping[str, Any]], local: datetime) -> bool:
    """True when a site with these hours is open at an instant on the town's clock."""
    return any(local.isoweekday() in h["weekdays"] and _clock(h["from"]) <= local.time() < _clock(h["to"]) for h in hours)


def hours_on(hours: Sequence[Mapping[str, Any]], weekday: int) -> list[tuple[str, str]]:
    """Opening spans of an ISO weekday, first to last."""
    return sorted((h["from"], h["to"]) for h in hours if weekday in h["weekdays"])


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def wait_minutes(queue: int | None, queue_at: datetime | None, per_hour: int, at: datetime) -> int | None:
    """Minutes in the queue, from how many stood there and how many the booths take an hour; None when the word is too old."""
    if queue is None or queue_at is None or not timedelta(0) <= at - queue_at <= QUEUE_HOLDS:
        return None
    return math.ceil(queue * 60 / per_hour)


def walk_minutes(from_point: Sequence[float], to_point: Sequence[float]) -> int:
    """Minutes on foot between two points [longitude, latitude]: the great circle, a detour factor, an elder's pace."""
    return math.ceil(1000 * float(great_circle_km([from_point, to_point])[0, 1]) * DETOUR / WALK_M_PER_MIN)


def receipt_problem(packed: int, counted: int, note: str) -> T | None:
    """A box may be taken over with another count only with a note that says why."""
    if counted == packed or len(note.strip()) >= 2:
        return None
    return T(f"装箱 {packed} 管，点得 {counted} 管，请写明差异", f"{packed} tubes were packed, {counted} counted: say what happened")


@dataclass(frozen=True, slots=True)
class Share:
    """How far one village is: people on the roll, sampled, excused, away, handed on."""

    people: int
    sampled: int = 0
    excused: int = 0
    away: int = 0
    handed_on: int = 0

    @property
    def missing(self) -> int:
        return self.people - self.sampled - self.excused - self.away - self.handed_on

    @property
    def accounted_share(self) -> float | None:
        return 1 - self.missing / self.people if self.people else None


@dataclass(frozen=True, slots=True)
class Turnaround:
    """One stretch of the way from sample to result over many tubes: median and 90 % in minutes, of how many."""

    name: T
    tubes: int
    median_min: float | None
    p90_min: float | None
