"""Measures, conditions and next steps in words that a firm's owner reads. Pure."""

from collections.abc import Mapping
from typing import Any

from tongchou.core.packs.benefits import field_of
from tongchou.core.packs.fields import Fields, FieldSpec
from tongchou.core.packs.policies import Measure
from tongchou.core.wording import T
from tongchou.science.eligibility.compiling import Requirement
from tongchou.science.eligibility.model import OneOf, StartsWith

Industries = Mapping[str, T]  # GB/T 4754 section letter or division → its name
_FEW = 4  # industries named before the rest is counted


def condition_words(requirement: Requirement, fields: Fields, industries: Industries) -> T:
    """What is asked for, without the firm: `企业规模：小型、微型`."""
    field = fields[requirement.field]
    if requirement.interval is not None:
        asked = _interval(requirement, field)
        return T(f"{field.label.zh}{asked.zh}", f"{field.label.en} {asked.en}")
    if field.kind == "flag":
        wanted = requirement.admits("true")
        return T(f"{field.label.zh}：{'是' if wanted else '否'}", f"{field.label.en}: {'yes' if wanted else 'no'}")
    said = [_one_of(c.test, c.negated, field, industries) for c in requirement.conditions if isinstance(c.test, OneOf | StartsWith)]
    return T(f"{field.label.zh}：{'；'.join(s.zh for s in said)}", f"{field.label.en}: {'; '.join(s.en for s in said)}")


def _interval(requirement: Requirement, field: FieldSpec) -> T:
    within = requirement.interval
    assert within is not None
    if within.low == within.high:
        value = field.with_unit(within.low)
        return T(f"为 {value.zh}", f"of {value.en}")
    day = field.kind == "day"
    ends = []
    if within.low != float("-inf"):
        value = field.with_unit(within.low)
        zh, en = (
            ("晚于", "after")
            if within.low_open and day
            else ("不早于", "from")
            if day
            else ("超过", "over")
            if within.low_open
            else ("不低于", "of at least")
        )
        ends.append(T(f"{zh} {value.zh}", f"{en} {value.en}"))
    if within.high != float("inf"):
        value = field.with_unit(within.high)
        zh, en = (
            ("早于", "before")
            if within.high_open and day
            else ("不晚于", "up to")
            if day
            else ("低于", "below")
            if within.high_open
            else ("不超过", "of at most")
        )
        ends.append(T(f"{zh} {value.zh}", f"{en} {value.en}"))
    return T("、".join(e.zh for e in ends), " and ".join(e.en for e in ends))


def _one_of(test: OneOf | StartsWith, negated: bool, field: FieldSpec, industries: Industries) -> T:
    if isinstance(test, OneOf):
        names = [field.values.get(word, T(word, word)) for word in sorted(test.values, key=list(field.values).index)]
    else:
        names = _industry_names(test.codes, industries)
    zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
    return T(f"不属于{zh}", f"not {en}") if negated else T(zh, en)


def _industry_names(codes: tuple[str, ...], industries: Industries) -> list[T]:
    """The names of divisions, whole sections taken together; what has no name of its own by its code."""
    left, names = set(codes), []
    for section, divisions in _sections(industries).items():
        if divisions and divisions <= left:
            names.append(industries[section])
            left -= divisions
    rest = sorted(left, key=lambda code: (code not in industries, code))
    names += [
        industries.get(code) or T(f"{_above(code, industries).zh}（{code}）", f"{_above(code, industries).en} ({code})")
        for code in rest[:_FEW]
    ]
    if len(rest) > _FEW:
        last = names.pop()
        names.append(T(f"{last.zh}等{len(rest)}类", f"{last.en} and {len(rest) - _FEW} more"))
    return names


def _above(code: str, industries: Industries) -> T:
    return industries.get(code[:2], T("行业", "industry"))


def _sections(industries: Industries) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    current = ""
    for code in industries:  # a section stands before its divisions
        if code.isalpha():
            current = code
            found[current] = set()
        elif current:
            found[current].add(code)
    return found


def value_words(name: str, value: str | None, fields: Fields, industries: Industries) -> T:
    """What is known of the firm, in words."""
    if value is None:
        return T("还不知道", "not known yet")
    field = fields[name]
    if field.kind == "code":
        return industries.get(value[:2], T(value, value))
    return field.shown(value)


