"""Facts of firms: read in their own words, each once, with a source and a day; and the address of a firm's own page."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.domains.policies.offices import Office, book_from, office
from tests.fixtures_town import AT, Town
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.wording import use_language
from tongchou.domains.firms.actions import Origin, end_address, give_address, record_facts, record_many
from tongchou.domains.firms.models import FirmFact
from tongchou.domains.firms.queries import facts_of, firm_behind
from tongchou.domains.firms.rules import entity_of, register_facts

OFFICE = Origin("office", AT.date(), "税务局清单")


@pytest.fixture
def desk(small_town: Town, tmp_path: Path) -> Iterator[Office]:
    with use_language("en"):
        yield office(small_town, tmp_path)


def record(desk: Office, given: dict[str, str], who: str = "lin", origin: Origin = OFFICE) -> dict[str, str]:
    fields = book_from(desk.folder).fields
    return record_facts(firm=desk.firms[0], given=given, fields=fields, origin=origin, by=getattr(desk.town, who), at=AT)


def test_a_fact_stands_until_a_newer_one_ends_it(desk: Office) -> None:
    assert record(desk, {"vat": "一般纳税人", "monthly_rent": "12,000"}) == {"vat": "general", "monthly_rent": "12000"}
    assert record(desk, {"vat": "general", "monthly_rent": "9000"}, "wu") == {"monthly_rent": "9000"}
    stands = facts_of(desk.firms[0].pk)
    assert {name: fact.value for name, fact in stands.items()} == {"vat": "general", "monthly_rent": "9000"}
    assert FirmFact.objects.filter(field="monthly_rent", ended_at=AT).get().value == "12000"
    record(desk, {"monthly_rent": ""})
    assert set(facts_of(desk.firms[0].pk)) == {"vat"}
    with pytest.raises(Refusal, match="Nothing was changed"):
        record(desk, {"vat": "general"})


def test_every_wrong_field_is_named_and_nothing_is_kept(desk: Office) -> None:
    with pytest.raises(Invalid) as wrong:
        record(desk, {"vat": "perhaps", "size": "large", "weather": "fine", "monthly_rent": "100"})
    assert {p.field for p in wrong.value.problems} == {"vat", "size", "weather"} and not FirmFact.objects.exists()
    with pytest.raises(Invalid, match="in the future"):
        record(desk, {"monthly_rent": "100"}, origin=Origin("office", AT.date() + timedelta(days=1)))


def test_facts_are_written_by_those_who_keep_the_register_there(desk: Office) -> None:
    for who in ("zhao", "gao"):
        with pytest.raises(Unseen):
            record(desk, {"monthly_rent": "1"}, who)


def test_many_are_recorded_at_once_and_again_nothing_is_new(desk: Office) -> None:
    pks = [firm.pk for firm in desk.firms]
    rows = [(pk, "insured_staff", "5") for pk in pks] + [(pks[0], "insured_staff", "6")]
    given = {"origin": OFFICE, "place": desk.town.town, "by": desk.town.lin, "at": AT}
    assert record_many(rows=rows, **given) == 3
    assert record_many(rows=rows, **given) == 0 and facts_of(pks[0])["insured_staff"].value == "6"
    with pytest.raises(Invalid, match="1 firms are elsewhere"):
        record_many(rows=[(pks[2], "insured_staff", "7")], **{**given, "place": desk.town.villages[0]})


def test_an_address_can_be_printed_again_until_it_ends(desk: Office) -> None:
    firm, lin = desk.firms[0], desk.town.lin
    first = give_address(firm=firm, by=lin, at=AT)
    assert give_address(firm=firm, by=desk.town.wu, at=AT) == first and firm_behind(first) == firm
    end_address(firm=firm, reason="链接外传", by=lin, at=AT)
    with pytest.raises(Unseen):
        firm_behind(first)
    second = give_address(firm=firm, by=lin, at=AT)
    assert second != first and firm_behind(second) == firm and len(second) == 32
    end_address(firm=firm, reason="又外传", by=lin, at=AT)
    with pytest.raises(Stale):
        end_address(firm=firm, reason="再次", by=lin, at=AT)
    with pytest.raises(Unseen):
        give_address(firm=firm, by=desk.town.zhao, at=AT)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("91310118MA1TEST001", "firm"),
        ("92310118MA1TEST001", "self_employed"),
        ("52310118MA1TEST001", "nonprofit"),
        ("11310118MA1TEST001", None),
    ],
)
def test_the_kind_of_a_body_stands_in_its_credit_code(code: str, kind: str | None) -> None:
    assert entity_of(code) == kind


def test_a_figure_of_nought_in_the_register_is_one_nobody_gave() -> None:
    facts = register_facts(
        credit_code="91310118MA1TEST001",
        size_class="micro",
        industry="6210",
        staff_count=0,
        revenue_cny_10k=0,
        assets_cny_10k=None,
        district="青浦区",
    )
    assert facts == {"kind": "firm", "size": "micro", "gbt": "6210", "district": "青浦区"}
