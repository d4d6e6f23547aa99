"""Results as FHIR R4 DiagnosticReport: what is taken, and that every wrong element is named."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tongchou.core.errors import Invalid
from tongchou.interfaces.adapters.fhir import Reported, read_reports


def report(tube: str = "TUBE0001", code: str = "260415000", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
        "contained": [
            {"resourceType": "Specimen", "id": "s", "accessionIdentifier": {"system": "urn:tubes", "value": tube}},
            {
                "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "SARS-CoV-2 RNA"},
                "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": code}]},
            },
        ],
        "specimen": [{"reference": "#s"}],
        "result": [{"reference": "#o"}],
        "effectiveDateTime": "2022-06-02T23:10:00+08:00",
        "issued": "2022-06-02T23:30:00+08:00",
    }  # fmt: skip
    return found | changes


def test_report_and_bundle_are_read() -> None:
    at = datetime(2022, 6, 2, 15, 10, tzinfo=UTC)
    assert read_reports(report()) == [Reported("TUBE0001", "negative", at, "")]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": report()}, {"resource": report("TUBE0002", "260373001")}],
    }
    assert [(r.tube, r.value) for r in read_reports(bundle)] == [("TUBE0001", "negative"), ("TUBE0002", "positive")]
    corrected = read_reports(report(code="419984006", status="corrected", conclusion="复测后更正"))
    assert corrected == [Reported("TUBE0001", "unclear", at, "复测后更正")]


def broken(path: str, value: Any) -> dict[str, Any]:
    """A good report with one element set (or, with None, left out)."""
    found = copy.deepcopy(report())
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner: Any = found
    for part in way:
        inner = inner[part]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "element"),
    [
        ("status", "preliminary", "DiagnosticReport.status"),
        ("status", "corrected", "DiagnosticReport.conclusion"),
        ("code", None, "DiagnosticReport.code"),
        ("contained", "x", "DiagnosticReport.contained"),
        ("contained.1.id", "s", "DiagnosticReport.contained[1].id"),
        ("specimen", [], "DiagnosticReport.specimen"),
        ("specimen.0.reference", "Specimen/5", "DiagnosticReport.specimen[0].reference"),
        ("contained.0.accessionIdentifier.value", "管 1", "DiagnosticReport.contained[0].accessionIdentifier.value"),
        ("contained.0.accessionIdentifier", None, "DiagnosticReport.contained[0].identifier[0].value"),
        ("result.0", 7, "DiagnosticReport.result[0].reference"),
        ("contained.1.status", "registered", "DiagnosticReport.contained[1].status"),
        ("contained.1.valueCodeableConcept.coding.0.code", "1", "DiagnosticReport.contained[1].valueCodeableConcept.coding"),
        ("effectiveDateTime", "2022-06-02T23:10:00", "DiagnosticReport.effectiveDateTime"),
        ("effectiveDateTime", "2022-06-02", "DiagnosticReport.effectiveDateTime"),
        ("conclusion", {"a": 1}, "DiagnosticReport.conclusion"),
    ],
)
def test_wrong_element_is_named(path: str, value: Any, element: str) -> None:
    with pytest.raises(Invalid) as told:
        read_reports(broken(path, value))
    assert [p.field for p in told.value.problems] == [element]


def test_all_wrong_reports_of_a_bundle_are_named() -> None:
    entries = [{"resource": broken("status", "draft")}, {"resource": report()}, {"resource": {"resourceType": "Patient"}}, 5]
    with pytest.raises(Invalid) as told:
        read_reports({"resourceType": "Bundle", "entry": entries})
    assert [p.field for p in told.value.problems] == [
        "Bundle.entry[0].resource.status",
        "Bundle.entry[2].resource.resourceType",
        "Bundle.entry[3].resource.resourceType",
    ]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": []}], ids=str)
def test_what_is_no_report_is_refused(document: object) -> None:
    with pytest.raises(Invalid):
        read_reports(document)
