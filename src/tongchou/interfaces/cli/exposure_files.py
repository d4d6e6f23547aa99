"""Files of the exposed-visit query: visits (CSV or Parquet), cases and venues (CSV); every fault is named by file and row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tongchou.core.wording import T
from tongchou.interfaces.cli.tables import BadTable, read_table

if TYPE_CHECKING:
    from tongchou.science import Cases, Visits
    from tongchou.science.exposure.model import Floats, Ints

COLUMNS = ("person", "venue", "entered_at", "left_at")
WITH_ZONE = T("带时区的时间，如 2022-05-01T08:30+08:00", "a time with its zone, such as 2022-05-01T08:30+08:00")
PARQUET_REMEDY = T(
    "请安装：pip install 'tongchou[engines]'，或改用 CSV。", "Install it: pip install 'tongchou[engines]'; or give a CSV file."
)
GIVE_KIND = T("请给出 .csv 或 .parquet 文件。", "Give a .csv or .parquet file.")


class Codes(dict[str, int]):
    """Names as codes 0, 1, 2, ... in the order in which they are first asked for."""

    def __missing__(self, name: str) -> int:
        self[name] = code = len(self)
        return code


@dataclass(frozen=True, slots=True)
class VisitFile:
    """Visits read, with the names behind the codes; `assumed`: departures nobody saw."""

    visits: "Visits"
    persons: Codes
    venues: Codes
    assumed: int


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Windows read; `zone` is that of the first window: answers are shown in it."""

    cases: "Cases"
    zone: tzinfo = field(compare=False)


def read_visits(path: Path, assumed_stay_s: int) -> VisitFile:
    """The visits of a file; an empty `left_at` is filled in by `assume_departures`."""
    import numpy as np

    from tongchou.science import Visits, assume_departures

    readers = {".csv": _csv_columns, ".parquet": _parquet_columns}
    if path.suffix.lower() not in readers:
        _refuse(path, T(f"不认识的文件类型“{path.suffix}”", f"unknown kind of file '{path.suffix}'"), GIVE_KIND)
    persons, venues = Codes(), Codes()
    person, venue, entered, left, lines = readers[path.suffix.lower()](path, persons, venues)
    if not entered.size:
        _refuse(path, T("没有到访记录", "has no visits"), T("请给出表头和至少一行。", "Give a heading and at least one row."))
    missing = left == MISSING
    wrong = np.flatnonzero(~missing & (left < entered))
    if wrong.size:
        _refuse(path, T("离开早于进入", "left_at lies before entered_at"), T("请更正这一行。", "Correct this row."), int(lines[wrong[0]]))
    left = assume_departures(person, entered, left, missing, assumed_stay_s)
    return VisitFile(Visits(person, venue, entered, left), persons, venues, int(missing.sum()))


def read_cases(path: Path, persons: Codes) -> CaseFile:
    """The windows of a CSV file person,from_at,to_at; persons without visits get codes of their own."""
    import numpy as np

    from tongchou.science import Cases

    table = read_table(path)
    person, begin, end = table.column("person"), table.column("from_at"), table.column("to_at")
    rows, zone = [], None
    for row in table.rows:
        name = row.read(person, _name, T("人员编号", "a person"))
        since, until = row.read(begin, _moment, WITH_ZONE), row.read(end, _moment, WITH_ZONE)
        if until <= since:
            row.refuse(end, T("不晚于 from_at", "not after from_at"), T("请更正时间窗。", "Correct the window."))
        zone = zone or since.tzinfo
        rows.append((persons[name], int(since.timestamp()), int(until.timestamp())))
    assert zone is not None
    return CaseFile(Cases(*np.array(rows, np.int64).T), zone)


def read_dose_rates(path: Path, venues: Codes) -> "Floats":
    """Quanta a second at each venue of the visits from a CSV file venue,ventilation[,volume_m3]."""
    import numpy as np

    from tongchou.science import dose_rate
    from tongchou.science.exposure.ventilation import VENTILATION_CLASSES

    def known(text: str) -> Any:
        if text not in VENTILATION_CLASSES:
            raise ValueError
        return text

    def volume(text: str) -> float:
        if not text:
            return float("nan")
        if not 0 < (value := float(text)) < float("inf"):
            raise ValueError
        return value

    table = read_table(path)
    name, kind, size = table.column("venue"), table.column("ventilation"), table.optional("volume_m3")
    wanted = T(f"{'、'.join(VENTILATION_CLASSES)} 之一", f"one of {', '.join(VENTILATION_CLASSES)}")
    found = {
        row.read(name, _name, T("场所", "a venue")): (
            row.read(kind, known, wanted),
            row.read(size, volume, T("大于 0 的体积，或留空", "a volume above 0, or leave it empty")) if size else float("nan"),
        )
        for row in table.rows
    }
    absent = [venue for venue in venues if venue not in found]
    if absent:
        said = T(
            f"{len(absent)} 个到访场所没有通风等级，如“{absent[0]}”",
            f"{len(absent)} venues of the visits are not in it, such as '{absent[0]}'",
        )
        _refuse(path, said, T("请补上这些场所。", "Add a row for each."))  # fmt: skip
    return dose_rate([found[v][0] for v in venues], np.array([found[v][1] for v in venues]))


