"""Kill -9 of brokers, bridges and lane at random moments: is every acknowledged scan in the log, and none twice?

python benchmarks/gate/bridge_kills.py [--what mqtt nats] [--times 50] [--seed N], with TONGCHOU_HOME an empty folder. Acknowledged is what
the application has answered; `left` is what a JetStream stream still holds in the end. `--careless`: MQTT devices that trust the broker's own QoS 1 acknowledgement.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.interfaces.ports import free_port  # noqa: E402

from benchmarks.gate.kills import PATIENCE_S, Lane, Reader, kept_at  # noqa: E402

DEVICES, MOST_AT_ONCE = 3, 20
PROGRAMS = {"mqtt": "mosquitto", "nats": "nats-server"}


def program_of(what: str) -> str | None:
    """The broker's program; None where there is none. Debian: apt-get install mosquitto nats-server"""
    return shutil.which(PROGRAMS[what], path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def example(number: int) -> dict[str, Any]:
    """The names that an example of docs/how-to/turnstiles.md defines."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/turnstiles.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(blocks[number], names)  # noqa: S102 - our own page
    return names


class Process:
    """A program that can be killed and started again."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def start_broker(what: str, port: int, folder: Path) -> Process:
    """A broker of one's own, which keeps what it keeps in `folder`: nothing of the machine's is touched."""
    program = program_of(what)
    if program is None:
        raise SystemExit(f"{PROGRAMS[what]}: not found, nothing measured")
    if what == "nats":
        return Process(program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder))
    return Process(program, "-p", str(port))  # without a file of settings it serves this machine only, keeps nothing, asks for no password


def start_bridge(what: str, port: int, lane_port: int) -> Process:
    """The bridge as `tongchou serve` runs it."""
    words = ("bridge", what, "--broker", f"{what}://127.0.0.1:{port}", "--lane", f"http://127.0.0.1:{lane_port}")
    return Process(sys.executable, "-m", "tongchou.interfaces.cli.main", *words)


