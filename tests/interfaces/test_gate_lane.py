"""The lane over real sockets and the real database: acknowledged is on disk, refused is said, a queue of a day comes in once."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections

from tests.domains.gate.door import TOKEN, door  # noqa: F401
from tests.fixtures_town import Town
from tests.interfaces.test_gate_connections import answer as read_answer
from tongchou.core.people.rules import system_actor
from tongchou.core.secrecy import blind_index
from tongchou.domains.gate.actions import enrol_device, invite_device, learn_facts, publish_entry_rules, register_residents, revoke_device
from tongchou.domains.gate.models import Device, Entrance, Scan
from tongchou.domains.gate.rules import FLAGS, REASON_CODES
from tongchou.domains.registry.models import Resident
from tongchou.interfaces import clock
from tongchou.interfaces.gate import lane as lanes
from tongchou.interfaces.gate.connections import Connection
from tongchou.interfaces.gate.deliveries import MOST_BYTES, MOST_SCANS
from tongchou.interfaces.gate.lane import Lane

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
CARD, BY = "310199198505050016", system_actor("test")


class Client:
    """A device that keeps its line open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lane: Lane) -> None:
        self.reader, self.writer, self.lane = reader, writer, lane

    async def send(self, body: bytes, token: str = TOKEN, first: bytes = b"POST /gate/scans") -> tuple[int, Any]:
        self.writer.write(
            b"%s HTTP/1.1\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (first, token.encode(), len(body), body)
        )
        status, content = await read_answer(self.reader)
        return status, json.loads(content) if content else None


def now_ms() -> int:
    return int(time.time() * 1000)


def delivery(*texts: str, first: int = 100, at_ms: int | None = None) -> bytes:
    at_ms = at_ms or now_ms()
    scans = [{"seq": first + n, "at": at_ms, "text": text} for n, text in enumerate(texts)]
    return json.dumps({"sent_at": at_ms, "scans": scans}).encode()


def on_lane(ask: Callable[[Client], Awaitable[None]]) -> None:
    """A lane with its book read, and one device connected to it."""

    async def work() -> None:
        lane = Lane(look_s=0.02)
        keeping = asyncio.create_task(lane.keep_book())
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(lane.handle, lane.most_body_bytes, lane.connections), "127.0.0.1", 0
        )
        async with asyncio.timeout(20):
            while lane.book is None and not keeping.done():
                await asyncio.sleep(0.01)
        client = Client(*await asyncio.open_connection(*server.sockets[0].getsockname()), lane)
        try:
            await asyncio.wait_for(ask(client), 60)
        finally:
            client.writer.close()
            server.close()
            keeping.cancel()
            await lane.end()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    asyncio.run(work())


@pytest.fixture
def strict(door: Device, installed_town: Town) -> Device:  # noqa: F811
    """The door asks for a test of the last 72 hours and may refuse."""
    rule = {"venue_classes": ["all"], "from_on": "2022-01-01", "to_on": None, "test_hours": 72, "may_refuse": True, "confidence": "high"}
    kept = rule | {"source": {"zh": "测试", "en": "test"}}
    publish_entry_rules(rules=[kept], ceilings=[kept], classes=["market"], place=installed_town.town, by=BY, at=clock.now())
    return door


def test_what_is_acknowledged_is_in_the_log_and_sent_again_is_there_once(strict: Device) -> None:
    async def ask(client: Client) -> None:
        sent = delivery("TC1:ABC", "hello")
        first, second = await client.send(sent), await client.send(sent)
        assert first == second and first[0] == 200
        assert [(said["seq"], said["reason"]) for said in first[1]["answers"]] == [(100, "malformed"), (101, "not_a_pass")]
        assert await client.send(delivery("other", first=101)) == (409, {"answers": [], "clashes": [101]})

    on_lane(ask)
    kept = Scan.objects.filter(device=strict.pk, seq__gte=100).order_by("seq")
    assert [(scan.seq, REASON_CODES[scan.reason], scan.holder) for scan in kept] == [(100, "malformed", None), (101, "not_a_pass", None)]


def test_a_card_is_looked_up_and_its_number_is_nowhere(strict: Device, small_town: Town, caplog: pytest.LogCaptureFixture) -> None:
    person = Resident.objects.create(
        name="王五", place=small_town.villages[0], id_number=CARD, id_index=blind_index(CARD), sex="m", born_on="1985-05-05",
        changed_at=clock.now(),
    )  # fmt: skip
    register_residents(numbers={person.pk: 77}, by=BY, at=clock.now())
    learn_facts(sampled_at={77: clock.now() - timedelta(hours=1)}, doses={}, by=BY, at=clock.now())

    async def ask(client: Client) -> None:
        status, told = await client.send(delivery(f"ID:{CARD}", "ID:310199197001010014"))
        assert status == 200 and [(said["verdict"], said["reason"]) for said in told["answers"]] == [
            ("admit", "ok"),
            ("refuse", "unknown_person"),
        ]

    on_lane(ask)
    known, unknown = Scan.objects.filter(seq__gte=100).order_by("seq")
    assert (known.holder, unknown.holder) == (77, None) and known.flags == unknown.flags == FLAGS["by_card"]
    assert CARD not in caplog.text


