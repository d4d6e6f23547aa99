"""The exposed-visit query of one generation as each general engine answers it best: tables in memory, sorted by venue and entry, both cores.

What is given to them beforehand, as the index is to us: the day of entry as a column, and that no stay is longer than `reach` days. A row of an
infectious stay for each day on which somebody it meets may have entered makes the match one by equality (venue, day), which all of them hash.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

DAY = 86_400
Answer = tuple[np.ndarray, ...]
SQL = """
WITH stays AS (
    SELECT v.venue AS venue, greatest(v.entered_at, c.from_at) AS begin_at, least(v.left_at, c.to_at) AS end_at
    FROM visits v JOIN cases c ON v.person = c.person
), spread AS (
    SELECT venue, begin_at, end_at, {days} AS day FROM stays WHERE end_at - begin_at >= {shortest}
), met AS (
    SELECT v.person AS person, greatest(v.entered_at, s.begin_at) AS since, least(v.left_at, s.end_at) AS last
    FROM visits v JOIN spread s ON v.venue = s.venue AND v.day = s.day
    WHERE least(v.left_at, s.end_at) - greatest(v.entered_at, s.begin_at) >= {shortest} AND v.person NOT IN (SELECT person FROM cases)
)
SELECT person, min(since) AS first_at, count(*) AS contacts, sum(last - since) AS shared_s FROM met GROUP BY person ORDER BY person
"""


@contextmanager
def duckdb(folder: Path, reach: int, shortest: int) -> Iterator[Callable[[], Answer]]:
    import duckdb as engine

    with engine.connect() as connection:
        for name in ("visits", "cases"):
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{folder / name}.parquet'")
        days = f"unnest(range(begin_at // {DAY} - {reach}, end_at // {DAY} + 1))"
        text = SQL.format(days=days, shortest=shortest)
        yield lambda: _columns(connection.sql(text).to_arrow_table())


@contextmanager
def chdb(folder: Path, reach: int, shortest: int) -> Iterator[Callable[[], Answer]]:
    from chdb.session import Session

    session = Session()
    kinds = {
        "visits": "person Int32, venue Int32, entered_at Int64, left_at Int64, day Int64",
        "cases": "person Int32, from_at Int64, to_at Int64",
    }
    try:
        session.query("CREATE DATABASE IF NOT EXISTS town")
        for name, columns in kinds.items():
            session.query(f"CREATE TABLE town.{name} ({columns}) ENGINE = Memory")
            session.query(f"INSERT INTO town.{name} SELECT * FROM file('{folder / name}.parquet')")
        days = f"arrayJoin(range(toInt64(intDiv(begin_at, {DAY}) - {reach}), toInt64(intDiv(end_at, {DAY}) + 1)))"
        text = SQL.format(days=days, shortest=shortest).replace("FROM visits", "FROM town.visits").replace("cases", "town.cases")
        import pyarrow as pa

        yield lambda: _columns(pa.ipc.open_file(session.query(text, "Arrow").bytes()).read_all())
    finally:
        session.close()


@contextmanager
def polars(folder: Path, reach: int, shortest: int) -> Iterator[Callable[[], Answer]]:
    import polars as pl

    visits, cases = (pl.read_parquet(folder / f"{name}.parquet") for name in ("visits", "cases"))

    def ask() -> Answer:
        of_cases = visits.lazy().join(cases.lazy(), on="person")
        begin, end = pl.max_horizontal("entered_at", "from_at"), pl.min_horizontal("left_at", "to_at")
        stays = of_cases.select("venue", begin_at=begin, end_at=end).filter(pl.col("end_at") - pl.col("begin_at") >= shortest)
        days = pl.int_ranges(pl.col("begin_at") // DAY - reach, pl.col("end_at") // DAY + 1)
        spread = stays.with_columns(day=days).explode("day")
        since, last = pl.max_horizontal("entered_at", "begin_at"), pl.min_horizontal("left_at", "end_at")
        met = (
            visits.lazy()
            .join(spread, on=["venue", "day"])
            .select("person", since=since, last=last)
            .filter(pl.col("last") - pl.col("since") >= shortest)
            .join(cases.lazy(), on="person", how="anti")
        )
        found = met.group_by("person").agg(
            first_at=pl.col("since").min(), contacts=pl.len(), shared_s=(pl.col("last") - pl.col("since")).sum()
        )
        return _columns(found.sort("person").collect().to_arrow())

    yield ask


def _columns(table: Any) -> Answer:
    return tuple(table[name].to_numpy().astype(np.int64) for name in ("person", "first_at", "contacts", "shared_s"))


PEERS: dict[str, Callable[[Path, int, int], Any]] = {"Polars": polars, "DuckDB": duckdb, "chDB": chdb}
