"""Filings of resumption with their conditions and on-site checks, white lists, classes and batches that come back, absences of pupils."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.core.wording import T


class RulebookVersion(models.Model):
    """One published version of who may work again and when; the latest is in force. `body` is read by `rules.rulebook_from`."""

    version = models.PositiveIntegerField(unique=True)
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]

    @property
    def place_path(self) -> str:
        return self.place.path


class Listing(models.Model):
    """A firm or building site on a white list from a day to a day, both counted. `people`: how many may come back (0: the list says none)."""

    firm = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="listings")
    site = models.ForeignKey("registry.ConstructionSite", null=True, on_delete=models.PROTECT, related_name="listings")
    batch = models.CharField(max_length=60)
    from_on = models.DateField()
    to_on = models.DateField(null=True)
    people = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(firm=None, site__isnull=False) | Q(firm__isnull=False, site=None), name="listing_of_one"),
            models.UniqueConstraint(fields=["firm", "site", "batch"], nulls_distinct=False, name="listing_once_a_batch"),
            models.CheckConstraint(condition=Q(to_on=None) | Q(to_on__gte=F("from_on")), name="listing_ends_after_it_begins"),
        ]

    @property
    def subject(self) -> Any:
        """The row of the register it names."""
        return self.firm or self.site


class Filing(models.Model):
    """A firm, school or building site says that it works again, when, with how many, under which conditions. The dossier says how far it is."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="filing")
    firm = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="filings")
    school = models.ForeignKey("registry.School", null=True, on_delete=models.PROTECT, related_name="filings")
    site = models.ForeignKey("registry.ConstructionSite", null=True, on_delete=models.PROTECT, related_name="filings")
    stage = models.CharField(max_length=60)  # code of a stage of the rulebook
    stage_zh = models.CharField(max_length=60)
    stage_en = models.CharField(max_length=80)
    ground = models.CharField(max_length=60)
    closed_loop = models.BooleanField()
    people = models.PositiveIntegerField()
    beds = models.PositiveIntegerField(default=0)
    quiet_beds = models.PositiveIntegerField(default=0)
    from_on = models.DateField()
    ends_on = models.DateField(null=True)  # the last day
    signed_by = models.CharField(max_length=60)  # who signed for the firm, school or site
    filed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    cleared_at = models.DateTimeField(null=True)  # nothing stands in the way; none: waits for the on-site check
    began_on = models.DateField(null=True)
    full_on = models.DateField(null=True)
    full_measure = models.CharField(max_length=12, blank=True, default="")  # electricity or output
    full_value = models.FloatField(null=True)
    full_base = models.FloatField(null=True)
    is_live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(firm__isnull=False, school=None, site=None)
                | Q(firm=None, school__isnull=False, site=None)
                | Q(firm=None, school=None, site__isnull=False),
                name="filing_of_one",
            ),
            *(
                models.UniqueConstraint(fields=[kind], condition=Q(is_live=True), name=f"filing_one_live_{kind}")
                for kind in ("firm", "school", "site")
            ),
            models.CheckConstraint(condition=Q(ends_on=None) | Q(ends_on__gte=F("from_on")), name="filing_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(full_on=None) | Q(full_value__gte=F("full_base"), full_base__gt=0), name="filing_full_shown"
            ),
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path

    @property
    def kind(self) -> str:
        return "firm" if self.firm_id else "school" if self.school_id else "site"

    @property
    def subject(self) -> Any:
        """The row of the register it is about."""
        return getattr(self, self.kind)

    @property
    def stage_name(self) -> T:
        return T(self.stage_zh, self.stage_en)


class Part(models.Model):
    """Some of those who come back, on a day of their own: a class of a school, or a batch of workers of a site."""

    filing = models.ForeignKey(Filing, on_delete=models.PROTECT, related_name="parts")
    name = models.CharField(max_length=40)
    grade = models.CharField(max_length=60, blank=True, default="")
    people = models.PositiveIntegerField()
    returns_on = models.DateField()

    class Meta:
        ordering = ["returns_on", "pk"]
        constraints = [models.UniqueConstraint(fields=["filing", "name"], name="part_once")]


class SiteCheck(models.Model):
    """Somebody goes and looks. A check that was not passed has the next one caused by it."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="site_check")
    filing = models.ForeignKey(Filing, on_delete=models.PROTECT, related_name="checks")
    seen_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Item(models.Model):
    """One condition of a filing as it was worded that day: what was declared, and what the on-site check found."""

    filing = models.ForeignKey(Filing, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(max_length=60)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=160)
    is_veto = models.BooleanField()
    answer = models.CharField(max_length=8)  # conditions.ANSWERS
    said_zh = models.CharField(max_length=200, blank=True)
    said_en = models.CharField(max_length=240, blank=True)
    paper = models.CharField(max_length=120, blank=True)
    is_declared = models.BooleanField(null=True)  # met or not, as the filer says; none: nothing was said
    to_see = models.BooleanField()
    is_ok = models.BooleanField(null=True)  # what was found on site; none: not looked at yet
    note = models.CharField(max_length=200, blank=True)
    seen_in = models.ForeignKey(SiteCheck, null=True, on_delete=models.PROTECT, related_name="items")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["filing", "code"], name="item_once"),
            models.CheckConstraint(condition=Q(answer__in=["yes", "no", "missing"]), name="item_answer_known"),
        ]

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)

    @property
    def said(self) -> T:
        return T(self.said_zh, self.said_en)


class Absence(models.Model):
    """How many of a class are absent on a day, and how many of them through illness."""

    part = models.ForeignKey(Part, on_delete=models.PROTECT, related_name="absences")
    on = models.DateField()
    absent = models.PositiveIntegerField()
    ill = models.PositiveIntegerField()

    class Meta:
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(fields=["part", "on"], name="absence_once_a_day"),
            models.CheckConstraint(condition=Q(ill__lte=F("absent")), name="absence_ill_among_absent"),
        ]


class AbsenceAlarm(models.Model):
    """A school where a class has reached the threshold: one a day at most. `classes`: which, with their counts."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="absence_alarm")
    school = models.ForeignKey("registry.School", on_delete=models.PROTECT, related_name="absence_alarms")
    on = models.DateField()
    classes = models.JSONField()  # [{"name", "ill": [oldest … last of up to three days]}]
    answer = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["school", "on"], name="absence_alarm_once_a_day")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Reading(models.Model):
    """What a firm left behind in a span of days: power, people at the gate, invoices; beside it the same firm's own usual figure for such a span."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="readings")
    source = models.CharField(max_length=12)  # rules.SOURCES
    from_on = models.DateField()
    to_on = models.DateField()
    value = models.FloatField()
    base = models.FloatField()
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["firm", "source", "from_on", "to_on"], name="reading_once"),
            models.CheckConstraint(condition=Q(value__gte=0, base__gt=0, to_on__gte=F("from_on")), name="reading_sound"),
        ]
        indexes = [models.Index(fields=["source", "to_on"], name="reading_source_day")]
