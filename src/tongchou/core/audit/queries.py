"""Proving the chain, and telling what happened to something."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q, QuerySet

from tongchou.core.audit.chain import GENESIS, entry_digest, merkle_root
from tongchou.core.audit.models import PERSONAL_READ, Access, ChainHead, DailyRoot, Entry


@dataclass(frozen=True, slots=True)
class ChainProof:
    """Outcome of a verification: number of entries read, the last digest, and what does not hold."""

    entries: int
    digest: str
    problems: tuple[str, ...]


def verify_chain() -> ChainProof:
    """Recompute every digest from the first entry, compare the head and every sealed day."""
    problems: list[str] = []
    digests: list[str] = []
    previous, expected = GENESIS, 0
    for e in Entry.objects.order_by("seq").iterator(chunk_size=5000):
        expected += 1
        if e.seq != expected:
            problems.append(f"entry {expected}: missing; the next one found is {e.seq}")
            expected = e.seq
        if e.previous != previous:
            problems.append(f"entry {e.seq}: does not follow the entry before it")
        computed = entry_digest(
            e.previous,
            e.seq,
            e.at,
            e.actor_id,
            e.actor_label,
            e.posts,
            e.action,
            e.subject_kind,
            e.subject_id,
            e.place_path,
            e.reason,
            e.detail,
        )
        if computed != e.digest:
            problems.append(f"entry {e.seq} ({e.action} by {e.actor_label} at {e.at.isoformat()}): changed after it was written")
        previous = e.digest
        digests.append(e.digest)
    head = ChainHead.objects.get(pk=1)
    if (head.seq, head.digest) != (expected, previous):
        problems.append(f"head says {head.seq} entries, the log ends at {expected}: entries were cut off the end")
    for sealed in DailyRoot.objects.order_by("day"):
        if merkle_root(digests[sealed.first_seq - 1 : sealed.last_seq]) != sealed.root:
            problems.append(f"entries {sealed.first_seq} to {sealed.last_seq}: differ from the root sealed on {sealed.day}")
    return ChainProof(expected, previous, tuple(problems))


def history_of(subject: models.Model) -> QuerySet[Entry]:
    """Every entry about one record, oldest first."""
    return Entry.objects.filter(subject_kind=subject._meta.model_name, subject_id=str(subject.pk)).select_related("actor")


def entries_matching(*, who: str = "", act: str = "", subject: str = "") -> QuerySet[Entry]:
    """Entries, latest first: of a person, of acts that begin with `act`, about a subject ("kind" or "kind:id")."""
    rows = Entry.objects.order_by("-seq")
    if who:
        rows = rows.filter(actor_label=who)
    if act:
        rows = rows.filter(action__startswith=act)
    if subject:
        kind, _, key = subject.partition(":")
        rows = rows.filter(subject_kind=kind, **({"subject_id": key} if key else {}))
    return rows


def accesses() -> QuerySet[Access]:
    """Every reading of personal data, latest first."""
    return Access.objects.filter(action=PERSONAL_READ).select_related("actor")


def accesses_to(*subjects: models.Model) -> QuerySet[Access]:
    """Who read these records, which are all about one person, when and why; latest first."""
    return accesses().filter(reduce(or_, (Q(subject_kind=s._meta.model_name, subject_id=str(s.pk)) for s in subjects), Q(pk__in=())))
