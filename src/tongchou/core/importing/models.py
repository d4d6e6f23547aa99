"""One file brought in: what was read, what was wrong, what applying it did, and what undoing it needs."""

from django.db import models
from django.db.models import Q

from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.core.wording import T

STATES = {
    "previewed": T("待确认", "Waiting"),
    "applied": T("已导入", "Imported"),
    "undone": T("已撤销", "Undone"),
    "discarded": T("已放弃", "Discarded"),
}


class ImportBatch(models.Model):
    """A file and its life: previewed → applied → undone, or previewed → discarded."""

    kind = models.CharField(max_length=40)  # which register: the name of its ImportSpec
    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    encoding = models.CharField(max_length=16)  # of a CSV file; "xlsx" for a workbook
    state = models.CharField(max_length=12, default="previewed")
    row_count = models.PositiveIntegerField()
    bad_row_count = models.PositiveIntegerField()
    known_row_count = models.PositiveIntegerField()
    near_row_count = models.PositiveIntegerField()
    problem_count = models.PositiveIntegerField()
    problems = models.JSONField(default=list)  # the first ones, secrets masked
    near = models.JSONField(default=list)  # the first rows that resemble a known one
    added_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    previewed_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(state__in=list(STATES)), name="import_state")]

    @property
    def place_path(self) -> str:
        return self.place.path

    @property
    def state_name(self) -> T:
        return STATES[self.state]


class ImportChunk(models.Model):
    """Rows of a batch, compressed and encrypted: they hold identity numbers, so no row lies here in clear."""

    PARTS = ("rows", "bad", "before")  # rows to apply; wrong rows as they stood; values that updates replaced

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="chunks")
    part = models.CharField(max_length=6)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        ordering = ["part", "number"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "part", "number"], name="import_chunk_number"),
            models.CheckConstraint(condition=Q(part__in=["rows", "bad", "before"]), name="import_chunk_part"),
        ]


class ImportedRow(models.Model):
    """What every row that files may bring in carries: its version, and the batch that added it."""

    version = models.PositiveIntegerField(default=1)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True
