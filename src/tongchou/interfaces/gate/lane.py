"""The gate lane: `POST /gate/scans` and nothing else, in a process of its own, so that no page and no import can hold up a door.

A scan is acknowledged when it is on disk. What is not acknowledged the device keeps and sends again; the second time changes nothing.
On a database file this is the only process that writes scans; on a server several may run.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from tongchou.core.audit.models import ChainHead
from tongchou.core.places.queries import installation
from tongchou.domains.gate.checking import Book, SeenPasses
from tongchou.domains.gate.queries import book_at
from tongchou.domains.gate.scan_log import Row, append
from tongchou.interfaces import clock
from tongchou.interfaces.gate.deliveries import MOST_BYTES, answer, judged, read_delivery
from tongchou.interfaces.gate.group_commit import GroupCommit

log = structlog.get_logger("tongchou.gate")
LOOK_S, STALE_S, WAITING_AT_MOST = 1.0, 60.0, 20_000
PATH = "/gate/scans"
Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
# A token, not a cookie, opens this door: any page may ask, none can borrow somebody's session.
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"access-control-allow-origin", b"*")]
_PREFLIGHT = [
    *_HEADERS, (b"access-control-allow-methods", b"POST"), (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"86400"),
]  # fmt: skip


class Lane:
    """The ASGI application."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self.look_s = look_s
        self.book: Book | None = None
        self.seen = SeenPasses()
        self.writer: GroupCommit[Row, set[tuple[int, int]]] = GroupCommit(_append)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="book")
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.writer.start(asyncio.get_running_loop())
                self._looking = asyncio.create_task(self._keep_book())
            elif self._looking is not None:
                self._looking.cancel()
                await asyncio.get_running_loop().run_in_executor(None, self.writer.stop)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            return await _send(send, 204, b"", _PREFLIGHT)
        if scope["path"] != PATH or scope["method"] != "POST":
            return await _refuse(send, 404, "没有这个地址。", "No such address.")
        if self.book is None:
            return await _refuse(send, 503, "正在启动，请稍后再发。", "Starting; send again shortly.")
        door = self.book.door(_token(scope))
        if door is None:
            return await _refuse(send, 401, "设备未登记或已停用。", "This device is not enrolled, or was revoked.")
        body = await _body(receive)
        if body is None:
            return await _refuse(send, 413, "一次最多1,000条、1.5 MB。", "At most 1,000 scans and 1.5 MB at once; send fewer.")
        if self.writer.waiting() > WAITING_AT_MOST:
            return await _refuse(send, 503, "繁忙，请稍后再发。", "Busy; keep the scans and send again shortly.")
        try:
            delivery = read_delivery(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return await _refuse(send, 422, f"格式不符：{error}", f"Not of the right form: {error}")
        judgement = judged(delivery, door, self.book, self.seen, int(clock.now().timestamp()))
        try:
            clashes = await self.writer.written(judgement.rows)
        except (DatabaseError, InterfaceError) as error:
            log.warning("scans not written", error=str(error).strip()[:200])
            return await _refuse(send, 503, "暂时存不下，请保留并重发。", "Not on disk: keep the scans and send them again.")
        return await _send(send, 409 if clashes else 200, answer(judgement, clashes), _HEADERS)

    async def _keep_book(self) -> None:
        """Read the book again when the log of acts has moved, and every minute for what the calendar changes."""
        seen_seq, read_at = -1, 0.0
        while True:
            with contextlib.suppress(DatabaseError, InterfaceError):
                seq = await self._read(_last_act)
                if seq != seen_seq or time.monotonic() - read_at > STALE_S:
                    self.book = await self._read(self._fresh_book) or self.book
                    seen_seq, read_at = seq, time.monotonic()
            await asyncio.sleep(self.look_s)

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


def _append(rows: Any) -> set[tuple[int, int]]:
    try:
        return append(rows)
    except (DatabaseError, InterfaceError):
        connections[settings.SCANS_DATABASE].close()  # a server that went away is asked anew next time
        raise


def _last_act() -> int:
    return ChainHead.objects.values_list("seq", flat=True).get(pk=1)


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else ""
    return ""


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is too long."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= MOST_BYTES:
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= MOST_BYTES else None


async def _refuse(send: Send, status: int, zh: str, en: str) -> None:
    await _send(send, status, msgspec.json.encode({"said": {"zh": zh, "en": en}}), _HEADERS)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = Lane()
