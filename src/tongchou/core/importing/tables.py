"""Reading a table from a file somebody sent: CSV (UTF-8, GB18030) or XLSX. Every fault is named by cell, and a hostile file is refused unopened."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook

from tongchou.core.errors import Refusal
from tongchou.core.importing.archives import COLUMN_LIMIT, Damaged, FirstSheet, TooLarge, look_into
from tongchou.core.importing.columns import plain_heading
from tongchou.core.wording import T

ROW_LIMIT = 300_000  # a town is 200,000 people: more rows are several files or no list at all
FILE_BYTES_LIMIT = 64 * 2**20
_LINE_END = re.compile("[\r\n]+")
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')  # how spreadsheets keep leading zeros in a CSV file

ALL = T("整个文件", "the file")


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One thing wrong, where it stands, what it says there (secrets masked), and what to do. Row 0 is the file as a whole."""

    sheet: str
    row: int
    column: str
    heading: str
    value: str
    what: T
    remedy: T

    @property
    def cell(self) -> str:
        return f"{self.column}{self.row}" if self.row else str(ALL)


class FileRefused(Refusal):
    """A file of which nothing can be taken; `problems` name the cells."""

    status = 422

    def __init__(self, said: T, remedy: T, problems: Sequence[CellProblem] = ()) -> None:
        super().__init__(said, remedy)
        self.problems = tuple(problems) or (CellProblem("", 0, "", "", "", said, remedy),)


@dataclass(slots=True)
class Table:
    """Headings and rows as text; each row with its number in the file. `faults` belong to single cells."""

    sheet: str
    encoding: str
    headings: list[str]
    heading_row: int
    rows: list[tuple[int, list[str]]]
    faults: list[CellProblem] = field(default_factory=list)


