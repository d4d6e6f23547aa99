"""Visits to firms: where a firm is found, the plan of a visitor's day, and visits that were made."""

from django.db import models
from django.db.models import Q

from tongchou.core.people.models import User
from tongchou.core.places.models import Place


class FirmPoint(models.Model):
    """Where a firm is found, WGS-84: as the phone of a visitor measured at its door, or generated."""

    firm = models.OneToOneField("registry.Firm", primary_key=True, on_delete=models.CASCADE, related_name="point")
    lon = models.FloatField()
    lat = models.FloatField()
    measured_at = models.DateTimeField()
    is_generated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(lon__range=(-180, 180), lat__range=(-90, 90)), name="firm_point_on_earth")]

    @property
    def place_path(self) -> str:
        return self.firm.place.path


class DayPlan(models.Model):
    """Whom one person means to visit on one day, in order. Planned again it is replaced; what was made stays."""

    visitor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    limit_minutes = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()  # reckoned: ways, stays, the way back
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [models.UniqueConstraint(fields=["visitor", "day"], name="day_plan_one")]

    @property
    def place_path(self) -> str:
        return self.place.path


class Stop(models.Model):
    """One firm of a day's plan: why it was chosen, and the way to it."""

    plan = models.ForeignKey(DayPlan, on_delete=models.CASCADE, related_name="stops")
    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="+")
    turn = models.PositiveSmallIntegerField()  # from 1
    way_minutes = models.FloatField()
    points = models.FloatField()
    reasons = models.JSONField()  # [{"zh", "en"}, …], as they were on the day it was planned

    class Meta:
        ordering = ["turn"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "turn"], name="stop_one_in_a_turn"),
            models.UniqueConstraint(fields=["plan", "firm"], name="stop_firm_once"),
        ]


class Call(models.Model):
    """A visit that was made, once however often a phone sends it: `key` is the phone's own."""

    key = models.UUIDField(primary_key=True)
    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="calls")
    visitor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    called_at = models.DateTimeField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=8)  # a key of rules.OUTCOMES
    spoke_to = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=500, blank=True)
    raised = models.ManyToManyField("difficulties.Difficulty", related_name="calls")

    class Meta:
        ordering = ["-called_at", "-received_at"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["met", "absent", "declined", "gone"]), name="call_outcome"),
            models.CheckConstraint(condition=~Q(outcome="met") | ~Q(spoke_to=""), name="call_met_somebody"),
        ]
        indexes = [models.Index(fields=["firm", "-called_at"], name="call_firm_latest")]

    @property
    def place_path(self) -> str:
        return self.firm.place.path
