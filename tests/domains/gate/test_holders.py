"""Holders of passes: given out once, told facts in bulk, shown on one phone; and the rules and devices of a door."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.domains.gate.door import TOKEN, door  # noqa: F401 - fixture
from tests.domains.testing.samplers import people_of
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access, Entry
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.people.rules import system_actor
from tongchou.core.secrecy import token_digest
from tongchou.domains.gate.actions import (
    enrol_device,
    invite_device,
    learn_facts,
    publish_entry_rules,
    register_residents,
    register_visitor,
    revoke_device,
)
from tongchou.domains.gate.actions_passes import carry_passes, end_link, give_link, look_at_holders
from tongchou.domains.gate.models import Device, EntryRules, Holder, PassLink
from tongchou.domains.gate.queries import device_of, rules_in_force

BY = system_actor("test")
RULE: dict[str, Any] = {
    "venue_classes": ["all"], "from_on": "2022-06-01", "to_on": None, "test_hours": 72, "may_refuse": True, "source": {"zh": "令", "en": "order"},
    "confidence": "high",
}  # fmt: skip


@pytest.fixture
def holders(small_town: Town) -> list[Holder]:
    """The six people of the sampling scene, numbered 1 to 6; the sixth lives in the second village."""
    people = people_of(small_town)
    register_residents(numbers={person.pk: n for n, person in enumerate(people, start=1)}, by=BY, at=AT)
    return list(Holder.objects.order_by("number"))


def test_residents_keep_the_number_they_have(small_town: Town, holders: list[Holder]) -> None:
    again = register_residents(numbers={h.resident_id: h.number + 100 for h in holders}, by=BY, at=AT)
    assert again == [] and Holder.objects.count() == 6
    assert [e.detail for e in Entry.objects.filter(action="holder.register")] == ['{"residents":6}', '{"residents":0}']


def test_a_secretary_registers_her_village_only(small_town: Town) -> None:
    people = people_of(small_town)
    register_residents(numbers={people[0].pk: 1}, by=small_town.wu, at=AT)
    for numbers, by in (({people[5].pk: 2}, small_town.wu), ({people[1].pk: 2}, small_town.zhao), ({people[1].pk: 2}, small_town.chen), ({99_999: 2}, BY), ({}, BY)):  # fmt: skip
        with pytest.raises(Unseen):
            register_residents(numbers=numbers, by=by, at=AT)
    assert Holder.objects.count() == 1


def test_a_visitor_is_one_holder_however_often_they_come(small_town: Town) -> None:
    village = small_town.villages[0]
    given = {"name": " 赵六 ", "phone": "138 0000 0000", "id_number": "31019919900101123X", "place": village, "by": small_town.wu, "at": AT}
    first = register_visitor(number=7, **given)
    assert (first.name, first.phone, first.place) == ("赵六", "13800000000", village)
    assert register_visitor(number=8, **given).pk == 7 and Holder.objects.count() == 1
    with pytest.raises(Invalid) as refused:
        register_visitor(number=9, **given | {"name": "", "phone": "12", "id_number": "123"})
    assert {p.field for p in refused.value.problems} == {"name", "phone", "id_number"}
    for by in (small_town.zhao, small_town.chen):
        with pytest.raises(Unseen):
            register_visitor(number=9, **given | {"by": by, "id_number": ""})


def test_older_news_changes_nothing_and_a_correction_replaces(holders: list[Holder]) -> None:
    hour = timedelta(hours=1)
    assert learn_facts(sampled_at={1: AT, 2: AT}, doses={1: (2, date(2022, 1, 1)), 3: (3, None)}, by=BY, at=AT) == 4
    assert learn_facts(sampled_at={1: AT - hour, 2: AT}, doses={1: (2, date(2022, 1, 1))}, by=BY, at=AT + hour) == 0
    one = Holder.objects.get(pk=1)
    assert (one.sampled_at, one.doses, one.last_dose_on, one.facts_at) == (AT, 2, date(2022, 1, 1), AT)
    assert learn_facts(sampled_at={1: AT - hour, 2: None}, doses={}, replaced={1, 2}, by=BY, at=AT + hour) == 2
    assert list(Holder.objects.filter(pk__in=[1, 2]).values_list("sampled_at", "facts_at")) == [(AT - hour, AT + hour), (None, AT + hour)]
    assert Holder.objects.get(pk=3).doses == 3
    with pytest.raises(Unseen):
        learn_facts(sampled_at={77: AT}, doses={}, by=BY, at=AT)


def test_only_the_machine_tells_facts(small_town: Town, holders: list[Holder]) -> None:
    for by in (small_town.lin, small_town.wu, small_town.chen, small_town.zhao):
        with pytest.raises(Unseen):
            learn_facts(sampled_at={1: AT}, doses={}, by=by, at=AT)
    assert not Holder.objects.exclude(sampled_at=None).exists()


def test_a_new_address_ends_the_one_before(small_town: Town, holders: list[Holder]) -> None:
    give_link(holders[0], token="first", by=small_town.wu, at=AT)
    give_link(holders[0], token="second", by=small_town.wu, at=AT)
    assert PassLink.objects.get(ended_at=None).digest == token_digest("second")
    end_link(holders[0], reason="手机丢失", by=small_town.wu, at=AT)
    with pytest.raises(Stale):
        end_link(holders[0], reason="手机丢失", by=small_town.wu, at=AT)
    assert not PassLink.objects.filter(ended_at=None).exists() and PassLink.objects.count() == 2
    with pytest.raises(Unseen):
        give_link(holders[5], token="third", by=small_town.wu, at=AT)
    with pytest.raises(Unseen):
        give_link(holders[0], token="third", by=small_town.zhao, at=AT)


def test_one_phone_carries_several_and_nobody_carries_who_is_carried(small_town: Town, holders: list[Holder]) -> None:
    carry_passes(holders[0], of={2, 3}, by=small_town.wu, at=AT)
    assert list(holders[0].carries.values_list("number", flat=True)) == [2, 3]
    for carrier, of in ((1, {4}), (3, {1}), (0, {1})):  # carried herself; he carries already; herself
        with pytest.raises(Invalid):
            carry_passes(holders[carrier], of=of, by=small_town.wu, at=AT)
    with pytest.raises(Unseen):
        carry_passes(holders[0], of={6}, by=small_town.wu, at=AT)
    carry_passes(holders[0], of=(), by=small_town.wu, at=AT)
    assert not Holder.objects.exclude(proxy=None).exists()


def test_reading_holders_is_an_access_of_the_residents(small_town: Town, holders: list[Holder]) -> None:
    look_at_holders(holders[:2], purpose="发放通行码", by=small_town.wu, at=AT)
    assert Access.objects.filter(subject_kind="resident", subject_id__in=[str(h.resident_id) for h in holders[:2]]).count() == 2
    with pytest.raises(Unseen):
        look_at_holders([holders[5]], purpose="发放通行码", by=small_town.wu, at=AT)


def test_the_same_rules_again_are_the_same_version(small_town: Town) -> None:
    given = {"ceilings": [RULE], "classes": ["market"], "place": small_town.town, "by": small_town.fang, "at": AT}
    first = publish_entry_rules(rules=[RULE], **given)
    assert publish_entry_rules(rules=[RULE], **given).pk == first.pk and len(rules_in_force()) == 1
    with pytest.raises(Invalid, match="48"):
        publish_entry_rules(rules=[RULE | {"test_hours": 48}], **given)
    second = publish_entry_rules(rules=[RULE | {"test_hours": None, "may_refuse": False}], **given)
    assert (second.version, EntryRules.objects.count(), rules_in_force()[0].test_hours) == (2, 2, None)
    for by in (small_town.wu, small_town.lin, small_town.zhao):
        with pytest.raises(Unseen):
            publish_entry_rules(rules=[RULE], **given | {"by": by})


def test_an_enrolment_code_is_good_once_and_for_a_quarter_of_an_hour(small_town: Town, door: Device) -> None:  # noqa: F811
    for code, later in (("invitation", 0), ("nobody's", 0)):
        with pytest.raises(Refusal, match="无效"):
            enrol_device(code=code, token="t", by=BY, at=AT + timedelta(minutes=later))
    invite_device(door.entrance, name="西门", code="late", by=small_town.lin, at=AT)
    with pytest.raises(Refusal, match="无效"):
        enrol_device(code="late", token="t", by=BY, at=AT + timedelta(minutes=16))
    for by in (small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            invite_device(door.entrance, name="西门", code="x", by=by, at=AT)


def test_a_revoked_device_is_nobody_from_then_on(small_town: Town, door: Device) -> None:  # noqa: F811
    assert device_of(TOKEN).pk == door.pk
    with pytest.raises(Invalid):
        revoke_device(door, reason=" ", by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        revoke_device(door, reason="被盗", by=small_town.zhao, at=AT)
    revoke_device(door, reason="被盗", by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        device_of(TOKEN)
    with pytest.raises(Stale):
        revoke_device(door, reason="被盗", by=small_town.lin, at=AT)