_BENEFITS: Mapping[str, T] = {
    "rent_waiver": T("免{months}个月租金", "{months} months free of rent"),
    "bill_cut": T("水电气费减{rate}", "{rate} off water, power and gas"),
    "rate_cut": T("减{rate}", "{rate} off"),
    "tax_exempt": T("免征", "exempt"),
    "waiver": T("免收", "waived"),
    "defer": T("缓缴", "may be paid later"),
    "price": T("优惠费率", "at a reduced price"),
    "service": T("上门服务", "a service"),
    "refund": T("返还{base}的{rate}", "{rate} of {base} back"),
    "subsidy": T("补贴{base}的{rate}", "{rate} of {base}"),
    "interest_subsidy": T("贴{base}的{rate}", "{rate} of {base}"),
}
_EACH = {
    "amount": T("{n} 元", "{n} yuan"), "per_person": T("每人 {n} 元", "{n} yuan a head"), "per_hire": T("每招一人 {n} 元", "{n} yuan for each hired"),
    "per_hire_max": T("每招一人至多 {n} 元", "up to {n} yuan for each hired"), "per_person_day": T("每人每天 {n} 元", "{n} yuan a head and day"),
    "per_m2_day": T("每平方米每天 {n} 元", "{n} yuan a m² and day"),
}  # fmt: skip
_UNSET = T("金额由主管部门确定", "the department sets the sum")


def benefit_words(measure: Measure, fields: Fields) -> T:
    """What a measure gives, in a few words, with its cap; its title says the rest."""
    benefit: Mapping[str, Any] = measure.benefit
    said, rate, cap = _BENEFITS.get(benefit["type"]), benefit.get("rate", benefit.get("share")), benefit.get("cap")
    if benefit["type"] == "grant":
        said = next(
            (words.format(n=f"{benefit[key]:,}") for key, words in _EACH.items() if isinstance(benefit.get(key), int | float)), None
        )
    elif said is not None and "{base}" in said.zh:
        base = fields.get(field_of(str(benefit.get("base", ""))))
        said = said.format(base="{base}", rate=f"{rate:.0%}") if base is not None and isinstance(rate, int | float) else None
        said = T(said.zh.format(base=base.label.zh), said.en.format(base=base.label.en)) if said and base else None
    if said is None:
        return _UNSET
    said = said.format(months=benefit.get("months", ""), rate=f"{rate:.0%}" if isinstance(rate, int | float) else "")
    if benefit["type"] == "defer":
        said = _deferral(benefit, said)
    return T(f"{said.zh}，至多 {cap:,} 元", f"{said.en}, at most {cap:,} yuan") if isinstance(cap, int | float) else said


def _deferral(benefit: Mapping[str, Any], said: T) -> T:
    if "until" in benefit:
        said = T(f"{said.zh}至 {benefit['until']}", f"{said.en}, until {benefit['until']}")
    elif "months" in benefit:
        said = T(f"{said.zh} {benefit['months']} 个月", f"{said.en}, by {benefit['months']} months")
    return T(f"{said.zh}，免滞纳金", f"{said.en}, without a late fee") if benefit.get("late_fee") == 0 else said


def how_words(measure: Measure) -> T:
    """What the firm has to do, if anything: by how the measure is delivered."""
    office, end = measure.department, measure.valid_to
    claim = T(f"点“我要申请”，镇里代转{office.zh}", f"press Claim: the town hands it on to {office.en}")
    said = {
        "apply": T(f"{claim.zh}，截止 {end}", f"{claim.en}, by {end}") if end else claim,
        "no_application": T(f"什么也不用做，{office.zh}直接发放或扣减", f"nothing to do: {office.en} pays or deducts it"),
        "declare": T("报税时自行申报，不用另外申请", "say so in the tax return; nothing else to file"),
        "automatic": T("自动享受，什么也不用做", "nothing to do: it comes by itself"),
        "negotiate": T(f"与{office.zh}协商办理", f"to be settled with {office.en}"),
        "visit": T("有人上门说明", "somebody comes to explain it"),
    }
    return said.get(measure.delivery, T(f"由{office.zh}办理", f"handled by {office.en}"))


def source_words(measure: Measure) -> T:
    """The document behind a measure, with number and day as far as they are known."""
    named = [s for s in measure.sources if s.title]
    said = "；".join("，".join(part for part in (s.title, s.number, s.day) if part) for s in named)
    return T(said or f"{measure.announced} 公布，见报道", said or f"announced {measure.announced}, as reported")
