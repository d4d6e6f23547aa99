"""Counting the log of scans by entrance and day, so that no page reads millions of scans; and forgetting what is too old."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.core.audit.acting import action, record
from tongchou.core.passes.verdicts import REFUSED
from tongchou.core.people.rules import Actor
from tongchou.domains.gate.models import CountedScans, DoorDay, Entrance, Scan
from tongchou.domains.gate.rules import FLAGS

AT_ONCE, FORGOTTEN_AT_ONCE = 100_000, 10_000


@action("gate.learn")
def count_scans(*, zone: ZoneInfo, by: Actor, at: datetime) -> int:
    """Count what has come into the log since the last time, at most `AT_ONCE` scans; gives how many. Each scan is counted once.

    One process writes the log, so its row numbers come into sight in order. A card that the house refused was not the device's to know.
    """
    mark, _ = CountedScans.objects.select_for_update().get_or_create(pk=1)
    rows = Scan.objects.filter(pk__gt=mark.upto).order_by("pk").values_list("pk", "entrance", "at_s", "way", "verdict", "told", "flags")
    read = list(rows[:AT_ONCE])
    if read:
        _add(_counted(read, zone))
        mark.upto = read[-1][0]
        mark.save(update_fields=["upto"])
    record("gate.count", mark, detail={"scans": len(read), "upto": mark.upto})
    return len(read)


@action("gate.learn")
def forget_scans(*, before: datetime, by: Actor, at: datetime) -> int:
    """Delete scans made before an instant, the oldest first, at most `FORGOTTEN_AT_ONCE`; gives how many. Few at once, so that no door waits long.

    On SQLite the file's pages are overwritten (`secure_delete`), and the write-ahead log is emptied, which holds them as well.
    """
    mark, _ = CountedScans.objects.get_or_create(pk=1)
    old = Scan.objects.filter(at_s__lt=int(before.timestamp())).order_by("at_s")
    forgotten, _ = Scan.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
    record("gate.forget", mark, detail={"scans": forgotten, "before": before.isoformat()})
    return forgotten


def _counted(read: list[Any], zone: ZoneInfo) -> dict[tuple[int, date], list[int]]:
    """(entrance, day) → admitted, refused, let in, instant of the last scan."""
    found: dict[tuple[int, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    days: dict[int, date] = {}
    for _, entrance, at_s, way, verdict, told, flags in read:
        quarter = at_s // 900  # every zone keeps to quarters of an hour
        day = days.get(quarter) or days.setdefault(quarter, datetime.fromtimestamp(at_s, zone).date())
        counts = found[entrance, day]
        counts[3] = max(counts[3], at_s)
        if way == 0:
            let_in = verdict == REFUSED != told and not flags & FLAGS["by_card"]
            counts[2 if let_in else 1 if verdict == REFUSED else 0] += 1
    return found


def _add(counted: dict[tuple[int, date], list[int]]) -> None:
    entrances = set(Entrance.objects.filter(pk__in={entrance for entrance, _ in counted}).order_by().values_list("pk", flat=True))
    days = {day for _, day in counted}
    known = {(row.entrance_id, row.on): row for row in DoorDay.objects.filter(entrance__in=entrances, on__in=days)}
    new: list[DoorDay] = []
    for (entrance, day), (admitted, refused, let_in, last_s) in counted.items():
        if entrance not in entrances:
            continue
        row = known.get((entrance, day))
        last_at = datetime.fromtimestamp(last_s, UTC)
        if row is None:
            new.append(DoorDay(entrance_id=entrance, on=day, admitted=admitted, refused=refused, let_in=let_in, last_at=last_at))
            continue
        row.admitted, row.refused, row.let_in = row.admitted + admitted, row.refused + refused, row.let_in + let_in
        row.last_at = max(row.last_at, last_at)
    DoorDay.objects.bulk_create(new, batch_size=500)
    DoorDay.objects.bulk_update(list(known.values()), ["admitted", "refused", "let_in", "last_at"], batch_size=200)
