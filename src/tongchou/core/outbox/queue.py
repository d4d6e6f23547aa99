"""Posting, claiming and finishing messages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from tongchou.core.outbox.models import Message

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 6
Handler = Callable[[Message, datetime], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A message not yet written."""

    topic: str
    key: str
    payload: Mapping[str, Any]
    is_exercise: bool = False
    due_at: datetime | None = None


def post(topic: str, key: str, payload: Mapping[str, Any], *, at: datetime, is_exercise: bool = False, due_at: datetime | None = None) -> None:
    """Write one message in the caller's transaction; a second one with the same topic and key is ignored."""
    post_all([Draft(topic, key, payload, is_exercise, due_at)], at=at)


def post_all(drafts: Iterable[Draft], *, at: datetime) -> None:
    """Write many messages in the caller's transaction."""
    rows = [
        Message(topic=d.topic, key=d.key, payload=dict(d.payload), is_exercise=d.is_exercise, created_at=at, due_at=d.due_at or at)
        for d in drafts
    ]
    Message.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def claim(worker: str, at: datetime, topics: Iterable[str]) -> Message | None:
    """Take the next due message, if any, for one lease. The conditional UPDATE decides between workers that saw the same row."""
    free = Q(leased_until=None) | Q(leased_until__lte=at)
    open_now = Message.objects.filter(free, done_at=None, dead_at=None, due_at__lte=at, topic__in=list(topics))
    for pk in open_now.order_by("due_at", "pk").values_list("pk", flat=True)[:8]:
        won = Message.objects.filter(free, pk=pk, done_at=None, dead_at=None).update(
            worker=worker, leased_until=at + LEASE, attempts=F("attempts") + 1
        )
        if won:
            return Message.objects.get(pk=pk)
    return None


def work_once(worker: str, at: datetime, handlers: Mapping[str, Handler]) -> Message | None:
    """Claim one message and do it: done, put off with growing delay, or dead after six tries. Gives back the message, None when idle."""
    message = claim(worker, at, handlers)
    if message is None:
        return None
    mine = Message.objects.filter(pk=message.pk, worker=worker, done_at=None)
    try:
        # No transaction around the handler: it may talk to a mail server, and a database file has one writer.
        handlers[message.topic](message, at)
        mine.update(done_at=at, leased_until=None, error="")
    except Exception as error:  # whatever a handler raises must end on the page of dead letters, not in a dead worker
        told = f"{type(error).__name__}: {error}"[:2000]
        dead = message.attempts >= MAX_ATTEMPTS
        mine.update(
            leased_until=None, error=told, due_at=at + timedelta(seconds=15 * 4 ** (message.attempts - 1)), dead_at=at if dead else None
        )
    return message
