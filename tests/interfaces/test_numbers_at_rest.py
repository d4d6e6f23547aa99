"""Nobody's number lies in clear: not in the database, its journal, the log, the outbox or the files of the installation, whatever was done with it."""

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from python_calamine import CalamineWorkbook

from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import PERSONAL_READ, accesses, verify_chain
from tongchou.core.importing.models import ImportBatch
from tongchou.core.people.models import User
from tongchou.domains.registry.models import Resident
from tongchou.interfaces import clock
from tongchou.interfaces.cli import main

LI, LI_PHONE, LI_NEW_PHONE = "11010519491231002X", "13800138000", "13912345678"
WANG, WANG_PHONE = "440524188001010014", "13700137000"
NUMBERS = (LI, LI_PHONE, LI_NEW_PHONE, WANG, WANG_PHONE)
HEAD = "姓名,身份证号,性别,出生日期,村居,地址,电话\n"
GOOD = f"李秀兰,{LI},女,1949-12-31,徐泾居委会,明珠路1弄,{LI_PHONE}\n@SUM(1),,男,1980-05-06,前明村,+8号,\n"
# A comma too many moves every cell one to the right: numbers then stand where nothing secret is expected.
SHIFTED = (
    f"王,建国,{WANG},男,1880-01-01,徐泾居委会,明珠路2弄,{WANG_PHONE}\n王建国,{WANG},{WANG_PHONE},{WANG},{WANG_PHONE},{WANG},{WANG_PHONE}\n"
)


@pytest.fixture
def lin(transactional_db: None, installed_town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(User.objects.get(username="lin"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _upload(browser: Client, text: str, name: str = "居民.csv") -> ImportBatch:
    browser.post("/imports/", {"kind": "resident", "file": SimpleUploadedFile(name, text.encode())})
    return ImportBatch.objects.latest("pk")


def _everything_kept() -> Iterator[tuple[str, bytes]]:
    """The database as it lies on the disk, or every row of every table as text; and every file of the installation."""
    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        yield from ((path.name, path.read_bytes()) for path in name.parent.glob(f"{name.name}*"))
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, b" ".join(bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode() for v in row)
    yield from ((path.name, path.read_bytes()) for path in Path(settings.HOME).rglob("*") if path.is_file())


def test_a_full_cycle_leaves_no_number_in_clear(
    lin: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    _upload(lin, HEAD + SHIFTED)
    shown.append(lin.get(f"/imports/{ImportBatch.objects.latest('pk').pk}").content.decode())
    batch = _upload(lin, HEAD + GOOD)
    lin.post(f"/imports/{batch.pk}", {"do": "apply"})
    row = Resident.objects.get(name="李秀兰")
    edited = {
        "name": "李秀兰",
        "sex": "f",
        "born_on": "1949-12-31",
        "place_id": "310118106001",
        "residence": "local",
        "phone": LI_NEW_PHONE,
    }
    answer = lin.post(f"/registers/resident/{row.pk}/edit", {**edited, "version": "1", "reason": "换号"})
    assert answer.status_code == 302 and Resident.objects.get(pk=row.pk).phone == LI_NEW_PHONE
    for words in (LI, LI_NEW_PHONE):
        shown.append(
            lin.get("/registers/resident/", {"q": words}).content.decode().replace(f'value="{words}"', "").replace(f"q={words}", "")
        )
        assert "李秀兰" in shown[-1]
    assert LI in lin.post(f"/registers/resident/{row.pk}", {"fields": ["id_number"], "purpose": "流调核对身份"}).content.decode()
    assert Caller("lin").post(f"/registers/resident/rows/{row.pk}/unmask", fields=["phone"], purpose="电话流调").json() == {
        "phone": LI_NEW_PHONE
    }
    for form in ("csv", "xlsx"):
        answer = lin.get(f"/registers/resident/export.{form}", {"q": LI})
        shown.append(_cells(b"".join(answer.streaming_content) if answer.streaming else answer.content))
        assert "李秀兰" in shown[-1] and "110*************2X" in shown[-1]
    file = tmp_path / "居民.csv"
    file.write_text(HEAD + SHIFTED + GOOD, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["tongchou", "import", "resident", str(file), "--apply", "--leave-wrong-out", "--same", "update"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 0
    shown += [capsys.readouterr().out, caplog.text, str(list(Entry.objects.values_list("reason", "detail")))]
    for number in NUMBERS:
        assert not [text for text in shown if number in text], number
        assert not [name for name, content in _everything_kept() if number.encode() in content], number
    read = list(accesses().order_by("seq"))
    assert [(a.reason, a.details["fields"]) for a in read] == [("流调核对身份", ["id_number"]), ("电话流调", ["phone"])]
    assert Entry.objects.filter(action=PERSONAL_READ).count() == 2 and verify_chain().problems == ()


def _cells(content: bytes) -> str:
    if content[:2] != b"PK":
        return content.decode("utf-8-sig")
    return str(CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python())


def test_export_holds_nothing_that_a_spreadsheet_would_run(lin: Client) -> None:
    lin.post(f"/imports/{_upload(lin, HEAD + GOOD).pk}", {"do": "apply"})
    csv = b"".join(lin.get("/registers/resident/export.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert ",'+8号," in csv and "\r\n'@SUM(1)," in csv
    assert not [cell for line in csv.splitlines() for cell in line.split(",") if cell.strip('"')[:1] in {"=", "+", "-", "@"}]