class Devices:
    """Devices at work, each in a thread, until told to stop. `deliver` gives back when scans are acknowledged."""

    def __init__(self, count: int, chance: random.Random, make: Callable[[int], Callable[[list[dict[str, Any]]], None]]) -> None:
        self.acknowledged: list[set[int]] = [set() for _ in range(count)]
        self.until, self.faults = threading.Event(), list[BaseException]()
        self._threads = [
            threading.Thread(target=self._run, args=(n, make(n), random.Random(chance.random())), daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int, deliver: Callable[[list[dict[str, Any]]], None], chance: random.Random) -> None:
        sent = 0
        try:
            while not self.until.is_set():
                count, at = chance.randint(1, MOST_AT_ONCE), time.time_ns() // 1_000_000
                scans = [{"seq": sent + n, "at": at, "text": f"no pass {chance.random()}"} for n in range(1, count + 1)]
                sent += count
                deliver(scans)
                self.acknowledged[number] |= {scan["seq"] for scan in scans}
        except BaseException as fault:
            self.faults.append(fault)

    def total(self) -> int:
        return sum(map(len, self.acknowledged))

    def wait_for_more(self) -> None:
        before, give_up = self.total(), time.monotonic() + PATIENCE_S
        while self.total() == before:
            if self.faults or time.monotonic() > give_up:
                raise SystemExit(f"nothing acknowledged within {PATIENCE_S} s after a kill: {self.faults}")
            time.sleep(0.01)

    def end(self) -> None:
        self.until.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            if thread.is_alive():
                raise SystemExit(f"a device was not answered within {PATIENCE_S} s")


def mqtt_device(port: int, tokens: list[str], careless: bool) -> Callable[[int], Callable[[list[dict[str, Any]]], None]]:
    """The MQTT client of the how-to page."""
    turnstile_class = example(0)["Turnstile"]

    def make(number: int) -> Callable[[list[dict[str, Any]]], None]:
        turnstile = turnstile_class("127.0.0.1", port, f"d{number}", tokens[number])

        def deliver(scans: list[dict[str, Any]]) -> None:
            answer = turnstile.deliver(scans)
            if answer["status"] != 200:
                raise SystemExit(f"answered {answer}")

        def trust(scans: list[dict[str, Any]]) -> None:
            body = json.dumps({"token": tokens[number], "sent_at": time.time_ns() // 1_000_000, "scans": scans})
            while True:
                with suppress(RuntimeError):  # not connected just now
                    turnstile.client.publish(f"tongchou/gate/d{number}/scans", body, qos=1).wait_for_publish(PATIENCE_S)
                    return
                time.sleep(0.05)

        return trust if careless else deliver

    return make


def nats_device(port: int, tokens: list[str], ends: ExitStack) -> Callable[[int], Callable[[list[dict[str, Any]]], None]]:
    """The NATS client of the how-to page."""
    turnstile_class = example(1)["Turnstile"]

    def close(runner: asyncio.Runner) -> None:
        with suppress(RuntimeError):  # a device that still waits for its answer
            runner.close()

    def make(number: int) -> Callable[[list[dict[str, Any]]], None]:
        runner = asyncio.Runner()
        ends.callback(close, runner)
        turnstile = turnstile_class(f"d{number}", tokens[number])

        def deliver(scans: list[dict[str, Any]]) -> None:
            if not turnstile.client:
                runner.run(turnstile.connect(f"nats://127.0.0.1:{port}", reconnect_time_wait=0.2, error_cb=_pass_over))
            answer = runner.run(turnstile.deliver(scans))
            if answer["status"] != 200:
                raise SystemExit(f"answered {answer}")

        return deliver

    return make


async def _pass_over(error: Exception) -> None:
    """The broker is killed on purpose."""


def left_in_stream(port: int) -> int:
    """How many messages the stream still holds once it has had time to come to rest."""
    import nats

    async def look() -> int:
        client, until = await nats.connect(f"nats://127.0.0.1:{port}"), time.monotonic() + PATIENCE_S
        try:
            while True:
                left = (await client.jetstream().stream_info("TONGCHOU_GATE")).state.messages
                if not left or time.monotonic() > until:
                    return left
                await asyncio.sleep(0.2)
        finally:
            await client.close()

    return asyncio.run(look())


def measure(kinds: list[str], times: int, seed: int, careless: bool = False) -> dict[str, float | list[str]]:
    """Kill one of brokers, bridges and lane so many times, each once to begin with, in a town of its own."""
    from benchmarks.gate.doors import make_doors

    chance = random.Random(seed)
    tokens = make_doors(DEVICES * len(kinds))
    from django.db import connections

    connections.close_all()
    with ExitStack() as ends:
        lane = Lane()
        ends.callback(lane.end)
        ends.enter_context(Reader())
        parts: list[Process | Lane] = [lane]
        groups, ports = list[Devices](), dict[str, int]()
        for n, kind in enumerate(kinds):
            port, mine = free_port(), tokens[n * DEVICES : (n + 1) * DEVICES]
            ports[kind] = port
            broker = start_broker(kind, port, Path(ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))))
            ends.callback(broker.end)
            bridge = start_bridge(kind, port, lane.port)
            ends.callback(bridge.end)
            parts += [broker, bridge]
            make = nats_device(port, mine, ends) if kind == "nats" else mqtt_device(port, mine, careless)
            groups.append(Devices(DEVICES, chance, make))
        for n in range(times + 1):
            for devices in groups:
                devices.wait_for_more()
            if n < times:
                time.sleep(chance.uniform(0, 0.4))
                parts[n if n < len(parts) else chance.randrange(len(parts))].kill()
        for devices in groups:
            devices.end()
        left = left_in_stream(ports["nats"]) if "nats" in ports else 0
        if careless:
            time.sleep(3)  # whatever is still under way
        from tongchou.domains.gate.models import Device as Row
        from tongchou.domains.gate.models import Scan

        rows = set(Scan.objects.values_list("device", "seq"))
        kept = kept_at()
        numbers = Row.objects.order_by("pk").values_list("pk", flat=True)
        told = [mine for devices in groups for mine in devices.acknowledged]
        acknowledged = {(pk, seq) for pk, mine in zip(numbers, told, strict=True) for seq in mine}
        connections.close_all()
    return {
        "what": kinds, "seed": seed, "kills": times, "acknowledged": len(acknowledged), "lost": len(acknowledged - rows),
        "unasked": len(rows - acknowledged), "left": left, **kept,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=PROGRAMS, nargs="+", default=list(PROGRAMS))
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--careless", action="store_true")
    options = parser.parse_args()
    print("found: " + json.dumps(measure(options.what, options.times, options.seed, options.careless)))


if __name__ == "__main__":
    main()
