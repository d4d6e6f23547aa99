"""Passes on the pages: a secretary's household, a phone's address, visitors, paper; and nobody learns who exists."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.domains.testing.samplers import IDS, Scene, parameter, scene
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.core.audit.models import PERSONAL_READ, Access, Entry
from tongchou.core.passes.actions import rotate_key, suspend_passes
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.signed_lists import read_signed_list
from tongchou.core.passes.status_lists import is_set
from tongchou.core.passes.tokens import TrustedKey
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.models import Holder, PassLink
from tongchou.interfaces import clock

SYSTEM = system_actor("test")


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The sampling scene with a signing key; pages without their per-form tokens compare equal."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    for key, hours in (("gate.pass_valid_for", 48), ("gate.printed_pass_valid_for", 720)):
        parameter(key, "hour", hours)
    rotate_key(town=installed_town.town, seed=b"\1" * 32, trusted_for=AT - AT.replace(year=2021), by=SYSTEM, at=AT)
    yield scene(installed_town)


def _numbers(made: Scene) -> list[int]:
    known = dict(Holder.objects.values_list("resident_id", "number"))
    return [known[p.pk] for p in made.people if p.pk in known]


def _address(answer: Any) -> str:
    return re.search(r"/p/[\w-]{43}", answer.content.decode())[0]  # type: ignore[index]


def _bare(answer: Any) -> str:
    return re.sub(r'(csrfmiddlewaretoken" value|name="csrf-token" content)="[^"]*"', "", answer.content.decode())


def test_a_household_gets_one_link_that_shows_everybodys_pass(made: Scene) -> None:
    wu = _as("wu")
    panel = wu.post("/passes/", {"who": "H1"})
    assert all(f"居民{n}" in panel.content.decode() for n in range(3)) and panel["Cache-Control"].count("no-store")
    first, second, third = _numbers(made)
    assert Access.objects.filter(subject_kind="resident").count() == 3
    address = _address(wu.post("/passes/link", {"carrier": first, "of": [first, second, third]}))
    phone = Client().get(address)
    text = phone.content.decode()
    assert phone.status_code == 200 and text.count('class="qr"') == 3 and "居**" in text and "居民" not in text
    assert (phone["Cache-Control"], phone["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert _bare(Client().get(address)) == _bare(phone) and IssuedPass.objects.count() == 3
    newer = _address(wu.post("/passes/link", {"carrier": first}))
    assert Client().get(address).status_code == 404 and Client().get(newer).content.decode().count('class="qr"') == 1
    assert "passes revoked: 1" in _said(wu.post("/passes/end", {"carrier": first}, follow=True))
    assert Client().get(newer).status_code == 404 and IssuedPass.objects.get(holder=first).revoked_at == AT
    assert not Entry.objects.filter(detail__contains=newer[3:]).exists() and not PassLink.objects.filter(digest=newer[3:]).exists()


def test_an_address_that_never_was_and_one_that_ended_look_the_same(made: Scene) -> None:
    wu = _as("wu")
    wu.post("/passes/", {"who": "H1"})
    number = _numbers(made)[0]
    ended = _address(wu.post("/passes/link", {"carrier": number}))
    wu.post("/passes/end", {"carrier": number})
    guesses = [ended, "/p/" + "A" * 43, f"/p/{number}", f"/p/{IDS[0]}", "/p/19900123450", "/p/H1"]
    answers = [Client().get(guess) for guess in guesses]
    assert {a.status_code for a in answers} == {404} and len({_bare(a).replace(g, "") for a, g in zip(answers, guesses, strict=True)}) == 1
    assert Client().post(guesses[0]).status_code == 405


def test_a_person_elsewhere_and_nobody_get_the_same_answer(made: Scene) -> None:
    """The sixth person lives in another village than Wu's; the last number is nobody's."""
    wu = _as("wu")
    for known, unknown in ((IDS[5], "310199199007070089"), ("19900123455", "19900123499"), ("H3", "H9")):
        answers = [wu.post("/passes/", {"who": text}) for text in (known, unknown)]
        assert _bare(answers[0]) == _bare(answers[1]) and "not in your village" in _bare(answers[0])
    assert not Holder.objects.exists() and not Access.objects.filter(action=PERSONAL_READ).exists()
    _as("lin").post("/passes/", {"who": "H3"})
    (other,) = _numbers(made)
    for address, field in (("link", "carrier"), ("end", "carrier"), ("print", "holder")):
        codes = {wu.post(f"/passes/{address}", {field: number}).status_code for number in (other, other - 1)}
        assert codes == {404}
    assert not PassLink.objects.exists() and not IssuedPass.objects.exists()


def test_zhao_and_the_doctor_see_nothing(made: Scene) -> None:
    _as("wu").post("/passes/", {"who": "H1"})
    number = _numbers(made)[0]
    assert "Not found" in _as("zhao").post("/passes/", {"who": "H1"}).content.decode()
    assert _as("zhao").post("/passes/print", {"holder": number}).status_code == 404
    assert _as("chen").get("/passes/").status_code == 404 and Client().get("/passes/").status_code == 302


def test_cards_are_printed_and_a_suspended_pass_is_not(made: Scene) -> None:
    wu = _as("wu")
    wu.post("/passes/", {"who": "H1"})
    first, second, _ = _numbers(made)
    printed = wu.post("/passes/print", {"holder": [first, second]})
    assert printed["Content-Type"] == "application/pdf" and printed.content.startswith(b"%PDF") and IssuedPass.objects.count() == 2
    assert {(p.expires_at - p.issued_at).days for p in IssuedPass.objects.all()} == {30}
    village = made.town.villages[0]
    suspend_passes(
        holder=first, issuer=made.town.town, place=village, until_at=AT + timedelta(days=9), reason="TX-2022-0001", by=SYSTEM, at=AT
    )
    refused = wu.post("/passes/print", {"holder": first}, follow=True)
    assert "suspended" in _said(refused) and IssuedPass.objects.exclude(kind="held").count() == 2
    held = Client().get(_address(wu.post("/passes/link", {"carrier": first}))).content.decode()
    assert "通行码已暂停使用" in held and 'class="qr"' not in held


def test_a_visitor_gets_a_pass_on_the_spot(made: Scene) -> None:
    wu, village = _as("wu"), made.town.villages[0].code
    given = {"name": "赵六", "phone": "13800000000", "id_number": "", "place": village}
    answer = wu.post("/passes/visitor", given).content.decode()
    visitor = Holder.objects.get()
    assert 'class="qr"' in answer and (visitor.name, visitor.resident) == ("赵六", None)
    assert wu.post("/passes/print", {"holder": visitor.number}).content.startswith(b"%PDF")
    assert wu.post("/passes/visitor", given | {"place": made.town.villages[1].code}).status_code == 404
    assert "mobile" in _said(wu.post("/passes/visitor", given | {"phone": "1"}, follow=True)).lower()
    assert Holder.objects.count() == 1


def test_a_visitor_known_elsewhere_looks_like_a_new_one(made: Scene) -> None:
    """The answer must not tell whether, where or under which name an identity number was registered."""
    elsewhere, here = made.town.villages[1].code, made.town.villages[0].code
    given = {"name": "赵六", "phone": "13800000000", "id_number": "31019919900101123X"}
    _as("lin").post("/passes/visitor", given | {"place": elsewhere})
    wu = _as("wu")
    known = wu.post("/passes/visitor", given | {"name": "钱七", "place": here})
    new = wu.post("/passes/visitor", {"name": "钱七", "phone": "13800000000", "id_number": IDS[0], "place": here})
    assert (known.status_code, new.status_code) == (200, 200) and Holder.objects.count() == 2
    assert all("钱七" in _bare(answer) and "赵六" not in _bare(answer) for answer in (known, new))


def test_programs_do_the_same(made: Scene) -> None:
    wu, zhao = Caller("wu"), Caller("zhao")
    people = [p.pk for p in made.people[:2]]
    given = wu.post("/passes", people=people, purpose="发放通行码")
    assert given.status_code == 200 and all(row["text"].startswith("TC1:") for row in given.json())
    first, second = (row["holder"] for row in given.json())
    address = wu.post("/passes/links", holder=first, carries=[second]).json()["address"]
    assert Client().get(address[address.index("/p/") :]).content.decode().count('class="qr"') == 2
    assert wu.post(f"/passes/{first}/lost").json() == {"revoked": 2}
    visitor = {"name": "赵六", "phone": "13800000000", "place": made.town.villages[0].code}
    assert wu.post("/passes/visitors", **visitor).json()["person"] is None
    for wrong in ([made.people[5].pk], [99_999]):
        assert wu.post("/passes", people=wrong, purpose="发放通行码").status_code == 404
    for path, body in (("links", {"holder": first}), (f"{first}/lost", {}), ("visitors", visitor)):
        assert zhao.post(f"/passes/{path}", **body).status_code == 404


def test_another_town_fetches_signed_lists(made: Scene) -> None:
    wu, anybody = Caller("wu"), Client()
    assert anybody.get("/status/revocation/0").status_code == 404
    (given,) = wu.post("/passes", people=[made.people[0].pk], purpose="发放通行码").json()
    index = anybody.get("/status").json()
    address = index["lists"]["revocation"][0]
    before = anybody.get("/status/revocation/0")
    assert (
        before["Cache-Control"] == "public, max-age=300"
        and anybody.get("/status/revocation/0", headers={"If-None-Match": before["ETag"]}).status_code == 304
    )
    wu.post(f"/passes/{given['holder']}/lost")
    keys = {bytes.fromhex(index["key_id"]): TrustedKey(bytes.fromhex(index["public_key"]), index["issuer"])}
    number, at_s = IssuedPass.objects.get().pk, int(AT.timestamp())
    lists = [
        read_signed_list(answer.content, keys, address=address, at_s=at_s).bits for answer in (before, anybody.get("/status/revocation/0"))
    ]
    assert [is_set({0: bits}, number) for bits in lists] == [False, True]
    for wrong in ("/status/revocation/7", "/status/other/0"):
        assert anybody.get(wrong).status_code == 404
