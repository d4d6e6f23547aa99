"""Counting the log of scans by entrance and day, so that no page reads millions of scans; and forgetting what is too old."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.core.audit.acting import action, record
from tongchou.core.passes.verdicts import REFUSED
from tongchou.core.people.rules import Actor
from tongchou.domains.gate.models import Appeal, CountedScans, DoorDay, Entrance, Scan
from tongchou.domains.gate.refusals import Objected, changed_by
from tongchou.domains.gate.rules import FLAGS

AT_ONCE, FORGOTTEN_AT_ONCE, HOLDERS_AT_ONCE = 100_000, 10_000, 500
_COLUMNS = ("pk", "entrance", "at_s", "way", "verdict", "told", "flags", "holder")


@action("gate.learn")
def count_scans(*, zone: ZoneInfo, after_refusal: timedelta | None = None, by: Actor, at: datetime) -> int:
    """Count what has come into the log since the last time, at most `AT_ONCE` scans; gives how many. Each scan is counted once.

    One process writes the log, so its row numbers come into sight in order. A card that the house refused was not the device's to know.
    `after_refusal`: how soon after a refusal an entry at the same venue is counted as one; None counts none.
    """
    mark, _ = CountedScans.objects.select_for_update().get_or_create(pk=1)
    read = list(Scan.objects.filter(pk__gt=mark.upto).order_by("pk").values_list(*_COLUMNS)[:AT_ONCE])
    if read:
        day_of = _days_in(zone)
        counted = _counted(read, day_of)
        for entrance, at_s, more in _after_refusal(read, mark.upto, after_refusal) if after_refusal else ():
            counted[entrance, day_of(at_s)][4] += more
        _add(counted)
        mark.upto = read[-1][0]
        mark.save(update_fields=["upto"])
    record("gate.count", mark)  # how many came in a minute would tell of one, at night
    return len(read)


@action("gate.learn")
def forget_scans(*, before: datetime, by: Actor, at: datetime) -> int:
    """Delete scans made before an instant, the oldest first, at most `FORGOTTEN_AT_ONCE`; gives how many. Few at once, so that no door waits long.

    On SQLite the file's pages are overwritten (`secure_delete`), and the write-ahead log is emptied, which holds them as well.
    """
    mark, _ = CountedScans.objects.get_or_create(pk=1)
    old = Scan.objects.filter(at_s__lt=int(before.timestamp())).order_by("at_s")
    forgotten, _ = Scan.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
    record("gate.forget", mark, detail={"before": before.isoformat()})
    return forgotten


def _days_in(zone: ZoneInfo) -> Callable[[int], date]:
    days: dict[int, date] = {}

    def day_of(at_s: int) -> date:
        quarter = at_s // 900  # every zone keeps to quarters of an hour
        return days.get(quarter) or days.setdefault(quarter, datetime.fromtimestamp(at_s, zone).date())

    return day_of


def _counted(read: list[Any], day_of: Callable[[int], date]) -> dict[tuple[int, date], list[int]]:
    """(entrance, day) → admitted, refused, let in, instant of the last scan, entered after a refusal (none yet)."""
    found: dict[tuple[int, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for _, entrance, at_s, way, verdict, told, flags, _ in read:
        counts = found[entrance, day_of(at_s)]
        counts[3] = max(counts[3], at_s)
        if way == 0:
            let_in = verdict == REFUSED != told and not flags & FLAGS["by_card"]
            counts[2 if let_in else 1 if verdict == REFUSED else 0] += 1
    return found


def _after_refusal(read: list[Any], upto: int, within: timedelta) -> Iterator[tuple[int, int, int]]:
    """What the scans read change of entries after a refusal, found again from the log for the people among them whom the house refuses."""
    times: dict[int, list[int]] = defaultdict(list)
    for _, _, at_s, way, verdict, _, _, holder in read:
        if verdict == REFUSED and way == 0 and holder is not None:
            times[holder].append(at_s)
    upheld = set(Appeal.objects.filter(dossier__state="upheld").order_by().values_list("device_id", "seq"))  # refused in error: no blame
    last, within_s, holders = read[-1][0], int(within.total_seconds()), sorted(times)
    for start in range(0, len(holders), HOLDERS_AT_ONCE):
        some = holders[start : start + HOLDERS_AT_ONCE]
        around = [at_s for holder in some for at_s in times[holder]]
        # Twice as far: which refusal an entry belongs to is decided by others near both.
        near = Scan.objects.filter(
            verdict=REFUSED, holder__in=some, at_s__gte=min(around) - 2 * within_s, at_s__lte=max(around) + 2 * within_s
        )
        scans = map(Objected._make, near.filter(way=0, pk__lte=last).values_list(*Objected._fields))
        yield from changed_by([scan for scan in scans if (scan.device, scan.seq) not in upheld], upto, within_s)


def _add(counted: dict[tuple[int, date], list[int]]) -> None:
    entrances = set(Entrance.objects.filter(pk__in={entrance for entrance, _ in counted}).order_by().values_list("pk", flat=True))
    days = {day for _, day in counted}
    known = {(row.entrance_id, row.on): row for row in DoorDay.objects.filter(entrance__in=entrances, on__in=days)}
    new: list[DoorDay] = []
    for (entrance, day), (admitted, refused, let_in, last_s, after) in counted.items():
        if entrance not in entrances:
            continue
        row, last_at = known.get((entrance, day)), datetime.fromtimestamp(last_s, UTC)
        if row is None:
            counts = {"admitted": admitted, "refused": refused, "let_in": let_in, "after_refusal": max(after, 0)}
            new.append(DoorDay(entrance_id=entrance, on=day, **counts, last_at=last_at))
            continue
        row.admitted, row.refused, row.let_in = row.admitted + admitted, row.refused + refused, row.let_in + let_in
        row.after_refusal, row.last_at = max(row.after_refusal + after, 0), max(row.last_at, last_at)
    DoorDay.objects.bulk_create(new, batch_size=500)
    DoorDay.objects.bulk_update(list(known.values()), ["admitted", "refused", "let_in", "after_refusal", "last_at"], batch_size=200)
