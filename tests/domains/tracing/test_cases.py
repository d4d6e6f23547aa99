"""A case's life: allowed, refused by post, place, state, definition; clocks; corrections; samples, visits, links."""

from datetime import date

import pytest
from django.db import connection

from tests.domains.tracing.investigations import DAY, HOUR, ID_LI, PHONE_LI, confirmed, contact_of, opened, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses, history_of
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.domains.tracing import actions
from tongchou.domains.tracing.actions_contacts import end_contact
from tongchou.domains.tracing.models import Case
from tongchou.domains.tracing.queries import cases_seen, known_facts, links_among, seen_case


@pytest.fixture
def town(small_town: Town) -> Town:
    return with_parameters(small_town)


def running(case: Case) -> dict[str, int]:
    return dict(Deadline.objects.filter(dossier=case.dossier, stopped_at=None).values_list("key", "minutes"))


def test_opening_a_case_starts_the_clocks_of_the_form_and_masks_the_name(town: Town) -> None:
    case = opened(town)
    assert running(case) == {"trace.core_information_within": 120, "trace.first_report_within": 240, "trace.full_report_within": 1440}
    assert (case.dossier.state, case.dossier.number, case.dossier.owner_post) == ("suspected", "BL-2022-0001", town.posts["trace-leader"])
    assert "李秀兰" not in case.dossier.title_zh and "李**" in case.dossier.title_zh
    assert list(cases_seen(town.gao)) == [case]
    assert list(cases_seen(town.wu)) == [] == list(cases_seen(town.zhao))


def test_handing_in_a_part_stops_its_clock_only(town: Town) -> None:
    case = opened(town)
    actions.hand_in(case, part="core", text="三天内到过农贸市场", by=town.chen, at=AT + HOUR)
    assert set(running(case)) == {"trace.first_report_within", "trace.full_report_within"}
    case.refresh_from_db()
    assert case.core_facts == "三天内到过农贸市场"
    with pytest.raises(Invalid, match="part"):
        actions.hand_in(case, part="summary", text="无此部分", by=town.chen, at=AT)


@pytest.mark.parametrize("who", ["wu", "zhao", "fang"])
def test_who_may_not_investigate_learns_nothing(town: Town, who: str) -> None:
    case, by = opened(town), getattr(town, who)
    with pytest.raises(Unseen):
        actions.discard_case(case, reason="试试", by=by, at=AT)
    with pytest.raises(Unseen):
        opened_by = {"facts": {"name": "甲"}, "place": town.town}
        actions.open_case(**opened_by, by=by, at=AT)


def test_a_missing_case_and_a_forbidden_one_are_the_same_answer(town: Town) -> None:
    number = opened(town).dossier.number
    answers = []
    for asked in (number, "BL-2022-9999"):
        with pytest.raises(Unseen) as refused:
            seen_case(asked, town.zhao)
        answers.append(str(refused.value))
    assert answers[0] == answers[1]


def test_a_class_is_given_only_when_the_definition_is_met(town: Town) -> None:
    case = opened(town)
    with pytest.raises(Invalid, match="still asks for: positive test"):
        actions.classify_case(case, to="confirmed", by=town.gao, at=AT)
    sample = actions.add_sample(case=case, method="pcr", taken_at=AT, by=town.gao, at=AT)
    actions.add_result(sample, result="positive", by=town.chen, at=AT + HOUR)
    assert "laboratory" in known_facts(case)
    actions.classify_case(case, to="confirmed", by=town.gao, at=AT + HOUR)
    case.dossier.refresh_from_db()
    assert case.dossier.state == "confirmed"
    with pytest.raises(Stale):
        actions.classify_case(case, to="confirmed", by=town.gao, at=AT + HOUR)


def test_a_result_stands_and_a_future_sample_is_none(town: Town) -> None:
    case = opened(town)
    with pytest.raises(Invalid, match="taken_at"):
        actions.add_sample(case=case, method="pcr", taken_at=AT + HOUR, by=town.gao, at=AT)
    sample = actions.add_sample(case=case, method="pcr", taken_at=AT, by=town.gao, at=AT)
    actions.add_result(sample, result="negative", by=town.gao, at=AT)
    with pytest.raises(Stale):
        actions.add_result(sample, result="positive", by=town.gao, at=AT)


def test_every_wrong_field_is_named_at_once_and_nothing_is_kept(town: Town) -> None:
    with pytest.raises(Invalid) as refused:
        opened(town, name=" ", id_number="123", sex="x", age=200, onset_on=date(2022, 6, 9), nonsense=1)
    assert [p.field for p in refused.value.problems] == ["nonsense", "name", "id_number", "sex", "age", "onset_on"]
    assert not Case.objects.exists() and not Entry.objects.filter(action="case.open").exists()


