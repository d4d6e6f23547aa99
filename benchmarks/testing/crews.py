"""How many people crews check off a second over HTTP, one household a request: python -m benchmarks.testing.crews [--people 240000] [--rounds 3]

32 crews, each with a token of its own, at 27 sites send a household of three into a pool of ten and wait until it is on disk (wrk), to the
crews' lane as the product serves it. In turn with it, in the same run: the same lane giving every request a transaction of its own.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.interfaces.ports import free_port

from benchmarks.databases import ROOT, measure_each
from benchmarks.testing.check_offs import FIELD_PER_S, GOAL_PER_S, make_town

CREWS, HOUSEHOLD, POOL, PATIENCE_S = 32, 3, 9, 30  # three households a tube
LUA = """
local lines, n = {}, %(first)d
for line in io.lines("%(file)s") do lines[#lines + 1] = line end
function request()
  n = n + 1
  local token, body = string.match(lines[(n - 1) %% #lines + 1], "([^\\t]*)\\t(.*)")
  return wrk.format("POST", "%(path)s", {["authorization"] = "Bearer " .. token}, body)
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("found: {\\"requests\\": %%d, \\"seconds\\": %%f, \\"errors\\": %%d, \\"p99_ms\\": %%f}\\n",
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99) / 1000))
end
"""
ALONE = (
    "import sys; from tongchou.interfaces import check_offs as lane; from tongchou.interfaces.gate.connections import run;"
    " lane.GroupCommit.__init__.__defaults__ = (1, *lane.GroupCommit.__init__.__defaults__[1:]); run(lane.serve(sys.argv[1], int(sys.argv[2])))"
)


def main(kind: str, options: argparse.Namespace) -> None:
    """Measure on one database and print the figures."""
    import django

    django.setup()
    from tongchou.domains.testing.models import CheckOff
    from tongchou.interfaces.cli.shell import bring_up_to_date

    bring_up_to_date()
    path, lines = make_round(options.people)
    found: dict[str, list[float]] = {"lane": [], "alone": [], "p99_ms": []}
    used = 0
    with tempfile.TemporaryDirectory() as folder, served_lane() as port, served_lane(alone=True) as alone_port:
        Path(folder, "lines").write_text("\n".join(lines))
        for _ in range(options.rounds):
            for name, at in (("lane", port), ("alone", alone_port)):
                before = CheckOff.objects.count()
                told = by_wrk(at, LUA % {"file": f"{folder}/lines", "path": path, "first": used}, Path(folder, "ask.lua"), options.seconds)
                new = CheckOff.objects.count() - before
                found[name].append(new / told["seconds"])
                if name == "lane":
                    found["p99_ms"].append(told["p99_ms"])
                used += new // HOUSEHOLD + CREWS  # those under way at the end were checked off and not counted by wrk
                if used > len(lines):
                    raise SystemExit("everybody is checked off already: give more --people")
    rates = {name: median(values) for name, values in found.items()}
    times = median(a / b for a, b in zip(found["lane"], found["alone"], strict=True))
    print(json.dumps({"database": kind, "times": round(times, 1), **{name: [round(v) for v in values] for name, values in found.items()}}))
    print("figures: " + json.dumps(figures(kind, rates, times), ensure_ascii=False))


def figures(kind: str, rates: dict[str, float], times: float) -> list[dict[str, Any]]:
    """The promise on one database."""
    return [
        {
            "promise": {
                "zh": f"采样登记（{kind}，32组各送一户3人，落盘才应答）：每秒至少 {GOAL_PER_S:,} 人；现场纪录每秒 {FIELD_PER_S} 人",
                "en": f"check-off ({kind}; 32 crews, a household of 3 a request, answered when on disk): at least {GOAL_PER_S:,} people/s; the record in the field is {FIELD_PER_S}/s",
            },
            "measured": f"{rates['lane']:,.0f} /s",
            "peer": {
                "zh": f"同一通道每请求一事务 {rates['alone']:,.0f} /s，为其 {times:.1f} 倍；p99 {rates['p99_ms']:.0f} 毫秒",
                "en": f"the same lane, a transaction for each request {rates['alone']:,.0f}/s: {times:.1f} times; p99 {rates['p99_ms']:.0f} ms",
            },
            "kept": rates["lane"] >= GOAL_PER_S,
        }
    ]  # fmt: skip


def make_round(people: int) -> tuple[str, list[str]]:
    """A round that is sampling; gives the address of its check-offs and a line for every household: token, tab, body. Sites take turns."""
    from django.utils import timezone

    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.models import Installation
    from tongchou.core.wording import T
    from tongchou.domains.testing.actions import plan_round, start_round
    from tongchou.domains.testing.models import RollEntry

    made, by, at = make_town(people), system_actor("benchmark"), timezone.now()
    Installation.objects.create(place=made["town"], pack="bench", pack_digest="0" * 64, zone="Asia/Shanghai", installed_at=at)
    tokens = make_crews(made, at)
    planned = plan_round(title=T("全员", "All"), place=made["town"], pool_size=10, owner=made["post"], by=by, at=at)
    start_round(planned, by=by, at=at)
    at_site = []
    for site in made["sites"]:
        roll = RollEntry.objects.filter(round=planned, place=site.place).order_by("household_id", "pk")
        rows = [{"person": who, "tube": f"{site.code}{n // POOL:06d}"} for n, who in enumerate(roll.values_list("person_id", flat=True))]
        at_site.append([{"site": site.code, "sampled": rows[n : n + HOUSEHOLD]} for n in range(0, len(rows) - HOUSEHOLD + 1, HOUSEHOLD)])
    bodies = [body for turn in zip(*at_site, strict=False) for body in turn]
    lines = [f"{tokens[n % CREWS]}\t{json.dumps(body)}" for n, body in enumerate(bodies)]
    return f"/api/v1/testing/rounds/{planned.dossier.number}/check-offs", lines


def make_crews(made: dict[str, Any], at: datetime) -> list[str]:
    """A token for each crew."""
    from tongchou.core.people.models import Post, Posting, Token, User

    tokens = [f"token of crew {n}" for n in range(CREWS)]
    for n, token in enumerate(tokens):
        user = User.objects.create(username=f"crew{n}", is_device=True)
        post = Post.objects.create(
            code=f"crew{n}", kind="area_lead", unit=made["post"].unit, place=made["town"], name_zh="组", name_en="crew"
        )
        Posting.objects.create(user=user, post=post, from_at=at - timedelta(days=1))
        digest, scopes = sha256(token.encode()).hexdigest(), ["testing.sample", "testing.read"]
        Token.objects.create(user=user, name="crew", digest=digest, scopes=scopes, created_at=at, expires_at=at + timedelta(days=1))
    return tokens


def by_wrk(port: int, lua: str, script: Path, seconds: int) -> dict[str, float]:
    """What wrk says of 32 connections. Ends the program if any request was not acknowledged."""
    script.write_text(lua)
    command = ["wrk", "-t1", f"-c{CREWS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + PATIENCE_S).stdout
    found: dict[str, float] = json.loads(said.split("found: ", 1)[1].splitlines()[0])
    if found["errors"]:
        raise SystemExit(f"{found['errors']:.0f} requests were not acknowledged: {said[-600:]}")
    return found


@contextmanager
def served_lane(alone: bool = False) -> Iterator[int]:
    """The lane as `tongchou serve` runs it, on a port of its own; gives the port. `alone`: every request is a transaction of its own."""
    from tongchou.interfaces.cli.serving import crews_command

    port = free_port()
    command = (sys.executable, "-c", ALONE, "127.0.0.1", str(port)) if alone else crews_command("127.0.0.1", port)
    child = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), start_new_session=True)
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("the lane did not come up") from None
                time.sleep(0.1)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        child.wait(20)


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        raise SystemExit("wrk: not found, nothing measured; Debian: apt-get install wrk")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=240_000)
    parser.add_argument("--seconds", type=int, default=5, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    measure_each(parser, __file__, main)
