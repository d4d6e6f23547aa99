"""Facts of firms and the addresses at which their owners read them."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.domains.firms.rules import SOURCES, SUCCESSIONS


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


class FirmPremises(models.Model):
    """A further place of a firm beside the one it is registered at: seen from that village too, counted once."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="premises")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=200)
    from_on = models.DateField()
    to_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(to_on=None) | Q(to_on__gte=F("from_on")), name="firm_premises_days")]

    @property
    def place_path(self) -> str:
        return self.firm.place.path


class Succession(models.Model):
    """A firm merged into another, another split off it, or it is gone; `successor`: none for moved and struck off."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="successions")
    successor = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="came_from")
    kind = models.CharField(max_length=12)  # a key of rules.SUCCESSIONS
    on = models.DateField()
    reason = models.CharField(max_length=300)
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=sorted(SUCCESSIONS)), name="succession_kind"),
            models.CheckConstraint(
                condition=Q(kind__in=["merged", "split"], successor__isnull=False) | Q(kind__in=["moved", "struck_off"], successor=None),
                name="succession_successor",
            ),
            models.CheckConstraint(condition=Q(successor=None) | ~Q(successor=F("firm")), name="succession_another"),
            models.UniqueConstraint(fields=["firm", "successor"], name="succession_once"),
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
