"""Who stands in for whom: delegation, circles, absence, and escalation left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.domains.approvals.offices import SYSTEM, Centre, on
from tongchou.core.casework.actions import escalate
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.people.models import Posting, User
from tongchou.core.people.queries import actor_for
from tongchou.domains.approvals.actions_cover import delegate_post, end_delegation
from tongchou.domains.approvals.actions_steps import start_step
from tongchou.domains.approvals.models import Delegation
from tongchou.domains.approvals.rules import Standing, circle_with, stands_in
from tongchou.workflows.approving import keep_approvals


def delegate(centre: Centre, one: str, other: str, begin: datetime, end: datetime, at: datetime | None = None) -> Delegation:
    return delegate_post(
        from_post=centre.posts[one], to_post=centre.posts[other], from_at=begin, to_at=end, reason="外出培训一周", by=centre.meng, at=at or begin
    )  # fmt: skip


def test_a_delegated_step_goes_to_whoever_stands_in_and_back_by_itself(centre: Centre) -> None:
    row = centre.accepted(at=on(6, 6))
    waiting = centre.step(row, "s2")
    delegate(centre, "market-officer", "planning-officer", on(6, 7), on(6, 10))
    assert centre.step(row, "s2").dossier.owner_post == centre.posts["planning-officer"]
    centre.works(row, "s1", on(6, 7), on(6, 7, 12))
    assert (
        centre.step(row, "s3").dossier.owner_post == centre.posts["planning-officer"]
        and centre.step(row, "s3").post == centre.posts["market-officer"]
    )
    assert start_step(waiting, by=centre.yan, at=on(6, 8)).dossier.state == "working"
    assert keep_approvals(at=on(6, 9)) == 0 and keep_approvals(at=on(6, 10)) == 2 and keep_approvals(at=on(6, 10)) == 0
    assert centre.step(row, "s3").dossier.owner_post == centre.posts["market-officer"]
    with pytest.raises(Refusal, match="lies with"):
        start_step(centre.step(row, "s3"), by=centre.yan, at=on(6, 10))


def test_a_delegation_in_a_circle_is_refused_and_the_circle_named(centre: Centre) -> None:
    delegate(centre, "service-window", "market-officer", on(6, 6), on(6, 20))
    delegate(centre, "market-officer", "planning-officer", on(6, 6), on(6, 20))
    with pytest.raises(Invalid, match="Planning officer → Service window → Market supervision officer → Planning officer"):
        delegate(centre, "planning-officer", "service-window", on(6, 10), on(6, 12))
    delegate(centre, "planning-officer", "service-window", on(6, 20), on(6, 22))  # the others are over by then
    assert Delegation.objects.count() == 3


@pytest.mark.parametrize(
    ("one", "other", "begin", "end", "said"),
    [
        ("market-officer", "market-officer", on(6, 6), on(6, 8), "cannot stand in for itself"),
        ("market-officer", "planning-officer", on(6, 6), on(6, 6), "end in the future"),
        ("market-officer", "planning-officer", on(5, 1), on(5, 2), "end in the future"),
    ],
)
def test_what_cannot_be_delegated(centre: Centre, one: str, other: str, begin: datetime, end: datetime, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        delegate(centre, one, other, begin, end, at=on(6, 6))


def test_nobody_delegates_to_a_post_without_the_right_nor_twice_nor_from_elsewhere(centre: Centre) -> None:
    town = centre.town
    given = {"from_at": on(6, 6), "to_at": on(6, 8), "reason": "外出培训", "at": on(6, 6)}
    with pytest.raises(Invalid, match="may not work on approvals"):
        delegate_post(from_post=centre.posts["market-officer"], to_post=town.posts["doctor"], by=centre.meng, **given)
    for other in (town.zhao, centre.cai):
        with pytest.raises(Unseen):
            delegate_post(from_post=centre.posts["market-officer"], to_post=centre.posts["planning-officer"], by=other, **given)
    row = delegate(centre, "market-officer", "planning-officer", on(6, 6), on(6, 8))
    with pytest.raises(Invalid, match="stands in at that time already"):
        delegate(centre, "market-officer", "order-officer", on(6, 7), on(6, 9))
    assert end_delegation(row, by=centre.meng, at=on(6, 7)).to_at == on(6, 7)
    with pytest.raises(Stale):
        end_delegation(row, by=centre.meng, at=on(6, 8))
    later = delegate(centre, "market-officer", "order-officer", on(6, 20), on(6, 21), at=on(6, 8))
    end_delegation(later, by=centre.meng, at=on(6, 8))
    assert Delegation.objects.count() == 1


def test_a_deputy_covers_an_absence_and_an_escalated_step_stays_where_it_climbed(centre: Centre) -> None:
    Posting.objects.filter(user__username="cai").update(to_at=on(6, 6))
    user = User.objects.create_user("bai", password="correct horse", name_zh="白", name_en="Bai")
    Posting.objects.create(
        user=user, post=centre.posts["market-officer"], from_at=datetime(2022, 1, 1, tzinfo=UTC), deputy_for_id=centre.cai.user_id
    )
    row = centre.accepted(at=on(6, 6, 10))
    step = centre.step(row, "s2")
    assert step.dossier.assignments.get().user == user
    assert start_step(step, by=actor_for(user, on(6, 6, 11)), at=on(6, 6, 11)).started_at == on(6, 6, 11)
    late = step.due_at + timedelta(minutes=1)
    assert escalate(step.dossier, by=SYSTEM, at=late) is not None
    assert centre.step(row, "s2").dossier.owner_post == centre.posts["service-leader"] and keep_approvals(at=late) == 0


def test_the_chain_is_followed_at_an_instant() -> None:
    known = [Standing("a", "b", on(6, 1), on(6, 3)), Standing("b", "c", on(6, 2), on(6, 4))]
    assert (
        stands_in("a", known, on(6, 1)) == ["a", "b"]
        and stands_in("a", known, on(6, 2)) == ["a", "b", "c"]
        and stands_in("a", known, on(6, 3)) == ["a"]
    )
    assert circle_with(Standing("c", "a", on(6, 1), on(6, 9)), known) == ["c", "a", "b", "c"]
    assert circle_with(Standing("c", "a", on(6, 3), on(6, 9)), known) == []
