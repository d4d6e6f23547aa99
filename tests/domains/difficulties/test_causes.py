"""Difficulties of several firms with one cause: one case for one unit; every firm in it is asked."""

import pytest

from tests.domains.difficulties.firms import DAY, Workshop
from tests.fixtures_town import AT
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.domains.difficulties.actions import answer_cause, join_cause, open_cause
from tongchou.domains.difficulties.models import Cause, Difficulty
from tongchou.domains.difficulties.queries import alike_to, causes_seen, repeated_causes
from tongchou.domains.difficulties.rules import NotYours

WORDS = "省际通行证办不下来"


def caused(shop: Workshop, *rows: Difficulty) -> Cause:
    return open_cause(
        of=[r.dossier.number for r in rows],
        words=WORDS,
        post=shop.town.posts["trace-leader"],
        place=shop.town.town,
        by=shop.town.lin,
        at=AT,
    )


def test_one_case_for_the_unit_and_every_firm_is_asked_until_all_have_said_so(shop: Workshop) -> None:
    first, second, done = shop.raised(), shop.routed(shop.raised(shop.firms[2])), shop.answered(shop.routed(shop.raised(shop.firms[1])))
    cause = caused(shop, first, second, done)
    assert cause.dossier.number == "GX-2022-0001" and cause.kind == "passage"
    states = dict(Difficulty.objects.order_by("pk").values_list("dossier__number", "dossier__state"))
    assert list(states.values()) == ["routed", "routed", "answered"]
    with pytest.raises(NotYours):
        answer_cause(cause, outcome="done", answer="已与交管对接", by=shop.town.lin, at=AT)
    asked = answer_cause(cause, outcome="done", answer="已与交管对接，凭码通行", by=shop.town.gao, at=AT)
    assert asked == [first, second] and Notice.objects.filter(user_id=shop.town.wu.user_id, text_en__contains="ask the firm").count() == 2
    for row in (first, second, done):
        row.refresh_from_db()
        assert row.dossier.state == "answered"
    shop.says(first, "not_yet")
    shop.says(done)
    assert [row.pk for row in answer_cause(cause, outcome="part", answer="再补一张证", by=shop.town.gao, at=AT)] == [first.pk]
    (listed,) = causes_seen(shop.town.lin)
    assert (listed.n, listed.waiting, listed.dossier.state) == (3, 2, "answered")
    shop.says(first)
    shop.says(second, by=shop.town.lin)
    cause.refresh_from_db()
    assert cause.dossier.state == "closed"
    with pytest.raises(Stale):
        answer_cause(cause, outcome="done", answer="再答一次", by=shop.town.gao, at=AT)


def test_one_firm_is_no_common_cause_and_nothing_belongs_to_two(shop: Workshop) -> None:
    first, second, third = shop.raised(), shop.raised(kind="other"), shop.raised(shop.firms[1])
    with pytest.raises(Invalid, match="at least two firms"):
        caused(shop, first, second)
    caused(shop, first, third)
    with pytest.raises(Invalid, match="KN-2022-0003 belong"):
        caused(shop, second, third)
    with pytest.raises(Unseen):
        open_cause(
            of=["KN-2022-0002", "KN-2022-0099"],
            words=WORDS,
            post=shop.town.posts["trace-leader"],
            place=shop.town.town,
            by=shop.town.lin,
            at=AT,
        )
    for other in (shop.town.zhao, shop.town.gao):
        with pytest.raises(Unseen):
            open_cause(of=[], words=WORDS, post=shop.town.posts["trace-leader"], place=shop.town.town, by=other, at=AT)


def test_what_several_firms_say_alike_is_proposed_until_somebody_confirms_it(shop: Workshop) -> None:
    far = ("采样点太远了，员工要走半小时", "采样点离厂太远，员工走过去半小时", "采样点太远，员工要走很久")
    rows = [shop.raised(firm, kind="testing", words=words) for firm, words in zip(shop.firms, far, strict=True)]
    shop.raised(kind="testing", words="采样点太远了，员工要走半小时左右")
    alone, gone = shop.raised(kind="other", words="门口路灯坏了一周"), shop.raised(shop.firms[1], words="采样点太远了，员工走不动")
    shop.says(gone, "withdrawn")
    (found,) = repeated_causes(shop.town.lin, shop.town.town.path, AT)
    assert found.firm_count == 3 and len(found.rows) == 4 and found.kind == "testing" and alone not in found.rows and gone not in found.rows
    assert [one.firm_count for one in repeated_causes(shop.town.wu, shop.town.town.path, AT)] == [2], "of one's own village only"
    assert (
        repeated_causes(shop.town.zhao, shop.town.town.path, AT) == [] == repeated_causes(shop.town.lin, shop.town.town.path, AT + 61 * DAY)
    )
    caused(shop, *rows)
    assert repeated_causes(shop.town.lin, shop.town.town.path, AT) == []


def test_what_is_said_later_and_alike_may_be_put_to_a_cause_that_is_not_over(shop: Workshop) -> None:
    words = ("采样点太远了，员工要走半小时", "采样点离厂太远，员工走过去半小时")
    cause = caused(shop, *(shop.raised(firm, kind="testing", words=said) for firm, said in zip(shop.firms, words, strict=False)))
    later, other = (
        shop.raised(shop.firms[2], kind="testing", words="采样点太远，员工要走很久"),
        shop.raised(kind="other", words="门口路灯坏了一周"),
    )
    assert alike_to(cause, shop.town.lin, AT) == [later] and alike_to(cause, shop.town.zhao, AT) == []
    for of, by, wrong in (
        (["KN-2022-0099"], shop.town.lin, Unseen),
        ([], shop.town.lin, Invalid),
        ([later.dossier.number], shop.town.gao, Unseen),
        (["KN-2022-0001"], shop.town.lin, Invalid),
    ):
        with pytest.raises(wrong):
            join_cause(cause, of=of, by=by, at=AT)
    join_cause(cause, of=[later.dossier.number], by=shop.town.lin, at=AT)
    later.refresh_from_db()
    assert (later.cause_id, later.dossier.owner_post) == (cause.pk, shop.town.posts["trace-leader"]) and alike_to(
        cause, shop.town.lin, AT
    ) == []
    for row in answer_cause(cause, outcome="done", answer="园区设了采样点", by=shop.town.gao, at=AT):
        shop.says(row, by=shop.town.lin)
    with pytest.raises(Stale, match="is over"):
        join_cause(cause, of=[other.dossier.number], by=shop.town.lin, at=AT)
