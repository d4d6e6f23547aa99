"""What the last days of a curve will be when everything is in: reports that come late, and sites that have not reported.

1. Read every report of a kind's streams as known at an instant, 120 days (or weeks) back.
2. Complete the curve (`science.nowcasting.sites`); where there is too little history of late reports, say so.
3. For cases, growth and reproduction number over equally likely completed curves, where there are enough of them.
4. Every morning keep what was said of the whole town as a run (`keep_nowcasts`); pages do steps 1 to 3 for the instant they show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain
from math import isfinite, nan
from typing import Any
from zlib import crc32

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.runs.actions import keep_run
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.queries import batched_ids, live_streams, zone_of_town
from tongchou.domains.sentinels.rules import schedule_of
from tongchou.science.nowcasting.model import kept_array
from tongchou.science.nowcasting.site_model import CompletedCurve, SiteParams, SiteReports, weekly_params
from tongchou.science.nowcasting.sites import complete_curve, draw_curves
from tongchou.science.reproduction.cori import reproduction_of_draws
from tongchou.science.reproduction.growth import growth_of_draws
from tongchou.science.reproduction.serial_interval import gamma_serial_interval
from tongchou.workflows.watched_town import installed_town

FUNCTION, VERSION = "nowcasting.complete_curve", "1"
STEPS, SHOWN_STEPS, WEEK = 120, 35, 7
GROWTH_DAYS = 14  # two whole weeks, so that weekdays do not tilt the line
LEAST_CASES = 12  # in seven days; Cori 2013, web appendix: 11 cases for a coefficient of variation of .3
KEPT_FOR = timedelta(days=2)  # a morning's pace older than this says nothing of today
SERIAL_INTERVAL = ("disease.serial_interval_mean", "disease.serial_interval_sd")
FINAL = "final_at_usual_lag"
MOST_FINAL = 0.05  # assumption: so few events of which only the final value is kept do not hide how late the others came
_BACK = {"sqlite": "CAST(julianday(%s) - julianday(day) AS INTEGER)", "postgresql": "%s::date - day"}
_SECOND = {"sqlite": "CAST(strftime('%%s', reported_at) AS INTEGER)", "postgresql": "floor(extract(epoch FROM reported_at))::bigint"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast cases grow a day and how many each case causes: (low, middle, high) at 95 %, or None without a basis."""

    growth: tuple[float, float, float] | None = None
    reproduction: tuple[float, float, float] | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """A completed curve of one kind of stream as known at an instant. `is_final`: only final values are kept, so nothing comes late."""

    curve: CompletedCurve
    pace: Pace
    as_known_at: datetime
    streams: int
    digest: str
    is_final: bool = False

    def at_days(self, days: Sequence[date]) -> "CompletedCurve":
        """The curve on these days; NaN where it does not reach."""
        c, row = self.curve, {day: i for i, day in enumerate(self.curve.days)}
        pick = np.array([row.get(day, -1) for day in days], dtype=np.int64)
        there = pick >= 0

        def on(values: NDArray[Any], missing: float | bool) -> NDArray[Any]:
            wide = there.reshape(-1, *[1] * (values.ndim - 1))
            return np.where(wide, values[pick], missing)

        return CompletedCurve(
            c.last_day, c.step_days, kept_array(on(c.reported, nan)), kept_array(on(c.expected, nan)), kept_array(on(c.quantiles, nan)),
            kept_array(on(c.missing, nan)), on(c.incomplete, False), c.method, c.late_share, c.usual_delay, c.longest_delay, c.is_spread_known,
        )  # fmt: skip


def can_be_completed(stream: Stream) -> bool:
    """Whether a nowcast means anything for a stream: counts, daily or weekly."""
    return stream.value_kind == "count" and stream.step_days in (1, WEEK)


def outlook_of(streams: Sequence[Stream], at: datetime, today: date, scope: str, params: SiteParams = SiteParams()) -> Outlook | None:
    """What the sum of streams of one kind will be, as known at an instant; None for none, or for anything but counts. One or two queries.

    `streams` with their sentinels; `today`: the town's day at that instant; `scope` names the random stream of the draws.
    """
    if not streams or not all(map(can_be_completed, streams)):
        return None
    step = streams[0].step_days
    reports, is_final = reports_at(streams, at, today, step)
    chosen = params if step == 1 else weekly_params(params)
    curve = complete_curve(reports, chosen)
    return Outlook(curve, _pace(streams, reports, curve, chosen, at, today, scope), at, len(streams), _digest(reports, chosen), is_final)


