"""A town with nothing but doors: entrances, enrolled devices, a key and passes, and the lane that answers them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from tests.interfaces.ports import free_port

from benchmarks.databases import ROOT

_PATIENCE_S = 30


TOWN, SEED = "310118106", b"benchmark key of a town, 32 byte"


def make_doors(devices: int) -> list[str]:
    """A town in the database that the environment names, empty before; gives the tokens of its enrolled devices."""
    import django

    django.setup()
    from tongchou.core.passes.actions import rotate_key
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.models import Installation, Place
    from tongchou.domains.gate.actions import EntranceSpec, enrol_device, invite_device, open_entrances, publish_entry_rules
    from tongchou.domains.registry.models import Venue
    from tongchou.interfaces.cli.shell import bring_up_to_date

    bring_up_to_date()
    by, at = system_actor("benchmark"), datetime.now(UTC)
    town = Place.objects.create(code=TOWN, kind="town", name_zh="徐泾镇", name_en="Xujing", path=f"/{TOWN}/", valid_from=at.date())
    Installation.objects.create(place=town, pack="bench", pack_digest="0" * 64, zone="Asia/Shanghai", installed_at=at)
    rotate_key(town=town, seed=SEED, trusted_for=timedelta(days=1), by=by, at=at)
    rule = {"venue_classes": ["all"], "from_on": "2022-01-01", "to_on": None, "test_hours": 72, "may_refuse": True}
    kept = rule | {"source": {"zh": "试验", "en": "benchmark"}, "confidence": "high"}
    publish_entry_rules(rules=[kept], ceilings=[kept], classes=["market"], place=town, by=by, at=at)
    venue = Venue.objects.create(code="V1", name="市场", near_key="m", place=town, venue_class="market", changed_at=at)
    entrances = open_entrances(specs=[EntranceSpec(venue.pk) for _ in range(devices)], by=by, at=at)
    tokens = [f"token of device {n}" for n in range(devices)]
    for n, (entrance, token) in enumerate(zip(entrances, tokens, strict=True)):
        invite_device(entrance, name=f"device {n}", code=token, by=by, at=at)
        enrol_device(code=token, token=token, by=by, at=at)
    return tokens


def make_passes(count: int) -> Iterator[str]:
    """Texts of passes of this town, each of another person, tested twenty hours ago."""
    from tongchou.core.passes.tokens import Pass, SigningKey, write_pass

    now, key = int(time.time()), SigningKey(SEED)
    for number in range(count):
        holder = random.getrandbits(52) + 1
        yield write_pass(Pass(TOWN, "entry", holder, number, now - 60, now + 7 * 86400, {"sampled_at": now - 72_000}), key)


ALONE = (
    "from tongchou.interfaces.gate import group_commit, lane;"
    " group_commit.GroupCommit.__init__.__defaults__ = (1, *group_commit.GroupCommit.__init__.__defaults__[1:]); lane.main()"
)


@contextmanager
def served_lane(alone: bool = False) -> Iterator[int]:
    """The lane as `tongchou serve` runs it, on a port of its own; gives the port. `alone`: every request is a transaction of its own."""
    from tongchou.interfaces.cli.serving import lane_command

    port = free_port()
    command = (sys.executable, "-c", ALONE, "127.0.0.1", str(port)) if alone else lane_command("127.0.0.1", port)
    child = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), start_new_session=True)
    try:
        _wait_until_ready(port)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        child.wait(20)


def _wait_until_ready(port: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    asking = urllib.request.Request(f"http://127.0.0.1:{port}/gate/scans", data=json.dumps({}).encode(), method="POST")
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(asking, timeout=2)
        except urllib.error.HTTPError as answered:
            if answered.code == 401:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("the lane did not come up")
