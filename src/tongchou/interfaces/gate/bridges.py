"""What the bridges from brokers to the lane share: the form of a message, the way to the lane, and the answer for the device.

A bridge keeps nothing: a device holds a message until the lane has it on disk, so a bridge may die at any moment.
It knows no scan, holds no database, and passes on what the lane says.
"""

import http.client
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

MOST_MESSAGE_BYTES = 1_600_000  # the lane's own limit for a delivery, and room for token and name
TELL_S = 60.0
WORKERS, LANE_TIMEOUT_S = 8, 15.0
DONE, UNKNOWN, CLASH, TOO_LONG, BAD_FORM, AGAIN = 200, 401, 409, 413, 422, 503
# Whatever else something at that address says (starting, no such page), no scan is on disk.
_SPOKEN_FOR = {DONE, UNKNOWN, CLASH, TOO_LONG, BAD_FORM}


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A delivery as the lane takes it, with the device's token, and a name (`id`) that comes back in the answer."""

    token: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,200}\Z")]
    sent_at: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    scans: msgspec.Raw
    id: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Outcome(NamedTuple):
    """What became of a message: the lane's status, and the body of the answer for the device (JSON)."""

    status: int
    body: bytes


class Broker(NamedTuple):
    """Where a broker is and how to speak to it. `tls`: what its certificate is checked against; None: in the clear."""

    host: str
    port: int
    user: str | None
    password: str
    tls: ssl.SSLContext | None


_read, _write = msgspec.json.Decoder(Message).decode, msgspec.json.Encoder().encode


class LaneLine:
    """Asks the lane at `url`, over one connection for each thread, kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an address of the lane: {url}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        host, port = parts.hostname, parts.port
        self._connect: Callable[[], http.client.HTTPConnection] = lambda: kind(host, port, timeout=LANE_TIMEOUT_S)
        self._path = parts.path.rstrip("/") + "/gate/scans"
        self._mine = threading.local()

    def deliver(self, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer of the lane; 503 when it cannot be reached. Asked twice, since it hangs up on lines that were silent."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for _ in range(2):
            line: http.client.HTTPConnection = getattr(self._mine, "line", None) or self._connect()
            self._mine.line = line
            with suppress(OSError, http.client.HTTPException, msgspec.DecodeError):
                line.request("POST", self._path, body, headers)
                answer = line.getresponse()
                content = answer.read()
                if answer.status not in _SPOKEN_FOR:
                    break
                return answer.status, msgspec.json.decode(content, type=dict[str, Any])
            line.close()
            self._mine.line = None
        return AGAIN, _said("暂时存不下，请保留并重发。", "Not on disk: keep the scans and send them again.")


def broker_at(address: str, plain: tuple[str, int], secure: tuple[str, int], ca: str | None) -> Broker:
    """Read SCHEME://USER:PASSWORD@HOST:PORT; `plain` and `secure`: scheme and usual port without and with TLS. Raises ValueError for another form."""
    parts, ports = urlsplit(address), dict((plain, secure))
    if parts.scheme not in ports or not parts.hostname:
        raise ValueError(f"not an address of a broker ({plain[0]}:// or {secure[0]}://): {parts.scheme}://{parts.hostname}")
    tls = ssl.create_default_context(cafile=ca) if parts.scheme == secure[0] else None
    user = unquote(parts.username) if parts.username else None
    return Broker(parts.hostname, parts.port or ports[parts.scheme], user, unquote(parts.password or ""), tls)


def tell_counts(counts: Counter[int], log: Any, stop: threading.Event) -> None:
    """Until told to stop, log how many messages got which answer, whenever there were new ones."""
    told: Counter[int] = Counter()
    while not stop.wait(TELL_S):
        if counts != told:
            told = Counter(counts)
            log.info("messages by answer", **{str(status): count for status, count in sorted(told.items())})


def forward(payload: bytes, lane: LaneLine, waited_ms: int = 0) -> Outcome:
    """Bring one message to the lane. Never raises for what a device may send.

    `waited_ms`: how long a broker held it. The lane reads the device's clock off `sent_at`, so that has to be as if it were sent now.
    """
    if len(payload) > MOST_MESSAGE_BYTES:
        return _outcome(TOO_LONG, "", _said("一次最多1,000条、1.5 MB。", "At most 1,000 scans and 1.5 MB at once; send fewer."))
    try:
        message = _read(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _outcome(BAD_FORM, "", _said(f"格式不符：{error}", f"Not of the right form: {error}"))
    status, told = lane.deliver(message.token, _write({"sent_at": message.sent_at + waited_ms, "scans": message.scans}))
    return _outcome(status, message.id, told)


def busy() -> Outcome:
    """More is waiting than the bridge holds."""
    return _outcome(AGAIN, "", _said("繁忙，请保留并稍后重发。", "Busy: keep the scans and send them again later."))


def _outcome(status: int, name: str, told: dict[str, Any]) -> Outcome:
    return Outcome(status, _write({"status": status, "id": name, **told}))


def _said(zh: str, en: str) -> dict[str, Any]:
    return {"said": {"zh": zh, "en": en}}
