"""Numbers an office may change: each with a unit, a source and the day from which it holds."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.places.models import Place


class Parameter(models.Model):
    """What a key means. Values are `ParameterValue` rows."""

    key = models.CharField(max_length=80, unique=True)
    unit = models.CharField(max_length=24)  # minute, hour, day, share, count, per_year, text, …
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=160)

    class Meta:
        ordering = ["key"]


class ParameterValue(models.Model):
    """One value from a day on, in a place and below (none: everywhere). The nearest place wins, then the latest day."""

    parameter = models.ForeignKey(Parameter, on_delete=models.PROTECT, related_name="values")
    place = models.ForeignKey(Place, null=True, blank=True, on_delete=models.PROTECT)
    value = models.JSONField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # first day on which it no longer holds
    source_zh = models.CharField(max_length=300)
    source_en = models.CharField(max_length=300)
    confidence = models.CharField(max_length=8)  # high, medium, low

    class Meta:
        ordering = ["parameter_id", "valid_from", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["parameter", "place", "valid_from"], nulls_distinct=False, name="parameter_value_once"),
            models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="parameter_ends_after_start"),
        ]

    @property
    def place_path(self) -> str:
        return self.place.path if self.place else "/"
