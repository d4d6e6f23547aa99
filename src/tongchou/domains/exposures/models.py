"""Requests for exposed people, the versions of their answer, and what everybody is told."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.wording import T

_CODE = 24


class ExposureRequest(models.Model):
    """The question who was at the same venue at the same time as a case: asked by one person, decided by another."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="exposure")
    case = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="exposures")
    incident = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="+")
    basis = models.CharField(max_length=40)  # a key of the parameter trace.legal_bases
    basis_zh = models.CharField(max_length=200)  # its words on that day
    basis_en = models.CharField(max_length=240)
    purpose = models.CharField(max_length=300)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    generations = models.PositiveSmallIntegerField(default=1)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="exposure_window"),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="exposure_two_people"),
            models.CheckConstraint(condition=Q(generations__in=[1, 2]), name="exposure_generations"),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path

    @property
    def basis_words(self) -> T:
        return T(self.basis_zh, self.basis_en)


class ExposureList(models.Model):
    """One version of the answer. A corrected case or window makes a new one; the old ones stay and say what they were made from."""

    request = models.ForeignKey(ExposureRequest, on_delete=models.PROTECT, related_name="lists")
    version = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField()
    made_from = models.JSONField()  # {"from_at", "to_at", "minutes", "generations", "case_version"}
    reason = models.CharField(max_length=300, blank=True, default="")
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["request", "version"], name="exposure_list_version")]

    @property
    def place_path(self) -> str:
        return self.request.place_path


class Exposed(models.Model):
    """Somebody on a version of a list, by their pass's number alone: name and phone stay with the gate."""

    of = models.ForeignKey(ExposureList, on_delete=models.PROTECT, related_name="people")
    holder = models.BigIntegerField(db_index=True)
    venue = models.ForeignKey("registry.Venue", null=True, on_delete=models.PROTECT, related_name="+")
    change = models.CharField(max_length=_CODE)  # added, kept, removed (no longer exposed, and told so)
    generation = models.PositiveSmallIntegerField()
    first_at = models.DateTimeField()
    minutes = models.PositiveIntegerField()
    meetings = models.PositiveIntegerField()  # overlapping stays

    class Meta:
        ordering = ["generation", "-minutes", "holder"]
        constraints = [
            models.UniqueConstraint(fields=["of", "holder"], name="exposed_once"),
            models.CheckConstraint(condition=Q(change__in=["added", "kept", "removed"]), name="exposed_change"),
        ]


class VenueNotice(models.Model):
    """A venue and a span of whole hours, told to everybody: for those at it whom no list can name. Holds nothing of any person."""

    request = models.ForeignKey(ExposureRequest, on_delete=models.PROTECT, related_name="notices")
    venue = models.ForeignKey("registry.Venue", on_delete=models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    published_at = models.DateTimeField()
    until = models.DateField()  # last day on which it is shown
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-from_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="venue_notice_window"),
            models.UniqueConstraint(fields=["request", "venue", "from_at"], condition=Q(withdrawn_at=None), name="venue_notice_once"),
        ]

    @property
    def place_path(self) -> str:
        return self.request.place_path
