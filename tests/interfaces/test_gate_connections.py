"""The lane's own HTTP over real sockets: order, limits, strangers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tongchou.interfaces.gate.connections import MOST_AHEAD, MOST_HEADER_BYTES, MOST_THROWN_AWAY_BYTES, Asked, Connection, sweep

MOST = 1000
Ask = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request with its body, or later where `held` is set."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.held: list[Connection] | None = None
        self.everybody: set[Connection] = set()

    def handle(self, asked: Asked, connection: Connection) -> None:
        self.asked.append(asked)
        if self.held is not None:
            self.held.append(connection)
        else:
            connection.answer(200, asked.body)

    def run(self, ask: Ask) -> None:
        async def work() -> None:
            def most(authorization: bytes) -> int:
                return MOST if authorization == b"friend" else 0

            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: Connection(self.handle, most, self.everybody), "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                await asyncio.wait_for(ask(reader, writer), 10)
            finally:
                writer.close()
                server.close()

        asyncio.run(work())


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /x HTTP/1.1", b"Authorization: friend", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length" in head else 0
    return int(head.split()[1]), await reader.readexactly(length)


def test_requests_sent_ahead_are_answered_in_order_one_at_a_time() -> None:
    server = Server()
    server.held = []

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies = [b"%d" % n for n in range(3 * MOST_AHEAD)]
        for body in bodies:
            writer.write(post(body))
        for n, body in enumerate(bodies):
            while len(server.asked) <= n:
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            assert len(server.asked) == n + 1
            assert server.held is not None
            server.held.pop().answer(200, server.asked[n].body)
            assert await answer(reader) == (200, body)

    server.run(ask)


def test_a_body_in_many_pieces_is_one_request() -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in post(b"slowly"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert await answer(reader) == (200, b"slowly")

    server.run(ask)


def test_too_long_a_body_is_thrown_away_and_the_line_goes_on() -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"x" * (MOST + 1)) + post(b"x" * MOST))
        assert await answer(reader) == (200, b"")
        assert await answer(reader) == (200, b"x" * MOST)
        assert [asked.too_long for asked in server.asked] == [True, False]

    server.run(ask)


def test_nothing_of_a_strangers_body_is_kept() -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"secret").replace(b"friend", b"nobody"))
        assert await answer(reader) == (200, b"")

    server.run(ask)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 not http\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nContent-Length: no\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEADER_BYTES, 431),
        (b"POST /x HTTP/1.1\r\nAuthorization: friend\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (MOST_THROWN_AWAY_BYTES + 1), 413),
    ],
    ids=["no HTTP", "no length", "endless header", "endless body"],
)  # fmt: skip
def test_what_is_no_proper_request_is_refused_and_hung_up_on(sent: bytes, status: int) -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send() -> None:
            with suppress(ConnectionError):  # hung up on while sending
                writer.write(sent)
                await writer.drain()

        sending = asyncio.create_task(send())
        assert (await answer(reader))[0] == status
        await sending

    server.run(ask)
    assert server.asked == [] and server.everybody == set()


def test_a_client_that_closes_is_answered_first() -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"last", b"Connection: close"))
        assert await answer(reader) == (200, b"last")
        assert await reader.read() == b""

    server.run(ask)


def test_a_client_that_waits_to_be_told_may_go_on() -> None:
    server = Server()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, body = post(b"patient", b"Expect: 100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert (await answer(reader))[0] == 100
        writer.write(body)
        assert await answer(reader) == (200, b"patient")

    server.run(ask)


def test_whoever_is_silent_is_hung_up_on_but_not_whoever_waits_for_an_answer() -> None:
    server = Server()
    server.held = []

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sweeping = asyncio.create_task(sweep(server.everybody, idle_s=0.05, every_s=0.01))
        writer.write(post(b"patient"))
        while not server.held:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert server.held is not None
        server.held.pop().answer(200, b"here")
        assert await answer(reader) == (200, b"here")
        assert await reader.read() == b""
        sweeping.cancel()

    server.run(ask)
