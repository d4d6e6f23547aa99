"""Cases and contacts in the small town, under the parameters of the demonstration pack."""

from datetime import date, datetime, timedelta
from typing import Any

from tests.domains.response.plans import published
from tests.fixtures_town import AT, Town
from tests.packs_once import pack
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.rules import system_actor
from tongchou.core.wording import T
from tongchou.domains.response.actions import open_incident
from tongchou.domains.response.models import Incident
from tongchou.domains.tracing.actions import add_result, add_sample, classify_case, open_case
from tongchou.domains.tracing.actions_contacts import add_contact
from tongchou.domains.tracing.models import Case, Contact

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ID_LI, PHONE_LI = "11010519491231002X", "13800138000"
ID_WANG = "110105198005060037"
FACTS: dict[str, Any] = {"name": "李秀兰", "id_number": ID_LI, "phone": PHONE_LI, "sex": "f", "age": 72, "onset_on": date(2022, 5, 30)}


def with_parameters(town: Town) -> Town:
    """The pack's own dated values of the investigation, so that a test sees what an office sees."""
    specs = [s for s in pack("xujing").parameters if s.key.startswith("trace.")]
    define_parameters(specs=specs, places={}, root=town.town, by=system_actor("test"), at=AT)
    return town


def opened(town: Town, at: datetime = AT, village: int = 0, **facts: Any) -> Case:
    return open_case(facts={**FACTS, **facts}, place=town.villages[village], by=town.gao, at=at)


def confirmed(town: Town, at: datetime = AT, **facts: Any) -> Case:
    case = opened(town, at, **facts)
    sample = add_sample(case=case, method="pcr", taken_at=at - HOUR, by=town.gao, at=at)
    add_result(sample, result="positive", by=town.gao, at=at)
    return classify_case(case, to="confirmed", by=town.gao, at=at)


def incident_in(town: Town, village: int | None = None) -> Incident:
    place = town.town if village is None else town.villages[village]
    return open_incident(plan=published(town), title=T("处置", "Response"), place=place, reason="测试 test", by=town.lin, at=AT)


def contact_of(case: Case, town: Town, **given: Any) -> Contact:
    asked: dict[str, Any] = {
        "person": {"name": "王建国", "phone": "13900139000"}, "place": town.villages[0], "kind": "close", "setting": "household",
        "last_contact_on": date(2022, 6, 1),
    }  # fmt: skip
    return add_contact(case, **{**asked, **given}, by=town.gao, at=AT)