MISSING = -(2**62)  # a departure nobody saw


def _csv_columns(path: Path, persons: Codes, venues: Codes) -> tuple["Ints", ...]:
    import numpy as np

    rows = list(_csv_rows(path, persons, venues))
    return tuple(np.array(rows, np.int64).reshape(-1, 5).T)


def _csv_rows(path: Path, persons: Codes, venues: Codes) -> Iterator[tuple[int, int, int, int, int]]:
    """person, venue, entered, left, line; read row by row, so that a large file never lies in memory as text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines)
            there = [name.strip() for name in next(reader, [])]
            pick = itemgetter(*(_place(path, there, column) for column in COLUMNS))
            for cells in reader:
                if not any(cells):
                    continue
                try:
                    person, venue, entered, left = pick(cells)
                except IndexError:
                    _refuse(path, T("单元格太少", "too few cells"), T("请补齐这一行。", "Complete this row."), reader.line_num)
                person, venue, left, line = person.strip(), venue.strip(), left.strip(), reader.line_num
                yield (
                    persons[person] if person else _empty(path, "person", line),
                    venues[venue] if venue else _empty(path, "venue", line),
                    _second(path, "entered_at", entered.strip(), line),
                    _second(path, "left_at", left, line) if left else MISSING,
                    line,
                )
    except OSError as error:
        _refuse(
            path, T(f"无法读取：{error.strerror}", f"cannot be read: {error.strerror}"), T("请检查文件名。", "Check the name of the file.")
        )
    except (UnicodeDecodeError, csv.Error) as error:
        _refuse(path, T(f"不是 UTF-8 的 CSV：{error}", f"is no CSV in UTF-8: {error}"), T("请另存为 UTF-8 的 CSV。", "Save it as CSV in UTF-8."))  # fmt: skip


def _place(path: Path, there: list[str], column: str) -> int:
    if column not in there:
        said = T(f"缺少“{column}”列", f"column {column} is missing")
        _refuse(path, said, T(f"需要 {'、'.join(COLUMNS)}；文件中有：{'、'.join(there)}。", f"It needs {', '.join(COLUMNS)}; there are: {', '.join(there)}."))  # fmt: skip
    return there.index(column)


def _empty(path: Path, column: str, line: int) -> NoReturn:
    _refuse(path, T(f"“{column}”为空", f"{column} is empty"), T("请补上或删除这一行。", "Fill it in, or take the row out."), line)


def _second(path: Path, column: str, text: str, line: int) -> int:
    try:
        return int(_moment(text).timestamp())
    except ValueError:
        said = T(f"“{column}”的“{text}”不是带时区的时间", f"{column} '{text}' is no time with a zone")
        _refuse(path, said, T(f"请填写{WITH_ZONE.zh}。", f"Write {WITH_ZONE.en}."), line)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _name(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _parquet_columns(path: Path, persons: Codes, venues: Codes) -> tuple["Ints", ...]:
    import numpy as np

    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        _refuse(path, T("读取 Parquet 需要 pyarrow", "reading Parquet needs pyarrow"), PARQUET_REMEDY)
    try:
        there = pq.read_schema(path).names
        for column in COLUMNS:
            _place(path, there, column)
        table = pq.read_table(path, columns=list(COLUMNS)).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        _refuse(path, T(f"不是可读的 Parquet：{error}", f"is no readable Parquet: {error}"), T("请检查文件。", "Check the file."))
    person, venue = (_coded(path, table[name], name, codes) for name, codes in (("person", persons), ("venue", venues)))
    entered, left = (_seconds(path, table[name], name) for name in ("entered_at", "left_at"))
    empty = np.flatnonzero(entered == MISSING)
    if empty.size:
        _empty(path, "entered_at", int(empty[0]) + 1)
    return person, venue, entered, left, np.arange(1, len(entered) + 1)


def _coded(path: Path, column: Any, name: str, codes: Codes) -> "Ints":
    import numpy as np

    if column.null_count:
        _empty(path, name, int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1)
    coded = column.cast("string").combine_chunks().dictionary_encode()
    numbers = np.array([codes[text] for text in coded.dictionary.to_pylist()], np.int64)
    return numbers[coded.indices.to_numpy()]


def _seconds(path: Path, column: Any, name: str) -> "Ints":
    """Seconds since 1970; MISSING where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = pc.floor(pc.divide(column.cast(pa.timestamp("us", kind.tz)).cast("int64").cast("float64"), 1e6)).cast("int64")
    elif not pa.types.is_integer(kind):
        said = T(f"“{name}”列是 {kind}，没有时区", f"column {name} is {kind}, which has no zone")
        _refuse(path, said, T("请用带时区的 timestamp，或 1970 年以来的整秒（UTC）。", "Use timestamp with a zone, or whole seconds since 1970 UTC."))  # fmt: skip
    return column.cast("int64").fill_null(MISSING).to_numpy()


def _refuse(path: Path, said: T, remedy: T, line: int | None = None) -> NoReturn:
    where = T(f"{path} 第 {line} 行", f"{path}, row {line}") if line else T(str(path), str(path))
    raise BadTable(T(f"{where.zh}：{said.zh}。", f"{where.en}: {said.en}."), remedy)
