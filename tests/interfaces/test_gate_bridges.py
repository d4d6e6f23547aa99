"""Turnstiles over real brokers: acknowledged is on disk, refused is said, and kill -9 of any part loses nothing. Mosquitto; NATS: see test_gate_bridges_nats."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from benchmarks.gate import bridge_kills
from benchmarks.gate.kills import ROOT

from tests.domains.gate.door import TOKEN, door  # noqa: F401
from tests.fixtures_town import Town
from tests.interfaces.ports import free_port
from tests.interfaces.test_gate_lane import Client, on_lane
from tongchou.domains.gate.models import Device, Scan
from tongchou.interfaces.cli.serving import bridge_parts
from tongchou.interfaces.gate.bridges import MOST_MESSAGE_BYTES, LaneLine, forward
from tongchou.interfaces.gate.deliveries import MOST_BYTES
from tongchou.interfaces.gate.mqtt_bridge import MOST_WAITING, MqttBridge

on_disk = pytest.mark.django_db(transaction=True, databases="__all__")
on_mqtt = pytest.mark.parametrize("programs", [("mqtt",)], indirect=True)


@pytest.fixture
def programs(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Kinds of brokers whose programs are there."""
    for what in request.param:
        if bridge_kills.program_of(what) is None:
            missing = f"{bridge_kills.PROGRAMS[what]}: not found; Debian: apt-get install {bridge_kills.PROGRAMS[what]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    kinds: tuple[str, ...] = request.param
    return kinds


@pytest.fixture
def broker(programs: tuple[str, ...], tmp_path: Path) -> Iterator[int]:
    """The port of a broker of the test's own."""
    port = free_port()
    process = bridge_kills.start_broker(programs[0], port, tmp_path / "broker")
    wait_for(port)
    yield port
    process.end()


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    give_up = time.monotonic() + 30
    while True:
        with socket.socket() as line:
            if not line.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < give_up
        time.sleep(0.02)


