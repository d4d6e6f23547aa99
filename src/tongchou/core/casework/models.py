"""The spine of everything with a life: alarm, incident, task, measure, finding, appeal. Facts stay in each domain's own table."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.people.models import Post, User
from tongchou.core.places.models import Place
from tongchou.core.wording import T


class Dossier(models.Model):
    """One case. The domain's table hangs on it by `OneToOneField(Dossier, primary_key=True)`."""

    kind = models.CharField(max_length=24)
    number = models.CharField(max_length=24, unique=True)
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=240)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=24)
    grade = models.CharField(max_length=8, blank=True)  # red, orange, yellow, blue
    owner_post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    is_exercise = models.BooleanField(default=False)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")), name="dossier_closes_after_opening")
        ]
        indexes = [
            models.Index(fields=["kind", "state", "-opened_at"], name="dossier_kind_state"),
            models.Index(fields=["owner_post", "closed_at"], name="dossier_owner_open"),
        ]

    @property
    def title(self) -> T:
        return T(self.title_zh, self.title_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class Numbering(models.Model):
    """The last number given out per kind and year."""

    series = models.CharField(max_length=24, primary_key=True)  # "YJ-2022"
    last = models.PositiveIntegerField(default=0)


class Deadline(models.Model):
    """A clock on a dossier. Started and stopped only by `advance` and by opening; `minutes` is what the parameter said that day."""

    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="deadlines")
    key = models.CharField(max_length=80)
    minutes = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    escalations = models.PositiveSmallIntegerField(default=0)
    escalate_at = models.DateTimeField(null=True)  # when it goes to the next post up; due_at at first, empty at the top

    class Meta:
        ordering = ["due_at"]
        constraints = [models.UniqueConstraint(fields=["dossier", "key"], condition=Q(stopped_at=None), name="deadline_one_running")]
        indexes = [models.Index(fields=["escalate_at"], condition=Q(stopped_at=None), name="deadline_running")]


class Assignment(models.Model):
    """A dossier in the hands of a post from an instant on, and of the person on duty there at that instant (none: nobody was)."""

    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="assignments")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="assignments")
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="assignments")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=24)  # opened, handed_over, escalated

    class Meta:
        ordering = ["from_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["dossier"], condition=Q(to_at=None), name="assignment_one_current")]
        indexes = [
            models.Index(fields=["user"], condition=Q(to_at=None), name="assignment_user_current"),
            models.Index(fields=["post"], condition=Q(to_at=None), name="assignment_post_current"),
        ]


class Evidence(models.Model):
    """A file or note that proves something: kept under its digest, never overwritten."""

    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="evidence")
    sha256 = models.CharField(max_length=64, blank=True)  # empty for a note without a file
    name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=80, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)
    taken_at = models.DateTimeField()
    received_at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    place = models.ForeignKey(Place, on_delete=models.PROTECT)

    class Meta:
        ordering = ["received_at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(sha256="") | ~Q(note=""), name="evidence_file_or_note")]


class Link(models.Model):
    """How two dossiers hang together, from the later to the earlier."""

    KINDS = ("caused_by", "part_of", "answers", "supersedes")
    source = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="links_in")
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="link_once"),
            models.CheckConstraint(condition=Q(kind__in=("caused_by", "part_of", "answers", "supersedes")), name="link_kind_known"),
        ]