def column_letter(index: int) -> str:
    """A, B, … Z, AA for 0, 1, … 25, 26."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read_table(content: bytes, known: frozenset[str]) -> Table:
    """The first sheet of a workbook, or a CSV file, told apart by its first bytes. `known` headings decide between encodings. Raises FileRefused."""
    if not content.strip():
        raise FileRefused(T("文件是空的。", "The file is empty."), T("请重新导出后上传。", "Export it again and upload it."))
    if len(content) > FILE_BYTES_LIMIT:
        raise _too_large(T(f"文件超过 {FILE_BYTES_LIMIT >> 20} MB。", f"The file is larger than {FILE_BYTES_LIMIT >> 20} MB."))
    if content[:4] == b"PK\x03\x04":
        return _read_workbook(content)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileRefused(
            T("这是旧式 .xls 或加了密码的工作簿。", "This is an old .xls workbook, or one with a password."),
            T("请去掉密码，另存为 .xlsx 后上传。", "Remove the password and save it as .xlsx."),
        )
    return _read_csv(content, known)


def _too_large(said: T) -> FileRefused:
    return FileRefused(
        said,
        T(
            f"每个文件最多 {ROW_LIMIT:,} 行：请按村居拆成几个文件。",
            f"At most {ROW_LIMIT:,} rows a file: split it, for example one file per village.",
        ),
    )


def _too_many_rows(count: int) -> FileRefused:
    return _too_large(T(f"文件有 {count:,} 行，超过上限。", f"The file has {count:,} rows, more than the limit."))


# --- CSV


def decode(content: bytes, known: frozenset[str]) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-8 with or without mark, else GB18030. Raises FileRefused for anything else."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in content:
        raise _wrong_encoding(T("文件是 UTF-16 或二进制文件。", "The file is UTF-16 or binary."))
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        first_line = content.split(b"\n", 1)[0]
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError as second:
        line = max(line, content.count(b"\n", 0, second.start) + 1)
        raise _wrong_encoding(T(f"第 {line} 行有无法识别的字节。", f"Line {line} holds bytes of no known encoding.")) from None
    headings = {plain_heading(heading.strip('"\r')) for heading in re.split("[,;\t]", _LINE_END.split(text, maxsplit=1)[0])}
    try:
        is_utf8_head = any(byte > 127 for byte in first_line) and bool(first_line.decode("utf-8"))
    except UnicodeDecodeError:
        is_utf8_head = False
    # GB18030 accepts almost any bytes: text that begins as UTF-8, whose headings mean nothing, or of which most signs are none of
    # everyday Chinese (GB 2312) was not written in it: Big5, Shift-JIS, Latin-1.
    signs = {sign for sign in text if sign > "\x7f"}
    everyday = sum(bool(sign.encode("gb2312", "ignore")) for sign in signs)
    if is_utf8_head or not headings & known or 2 * everyday < len(signs):
        raise _wrong_encoding(T(f"第 {line} 行的文字编码与其余部分不一致。", f"Line {line} is not in the encoding of the rest."))
    return text, "gb18030"


def _wrong_encoding(said: T) -> FileRefused:
    return FileRefused(
        said, T("请另存为 UTF-8 编码的 CSV，或 .xlsx，再上传。", "Save it as CSV in UTF-8, or as .xlsx, and upload it again.")
    )


def _read_csv(content: bytes, known: frozenset[str]) -> Table:
    if (lines := max(content.count(b"\n"), content.count(b"\r"))) > ROW_LIMIT + 1:
        raise _too_many_rows(lines)
    text, encoding = decode(content, known)
    head = _LINE_END.split(text, maxsplit=1)[0]
    delimiter = max(",;\t", key=head.count)
    table = Table("", encoding, [], 0, [])
    number, has_equals = 0, "=" in text
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            _take_row(table, number, cells, has_equals)
    except csv.Error as error:
        if "field limit" in str(error):
            raise FileRefused(
                T(
                    f"第 {number + 1} 行有一格超过 {csv.field_size_limit():,} 字。",
                    f"Row {number + 1} has a cell of more than {csv.field_size_limit():,} signs.",
                ),
                T("请检查该行的引号，或缩短这一格。", "See to the quotation marks of that row, or shorten the cell."),
            ) from error
        raise FileRefused(
            T(
                f"第 {number + 1} 行读到一半文件就断了，或引号不成对。",
                f"From row {number + 1} the file is cut off or a quotation mark is open.",
            ),
            T("请重新导出完整的文件。", "Export the whole file again."),
            [
                CellProblem(
                    "", number + 1, "A", "", "", T("引号没有结束", "an open quotation mark"), T(f"解析器：{error}", f"parser: {error}")
                )
            ],
        ) from error
    return _finished(table)


def _take_row(table: Table, number: int, cells: list[str], has_equals: bool) -> None:
    """Put one CSV record in the table, noting rows of the wrong length."""
    if not any(cells):
        return
    if not table.headings:
        table.headings, table.heading_row = [cell.strip() for cell in cells], number
        return
    width = len(table.headings)
    if len(cells) < width:
        what = T(f"本行只有 {len(cells)} 列，表头有 {width} 列", f"this row has {len(cells)} columns, the headings {width}")
        _fault(table, number, len(cells), "", what, T("行不完整：请重新导出或补齐", "The row is cut short: export again or fill it in"))
        cells = cells + [""] * (width - len(cells))
    elif any(cells[width:]):
        what = T(f"本行有 {len(cells)} 列，表头只有 {width} 列", f"this row has {len(cells)} columns, the headings only {width}")
        _fault(table, number, width, cells[width], what, T("内容里有逗号时请加引号", "Quote values that contain the separator"))
    for index, cell in enumerate(cells[:width] if has_equals else ()):
        if cell[:1] == "=":
            if kept := _KEPT_AS_TEXT.fullmatch(cell):
                cells[index] = kept[1]
            else:
                _fault(table, number, index, cell, *_FORMULA_SAYS)
    table.rows.append((number, cells if len(cells) == width else cells[:width]))


_FORMULA_SAYS = (
    T("单元格是公式，不是值", "the cell holds a formula, not a value"),
    T("复制后“选择性粘贴—值”再上传", "Copy and paste as values, then upload again"),
)


def _fault(table: Table, row: int, index: int, value: str, what: T, remedy: T) -> None:
    heading = table.headings[index] if index < len(table.headings) else ""
    table.faults.append(CellProblem(table.sheet, row, column_letter(index), heading, value[:60], what, remedy))


# --- XLSX


def _read_workbook(content: bytes) -> Table:
    first = _looked_into(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = book.sheet_names[0]
        table = Table(name, "xlsx", [], 0, [])
        for number, cells in enumerate(book.get_sheet_by_index(0).to_python(skip_empty_area=False), 1):
            _take_sheet_row(table, number, cells)
    except (CalamineError, zipfile.BadZipFile, IndexError, KeyError) as error:
        raise _broken_workbook() from error
    for letters, row in first.formulas:
        if row > table.heading_row:
            table.faults.append(CellProblem(table.sheet, row, letters, "", "", *_FORMULA_SAYS))
    return _finished(table)


def _broken_workbook() -> FileRefused:
    return FileRefused(
        T(
            "工作簿不完整、已损坏或有密码，可能没有传完。",
            "The workbook is incomplete, damaged or has a password; perhaps the transfer was cut off.",
        ),
        T("请用表格软件打开检查，另存为 .xlsx 后重新上传。", "Open it in a spreadsheet program, save it as .xlsx and upload it again."),
    )


def _looked_into(content: bytes) -> FirstSheet:
    """The first sheet's facts, with everything refused that must be before the reader lays the cells out."""
    try:
        first = look_into(content, ROW_LIMIT)
    except Damaged as error:
        raise _broken_workbook() from error
    except TooLarge as error:
        raise _too_large(
            T(
                f"工作簿解压后有 {error.megabytes} MB（压缩比 {error.ratio:.0f}），没有打开。",
                f"Unpacked, the workbook would be {error.megabytes} MB ({error.ratio:.0f} times its size); it was not opened.",
            )
        ) from error
    if first.row_count > ROW_LIMIT + 1:
        raise _too_many_rows(first.row_count)
    if first.far_cell:
        raise _far_away(first.far_cell)
    if first.merged:
        _refuse_merged([(first.file, column, row, last) for column, row, last in first.merged])
    return first


