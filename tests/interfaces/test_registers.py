"""Register and import pages: scoped by place, masked, searched by whole numbers, changed with care, in both languages."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import PERSONAL_READ
from tongchou.core.importing import actions as importing
from tongchou.core.people.models import User
from tongchou.domains.registry.actions import add_row
from tongchou.domains.registry.imports import FIRMS, RESIDENTS, SPECS
from tongchou.domains.registry.models import Firm, RegisterRow, Resident
from tongchou.interfaces import clock
from tongchou.interfaces.web.registers.town import REGISTERS

LI = {
    "name": "李秀兰", "id_number": "11010519491231002X", "sex": "f", "born_on": "1949-12-31", "place_id": "310118106001",
    "phone": "13800138000", "address": "明珠路1弄", "residence": "local",
}  # fmt: skip
FIRM = {
    "name": "上海示例制造有限公司", "credit_code": "91110000600037341L", "place_id": "310118106202", "industry": "39",
    "staff_count": "250", "revenue_cny_10k": "50000", "state_owned_premises": "0", "resumption": "closed",
}  # fmt: skip
HEAD = "姓名,身份证号,性别,出生日期,村居,电话\n"


@pytest.fixture
def li(installed_town: Town) -> RegisterRow:
    add_row(spec=FIRMS, given=FIRM, by=installed_town.lin, at=AT)
    add_row(
        spec=RESIDENTS,
        given={"name": "王强", "sex": "m", "born_on": "1980-05-06", "place_id": "310118106202"},
        by=installed_town.lin,
        at=AT,
    )
    return add_row(spec=RESIDENTS, given=LI, by=installed_town.lin, at=AT)


@pytest.fixture
def browser(li: RegisterRow, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return _as(client, "lin")


def _as(client: Client, name: str) -> Client:
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _text(answer: Any) -> str:
    return answer.content.decode() if not answer.streaming else b"".join(answer.streaming_content).decode("utf-8-sig")


def test_seven_registers_and_every_form_field_is_a_column() -> None:
    assert set(REGISTERS) == set(SPECS) and len(REGISTERS) == 7
    for register in REGISTERS.values():
        assert {c.field for c in register.import_spec.columns} == set(register.form)
        assert set(register.columns) <= set(register.form)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "address", ["/registers/", *(f"/registers/{slug}/{end}" for slug in SPECS for end in ("", "new")), "/imports/", "/imports/?kind=firm"]
)
def test_pages_open_within_their_query_budget(browser: Client, address: str, lang: str, django_assert_max_num_queries: Any) -> None:
    browser.cookies["lang"] = lang
    with django_assert_max_num_queries(25):
        answer = browser.get(address)
    assert answer.status_code == 200 and ("退出" if lang == "zh" else "Sign out") in _text(answer)


@pytest.mark.parametrize(
    ("words", "found"),
    [("11010519491231002X", 1), ("110105 19491231 002x", 1), ("13800138000", 1), ("李", 1), ("王", 1), ("13900139000", 0), ("李秀莲", 0)],
)
def test_search_by_name_or_whole_number(browser: Client, words: str, found: int) -> None:
    assert len(browser.get("/registers/resident/", {"q": words}).context["rows"]) == found


def test_numbers_are_masked_everywhere_until_a_purpose_is_given(browser: Client, li: RegisterRow) -> None:
    address = f"/registers/resident/{li.pk}"
    for page in ("/registers/resident/", address, f"{address}/edit", "/registers/resident/export.csv"):
        text = _text(browser.get(page))
        assert "11010519491231002X" not in text and "13800138000" not in text
    assert "138****8000" in _text(browser.get(address))
    refused = browser.post(address, {"fields": ["phone"], "purpose": " "})
    assert refused.status_code == 422 and "13800138000" not in _text(refused)
    shown = browser.post(address, {"fields": ["phone"], "purpose": "电话流调"})
    assert "13800138000" in _text(shown) and "11010519491231002X" not in _text(shown) and "no-store" in shown["Cache-Control"]
    entry = Entry.objects.get(action=PERSONAL_READ)
    assert (entry.reason, entry.details["fields"], entry.subject_id) == ("电话流调", ["phone"], str(li.pk))


def test_village_secretary_sees_her_village_only(browser: Client, li: RegisterRow) -> None:
    _as(browser, "wu")
    assert [item["row"].name for item in browser.get("/registers/resident/").context["rows"]] == ["李秀兰"]
    assert browser.get(f"/registers/firm/{Firm.objects.get().pk}").status_code == 404
    assert browser.get("/registers/resident/?place=310118106202").context["rows"][0]["row"].name == "李秀兰"
    assert browser.get("/registers/resident/export.csv").status_code == 404
    assert browser.post(f"/registers/resident/{li.pk}/edit", {**LI, "place_id": "310118106202", "version": 1}).status_code == 200
    li.refresh_from_db()
    assert li.place.code == "310118106001"


def test_zhao_of_another_town_finds_nothing(browser: Client, li: RegisterRow) -> None:
    _as(browser, "zhao")
    assert browser.get("/registers/resident/").context["rows"] == []
    assert browser.get(f"/registers/resident/{li.pk}").status_code == 404
    assert browser.post(f"/registers/resident/{li.pk}", {"fields": ["phone"], "purpose": "想看看号码"}).status_code == 404
    assert browser.get("/registers/nothing/").status_code == 404


def test_edit_keeps_old_and_new_and_refuses_the_second_of_two(browser: Client, li: RegisterRow) -> None:
    address = f"/registers/resident/{li.pk}/edit"
    given = {**LI, "id_number": "", "phone": "13900139000", "address": "前明路8号", "version": 1, "reason": "搬家"}
    assert browser.post(address, given).status_code == 302
    entry = Entry.objects.get(action="register.edit")
    assert entry.details["old"] == {"address": "明珠路1弄", "phone": "***"} and entry.details["new"]["address"] == "前明路8号"
    li.refresh_from_db()
    assert (li.phone, li.id_number, li.version) == ("13900139000", "11010519491231002X", 2)  # type: ignore[attr-defined]
    second = browser.post(address, {**given, "address": "另一处"})
    assert second.status_code == 200 and "刚刚被别人改过" in _text(second)


def test_wrong_field_is_named_beside_it(browser: Client) -> None:
    answer = browser.post("/registers/resident/new", {**LI, "id_number": "110105194912310021"})
    assert "校验码" in str(answer.context["form"].errors["id_number"])
    assert "已有这个号码" in str(browser.post("/registers/resident/new", LI).context["form"].errors["id_number"])
    assert Resident.objects.count() == 2


def test_firm_gets_its_size_class_when_edited(browser: Client) -> None:
    firm = Firm.objects.get()
    assert (firm.section, firm.size_class) == ("C", "small")
    browser.post(f"/registers/firm/{firm.pk}/edit", {**FIRM, "staff_count": "1200", "resumption": "full", "version": 1})
    firm.refresh_from_db()
    assert (firm.size_class, firm.resumption, firm.version) == ("large", "full", 2)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_export_is_masked_and_logged(browser: Client, form: str) -> None:
    answer = browser.get(f"/registers/resident/export.{form}?q=李")
    assert answer.status_code == 200 and "attachment" in answer["Content-Disposition"]
    if form == "csv":
        assert "110*************2X" in _text(answer)
    entry = Entry.objects.get(action="register.export")
    assert entry.details == {"register": "resident", "rows": 1, "filters": {"q": "…"}}


def _upload(browser: Client, body: str | bytes, kind: str = "resident") -> Any:
    content = body.encode() if isinstance(body, str) else body
    return browser.post("/imports/", {"kind": kind, "file": SimpleUploadedFile("居民.csv", content)}, follow=True)


def test_file_is_previewed_applied_and_undone(browser: Client) -> None:
    body = HEAD + "赵一,,男,1970-01-01,前明村,13700137000\n钱二,,女,1971-02-30,前明村,\n王强,,男,1980-05-06,前明村,\n"
    page = _upload(browser, body)
    assert "D3" in _text(page) and "有效日期" in _text(page) and "疑似重复" in _text(page)
    address = page.redirect_chain[-1][0]
    assert "1 行有错" in _text(browser.post(address, {"do": "apply"}, headers={"referer": "http://testserver" + address}, follow=True))
    problems = browser.get(address + "/problems.xlsx")
    assert problems.status_code == 200 and problems.content[:2] == b"PK"
    browser.post(address, {"do": "apply", "leaves_bad_out": "1", "near": "skip"})
    assert Resident.objects.count() == 3
    assert "新增" in _text(browser.get(address))
    browser.post(address, {"do": "undo", "reason": "传错"})
    assert Resident.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "空的"), (b"PK\x03\x04broken", "不完整"), ("姓名,星座\n李,狮子\n".encode(), "不认识"), ("姓名\n".encode("utf-16"), "UTF-16")],
)
def test_bad_file_is_explained_on_the_page(browser: Client, content: bytes, said: str) -> None:
    answer = _upload(browser, content)
    assert answer.status_code == 422 and said in _text(answer)


def test_full_disk_is_said_on_the_page_and_the_button_works_again(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = _upload(browser, HEAD + "赵一,,男,1970-01-01,前明村,\n").redirect_chain[-1][0]

    def full(*args: Any, **given: Any) -> int:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(importing, "insert_columns", full)
    answer = browser.post(address, {"do": "apply"}, headers={"referer": "http://testserver" + address}, follow=True)
    assert "disk is full" in _text(answer) and "一行也没有改动" in _text(answer) and Resident.objects.count() == 2
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: AT)
    browser.post(address, {"do": "apply"})
    assert Resident.objects.count() == 3


def test_import_pages_are_for_those_who_may(browser: Client) -> None:
    _upload(browser, HEAD + "赵一,,男,1970-01-01,前明村,\n")
    _as(browser, "zhao")
    assert list(browser.get("/imports/").context["page_obj"]) == []
    assert browser.get("/imports/1").status_code == 404
    assert _as(browser, "wu").get("/imports/").status_code == 404


def test_template_of_every_register_opens(browser: Client) -> None:
    for slug in SPECS:
        assert browser.get(f"/registers/{slug}/template.xlsx").content[:2] == b"PK"


def test_record_leads_to_what_it_points_to_and_back(browser: Client, installed_town: Town) -> None:
    home = add_row(
        spec=SPECS["household"], given={"code": "H1", "name": "李秀兰", "place_id": "310118106001"}, by=installed_town.lin, at=AT
    )
    one = add_row(
        spec=RESIDENTS, given={"name": "李小", "sex": "m", "born_on": "2010-05-06", "place_id": "310118106001", "household_id": "H1"},
        by=installed_town.lin, at=AT,
    )  # fmt: skip
    assert f"/registers/household/{home.pk}" in _text(browser.get(f"/registers/resident/{one.pk}"))
    assert f"/registers/resident/{one.pk}" in _text(browser.get(f"/registers/household/{home.pk}"))
