"""Turnstiles that speak NATS: a JetStream stream holds a message until the lane has answered for it, and the answer goes out on the device's subject.

The stream is a waiting room, no store: it is made to forget a message that is answered, and any message after an hour.
"""

import asyncio
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError, SecureConnRequiredError
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from tongchou.interfaces.gate.bridges import (
    AGAIN,
    LANE_TIMEOUT_S,
    MOST_MESSAGE_BYTES,
    WORKERS,
    Broker,
    LaneLine,
    Outcome,
    broker_at,
    forward,
    tell_counts,
)

log = structlog.get_logger("tongchou.gate.nats")
STREAM, CONSUMER, SUBJECT, INBOX = "TONGCHOU_GATE", "lane", "tongchou.gate.*.scans", "_INBOX.tongchou"
DEVICE = re.compile(r"tongchou\.gate\.([^.*>]{1,64})\.scans\Z")
MOST_HELD_S, MOST_HELD_BYTES, MOST_OF_A_DEVICE = 3600.0, 512 * 2**20, 16
FIRST_PAUSE_S, LONGEST_PAUSE_S, PULL_S, ANSWER_S = 1.0, 30.0, 1.0, 5.0
ACK_WAIT_S = 2 * LANE_TIMEOUT_S + ANSWER_S + 10  # longer than the lane may be asked
MOST_UNSETTLED = 1000  # in hand, or waiting for another try: a lane that is away is asked for no more than these


class NatsBridge:
    """Pulls messages from a stream, `WORKERS` at a time, and publishes what the lane says of each."""

    def __init__(
        self, broker: str, lane: LaneLine, ca: str | None = None, *, held_s: float = MOST_HELD_S, held_bytes: int = MOST_HELD_BYTES
    ) -> None:
        """`broker`: nats://user:password@host:4222 or tls://…; raises ValueError for another form. `held_s`, `held_bytes`: the most the stream may hold."""
        self._broker, self._lane, self.counts = broker_at(broker, ("nats", 4222), ("tls", 4222), ca), lane, Counter[int]()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="lane")
        self._stream = StreamConfig(
            name=STREAM, subjects=[SUBJECT], retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE,
            # A full stream refuses what is new: dropping what is old would be dropping what a device was told is held.
            discard=DiscardPolicy.NEW, discard_new_per_subject=True, max_msgs_per_subject=MOST_OF_A_DEVICE,
            max_age=held_s, max_bytes=held_bytes, max_msg_size=MOST_MESSAGE_BYTES,
        )  # fmt: skip

    def run(self, stop: threading.Event) -> None:
        """Bridge until told to stop, connecting again with growing pauses whenever the broker is away."""
        threading.Thread(target=tell_counts, args=(self.counts, log, stop), daemon=True).start()
        asyncio.run(self._keep_carrying(stop))
        self._pool.shutdown()

    async def _keep_carrying(self, stop: threading.Event) -> None:
        tries = 0
        while not stop.is_set():
            client = _Client()
            try:
                await self._connect(client)
                tries = 0
                async with asyncio.TaskGroup() as group:
                    for _ in range(WORKERS):
                        group.create_task(self._work(client, stop))
            except* (Error, OSError) as errors:
                log.warning("broker lost", reason=str(errors.exceptions[0]))
            finally:
                with suppress(Error, OSError):
                    await client.close()
            tries += 1
            await asyncio.to_thread(stop.wait, _pause_s(tries))

    async def _connect(self, client: "_Client") -> None:
        """Connect, and make stream and consumer as they have to be.

        The consumer is made anew: after kill -9 a server may hold again what was removed, and its old consumer, which knows that as
        acknowledged, would leave it there. A new one brings it again, and at once what a bridge that died had in hand.
        """
        await client.open(self._broker)
        streams = client.jetstream(timeout=ANSWER_S)
        try:
            replicas = (await streams.stream_info(STREAM)).config.num_replicas
            await streams.update_stream(self._stream, num_replicas=replicas)
        except NotFoundError:
            await streams.add_stream(self._stream)
        with suppress(NotFoundError):
            await streams.delete_consumer(STREAM, CONSUMER)
        await streams.add_consumer(
            STREAM,
            ConsumerConfig(durable_name=CONSUMER, ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT_S, max_ack_pending=MOST_UNSETTLED),
        )

    async def _work(self, client: Client, stop: threading.Event) -> None:
        pull = await client.jetstream().pull_subscribe_bind(CONSUMER, STREAM)
        while client.is_connected and not stop.is_set():
            with suppress(TimeoutError):
                (message,) = await pull.fetch(1, timeout=PULL_S)
                await self._take(client, message)

    async def _take(self, client: Client, message: Msg) -> None:
        """Bring a message to the lane; answer it and take it out of the stream, or leave it there for another try."""
        found, held = DEVICE.match(message.subject), message.metadata
        if found:
            waited_ms = max(0, int((datetime.now(UTC) - held.timestamp).total_seconds() * 1000))
            outcome = await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, message.data, waited_ms)
            self.counts[outcome.status] += 1
            if outcome.status == AGAIN:
                await message.nak(_pause_s(held.num_delivered))
                return
            await client.publish(f"tongchou.gate.{found[1]}.answers", outcome.body)
        else:
            log.warning("a message whose subject names no device was dropped", subject=message.subject[:200])
        with suppress(NoRespondersError):  # not confirmed, it comes again, and the log of scans knows it
            await message.ack_sync(timeout=ANSWER_S)

    def _ask(self, payload: bytes, waited_ms: int) -> Outcome:
        try:
            return forward(payload, self._lane, waited_ms)
        except Exception:
            log.exception("a message was not answered")
            return Outcome(AGAIN, b"")


class _Client(Client):
    """A connection that is lost for good when it is lost, and that keeps to TLS when told so."""

    _secure = False

    async def open(self, broker: Broker) -> None:
        """Connect; raises an error of the library or OSError when that cannot be."""
        self._secure = broker.tls is not None
        scheme = "tls" if self._secure else "nats"
        host = f"[{broker.host}]" if ":" in broker.host else broker.host
        await self.connect(
            f"{scheme}://{host}:{broker.port}", user=broker.user, password=broker.password, tls=broker.tls, inbox_prefix=INBOX,
            allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=1, ping_interval=20, error_cb=_tell_error,
        )  # fmt: skip

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # The library would go on in the clear, password and all, with whoever says first that no TLS is wanted.
        if self._secure and initial_connection and not info.get("tls_required"):
            raise SecureConnRequiredError
        await super()._process_info(info, initial_connection)


async def _tell_error(error: Exception) -> None:
    log.warning("trouble with the broker", reason=str(error))


def _pause_s(tries: int) -> float:
    """How long before the next try after so many."""
    return min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE_S)
