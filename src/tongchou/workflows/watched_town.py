"""The watched town on a day: its tree, its streams, its targets and the numbers in force. Rows in, what the watch needs out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from tongchou.core.errors import Refusal
from tongchou.core.parameters.queries import values_on
from tongchou.core.places.models import Installation, Place
from tongchou.core.places.queries import installation, places_below
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.queries import observations_as_known
from tongchou.domains.warning.learning import DAYS_A_YEAR, Given, Learnt, learn
from tongchou.domains.warning.watching import (
    HISTORY_DAYS,
    SPREAD_DAYS,
    Area,
    Block,
    Spot,
    Watched,
    areas_of,
    margin_of,
    parameters_from,
    place_of,
)
from tongchou.science.detection.controller import ControlledMargin
from tongchou.science.detection.model import DetectionParams

PARAMETERS = (
    "alarm.promised_per_year",
    "alarm.prior_odds",
    "alarm.grade_thresholds",
    "alarm.grade_quorum",
    "alarm.margin_log",
    "alarm.repeat_window",
    "alarm.spread_window",
    "alarm.fall_after",
    "alarm.confirm_automatically",
)
FALL_AFTER_DAYS = 3  # as grade_over_time: assumption


@dataclass(frozen=True, slots=True)
class Town:
    """What a morning needs to know of the town: its tree, streams, targets and the numbers in force that day."""

    installation: Installation
    places: Mapping[str, Place]
    areas: tuple[Area, ...]
    targets: Mapping[str, T]
    streams: tuple[Watched, ...]
    stream_ids: Mapping[str, int]
    homes: Mapping[str, str]
    values: Mapping[str, Any]
    params: DetectionParams
    controls: Mapping[tuple[str, str], ControlledMargin] = field(default_factory=dict)  # area path, target → from `promise.controls_on`

    def params_for(self, target: str, area_path: str = "") -> DetectionParams:
        """The office's numbers for a target, with what false alarms there have added to the line, before verdicts have taught anything else."""
        stated = margin_of(self.params, self.values.get("alarm.margin_log"), target)
        control = self.controls.get((area_path, target))
        return replace(stated, margin_log=stated.margin_log + control.margin_log) if control else stated

    def learnt(self, log: Sequence[Given], area: Area, target: str, day: date, known_at: datetime) -> Learnt:
        """What the verdicts known at an instant teach about an area and target; it has been watched since the town was installed."""
        return learn(
            log,
            at=known_at,
            area_path=area.path,
            target=target,
            stated_onsets_per_year=self.params_for(target).prior_onsets_per_year,
            watched_years=max(0, (day - self.installation.installed_at.date()).days) / DAYS_A_YEAR,
            stated_weights={s.kind: s.weight for s in self.streams if target in s.targets},
        )

    @property
    def repeat_days(self) -> int:
        return int(self.values["alarm.repeat_window"])

    @property
    def fall_after(self) -> int:
        """Mornings below its grade after which an alarm falls by one."""
        return max(1, int(self.values.get("alarm.fall_after", FALL_AFTER_DAYS)) // self.installation.step_days)

    @property
    def spread_days(self) -> int:
        return int(self.values.get("alarm.spread_window", SPREAD_DAYS))


def town_on(day: date) -> Town:
    """The town as it stood on a day. Raises Refusal before `tongchou init`."""
    installed = installed_town()
    root = installed.place
    places = {p.path: p for p in places_below(root.path, day)}
    parents = {p.parent_id for p in places.values()}
    spots = [_spot(p) for p in places.values() if p.pk not in parents and p.pk != root.pk]
    values = {key: found.value for key, found in values_on(PARAMETERS, day, root.path).items()}
    streams, ids = _streams(root, places)
    areas = areas_of(_spot(root), spots)
    return Town(
        installation=installed,
        places=places,
        areas=areas,
        targets={t["code"]: T(t["zh"], t["en"]) for t in installed.targets},
        streams=streams,
        stream_ids=ids,
        homes=_homes(streams, areas),
        values=values,
        params=parameters_from(values, installed.step_days),
    )


def installed_town() -> Installation:
    found = installation()
    if found is None:
        raise Refusal(
            T("本系统尚未安装任何地方。", "No town is installed here."), T("请先运行 tongchou init。", "Run first: tongchou init PACK")
        )
    return found


def _spot(place: Place) -> Spot:
    return Spot(place.code, place.path, place.kind, float(place.population or 1))


def _streams(root: Place, places: Mapping[str, Place]) -> tuple[tuple[Watched, ...], dict[str, int]]:
    rows = (
        Stream.objects.filter(~Q(state="closed"), sentinel__state="live")
        .select_related("sentinel__place")
        .prefetch_related("sentinel__catchments__place")
        .order_by("code")
    )
    watched, ids = [], {}
    for row in (row for row in rows if row.targets):  # what is evidence of nothing is for people to read
        seen = [(c.place.path, c.share * (c.place.population or 1)) for c in row.sentinel.catchments.all() if c.place.path in places]
        place = place_of(root.path, seen or [(row.sentinel.place.path, 1.0)])
        watched.append(
            Watched(
                code=row.code,
                kind=row.kind,
                place=place,
                targets=tuple(row.targets),
                value_kind=row.value_kind,
                step_days=row.step_days,
                period_days=row.period_days,
                direction=row.direction,
                weight=row.weight,
                model=row.model,
            )
        )
        ids[row.code] = row.pk
    return tuple(watched), ids


def _homes(streams: Iterable[Watched], areas: Sequence[Area]) -> dict[str, str]:
    """Stream code → path of the area that keeps its signal: its own. A stream that spans several is kept once, with the first of them."""
    found = {}
    for s in streams:
        spans = [a.path for a in areas if s.place.startswith(a.path) or a.path.startswith(s.place)]
        found[s.code] = spans[0] if spans else ""
    return found


def observe(town: Town, day: date, as_known_at: datetime, back_days: int = HISTORY_DAYS) -> Block:
    """Every stream of the town as it was known at an instant, two years back."""
    codes = [s.code for s in town.streams]
    series = observations_as_known([town.stream_ids[c] for c in codes], day - timedelta(days=back_days), day, as_known_at)
    return Block(tuple(codes), series.first_day, series.values)
