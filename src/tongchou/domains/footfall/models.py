"""Released counts of entries. What is hidden is not in these tables: no page, program or backup can give it away."""

from django.db import models
from django.db.models import Q

_SHOWN = Q(mark="shown", entries__isnull=False) | Q(entries=None) & ~Q(mark="shown")


class Release(models.Model):
    """A day of the town whose counts were given, once: scans that come later change nothing, or the change would tell of them."""

    on = models.DateField(unique=True)
    k = models.PositiveSmallIntegerField()  # no number is about fewer people
    entries = models.PositiveIntegerField(null=True)  # of the town; none: fewer than k people
    released_at = models.DateTimeField()

    class Meta:
        ordering = ["-on"]

    @property
    def place_path(self) -> str:
        return "/"


class ClassFigure(models.Model):
    """Entries of a class of venue on a released day, or in one of its hours."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="classes")
    venue_class = models.CharField(max_length=24)
    hour = models.PositiveSmallIntegerField(null=True)  # by the town's clock; none: the whole day
    mark = models.CharField(max_length=8)  # rules.MARKS
    entries = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["release_id", "venue_class", "hour"]
        constraints = [
            models.UniqueConstraint(fields=["release", "venue_class", "hour"], nulls_distinct=False, name="class_figure_once"),
            models.CheckConstraint(condition=_SHOWN, name="class_figure_shown_or_hidden"),
        ]


class DoorFigure(models.Model):
    """Entries at a door on a released day; people turned away and what the door did wrong, where that is about k or more (or, done wrong, nothing)."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="doors")
    entrance = models.ForeignKey("gate.Entrance", on_delete=models.CASCADE, related_name="figures")
    mark = models.CharField(max_length=8)  # rules.MARKS
    entries = models.PositiveIntegerField(null=True)
    refused = models.PositiveIntegerField(null=True)
    let_in = models.PositiveIntegerField(null=True)
    after_refusal = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-release__on", "entrance_id"]
        constraints = [
            models.UniqueConstraint(fields=["release", "entrance"], name="door_figure_once"),
            models.CheckConstraint(condition=_SHOWN, name="door_figure_shown_or_hidden"),
        ]
