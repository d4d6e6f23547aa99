"""Difficulties on the pages and for programs: written down, routed, promised, answered; the firm says on its own page whether it is solved."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.domains.difficulties.firms import DAY, SYSTEM, WORDS, Workshop, workshop
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.core.passes.actions import rotate_key
from tongchou.domains.difficulties.models import Difficulty, FirmWord
from tongchou.interfaces import clock
from tongchou.interfaces.web.pages import difficulties as pages

PAGE = "/difficulties/KN-2022-0001"
HEARD = {"verdict": "solved", "way": "phone", "spoke_to": "钱会计", "spoken_at": "2022-06-02T19:00"}


@pytest.fixture
def shop(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    monkeypatch.setattr(pages, "random_share", lambda: 0.99)
    yield workshop(installed_town)


def state() -> str:
    return Difficulty.objects.get().dossier.state


def test_from_the_first_word_to_the_firms_last_by_hand(shop: Workshop) -> None:
    wu, lin, gao = _as("wu"), _as("lin"), _as("gao")
    firm = shop.firms[0]
    assert f"?firm={firm.pk}" in wu.get("/difficulties/new", {"q": "示例企业"}).content.decode()
    form = {"firm": firm.pk, "kind": "passage", "words": WORDS, "source": "visit"}
    assert "written down" in _said(wu.post("/difficulties/new", form, follow=True))
    assert WORDS in lin.get("/difficulties/").content.decode() and "KN-2022-0001" in lin.get("/inbox/").content.decode()
    lin.post(f"{PAGE}/route", {"post": "trace-leader", "kind": "passage"})
    mine = gao.get(PAGE).content.decode()
    assert f'action="{PAGE}/answer"' in mine and f'action="{PAGE}/answer"' not in lin.get(PAGE).content.decode()
    gao.post(f"{PAGE}/promise", {"promised_at": "2022-06-04T12:00", "words": "后天前办好通行证"})
    gao.post(f"{PAGE}/answer", {"outcome": "done", "answer": "通行证已批"})
    assert state() == "answered"
    assert "Whom" in wu.get(PAGE).content.decode()
    wu.post(f"{PAGE}/hear", HEARD)
    text = lin.get(PAGE).content.decode()
    assert state() == "solved" and "钱会计" in text and "noted by Wu" in text and "Solved, says the firm" in text
    assert "KN-2022-0001" in lin.get("/difficulties/", {"stage": "over"}).content.decode()


def test_drawn_the_page_says_that_another_person_must_call(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "random_share", lambda: 0.0)
    shop.answered()
    assert "was drawn" in _said(_as("wu").post(f"{PAGE}/hear", HEARD, follow=True)) and state() == "to_check"
    assert "Somebody other" in _said(_as("wu").post(f"{PAGE}/hear", HEARD, follow=True))
    _as("lin").post(f"{PAGE}/hear", HEARD)
    assert state() == "solved"


@pytest.mark.parametrize(
    ("given", "said"),
    [({"words": "短"}, "at least four"), ({"kind": "weather"}, "kind of difficulty"), ({"source": "firm"}, "who raised it")],
    ids=["words", "kind", "source"],
)
def test_a_wrong_form_comes_back_as_filled_in(shop: Workshop, given: dict[str, str], said: str) -> None:
    form = {"firm": shop.firms[0].pk, "kind": "testing", "words": "采样点太远了", "source": "hotline"} | given
    answer = _as("lin").post("/difficulties/new", form)
    assert answer.status_code == 422 and said in answer.content.decode() and form["words"] in answer.content.decode()
    assert not Difficulty.objects.exists()


def test_elsewhere_is_nowhere(shop: Workshop) -> None:
    shop.raised()
    for who in ("zhao", "gao"):
        assert _as("zhao").get(PAGE).status_code == 404
        assert _as(who).post(f"{PAGE}/route", {"post": "trace-leader"}).status_code == 404
    elsewhere = shop.firms[2].pk
    assert _as("wu").post("/difficulties/new", {"firm": elsewhere, "kind": "other", "words": "别村的事"}).status_code == 404
    assert _as("wu").post(f"/firms/{elsewhere}/address").status_code == 404
    assert _as("wu").get("/difficulties/new", {"firm": "9" * 30}).status_code == 404


def own_page(shop: Workshop) -> tuple[Client, str]:
    told = _as("wu").post(f"/firms/{shop.firms[0].pk}/address").content.decode()
    (address,) = re.findall(r"http://testserver(/f/\w{32})<", told)
    return Client(enforce_csrf_checks=True), address


def test_the_firm_says_so_itself_at_an_address_nobody_can_guess(shop: Workshop) -> None:
    shop.answered()
    phone, address = own_page(shop)
    page = phone.get(address)
    text = page.content.decode()
    assert "通行证已批" in text and "解决了吗" in text and "示例企业1" in text and page["Referrer-Policy"] == "no-referrer"
    sent = phone.post(
        f"{address}/say", {"number": "KN-2022-0001", "verdict": "not_yet", "words": "还差一张"}, headers={"origin": "null"}, follow=True
    )
    assert sent.status_code == 200 and state() == "routed"
    shop.answered(Difficulty.objects.get())
    phone.post(f"{address}/say", {"number": "KN-2022-0001", "verdict": "solved"})
    word = FirmWord.objects.last()
    assert state() == "solved" and word is not None and (word.way, word.heard_by) == ("page", None)
    phone.post(f"{address}/say", {"number": "KN-2022-0001", "verdict": "again", "words": "又被拦了"})
    assert state() == "routed"
    phone.post(f"{address}/say", {"kind": "testing", "words": "夜班没有采样点"})
    assert list(Difficulty.objects.order_by("pk").values_list("source", flat=True)) == ["visit", "firm"]


def test_an_address_reaches_no_other_firm(shop: Workshop) -> None:
    shop.answered(shop.routed(shop.raised(shop.firms[1])))
    phone, address = own_page(shop)
    for to, number, code in ((address, "KN-2022-0001", 404), ("/f/" + "a" * 32, "KN-2022-0001", 404), (address, "KN\0", 404)):
        answer = phone.post(f"{to}/say", {"number": number, "verdict": "solved"})
        assert answer.status_code == code and answer["Referrer-Policy"] == "no-referrer"
    assert phone.get(f"{address}/say").status_code == 405 and state() == "answered"
    _as("wu").post(f"/firms/{shop.firms[0].pk}/end-address", {"reason": "链接外传"})
    _, fresh = own_page(shop)
    assert phone.get(address).status_code == 404 and phone.get(fresh).status_code == 200


def test_one_cause_is_confirmed_and_answered_for_all(shop: Workshop) -> None:
    shop.raised()
    shop.raised(shop.firms[1])
    lin, gao = _as("lin"), _as("gao")
    proposed = lin.get("/causes/").content.decode()
    assert "Perhaps one cause" in proposed and proposed.count('name="of"') == 2 and WORDS in proposed
    assert 'name="of"' not in _as("wu").get("/causes/").content.decode()
    given: Any = {"of": ["KN-2022-0001", "KN-2022-0002"], "words": "道口劝返", "post": "trace-leader"}
    assert "routed as one" in _said(lin.post("/causes/", given, follow=True))
    assert "道口劝返" in lin.get("/causes/").content.decode() and "GX-2022-0001" in lin.get(PAGE).content.decode()
    shop.raised(shop.firms[2])
    assert (
        "Perhaps part of it" in lin.get("/causes/GX-2022-0001").content.decode()
        and "Perhaps part" not in gao.get("/causes/GX-2022-0001").content.decode()
    )
    assert "1 put to it" in _said(lin.post("/causes/GX-2022-0001/join", {"of": ["KN-2022-0003"]}, follow=True))
    assert "Answered for 3" in _said(gao.post("/causes/GX-2022-0001/answer", {"outcome": "done", "answer": "已对接道口"}, follow=True))
    assert _as("zhao").get("/causes/GX-2022-0001").status_code == 404


def test_programs_do_the_same(shop: Workshop) -> None:
    lin, gao, zhao = Caller("lin"), Caller("gao"), Caller("zhao")
    given = {
        "firm": shop.firms[0].pk,
        "source": "hotline",
        "told": [{"kind": "passage", "words": WORDS}, {"kind": "testing", "words": "采样点太远"}],
    }
    assert zhao.post("/difficulties", **given).status_code == 404
    assert lin.post("/difficulties", **given | {"told": [{"kind": "weather", "words": WORDS}]}).status_code == 422
    first, second = lin.post("/difficulties", **given).json()
    steps = f"/difficulties/{first['number']}"
    assert lin.post(f"{steps}/route", post="nobody").status_code == 422
    assert lin.post(f"{steps}/route", post="trace-leader").json()["post"] == "trace-leader"
    assert gao.post(f"{steps}/promise", promised_at="2022-06-04T12:00:00+08:00", words="后天前办好").json()["state"] == "promised"
    assert lin.post(f"{steps}/answer", outcome="done", answer="办好了").status_code == 403
    assert gao.post(f"{steps}/answer", outcome="done", answer="通行证已批").json()["state"] == "answered"
    said = {"verdict": "not_yet", "way": "phone", "spoke_to": "钱会计", "spoken_at": AT.isoformat(), "words": "还没有"}
    assert lin.post(f"{steps}/heard", **said | {"way": "page"}).status_code == 422
    assert lin.post(f"{steps}/heard", **said).json()["state"] == "routed" and lin.post(f"{steps}/heard", **said).status_code == 409
    assert (
        lin.get("/difficulties", kind="testing").json()["items"][0]["number"] == second["number"]
        and zhao.get("/difficulties").status_code == 404
    )
    assert lin.get("/causes/proposed").json() == [] and zhao.get("/causes/proposed").status_code == 404
    other = lin.post("/difficulties", **given | {"firm": shop.firms[2].pk, "told": given["told"][:1]}).json()[0]
    cause = lin.post("/causes", of=[first["number"], other["number"]], words="道口劝返", post="trace-leader").json()
    assert gao.post(f"/causes/{cause['number']}/answer", outcome="done", answer="已与道口对接").json()["state"] == "answered"
    assert lin.get("/causes").json()["count"] == 1 and zhao.get(f"/causes/{cause['number']}").status_code == 404


def test_a_permit_is_issued_shown_by_the_firm_and_taken_back(shop: Workshop) -> None:
    rotate_key(town=shop.town.town, seed=b"\1" * 32, trusted_for=9 * DAY, by=SYSTEM, at=AT)
    shop.routed()
    gao, form = (
        _as("gao"),
        {"subject": "沪A·D1234", "phone": "13800000000", "purpose": "送原料", "way": "沪苏道口", "until_at": "2022-06-04T12:00"},
    )
    made = gao.post(f"{PAGE}/permit", form, follow=True)
    address = made.redirect_chain[-1][0]
    assert 'class="qr"' in made.content.decode() and "no-store" in made["Cache-Control"]
    assert address in gao.get(PAGE).content.decode() and _as("zhao").get(address).status_code == 404
    phone, own = own_page(shop)
    assert "沪A·D1234" in phone.get(own).content.decode() and "13800000000" not in phone.get(own).content.decode()
    assert _as("wu").post(f"{address}/revoke", {"reason": "车已卖掉了"}).status_code == 404
    gao.post(f"{address}/revoke", {"reason": "车已卖掉了"})
    assert "车已卖掉了" in gao.get(address).content.decode() and 'class="qr"' not in gao.get(address).content.decode()
    assert "沪A·D1234" not in phone.get(own).content.decode()
    assert "mobile" in _said(gao.post(f"{PAGE}/permit", form | {"phone": "1"}, follow=True)).lower()


def test_programs_issue_permits_and_sampling_sites(shop: Workshop) -> None:
    rotate_key(town=shop.town.town, seed=b"\1" * 32, trusted_for=9 * DAY, by=SYSTEM, at=AT)
    shop.routed()
    gao, zhao = Caller("gao"), Caller("zhao")
    given = {
        "subject": "沪A·D1234",
        "phone": "13800000000",
        "purpose": "送原料",
        "way": "沪苏道口",
        "until_at": "2022-06-04T12:00:00+08:00",
    }
    made = gao.post("/difficulties/KN-2022-0001/permits", **given).json()
    assert made["text"].startswith("TC1:") and zhao.get(f"/permits/{made['id']}").status_code == 404
    after = gao.post(f"/permits/{made['id']}/revoke", reason="车已卖掉了").json()
    assert after["is_revoked"] and after["text"] is None
    hours = {"begins": "16:00", "ends": "20:00", "booths": 1, "staff": 2}
    assert gao.post("/difficulties/KN-2022-0001/sampling", **hours).json() == {"site": "KN-2022-0001"}
    assert "示例企业1采样点" in Client().get("/sites").content.decode()
