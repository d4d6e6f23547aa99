"""What firms are due: found, told once, listed, approved by a second person, paid once; and a book that changes afterwards."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.domains.policies.offices import BOOK, OWNER, Office, book_from
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.domains.policies.actions_awards import approve_list, claim_award, note_receipt, pay_awards, refuse_award, refuse_list
from tongchou.domains.policies.models import Award, FirmNotice
from tongchou.domains.policies.queries import tallies, unreached
from tongchou.workflows.entitling import compare
from tongchou.workflows.firm_file import claim


def test_the_town_is_matched_and_each_firm_told_once(desk: Office) -> None:
    desk.knows(0, insured_staff="12", layoff_rate="0.01")
    done = desk.entitled()
    assert (done.firms, done.kept.new, done.told) == (3, 3, 3)
    # Twelve heads are worth 6,000, more than the flat 2,000, and both cannot be had; of the others the heads are not known.
    assert desk.sums() == {
        ("示例企业1", "GRANT"): ("due", Decimal(6000)), ("示例企业2", "GRANT"): ("due", None), ("示例企业3", "GRANT"): ("due", None),
    }  # fmt: skip
    again = desk.entitled()
    assert (again.kept.new, again.kept.lapsed, again.kept.changed, again.told) == (0, 0, 0, 0) and FirmNotice.objects.count() == 3


def test_what_changes_is_reckoned_anew_and_what_is_new_is_told(desk: Office) -> None:
    desk.entitled()
    desk.knows(0, insured_staff="2", layoff_rate="0.01", hard_hit="是")
    done = desk.entitled()
    # Two heads are worth 1,000: the flat grant is more, and the deferral is new.
    assert desk.sums()["示例企业1", "FLAT"] == ("due", Decimal(2000)) and desk.sums()["示例企业1", "DEFER"] == ("due", None)
    assert desk.award("GRANT").state == "lapsed" and done.told == 1
    desk.knows(0, insured_staff="12")
    desk.entitled()
    assert desk.award("GRANT").state == "due" and desk.award("FLAT").state == "lapsed"


@pytest.mark.parametrize(("who", "why"), [("wu", "policy.work"), ("zhao", "another town")])
def test_matching_is_for_the_office_of_the_town(desk: Office, who: str, why: str) -> None:
    from tongchou.workflows.entitling import entitle

    with pytest.raises(Unseen):
        entitle(desk.town.town, by=getattr(desk.town, who), at=AT)
    assert not Award.objects.exists(), why


def test_one_prepares_another_approves_and_money_goes_out_once(desk: Office) -> None:
    desk.knows(0, insured_staff="12")
    desk.knows(1, insured_staff="3")
    desk.entitled()
    row = desk.listed()
    assert Award.objects.filter(payment_list=row, state="listed").count() == 2 and desk.award("GRANT", 2).state == "due"
    with pytest.raises(Unseen):
        approve_list(row, by=desk.town.lin, at=AT)
    approve_list(row, by=desk.town.fang, at=AT)
    first, second = Award.objects.filter(payment_list=row).order_by("pk")
    assert pay_awards(row, paid={first.pk: "A1"}, on=AT.date(), by=desk.town.lin, at=AT) == 1
    with pytest.raises(Invalid, match="1 are not waiting"):
        pay_awards(row, paid={first.pk: "A1", second.pk: "A2"}, on=AT.date(), by=desk.town.lin, at=AT)
    with pytest.raises(Invalid, match="in the future"):
        pay_awards(row, paid={second.pk: "A2"}, on=AT.date() + timedelta(days=1), by=desk.town.lin, at=AT)
    pay_awards(row, paid={second.pk: "A2"}, on=AT.date(), by=desk.town.lin, at=AT)
    row.dossier.refresh_from_db()
    assert row.dossier.state == "paid" and desk.award("GRANT").paid_yuan == Decimal(6000)
    desk.entitled()
    assert desk.award("GRANT").state == "paid"
    with pytest.raises(Refusal, match="No firm waits"):
        desk.listed()
    assert Entry.objects.filter(action="award.pay").count() == 2


def test_whoever_prepared_a_list_does_not_decide_it(desk: Office) -> None:
    desk.knows(0, insured_staff="12")
    desk.entitled()
    row = desk.listed()
    row.prepared_by_id = desk.town.fang.user_id
    row.save()
    with pytest.raises(Invalid, match="Somebody other"):
        approve_list(row, by=desk.town.fang, at=AT)


def test_a_list_sent_back_leaves_its_firms_waiting_as_before(desk: Office) -> None:
    desk.knows(0, insured_staff="1", layoff_rate="0.01")
    desk.entitled()
    claim(desk.firms[0], "FLAT", by=OWNER, at=AT)
    row = desk.listed("FLAT")
    with pytest.raises(Invalid):
        refuse_list(row, reason="不", by=desk.town.fang, at=AT)
    refuse_list(row, reason="名单要再核", by=desk.town.fang, at=AT)
    assert desk.award("FLAT").state == "claimed" and desk.award("FLAT").payment_list is None
    assert desk.listed("FLAT").dossier.number != row.dossier.number


def test_a_measure_without_a_sum_is_listed_once_claimed(desk: Office) -> None:
    desk.knows(0, hard_hit="true")
    desk.entitled()
    with pytest.raises(Refusal, match="No firm waits"):
        desk.listed("DEFER")
    claim(desk.firms[0], "DEFER", by=OWNER, at=AT)
    with pytest.raises(Stale, match="allowed now"):
        claim(desk.firms[0], "DEFER", by=OWNER, at=AT)
    with pytest.raises(Unseen):
        claim(desk.firms[0], "LARGE", by=OWNER, at=AT)
    row = approve_list(desk.listed("DEFER"), by=desk.town.fang, at=AT)
    pay_awards(row, paid={desk.award("DEFER").pk: ""}, on=AT.date(), by=desk.town.lin, at=AT)
    assert (desk.award("DEFER").state, desk.award("DEFER").paid_yuan) == ("paid", 0)


def test_a_refused_claim_says_why_and_may_be_made_again(desk: Office) -> None:
    desk.knows(0, hard_hit="true")
    desk.entitled()
    row = claim(desk.firms[0], "DEFER", by=OWNER, at=AT)
    with pytest.raises(Unseen):
        refuse_award(row, reason="材料对不上", by=desk.town.lin, at=AT)
    refuse_award(row, reason="材料对不上", by=desk.town.fang, at=AT)
    assert desk.award("DEFER").answer == "材料对不上"
    assert claim_award(desk.award("DEFER"), by=OWNER, at=AT).state == "claimed"


def test_who_has_one_of_two_that_exclude_each_other_gets_no_second(desk: Office) -> None:
    desk.knows(0, insured_staff="12", layoff_rate="0.01")
    desk.entitled()
    approve_list(desk.listed("GRANT"), by=desk.town.fang, at=AT)
    desk.knows(0, insured_staff="1")
    desk.entitled()
    # The flat grant is worth more now, but the other is on its way: what is approved stays, and nothing is paid beside it.
    assert (desk.award("GRANT").state, desk.award("FLAT").state) == ("approved", "due")
    with pytest.raises(Refusal, match="No firm waits"):
        desk.listed("FLAT")


def test_a_book_changed_afterwards_takes_nothing_back_and_pays_the_difference_only(desk: Office) -> None:
    desk.knows(0, insured_staff="12")
    desk.knows(1, insured_staff="3")
    desk.entitled()
    row = approve_list(desk.listed(), by=desk.town.fang, at=AT)
    pay_awards(
        row,
        paid=dict.fromkeys(Award.objects.filter(payment_list=row).values_list("pk", flat=True), "A"),
        on=AT.date(),
        by=desk.town.lin,
        at=AT,
    )
    more = BOOK.replace("per_person: 500", "per_person: 600").replace(
        "criteria: {size: [small, micro]}", "criteria: {size: [small, micro], insured_staff_min: 5}"
    )
    shifts = {s.measure: s for s in compare(book_from(desk.folder, more), desk.town.town.path, AT.date())}
    # The third firm's staff is not known: it had a yes without a sum, and loses it.
    assert (shifts["GRANT"].gain, shifts["GRANT"].lose, shifts["GRANT"].other_sum) == (0, 2, 1)
    assert (shifts["GRANT"].yuan_before, shifts["GRANT"].yuan_after) == (7500, 7200)
    desk.publish(more)
    desk.entitled()
    gainer, loser = desk.award("GRANT"), desk.award("GRANT", 1)
    assert (gainer.state, gainer.yuan, gainer.paid_yuan) == ("due", Decimal(7200), Decimal(6000))
    assert (loser.state, loser.yuan, loser.paid_yuan) == ("paid", Decimal(1500), Decimal(1500))
    second = approve_list(desk.listed(), by=desk.town.fang, at=AT)
    pay_awards(second, paid={gainer.pk: "B"}, on=AT.date(), by=desk.town.lin, at=AT)
    assert desk.award("GRANT").paid_yuan == Decimal(7200)
    with pytest.raises(Refusal):
        desk.listed()


def test_a_receipt_is_the_firms_own_or_that_of_whoever_told_it(desk: Office) -> None:
    desk.entitled()
    later = AT + timedelta(days=4)
    assert unreached(desk.town.lin, later).count() == 3 and unreached(desk.town.wu, later).count() == 2
    note_receipt(firm=desk.firms[0], by=OWNER, at=later)
    note_receipt(firm=desk.firms[1], by=desk.town.wu, at=later)
    with pytest.raises(Stale):
        note_receipt(firm=desk.firms[0], by=OWNER, at=later)
    with pytest.raises(Unseen):
        note_receipt(firm=desk.firms[2], by=desk.town.wu, at=later)
    assert [n.read_by_id for n in FirmNotice.objects.order_by("pk")] == [None, desk.town.wu.user_id, None]
    assert unreached(desk.town.lin, later).count() == 1 and tallies(desk.town.town.path)["GRANT"].read == 2
