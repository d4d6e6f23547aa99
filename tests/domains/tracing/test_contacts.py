"""Follow-up: within the ceiling, by the village, every day, until the last day has passed."""

from datetime import date, timedelta

import pytest

from tests.domains.tracing.investigations import DAY, ID_WANG, contact_of, opened, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.domains.tracing.actions_contacts import call_contact, check_contact, end_contact, release_contacts
from tongchou.domains.tracing.models import CheckUp
from tongchou.domains.tracing.queries import contacts_followed, due_for_release, follow_ups, seen_contact


@pytest.fixture
def town(small_town: Town) -> Town:
    return with_parameters(small_town)


def test_days_come_from_the_parameter_and_never_exceed_what_was_ordered(town: Town) -> None:
    case = opened(town)
    assert contact_of(case, town).days == 21
    with pytest.raises(Invalid, match="at most 21 days"):
        contact_of(case, town, days=22)
    with pytest.raises(Invalid, match="kind"):
        contact_of(case, town, kind="third")


def test_a_ceiling_lowered_later_shortens_days_that_were_set_before(town: Town) -> None:
    contact = contact_of(opened(town), town)
    ceiling = Parameter.objects.get(key="trace.contact_days_ceiling")
    ParameterValue.objects.create(
        parameter=ceiling, value={"close": 3}, valid_from=date(2022, 6, 4), source_zh="新规定", source_en="new order", confidence="high"
    )
    (before,), (after,) = follow_ups([contact], date(2022, 6, 3)), follow_ups([contact], date(2022, 6, 4))
    assert (before.days, before.is_cut, after.days, after.is_cut, after.last_day) == (21, False, 3, True, date(2022, 6, 4))


def test_a_village_sees_and_asks_its_own_people_only(town: Town) -> None:
    case = opened(town)
    mine, other = contact_of(case, town), contact_of(case, town, place=town.villages[1], person={"name": "赵六"})
    assert list(contacts_followed(town.wu)) == [mine]
    check_contact(mine, day=AT.date(), temperature_c=37.5, symptoms="咳嗽", by=town.wu, at=AT)
    assert CheckUp.objects.get().temperature_c == pytest.approx(37.5)
    assert Entry.objects.get(action="contact.check").details == {"day": "2022-06-02", "fever": True, "symptoms": True}
    for act in (lambda: check_contact(other, day=AT.date(), by=town.wu, at=AT), lambda: call_contact(other, by=town.wu, at=AT)):
        with pytest.raises(Unseen):
            act()
    with pytest.raises(Unseen):
        seen_contact(other.pk, town.wu)


def test_the_same_day_again_replaces_what_was_said(town: Town) -> None:
    contact = contact_of(opened(town), town)
    check_contact(contact, day=AT.date(), temperature_c=38.0, by=town.wu, at=AT)
    check_contact(contact, day=AT.date(), temperature_c=36.6, by=town.wu, at=AT)
    assert [float(c.temperature_c or 0) for c in CheckUp.objects.all()] == [36.6]
    assert Entry.objects.filter(action="contact.check").count() == 2
    with pytest.raises(Invalid) as refused:
        check_contact(contact, day=AT.date() + DAY, temperature_c=99, by=town.wu, at=AT)
    assert [p.field for p in refused.value.problems] == ["temperature_c", "day"]


def test_calling_is_an_access_whose_purpose_is_the_call(town: Town) -> None:
    case = opened(town)
    contact = contact_of(case, town)
    assert call_contact(contact, by=town.wu, at=AT) == "13900139000"
    assert [(a.subject_kind, a.subject_id, a.actor_label) for a in accesses()] == [("contact", str(contact.pk), "wu")]
    silent = contact_of(case, town, person={"name": "无电话"})
    with pytest.raises(Invalid, match="please visit"):
        call_contact(silent, by=town.wu, at=AT)


def test_days_nobody_asked_on_are_visible(town: Town) -> None:
    contact = contact_of(opened(town), town, last_contact_on=date(2022, 6, 1))
    check_contact(contact, day=date(2022, 6, 2), temperature_c=36.5, by=town.wu, at=AT)
    (row,) = follow_ups([contact], date(2022, 6, 5))
    assert (row.missed, row.today) == ([date(2022, 6, 3), date(2022, 6, 4)], None)


def test_release_comes_when_the_last_day_is_over_and_not_before(town: Town) -> None:
    contact = contact_of(opened(town), town, days=2, last_contact_on=date(2022, 6, 1))
    assert due_for_release(date(2022, 6, 3)) == []
    assert due_for_release(date(2022, 6, 4)) == [contact]
    assert release_contacts(contacts=[contact], by=town.lin, at=AT) == []
    (freed,) = release_contacts(contacts=[contact], by=town.lin, at=AT + timedelta(days=2))
    assert freed.ended_why == "released" and list(contacts_followed(town.wu)) == []
    with pytest.raises(Stale, match="released"):
        check_contact(contact, day=AT.date(), by=town.wu, at=AT)


def test_one_person_stands_once_among_the_contacts_of_a_case(town: Town) -> None:
    case = opened(town)
    contact_of(case, town, person={"name": "王建国", "id_number": ID_WANG})
    with pytest.raises(Stale):
        contact_of(case, town, person={"name": "王建国", "id_number": ID_WANG})
    with pytest.raises(Invalid) as refused:
        contact_of(case, town, person={"name": "", "phone": "12"}, setting="dream", last_contact_on=date(2022, 6, 9))
    assert [p.field for p in refused.value.problems] == ["name", "phone", "setting", "last_contact_on"]


def test_a_contact_that_became_a_case_points_to_it(town: Town) -> None:
    first = opened(town)
    contact = contact_of(first, town)
    second = opened(town, name="王建国", id_number="", phone="13900139000")
    with pytest.raises(Invalid, match="why"):
        end_contact(contact, why="became_case", reason="阳性", by=town.gao, at=AT)
    assert end_contact(contact, why="became_case", became=second, reason="阳性", by=town.gao, at=AT).became == second
