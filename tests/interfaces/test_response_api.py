"""The programming interface of incidents and tasks: a token does what its owner may, and no more than its scopes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.response.plans import PNG, SYSTEM, activated
from tests.fixtures_town import AT, Town
from tongchou.core.casework.models import Evidence
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import CAPABILITIES
from tongchou.domains.response.models import Task
from tongchou.interfaces import clock

API = "/api/v1"
ALL = sorted(CAPABILITIES["duty_leader"])


@pytest.fixture
def tasks(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> dict[str, Task]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return activated(installed_town)


def _with_token(username: str, scopes: list[str] = ALL) -> Client:
    user = User.objects.get(username=username)
    secret = issue_token(user=user, name="test", scopes=scopes, expires_at=AT + timedelta(days=1), by=SYSTEM, at=AT)
    return Client(headers={"authorization": f"Bearer {secret}"})


def _post(client: Client, address: str, **given: Any) -> Any:
    return client.post(f"{API}{address}", given, content_type="application/json")


def test_incident_is_read_with_its_tasks(tasks: dict[str, Task]) -> None:
    lin = _with_token("lin")
    listed = lin.get(f"{API}/incidents?open_only=true").json()
    assert listed["count"] == 1 and listed["items"][0]["number"] == "SJ-2022-0001"
    found = lin.get(f"{API}/incidents/SJ-2022-0001").json()
    assert [t["plan_task"] for t in found["tasks"]] == ["A01", "A03", "A09", "A16"]
    assert found["tasks"][1]["waits_for"] == ["RW-2022-0001"] and found["tasks"][1]["person"] == "wu"
    assert lin.get(f"{API}/incidents/SJ-2022-0001/log").json()[-1]["action"] == "incident.open"


def test_task_is_done_through_the_interface(tasks: dict[str, Task]) -> None:
    lin, wu = _with_token("lin"), _with_token("wu")
    assert [row["number"] for row in wu.get(f"{API}/inbox").json()] == ["RW-2022-0002"]
    assert _post(wu, "/tasks/RW-2022-0002/steps/start").json()["state"] == "started"
    refused = _post(wu, "/tasks/RW-2022-0002/steps/finish")
    assert refused.status_code == 422 and {p["field"] for p in refused.json()["problems"]} == {"proof", "needs"}
    wu.post(f"{API}/tasks/RW-2022-0002/evidence", {"file": SimpleUploadedFile("门口.png", PNG), "note": "东门"})
    assert Evidence.objects.get().note == "东门"
    lin.post(f"{API}/tasks/RW-2022-0001/evidence", {"note": "全部到岗"})
    assert _post(lin, "/tasks/RW-2022-0001/steps/start").status_code == 200
    assert _post(lin, "/tasks/RW-2022-0001/steps/finish", reason="到齐").json()["state"] == "finished"
    assert _post(wu, "/tasks/RW-2022-0002/steps/finish").json()["evidence_count"] == 1
    again = _post(wu, "/tasks/RW-2022-0002/steps/finish")
    assert again.status_code == 409 and "zh" in again.json()["said"]


def test_zhao_and_narrow_tokens_are_refused(tasks: dict[str, Task]) -> None:
    zhao = _with_token("zhao")
    assert zhao.get(f"{API}/incidents").json()["count"] == 0
    assert zhao.get(f"{API}/tasks/RW-2022-0002").status_code == 404
    assert _post(zhao, "/tasks/RW-2022-0002/steps/start").status_code == 404
    assert _post(_with_token("chen"), "/tasks/RW-2022-0002/steps/start").status_code == 403
    reader = _with_token("lin", ["incident.read"])
    assert reader.get(f"{API}/tasks/RW-2022-0001").status_code == 200
    assert _post(reader, "/tasks/RW-2022-0001/steps/start").status_code == 404
    assert Client().get(f"{API}/incidents").status_code == 401


def test_incident_is_noted_on_and_handed_work_moves(tasks: dict[str, Task]) -> None:
    fang = _with_token("fang")
    assert _post(fang, "/incidents/SJ-2022-0001/steps/note", reason="现场已布控").status_code == 200
    assert _post(fang, "/incidents/SJ-2022-0001/steps/report", reason="区指挥部").status_code == 200
    assert _post(fang, "/incidents/SJ-2022-0001/steps/close", reason="总结").status_code == 409
    moved = _post(fang, "/tasks/RW-2022-0002/hand-over", post="doctor", reason="更近").json()
    assert (moved["post"], moved["person"]) == ("doctor", "chen")
