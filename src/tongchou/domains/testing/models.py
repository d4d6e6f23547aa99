"""Sampling sites, rounds of testing, who must be accounted for in each, tubes, the way to the laboratory, and results."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import Post, User
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.testing.rules import KINDS, RESULTS, TUBE_SIZES, WAYS

_KINDS, _RESULTS = sorted(KINDS), sorted(RESULTS)


class Site(models.Model):
    """A sampling site. `hours` is [{"weekdays": [ISO numbers, Monday = 1], "from": "08:00", "to": "20:00"}] on the town's clock.

    `point` is [longitude, latitude], WGS-84. The queue is as the crew last said it.
    """

    code = models.CharField(max_length=40, unique=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    address_zh = models.CharField(max_length=120, blank=True)
    address_en = models.CharField(max_length=160, blank=True)
    point = models.JSONField(null=True)
    hours = models.JSONField(default=list)
    booths = models.PositiveSmallIntegerField(default=1)
    staff = models.PositiveSmallIntegerField(default=2)
    per_booth_hour = models.PositiveSmallIntegerField(default=120)  # people one booth samples in an hour
    sentinel = models.OneToOneField("sentinels.Sentinel", null=True, on_delete=models.PROTECT, related_name="sampling_site")
    queue = models.PositiveIntegerField(null=True)
    queue_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(booths__gte=1) & Q(per_booth_hour__gte=1), name="site_can_sample")]

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)

    @property
    def address(self) -> T:
        return T(self.address_zh, self.address_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class KeyWorker(models.Model):
    """Somebody whose occupation asks for testing more often than everybody's, between two days."""

    person = models.ForeignKey("registry.Resident", on_delete=models.PROTECT, related_name="+")
    group = models.CharField(max_length=24)
    unit = models.CharField(max_length=80, blank=True)  # where they work, as the list says
    from_on = models.DateField()
    to_on = models.DateField(null=True)  # first day on which it no longer holds

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "group"], condition=Q(to_on=None), name="key_worker_once")]


class Tube(models.Model):
    """A sample tube by its bar code: one person's, or a pool of at most `size`. `result` and `resulted_at` repeat the latest `Result`."""

    code = models.CharField(max_length=32, unique=True)
    round = models.ForeignKey("Round", on_delete=models.PROTECT, related_name="tubes")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="tubes")
    size = models.PositiveSmallIntegerField()
    filled = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    box = models.ForeignKey("Box", null=True, on_delete=models.PROTECT, related_name="tubes")
    result = models.CharField(max_length=12, blank=True)
    resulted_at = models.DateTimeField(null=True)  # of the first result

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(filled__lte=F("size")), name="tube_never_over_its_size"),
            models.CheckConstraint(condition=Q(size__in=TUBE_SIZES), name="tube_size_known"),
            models.CheckConstraint(condition=Q(result="") | Q(result__in=_RESULTS), name="tube_result_known"),
        ]
        indexes = [models.Index(fields=["round", "result"], name="tube_round_result")]

    @property
    def place_path(self) -> str:
        return self.site.place.path


class Round(models.Model):
    """A round of testing: a whole area, a list of people, or the retest of a positive pool. Life, owner and clock are the dossier's."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="testing_round")
    kind = models.CharField(max_length=8)
    pool_size = models.PositiveSmallIntegerField()
    retests = models.OneToOneField(Tube, null=True, on_delete=models.PROTECT, related_name="retest")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=_KINDS), name="round_kind_known"),
            models.CheckConstraint(condition=Q(pool_size__in=TUBE_SIZES), name="round_pool_size_known"),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class RollEntry(models.Model):
    """A person who must be accounted for in a round, with household and village as they were when the roll was drawn."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="roll", db_index=False)
    person = models.ForeignKey("registry.Resident", on_delete=models.PROTECT, related_name="+", db_index=False)
    household = models.ForeignKey("registry.Household", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "person"], name="roll_person_once")]
        indexes = [models.Index(fields=["round", "place", "household"], name="roll_by_household")]


class CheckOff(models.Model):
    """A person was sampled: once per round, in one tube. Never changed (a trigger refuses it)."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="check_offs", db_index=False)
    person = models.ForeignKey("registry.Resident", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)  # the person's village
    tube = models.ForeignKey(Tube, on_delete=models.PROTECT, related_name="check_offs")
    at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    way = models.PositiveSmallIntegerField()  # index in rules.WAYS: how the person was recognised

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "person"], name="check_off_once"),
            models.CheckConstraint(condition=Q(way__lt=len(WAYS)), name="check_off_way_known"),
        ]
        indexes = [
            models.Index(fields=["round", "place"], name="check_off_round_place"),
            models.Index(fields=["person", "at"], name="check_off_person_at"),
        ]


class Receipt(models.Model):
    """A delivery of check-offs that was kept, by the id its sender made: sent again, even when the round is over, it changes nothing."""

    id = models.UUIDField(primary_key=True)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()


class Account(models.Model):
    """Why a person on the roll is not sampled in a round: excused, away, or missing and handed on to a post. A later word replaces it."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="accounts", db_index=False)
    person = models.ForeignKey("registry.Resident", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=24)
    note = models.CharField(max_length=200, blank=True)
    to_post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "person"], condition=Q(replaced_at=None), name="account_one_current")]
        indexes = [
            models.Index(fields=["round", "place", "reason"], condition=Q(replaced_at=None), name="account_current_place"),
            models.Index(fields=["person"], condition=Q(replaced_at=None), name="account_current_person"),
        ]


class Box(models.Model):
    """Tubes of one round on their way from a site to a laboratory."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="boxes")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="boxes")
    laboratory = models.CharField(max_length=80)
    packed_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-packed_at", "-pk"]
        indexes = [models.Index(fields=["-packed_at"], condition=Q(received_at=None), name="box_under_way")]

    @property
    def number(self) -> str:
        return f"BX{self.pk:06d}"

    @property
    def place_path(self) -> str:
        return self.site.place.path


class Custody(models.Model):
    """One link of a box's chain: who took it over, when, and how many tubes they counted. Never changed."""

    box = models.ForeignKey(Box, on_delete=models.PROTECT, related_name="chain")
    step = models.CharField(max_length=8)  # packed, carried, received
    holder = models.CharField(max_length=80)
    tube_count = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]


class Result(models.Model):
    """What the laboratory found in a tube, as reported at an instant. A correction is a later row with its reason. Never changed."""

    tube = models.ForeignKey(Tube, on_delete=models.PROTECT, related_name="results")
    value = models.CharField(max_length=12)
    tested_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    source = models.CharField(max_length=80)  # page, file:…, api, fhir:…
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["reported_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["tube", "reported_at"], name="result_once"),
            models.CheckConstraint(condition=Q(value__in=_RESULTS), name="result_value_known"),
        ]
        indexes = [models.Index(fields=["value", "reported_at"], name="result_value_at")]
