"""Doors at work in the demonstration town: scanners at some of them, two days of scans, and a few doors where something is odd.

The scans name nobody: who was where in the demonstration is told by `demonstration_tracing` alone.
"""

from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import numpy as np

from tongchou.core.passes.verdicts import REFUSED, VERDICTS
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import edit_entrance, enrol_device, invite_device
from tongchou.domains.gate.actions_counts import count_scans
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.rules import REASON_CODES
from tongchou.domains.gate.scan_log import Row, append

SYSTEM, NAME, DOORS = system_actor("demo"), "门口手机", 40
OPEN_S, DAY_S = (7 * 3600, 21 * 3600), 86_400
SILENT, CARELESS, QUIET = 7, 13, 19  # every so manieth door fell silent, lets people in, or sees few of those it expects
REFUSED_SHARE = 0.02


def enrol_doors(at: datetime) -> None:
    """Put scanners at some doors and say how many people usually come."""
    doors = Entrance.objects.exclude(venue__venue_class__in=["compound", "other"]).filter(code__regex=r"^\D+\d+$").order_by("code")
    for door, usual in zip(doors[:DOORS], np.random.default_rng(DOORS).integers(60, 400, DOORS), strict=False):
        edit_entrance(door, keeper="", expected_daily=int(usual), by=SYSTEM, at=at)
        # Made up from the door's code: a demonstration has no chance of its own, and nobody holds such a token.
        code, token = (sha256(f"demo {what} {door.code}".encode()).hexdigest() for what in ("code", "token"))
        invite_device(door, name=NAME, code=code, by=SYSTEM, at=at)
        enrol_device(code=code, token=token, by=SYSTEM, at=at)


def scan_at_doors(zone: ZoneInfo, at: datetime) -> None:
    """What these scanners have scanned since yesterday morning; `at`: the present."""
    rng = np.random.default_rng(DOORS)
    rows: list[Row] = []
    for n, device in enumerate(Device.objects.filter(name=NAME).select_related("entrance").order_by("pk"), 1):
        rows += _scanned(device, n, zone, rng, at)
    append(rows)
    count_scans(zone=zone, by=SYSTEM, at=at)


def _scanned(device: Device, n: int, zone: ZoneInfo, rng: np.random.Generator, at: datetime) -> list[Row]:
    door, usual = device.entrance, device.entrance.expected_daily or 0
    yesterday = int(datetime.combine(at.astimezone(zone).date() - timedelta(days=1), time(), zone).timestamp())
    now_s = int(at.timestamp())
    until = yesterday + 12 * 3600 if n % SILENT == 0 else now_s
    times: list[int] = []
    for start in (yesterday, yesterday + DAY_S):
        expected = usual * (0.3 if n % QUIET == 0 else 1.0)
        times += [start + int(s) for s in rng.integers(*OPEN_S, size=int(rng.poisson(expected)))]
    admit = VERDICTS.index("admit")
    ok, no_test = REASON_CODES.index("ok"), REASON_CODES.index("test_too_old")
    rows = []
    for seq, at_s in enumerate(sorted(s for s in times if s <= until), 1):
        refused = rng.random() < REFUSED_SHARE
        told = admit if refused and n % CARELESS == 0 else REFUSED if refused else admit
        verdict, reason = (REFUSED, no_test) if refused else (admit, ok)
        rows.append(Row(device.pk, seq, door.pk, door.venue_id, None, at_s, at_s, 0, verdict, reason, told, 0, seq))
    return rows
