"""Kill -9 at random moments: is every acknowledged scan in the log, and none twice? python benchmarks/gate/kills.py [--times 50] [--seed N]

Devices send scans to the gate lane without a pause, each until it is acknowledged, while somebody kills the lane, or the PostgreSQL server
under it (a cluster of its own in a temporary folder), and starts it again. A scan once acknowledged is never sent again: what is lost stays lost and is counted.

The log itself cannot hold a number twice: its key forbids it. So twice is what those make of it that read the log meanwhile and keep their place in
it, the counts by door and the columns in files: what either holds beyond the scans of the log.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.interfaces.ports import free_port  # noqa: E402

DEVICES, MOST_AT_ONCE, PATIENCE_S = 4, 40, 60
# A lane that acknowledges first and writes later: what a check of losses must find.
CARELESS = """
import asyncio
from tongchou.interfaces.gate import group_commit, lane
plain = group_commit.GroupCommit.put
def put(self, rows, then):
    then(set())
    asyncio.get_running_loop().call_later(0.3, plain, self, rows, lambda told: None)
group_commit.GroupCommit.put = put
lane.main()
"""
WHAT = ("lane on sqlite", "lane on postgresql", "postgresql server")


@dataclass
class Device:
    """A scanner that sends without a pause and keeps what has not been acknowledged."""

    token: str
    texts: list[str]
    port: int
    chance: random.Random
    acknowledged: set[int] = field(default_factory=set)
    sent: int = 0
    resent: int = 0

    def run(self, until: threading.Event) -> None:
        while not until.is_set():
            count = self.chance.randint(1, MOST_AT_ONCE)
            at = time.time_ns() // 1_000_000
            scans = [{"seq": self.sent + n, "at": at, "text": self.chance.choice(self.texts)} for n in range(1, count + 1)]
            self.sent += count
            body = json.dumps({"sent_at": at, "scans": scans}).encode()
            give_up = time.monotonic() + PATIENCE_S
            while not self._is_taken(body):
                if time.monotonic() > give_up:
                    raise SystemExit(f"not acknowledged within {PATIENCE_S} s after a kill")
                self.resent += 1
                time.sleep(0.02)
            self.acknowledged |= {scan["seq"] for scan in scans}

    def _is_taken(self, body: bytes) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            line.request("POST", "/gate/scans", body, {"Authorization": f"Bearer {self.token}"})
            answer = line.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()
        if answer.status not in {200, 503}:
            raise SystemExit(f"answered {answer.status}: {said[:200]!r}")
        return answer.status == 200


class Lane:
    """The lane as a process that can be killed and started again on the same port."""

    def __init__(self, careless: bool = False) -> None:
        from tongchou.interfaces.cli.serving import lane_command

        self.port = free_port()
        self._command = (sys.executable, "-c", CARELESS, "127.0.0.1", str(self.port)) if careless else lane_command("127.0.0.1", self.port)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Server:
    """A PostgreSQL cluster in a folder, with flushes as a real one has; killed with all its processes."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder, self.port = programs, folder, free_port()
        self.who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.who:
            shutil.chown(folder, "postgres", "postgres")
        make = [str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **self.who)  # type: ignore[call-overload]
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", "", "-h", "127.0.0.1"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=self.folder, **quiet, **self.who)  # type: ignore[call-overload]

    def wait(self) -> None:
        import psycopg

        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise SystemExit("the PostgreSQL cluster did not come up") from None
                time.sleep(0.05)

    def kill(self) -> None:
        below = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        for pid in [self.process.pid, *map(int, below)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in below):  # the next one refuses to start beside them
            time.sleep(0.01)
        self.start()
        self.wait()

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def programs_of_postgres() -> Path | None:
    """The folder of initdb and postgres; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    chosen = found[-1] if found else Path(on_path).resolve() if on_path else None
    return chosen.parent if chosen and (chosen.parent / "postgres").exists() else None


class Reader:
    """Counts the log by door and lays it out as columns, again and again while others are killed, as the worker does every minute."""

    def __init__(self) -> None:
        self._until = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._until.set()
        self._thread.join()

    def _run(self) -> None:
        from django.db import DatabaseError, InterfaceError, connections

        while not self._until.wait(0.05):
            try:
                read_log()
            except (DatabaseError, InterfaceError):  # the server was killed
                connections.close_all()
        connections.close_all()


def read_log() -> tuple[int, int]:
    """How many scans the counts by door and the columns in files hold, once both have read the log to its end."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from django.db.models import F, Sum

    from tongchou.core.people.rules import system_actor
    from tongchou.domains.gate.actions_counts import count_scans
    from tongchou.domains.gate.models import DoorDay
    from tongchou.domains.gate.queries_doors import scans_to_count
    from tongchou.domains.visits.scan_columns import ScanColumns

    while scans_to_count():
        count_scans(zone=ZoneInfo("Asia/Shanghai"), by=system_actor("benchmark"), at=datetime.now(UTC))
    columns = ScanColumns()
    columns.bring_up_to_date()
    counted = DoorDay.objects.aggregate(n=Sum(F("admitted") + F("refused") + F("let_in")))["n"] or 0
    return counted, sum(segment.size for segment in columns.segments())


