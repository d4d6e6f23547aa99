"""The live process: one poll of the log for everybody, server-sent events to each open page, told only what its reader may hear.

A process of its own, one port above the pages, so that hundreds of open pages cost the pages nothing. It only reads.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

import structlog
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, InterfaceError, connections
from django.utils.crypto import constant_time_compare

from tongchou.core.people.models import User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import Actor
from tongchou.interfaces import clock
from tongchou.interfaces.changes import Changes, as_json, changes_after, position

log = structlog.get_logger("tongchou.live")
POLL_S, HEARTBEAT_S, DATABASE_PAUSE_S = 0.5, 15.0, 2.0
# What a person may hear is decided when the stream opens; ending it after a while makes the browser ask anew.
STREAM_S = 600.0
WAITING_AT_MOST = 200
Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
R = TypeVar("R")


@dataclass(eq=False)
class Listener:
    """One open page: who reads it, and the events on their way to it."""

    actor: Actor
    events: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING_AT_MOST))

    def tell(self, changes: Changes) -> None:
        for event in changes.events_for(self.actor):
            # A page that does not read is dropped behind; its next event makes it fetch everything anyway.
            with contextlib.suppress(asyncio.QueueFull):
                self.events.put_nowait(f"id: {changes.seq}\ndata: {as_json(event)}\n\n")


class Live:
    """The ASGI application. The poll runs while anybody listens."""

    def __init__(self, poll_s: float = POLL_S, heartbeat_s: float = HEARTBEAT_S, stream_s: float = STREAM_S) -> None:
        self.poll_s, self.heartbeat_s, self.stream_s = poll_s, heartbeat_s, stream_s
        self.listeners: set[Listener] = set()
        self._seen = (0, 0)
        self._polling: asyncio.Task[None] | None = None
        # One thread, one connection: reading the log is quick, and a database file likes few visitors.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._polling:
                self._polling.cancel()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        shared = _shared_with(headers)
        if scope["path"] != "/live":
            return await _brief(send, 404, shared)
        if scope["method"] != "GET" or (headers.get("origin") and not shared):
            return await _brief(send, 403, shared)
        try:
            actor = await self._read(lambda: _actor_of(headers.get("cookie", "")))
        except (DatabaseError, InterfaceError):
            return await _brief(send, 503, shared)
        if actor is None:
            return await _brief(send, 403, shared)
        listener = Listener(actor)
        self.listeners.add(listener)
        try:
            asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            await self._begin(listener, headers.get("last-event-id") or asked.get("seq", ""))
            await self._stream(listener, shared, receive, send)
        finally:
            self.listeners.discard(listener)

    async def _begin(self, listener: Listener, last_seq: str) -> None:
        """Start the poll, then tell a page that lost its stream, or was made before it, what it missed: rather twice than never."""
        with contextlib.suppress(DatabaseError, InterfaceError):
            if self._polling is None or self._polling.done():
                self._seen = await self._read(position)
                self._polling = asyncio.create_task(self._poll())
            if last_seq.isdigit():
                listener.tell(await self._read(lambda: changes_after(int(last_seq), notices_since=clock.now())))

    async def _stream(self, listener: Listener, shared: list[tuple[bytes, bytes]], receive: Receive, send: Send) -> None:
        kind = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": [*kind, *shared]})
        await send({"type": "http.response.body", "body": b"retry: 2000\n\n", "more_body": True})
        gone = asyncio.ensure_future(_until_gone(receive))
        ends_s = asyncio.get_running_loop().time() + self.stream_s
        try:
            while not gone.done() and asyncio.get_running_loop().time() < ends_s:
                waiting = asyncio.ensure_future(listener.events.get())
                await asyncio.wait({waiting, gone}, timeout=self.heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
                body = waiting.result() if waiting.done() else ": still here\n\n"
                waiting.cancel()
                if not gone.done():
                    await send({"type": "http.response.body", "body": body.encode(), "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()

    async def _poll(self) -> None:
        """Read the log while anybody listens. A database that goes away is asked again; nothing is skipped."""
        while self.listeners:
            try:
                if await self._read(position) != self._seen:
                    changes = await self._read(lambda: changes_after(*self._seen))
                    self._seen = (changes.seq, changes.notice_id)
                    for listener in tuple(self.listeners):
                        listener.tell(changes)
            except (DatabaseError, InterfaceError) as error:
                log.warning("database does not answer", error=str(error).strip()[:200])
                await self._read(connections.close_all)
                await asyncio.sleep(DATABASE_PAUSE_S)
            await asyncio.sleep(self.poll_s)

    async def _read(self, query: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, query)


def _actor_of(cookies: str) -> Actor | None:
    """The signed-in person behind the session cookie of the pages; None for nobody, or a session ended by a new password."""
    found = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if found is None:
        return None
    session = SessionStore(found.value)
    user_id, secret = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)
    if user_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not secret or not constant_time_compare(secret, user.get_session_auth_hash()):
        return None
    return actor_for(user, clock.now())


def _shared_with(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Leave for the pages one port below, and for nobody else, to read the stream with the session cookie."""
    origin, host = urlsplit(headers.get("origin", "")), urlsplit(f"//{headers.get('host', '')}")
    try:
        ours = origin.hostname == host.hostname and host.port is not None and origin.port == host.port - settings.LIVE_PORT_OFFSET
    except ValueError:
        return []
    if not ours or not origin.hostname:
        return []
    return [
        (b"access-control-allow-origin", headers["origin"].encode()),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _brief(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *headers]})
    await send({"type": "http.response.body", "body": b""})


app = Live()
