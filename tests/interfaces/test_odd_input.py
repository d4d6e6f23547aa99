"""Addresses, forms and files that no page would send: refused in words, nothing kept, on both databases."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.interfaces.test_sentinel_pages import TODAY, browser, matrix  # noqa: F401 - fixtures
from tongchou.core.audit.models import Entry
from tongchou.core.importing.models import ImportBatch
from tongchou.domains.registry.models import Resident
from tongchou.domains.sentinels.models import Observation, Sentinel

HUGE = "9" * 30
LONG = "长" * 5000
FILE_HEAD = "数据流,日期,数值,原因\n"


@pytest.mark.parametrize(
    "address",
    [
        "/registers/resident/?q=%00x", "/registers/resident/?q=x%00", "/registers/resident/?q=%ED%A0%80", "/registers/resident/export.csv?q=%00",
        "/registers/firm/?place=%00", "/sentinels/?q=a%00", "/sentinels/?place=%00", "/matrix/?place=%00", "/audit/?who=%00", "/audit/?subject=%00",
        "/alarms/%00", "/tasks/%00", "/incidents/%00", "/sentinels/%00", f"/registers/resident/{HUGE}", f"/imports/{HUGE}", f"/intake/?page={HUGE}",
        "/outbox/?page=-1", f"/streams/clinic-1-fever?days={HUGE}", "/streams/clinic-1-fever?known_on=0001-01-01",
        "/streams/clinic-1-fever?known_on=9999-12-31", "/sentinels/clinic-1/report?day=0001-01-01", "/sentinels/clinic-1/report?day=9999-12-31",
    ],
)  # fmt: skip
def test_odd_address_is_answered_in_words(browser: Client, address: str) -> None:  # noqa: F811
    browser.raise_request_exception = False
    answer = browser.get(address)
    assert answer.status_code in (200, 400, 404)
    assert answer.streaming or "程序出错" not in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"value-clinic-1-fever": "1\x00"}, "空字符"),
        ({"value-clinic-1-fever": "3", "reason": "a\x00b"}, "空字符"),
        ({"value-clinic-1-fever": "3", "reason": LONG}, "原因最多 300 字"),
        ({"value-clinic-1-fever": "1e400"}, "不是有限"),
        ({"value-clinic-1-fever": "9" * 5000}, "不是"),
        ({"value-clinic-1-fever": "3", "day": "0001-01-01"}, "日期无效"),
        ({"value-clinic-1-fever": "3", "day": "9999-12-31"}, "日期无效"),
        ({"value-clinic-1-fever": "3", "day": "2022-06-31"}, "日期无效"),
        ({"value-clinic-1-fever": "3", "day": "昨天"}, "日期无效"),
    ],
)
def test_odd_report_is_named_and_not_kept_under_any_day(browser: Client, given: dict[str, str], said: str) -> None:  # noqa: F811
    before = Observation.objects.count()
    answer = browser.post("/sentinels/clinic-1/report", {"day": TODAY.isoformat(), **given}, follow=True)
    assert said in answer.content.decode()
    assert Observation.objects.count() == before and not Entry.objects.exists()


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ("clinic-1-fever,0001-01-01,4,", "B2"), ("clinic-1-fever,9999-12-31,4,", "B2"), ("clinic-1-fever,2022-06-31,4,", "B2"),
        (f"clinic-1-fever,2022-06-02,{'9' * 400},", "C2"), ("clinic-1-fever,2022-06-02,1e308,", "C2"), ("clinic-1-fever,2022-06-02,,", "C2"),
        ("clinic-1-fever,2022-06-02,-4,", "C2"), ("clinic-1-fever,2022-06-02,四,", "C2"), ("clinic-1-fever,2022-06-02,99999,", "C2"),
        (f"{'长' * 200},2022-06-02,1,", "A2"), (f"clinic-1-fever,2022-06-02,1,{'长' * 301}", "D2"),
    ],
)  # fmt: skip
def test_odd_cell_of_a_report_file_is_named(browser: Client, line: str, cell: str) -> None:  # noqa: F811
    page = browser.post("/intake/file", {"file": SimpleUploadedFile("a.csv", (FILE_HEAD + line + "\n").encode())}).content.decode()
    assert f"<code>{cell}</code>" in page and 'name="rows"' not in page


def test_rows_and_file_names_with_null_characters_are_refused(browser: Client) -> None:  # noqa: F811
    browser.raise_request_exception = False
    assert browser.post("/intake/file", {"rows": "x\x00"}).status_code == 302
    file = SimpleUploadedFile("a\x00b.csv", "姓名,性别,出生日期,村居\n赵一,男,1970-01-01,前明村\n".encode())
    assert browser.post("/imports/", {"kind": "resident", "file": file}).status_code == 302
    assert "\x00" not in ImportBatch.objects.get().file_name
    resident = {"name": "x\x00y", "sex": "m", "born_on": "1980-05-06", "place_id": "310118106202"}
    assert browser.post("/registers/resident/new", resident).status_code == 302
    assert browser.post("/outbox/", {"message": "x"}).status_code == 404
    browser.post("/sentinels/clinic-1", {"do": "state", "state": "suspended", "reason": "a\x00"})
    assert not Resident.objects.exists() and Sentinel.objects.get(code="clinic-1").state == "live"
