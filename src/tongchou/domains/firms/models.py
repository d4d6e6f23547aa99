"""Facts of firms and the addresses at which their owners read them."""

from django.db import models
from django.db.models import Q

from tongchou.core.people.models import User
from tongchou.domains.firms.rules import SOURCES


class FirmFact(models.Model):
    """One fact of a firm, as its field keeps it. A newer one ends it; it stays for whoever asks what was known."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="facts")
    field = models.CharField(max_length=80)  # a name of the book's fields
    value = models.CharField(max_length=200)
    source = models.CharField(max_length=12)  # a key of rules.SOURCES
    note = models.CharField(max_length=120, blank=True, default="")  # which office, which paper
    known_on = models.DateField()  # the day on which it was so
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(source__in=sorted(SOURCES)), name="firm_fact_source"),
            models.UniqueConstraint(fields=["firm", "field"], condition=Q(ended_at=None), name="firm_fact_one_stands"),
        ]

    @property
    def place_path(self) -> str:
        return self.firm.place.path


class FirmAddress(models.Model):
    """The address of a firm's own page. Its secret follows from the installation's key (`rules.address_token`); only the digest is kept."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="addresses")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["firm", "number"], name="firm_address_number"),
            models.UniqueConstraint(fields=["firm"], condition=Q(ended_at=None), name="firm_address_one_lives"),
        ]

    @property
    def place_path(self) -> str:
        return self.firm.place.path
