"""People hold posts in units for a time; what they may do follows from the posts, never from the person."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from tongchou.core.places.models import Place
from tongchou.core.wording import T


class User(AbstractUser):
    """A person who can sign in, or a device that can report (no password, tokens only)."""

    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)
    is_device = models.BooleanField(default=False)
    is_fictional = models.BooleanField(default=False)  # demo accounts

    @property
    def name(self) -> T:
        return T(self.name_zh or self.username, self.name_en or self.username)


class Unit(models.Model):
    """The duty office, a work group, a village committee, a department."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=24)  # office, group, village, department, district
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    place = models.ForeignKey(Place, on_delete=models.PROTECT)

    class Meta:
        ordering = ["code"]

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)


class Post(models.Model):
    """A seat in a unit. Work is given to posts; `reports_to` is the way escalation goes."""

    code = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=24)  # a key of people.rules.CAPABILITIES
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="posts")
    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    reports_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reports")
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)

    class Meta:
        ordering = ["code"]

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)


class Posting(models.Model):
    """A person in a post between two instants, in their own right or as deputy for the holder."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="postings")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="postings")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)
    deputy_for = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="deputies")

    class Meta:
        ordering = ["post_id", "from_at"]
        constraints = [models.CheckConstraint(condition=Q(to_at=None) | Q(to_at__gt=F("from_at")), name="posting_ends_after_start")]
        indexes = [models.Index(fields=["user", "from_at"], name="posting_user")]


class Token(models.Model):
    """A key for the programming interface, of a person or a device, shown once and stored as a digest."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)  # capability names; never more than the posts give
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["user_id", "created_at"]
