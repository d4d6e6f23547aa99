"""Releasing a day's counts; reading a door's exact ones with cause."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import models

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.people.rules import Actor
from tongchou.domains.footfall.models import ClassFigure, DoorFigure, Release
from tongchou.domains.footfall.rules import DayFigures, count_of_acts

_BATCH = 500


@action("footfall.release")
def release_day(
    on: date, figures: DayFigures, *, doors: Sequence[int], wrong: Mapping[int, tuple[int, int]], k: int, by: Actor, at: datetime
) -> Release:
    """Give the counts of a day, once and for good: the same day again changes nothing.

    `doors`: row numbers of the entrances in the order of `figures.doors`. `wrong`: of each entrance that has any, whom it let in though
    refused, and whom after a refusal.
    """
    release, is_new = Release.objects.get_or_create(on=on, defaults={"k": k, "entries": figures.town, "released_at": at})
    if is_new:
        days = [ClassFigure(release=release, venue_class=name, mark=f.mark, entries=f.count) for name, f in figures.classes.items()]
        hours = [
            ClassFigure(release=release, venue_class=name, hour=hour, mark=f.mark, entries=f.count)
            for name, row in figures.hours.items()
            for hour, f in enumerate(row)
        ]
        ClassFigure.objects.bulk_create([*days, *hours], batch_size=_BATCH)
        rows = []
        for pk, figure, refused in zip(doors, figures.doors, figures.refused, strict=True):
            let_in, after = (count_of_acts(n, k) for n in wrong.get(pk, (0, 0)))
            rows.append(
                DoorFigure(
                    release=release, entrance_id=pk, mark=figure.mark, entries=figure.count,
                    refused=refused, let_in=let_in, after_refusal=after,
                )
            )  # fmt: skip
        DoorFigure.objects.bulk_create(rows, batch_size=_BATCH)
    record("footfall.release", release, detail={"on": on, "k": k, "doors": len(doors), "new": is_new})
    return release


@action("gate.write", place=lambda given: given["place_path"])
def look_at_door(door: models.Model, *, place_path: str, purpose: str, by: Actor, at: datetime) -> None:
    """Note that the exact counts of a door are read, and what for: a small count may be about one person. Raises Invalid without a purpose."""
    record_access(door, fields=["door_days"], purpose=purpose)
