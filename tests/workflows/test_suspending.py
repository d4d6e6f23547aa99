"""A person's passes suspended by two people until an end: what is refused, what holds meanwhile, how it ends, what they may say against it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.fixtures_town import AT, Town
from tests.workflows.suspended import CARD, DAY, HOUR, SYSTEM, Held, held_town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses_to
from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.passes.actions import Application, issue_passes
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import status_lists
from tongchou.core.passes.status_lists import is_set
from tongchou.core.people.models import Posting, User
from tongchou.core.people.queries import actor_for
from tongchou.core.wording import use_language
from tongchou.domains.gate.checking import Book, Door, SeenPasses, judge
from tongchou.domains.gate.models import Appeal, Holder
from tongchou.domains.gate.queries import passes_by_card
from tongchou.domains.gate.rules import FREE, EntryRule
from tongchou.domains.suspensions import actions
from tongchou.domains.suspensions.models import Suspension
from tongchou.domains.suspensions.queries import seen_objection, seen_suspension, suspensions_seen
from tongchou.domains.suspensions.rules import cost_yuan
from tongchou.workflows.passing import passes_of, report_lost
from tongchou.workflows.suspending import answer, approve, behind_appeal, keep_suspensions, lift, protest, restrictions_of


@pytest.fixture
def held(installed_town: Town) -> Iterator[Held]:
    with use_language("en"):
        yield held_town(installed_town)


def at_the_door(held: Held, at: Any = AT, *, may_refuse: bool = True) -> str:
    """What a door says to the holder's identity card, by the lists of that instant."""
    lists, shown = status_lists(at), passes_by_card([CARD], held.town.town.code, at)[CARD]
    rule = EntryRule(("all",), FREE.from_on, None, None, may_refuse, FREE.source)
    book = Book(held.town.town.code, at, {}, {}, lists["revocation"], lists["suspension"])
    said = judge(shown, Door(1, 1, 1, rule), book, SeenPasses(), int(at.timestamp()), "in")
    return f"{said.verdict} {said.reason}"


def test_a_request_suspends_nothing_and_waits_for_somebody_else_with_a_clock(held: Held) -> None:
    row = held.asked()
    assert (row.dossier.number, row.dossier.state, row.dossier.owner_post) == ("TX-2022-0001", "requested", held.town.posts["duty-leader"])
    assert Deadline.objects.get(dossier=row.dossier).minutes == 60 and row.cost_yuan == 7 * 375
    assert not IssuedPass.objects.exists() and at_the_door(held) == "admit ok"
    assert Notice.objects.get(dossier=row.dossier).user_id == held.town.fang.user_id
    assert list(suspensions_seen(held.town.fang)) == [row] and list(suspensions_seen(held.town.zhao)) == [] == list(
        suspensions_seen(held.town.wu)
    )


