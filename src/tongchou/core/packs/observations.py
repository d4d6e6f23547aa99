"""The bitemporal observations of a pack, read in columns: what was reported, for which day, and when it became known."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from tongchou.core.packs.problems import PackInvalid, Problem
from tongchou.core.wording import T

OBSERVATION_COLUMNS = ("stream", "day", "reported_at", "value", "basis")
BASES = ("vintage", "final_at_usual_lag")


@dataclass(frozen=True, slots=True)
class ObservationColumns:
    """Observations in parallel lists. `basis` says whether the value is what stood there on that day or a later one at the usual lag."""

    stream: list[str]
    day: list[date]
    reported_at: list[datetime]
    value: list[float]
    basis: list[str]

    def __len__(self) -> int:
        return len(self.stream)


def read_observations(path: Path, chunk_rows: int = 50_000) -> Iterator[ObservationColumns]:
    """The rows of one `observations/*.csv.gz` in chunks. Raises PackInvalid at the first row that cannot be read."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle)
        header = next(reader, [])
        if tuple(header) != OBSERVATION_COLUMNS:
            wanted = ",".join(OBSERVATION_COLUMNS)
            raise _invalid(
                path, 1, T(f"表头是 {','.join(header)}", f"the header is {','.join(header)}"), T(f"应为 {wanted}", f"It must be {wanted}")
            )
        columns = _empty()
        for row in reader:
            _append(columns, row, path, reader.line_num)
            if len(columns) >= chunk_rows:
                yield columns
                columns = _empty()
        if len(columns):
            yield columns


def _empty() -> ObservationColumns:
    return ObservationColumns([], [], [], [], [])


def _append(columns: ObservationColumns, row: list[str], path: Path, line: int) -> None:
    try:
        stream, day, reported_at, value, basis = row
        parsed = date.fromisoformat(day), datetime.fromisoformat(reported_at), float(value)
        if basis not in BASES or parsed[1].tzinfo is None:
            raise ValueError(f"{reported_at} {basis}")
    except ValueError as error:
        what = T(f"这一行读不出来（{error}）", f"this row cannot be read ({error})")
        remedy = T("请用 build.py 重新生成这个文件", "Make the file again with build.py")
        raise _invalid(path, line, what, remedy) from error
    columns.stream.append(stream)
    columns.day.append(parsed[0])
    columns.reported_at.append(parsed[1])
    columns.value.append(parsed[2])
    columns.basis.append(basis)


def _invalid(path: Path, line: int, what: T, remedy: T) -> PackInvalid:
    return PackInvalid(path.parent.parent.name, [Problem(f"observations/{path.name}", f"line {line}", what, remedy)])
