"""CSV files in and out of commands that need no town: every fault is named by file, row and column, and ends with 2."""

import csv
import io
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault, print_json, refuse

Value = TypeVar("Value")
MISSING = {"", "NA", "NaN", "nan", "null", "NULL"}  # cells that hold no number
OutFile = Annotated[Path | None, typer.Option("--out", help="File to write; default: the screen. 输出文件。")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON instead of CSV. 输出 JSON。")]


class BadTable(Fault):
    """What is wrong with a file that was read or is to be written, and what to do; within `refused_with_two` it ends the program with 2."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (the heading is line 1) and its cells by column."""

    path: Path
    line: int
    cells: dict[str, str]

    def refuse(self, column: str, said: T, remedy: T) -> NoReturn:
        """This cell is wrong."""
        raise BadTable(
            T(
                f"{self.path} 第 {self.line} 行“{column}”列：{said.zh}。", f"{self.path}, row {self.line}, column {column}: {said.en}."
            ),
            remedy,
        )  # fmt: skip

    def read(self, column: str, as_value: Callable[[str], Value], wanted: T) -> Value:
        """The cell as a value; refused when it is none."""
        text = self.cells.get(column, "").strip()
        try:
            return as_value(text)
        except ValueError:
            self.refuse(column, T(f"“{text}”不能识别", f"'{text}' cannot be read"), T(f"请填写{wanted.zh}。", f"Write {wanted.en}."))

    def day(self, column: str) -> date:
        """The cell as a day."""
        return self.read(column, date.fromisoformat, T("日期，如 2022-05-01", "a day such as 2022-05-01"))

    def count(self, column: str, *, below_zero: bool = False) -> float:
        """The cell as a finite number, 0 or more unless said otherwise."""

        def number(text: str) -> float:
            value = float(text)
            if not math.isfinite(value) or (value < 0 and not below_zero):
                raise ValueError
            return value

        wanted = T("一个数", "a number") if below_zero else T("不小于 0 的数", "a number of 0 or more")
        return self.read(column, number, wanted)


@dataclass(frozen=True, slots=True)
class Table:
    """A file read: its columns and rows."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, *names: str) -> str:
        """The one of these columns that is there; refused when none is."""
        found = self.optional(*names)
        if found is None:
            wanted, there = " / ".join(names), ", ".join(self.columns)
            raise BadTable(
                T(f"{self.path} 缺少“{names[0]}”列。", f"{self.path}: column {names[0]} is missing."),
                T(f"可用的列名：{wanted}；文件中有：{there}。", f"It may be called {wanted}; there are {there}."),
            )
        return found

    def optional(self, *names: str) -> str | None:
        """The one of these columns that is there, if any."""
        return next((name for name in names if name in self.columns), None)


def read_table(path: Path) -> Table:
    """Read a CSV file with a heading, UTF-8 or GB18030."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadTable(
            T(f"{path} 无法读取：{error.strerror}。", f"{path}: cannot be read: {error.strerror}."),
            T("请检查文件名。", "Check the name of the file."),
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        rows = tuple(_row(path, reader.line_num, columns, cells) for cells in reader if any(c.strip() for c in cells))
    except csv.Error as error:
        raise BadTable(
            T(f"{path} 第 {reader.line_num} 行不是 CSV：{error}。", f"{path}, row {reader.line_num}: no CSV: {error}."),
            T("请另存为逗号分隔的 UTF-8 文件。", "Save it as comma-separated UTF-8."),
        ) from error
    if not rows:
        raise BadTable(
            T(f"{path} 没有数据行。", f"{path}: has no rows."), T("请给出表头和至少一行。", "Give a heading and at least one row.")
        )
    return Table(path, columns, rows)


def _row(path: Path, line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) > len(columns):
        raise BadTable(
            T(f"{path} 第 {line} 行有 {len(cells)} 格，表头只有 {len(columns)} 列。", f"{path}, row {line}: {len(cells)} cells under {len(columns)} columns."),
            T("请检查多余的逗号。", "Look for a comma too many."),
        )  # fmt: skip
    return Row(path, line, dict(zip(columns, cells, strict=False)))


@contextmanager
def refused_with_two() -> Iterator[None]:
    """End the program with 2 and one line when the input is wrong."""
    try:
        yield
    except BadTable as bad:
        refuse(bad.said, bad.remedy)
        raise typer.Exit(2) from bad
    except ValueError as error:
        refuse(T(f"输入有误：{error}。", f"the input cannot be used: {error}."))
        raise typer.Exit(2) from error


def write_records(records: Sequence[dict[str, Any]], out: Path | None, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Records as CSV, or as one JSON document, to a file or the screen; NaN is an empty cell or null. Raises BadTable for a place that takes no file.

    columns: the heading of a CSV without records.
    """
    cleaned = [{k: None if isinstance(v, float) and math.isnan(v) else v for k, v in r.items()} for r in records]
    if as_json and out is None:
        print_json(cleaned)
        return
    if as_json and out is not None:
        import json

        _write(out, json.dumps(cleaned, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    page = io.StringIO()
    writer = csv.DictWriter(page, fieldnames=list(cleaned[0]) if cleaned else list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _shown(v) for k, v in r.items()} for r in cleaned)
    if out is None:
        sys.stdout.write(page.getvalue())
    else:
        _write(out, page.getvalue())


def _write(out: Path, text: str) -> None:
    """All or nothing: written beside and moved over, so that a full disk leaves what was there."""
    whole = not out.exists() or out.is_file()  # a pipe or a device takes no other file's place
    target = out.resolve() if whole else out
    beside = target.with_name(f".{target.name}.{os.getpid()}") if whole else out
    try:
        beside.write_text(text, "utf-8")
        if whole:
            beside.replace(target)
    except OSError as error:
        if whole:
            with suppress(OSError):
                beside.unlink()
        raise BadTable(
            T(f"{out} 无法写入：{error.strerror}。", f"--out {out}: cannot be written: {error.strerror}."),
            T("请换一个位置。", "Choose another place."),
        ) from error


def _shown(value: object) -> object:
    return f"{value:.12g}" if isinstance(value, float) else value


def by_group(rows: Iterable[Row], column: str | None) -> dict[str, list[Row]]:
    """Rows by group, in the order in which the groups first stand; one nameless group without such a column."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.cells.get(column, "").strip() if column else "", []).append(row)
    return found
