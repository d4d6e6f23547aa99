"""Plans, and the incidents and tasks that come of them. Life, owner and clocks are the dossier's."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import Unit, User
from tongchou.core.places.models import Place
from tongchou.core.wording import T


class Plan(models.Model):
    """One version of an emergency plan, in force in a place and below from a day on. Never changed: a change is a new version."""

    code = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    title_zh = models.CharField(max_length=160)
    title_en = models.CharField(max_length=200)
    status = models.CharField(max_length=16)  # official, reconstructed, draft
    body = models.JSONField()  # the fields of core.packs.contents.PlanSpec
    digest = models.CharField(max_length=64)  # SHA-256 of the body's canonical JSON
    valid_from = models.DateField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["code", "version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="plan_version_once")]

    @property
    def title(self) -> T:
        return T(self.title_zh, self.title_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class Incident(models.Model):
    """One event being answered under a version of a plan."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="incident")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="incidents")
    review = models.TextField(blank=True)  # what was learned, written at closing

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Task(models.Model):
    """One piece of work of an incident. `proofs` and `documents` are what the plan asked for when the task was given out."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="task")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="tasks")
    plan_task = models.CharField(max_length=40)  # the code in the plan
    sequence = models.PositiveSmallIntegerField()
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    detail_zh = models.TextField(blank=True)
    detail_en = models.TextField(blank=True)
    proofs = models.JSONField(default=list)  # [{"kind", "zh", "en"}]
    documents = models.JSONField(default=list)  # [{"code", "zh", "en"}]
    approvals_needed = models.PositiveSmallIntegerField(default=0)
    repeat_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["sequence", "pk"]
        indexes = [models.Index(fields=["incident", "sequence"], name="task_incident")]

    @property
    def detail(self) -> T:
        return T(self.detail_zh, self.detail_en)

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class TaskNeed(models.Model):
    """`task` cannot be finished before `needs` is done."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="needs")
    needs = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "needs"], name="task_need_once"),
            models.CheckConstraint(condition=~Q(task=F("needs")), name="task_needs_another"),
        ]


class TaskApproval(models.Model):
    """A second person who stands by a task before it may be finished."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="task_approval_once")]
