"""Posters for thousands of doors: made by the worker, kept a day for whoever asked, then gone.

The message in the outbox is the job; its file lies beside the town's other files under the message's number, and how far it is in a small file
next to that. Not in backups: whoever needs the posters again asks again.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import post
from tongchou.core.people.models import User
from tongchou.core.people.queries import actor_for
from tongchou.domains.gate.models import Entrance
from tongchou.domains.gate.queries_doors import doors_for
from tongchou.interfaces.web.posters import Poster, posters_pdf

TOPIC, NOTHING = "gate.posters", "nothing"
KEPT = timedelta(days=1)
MOST, PART = 5_000, 250  # posters in a file; how many codes are drawn between two looks at how far it is


@dataclass(frozen=True, slots=True)
class Job:
    """What somebody asked for, and how it stands."""

    message: Message
    made: int

    @property
    def of(self) -> int:
        return int(self.message.payload["of"])

    @property
    def state(self) -> str:
        """One of: waiting, failed, nothing, ready."""
        if self.message.dead_at is not None:
            return "failed"
        if self.message.done_at is None:
            return "waiting"
        return NOTHING if self.message.outcome == NOTHING else "ready"


def ask_for_posters(user: User, size: str, words: str, of: int, town: str, address: str, token: str, *, at: datetime) -> None:
    """Put the job into the outbox; while the same one of the same person waits, nothing. `address`: under which venue codes are reached; `token`: random."""
    payload = {"user": user.pk, "size": size, "words": words, "of": of, "town": town, "address": address, "zone": str(at.tzinfo)}
    if not _of(user).filter(done_at=None, dead_at=None, payload=payload).exists():
        post(TOPIC, f"{user.pk}:{token}", payload, at=at)


def jobs_of(user: User, at: datetime) -> list[Job]:
    """Somebody's own jobs whose files are still there or to come, the latest first."""
    return [Job(message, _read_progress(message.pk)) for message in _of(user) if message.done_at is None or at < message.done_at + KEPT]


def make_posters(message: Message, at: datetime) -> str | None:
    """Make the file of a job, of the doors that the person sees now. Made again it is the same file."""
    given = message.payload
    user = User.objects.filter(pk=given["user"], is_active=True).first()
    found: Sequence[Entrance] = []
    if user is not None:
        at = at.astimezone(ZoneInfo(given["zone"]))
        found = list(doors_for(actor_for(user, at), at=at, words=given["words"])[:MOST])
    if not found:
        return NOTHING
    drawn = posters_pdf(
        [poster_of(door, given["town"], given["address"]) for door in found],
        given["size"],
        part=PART,
        told=lambda made: _write(_path(message.pk, "made"), str(made).encode()),
    )
    _write(_path(message.pk, "pdf"), drawn)
    _path(message.pk, "made").unlink(missing_ok=True)
    return None


def poster_of(door: Entrance, town: str, address: str) -> Poster:
    """What the poster of a door says."""
    code_address = f"{address}{reverse('venue_code', args=[door.code])}"
    return Poster(town, door.venue.name, f"{door.name.zh} {door.name.en}", door.code, door.keeper, code_address)


def posters_file(user: User, number: int, at: datetime) -> bytes | None:
    """The file of one of somebody's own jobs; None when there is no such job, or its day is over."""
    job = next((job for job in jobs_of(user, at) if job.message.pk == number and job.state == "ready"), None)
    path = _path(number, "pdf")
    return path.read_bytes() if job is not None and path.exists() else None


def forget_posters(at: datetime) -> int:
    """Delete the files whose day is over, or whose job is gone; gives how many."""
    files = {path: int(path.stem) for path in _folder().glob("*.*") if path.stem.isdecimal()} if _folder().exists() else {}
    rows = Message.objects.filter(pk__in=set(files.values()), topic=TOPIC).values_list("pk", "done_at", "dead_at")
    kept = {pk for pk, done_at, dead_at in rows if at < (done_at or dead_at or at) + KEPT}
    old = [path for path, pk in files.items() if pk not in kept]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _of(user: User) -> QuerySet[Message]:
    return Message.objects.filter(topic=TOPIC, key__startswith=f"{user.pk}:")


def _folder() -> Path:
    return Path(settings.HOME) / "posters"


def _path(number: int, kind: str) -> Path:
    return _folder() / f"{number}.{kind}"


def _read_progress(number: int) -> int:
    try:
        return int(_path(number, "made").read_text())
    except (OSError, ValueError):
        return 0


def _write(path: Path, content: bytes) -> None:
    """Beside, then renamed: a reader finds all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    beside.replace(path)
