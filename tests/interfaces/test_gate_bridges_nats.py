"""Turnstiles over a real NATS server: what the town has not answered for is held and brought again, and nothing is held for ever."""

import asyncio
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import nats
import pytest
from benchmarks.gate import bridge_kills
from benchmarks.gate.kills import ROOT
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from nats.js.errors import APIError

from tests.domains.gate.door import TOKEN, door  # noqa: F401
from tests.fixtures_town import Town
from tests.interfaces.ports import free_port
from tests.interfaces.test_gate_bridges import SlowLane, broker, lane_of, message, on_disk, programs, scans, wait_for  # noqa: F401
from tests.interfaces.test_gate_lane import Client, on_lane
from tongchou.domains.gate.models import Device, Scan
from tongchou.interfaces.gate import nats_bridge
from tongchou.interfaces.gate.bridges import WORKERS, LaneLine
from tongchou.interfaces.gate.nats_bridge import MOST_OF_A_DEVICE, STREAM, NatsBridge

on_nats = pytest.mark.parametrize("programs", [("nats",)], indirect=True)


@contextmanager
def running(bridge: NatsBridge) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=bridge.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def until(what: Callable[[], Any]) -> Any:
    """What `what` gives, once it gives something true."""
    async with asyncio.timeout(30):
        while True:
            try:
                if told := await what():
                    return told
            except nats.js.errors.NotFoundError:  # not made yet
                pass
            await asyncio.sleep(0.02)


async def in_stream(client: nats.NATS, count: int) -> bool:
    return (await client.jetstream().stream_info(STREAM)).state.messages == count


class Lane(LaneLine):
    """A lane that answers with these statuses, one after the other, the last again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.asked = list(statuses), list[dict[str, Any]]()

    def deliver(self, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked.append(json.loads(body))
        return (self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]), {"answers": [], "clashes": []}


def make_certificate(folder: Path) -> ssl.SSLContext:
    """server.pem and server.key of localhost in `folder`; gives what a client checks them with."""
    key, name, now = generate_private_key(SECP256R1()), x509.Name([]), datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
    made = made.add_extension(names, critical=True).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / "server.key").write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    return ssl.create_default_context(cafile=str(folder / "server.pem"))


@pytest.fixture
def guarded(programs: tuple[str, ...], tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:  # noqa: F811
    """A server set up as in the how-to: its port, and what its certificate is checked with."""
    (settings,) = re.findall(r"```\n(max_payload.*?)```", (ROOT / "docs/how-to/turnstiles.md").read_text("utf-8"), re.DOTALL)
    trust, port = make_certificate(tmp_path), free_port()
    (tmp_path / "server.conf").write_text(settings.replace("/etc/nats", str(tmp_path)).replace("/var/lib/nats", str(tmp_path / "guarded")))
    program = bridge_kills.program_of("nats") or ""
    process = bridge_kills.Process(program, "-c", str(tmp_path / "server.conf"), "-a", "127.0.0.1", "-p", str(port))
    wait_for(port)
    yield port, trust
    process.end()


@on_disk
@on_nats
def test_a_turnstile_as_in_the_how_to_is_told_the_verdict_once_its_scan_is_on_disk(
    door: Device,  # noqa: F811
    installed_town: Town,
    guarded: tuple[int, ssl.SSLContext],
    tmp_path: Path,
) -> None:
    port, trust = guarded
    turnstile_class, server = bridge_kills.example(1)["Turnstile"], f"tls://localhost:{port}"

    async def ask(client: Client) -> None:
        bridge = NatsBridge(f"tls://tongchou:PASSWORD@localhost:{port}", lane_of(client), str(tmp_path / "server.pem"))
        turnstile, stranger = turnstile_class("gate-1", TOKEN), turnstile_class("gate-2", "a guess")
        with running(bridge):
            await turnstile.connect(server, user="gate-1", password="PASSWORD-1", tls=trust)
            refused = await nosy(server, trust, stranger)
            made = scans("hello", "TC1:ABC")
            for _ in range(2):
                told = await turnstile.deliver(made)
                assert told["status"] == 200 and [said["seq"] for said in told["answers"]] == [100, 101]
                assert {said["verdict"] for said in told["answers"]} <= {"admit", "notice", "refuse"}
            assert (await turnstile.deliver(scans("other", first=101)))["clashes"] == [101]
            assert (await stranger.deliver(made))["status"] == 401
            assert (await turnstile.deliver([{"seq": 0}]))["status"] == 422
            assert (bridge.counts[200] >= 2, bridge.counts[409], bridge.counts[401], bridge.counts[422]) == (True, 1, 1, 1)
            assert len(refused) == 5 and all("permissions violation" in str(error) for error in refused)
            for device in (turnstile, stranger):
                await device.client.close()

    on_lane(ask)
    assert sorted(Scan.objects.filter(seq__gte=100).values_list("seq", flat=True)) == [100, 101]
    assert TOKEN.encode() not in what_is_in(tmp_path / "guarded")


async def nosy(server: str, trust: ssl.SSLContext, device: Any) -> list[Exception]:
    """Let `device` (gate-2) connect and try what is none of its business."""
    refused: list[Exception] = []

    async def note(error: Exception) -> None:
        refused.append(error)

    await device.connect(server, user="gate-2", password="PASSWORD-2", tls=trust, error_cb=note)
    for subject in ("tongchou.gate.gate-1.answers", "_INBOX.>", "tongchou.gate.gate-1.scans"):
        await device.client.subscribe(subject)
    await device.client.publish("tongchou.gate.gate-1.scans", message())
    await device.client.publish(f"$JS.API.STREAM.MSG.GET.{STREAM}", b'{"seq":1}')
    await device.client.flush()
    return refused


def what_is_in(folder: Path) -> bytes:
    """All that the server has written."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return b"".join(file.read_bytes() for file in files)