def reports_at(streams: Sequence[Stream], at: datetime, today: date, step_days: int) -> tuple[SiteReports, bool]:
    """Step 1; and whether only final values are kept. The last day is the last that has begun, or the newest week reported."""
    ids = [s.pk for s in streams]
    rows = _rows(ids, today - timedelta(days=STEPS * step_days), today, at)
    back = rows[:, 1].astype(np.int64)
    newest = int(back.min()) if step_days > 1 and len(back) else 0
    back = back - newest
    keep = (back % step_days == 0) & (back < STEPS * step_days)
    rows, back = rows[keep], back[keep] // step_days
    last_day = today - timedelta(days=newest)
    order = np.argsort(ids)
    site = order[np.searchsorted(ids, rows[:, 0], sorter=order)].astype(np.int64)
    # The whole steps between the report and now: the running day is compared with past days as they stood at this hour.
    ago = np.maximum((int(at.timestamp()) - rows[:, 2]) // (86_400 * step_days), 0).astype(np.int64)
    in_order = np.lexsort((rows[:, 2], -back, site))
    reports = SiteReports(
        last_day, step_days, site[in_order], back[in_order], ago[in_order], rows[in_order, 3],
        _due(streams, last_day, step_days), _recorded_steps(back, rows[:, 3], rows[:, 4] > 0),
    )  # fmt: skip
    return reports, bool(len(rows)) and bool((rows[:, 4] > 0).all())


def _rows(ids: Sequence[int], first_day: date, last_day: date, at: datetime) -> NDArray[np.float64]:
    """Stream, days back, second of the report, value, whether it is only a final value: every report known by then."""
    found = []
    for part in batched_ids(ids):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT stream_id, {_BACK[connection.vendor]}, {_SECOND[connection.vendor]}, value, CASE WHEN basis = %s THEN 1 ELSE 0 END"
                f" FROM sentinels_observation WHERE stream_id IN ({','.join(['%s'] * len(part))}) AND day BETWEEN %s AND %s"
                " AND reported_at <= %s ORDER BY stream_id, day, reported_at",
                [last_day.isoformat(), FINAL, *part, first_day.isoformat(), last_day.isoformat(),
                 str(connection.ops.adapt_datetimefield_value(at))],
            )  # fmt: skip
            found += cursor.fetchall()
    return np.fromiter(chain.from_iterable(found), dtype=np.float64).reshape(-1, 5)


def _recorded_steps(back: NDArray[np.int64], value: NDArray[np.float64], is_final: NDArray[np.bool_]) -> int:
    """For how many of the last steps it is known when a value became known: nearly all events come with the instant of their report."""
    total, final = (np.cumsum(np.bincount(back[kept], value[kept], minlength=STEPS)) for kept in (back >= 0, is_final))
    if not is_final.any():
        return STEPS
    enough = np.flatnonzero((final <= MOST_FINAL * total) & (total > 0))
    return int(enough[-1]) + 1 if len(enough) else 0


def _due(streams: Sequence[Stream], last_day: date, step_days: int) -> NDArray[np.bool_]:
    """(sites, steps) whether a site reports on a day, oldest first."""
    if step_days > 1:
        return np.ones((len(streams), STEPS), dtype=bool)
    weekday = (last_day.isoweekday() - 1 - np.arange(STEPS)[::-1]) % WEEK + 1
    return np.array([np.isin(weekday, schedule_of(s.sentinel.schedule).weekdays) for s in streams])


def _pace(
    streams: Sequence[Stream], reports: SiteReports, curve: CompletedCurve, params: SiteParams, at: datetime, today: date, scope: str
) -> Pace:
    """Step 3. Only for daily cases by investigation: of other figures a growth rate says how many come, not how it spreads."""
    one = streams[0]
    if one.sentinel.kind != "case_investigation" or reports.step_days != 1 or one.period_days != 1 or not one.targets:
        return Pace()
    if np.nansum(curve.expected[-WEEK - curve.usual_delay :]) < LEAST_CASES:
        return Pace()  # not worth the draws
    rng = np.random.default_rng([crc32(scope.encode()), crc32(at.isoformat().encode())])
    counts = draw_curves(reports, rng, params)
    if counts is None or counts.shape[1] < GROWTH_DAYS or np.median(counts[:, -WEEK:].sum(axis=1)) < LEAST_CASES:
        return Pace()
    grown = growth_of_draws(counts[:, -GROWTH_DAYS:], rng)
    growth = (grown.low, grown.per_day, grown.high) if isfinite(grown.low + grown.high) else None
    last_day = reports.last_day - timedelta(days=reports.due.shape[1] - counts.shape[1])
    set_by = values_on(SERIAL_INTERVAL, today, one.sentinel.place.path)
    mean, sd = (set_by[key].value.get(one.targets[0]) if key in set_by else None for key in SERIAL_INTERVAL)
    if mean is None or sd is None:
        return Pace(growth, None, last_day)
    found = reproduction_of_draws(counts[:, -4 * WEEK :], gamma_serial_interval(float(mean), float(sd)), rng)
    low, middle, high = (float(found.quantiles[-1, k]) for k in (0, 3, 6))
    return Pace(growth, (low, middle, high) if isfinite(low + high) else None, last_day)


