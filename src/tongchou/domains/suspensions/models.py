"""Suspensions of a person's passes, and what they object to it."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.secrecy import SealedTextField
from tongchou.core.wording import T


class Suspension(models.Model):
    """Somebody's passes do not hold until an instant: asked for by one person, decided by another. The dossier says whether it is in force."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="suspension")
    holder = models.ForeignKey("gate.Holder", on_delete=models.PROTECT, related_name="suspensions")
    incident = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="+")
    cause = models.CharField(max_length=12)  # a key of rules.CAUSES
    words = models.CharField(max_length=300)  # read by the person concerned
    basis = models.CharField(max_length=40)  # a key of the parameter gate.suspension_bases
    basis_zh = models.CharField(max_length=200)  # its words on that day
    basis_en = models.CharField(max_length=240)
    ends_at = models.DateTimeField()
    cost_yuan = models.PositiveIntegerField()  # to the person, as reckoned when it was asked for
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cause__in=["case", "contact", "recall"]), name="suspension_cause"),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="suspension_two_people"),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path

    @property
    def basis_words(self) -> T:
        return T(self.basis_zh, self.basis_en)


class Objection(models.Model):
    """What the person suspended says against it, once for each suspension, and the answer."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="objection")
    suspension = models.OneToOneField(Suspension, on_delete=models.PROTECT, related_name="objection")
    words = models.CharField(max_length=500)
    phone = SealedTextField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    @property
    def place_path(self) -> str:
        return self.dossier.place.path
