"""A firm merges, splits, moves away, is struck off: nothing is lost, nobody is paid twice."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.domains.difficulties.firms import firm_in
from tests.domains.policies.offices import Office, office
from tests.fixtures_town import AT, Town
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.wording import use_language
from tongchou.domains.firms.actions import give_address
from tongchou.domains.firms.models import FirmAddress, FirmFact, Succession
from tongchou.domains.policies.actions_awards import HandedOver, approve_list, pay_awards
from tongchou.domains.policies.models import Award
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.queries import resumption_by_sector
from tongchou.workflows.firm_file import known_of, open_file, policies_for
from tongchou.workflows.succeeding import succeed

DAY = AT.date()


@pytest.fixture
def desk(small_town: Town, tmp_path: Path) -> Iterator[Office]:
    with use_language("en"):
        made = office(small_town, tmp_path)
        made.knows(0, insured_staff="12", hard_hit="true")
        made.entitled()
        yield made


def gone(desk: Office, kind: str, successor: Firm | None = None, firm: int = 0) -> HandedOver:
    return succeed(desk.firms[firm], kind, successor=successor, on=DAY, reason="工商变更通知", by=desk.town.lin, at=AT)


def test_what_is_approved_goes_to_the_firm_it_merged_into_the_rest_lapses(desk: Office) -> None:
    approve_list(desk.listed(), by=desk.town.fang, at=AT)
    give_address(firm=desk.firms[0], by=desk.town.lin, at=AT)
    fresh = firm_in(desk.town.villages[1], 9)
    assert gone(desk, "merged", fresh) == HandedOver(passed_on=1, lapsed=1, left=0)
    passed = Award.objects.get(firm=fresh, measure="GRANT")
    assert (passed.state, passed.yuan) == ("approved", Decimal(6000)) and desk.award("DEFER").state == "lapsed"
    assert Firm.objects.get(pk=desk.firms[0].pk).ended_on == DAY and not FirmAddress.objects.filter(ended_at=None).exists()
    done = desk.entitled()
    assert done.firms == 3 and sum(share.firm_count for share in resumption_by_sector(desk.town.town.path)) == 3
    with pytest.raises(Stale, match="ended already"):
        gone(desk, "struck_off")


def test_what_both_have_is_left_to_a_person(desk: Office) -> None:
    approve_list(desk.listed(), by=desk.town.fang, at=AT)
    assert gone(desk, "merged", desk.firms[1]) == HandedOver(passed_on=0, lapsed=1, left=1)
    assert desk.award("GRANT").state == "approved" and desk.award("GRANT", 1).yuan is None


@pytest.mark.parametrize("kind", ["moved", "struck_off"])
def test_a_firm_that_is_gone_is_due_nothing_new(desk: Office, kind: str) -> None:
    assert gone(desk, kind) == HandedOver(passed_on=0, lapsed=2, left=0)
    desk.entitled()
    assert {a.state for a in Award.objects.filter(firm=desk.firms[0])} == {"lapsed"}


def test_what_a_firm_took_another_split_off_it_cannot_have_again(desk: Office) -> None:
    row = approve_list(desk.listed(), by=desk.town.fang, at=AT)
    pay_awards(row, paid={desk.award("GRANT").pk: "A1"}, on=DAY, by=desk.town.lin, at=AT)
    child = firm_in(desk.town.villages[0], 8)
    desk.entitled()
    assert Award.objects.filter(firm=child, measure="GRANT", state="due").exists()
    gone(desk, "split", child)
    desk.entitled()
    assert Award.objects.get(firm=child, measure="GRANT").state == "lapsed" and desk.award("GRANT").state == "paid"
    assert Firm.objects.get(pk=desk.firms[0].pk).ended_on is None


def test_a_fact_that_a_later_book_words_otherwise_is_not_known(desk: Office) -> None:
    FirmFact.objects.filter(field="insured_staff").update(value="a dozen")
    FirmFact.objects.filter(field="hard_hit").update(value="perhaps")
    desk.entitled()
    assert desk.award("GRANT").yuan is None and desk.award("DEFER").state == "lapsed"
    file = open_file(desk.firms[0])
    assert file is not None and {offer.measure.id for offer in policies_for(file, DAY).could} == {"FLAT", "DEFER"}
    assert "hard_hit" not in {fact.field.name for fact in known_of(file)}


def test_what_is_wrong_is_named_and_nothing_is_half_done(desk: Office) -> None:
    first, second, _ = desk.firms
    given = {"by": desk.town.lin, "at": AT, "reason": "工商变更通知"}
    for kind, successor, on, said in (
        ("merged", None, DAY, "name the other firm"), ("moved", second, DAY, "the others none"), ("merged", first, DAY, "another firm"),
        ("melted", None, DAY, "Choose what happened"), ("moved", None, DAY + timedelta(days=1), "in the future"),
    ):  # fmt: skip
        with pytest.raises(Invalid, match=said):
            succeed(first, kind, successor=successor, on=on, **given)
    for who in (desk.town.zhao, desk.town.gao):
        with pytest.raises(Unseen):
            succeed(first, "moved", successor=None, on=DAY, **{**given, "by": who})
    assert not Succession.objects.exists() and not Firm.objects.exclude(ended_on=None).exists()
