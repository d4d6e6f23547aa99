"""A project as OC4IDS 0.9: what the public schema requires of the parts we publish, and its closed lists."""

from datetime import date
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

from tests.domains.projects.pipeline import Pipeline, on
from tests.fixtures_town import AT
from tongchou.domains.projects.actions import drop_project
from tongchou.interfaces.project_export import exported

# Written from project-package-schema.json and project-schema.json of branch 0.9, read on 27 November 2026: names, types, required fields, lists.
INSTANT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"}
TEXT = {"type": "string", "minLength": 1}


def part(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object without a field that we do not know of the standard."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def some(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": items}


VALUE = part([], amount={"type": "number"}, currency={"enum": ["CNY"]})
PERIOD = part([], startDate=INSTANT, endDate=INSTANT)
METRICS = some(part(["id"], id=TEXT, observations=some(part(["id"], id=TEXT, period=PERIOD, value=VALUE))))
ORGANISATION = {"id": TEXT, "name": TEXT}
PROJECT = part(
    ["id"],
    id=TEXT, updated=INSTANT, language={"enum": ["zh"]}, title=TEXT, description=TEXT,
    status={"enum": ["identification", "preparation", "implementation", "completion", "maintenance", "decommissioning", "decommissioned", "cancelled"]},
    type={"enum": ["construction", "rehabilitation", "replacement", "expansion", "decommissioning"]},
    sector=some({"enum": ["education", "health", "energy", "communications", "waterAndWaste", "governance", "economy", "cultureSportsAndRecreation", "transport", "transport.road", "socialHousing", "naturalResources"]}),
    publicAuthority=part([], **ORGANISATION), period=PERIOD, budget=part([], amount=VALUE), forecasts=METRICS, metrics=METRICS,
    parties=some(part([], **ORGANISATION, roles=some({"enum": ["publicAuthority", "funder"]}), identifier=part([], scheme=TEXT, id=TEXT, legalName=TEXT))),
    locations=some(part(["id"], id=TEXT, address=part([], streetAddress=TEXT, locality=TEXT, countryName=TEXT))),
    milestones=some(part(["id"], id=TEXT, title=TEXT, dueDate=INSTANT, dateMet=INSTANT, status={"enum": ["scheduled", "met", "notMet", "partiallyMet"]}, type={"enum": ["preProcurement", "approval", "engagement", "assessment", "delivery", "reporting", "financing", "payment", "procurement"]})),
)  # fmt: skip
PACKAGE = part(
    ["uri", "publisher", "publishedDate", "projects", "version"],
    uri={"type": "string", "format": "uri"}, version={"type": "string", "pattern": r"^(\d+\.)(\d+)$"}, publishedDate=INSTANT,
    publisher=part(["name"], name=TEXT), projects=some(PROJECT),
)  # fmt: skip


def package(line: Pipeline, *rows: Any) -> dict[str, Any]:
    found = [line.standing(row, on(2022, 6, 2, 19)) for row in rows]
    made = exported(found, town=line.town.town, uri="https://town.example/projects", at=on(2022, 6, 2, 19))
    assert [error.message for error in Draft4Validator(PACKAGE, format_checker=FormatChecker()).iter_errors(made)] == []
    return made


def test_every_kind_of_project_fits_the_standard(line: Pipeline) -> None:
    rows = [line.project(sector=sector, plan={}, milestones={}) for sector in ("digital", "health", "works", "housing", "manufacturing")]
    drop_project(rows[1], reason="企业放弃投资", by=line.town.lin, at=AT)
    rows[1].dossier.refresh_from_db()
    full = line.spent(row := line.project(), 300, 0, 500) and line.reached(row, "signed", date(2022, 1, 19))
    line.reached(row, "started", date(2022, 4, 2))
    made = package(line, *rows, full)["projects"]
    assert [one["status"] for one in made] == ["identification", "cancelled", *["identification"] * 3, "implementation"]
    told = made[-1]
    assert told["budget"]["amount"]["amount"] == 160_000_000 and told["period"] == {"startDate": "2022-04-02T00:00:00+08:00", "endDate": "2023-06-30T00:00:00+08:00"}  # fmt: skip
    assert [m["status"] for m in told["milestones"]] == ["met", "met", "scheduled"]
    assert [o["value"]["amount"] for o in told["metrics"][0]["observations"]] == [3_000_000, 0, 5_000_000]
    assert told["metrics"][0]["observations"][1]["period"]["endDate"].startswith("2022-02-28")