@on_nats
def test_a_message_is_brought_again_until_the_lane_has_answered_and_waiting_is_not_taken_for_a_wrong_clock(
    broker: int,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_bridge, "FIRST_PAUSE_S", 0.1)
    lane, sent_at = Lane(503, 503, 503, 200), time.time_ns() // 1_000_000

    async def ask() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{broker}")
        answers = await client.subscribe("tongchou.gate.*.answers")
        await until(lambda: in_stream(client, 0))
        await client.jetstream().publish("tongchou.gate.a.scans", message(id="n", sent_at=sent_at))
        told = json.loads((await answers.next_msg(30)).data)
        assert (told["status"], told["id"], answers.pending_msgs) == (200, "n", 0)
        await until(lambda: in_stream(client, 0))
        await client.close()

    with running(NatsBridge(f"nats://127.0.0.1:{broker}", lane)):
        asyncio.run(ask())
    waited_ms = [asked["sent_at"] - sent_at for asked in lane.asked]
    assert waited_ms == sorted(waited_ms) and waited_ms[0] >= 0
    pauses_ms = [after - before for before, after in pairwise(waited_ms)]
    assert len(pauses_ms) == 3 and pauses_ms[0] >= 99 and pauses_ms[1] >= 199 and pauses_ms[2] >= 399


@on_nats
def test_what_can_never_be_taken_is_answered_and_holds_up_nobody(broker: int) -> None:  # noqa: F811
    async def ask() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{broker}")
        answers = await client.subscribe("tongchou.gate.*.answers")
        await until(lambda: in_stream(client, 0))
        stream = client.jetstream()
        for device, payload in (("bad", b"{"), ("bad", b"\xff"), ("d" * 65, message()), ("good", message())):
            await stream.publish(f"tongchou.gate.{device}.scans", payload)
        told = [await answers.next_msg(30) for _ in range(3)]
        assert sorted((answer.subject.split(".")[2], json.loads(answer.data)["status"]) for answer in told) == [
            ("bad", 422), ("bad", 422), ("good", 200),
        ]  # fmt: skip
        await until(lambda: in_stream(client, 0))
        await client.close()

    with running(NatsBridge(f"nats://127.0.0.1:{broker}", Lane(200))):
        asyncio.run(ask())


