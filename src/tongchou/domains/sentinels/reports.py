"""Judging a batch of reports against what is known: which are new, which the same again, which corrections, and every one that is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from tongchou.core.errors import FieldProblem
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.sentinels import rules
from tongchou.domains.sentinels.models import Observation, Stream
from tongchou.domains.sentinels.queries import observations_as_known

Values = Mapping[tuple[int, date], float]  # by (stream, day)
Outcome = Literal["new", "same", "corrected"]
PAST_DAYS = 400
MOST_REASON = 300


@dataclass(frozen=True, slots=True)
class Report:
    """One value as somebody sends it. `sent_at` is the sender's clock; `correction` and `confirmed` each need a reason."""

    stream: str
    day: date
    value: object
    sent_at: datetime | None = None
    correction: bool = False
    confirmed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A report that may be kept: its stream, its number and what it is."""

    stream: Stream
    day: date
    value: float
    reason: str
    outcome: Outcome


def judge(
    reports: Sequence[Report], streams: Mapping[str, Stream], by: Actor, at: datetime, zone: ZoneInfo
) -> tuple[list[Judged], list[FieldProblem]]:
    """Every report judged; problems name the row (from 1) and the field. `streams` maps code to stream with its sentinel and place."""
    ids = sorted({stream.pk for stream in streams.values()})
    known, ahead = _known_values(ids, {report.day for report in reports}, at)
    past = _past_levels(ids, at.astimezone(zone).date(), at)
    judged: list[Judged] = []
    problems: list[FieldProblem] = []
    seen: dict[tuple[str, date], float] = {}
    for number, report in enumerate(reports, start=1):
        stream = streams.get(report.stream)
        field, told = (
            "stream",
            T(f"没有数据流 {report.stream[:60]}，或您无权上报", f"No stream {report.stream[:60]}, or not yours to report"),
        )
        if stream is not None and by.may("stream.report", stream.place_path):
            late = ahead.get((stream.pk, report.day))
            found = _judge_one(report, stream, known, past, seen, at, zone) if late is None else ("day", rules.clock_set_back(late, at))
            if isinstance(found, Judged):
                judged.append(found)
                continue
            field, told = found
        problems.append(FieldProblem(f"rows[{number}].{field}", told))
    return judged, problems


def _judge_one(
    report: Report, stream: Stream, known: Values, past: Mapping[int, tuple[int, float]], seen: dict[tuple[str, date], float],
    at: datetime, zone: ZoneInfo,
) -> Judged | tuple[str, T]:  # fmt: skip
    if wrong := rules.clock_problem(report.sent_at, at):
        return "sent_at", wrong
    sentinel = stream.sentinel
    if sentinel.state != "live" or stream.state != "live":
        return "stream", T(f"哨点 {sentinel.code} 不在启用状态，请先启用", f"Sentinel {sentinel.code} is not live; make it live first")
    schedule = rules.schedule_of(sentinel.schedule)
    if wrong := rules.day_problem(report.day, at.astimezone(zone).date(), sentinel.valid_from, stream.step_days, schedule):
        return "day", wrong
    value = rules.value_of(report.value, stream.value_kind)
    if isinstance(value, T):
        return "value", value
    if seen.setdefault((stream.code, report.day), value) != value:
        return "day", T("同一批里这一天报了两个不同的数", "This batch gives two different values for the day")
    before = known.get((stream.pk, report.day))
    if before == value:
        return Judged(stream, report.day, value, report.reason.strip()[:MOST_REASON], "same")
    reason = report.reason.strip()
    if len(reason) > MOST_REASON:
        return "reason", T(
            f"原因最多 {MOST_REASON} 字（现 {len(reason)} 字）", f"A reason has at most {MOST_REASON} signs (this one {len(reason)})"
        )
    if before is not None and not (report.correction and reason):
        return "correction", rules.needs_correction(before, value)
    odd = rules.unusual(value, stream.plausible_max, *past.get(stream.pk, (0, 0.0)), stream.value_kind)
    if odd and not (report.confirmed and reason):
        return "value", rules.needs_confirmation(odd)
    return Judged(stream, report.day, value, reason, "new" if before is None else "corrected")


def _known_values(ids: Sequence[int], days: set[date], at: datetime) -> tuple[Values, dict[tuple[int, date], datetime]]:
    """The values known at `at`; and, where a report bears a later instant than that, which."""
    known, ahead = {}, {}
    if ids and days:
        rows = Observation.objects.filter(stream__in=ids, day__gte=min(days), day__lte=max(days)).order_by("reported_at")
        for stream, day, value, reported_at in rows.values_list("stream_id", "day", "value", "reported_at"):
            if reported_at > at:
                ahead[stream, day] = reported_at
            else:
                known[stream, day] = value
    return known, ahead


def _past_levels(ids: Sequence[int], today: date, at: datetime) -> dict[int, tuple[int, float]]:
    """Stream → how many days it reported in the last 400, and their 99 % level."""
    block = observations_as_known(ids, today - timedelta(days=PAST_DAYS), today - timedelta(days=1), at)
    counts = np.isfinite(block.values).sum(axis=1)
    return {
        stream: (int(n), float(np.nanquantile(row, 0.99)) if n else 0.0)
        for stream, row, n in zip(block.stream_ids, block.values, counts, strict=True)
    }
