"""Projects, what was planned and reached, supervision slips, issues. Plans and figures are added to, never changed: any past day can be told again."""

from django.db import models
from django.db.models import Q

from tongchou.core.casework.models import Dossier, Evidence
from tongchou.core.people.models import User
from tongchou.core.places.models import Place


class ProjectBook(models.Model):
    """One published version of milestones, sectors and batches; the latest is in force. `body` is read by `rules.book_from`."""

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


class Project(models.Model):
    """One project of the pipeline. Its name is the dossier's title, its place and responsible post the dossier's."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="project")
    firm = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="+")  # none: the town's own
    sector = models.CharField(max_length=16)  # a sector of the book
    works = models.CharField(max_length=16)  # a key of rules.WORKS
    land = models.CharField(max_length=200, blank=True)
    area_m2 = models.PositiveIntegerField(null=True)
    is_generated = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["firm"], name="project_firm")]
        constraints = [
            models.CheckConstraint(condition=Q(works__in=["construction", "expansion", "rehabilitation", "replacement"]), name="project_works")
        ]  # fmt: skip

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class YearPlan(models.Model):
    """What is to be invested in a year, as said at an instant. 10,000 yuan; the latest said counts."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="year_plans")
    year = models.PositiveSmallIntegerField()
    cny_10k = models.PositiveIntegerField()
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["said_at", "pk"]


class Spending(models.Model):
    """What was invested in a month (its first day), as reported at an instant. 10,000 yuan; the latest reported counts."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="spendings")
    month = models.DateField()
    cny_10k = models.PositiveIntegerField()
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["said_at", "pk"]


class MilestoneNote(models.Model):
    """When a milestone is planned and when it was reached, as said at an instant; the latest said counts."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="milestone_notes")
    code = models.CharField(max_length=16)
    planned_on = models.DateField(null=True)
    done_on = models.DateField(null=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["said_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(done_on=None) | Q(evidence__isnull=False), name="milestone_done_with_evidence"),
        ]


class Slip(models.Model):
    """A supervision slip about one cause. Its dossier's grade keeps the colour it had when it was answered."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="slip")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="slips")
    cause = models.CharField(max_length=16)  # a key of rules.CAUSES
    words_zh = models.CharField(max_length=300)
    words_en = models.CharField(max_length=400)
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # none: the light
    is_open = models.BooleanField(default=True)
    answer = models.CharField(max_length=500, blank=True, default="")
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "cause"], condition=Q(is_open=True) & ~Q(cause="other"), name="slip_one_open_per_cause")
        ]  # fmt: skip

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Issue(models.Model):
    """What stands in a project's way. One about an approval points at it by a link `caused_by` of the dossiers."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="issue")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="issues")
    about = models.CharField(max_length=8)  # a key of rules.ABOUT
    words = models.CharField(max_length=300)
    answer = models.CharField(max_length=300, blank=True, default="")

    @property
    def place_path(self) -> str:
        return self.dossier.place.path
