"""Approval procedures, applications and their steps, stops of the clock, papers given once, delegations between posts."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier, Evidence
from tongchou.core.people.models import Post
from tongchou.core.places.models import Place
from tongchou.core.wording import T


class Procedure(models.Model):
    """One version of a procedure. Never changed: a change is a new version, and applications stay with theirs."""

    code = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    title_zh = models.CharField(max_length=160)
    title_en = models.CharField(max_length=200)
    body = models.JSONField()  # what core.packs.procedures.procedure_of reads
    digest = models.CharField(max_length=64)  # SHA-256 of the body's canonical JSON
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)  # last day on which it may be applied for

    class Meta:
        ordering = ["code", "version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="procedure_version_once")]

    @property
    def title(self) -> T:
        return T(self.title_zh, self.title_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class Application(models.Model):
    """What somebody applies for. Times are the dossier's; the two limits are reckoned anew whenever the clock stops or goes on."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="application")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="applications")
    firm = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="+")  # none: one that is only being started
    applicant = models.CharField(max_length=120)
    permit_ends_on = models.DateField(null=True)  # of the permit to be renewed: its last day
    accepted_at = models.DateTimeField(null=True)
    promised_at = models.DateTimeField(null=True)
    statutory_at = models.DateTimeField(null=True)
    extended_days = models.PositiveSmallIntegerField(default=0)
    missing = models.JSONField(default=list)  # codes of the papers asked for, once and whole
    ground = models.CharField(max_length=40, blank=True, default="")  # of a refusal: a code of the procedure
    words = models.CharField(max_length=500, blank=True, default="")  # told to the applicant last: what is missing, why it is refused
    token_digest = models.CharField(max_length=64, null=True, unique=True)  # of the applicant's own page

    class Meta:
        indexes = [models.Index(fields=["firm"], name="application_firm")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class ApplicationStep(models.Model):
    """One step of an application in the hands of an office; its dossier is opened when the steps before it are done."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="application_step")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="steps")
    code = models.CharField(max_length=60)
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")  # whose office it is; a delegate may hold the dossier
    due_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["dossier__opened_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["application", "code"], name="application_step_once")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class ClockStop(models.Model):
    """A time that does not count, for a reason of the procedure's list, with an end named from the beginning."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="clock_stops")
    reason = models.CharField(max_length=40)
    words = models.CharField(max_length=300)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["from_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["application"], condition=Q(ended_at=None), name="clock_stop_one_open"),
            models.CheckConstraint(condition=Q(until_at__gt=F("from_at")), name="clock_stop_ends_after_start"),
        ]

    @property
    def place_path(self) -> str:
        return self.application.place_path


class Paper(models.Model):
    """A paper an applicant gave, kept with the application it was first given for, and reused while it holds."""

    code = models.CharField(max_length=60)
    firm = models.ForeignKey("registry.Firm", null=True, on_delete=models.PROTECT, related_name="+")
    first_for = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="first_papers")
    evidence = models.OneToOneField(Evidence, on_delete=models.PROTECT, related_name="paper")
    given_at = models.DateTimeField()
    holds_until = models.DateField(null=True)  # last day; none: until further notice

    class Meta:
        ordering = ["-given_at", "-pk"]
        indexes = [models.Index(fields=["firm", "code", "-given_at"], name="paper_firm_code")]

    @property
    def place_path(self) -> str:
        return self.first_for.place_path


class AttachedPaper(models.Model):
    """A paper that counts for an application: the lineage of every one leads to where it was first given."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="papers")
    paper = models.ForeignKey(Paper, on_delete=models.PROTECT, related_name="uses")
    code = models.CharField(max_length=60)
    attached_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["application", "code"], name="attached_paper_once")]


class Delegation(models.Model):
    """The steps of one post go to another between two instants."""

    from_post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    to_post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-from_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="delegation_ends_after_start"),
            models.CheckConstraint(condition=~Q(from_post=F("to_post")), name="delegation_to_another"),
        ]

    @property
    def place_path(self) -> str:
        return self.from_post.place.path
