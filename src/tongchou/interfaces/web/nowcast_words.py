"""A nowcast as a chart and as plain words."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_nowcast import Completed
from tongchou.interfaces.web.chart_parts import Series
from tongchou.science.nowcasting.site_model import CompletedCurve
from tongchou.workflows.nowcasting import Outlook, Pace

LOW95, LOW50, MEDIAN, HIGH50, HIGH95 = 0, 2, 3, 4, 6  # columns of the quantiles


def band_of(curve: CompletedCurve) -> Completed:
    """The nowcast where the day is not all in, for a chart."""
    open_days = curve.incomplete & np.isfinite(curve.quantiles[:, MEDIAN]) & _is_corrected(curve)

    def line(column: int) -> Series:
        return [float(value) if shown else None for value, shown in zip(curve.quantiles[:, column], open_days, strict=True)]

    incomplete = frozenset(day for day, still in zip(curve.days, curve.incomplete, strict=True) if still)
    return Completed(line(MEDIAN), line(LOW95), line(HIGH95), line(LOW50), line(HIGH50), incomplete)


def last_told(curve: CompletedCurve) -> int | None:
    """Position of the latest day that is in, or of which is known what it will be."""
    known = np.flatnonzero(np.isfinite(curve.expected) & (~curve.incomplete | _is_corrected(curve)))
    return int(known[-1]) if len(known) else None


def _is_corrected(curve: CompletedCurve) -> bool:
    """Whether late reports are reckoned with: if nobody knows how late they come, a nowcast would be half of one."""
    return curve.late_share is not None


def said_of(outlook: Outlook, days: Sequence[date], silent: Sequence[date | None] = ()) -> list[T]:
    """What must be known to read the last days, a sentence each; `silent`: the last day each silent site reported on."""
    curve = outlook.at_days(days)
    found = [*_said_of_lateness(outlook, curve), *_said_of_last_day(curve, days)]
    if silent:
        found.append(
            T(
                f"{len(silent)} 个点失联：按其以往占比补估，请催报。",
                f"{len(silent)} silent: filled in by their usual share; ask them to report.",
            )
        )
    if silent and (last := min((day for day in silent if day is not None), default=None)):
        found.append(T(f"其中最早的末次上报为{_named(last).zh}。", f"The first of them last reported on {_named(last).en}."))
    return found


def _said_of_lateness(outlook: Outlook, curve: CompletedCurve) -> list[T]:
    span = T("周", "weeks") if curve.step_days > 1 else T("天", "days")
    if outlook.is_final:
        return [T("这里只留存最终值，看不出当时迟报多少。", "Only final values are kept here; how late they came cannot be seen.")]
    if curve.late_share is None and np.isfinite(curve.reported).any():
        n = max(curve.longest_delay, 1)
        return [
            T(
                f"迟报的历史太短，无法补估；最近 {n} {span.zh}还可能上升。",
                f"Too little history of late reports to correct; the last {n} {span.en} may still rise.",
            )
        ]
    if curve.method != "none" and not curve.is_spread_known:
        return [T("历史尚短，区间偏于粗略。", "The history is short: take the interval as rough.")]
    return []


def _said_of_last_day(curve: CompletedCurve, days: Sequence[date]) -> list[T]:
    """The latest day that is not all in: what is there, and what is to be expected."""
    rows = np.flatnonzero(curve.incomplete)
    if not len(rows) or not _is_corrected(curve):
        return []
    i = int(rows[-1])
    day, reported, share = _named(days[i]), curve.reported[i], curve.missing[i]
    here = T(f"{day.zh}已报 {reported:,.0f}", f"{day.en}: {reported:,.0f} reported")
    if share >= 0.005:
        here = T(f"{here.zh}（到数约 {1 - share:.0%}）", f"{here.en} (about {1 - share:.0%} in)")
    if not np.isfinite(curve.quantiles[i, MEDIAN]):
        return [T(f"{here.zh}，缺报太多，不作补估。", f"{here.en}; too much is missing to say more.")]
    low, middle, high = (f"{curve.quantiles[i, k]:,.0f}" for k in (LOW95, MEDIAN, HIGH95))
    return [T(f"{here.zh}，报齐后预计 {middle}（{low}–{high}）。", f"{here.en}; {middle} ({low}–{high}) expected when all is in.")]


def said_of_pace(pace: Pace) -> list[T]:
    """Growth and reproduction number in plain words; nothing where there is no basis."""
    found = []
    if pace.growth is not None:
        low, middle, high = (100 * g for g in pace.growth)
        found.append(T(f"每天增长 {middle:.0f}%（{low:.0f}% 至 {high:.0f}%）", f"growing {middle:.0f} % a day ({low:.0f} to {high:.0f} %)"))
    if pace.reproduction is not None:
        low, middle, high = pace.reproduction
        found.append(
            T(f"每例平均再传 {middle:.1f} 例（{low:.1f}–{high:.1f}）", f"each case passes it on to {middle:.1f} ({low:.1f}–{high:.1f})")
        )
    return found


def _named(day: date) -> T:
    return T(f"{day.month}月{day.day}日", f"{day:%-d %b}")