def _digest(reports: SiteReports, params: SiteParams) -> str:
    """SHA-256 of what went in."""
    found = sha256(f"{reports.last_day}|{reports.step_days}|{reports.recorded_steps}|{params}".encode())
    for part in (reports.site, reports.back, reports.ago, reports.value, reports.due):
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def keep_nowcasts(as_known_at: datetime, *, by: Actor, at: datetime) -> list[Run]:
    """Step 4: one run per kind of count of the whole town. Doing it again for the same instant changes nothing."""
    town = installed_town().place
    today = as_known_at.astimezone(zone_of_town()).date()
    kept = []
    for kind, streams in counted_kinds(town.path).items():
        scope = f"{kind}@{town.code}"
        found = outlook_of(streams, as_known_at, today, scope)
        if found is None or Run.objects.filter(function=FUNCTION, input_digest=found.digest, seed=scope).exists():
            continue
        parameters = asdict(SiteParams() if streams[0].step_days == 1 else weekly_params())
        run = Run(
            function=FUNCTION, version=VERSION, parameters=parameters, seed=scope, input_digest=found.digest,
            as_known_at=as_known_at, recorded_at=at, result=result_of(found),
        )  # fmt: skip
        kept.append(keep_run(run=run, entry="watch.nowcast", place_path=town.path, by=by, at=at))
    return kept


def counted_kinds(place_path: str) -> Mapping[str, list[Stream]]:
    """Kind → its live streams below a place, for kinds a nowcast means anything for. One query."""
    found: dict[str, list[Stream]] = {}
    for stream in live_streams(place_path):
        if can_be_completed(stream):
            found.setdefault(stream.kind, []).append(stream)
    return found


def kept_pace(scope: str, at: datetime) -> Pace:
    """The pace of a kind of the whole town as the latest morning kept it, not older than two days. One query."""
    runs = Run.objects.filter(function=FUNCTION, seed=scope, as_known_at__lte=at, as_known_at__gt=at - KEPT_FOR)
    run = runs.order_by("-as_known_at", "-pk").first()
    if run is None or not run.result["pace_to"]:
        return Pace()
    growth, reproduction = (tuple(found) if (found := run.result[name]) else None for name in ("growth", "reproduction"))
    return Pace(growth, reproduction, date.fromisoformat(run.result["pace_to"]))


def result_of(found: Outlook) -> dict[str, Any]:
    """What a run keeps: the last days that may still change, and the pace."""
    c = found.curve
    shown = range(max(0, len(c.reported) - SHOWN_STEPS), len(c.reported))
    return {
        "method": c.method, "late_share": c.late_share, "usual_delay": c.usual_delay, "longest_delay": c.longest_delay,
        "is_spread_known": c.is_spread_known, "is_final": found.is_final, "streams": found.streams,
        "days": [
            {"day": c.days[i].isoformat(), "reported": _number(c.reported[i]), "expected": _number(c.expected[i]),
             "quantiles": [_number(q) for q in c.quantiles[i]], "missing": _number(c.missing[i]), "incomplete": bool(c.incomplete[i])}
            for i in shown
        ],
        "pace_to": found.pace.last_day.isoformat() if found.pace.last_day else None,
        "growth": found.pace.growth, "reproduction": found.pace.reproduction,
    }  # fmt: skip


def _number(value: float) -> float | None:
    return round(float(value), 3) if isfinite(value) else None


def recompute(run: Run) -> bool:
    """Do a kept nowcast again from what is in the database now, as known at the run's instant: whether input and figures are the same."""
    kind, _, code = run.seed.rpartition("@")
    town = installed_town().place
    streams = counted_kinds(town.path).get(kind, []) if code == town.code else []
    today = run.as_known_at.astimezone(zone_of_town()).date()
    found = outlook_of(streams, run.as_known_at, today, run.seed)
    return found is not None and found.digest == run.input_digest and _as_stored(result_of(found)) == _as_stored(run.result)


def _as_stored(result: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as JSON keeps them."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in result.items()}
