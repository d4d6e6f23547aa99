"""Projects somebody sees as an OC4IDS package; pages and interface give the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tongchou.core.places.models import Place
from tongchou.domains.projects.oc4ids import Described, package, project_as_oc4ids
from tongchou.domains.projects.queries import Standing, book


def exported(found: Sequence[Standing], *, town: Place, uri: str, at: datetime) -> dict[str, Any]:
    """A package of these projects, `at` in the town's zone."""
    kept = book() if found else None
    projects = [project_as_oc4ids(_described(one, town), one.known, kept, at) for one in found if kept]
    return package(projects, uri=uri, publisher=town.name_zh, at=at)


def _described(one: Standing, town: Place) -> Described:
    row, head = one.row, one.row.dossier
    firm = (row.firm.name, row.firm.credit_code) if row.firm else None
    return Described(
        head.number, head.title_zh, head.place.code, head.place.name_zh, row.sector, row.works, one.batch.code, row.land,
        head.state == "dropped", row.is_generated, firm, (town.name_zh, town.code),
    )  # fmt: skip
