"""Scans older than the retention time are gone: from the log, from the bytes of its file, and from the columns laid out of it."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.audit.models import Entry
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.domains.gate import actions_counts
from tongchou.domains.gate.models import Device, Scan
from tongchou.domains.gate.scan_log import Row, append, empty_write_ahead_log
from tongchou.domains.visits.scan_columns import ScanColumns
from tongchou.interfaces.jobs.duties import forget_old_scans

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
MARKER = 0x5A17C0DE5A17C0DE  # kept as these eight bytes
KEPT_DAYS = 28


@pytest.fixture
def log(door: Device, installed_town: Town) -> list[int]:  # noqa: F811
    """Thirty scans, one a day up to today."""
    parameter = Parameter.objects.create(key="gate.keep_scans_for", unit="day", name_zh="保存", name_en="kept")
    ParameterValue.objects.create(
        parameter=parameter, value=KEPT_DAYS, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low"
    )
    Scan.objects.all().delete()
    days = [int((AT - timedelta(days=n, minutes=1)).timestamp()) for n in range(35)]
    append([Row(door.pk, n, door.entrance_id, 1, 7, at_s, at_s, 0, 0, 0, 0, 0, MARKER + n) for n, at_s in enumerate(days, 1)])
    ScanColumns().bring_up_to_date()
    return days


def markers_in_files() -> set[int]:
    name = connections[settings.SCANS_DATABASE].settings_dict["NAME"]
    content = b"".join(path.read_bytes() for path in (Path(name), Path(f"{name}-wal")) if path.exists())
    return {n for n in range(1, 36) if (MARKER + n).to_bytes(8) in content}


def test_what_is_too_old_is_nowhere_any_more_and_the_rest_is_whole(log: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions_counts, "FORGOTTEN_AT_ONCE", 3)
    on_sqlite = connections[settings.SCANS_DATABASE].vendor == "sqlite"
    assert not on_sqlite or markers_in_files() == set(range(1, 36))
    forget_old_scans(AT)
    young = log[:KEPT_DAYS]
    assert sorted(Scan.objects.values_list("at_s", flat=True), reverse=True) == young
    assert sorted(ScanColumns().between(0, 2**40)[2].tolist(), reverse=True) == young
    assert not on_sqlite or markers_in_files() == set(range(1, KEPT_DAYS + 1))
    assert Entry.objects.filter(action="gate.forget").exists()


def test_a_town_that_does_not_say_how_long_keeps_its_scans(log: list[int]) -> None:
    ParameterValue.objects.all().delete()
    forget_old_scans(AT)
    assert Scan.objects.count() == 35


def test_a_reader_that_keeps_the_log_from_being_emptied_is_told(log: list[int]) -> None:
    connection = connections[settings.SCANS_DATABASE]
    assert empty_write_ahead_log()
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM gate_scan").fetchone()
            Scan.objects.filter(at_s__lt=log[-1] + 1).delete()
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 10")
            assert not empty_write_ahead_log()
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 20000")
        assert empty_write_ahead_log()