def kept_at() -> dict[str, int]:
    """`twice` and `missing`: by how much what was read of the log is too much, or too little. Columns are of those who were let in."""
    from tongchou.core.passes.verdicts import REFUSED
    from tongchou.domains.gate.models import Scan

    beyond = [
        held - expected
        for held, expected in zip(
            read_log(), (Scan.objects.count(), Scan.objects.filter(holder__isnull=False).exclude(verdict=REFUSED).count()), strict=True
        )
    ]
    return {"twice": max(0, *beyond), "missing": max(0, *(-n for n in beyond))}


def lose_place() -> None:
    """A count that forgets how far it was: what a check of doubles must find. Waits for what a careless lane still writes."""
    from tongchou.domains.gate.models import CountedScans, Scan

    until = time.monotonic() + PATIENCE_S
    while not Scan.objects.exists() and time.monotonic() < until:
        time.sleep(0.05)
    read_log()
    CountedScans.objects.update(upto=0)


@contextmanager
def killing(kill: Callable[[], None], port: int, chance: random.Random, times: int) -> Iterator[list[Device]]:
    """Devices at work while `kill` happens so many times at random moments; then until each has all acknowledged."""
    from benchmarks.gate.doors import make_passes

    tokens = [f"token of device {n}" for n in range(DEVICES)]
    texts, until = list(make_passes(50)), threading.Event()
    devices = [Device(token, texts, port, random.Random(chance.random())) for token in tokens]
    threads = [threading.Thread(target=device.run, args=(until,)) for device in devices]
    for thread in threads:
        thread.start()
    try:
        for _ in range(times):
            before = sum(len(device.acknowledged) for device in devices)
            while sum(len(device.acknowledged) for device in devices) == before:  # at work again
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.4))
            kill()
    finally:
        until.set()
        for thread in threads:
            thread.join()
    yield devices


def measure(what: str, times: int, seed: int, careless: bool = False) -> dict[str, float | str]:
    """Kill one of `WHAT` so many times in a town of its own. The environment names the home and, but for SQLite, the database."""
    from benchmarks.gate.doors import make_doors

    chance = random.Random(seed)
    with ExitStack() as ends:
        server = None
        if what != WHAT[0]:
            programs = programs_of_postgres()
            if programs is None:
                raise SystemExit("initdb: not found, nothing measured; Debian: apt-get install postgresql")
            server = Server(programs, Path(ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))))
            ends.callback(server.end)
            server.wait()
            os.environ["TONGCHOU_DATABASE"] = server.url
        make_doors(DEVICES)
        from django.db import connections

        connections.close_all()
        lane = Lane(careless)
        ends.callback(lane.end)
        kill = server.kill if server and what == WHAT[2] else lane.kill
        with Reader(), killing(kill, lane.port, chance, times) as devices:
            pass
        from tongchou.domains.gate.models import Device as Row
        from tongchou.domains.gate.models import Scan

        if careless:
            lose_place()
        rows = set(Scan.objects.values_list("device", "seq"))
        kept = kept_at()
        numbers = Row.objects.order_by("pk").values_list("pk", flat=True)
        acknowledged = {(pk, seq) for pk, device in zip(numbers, devices, strict=True) for seq in device.acknowledged}
        connections.close_all()
    return {
        "what": what, "seed": seed, "kills": times, "acknowledged": len(acknowledged), "sent_again": sum(device.resent for device in devices),
        "lost": len(acknowledged - rows), "unasked": len(rows - acknowledged), **kept,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--what", choices=WHAT, help="this one only, in the home that the environment names")
    parser.add_argument(
        "--careless",
        action="store_true",
        help="a lane that acknowledges before it writes and a count that loses its place, to see that losses and doubles are found",
    )
    options = parser.parse_args()
    if options.what:
        print("found: " + json.dumps(measure(options.what, options.times, options.seed, options.careless)))
        return
    for what in WHAT:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            home = Path(folder) / "home"
            home.mkdir()
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("TONGCHOU_", "DJANGO_"))}
            settings = {
                "TONGCHOU_HOME": str(home),
                "DJANGO_SETTINGS_MODULE": "tongchou.settings",
                "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
            }
            command = [sys.executable, __file__, "--what", what, "--times", str(options.times), "--seed", str(options.seed)]
            said = subprocess.run(command, env={**clean, **settings}, stdout=subprocess.PIPE, text=True, check=True).stdout
        found = json.loads(said.split("found: ", 1)[1])
        print(json.dumps(found))
        zh = {WHAT[0]: "专用通道（SQLite）", WHAT[1]: "专用通道（PostgreSQL）", WHAT[2]: "PostgreSQL 服务器"}[what]
        row = {
            "promise": {
                "zh": f"随机时刻 kill -9 {zh} {options.times} 次：已确认的扫码一条不丢、一条不重",
                "en": f"kill -9 of the {what} at {options.times} random moments: no acknowledged scan lost, none twice",
            },
            "measured": f"{found['lost']} / {found['twice']}",
            "peer": {"zh": f"已确认 {found['acknowledged']:,} 条，重发 {found['sent_again']:,} 次", "en": f"{found['acknowledged']:,} acknowledged, {found['sent_again']:,} deliveries sent again"},
            "kept": found["lost"] == found["twice"] == found["missing"] == found["unasked"] == 0,
        }  # fmt: skip
        print("figures: " + json.dumps([row], ensure_ascii=False))


if __name__ == "__main__":
    main()
