"""What decides in an investigation: the life of a case, definitions, days of follow-up, duplicates. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import SequenceMatcher

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T

CORE_WITHIN, FIRST_WITHIN, FULL_WITHIN = "trace.core_information_within", "trace.first_report_within", "trace.full_report_within"
DEFINITION, DAYS, CEILING = "trace.case_definition", "trace.contact_days", "trace.contact_days_ceiling"

_OPEN = ("suspected", "probable", "confirmed")
# Part of the investigation form → its field, its words, the clock it stops.
PARTS: Mapping[str, tuple[str, T, str]] = {
    "core": ("core_facts", T("核心信息", "Core facts"), CORE_WITHIN),
    "first": ("first_report", T("初步流调报告", "First report"), FIRST_WITHIN),
    "full": ("full_report", T("完整流调报告", "Full report"), FULL_WITHIN),
}

CASE = Machine(
    kind="case",
    label=T("病例", "Case"),
    prefix="BL",
    start="suspected",
    states={
        "suspected": T("疑似", "Suspected"),
        "probable": T("可能", "Probable"),
        "confirmed": T("确诊", "Confirmed"),
        "discarded": T("排除", "Discarded"),
        "closed": T("已结案", "Closed"),
    },
    final=frozenset({"closed"}),
    steps=(
        Step("call_probable", T("判为可能", "Call probable"), ("suspected", "confirmed"), "probable", "case.work"),
        Step("call_confirmed", T("判为确诊", "Call confirmed"), ("suspected", "probable"), "confirmed", "case.work"),
        Step("call_suspected", T("判为疑似", "Call suspected"), ("probable", "confirmed", "discarded"), "suspected", "case.work"),
        Step("discard", T("排除", "Discard"), _OPEN, "discarded", "case.work", stops=(CORE_WITHIN, FIRST_WITHIN, FULL_WITHIN)),
        *(
            Step(f"hand_in_{part}", T(f"提交{words.zh}", f"Hand in: {words.en}"), (state,), state, "case.work", stops=(clock,))
            for state in _OPEN
            for part, (_, words, clock) in PARTS.items()
        ),
        Step("close", T("结案", "Close"), ("confirmed", "probable", "discarded"), "closed", "case.work"),
    ),
    starts=(CORE_WITHIN, FIRST_WITHIN, FULL_WITHIN),
)

SEXES = {"m": T("男", "male"), "f": T("女", "female")}
OUTCOMES = {"recovered": T("痊愈", "recovered"), "died": T("死亡", "died"), "ill": T("在治", "still ill"), "moved": T("转出", "moved away")}
METHODS = {"pcr": T("核酸", "PCR"), "antigen": T("抗原", "antigen"), "serology": T("血清学", "serology"), "other": T("其他", "other")}
RESULTS = {
    "pending": T("待出", "pending"),
    "positive": T("阳性", "positive"),
    "negative": T("阴性", "negative"),
    "invalid": T("无效", "invalid"),
}
CONTACT_KINDS = {"close": T("密切接触者", "close contact"), "secondary": T("次密接", "contact of a contact")}
# How two people met: the setting of a contact, and the evidence of a link.
EVIDENCE_KINDS = {
    "household": T("同住", "same household"),
    "meal": T("聚餐", "shared meal"),
    "work": T("同事", "at work"),
    "school": T("同校", "at school"),
    "venue": T("同场所", "same venue"),
    "transport": T("同乘", "same vehicle"),
    "care": T("照护诊疗", "care"),
    "genome": T("基因测序", "genome"),
    "other": T("其他", "other"),
}
ENDINGS = {
    "released": T("解除随访", "released"),
    "became_case": T("转为病例", "became a case"),
    "by_mistake": T("误列", "listed by mistake"),
}
FEVER_C = 37.3  # measured under the arm; the limit Chinese plans use

# Tag of the R package linelist → our field.
LIST_TAGS: Mapping[str, str] = {
    "id": "reference", "date_onset": "onset_on", "date_reporting": "reported_on", "date_admission": "admitted_on",
    "date_discharge": "discharged_on", "date_outcome": "outcome_on", "date_death": "died_on", "gender": "sex", "age": "age",
    "location": "place_id", "occupation": "occupation", "hcw": "is_hcw", "outcome": "outcome",
}  # fmt: skip
_BEFORE = (("onset_on", "died_on"), ("admitted_on", "discharged_on"), ("onset_on", "outcome_on"), ("onset_on", "discharged_on"))
DATES = {
    "onset_on": T("发病日期", "Onset"), "reported_on": T("报告日期", "Reported"), "admitted_on": T("入院日期", "Admitted"),
    "discharged_on": T("出院日期", "Discharged"), "outcome_on": T("转归日期", "Outcome on"), "died_on": T("死亡日期", "Died"),
}  # fmt: skip


def date_problems(facts: Mapping[str, object], today: date) -> list[tuple[str, T]]:
    """(field, what is wrong) of the dates of a case: none in the future, none before what must come first, a death with its outcome."""
    given: dict[str, date] = {name: day for name in DATES if isinstance(day := facts.get(name), date)}
    found = [(name, T("日期在将来", "lies in the future")) for name, day in given.items() if day > today]
    for first, later in _BEFORE:
        if first in given and later in given and given[later] < given[first]:
            found.append((later, T(f"早于{DATES[first].zh}", f"before: {DATES[first].en}")))
    if "died_on" in given and facts.get("outcome") not in ("died", "", None):
        found.append(("outcome", T("已填死亡日期", "a day of death is given")))
    return found


def facts_known(*, has_symptoms: bool, has_known_contact: bool, results: Iterable[str]) -> frozenset[str]:
    """The facts a case definition asks about."""
    known = {name for name, holds in (("symptoms", has_symptoms), ("contact", has_known_contact)) if holds}
    if known:
        known.add("symptoms_or_contact")
    return frozenset(known | ({"laboratory"} if "positive" in set(results) else set()))


FACTS = {
    "symptoms": T("有症状", "symptoms"),
    "contact": T("有明确接触史", "known contact"),
    "symptoms_or_contact": T("症状或接触史", "symptoms or contact"),
    "laboratory": T("检测阳性", "positive test"),
}


def classify(known: Collection[str], definition: Mapping[str, Collection[str]]) -> str | None:
    """The surest class whose facts are all known; None when not even a suspicion holds. It proposes: a person decides."""
    return next(
        (name for name in ("confirmed", "probable", "suspected") if name in definition and set(definition[name]) <= set(known)), None
    )


def lacking(known: Collection[str], needed: Iterable[str]) -> list[T]:
    """In words, what a class still asks for."""
    return [FACTS.get(name, T(name, name)) for name in needed if name not in known]


def days_followed(asked: int, kind: str, ceiling: Mapping[str, int]) -> int:
    """Days that count: as asked, never above what was ordered from above; none for a kind that is not ordered at all."""
    return min(asked, ceiling.get(kind, 0))


def last_day(last_contact_on: date, days: int) -> date:
    """The last day of follow-up: day 1 is the day after the last contact."""
    return last_contact_on + timedelta(days=days)


def missed_days(last_contact_on: date, added_on: date, days: int, today: date, checked: Collection[date]) -> list[date]:
    """Days of follow-up that are over (before `today`) with nobody asked, from the day the contact became known on."""
    first, end = max(last_contact_on + timedelta(days=1), added_on), min(last_day(last_contact_on, days), today - timedelta(days=1))
    span = (first + timedelta(days=n) for n in range(max(0, (end - first).days + 1)))
    return [day for day in span if day not in checked]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a report resembles a case. `is_exact`: the same identity number; else `score` from 0 to 1 of what agrees."""

    is_exact: bool
    score: float
    why: tuple[T, ...]


