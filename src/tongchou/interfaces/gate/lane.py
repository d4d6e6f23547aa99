"""The gate lane: `POST /gate/scans` and nothing else, in a process of its own, so that no page and no import can hold up a door.

A scan is acknowledged when it is on disk. What is not acknowledged the device keeps and sends again; the second time changes nothing.
One process: it holds the only connection that writes scans. Started as `python -m tongchou.interfaces.gate.lane HOST PORT`.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the loop writes by itself: see group_commit

import django
from django.apps import apps

if not apps.ready:
    django.setup()

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from tongchou.core.audit.models import ChainHead
from tongchou.core.passes.tokens import Pass
from tongchou.core.places.queries import installation
from tongchou.domains.gate.checking import Book, Door, SeenPasses
from tongchou.domains.gate.queries import book_at, passes_by_card
from tongchou.domains.gate.scan_log import Row, append
from tongchou.interfaces import clock
from tongchou.interfaces.gate.connections import Asked, Connection, listen, run
from tongchou.interfaces.gate.deliveries import MOST_BYTES, Delivery, answer, cards_in, judged, read_delivery
from tongchou.interfaces.gate.group_commit import GroupCommit

log = structlog.get_logger("tongchou.gate")
LOOK_S, STALE_S, MOST_NAMES = 1.0, 60.0, 20_000
PATH = b"/gate/scans"
Clashes = set[tuple[int, int]]


class Lane:
    """Takes deliveries, judges them by the book it holds, has them written, answers."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self.look_s = look_s
        self.book: Book | None = None
        self.seen = SeenPasses()
        self.writer: GroupCommit[Row, Clashes] = GroupCommit(_append)
        self._doors: dict[bytes, Door | None] = {}  # of the book at hand, by what a device sends to name itself
        self._looking: set[asyncio.Task[None]] = set()
        self.connections: set[Connection] = set()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="book")

    def handle(self, asked: Asked, connection: Connection) -> None:
        """One request; answered at once when refused, else when its scans are on disk."""
        if asked.method == b"OPTIONS":
            return connection.answer_preflight()
        if asked.path != PATH or asked.method != b"POST":
            return _refuse(connection, 404, "没有这个地址。", "No such address.")
        if self.book is None:
            return _refuse(connection, 503, "正在启动，请稍后再发。", "Starting; send again shortly.")
        door = self.door_of(asked.authorization)
        if door is None:
            return _refuse(connection, 401, "设备未登记或已停用。", "This device is not enrolled, or was revoked.")
        if asked.too_long:
            return _refuse(connection, 413, "一次最多1,000条、1.5 MB。", "At most 1,000 scans and 1.5 MB at once; send fewer.")
        try:
            delivery = read_delivery(asked.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _refuse(connection, 422, f"格式不符：{error}", f"Not of the right form: {error}")
        if cards := cards_in(delivery):
            looking = asyncio.create_task(self._look_up(cards, delivery, door, self.book, connection))
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)
        else:
            self._keep(delivery, door, self.book, {}, connection)
        return None

    async def _look_up(self, cards: list[str], delivery: Delivery, door: Door, book: Book, connection: Connection) -> None:
        try:
            known = await self._read(partial(passes_by_card, cards, book.town, clock.now()))
        except (DatabaseError, InterfaceError):
            _refuse_unkept(connection)
        else:
            self._keep(delivery, door, book, known, connection)

    def _keep(self, delivery: Delivery, door: Door, book: Book, cards: Mapping[str, Pass], connection: Connection) -> None:
        judgement = judged(delivery, door, book, self.seen, cards, int(clock.now().timestamp()))

        def then(told: Clashes | Exception) -> None:
            if isinstance(told, Exception):
                log.warning("scans not written", error=type(told).__name__)
                _refuse_unkept(connection)
            else:
                connection.answer(*answer(judgement, told))

        self.writer.put(judgement.rows, then)

    def door_of(self, authorization: bytes) -> Door | None:
        """The door of the device that names itself so; None for a stranger, whose body is not even kept."""
        if self.book is None:
            return None
        if authorization not in self._doors:
            if len(self._doors) >= MOST_NAMES:  # strangers trying names must not fill the memory
                self._doors.clear()
            self._doors[authorization] = self.book.door(_token(authorization))
        return self._doors[authorization]

    def most_body_bytes(self, authorization: bytes) -> int:
        """Nothing of a stranger's request is kept."""
        return 0 if self.door_of(authorization) is None else MOST_BYTES

    async def keep_book(self) -> None:
        """Read the book again when the log of acts has moved, and every minute for what the calendar changes."""
        seen_seq, read_at = -1, 0.0
        while True:
            try:
                seq = await self._read(_last_act)
                if seq != seen_seq or time.monotonic() - read_at > STALE_S:
                    self.book = await self._read(self._fresh_book) or self.book
                    self._doors.clear()
                    seen_seq, read_at = seq, time.monotonic()
            except (DatabaseError, InterfaceError) as error:
                log.warning("book not read, the last one stands", error=str(error).strip()[:200])
            await asyncio.sleep(self.look_s)

    async def end(self) -> None:
        """Write what has come in, answer it, hang up."""
        if self._looking:
            await asyncio.wait(self._looking)
        self.writer.write_all()
        for connection in tuple(self.connections):
            connection.hang_up()
        await self._read(connections.close_all)
        self._reader.shutdown()

    def _fresh_book(self) -> Book | None:
        town = installation()
        return None if town is None else book_at(clock.local_now(), town.place.code, self.book)

    async def _read(self, query: Callable[[], Any]) -> Any:
        def guarded() -> Any:
            try:
                return query()
            except (DatabaseError, InterfaceError):
                connections.close_all()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._reader, guarded)


def _append(rows: Any) -> Clashes:
    try:
        return append(rows)
    except (DatabaseError, InterfaceError):
        connections[settings.SCANS_DATABASE].close()  # a server that went away is asked anew next time
        raise


def _last_act() -> int:
    return ChainHead.objects.values_list("seq", flat=True).get(pk=1)


def _token(authorization: bytes) -> str:
    kind, _, token = authorization.decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _refuse_unkept(connection: Connection) -> None:
    _refuse(connection, 503, "暂时存不下，请保留并重发。", "Not on disk: keep the scans and send them again.")


def _refuse(connection: Connection, status: int, zh: str, en: str) -> None:
    connection.answer(status, msgspec.json.encode({"said": {"zh": zh, "en": en}}))


async def serve(host: str, port: int) -> None:
    """Listen until told to stop; then write what has come in, answer it, and end."""
    lane = Lane()
    keeping = asyncio.create_task(lane.keep_book())
    await listen(host, port, lambda: Connection(lane.handle, lane.most_body_bytes, lane.connections), lane.connections)
    keeping.cancel()
    await lane.end()


def main() -> None:
    run(serve(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
