"""Check-off: once per person and round, in one tube, never over its size; and saying why somebody is not sampled."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domains.testing.samplers import scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.queries import history_of
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.wording import T
from tongchou.domains.testing.actions import plan_round, start_round
from tongchou.domains.testing.actions_check_off import Sampled, check_off
from tongchou.domains.testing.actions_laboratory import pack_box
from tongchou.domains.testing.actions_sampling import account_for, withdraw_account
from tongchou.domains.testing.models import Account, CheckOff, Tube
from tongchou.domains.testing.queries import missing_count


def test_household_is_checked_off_once_however_often_it_is_sent(small_town: Town) -> None:
    made = scene(small_town)
    first = made.sample([0, 1, 2], "TUBE0001")
    again = made.sample([0, 1, 2], "TUBE0001", at=AT + timedelta(minutes=5))
    other = made.sample([0, 3], "TUBE0002")
    assert (first.new, first.known, first.room) == (3, {}, {"TUBE0001": 2})
    assert (again.new, set(again.known.values())) == (0, {"TUBE0001"})
    assert (other.new, other.known) == (1, {made.people[0].pk: "TUBE0001"})
    assert CheckOff.objects.count() == 4 and dict(Tube.objects.values_list("code", "filled")) == {"TUBE0001": 3, "TUBE0002": 1}
    assert set(CheckOff.objects.values_list("by__username", flat=True)) == {"wu"}
    assert [e.details["new"] for e in history_of(made.site) if e.action == "round.check_off"] == [3, 0, 1]


def test_entry_of_a_check_off_names_nobody(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1], "TUBE0001")
    entry = next(e for e in history_of(made.site) if e.action == "round.check_off")
    assert set(entry.details) == {"round", "new", "known", "tubes", "sha256"}


def test_tube_is_never_over_its_size(small_town: Town) -> None:
    made = scene(small_town)
    with pytest.raises(Invalid, match="takes 5 more"):
        made.sample([0, 1, 2, 3, 4, 5], "TUBE0001")
    assert not Tube.objects.exists() and not CheckOff.objects.exists()
    made.sample([0, 1, 2, 3], "TUBE0001")
    with pytest.raises(Invalid, match="takes 1 more"):
        made.sample([4, 5], "TUBE0001")
    made.sample([4], "TUBE0001")
    with pytest.raises(IntegrityError), transaction.atomic():
        Tube.objects.update(filled=6)
    made.sample([5], "TUBE0002", tube_size=1)
    assert dict(Tube.objects.values_list("code", "filled")) == {"TUBE0001": 5, "TUBE0002": 1}


def test_wrong_rows_are_named_and_nothing_is_kept(small_town: Town) -> None:
    made = scene(small_town)
    rows = [
        Sampled(made.people[0].pk, "TUBE0001"),
        Sampled(987_654, "TUBE0001"),
        Sampled(made.people[1].pk, "管"),
        Sampled(made.people[2].pk, "TUBE0001", way="guess"),
        Sampled(made.people[3].pk, "TUBE0001", sampled_at=AT + timedelta(hours=3)),
        Sampled(made.people[0].pk, "TUBE0002"),
    ]
    with pytest.raises(Invalid) as told:
        check_off(testing_round=made.round, site=made.site, sampled=rows, by=small_town.wu, at=AT)
    named = {p.field for p in told.value.problems}
    assert named == {"sampled[2].person", "sampled[3].tube", "sampled[4].way", "sampled[5].sampled_at", "sampled[6].tube"}
    assert not CheckOff.objects.exists() and not Tube.objects.exists()
    with pytest.raises(Invalid, match="1 to 4000"):
        check_off(testing_round=made.round, site=made.site, sampled=[], by=small_town.wu, at=AT)


def test_tube_of_another_round_or_already_packed_takes_nobody(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0], "TUBE0001")
    other = start_round(plan_round(title=T("二", "two"), place=small_town.town, by=small_town.gao, at=AT), by=small_town.gao, at=AT)
    with pytest.raises(Invalid, match="another round"):
        check_off(testing_round=other, site=made.site, sampled=[Sampled(made.people[0].pk, "TUBE0001")], by=small_town.wu, at=AT)
    pack_box(testing_round=made.round, site=made.site, laboratory="区实验室", by=small_town.wu, at=AT)
    with pytest.raises(Invalid, match="packed already"):
        made.sample([1], "TUBE0001")


def test_check_off_is_refused_by_post_by_place_and_by_state(small_town: Town) -> None:
    made = scene(small_town)
    for person in (small_town.fang, small_town.zhao):
        with pytest.raises(Unseen):
            made.sample([0], "TUBE0001", by=person)
    made.round = plan_round(title=T("未开始", "not begun"), place=small_town.town, by=small_town.gao, at=AT)
    with pytest.raises(Stale, match="not sampling"):
        made.sample([0], "TUBE0001")


def test_what_was_checked_off_is_never_changed(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0], "TUBE0001")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        CheckOff.objects.update(way=1)


def test_account_needs_a_reason_and_a_post_for_the_missing(small_town: Town) -> None:
    made = scene(small_town)
    given = {"testing_round": made.round, "by": small_town.wu, "at": AT}
    made.sample([0], "TUBE0001")
    for people, reason, told in (
        ([1], "tired", "Choose a reason"),
        ([1], "refused", "handed on to a post"),
        ([0], "infant", "sampled already"),
        ([5], "infant", "not yours"),
        ([], "infant", "not yours"),
    ):
        with pytest.raises(Invalid, match=told):
            account_for(people=[made.people[n].pk for n in people], reason=reason, **given)  # type: ignore[arg-type]
    assert not Account.objects.exists() and missing_count(made.round) == 5


def test_later_word_replaces_an_account_and_sampling_ends_it(small_town: Town) -> None:
    made = scene(small_town)
    one = made.people[0].pk
    given = {"testing_round": made.round, "people": [one], "by": small_town.wu, "at": AT}
    assert account_for(reason="out_of_town", **given) == 1 and account_for(reason="out_of_town", **given) == 0  # type: ignore[arg-type]
    assert account_for(reason="hospital", note="中山医院", **given) == 1  # type: ignore[arg-type]
    assert missing_count(made.round) == 5
    assert withdraw_account(testing_round=made.round, person=one, by=small_town.wu, at=AT) == 1
    assert missing_count(made.round) == 6
    account_for(reason="infant", **given)  # type: ignore[arg-type]
    made.sample([0], "TUBE0001")
    assert missing_count(made.round) == 5 and not Account.objects.filter(replaced_at=None).exists() and Account.objects.count() == 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deliveries=st.lists(
        st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.sampled_from(["TA01", "TB02", "TC03"])), max_size=8
    )
)
def test_everybody_is_in_one_tube_and_tubes_count_right(small_town: Town, deliveries: list[tuple[list[int], str]]) -> None:
    with transaction.atomic():
        made = scene(small_town)
        asked: set[int] = set()
        for people, tube in deliveries:
            try:
                made.sample(people, tube)
            except Invalid:
                continue
            asked |= {made.people[n].pk for n in people}
        assert set(CheckOff.objects.values_list("person_id", flat=True)) == asked
        assert CheckOff.objects.count() == len(asked) == 6 - missing_count(made.round)
        for row in Tube.objects.all():
            assert row.filled == row.check_offs.count() <= row.size
        transaction.set_rollback(True)
