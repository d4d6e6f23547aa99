"""What a scanner asks of the pages: enrolment once, a bundle for whoever is trusted and nobody else, appeals; and the office's answer."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.domains.gate.door import TOKEN, door  # noqa: F401 - fixture
from tests.fixtures_town import AT
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import invite_device, revoke_device
from tongchou.domains.gate.models import Appeal, Device
from tongchou.interfaces import clock

pytestmark = pytest.mark.usefixtures("installed_town")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


def _post(address: str, said: Any, token: str = "") -> tuple[int, dict[str, Any]]:
    content = said if isinstance(said, str | bytes) else json.dumps(said)
    answer = Client().post(address, content, "application/json", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def _bundle(token: str, tag: str = "") -> Any:
    return Client().get("/scan/bundle", headers={"Authorization": f"Bearer {token}", "If-None-Match": tag})


def test_a_bundle_holds_three_days_and_no_person(door: Device) -> None:  # noqa: F811
    answer = _bundle(TOKEN)
    body = answer.json()
    assert answer.headers["Server-Now"] == str(int(AT.timestamp() * 1000)) and answer.headers["Cache-Control"] == "no-store"
    assert body["town"] == "310118106" and body["venue"]["zh"] == "菜场" and body["valid_for_s"] == 72 * 3600
    starts = [day["from_s"] for day in body["days"]]
    assert starts == sorted(starts) and starts[0] <= AT.timestamp() and body["days"][-1]["to_s"] >= AT.timestamp() + 72 * 3600
    assert set(body) == {"town", "zone", "device", "venue", "entrance", "days", "valid_for_s", "keys", "lists", "sites", "lane"}
    again = _bundle(TOKEN, answer.headers["ETag"])
    assert again.status_code == 304 and again.content == b""


def test_a_device_that_is_unknown_or_revoked_gets_nothing(door: Device) -> None:  # noqa: F811
    assert [_bundle(token).status_code for token in ("", "somebody", TOKEN + "x")] == [401, 401, 401]
    revoke_device(door, reason="遗失", by=system_actor("test"), at=AT)
    assert _bundle(TOKEN).status_code == 401
    assert _post("/scan/appeals", {"seq": 2, "words": "有误"}, TOKEN)[0] == 401 and not Appeal.objects.exists()


def test_a_code_enrols_once_and_only_as_the_right_form(door: Device) -> None:  # noqa: F811
    invite_device(door.entrance, name="二号", code="second", by=system_actor("test"), at=AT)
    status, said = _post("/scan/enrol", {"code": "second"})
    assert status == 200 and _bundle(said["token"]).json()["device"] == said["device"]
    for wrong in (
        {"code": "second"},
        {"code": "never"},
        {"code": 5},
        {},
        "[",
        b"\xff",
        {"code": "a", "more": 1},
        {"code": "x" * 9000},
        {"code": "\0"},
    ):
        status, said = _post("/scan/enrol", wrong)
        assert status == 400 and said["said"]["zh"] and said["said"]["en"]
    assert Client().get("/scan/enrol").status_code == 405


def test_an_appeal_is_made_by_its_own_device_and_answered_on_its_page(door: Device) -> None:  # noqa: F811
    assert _post("/scan/appeals", {"seq": 2, "words": "有误 wrong"}, TOKEN) == (200, {"number": "MS-2022-0001", "hours": 24})
    assert _post("/scan/appeals", {"seq": 2, "words": "有误 wrong"}, TOKEN)[1]["number"] == "MS-2022-0001"
    assert _post("/scan/appeals", {"seq": 1, "words": "有误 wrong"}, TOKEN)[0] == 400
    assert _post("/scan/appeals", {"seq": "2", "words": "有误"}, TOKEN)[0] == 400
    office, stranger = Client(), Client()
    office.force_login(User.objects.get(username="lin"))
    stranger.force_login(User.objects.get(username="zhao"))
    assert "MS-2022-0001" in office.get("/appeals/").content.decode() and "MS-2022-0001" not in stranger.get("/appeals/").content.decode()
    assert "有误 wrong" in office.get("/appeals/MS-2022-0001").content.decode() and stranger.get("/appeals/MS-2022-0001").status_code == 404
    assert office.get("/inbox/").status_code == 200
    decision = {"decision": "uphold", "answer": "已查到采样记录"}
    assert stranger.post("/appeals/MS-2022-0001", decision).status_code == 404
    office.post("/appeals/MS-2022-0001", {"decision": "?"})
    assert Appeal.objects.get().dossier.state == "open"
    assert office.post("/appeals/MS-2022-0001", decision).status_code == 302
    assert (Appeal.objects.get().dossier.state, Appeal.objects.get().answer) == ("upheld", "已查到采样记录")


def test_only_the_scanner_may_open_the_camera() -> None:
    page = Client().get("/scan")
    assert page.status_code == 200 and "camera=(self)" in page.headers["Permissions-Policy"]
    assert "camera=()" in Client().get("/login").headers["Permissions-Policy"]
    worker = Client().get("/scan/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/scan" and b"__" not in worker.content.replace(b"__proto__", b"")
    assert Client().get("/scan/manifest.json").json()["start_url"] == "/scan"
