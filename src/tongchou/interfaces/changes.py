"""What changed, and who may hear of it: read from the log by sequence number, for the live stream and for polling alike."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max

from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Assignment
from tongchou.core.outbox.models import Notice
from tongchou.core.people.rules import Actor

# Whoever may read a subject may hear that it changed; everything else is told to those who see the desk there.
TOPIC_NEEDS = {
    "alarm": "alarm.read",
    "incident": "incident.read",
    "task": "incident.read",
    "observation": "sentinel.read",
    "sentinel": "sentinel.read",
    "stream": "sentinel.read",
    "parameter": "parameter.read",
    "outbox": "outbox.read",
}
KEYS_AT_MOST, ENTRIES_AT_MOST = 50, 20_000


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything after a sequence number: per topic and place the subjects, and whose inbox is concerned."""

    seq: int
    notice_id: int
    subjects: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # (topic, place path) → subject ids
    inbox_users: frozenset[int] = frozenset()
    inbox_posts: frozenset[str] = frozenset()

    def events_for(self, actor: Actor) -> list[dict[str, object]]:
        """One event per topic this person may hear of."""
        keys: dict[str, set[str]] = defaultdict(set)
        for (topic, place_path), subjects in self.subjects.items():
            if actor.may(TOPIC_NEEDS.get(topic, "desk.read"), place_path):
                keys[topic] |= subjects
        if actor.user_id in self.inbox_users or any(held.code in self.inbox_posts for held in actor.posts):
            keys["inbox"] = set()
        # Without keys an event is for every region of its topic: a long list would only say the same.
        return [
            {"topic": topic, "seq": self.seq, "keys": sorted(found) if len(found) <= KEYS_AT_MOST else []}
            for topic, found in sorted(keys.items())
        ]


def position() -> tuple[int, int]:
    """The last sequence number of the log and the last notice."""
    return (
        Entry.objects.aggregate(last=Max("seq"))["last"] or 0,
        Notice.objects.aggregate(last=Max("pk"))["last"] or 0,
    )


def changes_after(seq: int, notice_id: int | None = None, *, notices_since: datetime | None = None) -> Changes:
    """Changes after a point of the log; notices after an id, or (for those who only kept `seq`) since an instant."""
    rows = list(Entry.objects.filter(seq__gt=seq).order_by("seq").values_list("seq", "action", "subject_kind", "subject_id", "place_path")
                [:ENTRIES_AT_MOST])  # fmt: skip
    subjects: dict[tuple[str, str], set[str]] = defaultdict(set)
    dossiers: set[int] = set()
    for _, action, kind, subject_id, place_path in rows:
        subjects[(action.partition(".")[0], place_path)].add(subject_id)
        subjects[(kind, place_path)].add(subject_id)
        if kind == "dossier":
            dossiers.add(int(subject_id))
    users, posts = _holders(dossiers)
    notices = Notice.objects.all()
    if notice_id is not None:
        notices = notices.filter(pk__gt=notice_id)
    elif notices_since is not None:
        notices = notices.filter(created_at__gte=notices_since)
    told = dict(notices.order_by("pk").values_list("pk", "user_id"))
    return Changes(
        seq=rows[-1][0] if rows else seq,
        notice_id=max(told, default=notice_id or 0),
        subjects=dict(subjects),
        inbox_users=users | set(told.values()),
        inbox_posts=posts,
    )


def _holders(dossiers: set[int]) -> tuple[frozenset[int], frozenset[str]]:
    """Everybody through whose hands these dossiers go or went: their inbox looks different now."""
    users: set[int] = set()
    posts: set[str] = set()
    for some in _batches(sorted(dossiers)):
        for user_id, post in Assignment.objects.filter(dossier_id__in=some).values_list("user_id", "post__code").distinct():
            posts.add(post)
            if user_id is not None:
                users.add(user_id)
    return frozenset(users), frozenset(posts)


def _batches(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    return (ids[i : i + size] for i in range(0, len(ids), size))


def as_json(event: dict[str, object]) -> str:
    return json.dumps(event, separators=(",", ":"))
