"""Observations of several streams and places from a CSV file, as they were known on each day; and the YAML file that says what the streams are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from tongchou.core.packs.reading import read_yaml
from tongchou.core.wording import T
from tongchou.interfaces.cli.tables import MISSING, BadTable, Row, read_table
from tongchou.science.detection.model import Additive, History, Kind, Multiplicative

WEEK = 7
MOST_DAYS = 40_000


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of the YAML file."""

    kind: Kind
    step_days: int
    weight: float
    direction: str
    outside: bool
    model: Additive | Multiplicative


@dataclass(frozen=True, slots=True)
class Streams:
    """The YAML file: calendar, streams by name, residents by place (1 where not given)."""

    is_weekly: bool
    specs: dict[str, StreamSpec]
    residents: dict[str, float]


def read_streams(path: Path) -> Streams:
    """Read and check the file. Raises BadTable naming the first thing that is wrong."""
    document = read_yaml(path, str(path), "streams")
    if document.problems:
        first = document.problems[0]
        place = f"{first.file}, {first.where}" if first.where else first.file
        raise BadTable(T(f"{place}：{first.what.zh}。", f"{place}: {first.what.en}."), T(f"{first.remedy.zh}。", f"{first.remedy.en}."))
    content = document.content
    specs = {}
    for name, said in content["streams"].items():
        model = Multiplicative() if said["model"] == "multiplicative" else Additive(**said["model"])
        if isinstance(model, Additive) and (said["kind"] != "count" or said.get("direction") == "lower"):
            raise BadTable(
                T(f"{path}，{document.where(('streams', name))}：只有上升的计数可用加法模型。", f"{path}, {document.where(('streams', name))}: events per infection are for counts that rise."),
                T("请写 model: multiplicative。", "Write model: multiplicative."),
            )  # fmt: skip
        step = WEEK if said.get("step", "day") == "week" else 1
        specs[name] = StreamSpec(
            said["kind"], step, said.get("weight", 1.0), said.get("direction", "higher"), said.get("outside", False), model
        )
    return Streams(content.get("calendar", "daily") == "weekly", specs, content.get("places", {}))


@dataclass(frozen=True, slots=True)
class _Report:
    """One value as it was told: whose, for which day, when, how much, by how many sites."""

    stream: str
    place: str | None
    day: date
    told: datetime
    value: float
    sites: float


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """All reports of a file in the order in which they were told."""

    reports: tuple[_Report, ...]
    streams: Streams

    @property
    def first_day(self) -> date:
        return min(r.day for r in self.reports)

    @property
    def last_told(self) -> date:
        return self.reports[-1].told.date()

    def known(self, mornings: list[date]) -> Iterator[list[History]]:
        """The histories as known at the end of each of these days, which must rise."""
        days = (self.last_told - self.first_day).days + 1
        grids: dict[tuple[str, str | None], tuple[np.ndarray, np.ndarray]] = {}
        waiting = iter(self.reports)
        report = next(waiting, None)
        for morning in mornings:
            while report is not None and report.told.date() <= morning:
                values, sites = grids.setdefault((report.stream, report.place), (np.full(days, np.nan), np.full(days, np.nan)))
                values[(report.day - self.first_day).days] = report.value
                sites[(report.day - self.first_day).days] = report.sites
                report = next(waiting, None)
            end = (morning - self.first_day).days + 1
            yield [self._history(*key, values[:end], sites[:end]) for key, (values, sites) in sorted(grids.items(), key=_by_stream)]

    def _history(self, stream: str, place: str | None, values: np.ndarray, sites: np.ndarray) -> History:
        spec = self.streams.specs[stream]
        first = self.first_day
        if spec.step_days == WEEK:
            week_ends = next(r.day for r in self.reports if r.stream == stream)
            begin = ((week_ends - first).days + 1) % WEEK
            values, sites = values[begin + WEEK - 1 :: WEEK], sites[begin + WEEK - 1 :: WEEK]
            first += timedelta(days=begin)
        counts_sites = spec.kind == "count" and np.isfinite(sites).any()
        offsets = np.where(np.isfinite(sites), sites, 1.0) if counts_sites else None
        return History(
            stream, values, first, spec.step_days, spec.kind, spec.model, place=place, population=self.streams.residents.get(place or "", 1.0),
            weight=spec.weight, direction=spec.direction, offsets=offsets, outside=spec.outside,  # type: ignore[arg-type]
        )  # fmt: skip


