"""Identity cards at a door: what the house knows of their holders, as if each had shown a pass."""

from datetime import timedelta

import pytest

from tests.fixtures_town import AT, Town
from tongchou.core.passes.actions import Application, issue_passes, revoke_pass, rotate_key, suspend_passes
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import status_lists
from tongchou.core.passes.status_lists import is_set
from tongchou.core.people.rules import system_actor
from tongchou.core.secrecy import blind_index
from tongchou.domains.gate.actions import learn_facts, register_residents, register_visitor
from tongchou.domains.gate.queries import passes_by_card
from tongchou.domains.registry.models import Resident

BY = system_actor("test")
VISITOR, RESIDENT, NOBODY = "31019919900101123X", "310199198505050016", "310199197001010014"


@pytest.fixture
def known(small_town: Town) -> Town:
    """A resident (holder 1, tested an hour ago) and a visitor (holder 2), with a key to sign passes."""
    village = small_town.villages[0]
    person = Resident.objects.create(
        name="王五", place=village, id_number=RESIDENT, id_index=blind_index(RESIDENT), sex="m", born_on=AT.date(), changed_at=AT
    )
    register_residents(numbers={person.pk: 1}, by=BY, at=AT)
    register_visitor(number=2, name="赵六", phone="13800000000", id_number=VISITOR, place=village, by=BY, at=AT)
    learn_facts(sampled_at={1: AT - timedelta(hours=1)}, doses={}, by=BY, at=AT)
    rotate_key(town=small_town.town, seed=b"\1" * 32, trusted_for=timedelta(days=9), by=BY, at=AT)
    return small_town


def issue(town: Town, holder: int) -> IssuedPass:
    issue_passes(issuer=town.town, applications=[Application(holder, {}, timedelta(days=2), town.villages[0])], by=BY, at=AT)
    return IssuedPass.objects.latest("pk")


def suspend(town: Town, holder: int) -> None:
    suspend_passes(
        holder=holder, issuer=town.town, place=town.villages[0], until_at=AT + timedelta(days=7), reason="TX-2022-0001", by=BY, at=AT
    )


def test_residents_and_visitors_are_known_and_nobody_else(known: Town) -> None:
    found = passes_by_card([RESIDENT, VISITOR, NOBODY], "310118106", AT)
    assert {card: (shown.holder, dict(shown.facts)) for card, shown in found.items()} == {
        RESIDENT: (1, {"sampled_at": int(AT.timestamp()) - 3600}),
        VISITOR: (2, {}),
    }
    assert not is_set({0: b"\xff" * 16384}, found[RESIDENT].status_index)  # without a pass in no status list


def test_who_is_suspended_is_so_by_card_too(known: Town) -> None:
    issue(known, 1)
    suspend(known, 1)
    shown = passes_by_card([RESIDENT], "310118106", AT)[RESIDENT]
    assert is_set(status_lists(AT)["suspension"], shown.status_index)


@pytest.mark.parametrize("days", [0, 3, 6], ids=["at once", "when the pass has expired", "to the end"])
@pytest.mark.parametrize("has_pass", [True, False], ids=["with a pass", "without one"])
def test_the_card_is_refused_to_the_end_whatever_becomes_of_the_pass(known: Town, has_pass: bool, days: int) -> None:
    if has_pass:
        issue(known, 1)
    suspend(known, 1)
    at = AT + timedelta(days=days)
    shown = passes_by_card([RESIDENT], "310118106", at)[RESIDENT]
    assert is_set(status_lists(at)["suspension"], shown.status_index)


def test_a_suspension_is_not_escaped_by_a_newer_pass(known: Town) -> None:
    issue(known, 1)
    suspend(known, 1)
    issue(known, 1)
    shown = passes_by_card([RESIDENT], "310118106", AT)[RESIDENT]
    assert is_set(status_lists(AT)["suspension"], shown.status_index)


def test_a_lost_and_revoked_pass_says_nothing_of_its_holder(known: Town) -> None:
    lost = issue(known, 1)
    revoke_pass(lost, reason="遗失 lost", by=BY, at=AT)
    shown = passes_by_card([RESIDENT], "310118106", AT)[RESIDENT]
    assert not is_set(status_lists(AT)["revocation"], shown.status_index)


def test_a_thousand_cards_take_three_queries(known: Town, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    cards = [f"{n:017d}0" for n in range(998)] + [RESIDENT, VISITOR]
    with django_assert_num_queries(3):
        assert set(passes_by_card(cards, "310118106", AT)) == {RESIDENT, VISITOR}
