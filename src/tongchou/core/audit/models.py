"""What was done, by whom, why: append-only rows, each carrying the digest of the one before. Triggers refuse change and removal."""

import json
from typing import Any

from django.db import models

from tongchou.core.people.models import User


class Entry(models.Model):
    """One act. Written only by `@action`; `detail` is canonical JSON text, so that both databases give back the very same bytes."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    actor_label = models.CharField(max_length=150)
    posts = models.CharField(max_length=400)
    action = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    place_path = models.CharField(max_length=240)
    reason = models.TextField()
    detail = models.TextField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["seq"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "seq"], name="entry_subject"),
            models.Index(fields=["at"], name="entry_at"),
            models.Index(fields=["actor", "seq"], name="entry_actor"),
        ]

    @property
    def details(self) -> dict[str, Any]:
        return dict(json.loads(self.detail))


class ChainHead(models.Model):
    """The one row that says where the chain ends; its lock puts concurrent acts in order."""

    seq = models.BigIntegerField()
    digest = models.CharField(max_length=64)


class DailyRoot(models.Model):
    """Merkle root over the entries since the last one: a single line that, noted elsewhere, proves they were not rewritten."""

    day = models.DateField(primary_key=True)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    root = models.CharField(max_length=64)

    @property
    def place_path(self) -> str:
        return "/"


PERSONAL_READ = "person.read"


class Access(Entry):
    """One reading of personal data: an entry whose action is PERSONAL_READ, so that it is chained and cannot be removed.

    `reason` is the purpose. Read through `audit.queries`, which know the action.
    """

    class Meta:
        proxy = True
        ordering = ["-seq"]
