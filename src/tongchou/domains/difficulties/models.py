"""Firms' difficulties, what the firm itself says of them, and the causes several share."""

from django.db import models
from django.db.models import Q

from tongchou.core.casework.models import Dossier
from tongchou.core.passes.models import IssuedPass
from tongchou.core.people.models import User


class Cause(models.Model):
    """One cause behind the difficulties of several firms, confirmed by a person and put to one unit."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="cause")
    kind = models.CharField(max_length=16)
    words = models.CharField(max_length=500)
    answer = models.CharField(max_length=500, blank=True, default="")

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Difficulty(models.Model):
    """What hinders one firm, in its own words, and what was done about it. The dossier says how far it has come."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="difficulty")
    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="difficulties")
    kind = models.CharField(max_length=16)  # a key of the parameter difficulty.kinds
    words = models.CharField(max_length=500)
    source = models.CharField(max_length=8)  # a key of rules.SOURCES
    said_at = models.DateTimeField()  # when the firm said it: on a visit without a network, hours before it was received
    raised_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # none: the firm itself
    promise = models.CharField(max_length=300, blank=True, default="")
    promised_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, blank=True, default="")  # a key of rules.OUTCOMES
    answer = models.CharField(max_length=500, blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    cause = models.ForeignKey(Cause, null=True, on_delete=models.PROTECT, related_name="difficulties")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(source__in=["visit", "firm", "hotline"]), name="difficulty_source"),
            models.CheckConstraint(condition=Q(outcome__in=["", "done", "part", "cannot"]), name="difficulty_outcome"),
            models.CheckConstraint(condition=Q(source="firm") | Q(raised_by__isnull=False), name="difficulty_raised_by_somebody"),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class FirmWord(models.Model):
    """What the firm said of one difficulty: on its own page, or to somebody who writes down whom they spoke to and when."""

    difficulty = models.ForeignKey(Difficulty, on_delete=models.PROTECT, related_name="heard")
    verdict = models.CharField(max_length=10)  # a key of rules.VERDICTS
    words = models.CharField(max_length=500, blank=True)
    way = models.CharField(max_length=6)  # a key of rules.WAYS
    spoke_to = models.CharField(max_length=60, blank=True)
    spoken_at = models.DateTimeField()
    heard_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # none: on the firm's own page
    is_call_back = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=["solved", "not_yet", "withdrawn", "again"]), name="firm_word_verdict"),
            models.CheckConstraint(
                condition=Q(way="page", heard_by=None) | (Q(way__in=["phone", "visit"], heard_by__isnull=False) & ~Q(spoke_to="")),
                name="firm_word_heard_from_somebody",
            ),
        ]


class Permit(models.Model):
    """A vehicle or somebody may pass, for a purpose, on a way, until an instant: a signed pass whose holder is the plate or the name."""

    difficulty = models.ForeignKey(Difficulty, on_delete=models.PROTECT, related_name="permits")
    issued = models.OneToOneField(IssuedPass, primary_key=True, on_delete=models.PROTECT, related_name="permit")
    holder = models.ForeignKey("gate.Holder", on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=40)  # plate or name, as the guard compares it
    purpose = models.CharField(max_length=120)
    way = models.CharField(max_length=200)  # route or places
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    @property
    def place_path(self) -> str:
        return self.difficulty.dossier.place.path
