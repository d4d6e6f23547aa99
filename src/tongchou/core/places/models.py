"""A town is a tree of places; `path` makes "everything below" one prefix query."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.wording import T


class Place(models.Model):
    """One place between two dates. Merges and splits are new rows, so that past numbers keep their past place.

    `point` is [longitude, latitude] and `outline` a GeoJSON geometry, both WGS-84.
    """

    code = models.CharField(max_length=32)
    kind = models.CharField(max_length=24)  # country, state, city, district, town, village, committee, compound
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=240)  # "/310000/310118/310118106/": own code last, slash at both ends
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    population = models.PositiveIntegerField(default=0)
    point = models.JSONField(null=True, blank=True)
    outline = models.JSONField(null=True, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # first day on which the place no longer exists
    is_generated = models.BooleanField(default=False)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="place_code_from"),
            models.UniqueConstraint(fields=["code"], condition=Q(valid_to=None), name="place_one_open_row_per_code"),
            models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="place_ends_after_start"),
            models.CheckConstraint(condition=Q(path__startswith="/") & Q(path__endswith="/"), name="place_path_slashes"),
        ]
        indexes = [models.Index(fields=["path"], name="place_path")]

    def __str__(self) -> str:
        return str(self.name)

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)

    @property
    def place_path(self) -> str:
        return self.path


class Installation(models.Model):
    """The one row that says which town this is: its place in the tree, its time zone, and the pack it came from."""

    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    pack = models.CharField(max_length=60)
    pack_digest = models.CharField(max_length=64)
    zone = models.CharField(max_length=40)  # IANA name
    step_days = models.PositiveSmallIntegerField(default=1)
    is_demo = models.BooleanField(default=False)
    seed = models.CharField(max_length=24, blank=True)  # of the generated registers
    targets = models.JSONField(default=list)  # [{"code", "zh", "en"}]: diseases and syndromes the watch looks for
    attributions = models.JSONField(default=list)  # [{"zh", "en"}]: what the licences of the data ask to be shown
    installed_at = models.DateTimeField()

    @property
    def name(self) -> T:
        return self.place.name
