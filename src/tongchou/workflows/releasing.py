"""Counts of entries, given day by day.

1. Which days are over long enough, and not given yet?
2. Everybody who came to a door on such a day, from the log of scans.
3. What may be given of them: never a number about fewer than k people, nor one from which such a number follows.
4. Kept as given, for good: the log may still receive scans of that day, the figures do not change.

A scan that names nobody counts as somebody of their own. Errs: late deliveries after the release are in no figure.
"""

from datetime import date, datetime, time, timedelta

import numpy as np
from django.db.models import Exists, OuterRef, Q

from tongchou.core.parameters.queries import duration, value
from tongchou.core.passes.verdicts import REFUSED
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation
from tongchou.domains.footfall.actions import release_day
from tongchou.domains.footfall.models import Release
from tongchou.domains.footfall.queries import last_released
from tongchou.domains.footfall.rules import K_ANONYMITY, RELEASE_AFTER, DayOfScans, day_figures, days_to_release
from tongchou.domains.gate.models import DoorDay, Entrance, Scan

DAYS_AT_ONCE, ROWS_AT_ONCE = 7, 50_000


def release_days(town: Installation, *, by: Actor, at: datetime) -> list[Release]:
    """Give the counts of every day that is due, at most a week of them; `at` in the town's zone. Raises Refusal where the town has no `k`."""
    on, path = at.date(), town.place.path
    first = DoorDay.objects.filter(on__gte=on - timedelta(days=DAYS_AT_ONCE)).order_by("on").values_list("on", flat=True).first()
    last = last_released()
    due = days_to_release(first, last.on if last else None, at, duration(RELEASE_AFTER, on=on, place_path=path), DAYS_AT_ONCE)
    return [_release(day, int(value(K_ANONYMITY, on=on, place_path=path).value), by=by, at=at) for day in due]


def _release(day: date, k: int, *, by: Actor, at: datetime) -> Release:
    start = datetime.combine(day, time(), at.tzinfo)
    from_s, to_s = (int(moment.timestamp()) for moment in (start, datetime.combine(day + timedelta(days=1), time(), at.tzinfo)))
    days = DoorDay.objects.filter(on=day)
    standing = Exists(Entrance.objects.filter(pk=OuterRef("pk"), devices__token_digest__isnull=False, devices__revoked_at=None))
    doors = list(
        Entrance.objects.filter(Q(pk__in=days.order_by().values("entrance")) | Q(standing))
        .order_by("code")
        .values_list("pk", "venue__venue_class")
    )
    figures = day_figures(_scans(from_s, to_s, [pk for pk, _ in doors], at), [kind for _, kind in doors], k)
    wrong = {pk: (let_in, after) for pk, let_in, after in days.values_list("entrance_id", "let_in", "after_refusal")}
    return release_day(day, figures, doors=[pk for pk, _ in doors], wrong=wrong, k=k, by=by, at=at)


def _scans(from_s: int, to_s: int, doors: list[int], at: datetime) -> DayOfScans:
    """Everybody scanned going in at these doors between two instants, as the devices told them."""
    rows = Scan.objects.filter(at_s__gte=from_s, at_s__lt=to_s, way=0).order_by().values_list("entrance", "at_s", "holder", "told", "pk")
    parts = [np.empty((0, 4), np.int64)]
    part: list[tuple[int, int, int, int]] = []
    for entrance, at_s, holder, told, pk in rows.iterator(chunk_size=ROWS_AT_ONCE):
        part.append((entrance, at_s, -pk if holder is None else holder, told))
        if len(part) == ROWS_AT_ONCE:
            parts.append(np.array(part, np.int64))
            part = []
    found = np.concatenate([*parts, np.array(part, np.int64).reshape(-1, 4)]).T
    order = np.argsort(doors)
    known = np.asarray(doors, np.int64)[order]
    found = found[:, np.isin(found[0], known)]
    quarters, which = np.unique(found[1] // 900, return_inverse=True)  # every zone keeps to quarters of an hour
    hours = np.array([datetime.fromtimestamp(q * 900, at.tzinfo).hour for q in quarters.tolist()], np.int64)
    door = order[np.searchsorted(known, found[0])] if len(known) else found[0]
    return DayOfScans(door, hours[which] if len(which) else found[1], found[2], found[3] != REFUSED)
