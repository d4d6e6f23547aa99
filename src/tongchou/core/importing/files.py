"""Files handed out: templates to fill in, wrong rows with their problems beside them, exports. No value can act as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from tongchou.core.importing.checking import ImportSpec
from tongchou.core.wording import T, current_language

_ACTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_WORKBOOK = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def harmless(value: object) -> object:
    """A value no spreadsheet program will run: text that begins like a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_ACTS) else value


def template_workbook(spec: ImportSpec) -> bytes:
    """An XLSX to fill in: headings, one example row (left out when read back), and a sheet that explains each column."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _WORKBOOK)
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "num_format": "@"})
    muted = book.add_format({"italic": True, "font_color": "#6B7280", "num_format": "@"})
    as_text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(str(spec.label)[:31])
    for index, column in enumerate(spec.columns):
        sheet.set_column(index, index, 20, as_text)
        sheet.write_string(0, index, f"{column.label}{'*' if column.required else ''}", bold)
        sheet.write_string(1, index, column.example, muted)
        if column.choices:
            words = [str(word) for word in column.choices.values()]
            if sum(map(len, words)) + len(words) < 255:
                sheet.data_validation(2, index, 5000, index, {"validate": "list", "source": words, "error_type": "warning"})
    sheet.freeze_panes(1, 0)
    _explain(book, spec, bold)
    book.close()
    return stream.getvalue()


def _explain(book: xlsxwriter.Workbook, spec: ImportSpec, bold: Any) -> None:
    notes = book.add_worksheet(str(T("填写说明", "Notes")))
    notes.set_column(0, 3, 28)
    heads = (T("列", "Column"), T("必填", "Required"), T("说明", "Note"), T("示例", "Example"))
    for index, head in enumerate(heads):
        notes.write_string(0, index, str(head), bold)
    yes, no = T("是", "yes"), T("否", "no")
    for row, column in enumerate(spec.columns, 1):
        for index, word in enumerate((column.label, yes if column.required else no, column.note or "", column.example)):
            notes.write_string(row, index, str(word))
    about = T(
        "第一行是列名，请勿改动；第二行是示例，读取时会略过。号码列请保持“文本”格式，不要合并单元格，不要用公式。",
        "Row 1 names the columns: keep it. Row 2 is an example and is left out. Keep number columns as text; no merged cells, no formulas.",
    )
    notes.write_string(len(spec.columns) + 2, 0, str(about))


def annotated_workbook(headings: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]], problems: Sequence[Mapping[str, Any]]) -> bytes:
    """The wrong rows as they stood, each wrong cell marked with its problem and the last column summing them up (错误标注)."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _WORKBOOK)
    bold, wrong, plain = (
        book.add_format({"num_format": "@", **look}) for look in ({"bold": True}, {"bg_color": "#FDE2E1", "font_color": "#9B1C1C"}, {})
    )
    sheet = book.add_worksheet(str(T("待改正", "To correct")))
    language = current_language()
    by_row: dict[int, list[Mapping[str, Any]]] = {}
    for problem in problems:
        by_row.setdefault(problem["row"], []).append(problem)
    heads = [*headings, str(T("原行号", "Row in the file")), str(T("问题", "Problems"))]
    for index, head in enumerate(heads):
        sheet.write_string(0, index, head, bold)
    sheet.set_column(0, len(heads) - 2, 18, plain)
    sheet.set_column(len(heads) - 1, len(heads) - 1, 60, plain)
    for at, (number, cells) in enumerate(rows, 1):
        mine = by_row.get(number, [])
        for index, cell in enumerate(cells):
            sheet.write_string(at, index, str(cell), plain)
        for problem in mine:
            index = _column_index(problem["column"])
            if index < len(cells):
                sheet.write_string(at, index, str(cells[index]), wrong)
                sheet.write_comment(at, index, f"{problem['what'][language]} {problem['remedy'][language]}")
        told = "; ".join(f"{p['heading']} {p['what'][language]} ({p['remedy'][language]})" for p in mine)
        sheet.write_number(at, len(cells), number)
        sheet.write_string(at, len(cells) + 1, told)
    sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def csv_lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """A CSV file in UTF-8 with its mark (spreadsheet programs need it), line by line."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield b"\xef\xbb\xbf"
    writer.writerow(headings)
    for number, row in enumerate(rows, 1):
        writer.writerow([harmless(cell) for cell in row])
        if number % 500 == 0:
            yield line.getvalue().encode()
            line.seek(0)
            line.truncate()
    yield line.getvalue().encode()


def workbook_of(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """An XLSX file of a table; every text is written as text."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {**_WORKBOOK, "constant_memory": True})
    sheet = book.add_worksheet(title[:31])
    for index, head in enumerate(headings):
        sheet.write_string(0, index, head)
    for at, row in enumerate(rows, 1):
        for index, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(at, index, cell)
            else:
                sheet.write_string(at, index, str(harmless(cell)))
    book.close()
    return stream.getvalue()
