"""A project in the form of the Open Contracting for Infrastructure Data Standard, version 0.9. Pure.

The standard's names: https://standard.open-contracting.org/infrastructure/0.9/. Amounts in yuan, instants with their offset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any

from tongchou.core.wording import T
from tongchou.domains.projects.rules import FINISHED, STARTED, Book, Known

VERSION = "0.9"
GENERATED = T("演示数据，由程序生成，并非真实项目", "Demonstration data, generated; no real project")
STATUS: Mapping[str, str] = {"reserve": "identification", "signed": "preparation", "started": "implementation", "finished": "completion"}


@dataclass(frozen=True, slots=True)
class Described:
    """What a project's dossier, firm and place say of it. `office`: name and code of the town."""

    number: str
    title: str
    place_code: str
    place: str
    sector: str
    works: str
    batch: str
    land: str
    is_dropped: bool
    is_generated: bool
    firm: tuple[str, str] | None  # name, credit code
    office: tuple[str, str]


def project_as_oc4ids(said: Described, known: Known, book: Book, at: datetime) -> dict[str, Any]:
    """One project. Its `id` has no registered prefix: a town that publishes asks the standard's helpdesk for one."""
    zone = at.tzinfo
    assert zone is not None
    parties = [{"id": said.office[1], "name": said.office[0], "roles": ["publicAuthority"]}]
    if said.firm is not None:
        identifier = {"scheme": "CN-USCC", "id": said.firm[1], "legalName": said.firm[0]}
        parties.append({"id": f"CN-USCC-{said.firm[1]}", "name": said.firm[0], "roles": ["funder"], "identifier": identifier})  # type: ignore[dict-item]
    address = {"locality": said.place, "countryName": "CN"} | ({"streetAddress": said.land} if said.land else {})
    found: dict[str, Any] = {
        "id": f"{said.office[1]}-{said.number}", "updated": at.isoformat(), "language": "zh", "title": said.title,
        "status": "cancelled" if said.is_dropped else STATUS[said.batch], "type": said.works, "sector": list(book.sectors[said.sector].codes),
        "publicAuthority": {"id": said.office[1], "name": said.office[0]}, "parties": parties,
        "locations": [{"id": said.place_code, "address": address}],
    }  # fmt: skip
    if said.is_generated:
        found["description"] = GENERATED.zh
    if period := _period(known, zone):
        found["period"] = period
    if known.plan:
        found["budget"] = {"amount": _value(sum(known.plan.values()))}
        found["forecasts"] = [_metric([(date(y, 1, 1), date(y, 12, 31), n) for y, n in known.plan.items()], zone)]
    if known.spent:
        found["metrics"] = [_metric([(month, _month_end(month), n) for month, n in known.spent.items()], zone)]
    codes = [code for code in book.milestones if code in known.planned_on or code in known.done_on]
    if codes:
        found["milestones"] = [_milestone(code, known, book, at) for code in codes]
    return found


def package(projects: Sequence[Mapping[str, Any]], *, uri: str, publisher: str, at: datetime) -> dict[str, Any]:
    """A package as the standard wants every publication to be."""
    return {"uri": uri, "version": VERSION, "publishedDate": at.isoformat(), "publisher": {"name": publisher}, "projects": list(projects)}


def _milestone(code: str, known: Known, book: Book, at: datetime) -> dict[str, Any]:
    zone, kind = at.tzinfo or at.astimezone().tzinfo, book.milestones[code]
    assert zone is not None
    planned, done = known.planned_on.get(code), known.done_on.get(code)
    late = planned is not None and planned < at.date()
    found: dict[str, Any] = {"id": code, "title": kind.name.zh, "type": kind.codes[0], "status": "met" if done else "notMet" if late else "scheduled"}  # fmt: skip
    if planned:
        found["dueDate"] = _midnight(planned, zone)
    if done:
        found["dateMet"] = _midnight(done, zone)
    return found


def _metric(rows: Sequence[tuple[date, date, int]], zone: tzinfo) -> dict[str, Any]:
    observations = [
        {"id": first.isoformat(), "period": {"startDate": _midnight(first, zone), "endDate": _midnight(last, zone)}, "value": _value(n)}
        for first, last, n in rows
    ]
    return {"id": "financialProgress", "observations": observations}


def _period(known: Known, zone: tzinfo) -> dict[str, str]:
    ends = ((name, known.done_on.get(code, known.planned_on.get(code))) for name, code in (("startDate", STARTED), ("endDate", FINISHED)))
    return {name: _midnight(day, zone) for name, day in ends if day}


def _value(cny_10k: int) -> dict[str, Any]:
    return {"amount": cny_10k * 10_000, "currency": "CNY"}


def _midnight(day: date, zone: tzinfo) -> str:
    return datetime.combine(day, time(), zone).isoformat()


def _month_end(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)
