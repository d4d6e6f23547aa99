"""The desk, causes, computations and files of reports for programs."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.domains.response.plans import activated
from tests.domains.sentinels.conftest import Matrix, matrix  # noqa: F401 - a fixture
from tests.domains.warning.conftest import alarm, finding, propose  # noqa: F401 - fixtures
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.domains.sentinels.models import Observation
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces import clock


@pytest.fixture
def town(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> Town:  # noqa: F811
    monkeypatch.setattr(clock, "now", lambda: AT)
    return matrix.town


def test_the_desk_counts_what_waits(town: Town, alarm: Alarm) -> None:  # noqa: F811
    tasks = activated(town)
    found = Caller("lin").get("/desk").json()
    assert sum(found["alarms_open"].values()) == 1 and found["alarms_open"][alarm.dossier.grade] == 1
    assert found["incidents"] == [next(iter(tasks.values())).incident.dossier.number] and found["tasks_open"] == len(tasks)
    assert Caller("lin").get("/desk", place="310118107").status_code == 404
    assert Caller("zhao").get("/desk").status_code == 404


def test_plans_clock_and_causes_of_a_task(town: Town) -> None:
    task = next(iter(activated(town).values()))
    lin, incident = Caller("lin"), task.incident.dossier.number
    assert [p["code"] for p in lin.get("/plans").json()] == [task.incident.plan.code]
    assert next(c["code"] for c in lin.get(f"/dossiers/{task.dossier.number}/causes").json()) == incident
    assert len(lin.get(f"/incidents/{incident}/clock").json()) == 3
    assert Caller("zhao").get(f"/dossiers/{incident}/causes").status_code == 404


def test_the_computation_behind_an_alarm(town: Town, alarm: Alarm) -> None:  # noqa: F811
    found = Caller("lin").get(f"/alarms/{alarm.dossier.number}/run").json()
    assert found["input_digest"] == alarm.run.input_digest and found["is_same_again"] is None


def test_a_program_hears_what_changed_once(town: Town) -> None:
    lin = Caller("lin")
    before = lin.get("/changes", seq=0).json()
    activated(town)
    heard = lin.get("/changes", seq=before["seq"], notice=before["notice"]).json()
    assert {"incident", "task"} <= {e["topic"] for e in heard["events"]}
    assert lin.get("/changes", seq=heard["seq"], notice=heard["notice"]).json() == {**heard, "events": []}


def _sent(caller: Caller, rows: str, keep: bool) -> tuple[int, dict[str, object]]:
    file = SimpleUploadedFile("日报.csv", f"数据流,日期,数值\n{rows}\n".encode())
    answer = caller.client.post("/api/v1/observations/file", {"file": file, "keep": keep})
    return answer.status_code, answer.json()


def test_a_file_of_reports_is_shown_first_then_kept_whole_or_not_at_all(town: Town) -> None:
    chen, before = Caller("chen", ["stream.report"]), Observation.objects.count()
    assert _sent(chen, "clinic-1-fever,2022-06-01,4", keep=False) == (200, {"is_kept": False, "new": 1, "corrected": 0, "same": 0})
    assert Observation.objects.count() == before
    status, said = _sent(chen, "clinic-1-fever,2022-06-01,4\nclinic-1-fever,2022-05-31,-2", keep=True)
    assert status == 422 and [p["cell"] for p in said["problems"]] == ["C3"]  # type: ignore[attr-defined,index]
    assert Observation.objects.count() == before
    assert _sent(chen, "clinic-1-fever,2022-06-01,4", keep=True)[1]["is_kept"] is True
    assert Observation.objects.count() == before + 1
