"""What exposed people are told, in plain words: what happened, what to do, by when, whom to call (pure)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tongchou.core.wording import T

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _clock(at: datetime) -> T:
    return T(f"{at.month}月{at.day}日{at:%H:%M}", f"{at.day} {MONTHS[at.month - 1]} {at:%H:%M}")


def exposed_notice(*, venue: T, first_at: datetime, told_at: datetime, advice: Mapping[str, Any], number: str) -> T:
    """To somebody on the list. `first_at`, `told_at` in the town's zone; `advice`: the parameter trace.exposed_advice; `number`: the request's.

    It names the hour, not who the case is.
    """
    by, day = _clock(told_at + timedelta(hours=advice["within_hours"])), _clock(first_at.replace(minute=0))
    do, call = T(**advice["do"]), T(**advice["call"])
    return T(
        f"您{day.zh}前后到过{venue.zh}，同一时段有一名确诊者也在那里。{do.zh}请在{by.zh}前完成。有疑问请打：{call.zh}。查询编号{number}，"
        "您可以凭身份证到村居询问是谁、为何查了您的到访记录。",
        f"You were at {venue.en} around {day.en}, when a confirmed case was there too. {do.en} Please do so by {by.en}. Questions: {call.en}. "
        f"Reference {number}: with your identity card you may ask at your village who looked up your visit, and why.",
    )


def released_notice(*, number: str) -> T:
    """To somebody who was on an earlier version of the list and no longer is."""
    return T(
        f"经核对更正，您不再列入查询{number}的名单，之前的提醒作废，不用再做什么。打扰之处，敬请谅解。",
        f"After a correction you are no longer on the list of {number}. The earlier notice is void; you need do nothing more. We are sorry.",
    )
