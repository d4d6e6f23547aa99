"""Who somebody is and what is known of a case, read from texts and values of a form, a request or a file."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tongchou.core.errors import FieldProblem, Invalid, Refusal
from tongchou.core.identity import check_mobile, check_resident_id
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.tracing.rules import DATES, OUTCOMES, SEXES, date_problems

KEPT_SECRET = "***"  # stands in the log where a name or number stood
SECRETS = ("name", "id_number", "phone")
CASE_FIELDS = (
    *SECRETS, "sex", "age", "occupation", "is_hcw", *DATES, "outcome", "has_symptoms", "has_known_contact", "address",
)  # fmt: skip
_OLDEST = 130


def read_person(name: str, id_number: str, phone: str) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Name and numbers as they are kept, with blind indexes; and what is wrong with them. Numbers may be left out."""
    found: dict[str, Any] = {"name": name.strip()[:120]}
    problems = [] if found["name"] else [FieldProblem("name", T("请填写姓名。", "Give a name."))]
    for field, index, text, check in (
        ("id_number", "id_index", id_number, check_resident_id),
        ("phone", "phone_index", phone, check_mobile),
    ):
        found[field] = found[index] = None
        if text.strip():
            try:
                found[field] = check(text)
                found[index] = blind_index(found[field])
            except Refusal as refused:
                problems.append(FieldProblem(field, refused.said))
    return found, problems


def read_case(given: Mapping[str, Any], known: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Values of a case by field: those given over those known. Raises Invalid with every wrong field at once."""
    problems = [FieldProblem(name, T("没有这个字段。", "No such field.")) for name in sorted(set(given) - set(CASE_FIELDS))]
    merged = {name: given.get(name, known.get(name)) for name in CASE_FIELDS}
    person, wrong = read_person(*(str(merged[name] or "") for name in SECRETS))
    problems += wrong
    facts = {**{name: merged[name] for name in CASE_FIELDS if name not in SECRETS}, **person}
    facts["sex"], facts["outcome"] = facts["sex"] or "", facts["outcome"] or ""
    for field, words in (("sex", SEXES), ("outcome", OUTCOMES)):
        if facts[field] and facts[field] not in words:
            problems.append(FieldProblem(field, T("不在可选项内。", "Not one of the allowed words.")))
    age = facts["age"]
    if age is not None and not (isinstance(age, int) and 0 <= age <= _OLDEST):
        problems.append(FieldProblem("age", T(f"年龄应在 0 到 {_OLDEST} 之间。", f"Age is between 0 and {_OLDEST}.")))
    facts |= {"occupation": (facts["occupation"] or "")[:120], "address": (facts["address"] or "")[:200]}
    facts |= {name: bool(facts[name]) for name in ("has_symptoms", "has_known_contact")}
    problems += [FieldProblem(name, said) for name, said in date_problems(facts, today)]
    if problems:
        raise Invalid(problems)
    return facts


def logged(values: Mapping[str, Any]) -> dict[str, object]:
    """Values as the log keeps them: that a name or number changed, never which."""
    return {name: KEPT_SECRET if name in SECRETS and value else _plain(value) for name, value in values.items() if "index" not in name}


def _plain(value: Any) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value
