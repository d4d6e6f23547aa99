"""`tongchou exposures`: everyone who met a case, from files, without a town or a database."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.estimating import tell
from tongchou.interfaces.cli.tables import AsJson, BadTable, OutFile, refused_with_two, write_records

if TYPE_CHECKING:
    from tongchou.interfaces.cli.exposure_files import CaseFile, VisitFile
    from tongchou.science import Exposures

OUT_COLUMNS = ("person", "generation", "first_at", "contacts", "minutes")


class Engine(StrEnum):
    own = "own"
    duckdb = "duckdb"
    polars = "polars"
    spark = "spark"


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("exposures")(exposures)


def exposures(
    visits: Annotated[Path, typer.Option("--visits", help="CSV or Parquet: person,venue,entered_at,left_at; pseudonyms. 到访记录。")],
    cases: Annotated[Path, typer.Option("--cases", help="CSV: person,from_at,to_at; when each was infectious. 病例及传染期。")],
    minutes: Annotated[
        float, typer.Option("--minutes", min=1 / 60, max=10_000, help="Shortest overlap that counts. 至少重叠分钟数。")
    ] = 15.0,
    generations: Annotated[int, typer.Option("--generations", min=1, max=9, help="2: also those who met the exposed. 追踪几代。")] = 1,
    venues: Annotated[
        Path | None, typer.Option("--venues", help="CSV: venue,ventilation[,volume_m3]; adds column risk. 场所通风等级。")
    ] = None,
    stay_minutes: Annotated[
        float, typer.Option("--stay-minutes", min=1, max=10_000, help="Stay assumed where left_at is empty. 未记录离开时假定的停留分钟数。")
    ] = 60.0,
    engine: Annotated[
        Engine, typer.Option("--engine", help="own, or one that runs the same question as an Ibis expression. 计算引擎。")
    ] = Engine.own,
    spark_master: Annotated[
        str, typer.Option("--spark-master", envvar="SPARK_MASTER", help="For spark: where it runs. Spark 主节点。")
    ] = "local[*]",
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Find everyone who was at one venue with a case for so many minutes. 找出与病例在同一场所停留重叠的人。"""
    with refused_with_two():
        from tongchou.interfaces.cli.exposure_files import read_cases, read_dose_rates, read_visits
        from tongchou.science import ExposureParams, find_exposed, index_visits

        if venues and engine is not Engine.own:
            raise ValueError(f"--venues works with --engine own; leave out --engine {engine.value}")
        seen = read_visits(visits, round(stay_minutes * 60))
        windows = read_cases(cases, seen.persons)
        params = ExposureParams(round(minutes * 60), generations)
        _tell_read(seen, windows)
        if engine is Engine.own:
            rates = read_dose_rates(venues, seen.venues) if venues else None
            found = find_exposed(index_visits(seen.visits), windows.cases, params, dose_per_s=rates)
        else:
            found = _by_engine(engine, spark_master, seen, windows, params)
        tell(T(f"{len(found)} 人有暴露", f"{len(found)} persons exposed"))
        columns = (*OUT_COLUMNS, "risk") if venues else OUT_COLUMNS
        write_records(_records(found, seen, windows, bool(venues)), out, as_json, columns)


def _tell_read(seen: "VisitFile", windows: "CaseFile") -> None:
    import numpy as np

    n, people, places = len(seen.visits), len(seen.persons), len(seen.venues)
    tell(T(f"{n} 次到访，{people} 人，{places} 个场所", f"{n} visits, {people} persons, {places} venues"))
    if seen.assumed:
        tell(T(f"{seen.assumed} 次没有离开时间，按假定停留补上", f"{seen.assumed} without left_at: the assumed stay is taken"))
    ill = np.unique(windows.cases.person)
    absent = int((~np.isin(ill, seen.visits.person)).sum())
    if absent:
        tell(T(f"{ill.size} 名病例中 {absent} 名没有任何到访", f"{absent} of {ill.size} cases have no visit at all: check their numbers"))


def _by_engine(engine: Engine, master: str, seen: "VisitFile", windows: "CaseFile", params: Any) -> "Exposures":
    try:
        from tongchou.interfaces.cli.exposure_engines import answered_by
    except ImportError as missing:
        raise _not_installed(engine) from missing
    try:
        return answered_by(engine.value, seen.visits, windows.cases, params, spark_master=master)
    except ImportError as missing:
        raise _not_installed(engine) from missing


def _not_installed(engine: Engine) -> BadTable:
    extra = "spark" if engine is Engine.spark else "engines"
    return BadTable(
        T(f"--engine {engine.value}：没有安装。", f"--engine {engine.value}: is not installed."),
        T(f"请安装：pip install 'tongchou[{extra}]'。", f"Install it: pip install 'tongchou[{extra}]'"),
    )


def _records(found: "Exposures", seen: "VisitFile", windows: "CaseFile", has_risk: bool) -> list[dict[str, Any]]:
    """By generation, first exposure and person."""
    names, at = list(seen.persons), _clock(windows)
    rows = sorted(
        (int(g), int(first), names[p], int(contacts), int(shared), float(risk))
        for p, g, first, contacts, shared, risk in zip(
            found.person, found.generation, found.first_at, found.contacts, found.shared_s, found.risk, strict=True
        )
    )
    return [
        dict(zip(OUT_COLUMNS, (name, g, at(first), contacts, round(shared / 60, 2)), strict=True)) | ({"risk": risk} if has_risk else {})
        for g, first, name, contacts, shared, risk in rows
    ]


def _clock(windows: "CaseFile") -> Callable[[int], str]:
    return lambda second: datetime.fromtimestamp(second, windows.zone).isoformat()