def test_a_correction_keeps_old_and_new_in_the_log_and_moves_the_version(town: Town) -> None:
    case = opened(town)
    actions.correct_case(
        case, given={"onset_on": date(2022, 5, 28), "phone": "13700137000"}, version=1, reason="电话核实", by=town.chen, at=AT
    )
    case.refresh_from_db()
    assert (case.onset_on, case.version, case.phone) == (date(2022, 5, 28), 2, "13700137000")
    entry = history_of(case.dossier).get(action="case.correct")
    assert entry.details["old"] == {"onset_on": "2022-05-30", "phone": "***"}
    assert entry.details["new"] == {"onset_on": "2022-05-28", "phone": "***"}
    with pytest.raises(Stale, match="Somebody else"):
        actions.correct_case(case, given={"age": 70}, version=1, reason="再改", by=town.gao, at=AT)
    with pytest.raises(Stale, match="Nothing"):
        actions.correct_case(case, given={"age": 72}, version=2, reason="再改", by=town.gao, at=AT)


def test_seeing_who_it_is_needs_a_purpose_and_is_an_access(town: Town) -> None:
    case = opened(town)
    with pytest.raises(Invalid, match="purpose"):
        actions.see_case(case, purpose="", by=town.gao, at=AT)
    assert actions.see_case(case, purpose="电话流调核实", by=town.gao, at=AT) == {"name": "李秀兰", "id_number": ID_LI, "phone": PHONE_LI}
    (access,) = accesses()
    assert (access.reason, access.actor_label, access.details["fields"]) == ("电话流调核实", "gao", ["id_number", "name", "phone"])


def test_no_name_of_the_log_and_no_number_of_the_tables_lies_in_clear(town: Town) -> None:
    contact_of(opened(town), town, person={"name": "王建国", "phone": PHONE_LI, "id_number": ID_LI})
    with connection.cursor() as cursor:
        for table in ("tracing_case", "tracing_contact", "audit_entry", "casework_dossier"):
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                said = b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None)
                assert ID_LI.encode() not in said and PHONE_LI.encode() not in said
                assert table.startswith("tracing") or ("李秀兰".encode() not in said and "王建国".encode() not in said)


def test_a_case_closes_when_nobody_is_followed_any_more(town: Town) -> None:
    case = confirmed(town)
    contact = contact_of(case, town)
    with pytest.raises(Invalid, match="1 contacts"):
        actions.close_case(case, reason="调查完毕", by=town.gao, at=AT)
    end_contact(contact, why="by_mistake", reason="同名误列", by=town.gao, at=AT)
    actions.close_case(case, reason="调查完毕", by=town.gao, at=AT)
    assert running(case) == {}
    with pytest.raises(Stale, match="closed"):
        case.dossier.refresh_from_db()
        actions.correct_case(case, given={"age": 3}, version=1, reason="改", by=town.gao, at=AT)


def test_links_of_the_chain(town: Town) -> None:
    first, second = opened(town), opened(town, name="王建国", id_number="", phone="")
    link = actions.link_cases(second, infector=first, evidence="meal", strength=0.8, note="5月28日聚餐", by=town.gao, at=AT)
    assert [(x.infector, x.infectee) for x in links_among([first, second])] == [(first, second)]
    with pytest.raises(Stale):
        actions.link_cases(second, infector=first, evidence="meal", strength=0.5, by=town.gao, at=AT)
    with pytest.raises(Invalid) as refused:
        actions.link_cases(second, infector=second, evidence="rumour", strength=2, by=town.gao, at=AT)
    assert [p.field for p in refused.value.problems] == ["infector", "evidence", "strength"]
    actions.withdraw_link(link, reason="时间不符", by=town.gao, at=AT + DAY)
    assert links_among([first, second]) == []
    with pytest.raises(Stale):
        actions.withdraw_link(link, reason="时间不符", by=town.gao, at=AT + DAY)


def test_a_visit_ends_after_it_began_at_a_venue_of_the_register(town: Town) -> None:
    case = opened(town)
    actions.add_visit(case, where="明珠菜场", from_at=AT - 2 * HOUR, to_at=AT - HOUR, by=town.gao, at=AT)
    for wrong in ({"to_at": AT - 3 * HOUR}, {"venue_id": 99}):
        with pytest.raises(Invalid):
            actions.add_visit(case, **{"where": "明珠菜场", "from_at": AT - 2 * HOUR, "to_at": AT - HOUR, **wrong}, by=town.gao, at=AT)
