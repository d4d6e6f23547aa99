"""A firm's own page, its file at the office, policies from the document to the money; by hand and for programs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.policies.offices import Office, office
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.domains.firms.actions import give_address
from tongchou.domains.policies.models import Award, FirmNotice
from tongchou.interfaces import clock


@pytest.fixture
def desk(installed_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    made = office(installed_town, tmp_path)
    made.knows(0, insured_staff="12")
    made.entitled()
    yield made


@pytest.fixture
def phone(desk: Office) -> tuple[Client, str]:
    return Client(enforce_csrf_checks=True), f"/f/{give_address(firm=desk.firms[0], by=desk.town.wu, at=AT)}"


def test_an_owner_reads_what_it_gets_why_why_not_and_what_to_do(desk: Office, phone: tuple[Client, str]) -> None:
    client, address = phone
    page = client.get(address, headers={"accept-language": "en"})
    text = page.content.decode()
    assert page["Referrer-Policy"] == "no-referrer" and page["Cache-Control"] == "no-store"
    assert "6,000" in text and "稳岗补贴" in text and "企业规模：微型、小型" in text and "什么也不用做" in text
    # Not for it, and why; perhaps, and what is missing; nothing that nobody checked.
    assert "大企业减税" in text and "要求企业规模：大型；现为 小型" in text and "上年裁员率不超过 5.5%" in text and "传闻" not in text
    assert 'name="hard_hit"' in text and 'name="layoff_rate"' in text


def test_an_owner_answers_claims_and_confirms(desk: Office, phone: tuple[Client, str]) -> None:
    client, address = phone
    client.post(f"{address}/tell", {"hard_hit": "true", "layoff_rate": ""})
    assert desk.award("DEFER").state == "due" and "我要申请" in client.get(address).content.decode()
    client.post(f"{address}/claim", {"measure": "DEFER"})
    assert desk.award("DEFER").state == "claimed" and "已申请" in client.get(address).content.decode()
    client.post(f"{address}/read")
    assert FirmNotice.objects.get(firm=desk.firms[0]).read_at == AT and "我看过了" not in client.get(address).content.decode()
    assert client.post(f"{address}/claim", {"measure": "DEFER"}).status_code == 409
    assert client.post(f"{address}/tell", {"size": "large"}).status_code == 422
    for name, value in (("measure", "LARGE"), ("measure", "\0")):
        assert client.post(f"{address}/claim", {name: value}).status_code == 404
    assert client.get(f"{address}/claim").status_code == 405 and client.get("/f/" + "a" * 32).status_code == 404


def test_the_file_of_a_firm_at_the_office(desk: Office) -> None:
    wu, lin, mine = _as("wu"), _as("lin"), f"/firms/{desk.firms[0].pk}"
    assert "6,000" in lin.get(mine).content.decode() and _as("zhao").get(mine).status_code == 404
    assert _as("wu").get(f"/firms/{desk.firms[2].pk}").status_code == 404 and lin.get("/firms/99999999999999999999").status_code == 404
    assert "reckoned again" in _said(wu.post(f"{mine}/facts", {"field": "hard_hit", "value": "是", "note": "走访"}, follow=True))
    assert "cannot" in _said(wu.post(f"{mine}/facts", {"field": "hard_hit", "value": "也许"}, follow=True)) or not Award.objects.filter(
        state="claimed"
    )
    lin.post(f"{mine}/claim", {"measure": "DEFER"})
    wu.post(f"{mine}/told")
    text = wu.get(mine).content.decode()
    assert desk.award("DEFER").state == "claimed" and "Claimed: Pay later" in text and "Read its notices" in text
    (address,) = re.findall(r"http://testserver(/f/\w{32})<", wu.post(f"{mine}/address").content.decode())
    assert Client().get(address).status_code == 200
    wu.post(f"{mine}/end-address", {"reason": "链接外传"})
    assert Client().get(address).status_code == 404


def test_a_firm_ends_in_another_and_is_seen_from_a_second_village(desk: Office) -> None:
    wu, lin = _as("wu"), _as("lin")
    first, second, third = (f"/firms/{firm.pk}" for firm in desk.firms)
    assert wu.get(third).status_code == 404
    lin.post(f"{third}/premises", {"place": desk.town.villages[0].code, "address": "工业园区8号"})
    assert wu.get(third).status_code == 200 and "工业园区8号" in lin.get(third).content.decode()
    (here,) = re.findall(r'name="premises" value="(\d+)"', lin.get(third).content.decode())
    lin.post(f"{third}/leave-premises", {"premises": here})
    assert (
        "It has left" not in lin.get(third).content.decode() and lin.post(f"{third}/leave-premises", {"premises": "77"}).status_code == 404
    )
    given = {"kind": "merged", "successor": desk.firms[1].credit_code, "on": "2022-06-01", "reason": "工商变更通知"}
    assert "The register has no such firm" in _said(lin.post(f"{first}/succeed", {**given, "successor": "91310000000000000X"}, follow=True))
    assert "lapsed: 1" in _said(lin.post(f"{first}/succeed", given, follow=True))
    assert "ended" in lin.get(first).content.decode() and "示例企业1" in lin.get(second).content.decode()
    program = Caller("lin")
    assert program.get(f"{third}/premises").json()[0]["to_on"] == "2022-06-02"
    assert program.post(f"{first}/successions", **{**given, "kind": "moved", "successor": ""}).status_code == 409
    assert program.post(f"{second}/successions", **{**given, "successor": desk.firms[1].credit_code}).status_code == 422


def test_from_the_list_to_the_money(desk: Office) -> None:
    lin, fang = _as("lin"), _as("fang")
    assert "Keep staff" in lin.get("/policies/").content.decode() and "示例企业1" in lin.get("/policies/measures/GRANT").content.decode()
    lin.post("/policies/measures/GRANT/list")
    mine = "/policies/lists/DX-2022-0001"
    assert "somebody else must approve" in lin.get(mine).content.decode()
    fang.post(f"{mine}/approve")
    table = lin.get(f"{mine}/table.csv").content.decode("utf-8-sig")
    award = desk.award("GRANT").pk
    assert f"{award},91310118MA1TEST001,示例企业1,6000.00," in table
    back = SimpleUploadedFile("back.csv", table.replace("6000.00,", "6000.00,SY001").encode())
    wrong = SimpleUploadedFile("back.csv", b"award,reference\nall,1\n")
    assert "Row 2" in _said(lin.post(f"{mine}/pay", {"file": wrong, "on": "2022-06-02"}, follow=True))
    assert "Recorded: 1" in _said(lin.post(f"{mine}/pay", {"file": back, "on": "2022-06-02"}, follow=True))
    assert (desk.award("GRANT").reference, desk.award("GRANT").state) == ("SY001", "paid")
    assert lin.get("/policies/measures/RUMOUR").status_code == 404 and _as("zhao").get(mine).status_code == 404


def test_a_formula_in_a_firms_name_stays_a_text_in_the_table(desk: Office) -> None:
    type(desk.firms[0]).objects.filter(pk=desk.firms[0].pk).update(name='=HYPERLINK("http://x")')
    desk.listed()
    assert "'=HYPERLINK" in _as("lin").get("/policies/lists/DX-2022-0001/table.csv").content.decode()


def test_a_document_by_hand(desk: Office) -> None:
    lin = _as("lin")
    lin.post("/policies/receive", {"source": "act", "title": "稳企若干措施", "doc_number": "1号", "level": "city"})
    mine = "/policies/documents/ZC-2022-0001"
    for step, words in (("break_down", ""), ("issue", "各村居"), ("deliver", ""), ("report", "全部告知到户")):
        lin.post(f"{mine}/{step}", {"words": words})
    text = lin.get(mine).content.decode()
    assert "Reported" in text and "Keep staff" in text and "全部告知到户" in text
    assert "firms matched" in _said(lin.post("/policies/entitle", follow=True)) and lin.get("/policies/unreached").status_code == 200


def test_programs_do_the_same(desk: Office) -> None:
    lin, fang, wu, zhao = Caller("lin"), Caller("fang"), Caller("wu"), Caller("zhao")
    firm = f"/firms/{desk.firms[0].pk}"
    assert zhao.get(f"{firm}/policies").status_code == 404 and zhao.get("/policies/measures").status_code == 404
    found = lin.get(f"{firm}/policies").json()
    answers = {offer["measure"]: offer["answer"] for offer in found["offers"]}
    assert answers == {"GRANT": "yes", "FLAT": "unknown", "DEFER": "unknown", "LARGE": "no"} and found["ask"] == ["hard_hit", "layoff_rate"]
    assert wu.post(f"{firm}/facts", facts={"hard_hit": "是"}).json() == {"hard_hit": "true"}
    assert wu.post(f"{firm}/facts", facts={"hard_hit": "也许"}).status_code == 422
    assert lin.post(f"{firm}/claims", measure="DEFER").json()["state"] == "claimed"
    assert wu.post(f"{firm}/receipt").json() == {"notices": 1}
    assert "/f/" in wu.post(f"{firm}/address").json()["address"]
    assert lin.post("/policies/entitle").json()["told"] == 0
    outlook = lin.get("/policies/outlook").json()
    # The first firm's twelve heads are worth 6,000; of the other two the heads are not known; the flat grant is possible for all three.
    assert outlook["needs"]["GRANT"] == {"yes": 3, "unknown": 0, "no": 0, "yuan": 6000, "possible_yuan": 0, "without_sum": 2}
    assert outlook["needs"]["FLAT"]["possible_yuan"] == 6000 and outlook["asked"] == {"layoff_rate": 3, "hard_hit": 2}
    made = lin.post("/policies/measures/GRANT/lists").json()
    assert (made["awards"], made["prepared_by"]) == (1, "lin")
    steps = f"/policies/lists/{made['number']}"
    assert lin.post(f"{steps}/approve").status_code == 404 and fang.post(f"{steps}/approve").json()["decided_by"] == "fang"
    award: dict[str, Any] = lin.get("/policies/measures/GRANT/awards", state="approved").json()["items"][0]
    assert lin.post(f"{steps}/pay", paid={award["id"]: "SY1"}, on="2022-06-02").json()["state"] == "paid"
    assert {m["measure"]: m["paid"] for m in lin.get("/policies/measures").json()} == {"GRANT": 1, "DEFER": 0}
    document = lin.post("/policies/documents", source="act", title="稳企若干措施", level="city").json()
    assert lin.post(f"/policies/documents/{document['number']}/break-down").json()["state"] == "broken_down"
    book = lin.get("/policies/book").json()
    assert lin.post("/policies/book", content=book["content"]).status_code == 409
