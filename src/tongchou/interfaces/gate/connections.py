"""HTTP/1.1 for one small question asked very often: a thin layer over `httptools` (parsing) and the event loop.

A general server costs more for a request than judging and keeping a scan does (docs/decisions); this one answers one address, in the order
of asking, and limits what a stranger can make it hold.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NamedTuple

import httptools

MOST_HEADER_BYTES, MOST_CONNECTIONS, MOST_AHEAD = 16_384, 4_000, 4
MOST_THROWN_AWAY_BYTES = 8_000_000  # read and forgotten, so that the answer can say what was wrong; beyond it the line is cut
IDLE_S, SWEEP_S = 75.0, 5.0
# A token, not a cookie, opens this door: any page may ask, none can borrow somebody's session.
_SHARED = b"cache-control: no-store\r\naccess-control-allow-origin: *\r\n"
_PREFLIGHT = (
    b"HTTP/1.1 204 No Content\r\n" + _SHARED + b"access-control-allow-methods: POST\r\n"
    b"access-control-allow-headers: authorization, content-type\r\naccess-control-max-age: 86400\r\n\r\n"
)
_HEADS = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n".encode() + _SHARED + b"content-length: "
    for status in HTTPStatus
}


class Asked(NamedTuple):
    """One whole request. `too_long`: the body went over the limit and was thrown away."""

    method: bytes
    path: bytes
    authorization: bytes
    body: bytes
    too_long: bool
    keep_alive: bool


Handler = Callable[[Asked, "Connection"], None]


class Connection(asyncio.Protocol):
    """One connection. The handler gets one request at a time and answers it, now or later, by `answer`, once."""

    def __init__(self, handle: Handler, most_body_bytes: Callable[[bytes], int], everybody: "set[Connection]") -> None:
        """`most_body_bytes`: how much of a body to keep, by who asks (the header `authorization`)."""
        self._handle, self._most_body_bytes_of, self._everybody = handle, most_body_bytes, everybody
        self._parser = httptools.HttpRequestParser(self)
        self._ahead: deque[Asked] = deque()
        self._current: Asked | None = None
        self._header_bytes, self._in_body = 0, False
        self.heard = time.monotonic()

    # ---- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's own class, not a subclass
        if len(self._everybody) >= MOST_CONNECTIONS:
            self._transport.abort()
        else:
            self._everybody.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._everybody.discard(self)

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        if not self._in_body:
            self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.end(400)
            return
        if not self._in_body and self._header_bytes > MOST_HEADER_BYTES:
            self.end(431)

    # ---- what the parser calls

    def on_message_begin(self) -> None:
        self._path, self._authorization, self._expects = b"", b"", False
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, part: bytes) -> None:
        self._path += part

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"authorization":
            self._authorization = value
        elif lower == b"expect":
            self._expects = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self._in_body, self._most_body_bytes = True, self._most_body_bytes_of(self._authorization)
        if self._expects and self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._body_bytes += len(part)
        if self._body_bytes <= self._most_body_bytes:
            self._body.append(part)
        elif self._body_bytes > MOST_THROWN_AWAY_BYTES:
            self.end(413)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        asked = Asked(
            self._parser.get_method(), self._path, self._authorization, body,
            self._body_bytes > self._most_body_bytes, self._parser.should_keep_alive(),
        )  # fmt: skip
        self._in_body, self._header_bytes = False, 0
        if self._current is None and not self._ahead:
            self._take(asked)
        else:
            self._ahead.append(asked)
            if len(self._ahead) >= MOST_AHEAD:
                self._transport.pause_reading()

    # ---- what the handler calls

    def answer(self, status: int, body: bytes) -> None:
        """Answer the request at hand, then take the next that has come in meanwhile."""
        self._write(_HEADS[status] + b"%d\r\n\r\n" % len(body) + body)

    def answer_preflight(self) -> None:
        """Tell a browser that any page may ask here."""
        self._write(_PREFLIGHT)

    def end(self, status: int) -> None:
        """Say no to something that is no proper request, and hang up."""
        self._transport.write(_HEADS[status] + b"0\r\nconnection: close\r\n\r\n")
        self._transport.close()

    def hang_up(self) -> None:
        """Close; whatever was answered still goes out."""
        self._transport.close()

    @property
    def busy(self) -> bool:
        return self._current is not None

    def _write(self, answer: bytes) -> None:
        asked, self._current = self._current, None
        if self._transport.is_closing():
            return
        self._transport.write(answer)
        if asked is not None and not asked.keep_alive:
            self._transport.close()
        elif self._ahead:
            asyncio.get_running_loop().call_soon(self._take_next)

    def _take_next(self) -> None:
        if self._transport.is_closing():
            return
        asked = self._ahead.popleft()
        if len(self._ahead) == MOST_AHEAD - 1:
            self._transport.resume_reading()
        self._take(asked)

    def _take(self, asked: Asked) -> None:
        self._current = asked
        self._handle(asked, self)


async def sweep(everybody: set[Connection], idle_s: float = IDLE_S, every_s: float = SWEEP_S) -> None:
    """Hang up on whoever has been silent for long, whether idle or in the middle of a request."""
    while True:
        await asyncio.sleep(every_s)
        for connection in [c for c in everybody if not c.busy and time.monotonic() - c.heard > idle_s]:
            connection.hang_up()


async def listen(host: str, port: int, connect: Callable[[], Connection], everybody: set[Connection]) -> None:
    """Take connections until the system tells the process to stop; lines that are open then stay so."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in ("SIGTERM", "SIGINT"):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers: there the process is simply ended
            loop.add_signal_handler(getattr(signal, name), stop.set)
    server = await loop.create_server(connect, host, port, backlog=1024)
    sweeping = asyncio.create_task(sweep(everybody))
    await stop.wait()
    server.close()
    sweeping.cancel()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a process of its own on the fastest loop there is."""
    try:
        import uvloop

        uvloop.run(work)
    except ImportError:  # not made for Windows
        asyncio.run(work)