def scans(*texts: str, first: int = 100) -> list[dict[str, Any]]:
    return [{"seq": first + n, "at": time.time_ns() // 1_000_000, "text": text} for n, text in enumerate(texts)]


def message(**other: Any) -> bytes:
    return json.dumps({"token": TOKEN, "sent_at": time.time_ns() // 1_000_000, "scans": scans("x")} | other).encode()


def lane_of(client: Client) -> LaneLine:
    return LaneLine(f"http://127.0.0.1:{client.writer.get_extra_info('peername')[1]}")


async def aside(work: Callable[..., Any], *words: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, partial(work, *words))


@on_disk
@on_mqtt
def test_a_turnstile_as_in_the_how_to_is_told_the_verdict_once_its_scan_is_on_disk(door: Device, installed_town: Town, broker: int) -> None:  # noqa: F811
    turnstile_class = bridge_kills.example(0)["Turnstile"]

    async def ask(client: Client) -> None:
        bridge, stop = MqttBridge(f"mqtt://127.0.0.1:{broker}", lane_of(client)), threading.Event()
        running = threading.Thread(target=bridge.run, args=(stop,))
        running.start()
        turnstile, stranger = (turnstile_class("127.0.0.1", broker, token[:8], token) for token in (TOKEN, "a guess"))
        try:
            made = scans("hello", "TC1:ABC")
            for _ in range(2):
                told = await aside(turnstile.deliver, made)
                assert told["status"] == 200 and [said["seq"] for said in told["answers"]] == [100, 101]
                assert {said["verdict"] for said in told["answers"]} <= {"admit", "notice", "refuse"}
            assert (await aside(turnstile.deliver, scans("other", first=101)))["clashes"] == [101]
            assert (await aside(stranger.deliver, made))["status"] == 401
            assert (await aside(turnstile.deliver, [{"seq": 0}]))["status"] == 422
            assert bridge.counts == {200: 2, 409: 1, 401: 1, 422: 1}
        finally:
            stop.set()
            await aside(running.join)
            for device in (turnstile, stranger):
                device.client.loop_stop()

    on_lane(ask)
    assert sorted(Scan.objects.filter(seq__gte=100).values_list("seq", flat=True)) == [100, 101]


class SlowLane(LaneLine):
    """A lane that answers when the test says so."""

    def __init__(self) -> None:
        self.go, self.asked = threading.Event(), 0

    def deliver(self, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked += 1
        self.go.wait(30)
        return 200, {"answers": [], "clashes": []}


@on_mqtt
def test_more_than_a_bridge_can_hold_is_told_to_come_again(broker: int) -> None:
    lane, stop, sent = SlowLane(), threading.Event(), MOST_WAITING + 30
    bridge = MqttBridge(f"mqtt://127.0.0.1:{broker}", lane)
    running = threading.Thread(target=bridge.run, args=(stop,))
    running.start()
    turnstile = bridge_kills.example(0)["Turnstile"]("127.0.0.1", broker, "flood", TOKEN)
    try:
        until = time.monotonic() + 30
        while not lane.asked and time.monotonic() < until:  # until both are connected
            turnstile.client.publish("tongchou/gate/flood/scans", message())
            time.sleep(0.05)
        for _ in range(sent):
            turnstile.client.publish("tongchou/gate/flood/scans", message(), qos=1).wait_for_publish(10)
        while not bridge.counts[503] and time.monotonic() < until:
            time.sleep(0.05)
        lane.go.set()
        while bridge.counts[200] < MOST_WAITING and time.monotonic() < until:
            time.sleep(0.05)
        assert 0 < bridge.counts[503] < sent and bridge.counts[200] >= MOST_WAITING
    finally:
        lane.go.set()
        stop.set()
        running.join()
        turnstile.client.loop_stop()


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"", 422),
        (b"\xff{", 422),
        (b"[]", 422),
        (message(token="a\r\nX-Other: b"), 422),
        (message(token="码"), 422),
        (message(id="n" * 65), 422),
        (message(more=1), 422),
        (message(sent_at="now"), 422),
        (b" " * (MOST_MESSAGE_BYTES + 1), 413),
        (message(id="a7"), 503),
    ],
    ids=[
        "empty",
        "no text",
        "no message",
        "token of two lines",
        "token not ascii",
        "long id",
        "unknown field",
        "no time",
        "too long",
        "no lane",
    ],
)
def test_what_cannot_be_delivered_is_answered_with_the_reason(payload: bytes, status: int) -> None:
    outcome = forward(payload, LaneLine(f"http://127.0.0.1:{free_port()}"))
    told = json.loads(outcome.body)
    assert outcome.status == told["status"] == status and set(told["said"]) == {"zh", "en"}
    assert told["id"] == ("a7" if status == 503 else "")
    assert MOST_MESSAGE_BYTES > MOST_BYTES + 300


@on_disk
def test_a_system_of_many_devices_asks_for_each_on_one_line(door: Device, installed_town: Town) -> None:  # noqa: F811
    deliver_all = bridge_kills.example(2)["deliver_all"]

    async def ask(client: Client) -> None:
        port = client.writer.get_extra_info("peername")[1]
        told = await aside(deliver_all, "127.0.0.1", port, {"a guess": scans("x"), TOKEN: scans("y")})
        assert {token: status for token, (status, _) in told.items()} == {"a guess": 401, TOKEN: 200}

    on_lane(ask)


@pytest.mark.parametrize(("kind", "scheme"), [("mqtt", "mqtts"), ("nats", "tls")])
def test_a_desk_runs_a_bridge_for_each_broker_it_is_told_of_and_none_else(monkeypatch: pytest.MonkeyPatch, kind: str, scheme: str) -> None:
    assert not list(bridge_parts("127.0.0.1", 8002))
    monkeypatch.setenv(f"TONGCHOU_{kind.upper()}", f"{scheme}://user:secret@broker")
    (part,) = bridge_parts("0.0.0.0", 8002)  # noqa: S104
    assert part.name == f"bridge-{kind}" and part.command[-1] == "http://127.0.0.1:8002" and "secret" not in " ".join(part.command)


def found(folder: Path, *words: str) -> dict[str, Any]:
    home = folder / "home"
    home.mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TONGCHOU_", "DJANGO_"))}
    own = {"TONGCHOU_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tongchou.settings", "PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run([sys.executable, bridge_kills.__file__, *words], env=clean | own, capture_output=True, text=True, timeout=240)
    assert said.returncode == 0, said.stdout + said.stderr
    told: dict[str, Any] = json.loads(said.stdout.split("found: ", 1)[1])
    return told


@pytest.mark.parametrize("programs", [("mqtt", "nats")], indirect=True)
def test_no_acknowledged_scan_is_lost_and_none_is_there_twice(tmp_path: Path, programs: tuple[str, ...]) -> None:
    told = found(tmp_path, "--what", *programs, "--times", "2")
    assert told["acknowledged"] > 0, told
    assert (told["lost"], told["twice"], told["missing"], told["unasked"], told["left"]) == (0, 0, 0, 0, 0), told


@on_mqtt
def test_a_turnstile_that_trusts_the_brokers_own_acknowledgement_loses_scans(tmp_path: Path, programs: tuple[str, ...]) -> None:
    assert found(tmp_path, "--what", *programs, "--times", "4", "--careless")["lost"] > 0
