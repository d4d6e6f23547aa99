"""Work to be done after a commit: written in the same transaction as its cause, done at least once by a worker that holds it by lease."""

from django.db import models
from django.db.models import Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.places.queries import installation
from tongchou.core.wording import T


class Message(models.Model):
    """One piece of work. `key` makes it one of a kind within its topic; handlers are idempotent by it."""

    topic = models.CharField(max_length=60)
    key = models.CharField(max_length=160)
    payload = models.JSONField()
    is_exercise = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=80, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=24, blank=True)  # a key of outbox.rules.OUTCOMES
    dead_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["topic", "key"], name="message_once")]
        # The worker asks "what is open and due" all day long: a partial index keeps that small however long the log grows.
        indexes = [models.Index(fields=["due_at"], condition=Q(done_at=None, dead_at=None), name="message_open")]

    @property
    def place_path(self) -> str:
        """Messages belong to the town as a whole."""
        town = installation()
        return town.place.path if town else "/"


class Notice(models.Model):
    """A line on somebody's inbox page that tells what happened; the dossier it is about, if any, is one tap away."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    dossier = models.ForeignKey(Dossier, null=True, on_delete=models.CASCADE, related_name="notices")
    text_zh = models.CharField(max_length=300)
    text_en = models.CharField(max_length=400)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["user", "-id"], condition=Q(read_at=None), name="notice_unread")]

    @property
    def text(self) -> T:
        return T(self.text_zh, self.text_en)
