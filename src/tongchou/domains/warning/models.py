"""What a morning's screening said, and the alarms that came of it."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from tongchou.core.casework.models import Dossier
from tongchou.core.places.models import Place
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.science.detection.model import METHOD_FALLBACK


class Signal(models.Model):
    """How one stream looked on one morning: its newest value against what was expected, and its evidence for a rise.

    `pooled` > 1: the figures are those of that many streams of one kind in one place, read together.
    """

    stream = models.ForeignKey("sentinels.Stream", on_delete=models.PROTECT, related_name="signals")
    day = models.DateField()
    as_known_at = models.DateTimeField()
    observed_on = models.DateField(null=True)
    observed = models.FloatField(null=True)
    expected = models.FloatField(null=True)
    lower = models.FloatField(null=True)
    upper = models.FloatField(null=True)
    statistic = models.FloatField()
    threshold = models.FloatField(null=True)  # none: this stream alone never raises an alarm
    p = models.FloatField(null=True)
    basis = models.JSONField(default=list)  # [[factor, value]]: what the expected value is the product of
    pooled = models.PositiveSmallIntegerField(default=1)
    method = models.CharField(max_length=40)
    version = models.CharField(max_length=24)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["stream_id", "day"]
        constraints = [models.UniqueConstraint(fields=["stream", "day"], name="signal_once")]
        indexes = [models.Index(fields=["day"], name="signal_day")]

    @property
    def is_raised(self) -> bool:
        return self.threshold is not None and self.statistic >= self.threshold

    @property
    def is_fallback(self) -> bool:
        """The stream's own method failed; only the rank of its last week was judged."""
        return self.method == METHOD_FALLBACK


class PlaceEvidence(models.Model):
    """Evidence (natural logarithm) for a rise in one place on one morning. The row of an area's own place speaks for the whole area."""

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=40)
    day = models.DateField()
    as_known_at = models.DateTimeField()
    log_evidence = models.FloatField()
    threshold = models.FloatField(null=True)
    probability = models.FloatField()
    grade = models.CharField(max_length=8, blank=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["place_id", "target", "day"]
        constraints = [
            models.UniqueConstraint(fields=["place", "target", "day"], name="place_evidence_once"),
            models.CheckConstraint(condition=Q(probability__gte=0) & Q(probability__lte=1), name="place_evidence_probability"),
        ]
        indexes = [models.Index(fields=["day"], name="place_evidence_day")]


class Alarm(models.Model):
    """A rise found in a place. Grade, state, number and clocks are the dossier's; `area` is what was read together to find it."""

    VERDICTS = {
        "": T("尚无结论", "no verdict yet"),
        "true": T("属实", "true"),
        "false": T("误报", "false"),
        "unclear": T("不明", "unclear"),
    }

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="alarm")
    area = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=40)
    target_zh = models.CharField(max_length=60)
    target_en = models.CharField(max_length=80)
    day = models.DateField()
    as_known_at = models.DateTimeField()
    last_seen_on = models.DateField()
    decided_on = models.DateField(null=True)
    raised_by = models.CharField(max_length=8)  # fusion, or stream: the best stream alone
    log_evidence = models.FloatField()
    threshold = models.FloatField()
    probability = models.FloatField()
    prior_onsets_per_year = models.FloatField()
    growth_per_day = models.FloatField(null=True)
    growth_low = models.FloatField(null=True)
    growth_high = models.FloatField(null=True)
    expected = models.JSONField(default=list)  # [{kind, place, horizon_days, median, lower, upper}]
    places = models.JSONField(default=list)  # [{place, share, probability}], likeliest first; the area's own path: everywhere at once
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, blank=True)
    verdict_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=("", "true", "false", "unclear")), name="alarm_verdict_known"),
            models.CheckConstraint(condition=Q(raised_by__in=("fusion", "stream")), name="alarm_raised_by_known"),
        ]
        indexes = [models.Index(fields=["area", "target", "-last_seen_on"], name="alarm_area_seen")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path

    def is_dismissed(self, known_at: datetime | None = None) -> bool:
        """Whether it has been dismissed, or had been by an instant."""
        head = self.dossier
        return head.state == "dismissed" and (known_at is None or (head.closed_at is not None and head.closed_at <= known_at))

    @property
    def target_name(self) -> T:
        return T(self.target_zh, self.target_en)

    @property
    def verdict_name(self) -> T:
        return self.VERDICTS[self.verdict]


class AlarmShare(models.Model):
    """What one kind of stream contributes to an alarm. `stream` is the one of this kind that speaks loudest where the alarm is."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="shares")
    kind = models.CharField(max_length=60)
    stream = models.ForeignKey("sentinels.Stream", null=True, on_delete=models.PROTECT, related_name="+")
    share = models.FloatField()
    statistic = models.FloatField()
    threshold = models.FloatField(null=True)

    class Meta:
        ordering = ["-share", "kind"]
        constraints = [models.UniqueConstraint(fields=["alarm", "kind"], name="alarm_share_once")]


class AlarmVerdict(models.Model):
    """A verdict as it was given; the newest one stands. Never changed, so that what was known on any morning can be replayed.

    Grade and shares are those of the alarm when it was first decided: what it was judged as.
    """

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="verdicts")
    at = models.DateTimeField()
    verdict = models.CharField(max_length=8)
    grade = models.CharField(max_length=8)
    shares = models.JSONField(default=dict)  # kind of stream → its share of the evidence

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.CheckConstraint(condition=Q(verdict__in=("true", "false", "unclear")), name="alarm_verdict_given")]
        indexes = [models.Index(fields=["at"], name="alarm_verdict_at")]
