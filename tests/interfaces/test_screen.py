"""A screen at a door: what it fetches, and what somebody reads who scans it, photographs it, or opens an old code."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.domains.gate.door import TOKEN, door  # noqa: F401
from tests.fixtures_town import AT, SINCE
from tests.interfaces.callers import Caller
from tests.interfaces.test_door_pages import DOOR, _as
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.screen_codes import STEP_S, sign
from tongchou.interfaces import clock
from tongchou.interfaces.web.qr import qr_bits

pytestmark = pytest.mark.usefixtures("installed_town")
STEP = int(AT.timestamp()) // STEP_S


class Now:
    at = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def now(door: Device, monkeypatch: pytest.MonkeyPatch) -> Now:  # noqa: F811
    parameter = Parameter.objects.create(key="gate.screen_ahead", unit="minute", name_zh="屏幕", name_en="screen")
    ParameterValue.objects.create(parameter=parameter, value=60, valid_from=SINCE, source_zh="测试", source_en="test", confidence="high")
    present = Now()
    monkeypatch.setattr(clock, "now", present)
    return present


def _enrolled(name: str = "TV") -> str:
    shown = _as("lin").post(f"{DOOR}/invite", {"name": name, "kind": "screen"})
    assert shown.headers["Cache-Control"] == "no-store"
    (code,) = re.findall(r"<code>([a-z2-9]{10})</code>", shown.content.decode())
    answers = [Client().post("/screen/enrol", {"code": code.upper()}, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]  # once only; typed in capitals it is the same
    return str(answers[0].json()["token"])


def _codes(token: str, tag: str = "", address: str = "/screen/codes") -> Any:
    return Client().get(address, headers={"Authorization": f"Bearer {token}", "If-None-Match": tag})


def _opened(shown: str, code: str = "CS1") -> str:
    answer = Client(headers={"cookie": "lang=en"}).get(f"/c/{code}", {"s": shown})
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    return answer.content.decode()


LIVE, OLD = "Live: shown on the screen", "A photograph or an old code"


def test_a_screen_fetches_an_hour_of_codes_and_never_the_secret(now: Now) -> None:
    token = _enrolled()
    answer, secret = _codes(token), Entrance.objects.get().secret
    body = answer.json()
    assert answer.headers["Server-Now"] == str(int(AT.timestamp() * 1000)) and answer.headers["Cache-Control"] == "no-store"
    assert set(body) == {"town", "venue", "entrance", "code", "zone", "step_s", "first_step", "pictures"}
    assert (body["first_step"], len(body["pictures"]), body["step_s"]) == (STEP, 120, 30)
    assert secret and secret not in answer.content.decode()
    address = "http://testserver/c/CS1"
    assert body["pictures"][7] == qr_bits(f"{address}?s={sign(secret, 'CS1', STEP + 7)}")
    assert _codes(token, answer.headers["ETag"]).status_code == 304
    assert [_codes(*asked).status_code for asked in ((TOKEN,), ("",), (token, "", "/scan/bundle"))] == [401] * 3
    with override_settings(PUBLIC_ADDRESS="https://town.example"):
        there = _codes(token, answer.headers["ETag"])
    assert there.json()["pictures"][0] == qr_bits(f"https://town.example/c/CS1?s={sign(secret, 'CS1', STEP)}")


def test_whoever_opens_a_code_reads_whether_it_is_of_now(now: Now) -> None:
    assert "This door has a screen" not in Client(headers={"cookie": "lang=en"}).get("/c/CS1").content.decode()
    assert OLD in _opened("ABCDEFGHIJKLMNOP")  # there is no screen at all
    _enrolled()
    secret = Entrance.objects.get().secret or ""
    shown = sign(secret, "CS1", STEP)
    began = datetime.fromtimestamp(STEP * STEP_S, AT.tzinfo)
    assert LIVE in _opened(shown)
    # in its time, replayed, and from the future
    for seconds, said in ((12, f"{LIVE} 12 s ago"), (59, f"{LIVE} 59 s ago"), (60, OLD), (7200, OLD), (-31, OLD)):
        now.at = began + timedelta(seconds=seconds)
        assert said in _opened(shown)
    now.at = AT
    for wrong in (shown[:-1], shown + "A", "", "\0", "场" * 4000, sign(secret, "CS1-2", STEP), sign("another", "CS1", STEP)):
        assert OLD in _opened(wrong)
    printed = Client(headers={"cookie": "lang=en"}).get("/c/CS1")
    assert "This door has a screen" in printed.content.decode() and "max-age=60" in printed.headers["Cache-Control"]


def test_a_revoked_screen_gets_nothing_and_what_it_fetched_is_dead(now: Now) -> None:
    stolen, other = _enrolled("one"), _enrolled("two")
    tag, shown = _codes(other).headers["ETag"], sign(Entrance.objects.get().secret or "", "CS1", STEP)
    lin = _as("lin")
    lin.post(f"/gate/devices/{Device.objects.get(name='one').pk}/revoke", {"reason": "stolen"})
    assert _codes(stolen).status_code == 401 and OLD in _opened(shown)
    assert _codes(other, tag).status_code == 200  # no 304: it must show new ones
    assert LIVE in _opened(sign(Entrance.objects.get().secret or "", "CS1", STEP))


def test_the_office_changes_the_secret_and_nobody_else(now: Now) -> None:
    assert Caller("lin").post("/gate/doors/CS1/screen-secret").status_code == 409  # no screen stands here
    _enrolled()
    before = Entrance.objects.get().secret
    for person in ("wu", "zhao"):
        assert (
            _as(person).post(f"{DOOR}/screen-secret").status_code == Caller(person).post("/gate/doors/CS1/screen-secret").status_code == 404
        )
    assert Entrance.objects.get().secret == before
    assert Caller("lin").post("/gate/doors/CS1/screen-secret").json()["screens"] == 1
    between = Entrance.objects.get().secret
    assert "within a minute" in _as("lin").post(f"{DOOR}/screen-secret", follow=True).content.decode()
    assert len({before, between, Entrance.objects.get().secret}) == 3
    assert _as("lin").post(f"{DOOR}/invite", {"name": "x", "kind": "toaster"}).status_code == 404
