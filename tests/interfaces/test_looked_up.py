"""Who read what is kept of a person: told to that person, on their own page and at the counter, and to nobody else."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from tests.domains.testing.samplers import IDS, people_of
from tests.domains.tracing.investigations import DAY, HOUR, confirmed, contact_of, incident_in, with_parameters
from tests.fixtures_town import AT, Town
from tests.interfaces.test_testing_pages import _as
from tests.workflows.suspended import SYSTEM
from tongchou.core.audit.models import PERSONAL_READ, Access
from tongchou.core.passes.actions import rotate_key
from tongchou.domains.exposures import actions as asking
from tongchou.domains.exposures.rules import Window
from tongchou.domains.gate.actions import register_residents
from tongchou.domains.gate.actions_passes import carry_passes, give_link, look_at_holders
from tongchou.domains.gate.models import Holder
from tongchou.domains.registry.actions import unmask
from tongchou.domains.registry.imports import RESIDENTS
from tongchou.domains.registry.models import Resident
from tongchou.domains.tracing.actions import see_case
from tongchou.domains.tracing.actions_contacts import call_contact
from tongchou.domains.tracing.reading import SECRETS
from tongchou.interfaces import clock
from tongchou.interfaces.web.looked_words import FIELDS
from tongchou.workflows.looked_up import looks_at, looks_by_number

TOKEN = "t" * 43


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Two people of one household and a child of ten with pass numbers 1 to 3, the first of whom has a link."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    from tests.domains.testing.samplers import parameter

    parameter("gate.pass_valid_for", "hour", 48)
    rotate_key(town=installed_town.town, seed=b"\1" * 32, trusted_for=DAY, by=SYSTEM, at=AT)
    people = people_of(installed_town)[:3]
    Resident.objects.filter(pk=people[2].pk).update(born_on=date(2012, 1, 1))
    register_residents(numbers={person.pk: n for n, person in enumerate(people, 1)}, by=SYSTEM, at=AT)
    give_link(Holder.objects.get(pk=1), token=TOKEN, by=SYSTEM, at=AT)
    return with_parameters(installed_town)


def holder(number: int) -> Holder:
    return Holder.objects.select_related("resident", "place").get(pk=number)


def reasons(number: int) -> list[str]:
    return [look.purpose for look in looks_at([holder(number)])]


def look_up(town: Town, number: int, purpose: str) -> None:
    look_at_holders([holder(number)], purpose=purpose, by=town.wu, at=AT)


def listed(town: Town, *numbers: int) -> Any:
    """A list of exposed people with these pass numbers, whose names were read."""
    request = asking.ask_exposed(
        confirmed(town, id_number=IDS[5]).dossier, incident=incident_in(town).dossier, basis="law-12", purpose="查找同时段人员",
        window=Window(AT - 2 * DAY, AT), by=town.gao, at=AT,
    )  # fmt: skip
    request = asking.approve_request(request, by=town.fang, at=AT)
    row = asking.keep_list(request, found=[asking.Found(n, None, 1, AT - HOUR, 20, 1) for n in numbers], case_version=1, by=town.gao, at=AT)
    asking.see_people(row, purpose="逐人打电话", by=town.gao, at=AT)
    return request


def test_every_kind_of_reading_is_told_to_whom_it_was_about_and_nobody_else(town: Town) -> None:
    resident = holder(1).resident
    assert resident is not None and looks_at([holder(1)]) == []
    look_up(town, 1, "发放通行码")
    look_up(town, 2, "别人的事")
    unmask(spec=RESIDENTS, row=resident, fields=["phone"], purpose="核对电话", by=town.wu, at=AT)
    listed(town, 1)
    see_case(confirmed(town, id_number=IDS[0]), purpose="电话流调核实", by=town.gao, at=AT)
    contact = contact_of(confirmed(town, id_number=IDS[4]), town, person={"name": "居民0", "id_number": IDS[0], "phone": "19900123450"})
    call_contact(contact, by=town.wu, at=AT)
    found = looks_at([holder(1)])
    assert [(look.about.en, look.purpose.split(" ")[0], look.fields) for look in found] == [
        ("follow-up as a contact", "随访通话", ("phone",)), ("the investigation of a case", "电话流调核实", found[1].fields),
        ("a request for exposed people", "逐人打电话", ("name", "phone")), ("a request for exposed people", "查找同时段人员", ("presence",)),
        ("the register", "核对电话", ("phone",)), ("the register", "发放通行码", ("sampled_at",)),
    ]  # fmt: skip
    assert found[0].posts[0].en.endswith("Village secretary") and found[2].posts[0].en.endswith("Tracing group leader")
    assert reasons(2) == ["别人的事"] and reasons(3) == []
    assert [look.number for look in looks_by_number(IDS[0])] == [look.number for look in found]
    assert looks_by_number("310199199007070089") == []


def test_a_shared_telephone_leads_to_nobody_elses_case(town: Town) -> None:
    """The case gave the first person's telephone, and no identity number."""
    case = confirmed(town, id_number="", phone="19900123450")
    see_case(case, purpose="电话流调核实", by=town.gao, at=AT)
    assert reasons(1) == []


def test_the_page_names_posts_and_purposes_of_the_holder_and_of_carried_children_only(town: Town) -> None:
    carry_passes(holder(1), of={2, 3}, by=SYSTEM, at=AT)
    for number, purpose in ((1, "发放通行码"), (2, "大人的事"), (3, "孩子的事")):
        look_up(town, number, purpose)
    phone = Client()
    assert f"/p/{TOKEN}/looks" in phone.get(f"/p/{TOKEN}").content.decode()
    answer = phone.get(f"/p/{TOKEN}/looks")
    text = answer.content.decode()
    assert answer["Cache-Control"] == "no-store" and answer["Referrer-Policy"] == "no-referrer"
    assert all(told in text for told in ("发放通行码", "孩子的事", "村书记", "最近采样时间", "值班室")) and "大人的事" not in text
    assert not any(name in text for name in ("居民", "吴", "wu"))
    number = Access.objects.filter(action=PERSONAL_READ, reason="发放通行码").get().seq
    assert f"编号 {number}" in text
    assert phone.get("/p/" + "A" * 43 + "/looks").status_code == 404 and phone.post(f"/p/{TOKEN}/looks").status_code == 405


def test_the_counter_tells_the_same_to_whoever_shows_the_card(town: Town) -> None:
    look_up(town, 1, "发放通行码")
    counter = _as("lin")
    told = counter.post("/exposures/own", {"id_number": IDS[0]}).content.decode()
    assert "发放通行码" in told and "Village secretary" in told
    nobody, untouched = (counter.post("/exposures/own", {"id_number": given}).content.decode() for given in ("310199199007070089", IDS[1]))
    assert "None on record" in nobody and nobody.count("<li>") == untouched.count("<li>")


def test_whatever_is_read_of_a_person_has_words() -> None:
    secret = {column.field for column in RESIDENTS.columns if column.is_secret}
    assert {*SECRETS, *asking.SEEN, *secret, "sampled_at"} <= set(FIELDS)
