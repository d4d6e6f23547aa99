"""Permits to pass and sampling sites given on account of a difficulty: signed, checked at doors as any pass, ended, taken back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.domains.difficulties.firms import DAY, HOUR, SYSTEM, Workshop, workshop
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.passes.actions import rotate_key
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import status_lists, trusted_keys
from tongchou.core.passes.tokens import read_pass
from tongchou.core.people.rules import Actor
from tongchou.core.wording import use_language
from tongchou.domains.difficulties.actions_permits import PermitSpec
from tongchou.domains.difficulties.models import Difficulty, Permit
from tongchou.domains.difficulties.queries import seen_permit
from tongchou.domains.gate.models import Holder
from tongchou.domains.gate.rules import FREE, EntryRule, decide
from tongchou.domains.testing.models import Site
from tongchou.workflows.solving import permit, sample_at, shown_permit, shown_permits, take_back


@pytest.fixture
def shop(installed_town: Town) -> Iterator[Workshop]:
    with use_language("en"):
        made = workshop(installed_town)
        rotate_key(town=installed_town.town, seed=b"\1" * 32, trusted_for=9 * DAY, by=SYSTEM, at=AT)
        yield made


def issued(
    shop: Workshop, row: Difficulty | None = None, *, by: Actor | None = None, number: int = 77, at: Any = AT, **given: Any
) -> Permit:
    spec = {
        "subject": "沪A·D1234",
        "phone": "13800000000",
        "purpose": "送原料",
        "way": "沪苏道口至前明路",
        "until_at": AT + 2 * DAY,
    } | given
    return permit(row or shop.routed(), PermitSpec(**spec), chance=lambda: number, by=by or shop.town.gao, at=at)


def at_the_door(row: Permit, at: Any = AT, *, takes_permits: bool = True, test_hours: int | None = 72) -> str:
    text = shown_permit(row).text
    assert text is not None
    lists, rule = status_lists(at), EntryRule(("all",), FREE.from_on, None, test_hours, True, FREE.source, takes_permits=takes_permits)
    shown = read_pass(text, trusted_keys(at))
    return decide(
        shown, rule, town="310118106", at_s=int(at.timestamp()), revoked=lists["revocation"], suspended=lists["suspension"]
    ).reason


def test_a_permit_is_a_signed_pass_that_opens_the_doors_which_take_permits_until_its_end(shop: Workshop) -> None:
    row = issued(shop)
    assert (row.issued.kind, row.subject, row.holder.name, row.issued_by_id) == ("passage", "沪A·D1234", "沪A·D1234", shop.town.gao.user_id)
    assert [at_the_door(row), at_the_door(row, takes_permits=False), at_the_door(row, AT + 2 * DAY)] == ["ok", "wrong_kind", "expired"]
    assert [one.permit for one in shown_permits(row.difficulty.firm_id, AT)] == [row] and not shown_permits(
        row.difficulty.firm_id, AT + 2 * DAY
    )
    assert seen_permit(row.pk, shop.town.wu) == row and Entry.objects.filter(action="difficulty.permit").exists()
    with pytest.raises(Unseen):
        seen_permit(row.pk, shop.town.zhao)


def test_taken_back_it_opens_no_door(shop: Workshop) -> None:
    row = issued(shop)
    for reason, by, wrong in (("", shop.town.gao, Invalid), ("车已卖掉", shop.town.wu, Unseen), ("车已卖掉", shop.town.zhao, Unseen)):
        with pytest.raises(wrong):
            take_back(row, reason=reason, by=by, at=AT)
    take_back(row, reason="车已卖掉了", by=shop.town.lin, at=AT + HOUR)
    assert at_the_door(row, AT + HOUR) == "revoked" and not shown_permits(row.difficulty.firm_id, AT + HOUR)
    with pytest.raises(Stale):
        take_back(seen_permit(row.pk, shop.town.lin), reason="车已卖掉了", by=shop.town.lin, at=AT + HOUR)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"subject": "车"}, "subject"), ({"purpose": ""}, "purpose"), ({"way": " "}, "way"), ({"until_at": AT}, "until_at"), ({"until_at": AT + 7 * DAY + timedelta(minutes=1)}, "until_at"), ({"phone": "12"}, "phone")],
    ids=["subject", "purpose", "way", "past", "long", "phone"],
)  # fmt: skip
def test_a_permit_asked_for_wrong_leaves_nothing_signed(shop: Workshop, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        issued(shop, **given)
    assert [p.field for p in refused.value.problems] == [field]
    assert not IssuedPass.objects.exists() and not Holder.objects.exists() and not Permit.objects.exists()


def test_who_may_not_and_what_is_over_gets_no_permit(shop: Workshop) -> None:
    row = shop.answered()
    for who in (shop.town.wu, shop.town.zhao, shop.town.chen):
        with pytest.raises(Unseen):
            issued(shop, row, by=who)
    shop.says(row)
    with pytest.raises(Stale, match="is over"):
        issued(shop, row)
    assert not IssuedPass.objects.exists()


def test_without_a_key_or_with_another_nothing_is_shown_that_would_not_open(shop: Workshop) -> None:
    row = issued(shop)
    rotate_key(town=shop.town.town, seed=b"\2" * 32, trusted_for=9 * DAY, by=SYSTEM, at=AT + HOUR)
    assert shown_permit(seen_permit(row.pk, shop.town.lin)).text is None
    shop.town.town.__class__.objects.filter(pk=shop.town.town.pk).update(code="000")
    with pytest.raises(Refusal):
        issued(shop, number=78)


def test_a_sampling_site_is_set_up_at_the_firm_once(shop: Workshop) -> None:
    row = shop.routed(shop.raised(kind="testing"))
    site = sample_at(row, begins="16:00", ends="20:00", booths=1, staff=2, by=shop.town.gao, at=AT)
    assert (site.code, site.place_id, site.name_zh) == ("KN-2022-0001", row.dossier.place_id, "示例企业1采样点")
    for given, wrong in (({}, Invalid), ({"begins": "soon"}, Invalid), ({"by": shop.town.wu}, Unseen), ({"by": shop.town.zhao}, Unseen)):
        with pytest.raises(wrong):
            sample_at(row, **{"begins": "16:00", "ends": "20:00", "booths": 1, "staff": 2, "by": shop.town.gao} | given, at=AT)
    assert Site.objects.count() == 1 and Entry.objects.get(action="difficulty.sampling").reason == "16:00–20:00"
