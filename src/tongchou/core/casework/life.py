"""Opening dossiers and moving them along their machine. Building blocks for actions, to be called inside one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial

from tongchou.core.audit.acting import record
from tongchou.core.casework.machine import Machine, Step
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Link, Numbering
from tongchou.core.errors import Stale
from tongchou.core.parameters.queries import duration
from tongchou.core.people.models import Post
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Opening:
    """What is needed to open one dossier. `clocks` are deadlines given outright (key, minutes), beside those the machine starts."""

    title: T
    place: Place
    owner_post: Post | None
    grade: str = ""
    is_exercise: bool = False
    caused_by: Dossier | None = None
    part_of: Dossier | None = None
    clocks: tuple[tuple[str, int], ...] = ()
    reason: str = ""
    detail: dict[str, object] = field(default_factory=dict)


def _next_numbers(prefix: str, at: datetime, how_many: int) -> list[str]:
    series = f"{prefix}-{at.year}"
    Numbering.objects.get_or_create(series=series)
    row = Numbering.objects.select_for_update().get(series=series)
    first, row.last = row.last + 1, row.last + how_many
    row.save(update_fields=["last"])
    return [f"{series}-{n:04d}" for n in range(first, first + how_many)]


def open_dossiers(machine: Machine, openings: Sequence[Opening], *, by: Actor, at: datetime) -> list[Dossier]:
    """Open dossiers of one kind at once: numbers, owner's assignment, deadlines, links and entries. A handful of inserts however many."""
    numbers = _next_numbers(machine.prefix, at, len(openings))
    rows = Dossier.objects.bulk_create(
        [
            Dossier(
                kind=machine.kind,
                number=number,
                title_zh=o.title.zh,
                title_en=o.title.en,
                place=o.place,
                state=machine.start,
                grade=o.grade,
                owner_post=o.owner_post,
                opened_at=at,
                is_exercise=o.is_exercise,
            )
            for number, o in zip(numbers, openings, strict=True)
        ],
        batch_size=_BATCH,
    )
    holders = holders_at({o.owner_post for o in openings if o.owner_post}, at)
    Assignment.objects.bulk_create(
        [
            Assignment(dossier=row, post=o.owner_post, user=holders.get(o.owner_post.pk), from_at=at, why="opened")
            for row, o in zip(rows, openings, strict=True)
            if o.owner_post
        ],
        batch_size=_BATCH,
    )
    minutes_of = cache(partial(_minutes, at=at))
    clocks = []
    for row, o in zip(rows, openings, strict=True):
        started = [(key, minutes_of(key, place_path=o.place.path)) for key in machine.starts]
        clocks += [_clock(row, key, minutes, at) for key, minutes in (*started, *o.clocks)]
    Deadline.objects.bulk_create(clocks, batch_size=_BATCH)
    Link.objects.bulk_create(
        [
            Link(source=row, target=target, kind=kind)
            for row, o in zip(rows, openings, strict=True)
            for kind, target in (("caused_by", o.caused_by), ("part_of", o.part_of))
            if target is not None
        ],
        batch_size=_BATCH,
    )
    for row, o in zip(rows, openings, strict=True):
        record(f"{machine.kind}.open", row, reason=o.reason, detail={"number": row.number, "state": machine.start, **o.detail})
    return rows


def advance(
    dossier: Dossier,
    machine: Machine,
    step_name: str,
    *,
    at: datetime,
    reason: str = "",
    detail: dict[str, object] | None = None,
    clocks: tuple[tuple[str, int], ...] = (),
) -> Step:
    """Take one step, if the state is still the one read: starts and stops the step's clocks, closes in a final state, records.

    Raises Stale, naming what is allowed now, when the step is not allowed or another was first.
    """
    step = machine.step(step_name, dossier.state)
    closed_at = at if step.target in machine.final else None
    moved = Dossier.objects.filter(pk=dossier.pk, state=dossier.state).update(state=step.target, closed_at=closed_at)
    if not moved:
        machine.step(step_name, Dossier.objects.get(pk=dossier.pk).state)
        raise Stale(T("记录刚被他人修改。", "The record was just changed by somebody else."))
    before, dossier.state, dossier.closed_at = dossier.state, step.target, closed_at
    running = Deadline.objects.filter(dossier=dossier, stopped_at=None)
    (running if closed_at else running.filter(key__in=step.stops)).update(stopped_at=at)
    started = [(key, _minutes(key, at=at, place_path=dossier.place.path)) for key in step.starts]
    Deadline.objects.bulk_create([_clock(dossier, key, minutes, at) for key, minutes in (*started, *clocks)])
    record(f"{machine.kind}.{step_name}", dossier, reason=reason, detail={"from": before, "to": step.target, **(detail or {})})
    return step


def assign(dossier: Dossier, post: Post, *, at: datetime, why: str, reason: str = "") -> Assignment:
    """Put a dossier into the hands of another post, and of the person on duty there now."""
    Assignment.objects.filter(dossier=dossier, to_at=None).update(to_at=at)
    user = holders_at([post], at).get(post.pk)
    row = Assignment.objects.create(dossier=dossier, post=post, user=user, from_at=at, why=why)
    before = dossier.owner_post.code if dossier.owner_post else None
    dossier.owner_post = post
    dossier.save(update_fields=["owner_post"])
    record(
        f"{dossier.kind}.assign",
        dossier,
        reason=reason,
        detail={"why": why, "from": before, "to": post.code, "user": user.username if user else None},
    )
    return row


def _minutes(key: str, *, at: datetime, place_path: str) -> int:
    return round(duration(key, on=at.date(), place_path=place_path) / timedelta(minutes=1))


def _clock(dossier: Dossier, key: str, minutes: int, at: datetime) -> Deadline:
    due_at = at + timedelta(minutes=minutes)
    return Deadline(dossier=dossier, key=key, minutes=minutes, started_at=at, due_at=due_at, escalate_at=due_at)
