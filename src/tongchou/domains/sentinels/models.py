"""The sentinel matrix: who watches whom, what they report, and every value ever reported with the instant it became known."""

from django.db import models
from django.db.models import Q

from tongchou.core.people.models import Post, User
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.sentinels.rules import LARGEST_VALUE

_KINDS = ("testing", "electronic", "spot_check", "monitoring", "case_investigation")
_STATES = ("planned", "live", "suspended", "closed")
_BASES = ("reported", "vintage", "final_at_usual_lag", "generated")


class Sentinel(models.Model):
    """One watching post. `schedule` is {"weekdays": [ISO numbers, Monday = 1], "due": "18:00"}: when it reports, on the town's clock."""

    KINDS, STATES = _KINDS, _STATES  # inside Meta the names of the class are out of reach
    code = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=24)
    setting = models.CharField(max_length=24)  # fever_clinic, clinic, pharmacy, school_absence, care_home, wastewater, …
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=160)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="sentinels")
    operator_zh = models.CharField(max_length=120)
    operator_en = models.CharField(max_length=160)
    contact_post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.PROTECT, related_name="sentinels")
    contact = models.CharField(max_length=120, blank=True)
    schedule = models.JSONField()
    state = models.CharField(max_length=12, default="live")
    is_generated = models.BooleanField(default=False)
    valid_from = models.DateField()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=_KINDS), name="sentinel_kind_known"),
            models.CheckConstraint(condition=Q(state__in=_STATES), name="sentinel_state_known"),
        ]
        indexes = [models.Index(fields=["kind", "setting"], name="sentinel_kind_setting")]

    def __str__(self) -> str:
        return str(self.name)

    @property
    def name(self) -> T:
        return T(self.name_zh, self.name_en)

    @property
    def operator(self) -> T:
        return T(self.operator_zh, self.operator_en)

    @property
    def place_path(self) -> str:
        return self.place.path


class Catchment(models.Model):
    """The share (0 to 1) of a place's residents that a sentinel sees."""

    sentinel = models.ForeignKey(Sentinel, on_delete=models.CASCADE, related_name="catchments")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    share = models.FloatField()

    class Meta:
        ordering = ["place__path"]
        constraints = [
            models.UniqueConstraint(fields=["sentinel", "place"], name="catchment_place_once"),
            models.CheckConstraint(condition=Q(share__gt=0) & Q(share__lte=1), name="catchment_share_is_a_share"),
        ]


class Stream(models.Model):
    """One indicator of one sentinel. A value covers the `period_days` that end on its day; values come every `step_days`.

    `model` holds the assumptions of detection (fields of core.packs.contents.StreamModel); `targets` what the stream is evidence of.
    """

    code = models.CharField(max_length=60, unique=True)
    sentinel = models.ForeignKey(Sentinel, on_delete=models.PROTECT, related_name="streams")
    kind = models.CharField(max_length=40)  # the pack's stream kind: fever_visits, wastewater_load, …
    indicator_zh = models.CharField(max_length=120)
    indicator_en = models.CharField(max_length=160)
    unit_zh = models.CharField(max_length=30)
    unit_en = models.CharField(max_length=40)
    value_kind = models.CharField(max_length=16)  # count, rate, concentration
    targets = models.JSONField(default=list)
    step_days = models.PositiveSmallIntegerField(default=1)
    period_days = models.PositiveSmallIntegerField(default=1)
    expected_delay_days = models.FloatField(default=0)
    direction = models.CharField(max_length=8, default="higher")  # which way is worse: higher, lower
    is_specific = models.BooleanField(default=False)
    weight = models.FloatField(default=1)
    plausible_max = models.FloatField(null=True, blank=True)
    model = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="live")  # live, closed

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(value_kind__in=("count", "rate", "concentration")), name="stream_value_kind_known"),
            models.CheckConstraint(condition=Q(direction__in=("higher", "lower")), name="stream_direction_known"),
            models.CheckConstraint(condition=Q(step_days__gte=1) & Q(period_days__gte=1), name="stream_steps_forward"),
            models.CheckConstraint(condition=Q(expected_delay_days__gte=0), name="stream_delay_not_negative"),
        ]
        indexes = [models.Index(fields=["kind"], name="stream_kind")]

    def __str__(self) -> str:
        return str(self.indicator)

    @property
    def indicator(self) -> T:
        return T(self.indicator_zh, self.indicator_en)

    @property
    def unit(self) -> T:
        return T(self.unit_zh, self.unit_en)

    @property
    def place_path(self) -> str:
        return self.sentinel.place.path


class Observation(models.Model):
    """A value for a day as it was reported at an instant. Never changed: a correction is a later row for the same day."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="observations")
    day = models.DateField()
    reported_at = models.DateTimeField()
    value = models.FloatField()
    basis = models.CharField(max_length=20, default="reported")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=120, blank=True)  # form, api, import:ID, pack:CODE
    reason = models.CharField(max_length=300, blank=True)  # why a known day was corrected or an unusual value is right

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "day", "reported_at"], name="observation_once"),
            models.CheckConstraint(condition=Q(value__gte=0) & Q(value__lte=LARGEST_VALUE), name="observation_value_in_range"),
            models.CheckConstraint(condition=Q(basis__in=_BASES), name="observation_basis_known"),
        ]
        indexes = [models.Index(fields=["source"], condition=~Q(source=""), name="observation_source")]

    @property
    def place_path(self) -> str:
        return self.stream.sentinel.place.path
