"""Why an alarm was raised, as data: the one source of its page, of the interface and of `tongchou explain`.

1. The alarm in one sentence.  2. Which rule raised it, and at which line.  3. Its streams day by day: seen, expected and why.
4. Where.  5. How probable, from which prior.  6. How often such alarms are right, and what this one costs of the promise.
7. What comes next.  8. The computation, and whether it still gives the same figures.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import exp, log
from typing import Any

from tongchou.core.places.models import Place
from tongchou.core.wording import T, chance, figure
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.learning import Given, ppv_at
from tongchou.domains.warning.models import Alarm, AlarmShare, Signal
from tongchou.domains.warning.queries import alarms_of_year, signals_of, verdict_log
from tongchou.domains.warning.rules import GRADES, OUTSIDE
from tongchou.domains.warning.watching import WEEK
from tongchou.science.detection.model import METHOD_ADDITIVE, METHOD_MULTIPLICATIVE_COUNT, METHOD_MULTIPLICATIVE_RATE
from tongchou.science.evidence.verdicts import Ppv
from tongchou.workflows.early_warning import recompute
from tongchou.workflows.explanation import Ahead, Candidate, Cost, Explanation, Seen, StreamStory

DAYS_SHOWN = timedelta(days=56)
PLACES_SHOWN, AHEAD_SHOWN = 5, 6
LEAST_SHARE = 0.005  # below it the page would say 0%
MOST_TIMES = 1e6  # beyond it only the power of ten is readable

_GROWTH = T(
    "增长法：与此前最多八周的平均相比，看是否持续按倍数上升；以七天为一段",
    "growth: seven days at a time against the mean of up to eight weeks before, looking for a steady multiplication",
)
METHODS = {
    METHOD_ADDITIVE: T(
        "低计数法：预期由过去一年的水平、星期、近五周走势和同日其他村居得出；暴发会按感染到上报的时延多出病例",
        "low counts: expected from the past year's level, the weekday, the last five weeks and the other places that day;"
        " an outbreak adds cases with the delay from infection to report",
    ),
    METHOD_MULTIPLICATIVE_COUNT: _GROWTH,
    METHOD_MULTIPLICATIVE_RATE: _GROWTH,
}
FACTORS = {
    "level": T("平时水平", "usual level"),
    "weekday": T("星期", "weekday"),
    "drift": T("近五周", "last five weeks"),
    "sites": T("上报点数", "reporting sites"),
    "others": T("同日其他村居", "other places that day"),
}


def explain(alarm: Alarm, *, again: bool = False) -> Explanation:
    """Explain an alarm from what is kept of it; `again` also does its computation anew."""
    shares, log = list(alarm.shares.all()), verdict_log()
    carrying = [share for share in shares if share.share >= LEAST_SHARE]
    signals = signals_of([s.stream_id for s in carrying if s.stream_id], alarm.last_seen_on - DAYS_SHOWN, alarm.last_seen_on)
    streams = tuple(_story(alarm, share, name_of(share, shares), signals.get(share.stream_id or 0, [])) for share in carrying)
    return Explanation(
        alarm=alarm,
        gist=_gist(alarm, streams),
        rule=_rule(alarm, streams),
        line=_line(alarm),
        prior=_prior(alarm),
        streams=streams,
        candidates=_candidates(alarm),
        ppv=ppv_beside(alarm, log),
        cost=_cost(alarm),
        ahead=_ahead(alarm, shares),
        learnt=alarm.run.parameters.get("learnt", {}),
        again=recompute(alarm.run) if again and "day" in alarm.run.result else None,
    )


def ppv_beside(alarm: Alarm, log: Sequence[Given]) -> Ppv:
    """How probably an alarm such as this one is right, from the verdicts known when it was raised."""
    return ppv_at(log, alarm.dossier.opened_at, alarm.dossier.grade or GRADES[0], alarm.target)  # type: ignore[arg-type]


def _gist(alarm: Alarm, streams: Sequence[StreamStory]) -> T:
    """What a duty officer must know in ten seconds."""
    place, name = alarm.dossier.place.name, alarm.target_name
    zh = f"{place.zh}可能已有{name.zh}暴发：概率 {chance(alarm.probability)}"
    en = f"{name.en} may be spreading in {place.en}: probability {chance(alarm.probability)}"
    if alarm.growth_per_day and alarm.growth_per_day > 0.01:
        days = log(2) / alarm.growth_per_day
        zh, en = f"{zh}，约 {days:.0f} 天翻倍", f"{en}, doubling in about {days:.0f} days"
    zh, en = f"{zh}。", f"{en}."
    if streams:
        first, seen = streams[0], _lately(streams[0])
        zh += f"{first.share:.0%} 的证据来自{first.name.zh}{f'：{seen.zh}' if seen else ''}。"
        en += f" {first.share:.0%} of the evidence comes from {first.name.en}{f': {seen.en}' if seen else ''}."
    return T(zh, en)


def _lately(story: StreamStory) -> T | None:
    """What was seen of late: low counts are summed over two weeks, or over the five that the evidence looks back on if the last two were quiet."""
    if story.method != METHOD_ADDITIVE or not story.days:
        return story.gist
    last = story.days[-1].day
    two, five = ([d for d in story.days if d.day > last - timedelta(weeks=n) and d.expected is not None] for n in (2, 5))
    is_quiet = sum(d.observed for d in two) <= sum(d.expected or 0.0 for d in two)
    zh, en, days = ("五", "five", five) if is_quiet else ("两", "two", two)
    seen, expected = figure(sum(d.observed for d in days)), figure(sum(d.expected or 0.0 for d in days))
    return T(
        f"至 {last.month}月{last.day}日的{zh}周内 {seen} {story.unit.zh}，预期 {expected}",
        f"{seen} {story.unit.en} in the {en} weeks to {last:%-d %b}, {expected} expected",
    )


def times_said(log_evidence: float) -> str:
    """How many times likelier an outbreak makes the data, readable however large."""
    times = exp(min(log_evidence, 700.0))
    return f"{times:,.0f}" if times <= MOST_TIMES else f"10^{log_evidence / log(10):.0f}"


def _factor(margin_log: float) -> str:
    return figure(exp(margin_log)) if margin_log < log(MOST_TIMES) else times_said(margin_log)


def _rule(alarm: Alarm, streams: Sequence[StreamStory]) -> T:
    alone = next((s for s in streams if s.is_over_its_line), None)
    if alarm.raised_by == "fusion" or alone is None or alone.threshold is None:
        seen, line = times_said(alarm.log_evidence), times_said(alarm.threshold)
        return T(
            f"各数据流合并后的证据 {seen} 倍，报警线 {line} 倍", f"all streams together: evidence {seen} times, alarm line {line} times"
        )
    seen, line = times_said(alone.statistic), times_said(alone.threshold)
    return T(
        f"单一数据流“{alone.name.zh}”自身证据 {seen} 倍，越过它的报警线 {line} 倍",
        f"one stream alone, {alone.name.en}: evidence {seen} times, over its own line of {line} times",
    )


def _line(alarm: Alarm) -> T:
    """The line of the fusion in words: the promise, the part of it that the fusion has, and the margin."""
    used = alarm.run.parameters
    if not {"alarms_per_year", "fusion_budget_share", "margin_log"} <= set(used):
        return T(f"报警线 {times_said(alarm.threshold)} 倍", f"alarm line {times_said(alarm.threshold)} times")
    days, share, margin = 365.25 / used["alarms_per_year"], used["fusion_budget_share"], used["margin_log"]
    zh = f"承诺每年误报 {used['alarms_per_year']:g} 次，即平均 {days:.0f} 天一次；合并证据占承诺的 {share:.0%}，其余归单一数据流"
    en = f"promised: {used['alarms_per_year']:g} false a year, one in {days:.0f} days; {share:.0%} of it is for all streams together, the rest for single ones"
    if margin:
        zh, en = (
            f"{zh}；按本地历史和近来误报再提高 {_factor(margin)} 倍",
            f"{en}; raised {_factor(margin)} times by the own past and by late false alarms",
        )
    return T(zh, en)


def _prior(alarm: Alarm) -> T:
    per_year, learnt = alarm.prior_onsets_per_year, alarm.run.parameters.get("learnt")
    zh, en = f"每年 {per_year:.1f} 次起始", f"{per_year:.1f} onsets a year"
    if not learnt:
        return T(zh, en)
    stated, years, found = learnt["stated_onsets_per_year"], learnt["watched_years"], learnt["outbreaks"]
    return T(
        f"{zh}（设定 {stated:.1f}，监测 {years:.1f} 年内证实 {found} 次）",
        f"{en} (stated {stated:.1f}; {found} confirmed in {years:.1f} years of watching)",
    )


def name_of(share: AlarmShare, beside: Sequence[AlarmShare]) -> T:
    """What a share is of; one from outside is named by the own stream of its kind, which stands beside it."""
    kind = share.kind.removeprefix(OUTSIDE)
    name: T = next((s.stream.indicator for s in beside if s.kind == kind and s.stream is not None), T(kind, kind))
    return name if kind == share.kind else T(f"来自外部：{name.zh}", f"Coming from outside: {name.en}")


def _story(alarm: Alarm, share: AlarmShare, name: T, rows: Sequence[Signal]) -> StreamStory:
    stream = share.stream
    newest = rows[-1] if rows and rows[-1].day == alarm.last_seen_on else None
    method, days_summed = (newest.method if newest else ""), _days_summed(alarm, stream, newest)
    unit = stream.unit if stream else T("值", "value")
    return StreamStory(
        kind=share.kind, stream=stream.code if stream else None, name=name,
        sentinel=stream.sentinel.name if stream else None, unit=unit, days_summed=days_summed,
        share=share.share, statistic=share.statistic, threshold=share.threshold,
        method=method, method_said=METHODS.get(method, T(method, method)),
        gist=_seen_said(newest, unit, days_summed) if newest else None, why_expected=_why(newest) if newest else None,
        pooled=newest.pooled if newest else 1,
        days=tuple(
            {s.observed_on: Seen(s.observed_on, s.observed, s.expected, s.lower, s.upper, s.p, s.statistic)
             for s in rows if s.observed_on is not None and s.observed is not None}.values()
        ),
    )  # fmt: skip


def _days_summed(alarm: Alarm, stream: Stream | None, newest: Signal | None) -> int:
    """How many days one figure of a signal covers: growth is read in weeks, and so is whatever is weekly."""
    in_weeks = newest is not None and newest.method in (METHOD_MULTIPLICATIVE_COUNT, METHOD_MULTIPLICATIVE_RATE)
    weekly = stream is not None and WEEK in (stream.step_days, stream.period_days, alarm.run.parameters.get("calendar_step_days"))
    return WEEK if in_weeks or weekly else 1


def _seen_said(signal: Signal, unit: T, days_summed: int) -> T | None:
    if signal.observed is None or signal.observed_on is None:
        return None
    on, seen = signal.observed_on, figure(signal.observed)
    zh = f"{on.month}月{on.day}日{f'止 {days_summed} 天' if days_summed > 1 else ''} {seen} {unit.zh}"
    en = f"{seen} {unit.en} {f'in the {days_summed} days to' if days_summed > 1 else 'on'} {on:%-d %b}"
    if signal.expected is None or signal.lower is None or signal.upper is None:
        return T(zh, en)
    expected, low, high = figure(signal.expected), figure(signal.lower), figure(signal.upper)
    return T(f"{zh}，预期 {expected}（{low}–{high}）", f"{en}, {expected} expected ({low}–{high})")


def _why(signal: Signal) -> T | None:
    """What the expected value is the product of; a factor of 1 says nothing."""
    if not signal.basis or signal.expected is None:
        return None
    told = [
        (FACTORS[name], f"{value:.3g}" if name == "level" else f"{value:.2f}")
        for name, value in signal.basis
        if name == "level" or round(value, 2) != 1
    ]
    end = f"{signal.expected:.3g}"
    return T(" × ".join(f"{n.zh} {v}" for n, v in told) + f" = {end}", " × ".join(f"{n.en} {v}" for n, v in told) + f" = {end}")


def _candidates(alarm: Alarm) -> tuple[Candidate, ...]:
    kept = [k for k in alarm.places[:PLACES_SHOWN] if k["share"] >= LEAST_SHARE]
    places = {p.path: p for p in Place.objects.filter(path__in=[k["place"] for k in kept])}
    return tuple(
        Candidate(
            places[k["place"]].code,
            k["place"],
            places[k["place"]].name,
            k["share"],
            k["probability"],
            k["place"] == alarm.area.path,
            k.get("listed", False),
        )
        for k in kept
        if k["place"] in places
    )


def _cost(alarm: Alarm) -> Cost:
    year = alarms_of_year(alarm)
    promised = alarm.run.parameters.get("alarms_per_year")
    return Cost(len(year), sum(a.verdict == "false" for a in year), None if promised is None else float(promised))


def _ahead(alarm: Alarm, shares: Sequence[AlarmShare]) -> tuple[Ahead, ...]:
    """A place's own figures before the whole area's, and never both for one stream; what carries the alarm leads."""
    found = []
    for stream in (s.stream for s in shares if s.stream is not None):
        rows = [e for e in alarm.expected if e["kind"] == stream.kind and e["median"] is not None]
        own = [e for e in rows if e["place"] is not None]
        found += [_of_stream(stream, own or rows, bool(own))] if rows else []
    return tuple(found[:AHEAD_SHOWN])


def _of_stream(stream: Stream, rows: Sequence[Mapping[str, Any]], is_local: bool) -> Ahead:
    horizons = sorted((e["horizon_days"], e["median"], e["lower"], e["upper"]) for e in rows)
    return Ahead(stream.kind, stream.indicator, stream.unit, is_local, tuple(horizons))
