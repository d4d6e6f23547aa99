"""The exposed-visit query as one Ibis expression, for an engine that holds more visits than one machine; needs the extra `engines` (Spark: `spark`).

Tables: visits (person, venue, entered_at, left_at), cases (person, from_at, to_at); times are whole seconds since 1970, windows of one person do not touch.
What it answers is defined in docs/methods/exposure.md; tests compare it with the kernel on DuckDB, Polars and Spark.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tongchou.science import Cases, ExposureParams, Exposures, Visits

PART_S = 4 * 3600  # most stays touch one part or two

if TYPE_CHECKING:
    import ibis.expr.types as ir


def exposed(visits: "ir.Table", cases: "ir.Table", shortest_s: int, generations: int) -> "ir.Table":
    """Everyone exposed: person, generation, first_at, contacts, shared_s; no engine is asked yet."""
    import ibis

    until = cases.to_at.max().name("until")
    listed, windows, found = cases.select("person").distinct(), cases.select("person", "from_at", "to_at"), []
    for generation in range(1, generations + 1):
        met = _met(visits, windows, listed, shortest_s).mutate(generation=ibis.literal(generation, "int64"))
        found.append(met)
        listed = listed.union(met.select("person"))
        windows = met.cross_join(cases.aggregate(until)).select("person", from_at="first_at", to_at="until")
    return ibis.union(*found).select("person", "generation", "first_at", "contacts", "shared_s") if generations > 1 else found[0]


def _met(visits: "ir.Table", windows: "ir.Table", listed: "ir.Table", shortest_s: int) -> "ir.Table":
    """Those not listed who met somebody in a window of that one."""
    import ibis

    clipped = visits.inner_join(windows, "person").select(
        "venue", begin=ibis.greatest(visits.entered_at, windows.from_at), end=ibis.least(visits.left_at, windows.to_at)
    )
    stays = _by_hours(clipped.filter(clipped.end - clipped.begin >= shortest_s), "begin", "end")
    others = _by_hours(visits.anti_join(listed, "person"), "entered_at", "left_at")
    pairs = others.inner_join(stays, ["venue", "part"])
    shared = pairs.select("person", "part", since=ibis.greatest(pairs.entered_at, pairs.begin), last=ibis.least(pairs.left_at, pairs.end))
    # Two stays may share several parts of the day: the pair counts in the one in which their meeting begins.
    meetings = shared.filter((shared["last"] - shared.since >= shortest_s) & (shared.since // PART_S == shared.part))
    return meetings.group_by("person").aggregate(
        first_at=meetings.since.min(), contacts=meetings.count(), shared_s=(meetings["last"] - meetings.since).sum()
    )


def _by_hours(stays: "ir.Table", begin: str, end: str) -> "ir.Table":
    """A row for each part of the day that a stay touches, so that engines can match by equality."""
    import ibis

    return stays.mutate(part=ibis.range(stays[begin] // PART_S, stays[end] // PART_S + 1).unnest())


def answered_by(engine: str, visits: Visits, cases: Cases, params: ExposureParams, *, spark_master: str = "local[*]") -> Exposures:
    """The question put to duckdb, polars or spark, the tables handed over as Parquet. Raises ImportError where the engine is not installed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    merged = cases.merged()
    tables = {
        "visits": pa.table({name: getattr(visits, name) for name in ("person", "venue", "entered_at", "left_at")}),
        "cases": pa.table({name: getattr(merged, name) for name in ("person", "from_at", "to_at")}),
    }
    with tempfile.TemporaryDirectory(prefix="tongchou-exposures-") as folder, _connection(engine, spark_master, folder) as connection:
        for name, table in tables.items():
            pq.write_table(table, Path(folder) / f"{name}.parquet")
        given, windows = (connection.read_parquet(str(Path(folder) / f"{name}.parquet"), table_name=name) for name in tables)
        answer = exposed(given, windows, params.minimum_overlap_s, params.generations).to_pyarrow()
    columns = {name: answer[name].to_numpy().astype(np.int64) for name in ("person", "generation", "first_at", "contacts", "shared_s")}
    order = np.lexsort((columns["person"], columns["generation"]))
    generation = columns.pop("generation")[order].astype(np.int8)
    return Exposures(generation=generation, risk=np.full(order.size, np.nan), **{name: c[order] for name, c in columns.items()})


@contextmanager
def _connection(engine: str, spark_master: str, folder: str) -> Iterator[Any]:
    import ibis

    if engine != "spark":
        yield getattr(ibis, engine).connect()
        return
    import os

    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_WORKER_DIR", folder)  # else workers of a local cluster write into the installed package
    settings = {"spark.ui.enabled": "false", "spark.sql.warehouse.dir": folder}
    if spark_master.startswith("local"):
        settings["spark.sql.shuffle.partitions"] = "4"  # 200 is for clusters
    builder = SparkSession.builder.master(spark_master).appName("tongchou exposures")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()
