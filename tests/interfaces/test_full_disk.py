"""A disk that is really full, as the database engine says it: nothing half-done, said on the page, and the same button works once there is room."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from tests.domains.response.plans import SYSTEM, propose, published
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import verify_chain
from tongchou.core.importing.models import ImportBatch
from tongchou.core.people.models import User
from tongchou.domains.registry.models import Resident
from tongchou.domains.response.models import Incident, Task
from tongchou.interfaces import clock


@contextmanager
def full_disk() -> Iterator[None]:
    """No room for the log: SQLite may not take another page, PostgreSQL raises what it raises when it cannot extend a file."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")  # pages that other rows left free would be room
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        else:
            cursor.execute(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
            )
            cursor.execute("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION no_room()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA max_page_count = 1000000000")
            else:
                cursor.execute("DROP TRIGGER no_room ON audit_entry")
                cursor.execute("DROP FUNCTION no_room()")


@pytest.fixture
def lin(transactional_db: None, installed_town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(User.objects.get(username="lin"), backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    return client


def test_import_on_a_full_disk_keeps_no_row_and_works_when_there_is_room(lin: Client) -> None:
    lines = "".join(f"赵{chr(0x4E00 + n)}{chr(0x5E00 + n)},男,1970-01-{n % 28 + 1:02},前明村,明珠路{n}弄{n * 7}号\n" for n in range(3000))
    file = SimpleUploadedFile("居民.csv", ("姓名,性别,出生日期,村居,地址\n" + lines).encode())
    lin.post("/imports/", {"kind": "resident", "file": file})
    batch = ImportBatch.objects.get()
    with full_disk():
        answer = lin.post(f"/imports/{batch.pk}", {"do": "apply", "near": "add"})
        assert answer.status_code in (302, 503)
        assert not Resident.objects.exists() and ImportBatch.objects.get().state == "previewed"
    assert verify_chain().problems == ()
    lin.post(f"/imports/{batch.pk}", {"do": "apply", "near": "add"})
    assert Resident.objects.count() == 3000 and verify_chain().problems == ()


def test_confirming_on_a_full_disk_is_said_and_leaves_the_alarm_open(lin: Client, installed_town: Town) -> None:
    published(installed_town)
    alarm = propose(town=installed_town, is_exercise=False, by=SYSTEM, at=AT)
    asked = {"plan": "spread", "reason": "两例核酸阳性" * 400}
    before = Entry.objects.count()
    with full_disk():
        answer = lin.post(f"/alarms/{alarm.dossier.number}/confirm", asked)
        assert answer.status_code == 503 and "磁盘已满" in answer.content.decode() and "什么都没有改动" in answer.content.decode()
        alarm.dossier.refresh_from_db()
        assert alarm.dossier.state == "proposed" and not Incident.objects.exists() and Entry.objects.count() == before
    assert lin.post(f"/alarms/{alarm.dossier.number}/confirm", asked).status_code == 302
    assert Task.objects.count() == 4 and verify_chain().problems == ()
