"""Doors and what happens at them: entrances with their codes, devices, holders of passes, entry rules, appeals, and the log of scans."""

from django.db import models
from django.db.models import Q

from tongchou.core.casework.models import Dossier
from tongchou.core.passes.tokens import HIGHEST_HOLDER
from tongchou.core.places.models import Place
from tongchou.core.secrecy import SealedTextField
from tongchou.core.wording import T

_LARGEST_CODE = 60


class Entrance(models.Model):
    """One way into a venue, with its own venue code (场所码). `secret` makes the code on its screens change; none while it has no screen."""

    code = models.CharField(max_length=40, unique=True)  # the venue's code, then -2, -3 … for further entrances
    venue = models.ForeignKey("registry.Venue", on_delete=models.PROTECT, related_name="entrances")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    name_zh = models.CharField(max_length=_LARGEST_CODE)
    name_en = models.CharField(max_length=80)
    keeper = models.CharField(max_length=60, blank=True)  # the responsible person, as printed on the poster
    expected_daily = models.PositiveIntegerField(null=True)  # entries on an ordinary day; none: not known
    secret = SealedTextField(null=True)

    class Meta:
        ordering = ["code"]

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class Device(models.Model):
    """A scanner or a screen at one entrance. It enrols once with a code that is good for a short time, then holds a token; both are kept as digests."""

    entrance = models.ForeignKey(Entrance, on_delete=models.PROTECT, related_name="devices")
    kind = models.CharField(max_length=8, default="scanner")  # rules.DeviceKind
    name = models.CharField(max_length=60)
    code_digest = models.CharField(max_length=64, unique=True, null=True)  # of the enrolment code; emptied when used
    code_until_at = models.DateTimeField(null=True)
    token_digest = models.CharField(max_length=64, unique=True, null=True)
    enrolled_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)  # why revoked

    class Meta:
        ordering = ["entrance_id", "pk"]
        constraints = [models.CheckConstraint(condition=Q(token_digest=None) | Q(enrolled_at__isnull=False), name="device_token_enrolled")]

    @property
    def place_path(self) -> str:
        return self.entrance.place.path


class Holder(models.Model):
    """The person behind a pass's number: a resident of the register, or a visitor with name and phone. Nobody at a door sees this row."""

    number = models.BigIntegerField(primary_key=True)
    resident = models.OneToOneField("registry.Resident", null=True, on_delete=models.PROTECT, related_name="holder")
    name = models.CharField(max_length=60, blank=True)
    phone = SealedTextField(null=True)
    phone_index = models.BinaryField(null=True, max_length=16, db_index=True)
    id_number = SealedTextField(null=True)
    id_index = models.BinaryField(null=True, max_length=16, unique=True)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    # What a pass may say of them, kept here by the workflows so that a card reader gets the same answer as a pass.
    sampled_at = models.DateTimeField(null=True)  # of the latest negative test
    doses = models.PositiveSmallIntegerField(default=0)
    last_dose_on = models.DateField(null=True)
    facts_at = models.DateTimeField(null=True)  # when what a pass says last changed: an older pass is signed anew
    proxy = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="carries"
    )  # who shows the pass of a child or an elder

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(condition=Q(number__gt=0) & Q(number__lte=HIGHEST_HOLDER), name="holder_number"),
            models.CheckConstraint(condition=Q(resident__isnull=False) | ~Q(name=""), name="holder_somebody"),
        ]

    @property
    def place_path(self) -> str:
        return self.place.path


class PassLink(models.Model):
    """A personal address at which a phone shows its holder's pass and those it carries for others. Only the digest of its token is kept."""

    holder = models.ForeignKey("gate.Holder", on_delete=models.PROTECT, related_name="links")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holder"], condition=Q(ended_at=None), name="pass_link_one_live")]

    @property
    def place_path(self) -> str:
        return self.holder.place.path


class EntryRules(models.Model):
    """One published version of the entry rules with the ceilings they were checked against; the latest is in force."""

    version = models.PositiveIntegerField(unique=True)
    body = models.JSONField()  # {"rules": [...], "ceilings": [...]}, read by `queries.rules_in_force`
    digest = models.CharField(max_length=64)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]

    @property
    def place_path(self) -> str:
        return self.place.path


class Appeal(models.Model):
    """An objection to a refusal at a door. The scan is named by device and number, as the log of scans forgets."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="appeal")
    entrance = models.ForeignKey(Entrance, on_delete=models.PROTECT, related_name="appeals")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="appeals")
    seq = models.BigIntegerField()
    reason = models.CharField(max_length=24)  # of the refusal
    refused_at = models.DateTimeField()
    words = models.CharField(max_length=500)
    phone = SealedTextField(null=True)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "seq"], name="appeal_once")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class DoorDay(models.Model):
    """What the log of scans says of one entrance and one day of the town; people going out are not counted."""

    entrance = models.ForeignKey(Entrance, on_delete=models.CASCADE, related_name="days")
    on = models.DateField()
    admitted = models.PositiveIntegerField(default=0)  # by the house, with or without notice
    refused = models.PositiveIntegerField(default=0)  # by the house, and by the device
    let_in = models.PositiveIntegerField(default=0)  # refused by the house, but the device admitted them
    after_refusal = models.PositiveIntegerField(
        default=0
    )  # entered soon after the venue had refused them, with nothing new; see `refusals`
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-on", "entrance_id"]
        constraints = [models.UniqueConstraint(fields=["entrance", "on"], name="door_day_once")]


class CountedScans(models.Model):
    """How far the log of scans has been counted into `DoorDay`: one row."""

    upto = models.BigIntegerField(default=0)  # row number in the log

    @property
    def place_path(self) -> str:
        return "/"


class Scan(models.Model):
    """One scan, as acknowledged: append-only, forgotten after the retention time, in a database of its own where one is set up.

    Plain numbers instead of foreign keys: the log may lie in another database, and outlives no row it names. Instants are seconds
    since 1970 UTC. Written by `scan_log` only.
    """

    device = models.IntegerField()
    seq = models.BigIntegerField()  # counted by the device from 1
    entrance = models.IntegerField()
    venue = models.IntegerField()
    holder = models.BigIntegerField(null=True)  # none: nothing readable was shown
    at_s = models.BigIntegerField()
    received_s = models.BigIntegerField()
    way = models.SmallIntegerField(default=0)  # 0 in, 1 out
    verdict = models.SmallIntegerField()  # index in VERDICTS, as decided by the house
    reason = models.SmallIntegerField()  # index in rules.REASON_CODES
    told = models.SmallIntegerField()  # the verdict that the device gave at the door
    flags = models.SmallIntegerField(default=0)  # bits: rules.FLAGS
    digest = models.BigIntegerField()  # of what was sent: the same number with other contents is an error

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "seq"], name="scan_once")]
        # The second holds the few whom the house refuses, by person: who came again is asked of it every minute.
        indexes = [
            models.Index(fields=["at_s"], name="scan_at"),
            models.Index(fields=["holder", "at_s"], condition=Q(verdict=2), name="scan_refused"),
        ]
