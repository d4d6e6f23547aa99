"""Posting, claiming and finishing messages; telling people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.errors import Refusal
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.rules import may_leave
from tongchou.core.people.models import Post, User
from tongchou.core.people.queries import holders_at
from tongchou.core.wording import T

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 6
# Does the work and says how it ended: a key of OUTCOMES, or nothing.
Handler = Callable[[Message, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A message not yet written."""

    topic: str
    key: str
    payload: Mapping[str, Any]
    is_exercise: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Something one person should know."""

    user: User
    text: T
    dossier: Dossier | None = None


def post(
    topic: str, key: str, payload: Mapping[str, Any], *, at: datetime, is_exercise: bool = False, due_at: datetime | None = None
) -> None:
    """Write one message in the caller's transaction; a second one with the same topic and key is ignored."""
    post_all([Draft(topic, key, payload, is_exercise, due_at)], at=at)


def post_all(drafts: Iterable[Draft], *, at: datetime) -> None:
    """Write many messages in the caller's transaction. Raises Refusal for a real channel in a drill."""
    rows = []
    for d in drafts:
        if not may_leave(d.topic, d.is_exercise):
            raise Refusal(
                T(f"演练消息不得经“{d.topic}”发出。", f"A drill may not send by '{d.topic}'."),
                T("演练只在页面内提醒。", "Drills tell people in the pages only."),
            )
        rows.append(
            Message(topic=d.topic, key=d.key, payload=dict(d.payload), is_exercise=d.is_exercise, created_at=at, due_at=d.due_at or at)
        )
    Message.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def tell_post(post: Post | None, text: T, dossier: Dossier, *, at: datetime) -> None:
    """Notify whoever holds the post that has a dossier to decide: nobody where there is none."""
    notify([Telling(user, text, dossier) for user in (holders_at([post], at).values() if post else ())], at=at)


def notify(tellings: Sequence[Telling], *, at: datetime, is_exercise: bool = False) -> list[Notice]:
    """Tell people in the caller's transaction: a notice each, and one e-mail per person with an address. A drill sends no e-mail."""
    rows = Notice.objects.bulk_create(
        [Notice(user=t.user, dossier=t.dossier, text_zh=t.text.zh[:300], text_en=t.text.en[:400], created_at=at) for t in tellings],
        batch_size=500,
    )
    if is_exercise:
        return rows
    per_user: dict[int, list[Notice]] = {}
    for row in rows:
        if row.user.email:
            per_user.setdefault(row.user_id, []).append(row)
    post_all(
        [
            Draft(
                "mail",
                f"notice-{mine[0].pk}",
                {"to": mine[0].user.email, "lines": [{"zh": n.text_zh, "en": n.text_en} for n in mine]},
            )
            for mine in per_user.values()
        ],
        at=at,
    )
    return rows


def mark_read(user_id: int, *, at: datetime, dossier_id: int | None = None) -> int:
    """Mark this person's unread notices read, all or those about one dossier; gives back how many. What one has seen is no act: no entry."""
    unread = Notice.objects.filter(user_id=user_id, read_at=None)
    return (unread if dossier_id is None else unread.filter(dossier_id=dossier_id)).update(read_at=at)


def claim(worker: str, at: datetime, topics: Iterable[str], lease: timedelta = LEASE) -> Message | None:
    """Take the next due message, if any, for one lease. The conditional UPDATE decides between workers that saw the same row."""
    # A lease longer than any, or a message from the future, was written by a clock since set back: it must not wait for that day to come.
    free = Q(leased_until=None) | Q(leased_until__lte=at) | Q(leased_until__gt=at + lease)
    due = Q(due_at__lte=at) | Q(created_at__gt=at)
    open_now = Message.objects.filter(free, due, done_at=None, dead_at=None, topic__in=list(topics))
    for pk, attempts in open_now.order_by("due_at", "pk").values_list("pk", "attempts")[:8]:
        if attempts >= MAX_ATTEMPTS:
            # It has taken its worker down each time and would go round for ever.
            Message.objects.filter(free, pk=pk).update(dead_at=at, leased_until=None, error="the worker was lost each time it held this")
            continue
        won = Message.objects.filter(free, pk=pk, done_at=None, dead_at=None).update(
            worker=worker, leased_until=at + lease, attempts=F("attempts") + 1
        )
        if won:
            return Message.objects.get(pk=pk)
    return None


def settle(message: Message, at: datetime) -> bool:
    """Mark a message done inside the caller's transaction, so that the mark and the work stand or fall together. False: another holds it now."""
    mine = Message.objects.filter(pk=message.pk, worker=message.worker, attempts=message.attempts, done_at=None)
    return bool(mine.update(done_at=at, leased_until=None, error=""))


def work_once(worker: str, at: datetime, handlers: Mapping[str, Handler], lease: timedelta = LEASE) -> Message | None:
    """Claim one message and do it: done, put off with growing delay, or dead after six tries. Gives back the message, None when idle."""
    message = claim(worker, at, handlers, lease)
    if message is None:
        return None
    # `attempts` tells this holding from a later one of the same worker's name.
    mine = Message.objects.filter(pk=message.pk, worker=worker, attempts=message.attempts, done_at=None)
    try:
        # No transaction around the handler: it may talk to a mail server, and a database file has one writer.
        outcome = handlers[message.topic](message, at)
        mine.update(done_at=at, leased_until=None, error="", outcome=outcome or "")
    except Exception as error:  # whatever a handler raises must end on the page of dead letters, not in a dead worker
        told = f"{type(error).__name__}: {error}"[:2000]
        dead = message.attempts >= MAX_ATTEMPTS
        mine.update(
            leased_until=None, error=told, due_at=at + timedelta(seconds=15 * 4 ** (message.attempts - 1)), dead_at=at if dead else None
        )
    return message