def _far_away(cell: str) -> FileRefused:
    return FileRefused(
        T(f"表格远处还有内容（{cell}）。", f"Far from the table something is filled in ({cell})."),
        T(
            f"最多 {COLUMN_LIMIT} 列、{ROW_LIMIT:,} 行：请删除表格右侧和下方的整列整行后另存。",
            f"At most {COLUMN_LIMIT} columns and {ROW_LIMIT:,} rows: delete the columns right of the table and the rows below it, then save.",
        ),
    )


def _refuse_merged(merged: Sequence[tuple[str, str, int, str]]) -> None:
    remedy = T("取消合并，每格填写自己的值", "Unmerge them and write each cell's own value")
    problems = [
        CellProblem(sheet, row, column, "", "", T(f"合并单元格 {column}{row}:{end}", f"merged cells {column}{row}:{end}"), remedy)
        for sheet, column, row, end in merged[:200]
    ]
    raise FileRefused(T(f"表中有 {len(merged)} 处合并单元格。", f"The sheet has {len(merged)} merged ranges."), remedy, problems)


def _take_sheet_row(table: Table, number: int, cells: Sequence[object]) -> None:
    if all(cell == "" or cell is None for cell in cells):
        return
    if not table.headings:
        table.headings, table.heading_row = [str(cell).strip() for cell in cells], number
        while table.headings and not table.headings[-1]:
            table.headings.pop()
        return
    width = len(table.headings)
    texts = []
    for index, cell in enumerate(cells[:width]):
        if type(cell) is str:
            texts.append(cell)
            continue
        texts.append(_text_of(cell))
        if isinstance(cell, float) and abs(cell) >= 1e15:
            what = T("长号码被存成了数字，末几位已丢失", "a long number was stored as a figure and lost its last digits")
            _fault(table, number, index, "", what, T("把该列设为“文本”格式后重新填写", "Format the column as text and enter it again"))
    if any(str(cell) for cell in cells[width:]):
        what = T("这一格没有表头", "this cell has no heading")
        _fault(table, number, width, "", what, T("补上表头或清空", "Give the column a heading or clear it"))
    texts += [""] * (width - len(texts))
    table.rows.append((number, texts))


def _text_of(cell: object) -> str:
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if (cell.hour, cell.minute, cell.second) == (0, 0, 0) else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else "" if cell is None else str(cell)


def _finished(table: Table) -> Table:
    if len(table.headings) > COLUMN_LIMIT:
        raise _far_away(f"{column_letter(len(table.headings) - 1)}{table.heading_row}")
    if not table.headings:
        raise FileRefused(
            T("没有找到表头。", "There are no headings."), T("第一行应为列名：请用模板。", "Row 1 must name the columns: use the template.")
        )
    return table