def _by_stream(item: tuple[tuple[str, str | None], object]) -> tuple[str, str]:
    (stream, place), _ = item
    return stream, place or ""


def read_observations(path: Path, streams: Streams) -> Observations:
    """Read place,stream,day,reported_at,value[,sites]; an empty place is the whole area. Raises BadTable naming file, row and column."""
    table = read_table(path)
    for column in ("place", "stream", "day", "reported_at", "value"):
        table.column(column)
    seen: dict[tuple[str, str | None, date, datetime], int] = {}
    week_ends: dict[str, date] = {}
    reports = []
    for row in table.rows:
        report = _report(row, streams)
        key = (report.stream, report.place, report.day, report.told)
        if key in seen:
            row.refuse(
                "reported_at",
                T(f"与第 {seen[key]} 行同一时刻重复上报", f"the same value was told at the same time in row {seen[key]}"),
                T("请只留一行，或写出时刻（如 2022-05-01T08:30）。", "Keep one, or give the time of day, as in 2022-05-01T08:30."),
            )
        seen[key] = row.line
        if streams.specs[report.stream].step_days == WEEK and (report.day - week_ends.setdefault(report.stream, report.day)).days % WEEK:
            row.refuse(
                "day",
                T(
                    f"{report.day} 与该数据流其他各周的最后一天不同",
                    f"{report.day} is another weekday than the other weeks of this stream end on",
                ),
                T("每周数据请写该周最后一天。", "For weekly figures write the last day of the week."),
            )
        reports.append(report)
    reports.sort(key=lambda r: r.told)
    found = Observations(tuple(reports), streams)
    if (found.last_told - found.first_day).days > MOST_DAYS:
        raise BadTable(
            T(f"{path} 的日期相距 {(found.last_told - found.first_day).days} 天。", f"{path}: its days lie {(found.last_told - found.first_day).days} days apart."),
            T("请检查写错的年份。", "Look for a mistaken year."),
        )  # fmt: skip
    return found


def _report(row: Row, streams: Streams) -> _Report:
    stream = row.cells["stream"].strip()
    if stream not in streams.specs:
        known = ", ".join(streams.specs)
        row.refuse(
            "stream", T(f"没有数据流“{stream}”", f"there is no stream '{stream}'"), T(f"已说明的：{known}。", f"Described are: {known}.")
        )
    place = row.cells["place"].strip() or None
    if place is not None and streams.residents and place not in streams.residents:
        row.refuse(
            "place",
            T(f"“{place}”未列人口", f"'{place}' has no residents in the streams file"),
            T("请在 places 中补上。", "Add it under places."),
        )
    day = row.day("day")
    told = row.read("reported_at", datetime.fromisoformat, T("日期或时刻，如 2022-05-01T08:30", "a day or a time such as 2022-05-01T08:30"))
    if told.date() < day:
        row.refuse(
            "reported_at",
            T(f"{told.date()} 早于 {day}", f"{told.date()} lies before {day}"),
            T("请更正日期或时钟。", "Correct the day, or the clock."),
        )
    withdrawn = row.cells["value"].strip() in MISSING
    sites = row.count("sites") if row.cells.get("sites", "").strip() not in MISSING else float("nan")
    return _Report(stream, place, day, told.replace(tzinfo=None), float("nan") if withdrawn else row.count("value"), sites)