@on_nats
def test_a_second_bridge_may_stand_beside_the_first(broker: int) -> None:  # noqa: F811
    address, first, second = f"nats://127.0.0.1:{broker}", Lane(200), Lane(200)

    async def ask() -> None:
        client = await nats.connect(address)
        await until(lambda: in_stream(client, 0))
        with running(NatsBridge(address, second)):
            n = 0
            while not (first.asked and second.asked and n > 50):
                await client.jetstream().publish(f"tongchou.gate.d{n}.scans", message())
                n += 1
            await until(lambda: in_stream(client, 0))
        assert len(first.asked) + len(second.asked) >= n
        await client.close()

    with running(NatsBridge(address, first)):
        asyncio.run(ask())


@on_nats
def test_a_full_stream_refuses_what_is_new_and_after_its_time_nothing_remains(broker: int, tmp_path: Path) -> None:  # noqa: F811
    async def fill() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{broker}")
        stream = client.jetstream()
        await until(lambda: in_stream(client, 0))
        for _ in range(MOST_OF_A_DEVICE):
            await stream.publish("tongchou.gate.a.scans", message())
        with pytest.raises(APIError, match="maximum messages per subject exceeded"):
            await stream.publish("tongchou.gate.a.scans", message())
        await stream.publish("tongchou.gate.b.scans", message())
        with pytest.raises(APIError, match="maximum bytes exceeded"):
            await stream.publish("tongchou.gate.c.scans", b"x" * 20_000)
        assert await in_stream(client, MOST_OF_A_DEVICE + 1)
        await client.close()

    async def wait() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{broker}")
        await until(lambda: in_stream(client, 0))
        await client.close()

    address, away, store = f"nats://127.0.0.1:{broker}", Lane(503), tmp_path / "broker"
    with running(NatsBridge(address, away, held_bytes=20_000)):
        asyncio.run(fill())
    assert TOKEN.encode() in what_is_in(store)
    with running(NatsBridge(address, away, held_s=1)):
        asyncio.run(wait())
    assert TOKEN.encode() not in what_is_in(store)


@on_nats
def test_a_bridge_has_no_more_in_hand_than_it_asks_the_lane_at_once(broker: int) -> None:  # noqa: F811
    lane = SlowLane()

    async def ask() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{broker}")
        await until(lambda: in_stream(client, 0))
        for n in range(WORKERS + 12):
            await client.jetstream().publish(f"tongchou.gate.d{n}.scans", message())

        async def in_hand() -> int:
            return (await client.jetstream().consumer_info(STREAM, nats_bridge.CONSUMER)).num_ack_pending // WORKERS

        assert await until(in_hand) == 1
        await asyncio.sleep(0.2)
        assert (await in_hand(), lane.asked) == (1, WORKERS)
        lane.go.set()
        await until(lambda: in_stream(client, 0))
        await client.close()

    with running(NatsBridge(f"nats://127.0.0.1:{broker}", lane)):
        try:
            asyncio.run(ask())
        finally:
            lane.go.set()


def test_a_password_is_not_told_to_a_server_that_wants_no_tls() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as false_server:

        def serve() -> None:
            line, _ = false_server.accept()
            with line:
                line.sendall(b'INFO {"server_id":"x","version":"2.9.10","max_payload":1048576,"auth_required":true}\r\n')
                line.settimeout(30)
                heard.append(line.recv(4096))
            stop.set()

        stop, listening = threading.Event(), threading.Thread(target=serve)
        listening.start()
        NatsBridge(f"tls://tongchou:secret@127.0.0.1:{false_server.getsockname()[1]}", Lane(200)).run(stop)
        listening.join()
    assert heard == [b""]


@pytest.mark.parametrize("address", ["mqtt://broker", "nats:///", "broker:4222"])
def test_an_address_that_is_none_of_a_nats_server_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="nats:// or tls://"):
        NatsBridge(address, Lane(200))