def test_nobody_approves_what_they_asked_for_themselves(held: Held) -> None:
    row, town = held.asked(), held.town
    for act in (approve, actions.refuse_suspension):
        with pytest.raises(Invalid, match="Somebody other"):
            act(row, answer="自己批准", by=town.lin, at=AT)
    with pytest.raises(Invalid, match="Somebody other"):
        approve(row, by=SYSTEM, at=AT)
    for other in (town.zhao, town.gao, town.wu):
        with pytest.raises(Unseen):
            approve(row, by=other, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suspension.objects.filter(pk=row.pk).update(decided_by_id=town.lin.user_id)
    assert not IssuedPass.objects.exists()
    approved = approve(row, by=town.fang, at=AT)
    assert (approved.dossier.state, approved.decided_by_id) == ("in_force", town.fang.user_id)
    assert at_the_door(held) == "refuse suspended" and at_the_door(held, may_refuse=False) == "notice suspended"
    with pytest.raises(Stale):
        approve(row, by=town.fang, at=AT)


def test_another_town_neither_asks_nor_sees_nor_lifts(held: Held) -> None:
    with pytest.raises(Unseen):
        held.asked(by=held.town.zhao)
    row = held.approved()
    with pytest.raises(Unseen):
        seen_suspension(row.dossier.number, held.town.zhao)
    with pytest.raises(Unseen):
        lift(row, reason="不归我管", by=held.town.zhao, at=AT)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ends_at": AT}, "ends_at"),
        ({"ends_at": AT - HOUR}, "ends_at"),
        ({"ends_at": AT + 21 * DAY + HOUR}, "ends_at"),
        ({"cause": "other"}, "cause"),
        ({"words": "查 "}, "words"),
        ({"basis": "because"}, "basis"),
    ],
    ids=["now", "past", "too_long", "cause", "words", "basis"],
)
def test_without_cause_or_end_nothing_is_asked(held: Held, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        held.asked(**given)
    assert [p.field for p in refused.value.problems] == [field] and not Suspension.objects.exists()


def test_the_longest_is_that_of_the_day(held: Held) -> None:
    """From 28 June 2022 ten days are the most: what was asked for before is measured again when it is approved."""
    row = held.asked(ends_at=AT + 21 * DAY)
    ParameterValue.objects.filter(parameter__key="gate.suspension_longest").update(value=10)
    with pytest.raises(Invalid, match="At most 10 days"):
        approve(row, by=held.town.fang, at=AT)


def test_an_incident_that_is_over_elsewhere_or_a_drill_is_no_cause(held: Held) -> None:
    row = held.asked()
    Dossier.objects.filter(pk=held.incident.pk).update(is_exercise=True)
    held.incident.refresh_from_db()
    with pytest.raises(Invalid, match="drill"):
        approve(row, by=held.town.fang, at=AT)
    Dossier.objects.filter(pk=held.incident.pk).update(is_exercise=False, state="closed", closed_at=AT)
    held.incident.refresh_from_db()
    with pytest.raises(Invalid, match="has ended"):
        approve(row, by=held.town.fang, at=AT)
    actions.withdraw_suspension(row, reason="不需要了", by=held.town.lin, at=AT)
    Dossier.objects.filter(pk=held.incident.pk).update(state="active", closed_at=None, place=held.town.elsewhere)
    for wrong in (Dossier.objects.get(pk=held.incident.pk), row.dossier):
        with pytest.raises(Invalid, match="No such incident"):
            held.asked(incident=wrong)
    assert not IssuedPass.objects.exists()


def test_an_incident_in_another_village_of_the_town_is_a_cause(held: Held) -> None:
    Dossier.objects.filter(pk=held.incident.pk).update(place=held.town.villages[2])
    assert held.asked(incident=Dossier.objects.get(pk=held.incident.pk)).dossier.place == held.town.villages[0]


def test_an_approval_after_the_requested_end_is_refused_and_the_request_lapses(held: Held) -> None:
    row = held.asked(ends_at=AT + 2 * HOUR)
    with pytest.raises(Invalid, match="in the future"):
        approve(row, by=held.town.fang, at=AT + 2 * HOUR)
    assert keep_suspensions(at=AT + HOUR) == 0 and keep_suspensions(at=AT + 2 * HOUR) == 1
    assert Dossier.objects.get(pk=row.pk).state == "lapsed" and not IssuedPass.objects.exists()


def test_only_who_asked_takes_it_back_and_one_request_about_somebody_waits_at_a_time(held: Held) -> None:
    row = held.asked()
    with pytest.raises(Stale, match="waits already"):
        held.asked(cause="case")
    with pytest.raises(Unseen):
        actions.withdraw_suspension(row, reason="不需要了", by=held.town.fang, at=AT)
    actions.withdraw_suspension(row, reason="不需要了", by=held.town.lin, at=AT)
    second = held.asked()
    assert actions.refuse_suspension(second, answer="理由不足", by=held.town.fang, at=AT).dossier.state == "refused"


def test_every_pass_is_suspended_and_no_other_is_given_until_the_end(held: Held) -> None:
    town = held.town.town
    (before,) = passes_of([held.holder], town, by=SYSTEM, at=AT)
    issue_passes(issuer=town, applications=[Application(7, {}, 30 * DAY, held.holder.place)], by=SYSTEM, at=AT)  # on paper
    held.approved()
    marks = [is_set(status_lists(AT)["suspension"], row.pk) for row in IssuedPass.objects.all()]
    assert marks == [True, True, True], "on the phone, on paper, and the one that keeps the place in the lists"
    assert report_lost(held.holder, by=held.town.wu, at=AT) == 0
    for days in (0, 3, 6):
        assert passes_of([held.holder], town, by=SYSTEM, at=AT + days * DAY)[0].text is None
        assert at_the_door(held, AT + days * DAY) == "refuse suspended"
    # The end needs nobody: no worker has run.
    assert at_the_door(held, AT + 7 * DAY) == "admit ok"
    (after,) = passes_of([held.holder], town, by=SYSTEM, at=AT + 7 * DAY)
    assert after.text and after.issued.pk != before.issued.pk


def test_the_worker_closes_what_is_over_once_and_the_village_is_told(held: Held) -> None:
    row = held.approved()
    told = Notice.objects.filter(user_id=held.town.wu.user_id)
    assert told.count() == 1 and "TX-2022-0001" in told.get().text_en
    assert keep_suspensions(at=AT + 7 * DAY - timedelta(seconds=1)) == 0
    assert [keep_suspensions(at=AT + 7 * DAY) for _ in "12"] == [1, 0]
    assert Dossier.objects.get(pk=row.pk).state == "ended" and told.count() == 2
    assert not IssuedPass.objects.exclude(suspended_at=None).exists()


def test_a_pass_given_at_the_very_moment_is_suspended_by_the_worker(held: Held) -> None:
    held.approved()
    issue_passes(issuer=held.town.town, applications=[Application(7, {}, 2 * DAY, held.holder.place)], by=SYSTEM, at=AT)
    keep_suspensions(at=AT + HOUR)
    entries = Entry.objects.count()
    assert all(is_set(status_lists(AT + HOUR)["suspension"], row.pk) for row in IssuedPass.objects.all())
    assert keep_suspensions(at=AT + HOUR) == 0 and Entry.objects.count() == entries


def test_one_person_lifts_it_early_with_a_reason(held: Held) -> None:
    row = held.approved()
    with pytest.raises(Invalid):
        lift(row, reason="好", by=held.town.lin, at=AT)
    with pytest.raises(Unseen):
        lift(row, reason="村里要求解除", by=held.town.wu, at=AT)
    assert lift(row, reason="复核为阴性", by=held.town.lin, at=AT + HOUR).dossier.state == "lifted"
    assert at_the_door(held, AT + HOUR) == "admit ok"
    with pytest.raises(Stale):
        lift(row, reason="再解除一次", by=held.town.lin, at=AT + HOUR)


def test_of_two_suspensions_the_later_end_holds_and_each_ends_by_itself(held: Held) -> None:
    first, second = held.approved(ends_at=AT + 2 * DAY), held.approved(cause="case", ends_at=AT + 5 * DAY)
    assert at_the_door(held, AT + 3 * DAY) == "refuse suspended"
    third = held.approved(cause="recall", ends_at=AT + 9 * DAY)
    lift(third, reason="复核为阴性", by=held.town.lin, at=AT + HOUR)
    assert [at_the_door(held, AT + n * DAY) for n in (4, 5)] == ["refuse suspended", "admit ok"]
    keep_suspensions(at=AT + 2 * DAY)
    states = dict(Dossier.objects.filter(kind="suspension").values_list("pk", "state"))
    assert states == {first.pk: "ended", second.pk: "in_force", third.pk: "lifted"}
    assert [at_the_door(held, AT + n * DAY) for n in (4, 5)] == ["refuse suspended", "admit ok"]


def test_without_a_signing_key_nothing_is_suspended_and_nothing_said_to_be(held: Held) -> None:
    row = held.asked()
    from tongchou.core.passes.models import IssuerKey

    IssuerKey.objects.update(secret=None, signs_until_at=AT)
    with pytest.raises(Refusal, match="signing key"):
        approve(row, by=held.town.fang, at=AT)
    assert Dossier.objects.get(pk=row.pk).state == "requested"


def test_who_it_is_is_read_for_a_purpose_only(held: Held) -> None:
    row = held.asked()
    with pytest.raises(Invalid):
        actions.see_person(row, purpose="", by=held.town.fang, at=AT)
    actions.see_person(row, purpose="审批前核对", by=held.town.fang, at=AT)
    assert [(a.actor_label, a.reason) for a in accesses_to(Holder.objects.get(pk=7))] == [("fang", "审批前核对")]


def third_person(held: Held) -> Any:
    """A second duty officer, who had no part in it."""
    user = User.objects.create_user("sun", password="correct horse", name_zh="孙", name_en="Sun")
    Posting.objects.create(user=user, post=held.town.posts["duty-officer"], from_at=AT - DAY)
    return actor_for(user, AT)


def test_the_person_objects_once_and_the_duty_officer_has_a_clock(held: Held) -> None:
    row = held.approved()
    made = protest(row, words="我没去过食堂", phone="13800000000", by=SYSTEM, at=AT + HOUR)
    head = made.dossier
    assert (head.number, head.state, head.owner_post) == ("SS-2022-0001", "open", held.town.posts["duty-officer"])
    assert Deadline.objects.get(dossier=head).due_at == AT + 25 * HOUR
    assert protest(row, words="再说一次", by=SYSTEM, at=AT + 2 * HOUR).pk == made.pk
    assert Notice.objects.filter(dossier=head).count() == 1
    assert [r.objection for r in restrictions_of([held.holder], AT + HOUR)[7]] == [made]
    for given in ({"words": " "}, {"words": "我没去过食堂", "phone": "1"}):
        with pytest.raises(Refusal):
            protest(row, **given, by=SYSTEM, at=AT)
    with pytest.raises(Unseen):
        seen_objection(head.number, held.town.zhao)


def test_an_objection_is_rejected_only_by_somebody_who_had_no_part_in_it(held: Held) -> None:
    row = held.approved()
    made = protest(row, words="我没去过食堂", by=held.town.fang, at=AT)
    for who in (held.town.lin, held.town.fang):
        with pytest.raises(Invalid, match="Somebody other"):
            answer(made, upheld=False, said="核对无误", by=who, at=AT)
    with pytest.raises(Unseen):
        answer(made, upheld=True, said="核对有误", by=held.town.wu, at=AT)
    done = answer(made, upheld=False, said="就餐记录核对无误", by=third_person(held), at=AT)
    assert done.dossier.state == "rejected" and at_the_door(held) == "refuse suspended"


def test_an_objection_upheld_lifts_the_suspension_and_stays_readable(held: Held) -> None:
    row = held.approved()
    made = protest(row, words="我没去过食堂", by=SYSTEM, at=AT)
    answer(made, upheld=True, said="认错人了，抱歉", by=held.town.lin, at=AT + HOUR)
    assert Dossier.objects.get(pk=row.pk).state == "lifted" and at_the_door(held, AT + HOUR) == "admit ok"
    (shown,) = restrictions_of([held.holder], AT + 2 * HOUR)[7]
    assert shown.objection.answer == "认错人了，抱歉"
    assert restrictions_of([held.holder], AT + 32 * DAY) == {}
    with pytest.raises(Stale):
        protest(held.asked(), words="还没批准就申诉", by=SYSTEM, at=AT)


def test_an_objection_after_the_end_is_answered_all_the_same(held: Held) -> None:
    row = held.approved(ends_at=AT + 2 * HOUR)
    made = protest(row, words="我没去过食堂", by=SYSTEM, at=AT + HOUR)
    keep_suspensions(at=AT + 2 * HOUR)
    done = answer(made, upheld=True, said="认错人了，抱歉", by=held.town.lin, at=AT + 3 * HOUR)
    assert (done.dossier.state, Dossier.objects.get(pk=row.pk).state) == ("upheld", "ended")


def test_an_appeal_at_a_door_leads_to_the_suspension_behind_it(held: Held) -> None:
    from tongchou.domains.gate.scan_log import Row, append

    row = held.approved()
    at_s = int(AT.timestamp())
    append([Row(4, 9, 1, 1, 7, at_s, at_s, 0, 2, 8, 2, 0, 1)])
    assert behind_appeal(Appeal(device_id=4, seq=9), AT) == [row] and behind_appeal(Appeal(device_id=4, seq=8), AT) == []


def test_a_day_begun_costs_a_day() -> None:
    assert [cost_yuan(AT, AT + span, 375) for span in (HOUR, DAY, DAY + HOUR)] == [375, 375, 750]
