"""`tongchou import`: checked first, written only when told, every problem by cell."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures_town import AT, Town
from tongchou.core.importing.models import ImportBatch
from tongchou.domains.registry.models import Resident
from tongchou.interfaces import clock
from tongchou.interfaces.cli import main

Run = Callable[..., tuple[int, str, str]]
GOOD = "姓名,性别,出生日期,村居\n赵一,男,1970-01-01,前明村\n"
BAD = GOOD + "钱二,女,1971-02-30,前明村\n"


@pytest.fixture
def imported(installed_town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `tongchou import resident` on this text; exit code, output, errors."""
    monkeypatch.setattr(clock, "now", lambda: AT)

    def run(text: str, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "居民.csv"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["tongchou", "import", "resident", str(file), *options])
        code = 0
        try:
            main.run()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_without_apply_a_file_is_only_checked(imported: Run) -> None:
    code, said, _ = imported(GOOD)
    assert code == 0 and "1 rows, 0 wrong" in said and "没有写入" in said
    assert not Resident.objects.exists() and ImportBatch.objects.get().state == "discarded"


def test_apply_writes(imported: Run) -> None:
    code, said, _ = imported(GOOD, "--apply")
    assert code == 0 and "1 added" in said and Resident.objects.get().name == "赵一"


def test_wrong_rows_are_named_and_stop_the_file_unless_left_out(imported: Run, tmp_path: Path) -> None:
    marked = tmp_path / "marked.xlsx"
    code, said, _ = imported(BAD, "--apply", "--problems", str(marked))
    assert code == 1 and "C3" in said and "not a day of the calendar" in said
    assert not Resident.objects.exists() and marked.read_bytes()[:2] == b"PK"
    code, said, _ = imported(BAD, "--apply", "--leave-wrong-out", "--json")
    record = json.loads(said)
    assert (code, record["added_count"], record["bad_row_count"], record["problems"][0]["cell"]) == (0, 1, 1, "C3")


def test_refused_file_says_where_and_what_to_do(imported: Run) -> None:
    code, said, told = imported(GOOD.replace("村居", "星座"))
    assert code == 1 and "D1" in said and "template" in told and "Traceback" not in told
    assert imported(GOOD, "--same", "maybe")[0] == 2