@pytest.mark.parametrize(
    ("body", "token", "first", "status"),
    [
        (delivery("x"), "a guess", b"POST /gate/scans", 401),
        (delivery("x"), "", b"POST /gate/scans", 401),
        (delivery("x"), TOKEN, b"POST /gate/scan", 404),
        (b"", TOKEN, b"GET /gate/scans", 404),
        (b"{}", TOKEN, b"POST /gate/scans", 422),
        (delivery(*["x"] * (MOST_SCANS + 1)), TOKEN, b"POST /gate/scans", 422),
        (b" " * (MOST_BYTES + 1), TOKEN, b"POST /gate/scans", 413),
    ],
    ids=["unknown token", "no token", "other address", "not a delivery", "no form", "too many", "too long"],
)
def test_a_refusal_says_why_in_both_languages_and_keeps_nothing(strict: Device, body: bytes, token: str, first: bytes, status: int) -> None:
    async def ask(client: Client) -> None:
        refused, told = await client.send(body, token, first)
        assert refused == status and set(told["said"]) == {"zh", "en"}
        assert (await client.send(delivery("after")))[0] == 200  # the line goes on

    on_lane(ask)
    assert Scan.objects.filter(seq__gte=100).count() == 1


def test_a_device_revoked_is_a_stranger_within_seconds_and_one_enrolled_twice_has_one_token(strict: Device) -> None:
    entrance = Entrance.objects.get(pk=strict.entrance_id)
    invite_device(entrance, name="新手机", code="again", by=BY, at=clock.now())
    enrol_device(code="again", token="new token", by=BY, at=clock.now())

    def revoke() -> None:
        revoke_device(strict, reason="遗失 stolen", by=BY, at=clock.now())
        connections.close_all()

    async def ask(client: Client) -> None:
        loop = asyncio.get_running_loop()
        assert (await client.send(delivery("x")))[0] == (await client.send(delivery("x"), "new token"))[0] == 200
        await loop.run_in_executor(None, revoke)
        async with asyncio.timeout(10):
            while (await client.send(delivery("y", first=200)))[0] != 401:
                await asyncio.sleep(0.02)
        assert (await client.send(delivery("y", first=200), "new token"))[0] == 200

    on_lane(ask)


def test_a_hundred_thousand_scans_of_a_long_outage_come_in_once_whatever_is_sent_again(strict: Device) -> None:
    day_ago = now_ms() // 1000 * 1000 - 86_400_000

    async def ask(client: Client) -> None:
        for start in range(0, 100_000, MOST_SCANS):
            sent = delivery(*["TC1:ABC"] * MOST_SCANS, first=1000 + start, at_ms=day_ago)
            sent = sent.replace(b'"sent_at": %d' % day_ago, b'"sent_at": %d' % now_ms())
            assert (await client.send(sent))[0] == 200
            if start % 10_000 == 0:
                assert (await client.send(sent))[0] == 200

    on_lane(ask)
    kept = Scan.objects.filter(device=strict.pk, seq__gte=1000)
    assert kept.count() == 100_000
    assert set(kept.values_list("at_s", "flags").distinct()) == {(day_ago // 1000, FLAGS["late"] | FLAGS["differs"])}


def test_a_disk_that_fails_is_said_and_the_next_delivery_is_taken(strict: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, failures = lanes.append, iter([True, False])

    def failing(rows: Any) -> Any:
        if next(failures):
            raise DatabaseError("disk full")
        return plain(rows)

    monkeypatch.setattr(lanes, "append", failing)

    async def ask(client: Client) -> None:
        status, told = await client.send(delivery("x"))
        assert status == 503 and "keep" in told["said"]["en"]
        assert (await client.send(delivery("x")))[0] == 200

    on_lane(ask)
    assert Scan.objects.filter(seq__gte=100).count() == 1


def test_any_page_may_ask_since_a_token_opens_the_door(strict: Device) -> None:
    async def ask(client: Client) -> None:
        client.writer.write(b"OPTIONS /gate/scans HTTP/1.1\r\nOrigin: https://desk.example\r\n\r\n")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 204") and b"access-control-allow-headers: authorization" in head

    on_lane(ask)