PROBABLE_FROM = 0.6
_ONSET_APART = 14


def alike(report: Mapping[str, object], case: Mapping[str, object]) -> Likeness:
    """Same person? Identity number decides where both have one; else phone, name, days between onsets and sex are weighed.

    score = 0.45·[phone] + 0.35·name + 0.20·max(0, 1 − days between onsets / 14), over the weights of what both sides know; 0 when the sex
    differs or both identity numbers are known and differ.
    """
    here, there = report.get("id_index"), case.get("id_index")
    if here and there:
        same = bytes(here) == bytes(there)  # type: ignore[call-overload]
        return Likeness(same, float(same), (T("身份证号相同", "same identity number"),) if same else ())
    if report.get("sex") and case.get("sex") and report["sex"] != case["sex"]:
        return Likeness(False, 0.0, ())
    parts: list[tuple[float, float, T]] = []
    if report.get("phone_index") and case.get("phone_index"):
        same = bytes(report["phone_index"]) == bytes(case["phone_index"])  # type: ignore[call-overload]
        parts.append((0.45, float(same), T("电话相同", "same phone")))
    if report.get("name") and case.get("name"):
        ratio = SequenceMatcher(None, str(report["name"]), str(case["name"]), autojunk=False).ratio()
        parts.append((0.35, ratio, T("姓名相近", "like name")))
    first, second = report.get("onset_on"), case.get("onset_on")
    if isinstance(first, date) and isinstance(second, date):
        parts.append((0.20, max(0.0, 1 - abs((first - second).days) / _ONSET_APART), T("发病日相近", "onsets close together")))
    weight = sum(w for w, _, _ in parts)
    # An onset alone says nothing of who it is.
    if weight < 0.5:
        return Likeness(False, 0.0, ())
    score = sum(w * s for w, s, _ in parts) / weight
    return Likeness(False, round(score, 2), tuple(why for _, s, why in parts if s >= 0.75))
