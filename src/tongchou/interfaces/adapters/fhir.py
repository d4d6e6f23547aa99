"""Results as FHIR R4 (4.0.1): a DiagnosticReport, or a Bundle of them, read strictly; what is wrong is named by its element. Pure.

Read of a report: `status`, `specimen` → a contained Specimen whose `accessionIdentifier` or `identifier` holds the tube's bar code,
`result` → contained Observations with a SNOMED CT code for the finding, `effectiveDateTime` or `issued`, `conclusion` as the reason of a correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.wording import T

SNOMED = "http://snomed.info/sct"
# SNOMED CT: detected, positive; not detected, negative; inconclusive (equivocal, invalid).
VALUES = {
    "260373001": "positive", "10828004": "positive", "260415000": "negative", "260385009": "negative",
    "419984006": "unclear", "42425007": "unclear", "455371000124106": "unclear",
}  # fmt: skip
FINAL, CORRECTED = ("final", "appended"), ("amended", "corrected")
MOST_REPORTS = 5000


@dataclass(frozen=True, slots=True)
class Reported:
    """What one DiagnosticReport says of one tube. `reason` is empty unless the report corrects an earlier one."""

    tube: str
    value: str
    tested_at: datetime
    reason: str


class _Wrong(Exception):
    """One element that cannot be taken."""

    def __init__(self, element: str, zh: str, en: str) -> None:
        super().__init__(element)
        self.problem = FieldProblem(element, T(zh, en))


def read_reports(document: object) -> list[Reported]:
    """Every report of a parsed JSON document. Raises Invalid naming every element that is wrong; then nothing may be kept."""
    found, problems = [], []
    for path, resource in _resources(document):
        try:
            found.append(_report(resource, path))
        except _Wrong as wrong:
            problems.append(wrong.problem)
    if problems:
        raise Invalid(problems)
    return found


def _resources(document: object) -> list[tuple[str, object]]:
    kind = document.get("resourceType") if isinstance(document, Mapping) else None
    if kind == "DiagnosticReport":
        return [("DiagnosticReport", document)]
    if isinstance(document, Mapping) and kind == "Bundle":
        entries = document.get("entry")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_REPORTS:
            raise Invalid([FieldProblem("Bundle.entry", T(f"应有1至{MOST_REPORTS}份报告", f"must hold 1 to {MOST_REPORTS} reports"))])
        return [(f"Bundle.entry[{n}].resource", e.get("resource") if isinstance(e, Mapping) else None) for n, e in enumerate(entries)]
    raise Invalid(
        [FieldProblem("resourceType", T("应为 DiagnosticReport 或 Bundle（FHIR R4）", "must be DiagnosticReport or Bundle (FHIR R4)"))]
    )


def _report(resource: object, at: str) -> Reported:
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "DiagnosticReport":
        raise _Wrong(f"{at}.resourceType", "应为 DiagnosticReport", "must be DiagnosticReport")
    status = resource.get("status")
    if status not in FINAL + CORRECTED:
        raise _Wrong(f"{at}.status", "只收 final、amended、corrected、appended", "only final, amended, corrected, appended are taken")
    if not isinstance(resource.get("code"), Mapping) or not (resource["code"].get("coding") or resource["code"].get("text")):
        raise _Wrong(f"{at}.code", "缺少检测项目", "the kind of test is missing")
    contained = _contained(resource, at)
    tube = _tube(resource, contained, at)
    values = [_value(o, p) for o, p in _pointed(resource, "result", "Observation", contained, at)]
    if len(set(values)) != 1:
        raise _Wrong(f"{at}.result", "同一支管的各项结果不一致", "the observations of one tube disagree")
    reason = resource.get("conclusion") or ""
    if not isinstance(reason, str):
        raise _Wrong(f"{at}.conclusion", "应为文字", "must be text")
    if status in CORRECTED and len(reason.strip()) < 2:
        raise _Wrong(f"{at}.conclusion", "更正的报告须写明原因", "a corrected report must say why")
    name = "effectiveDateTime" if "effectiveDateTime" in resource else "issued"
    return Reported(tube, values[0], _instant(resource.get(name), f"{at}.{name}"), reason.strip()[:200] if status in CORRECTED else "")


def _contained(resource: Mapping[str, Any], at: str) -> dict[str, tuple[Mapping[str, Any], str]]:
    listed = resource.get("contained", [])
    if not isinstance(listed, list):
        raise _Wrong(f"{at}.contained", "应为列表", "must be a list")
    found = {}
    for n, inner in enumerate(listed):
        if not isinstance(inner, Mapping) or not isinstance(inner.get("id"), str) or inner["id"] in found:
            raise _Wrong(f"{at}.contained[{n}].id", "缺少 id 或重复", "no id, or one used twice")
        found[inner["id"]] = (inner, f"{at}.contained[{n}]")
    return found


def _pointed(
    resource: Mapping[str, Any], field: str, kind: str, contained: Mapping[str, tuple[Mapping[str, Any], str]], at: str
) -> list[tuple[Mapping[str, Any], str]]:
    """The contained resources that a list of references names."""
    listed = resource.get(field)
    if not isinstance(listed, list) or not listed:
        raise _Wrong(f"{at}.{field}", "不能缺少", "is required")
    found = []
    for n, pointer in enumerate(listed):
        target = pointer.get("reference") if isinstance(pointer, Mapping) else None
        inner = contained.get(target[1:]) if isinstance(target, str) and target.startswith("#") else None
        if inner is None or inner[0].get("resourceType") != kind:
            raise _Wrong(f"{at}.{field}[{n}].reference", f"应指向 contained 中的 {kind}", f"must name a contained {kind}")
        found.append(inner)
    return found


def _tube(resource: Mapping[str, Any], contained: Mapping[str, tuple[Mapping[str, Any], str]], at: str) -> str:
    specimens = _pointed(resource, "specimen", "Specimen", contained, at)
    if len(specimens) != 1:
        raise _Wrong(f"{at}.specimen", "一份报告只写一支管", "a report is about one tube")
    specimen, path = specimens[0]
    own = specimen.get("accessionIdentifier")
    listed = specimen.get("identifier")
    holder, name = (
        (own, "accessionIdentifier") if own is not None else (listed[0] if isinstance(listed, list) and listed else None, "identifier[0]")
    )
    code = holder.get("value") if isinstance(holder, Mapping) else None
    if not isinstance(code, str) or not 4 <= len(code) <= 32 or not (code.isascii() and code.isalnum()):
        raise _Wrong(f"{path}.{name}.value", "应为管码（4至32位字母或数字）", "must be the tube's bar code (4 to 32 letters or digits)")
    return code


def _value(observation: Mapping[str, Any], at: str) -> str:
    if observation.get("status") not in FINAL + CORRECTED:
        raise _Wrong(f"{at}.status", "只收 final、amended、corrected、appended", "only final, amended, corrected, appended are taken")
    concept = observation.get("valueCodeableConcept")
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    found = {
        VALUES[c["code"]] for c in codings if isinstance(c, Mapping) and c.get("system") == SNOMED and c.get("code") in VALUES
    } if isinstance(codings, list) else set()  # fmt: skip
    if len(found) != 1:
        raise _Wrong(f"{at}.valueCodeableConcept.coding", "应为一个 SNOMED CT 结果代码（检出、未检出、不确定）", "must be one SNOMED CT finding (detected, not detected, inconclusive)")  # fmt: skip
    return str(found.pop())


def _instant(text: object, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _Wrong(at, "应为带时区的时刻，如 2022-06-02T19:00:00+08:00", "must be an instant with its zone, as 2022-06-02T19:00:00+08:00")
    return found
