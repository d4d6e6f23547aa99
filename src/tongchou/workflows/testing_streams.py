"""Testing counted for the early warning: every day's counts go to the streams of each site's sentinel; results that came late correct them.

Positives are judged, the others are for people to read (kinds without a target in the pack). How many were sampled is effort: it triples on the day
of a round. The share of positives adds nothing to their count: judged beside it, one piece of evidence would count twice in a fusion that takes
streams as independent; and where most days have none it lies at 0 with a jump of 1 over whatever number was sampled, which no scale fits.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import report_observations
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.queries import observations_as_known
from tongchou.domains.sentinels.reports import Report
from tongchou.domains.testing.models import CheckOff, Site

STREAMS = ("testing_sampled", "testing_positive", "testing_positive_rate")
CORRECTED = T("采样登记与检测结果汇总", "counted from check-offs and results")
FEED_DAYS = 7  # results older than a week change nothing any more; assumption


@dataclass(frozen=True, slots=True)
class DayCount:
    """A site's day by sampling: people sampled, of those in tubes with a result, and positive persons (positives of single tubes)."""

    site: Site
    sampled: int
    resulted: int
    positive: int

    @property
    def positive_per_10k(self) -> float | None:
        return round(1e4 * self.positive / self.resulted, 2) if self.resulted else None


def day_counts(day: date, zone: ZoneInfo) -> list[DayCount]:
    """What each site that feeds a sentinel did on a day of the town. Positives are persons found positive alone: a pool accuses nobody. Two queries."""
    start = datetime.combine(day, time.min, zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    sites = {s.pk: s for s in Site.objects.filter(sentinel__isnull=False).select_related("place", "sentinel")}
    if not sites:
        return []
    rows = (
        CheckOff.objects.filter(at__gte=start, at__lt=end, tube__site__in=sites, round__dossier__is_exercise=False)
        .order_by()
        .values_list("tube__site_id")
        .annotate(
            sampled=Count("pk"),
            resulted=Count("pk", filter=Q(tube__resulted_at__isnull=False)),
            positive=Count("pk", filter=Q(tube__result="positive", tube__filled=1)),
        )
    )
    counted = {row[0]: row[1:] for row in rows}
    return [DayCount(site, *counted.get(pk, (0, 0, 0))) for pk, site in sorted(sites.items())]


def feed_streams(day: date, zone: ZoneInfo, *, by: Actor, at: datetime) -> int:
    """Report a finished day of every site to the streams of its sentinel; what is known already is left, what changed is corrected. Gives how many values."""
    counts = {c.site.sentinel_id: c for c in day_counts(day, zone) if c.site.sentinel is not None and c.site.sentinel.state == "live"}
    streams = list(Stream.objects.filter(sentinel__in=counts, kind__in=STREAMS, state="live").select_related("sentinel").order_by("pk"))
    streams = [s for s in streams if s.sentinel.valid_from <= day and s.step_days == 1]
    if not streams:
        return 0
    known = observations_as_known([s.pk for s in streams], day, day, at).values[:, 0]
    reports = []
    for stream, before in zip(streams, known.tolist(), strict=True):
        value = _value_of(stream.kind, counts[stream.sentinel_id])
        if value is not None and value != before:
            reports.append(Report(stream.code, day, value, correction=True, confirmed=True, reason=f"{CORRECTED.zh} {CORRECTED.en}"))
    if reports:
        report_observations(reports=reports, source="testing", by=by, at=at)
    return len(reports)


def _value_of(kind: str, counted: DayCount) -> float | None:
    if kind == "testing_sampled":
        return float(counted.sampled)
    if kind == "testing_positive":
        return float(counted.positive)
    return counted.positive_per_10k


def feed_last_days(at: datetime, zone: ZoneInfo, *, by: Actor) -> int:
    """The days that are over and whose results may still come in. Gives how many values were reported."""
    today = at.astimezone(zone).date()
    return sum(feed_streams(today - timedelta(days=back), zone, by=by, at=at) for back in range(FEED_DAYS, 0, -1))
