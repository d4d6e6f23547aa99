"""Spot checks, their strata, the frame as it was announced, the units drawn and the tubes they are in."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.core.secrecy import SealedTextField
from tongchou.core.wording import T
from tongchou.domains.spot_checks.rules import KINDS, POOL_SIZES, REASONS, RESULTS, UNIT_STATES


class SpotCheck(models.Model):
    """A spot check. Life, owner and clock are the dossier's. `secret` is half of the seed: its digest is announced before, itself after the draw."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="spot_check")
    kind = models.CharField(max_length=8)
    by_risk = models.BooleanField(default=False)
    pool_size = models.PositiveSmallIntegerField(default=1)
    wanted_prevalence = models.FloatField()  # the share that is to be found
    wanted_chance = models.FloatField(null=True)  # and how surely; none: a number was asked for
    sensitivity = models.FloatField()
    rest_days = models.PositiveSmallIntegerField(default=0)
    resting = models.PositiveIntegerField(default=0)  # people left out because their household was checked in those days
    secret = SealedTextField()
    secret_digest = models.CharField(max_length=64)
    frame_digest = models.CharField(max_length=64, blank=True)
    design_digest = models.CharField(max_length=64, blank=True)
    beacon = models.CharField(max_length=200, blank=True)  # which public value of a later hour is the other half of the seed
    beacon_at = models.DateTimeField(null=True)
    beacon_value = models.CharField(max_length=200, blank=True)
    announced_at = models.DateTimeField(null=True)
    drawn_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True)  # rules.Outcome, kept on closing

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=sorted(KINDS)), name="spot_check_kind_known"),
            models.CheckConstraint(condition=Q(pool_size__in=POOL_SIZES), name="spot_check_pool_size_known"),
            models.CheckConstraint(condition=Q(drawn_at=None) | Q(drawn_at__gte=F("beacon_at")), name="spot_check_drawn_after_beacon"),
            models.CheckConstraint(
                condition=Q(beacon_at=None) | Q(beacon_at__gt=F("announced_at")), name="spot_check_beacon_after_announcing"
            ),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path

    @property
    def seed(self) -> str:
        """What decides the draw; nobody could choose it: the office is bound to its half, the other half comes from outside."""
        return f"{self.secret}:{self.beacon_value}"


class Stratum(models.Model):
    """A part of the frame from which a fixed number is drawn. `people`: persons or things it speaks for; `units`: of which one at most each is drawn."""

    check_of = models.ForeignKey(SpotCheck, on_delete=models.PROTECT, related_name="strata")
    name = models.CharField(max_length=40)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    people = models.PositiveIntegerField()
    units = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    reserve = models.PositiveIntegerField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["check_of", "name"], name="stratum_once"),
            models.CheckConstraint(condition=Q(size__gte=1) & Q(units__gte=F("size") + F("reserve")), name="stratum_holds_its_draw"),
        ]


class FrameFile(models.Model):
    """The frame as it was announced, compressed (`framing.pack`). Never changed."""

    check_of = models.OneToOneField(SpotCheck, primary_key=True, on_delete=models.PROTECT, related_name="frame")
    content = models.BinaryField()


class Tube(models.Model):
    """A tube of one unit or a pool; its bar code is unique in its check. `value` is what the laboratory last said."""

    check_of = models.ForeignKey(SpotCheck, on_delete=models.PROTECT, related_name="tubes")
    code = models.CharField(max_length=32)
    size = models.PositiveSmallIntegerField()
    filled = models.PositiveSmallIntegerField(default=0)
    value = models.CharField(max_length=12, blank=True)
    resulted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_of", "code"], name="spot_tube_once"),
            models.CheckConstraint(condition=Q(filled__lte=F("size")), name="spot_tube_never_over_its_size"),
            models.CheckConstraint(condition=Q(value="") | Q(value__in=sorted(RESULTS)), name="spot_tube_value_known"),
        ]


class Unit(models.Model):
    """A unit drawn, first or in reserve. `chance` is the inclusion probability of the unit, `share` that of its person within it (1 where nobody else stands behind)."""

    check_of = models.ForeignKey(SpotCheck, on_delete=models.PROTECT, related_name="drawn")
    stratum = models.ForeignKey(Stratum, on_delete=models.PROTECT, related_name="drawn")
    code = models.CharField(max_length=12)
    is_reserve = models.BooleanField()
    order = models.PositiveIntegerField()
    chance = models.FloatField()
    is_certain = models.BooleanField(default=False)
    share = models.FloatField(default=1.0)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("registry.Resident", null=True, on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("registry.Household", null=True, on_delete=models.PROTECT, related_name="+")
    venue = models.ForeignKey("registry.Venue", null=True, on_delete=models.PROTECT, related_name="+")
    lot = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=16, blank=True)
    note = models.CharField(max_length=200, blank=True)
    stands_for = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="stand_in")
    tube = models.ForeignKey(Tube, null=True, on_delete=models.PROTECT, related_name="units")
    pool = models.ForeignKey(
        Tube, null=True, on_delete=models.PROTECT, related_name="+"
    )  # the pool or spoiled tube from which it was called back
    taken_at = models.DateTimeField(null=True)
    taken_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["stratum__name", "is_reserve", "order"]
        constraints = [
            models.UniqueConstraint(fields=["check_of", "code"], name="drawn_unit_once"),
            models.CheckConstraint(condition=Q(state__in=sorted(UNIT_STATES)), name="drawn_unit_state_known"),
            models.CheckConstraint(
                condition=Q(reason__in=["", *sorted(REASONS)]) & (~Q(state="not_taken") | ~Q(reason="")), name="drawn_unit_reason_known"
            ),
            models.CheckConstraint(condition=Q(chance__gt=0, chance__lte=1, share__gt=0, share__lte=1), name="drawn_unit_probability"),
        ]
        indexes = [
            models.Index(fields=["check_of", "place", "state"], name="drawn_unit_place_state"),
            models.Index(fields=["household", "taken_at"], name="drawn_unit_household_taken"),
        ]

    @property
    def label(self) -> T:
        return UNIT_STATES[self.state]
