"""Only with cause: a confirmed case, a live incident, a basis in force, a purpose, and two people."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.domains.tracing.investigations import DAY, HOUR, confirmed, incident_in, opened, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses
from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.people.rules import system_actor
from tongchou.domains.exposures import actions
from tongchou.domains.exposures.models import ExposureList, ExposureRequest
from tongchou.domains.exposures.queries import is_out_of_date, latest_list, requests_seen, seen_request
from tongchou.domains.exposures.rules import Window

SPAN = Window(AT - 2 * DAY, AT)


@pytest.fixture
def town(small_town: Town) -> Town:
    return with_parameters(small_town)


@pytest.fixture
def incident(town: Town) -> Dossier:
    return incident_in(town).dossier


def asked(town: Town, incident: Dossier, by: Any = None, case: Any = None, **given: Any) -> ExposureRequest:
    case = case or confirmed(town)
    words: dict[str, Any] = {"incident": incident, "basis": "law-12", "purpose": "查找同时段人员", "window": SPAN}
    return actions.ask_exposed(case.dossier, **{**words, **given}, by=by or town.gao, at=AT)


def end(incident: Dossier) -> None:
    """As closing would leave it; how an incident is closed is tested with the response."""
    Dossier.objects.filter(pk=incident.pk).update(state="closed", closed_at=AT)


def test_a_request_waits_for_somebody_else_with_a_clock(town: Town, incident: Dossier) -> None:
    request = asked(town, incident)
    assert (request.dossier.state, request.minutes, request.basis_en[:25]) == ("requested", 15, "Law on Infectious Disease")
    assert request.dossier.owner_post == town.posts["duty-leader"]
    assert Deadline.objects.get(dossier=request.dossier).minutes == 60
    assert list(requests_seen(town.fang)) == [request] == list(requests_seen(town.gao))
    assert list(requests_seen(town.wu)) == [] == list(requests_seen(town.zhao))
    assert not accesses().exists()


def test_nobody_approves_what_they_asked_for_themselves(town: Town, incident: Dossier) -> None:
    request = asked(town, incident, by=town.lin)
    for act in (actions.approve_request, actions.refuse_request):
        with pytest.raises(Invalid, match="Somebody other"):
            act(request, answer="自己批准", by=town.lin, at=AT)
    with pytest.raises(Invalid, match="Somebody other"):
        actions.approve_request(request, by=system_actor("worker"), at=AT)
    with pytest.raises(Unseen):
        actions.approve_request(request, by=town.gao, at=AT)
    approved = actions.approve_request(request, by=town.fang, at=AT)
    assert (approved.dossier.state, approved.decided_by_id) == ("approved", town.fang.user_id)
    with pytest.raises(Stale):
        actions.refuse_request(request, answer="晚了", by=town.fang, at=AT)


def test_the_database_too_knows_that_two_people_are_needed(town: Town, incident: Dossier) -> None:
    from django.db import IntegrityError, transaction

    request = asked(town, incident, by=town.lin)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExposureRequest.objects.filter(pk=request.pk).update(decided_by_id=town.lin.user_id)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"basis": "because"}, "basis"),
        ({"purpose": "查"}, "purpose"),
        ({"window": Window(AT, AT - HOUR)}, "to_at"),
        ({"window": Window(AT - 15 * DAY, AT)}, "to_at"),
        ({"window": Window(AT + HOUR, AT + 2 * HOUR)}, "from_at"),
        ({"minutes": 5}, "minutes"),
        ({"generations": 3}, "generations"),
    ],
    ids=["basis", "purpose", "backwards", "too_long", "future", "too_short_overlap", "three_generations"],
)
def test_without_cause_nothing_is_asked(town: Town, incident: Dossier, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(town, incident, **given)
    assert [p.field for p in refused.value.problems] == [field]
    assert not ExposureRequest.objects.exists()


def test_an_unconfirmed_case_is_no_cause(town: Town, incident: Dossier) -> None:
    with pytest.raises(Invalid, match="confirmed case"):
        asked(town, incident, case=opened(town))


def test_an_incident_that_has_ended_is_no_cause_at_any_step(town: Town, incident: Dossier) -> None:
    request = asked(town, incident)
    end(incident)
    with pytest.raises(Invalid, match="has ended"):
        asked(town, Dossier.objects.get(pk=incident.pk), case=confirmed(town))
    with pytest.raises(Invalid, match="has ended"):
        actions.approve_request(request, by=town.fang, at=AT)
    Dossier.objects.filter(pk=incident.pk).update(state="active", closed_at=None)
    request = actions.approve_request(request, by=town.fang, at=AT)
    end(incident)
    with pytest.raises(Invalid, match="has ended"):
        actions.keep_list(request, found=[], case_version=1, by=town.gao, at=AT)
    assert not ExposureList.objects.exists()


def test_an_incident_elsewhere_or_something_else_is_no_cause(town: Town, incident: Dossier) -> None:
    other = incident_in(town, village=1).dossier
    case = confirmed(town)
    for wrong in (other, case.dossier):
        with pytest.raises(Invalid, match="incident"):
            asked(town, wrong, case=case)


def test_a_basis_no_longer_in_force_is_no_cause(town: Town, incident: Dossier) -> None:
    request = asked(town, incident)
    ParameterValue.objects.filter(parameter__key="trace.legal_bases").update(value={"pipl-13-4": {"zh": "其他", "en": "other"}})
    with pytest.raises(Invalid, match="not in force"):
        actions.approve_request(request, by=town.fang, at=AT)


def test_a_missing_request_and_a_forbidden_one_are_the_same_answer(town: Town, incident: Dossier) -> None:
    number, answers = asked(town, incident).dossier.number, []
    for sought in (number, "TS-2022-9999"):
        with pytest.raises(Unseen) as refused:
            seen_request(sought, town.wu)
        answers.append(str(refused.value))
    assert answers[0] == answers[1]


def found(*holders: int) -> list[actions.Found]:
    return [actions.Found(h, None, 1, AT - HOUR, 20 + h, 1) for h in holders]


def test_each_answer_is_a_version_that_says_what_changed_and_an_access(town: Town, incident: Dossier) -> None:
    request = actions.approve_request(asked(town, incident), by=town.fang, at=AT)
    first = actions.keep_list(request, found=found(1, 2), case_version=1, by=town.gao, at=AT)
    assert (first.version, first.added, first.removed) == (1, 2, 0)
    assert not is_out_of_date(request, first, 1) and is_out_of_date(request, first, 2)
    second = actions.keep_list(request, found=found(2, 3), case_version=2, reason="发病日更正", by=town.gao, at=AT + HOUR)
    assert (second.version, second.added, second.removed) == (2, 1, 1)
    assert dict(second.people.values_list("holder", "change")) == {2: "kept", 3: "added", 1: "removed"}
    third = actions.keep_list(request, found=found(2, 3), case_version=2, by=town.gao, at=AT + HOUR)
    assert dict(third.people.values_list("holder", "change")) == {2: "kept", 3: "kept"}
    assert latest_list(request) == third
    assert [(a.actor_label, a.reason) for a in accesses()] == [("gao", "查找同时段人员")] * 3


def test_a_list_needs_an_approved_request(town: Town, incident: Dossier) -> None:
    request = asked(town, incident)
    with pytest.raises(Stale):
        actions.keep_list(request, found=found(1), case_version=1, by=town.gao, at=AT)
    actions.refuse_request(request, answer="理由不足", by=town.fang, at=AT)
    with pytest.raises(Stale):
        actions.keep_list(request, found=found(1), case_version=1, by=town.gao, at=AT)
    assert not accesses().exists()


def test_only_who_asked_takes_it_back(town: Town, incident: Dossier) -> None:
    request = asked(town, incident)
    with pytest.raises(Unseen):
        actions.withdraw_request(request, reason="不需要了", by=town.chen, at=AT)
    assert actions.withdraw_request(request, reason="不需要了", by=town.gao, at=AT).dossier.state == "withdrawn"


def test_a_span_may_be_corrected_but_not_stretched(town: Town, incident: Dossier) -> None:
    request = actions.approve_request(asked(town, incident), by=town.fang, at=AT)
    with pytest.raises(Invalid, match="ask anew"):
        actions.correct_window(request, window=Window(AT - 3 * DAY, AT), reason="日期填错", by=town.gao, at=AT)
    moved = actions.correct_window(request, window=Window(AT - 3 * DAY, AT - DAY), reason="日期填错", by=town.gao, at=AT)
    assert moved.from_at == AT - 3 * DAY
    assert Entry.objects.get(action="exposure.correct").details["old"] == [SPAN.from_at.isoformat(), SPAN.to_at.isoformat()]


def test_asking_for_accesses_to_a_person_leaves_an_entry_whether_found_or_not(town: Town, incident: Dossier) -> None:
    request = actions.approve_request(asked(town, incident), by=town.fang, at=AT)
    actions.keep_list(request, found=found(5), case_version=1, by=town.gao, at=AT)
    assert actions.tell_own_accesses(place=town.town, holders=[5], by=town.lin, at=AT) == [request]
    assert actions.tell_own_accesses(place=town.town, holders=[], by=town.lin, at=AT) == []
    assert [e.details for e in Entry.objects.filter(action="exposure.learn")] == [{"found": 1}, {"found": 0}]
    with pytest.raises(Unseen):
        actions.tell_own_accesses(place=town.town, holders=[5], by=town.gao, at=AT)


def test_a_public_notice_names_a_venue_and_hours_never_a_housing_compound(town: Town, incident: Dossier) -> None:
    from tests.domains.exposures.venues import venue
    from tongchou.domains.exposures.queries import notices_shown

    market, home = venue(town, "V1", "明珠菜场", "market"), venue(town, "V2", "明珠苑", "compound")
    request = actions.approve_request(asked(town, incident), by=town.fang, at=AT)
    until = date(2022, 6, 10)
    with pytest.raises(Invalid, match="compounds"):
        actions.publish_venues(request, spans=[(home, AT - HOUR, AT)], until=until, by=town.fang, at=AT)
    with pytest.raises(Unseen):
        actions.publish_venues(request, spans=[(market, AT - HOUR, AT)], until=until, by=town.gao, at=AT)
    (notice,) = actions.publish_venues(request, spans=[(market, AT - HOUR, AT)], until=until, by=town.fang, at=AT)
    assert actions.publish_venues(request, spans=[(market, AT - HOUR, AT)], until=until, by=town.fang, at=AT) == []
    assert list(notices_shown(until)) == [notice] and list(notices_shown(until + timedelta(days=1))) == []
    actions.withdraw_notice(notice, reason="时间有误", by=town.fang, at=AT)
    assert list(notices_shown(until)) == []
