"""Turnstiles that speak MQTT: scans come in on one topic, the lane's answer goes out on another and is the only acknowledgement.

The broker's own acknowledgement says that the broker has it in memory, no more; so nothing here rests on it.
"""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tongchou.interfaces.gate.bridges import WORKERS, LaneLine, Outcome, broker_at, busy, forward, tell_counts

log = structlog.get_logger("tongchou.gate.mqtt")
TOPIC = "tongchou/gate/+/scans"
DEVICE = re.compile(r"tongchou/gate/([^/+#]{1,64})/scans\Z")
MOST_WAITING, MOST_UNSENT, MOST_PACKET_BYTES = 64, 1000, 4_000_000


class MqttBridge:
    """Takes messages off a broker, a bounded number at a time, and publishes what the lane says of each."""

    def __init__(self, broker: str, lane: LaneLine, ca: str | None = None) -> None:
        """`broker`: mqtt://user:password@host:1883 or mqtts://…:8883. Raises ValueError for another form."""
        found = broker_at(broker, ("mqtt", 1883), ("mqtts", 8883), ca)
        self._lane, self.counts, self._slots = lane, Counter[int](), threading.BoundedSemaphore(MOST_WAITING)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="lane")
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.max_queued_messages_set(MOST_UNSENT)
        self._client.reconnect_delay_set(1, 30)
        if found.user:
            self._client.username_pw_set(found.user, found.password)
        if found.tls:
            self._client.tls_set_context(found.tls)
        self._client.on_connect, self._client.on_message = self._connected, self._arrived  # type: ignore[assignment]
        self._client.on_disconnect = self._lost  # type: ignore[assignment]
        limits = Properties(PacketTypes.CONNECT)
        limits.MaximumPacketSize = MOST_PACKET_BYTES  # the broker drops what is longer: no memory of ours for it
        self._client.connect_async(found.host, found.port, keepalive=20, properties=limits)

    def run(self, stop: threading.Event) -> None:
        """Bridge until told to stop, connecting again with growing pauses whenever the broker is away."""
        self._client.loop_start()
        tell_counts(self.counts, log, stop)
        self._pool.shutdown()
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.warning("broker refused the connection", reason=str(reason))
        else:
            client.subscribe(TOPIC, qos=1)

    def _lost(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        log.warning("broker lost", reason=str(reason))

    def _arrived(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        found = DEVICE.match(message.topic)
        if not found:
            return
        if self._slots.acquire(blocking=False):
            self._pool.submit(self._take, found[1], bytes(message.payload))
        else:
            self._answer(found[1], busy())

    def _take(self, device: str, payload: bytes) -> None:
        try:
            self._answer(device, forward(payload, self._lane))
        except Exception:
            log.exception("a message was not answered")  # its device keeps it and sends it again
        finally:
            self._slots.release()

    def _answer(self, device: str, outcome: Outcome) -> None:
        self.counts[outcome.status] += 1
        self._client.publish(f"tongchou/gate/{device}/answers", outcome.body, qos=1)
