"""Drafts of the three kinds of warning of the measures of 2025, from a graded alarm. Pure: facts and dated wording in, text out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tongchou.core.wording import T

# 传染病疫情预警管理办法（试行）, article 4: to the public, to departments and areas, to the government.
KINDS: Mapping[str, T] = {
    "advice": T("健康风险提示", "Health risk advice"),
    "notice": T("警示信息通报", "Warning notice to departments and areas"),
    "recommendation": T("预警决策建议", "Recommendation to the government"),
}
RISKS: Mapping[str, T] = {
    "very_low": T("极低风险", "very low risk"),
    "low": T("低风险", "low risk"),
    "medium": T("中风险", "medium risk"),
    "high": T("高风险", "high risk"),
}
GRADE_NAMES: Mapping[str, T] = {
    "blue": T("蓝色", "blue"),
    "yellow": T("黄色", "yellow"),
    "orange": T("橙色", "orange"),
    "red": T("红色", "red"),
}
TO_FILL = T("【请补充】", "[to be filled in]")
WORDING = ("warning.drafts_by_grade", "warning.risk_by_grade", "warning.legal_basis", "warning.signed_by", "warning.addressed_to",
           "warning.advised", "warning.disease")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is expected within some days if nothing is done, with its 80 % interval."""

    indicator: T
    unit: T
    where: T
    days: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """What a draft may say of an alarm. `carriers`: the streams behind it, loudest first; `ppv`: how often such alarms were right, in words."""

    number: str
    place: T
    town: T
    disease: T
    target: str
    grade: str
    is_confirmed: bool
    seen_on: date
    probability: float
    prior_onsets_per_year: float
    ppv: T
    carriers: tuple[T, ...] = ()
    growth_per_day: tuple[float, float, float] | None = None  # low, middle, high
    ahead: Ahead | None = None
    touched: tuple[T, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A text in two languages: heading, whom it is for, parts with their heading and lines, who signs, its day, and what it is not yet."""

    kind: str
    title: T
    addressee: T
    parts: tuple[tuple[T, tuple[T, ...]], ...]
    signer: T
    drafted_by: T
    on: date
    caution: T

    def text(self, lang: str) -> str:
        """Plain text in "zh" or "en"."""
        lines = [self.title, self.addressee]
        for heading, said in self.parts:
            lines += [heading, *said]
        day = T(f"{self.on.year}年{self.on.month}月{self.on.day}日", f"{self.on:%-d %B %Y}")
        lines += [
            T(f"审签：{self.signer.zh}（签章）", f"To be signed by: {self.signer.en}"),
            T(f"拟稿：{self.drafted_by.zh}", f"Drafted by: {self.drafted_by.en}"), day, self.caution,
        ]  # fmt: skip
        return "\n".join(getattr(line, lang) for line in lines) + "\n"


def kinds_for(grade: str, wording: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds proper to a grade on that day, in the order of the measures; none where the office has no rule for them."""
    proper = (wording.get("warning.drafts_by_grade") or {}).get(grade, ())
    return tuple(kind for kind in KINDS if kind in proper)


def draft_of(kind: str, facts: AlarmFacts, wording: Mapping[str, Any], drafted_by: T, on: date) -> Draft:
    """One kind of warning. `wording`: values of `WORDING` in force that day; what is missing there is left to be filled in by hand.

    Raises ValueError for a kind that is not proper to the alarm's grade.
    """
    if kind not in kinds_for(facts.grade, wording):
        raise ValueError(f"{kind}: not drafted for grade {facts.grade!r}; proper: {kinds_for(facts.grade, wording)}")
    advised = _lines((wording.get("warning.advised") or {}).get(kind))
    disease = _pair((wording.get("warning.disease") or {}).get(facts.target))
    ahead, certainty = (_ahead(facts.ahead),), _certainty(facts)
    if kind == "advice":
        parts: list[tuple[T, tuple[T, ...]]] = [
            (T("一、监测情况", "1. What is seen"), (_situation(facts),)), (T("二、疾病特点", "2. The disease"), (disease,)),
            (T("三、发展趋势", "3. What to expect"), ahead), (T("四、健康建议", "4. What to do"), advised),
            (T("五、说明", "5. How sure this is"), certainty),
        ]  # fmt: skip
    elif kind == "notice":
        parts = [
            (T("一、疫情情况", "1. Situation"), (_situation(facts), *_evidence(facts))),
            (T("二、疾病危害", "2. The disease"), (disease,)),
            (T("三、影响范围与发展趋势", "3. Extent and trend"), (*_extent(facts), *ahead)), (T("四、措施建议", "4. Advised"), advised),
            (T("五、依据与不确定性", "5. Basis and uncertainty"), (_basis(wording), *certainty)),
        ]  # fmt: skip
    else:
        parts = [
            (T("一、风险研判", "1. Assessment"), (_risk(facts, wording), _situation(facts))),
            (T("二、主要依据", "2. Evidence"), (*_evidence(facts), *_extent(facts))), (T("三、发展趋势", "3. Trend"), ahead),
            (T("四、建议", "4. Recommended"), advised), (T("五、依据与不确定性", "5. Basis and uncertainty"), (_basis(wording), *certainty)),
        ]  # fmt: skip
    name = KINDS[kind]
    return Draft(
        kind, T(f"关于{facts.place.zh}{facts.disease.zh}的{name.zh}", f"{name.en}: {facts.disease.en} in {facts.place.en}"),
        _pair((wording.get("warning.addressed_to") or {}).get(kind)), tuple(parts), _pair((wording.get("warning.signed_by") or {}).get(kind)),
        drafted_by, on, T("本稿由统筹系统拟就，未经审签不得发出。", "Drafted by tongchou; not to be sent before it is signed."),
    )  # fmt: skip


def _pair(value: Mapping[str, str] | None) -> T:
    return T(value["zh"], value["en"]) if value else TO_FILL


def _lines(values: Sequence[Mapping[str, str]] | None) -> tuple[T, ...]:
    return tuple(T(f"{n}. {v['zh']}", f"{n}. {v['en']}") for n, v in enumerate(values or (), start=1)) or (TO_FILL,)


def _situation(facts: AlarmFacts) -> T:
    day = T(f"{facts.seen_on.month}月{facts.seen_on.day}日", f"{facts.seen_on:%-d %B}")
    grade = GRADE_NAMES[facts.grade]
    state = (
        T("已经人工确认", "confirmed by a person") if facts.is_confirmed else T("正在核实，尚未确认", "being checked, not yet confirmed")
    )
    return T(
        f"截至{day.zh}，监测提示{facts.place.zh}{facts.disease.zh}有上升迹象，{facts.town.zh}预警级别为{grade.zh}，{state.zh}。",
        f"By {day.en} monitoring pointed to a rise of {facts.disease.en} in {facts.place.en}; alarm of {facts.town.en}: {grade.en}, {state.en}.",
    )


def _evidence(facts: AlarmFacts) -> tuple[T, ...]:
    found = []
    if facts.carriers:
        zh, en = "、".join(c.zh for c in facts.carriers), ", ".join(c.en for c in facts.carriers)
        found.append(T(f"主要依据：{zh}较往常偏高。", f"It rests mainly on: {en}, above their usual level."))
    if facts.growth_per_day is not None:
        low, middle, high = (f"{share:.0%}" for share in facts.growth_per_day)
        found.append(T(f"估计每天增长 {middle}（{low} 至 {high}）。", f"Estimated growth {middle} a day ({low} to {high})."))
    return tuple(found)


def _extent(facts: AlarmFacts) -> tuple[T, ...]:
    if not facts.touched:
        return (T(f"目前涉及{facts.place.zh}，未见其他村居同时上升。", f"So far {facts.place.en}; no other village rises."),)
    zh, en = "、".join(p.zh for p in facts.touched), ", ".join(p.en for p in facts.touched)
    return (T(f"除{facts.place.zh}外，同时波及：{zh}。", f"Beside {facts.place.en} also touched: {en}."),)


def _ahead(ahead: Ahead | None) -> T:
    if ahead is None:
        return T("目前数据不足以估计今后规模。", "The data do not yet allow an estimate of its size.")
    numbers = f"{ahead.median:,.0f}", f"{ahead.low:,.0f}–{ahead.high:,.0f}"
    return T(
        f"若不采取措施，预计今后 {ahead.days} 天{ahead.where.zh}{ahead.indicator.zh}约 {numbers[0]} {ahead.unit.zh}（80%区间 {numbers[1]}）。",
        f"If nothing is done, {ahead.indicator.en} within {ahead.days} days, {ahead.where.en}: about {numbers[0]} {ahead.unit.en} (80 % interval {numbers[1]}).",
    )


def _certainty(facts: AlarmFacts) -> tuple[T, ...]:
    """How sure it is, said as it is: the probability with its prior, and how such alarms have fared."""
    return (
        T(
            f"确为上升的概率估计为 {facts.probability:.0%}（事先假定平均每年起始 {facts.prior_onsets_per_year:.1f} 次）；{facts.ppv.zh}。",
            f"Probability of a true rise: {facts.probability:.0%} (assuming beforehand {facts.prior_onsets_per_year:.1f} onsets a year); {facts.ppv.en}.",
        ),
    )  # fmt: skip


def _risk(facts: AlarmFacts, wording: Mapping[str, Any]) -> T:
    level = RISKS.get((wording.get("warning.risk_by_grade") or {}).get(facts.grade, ""), TO_FILL)
    return T(f"建议风险等级：{level.zh}（由审签单位评定）。", f"Proposed risk level: {level.en} (for the signing body to decide).")


def _basis(wording: Mapping[str, Any]) -> T:
    basis = _pair(wording.get("warning.legal_basis"))
    return T(f"依据：{basis.zh}。", f"Legal basis: {basis.en}.")
