"""Looking into a workbook before the reader unpacks it: how large it would become, and what its first sheet holds. Pure.

The reader (calamine) lays out every cell up to the last one filled: one stray sign in XFD1048576 would ask for half a terabyte and take the
process with it. So size, reach, merged cells and formulas are told from the XML first, whatever program wrote it.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from posixpath import join, normpath
from xml.etree import ElementTree

UNPACKED_BYTES_LIMIT = 256 * 2**20
UNPACKED_RATIO_LIMIT = 200  # honest sheets pack 5 to 40 times
PARTS_LIMIT = 2000
DIRECTORY_BYTES_LIMIT = 4 * 2**20
COLUMN_LIMIT = 52  # A to AZ; no register has half as many
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Za-z]+)([0-9]+):([A-Za-z]+[0-9]+)")
_FORMULA = re.compile(rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f[\s/>]")
_REFERENCE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]+)([0-9]+)")
# References beyond column AZ and row numbers from 300,000: few or none in an honest sheet, so that looking for them costs one pass each.
_FAR_RIGHT = re.compile(rb"\sr\s*=\s*[\"']((?:[B-Zb-z][A-Za-z]|[A-Za-z]{3,})[0-9]+)")
_FAR_DOWN = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*0*([3-9][0-9]{5}|[1-9][0-9]{6,}))[\"']")
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ElementTree.ParseError,
)


class Damaged(Exception):
    """Not a workbook, cut off, with a password, or telling untruths about its own size."""


class TooLarge(Exception):
    """Unpacked it would be far larger than any list: not opened."""

    def __init__(self, megabytes: int, ratio: float) -> None:
        self.megabytes, self.ratio = megabytes, ratio
        super().__init__(f"{megabytes} MB, {ratio:.0f} times its size")


@dataclass(frozen=True, slots=True)
class FirstSheet:
    """What the XML of the first sheet says. `far_cell`: a filled cell that lies beyond all limits, such as XFD1048576."""

    file: str
    row_count: int
    far_cell: str
    merged: tuple[tuple[str, int, str], ...]  # column, row, last cell
    formulas: tuple[tuple[str, int], ...]


def look_into(content: bytes, row_limit: int) -> FirstSheet:
    """What a workbook holds, without laying it out. Raises Damaged or TooLarge."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        _refuse_bomb(archive)
        # Read to the end, every part: the directory may lie about sizes and the reader would believe it. A lie fails the checksum here.
        for entry in archive.infolist():
            with archive.open(entry) as part:
                while part.read(2**20):
                    pass
        name = _first_sheet(archive)
        return _facts(name, archive.read(name), row_limit)
    except _UNREADABLE as error:
        raise Damaged(str(error)) from error


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    ratio = max((entry.file_size / max(entry.compress_size, 1) for entry in entries if entry.file_size > 2**20), default=0)
    if unpacked > UNPACKED_BYTES_LIMIT or ratio > UNPACKED_RATIO_LIMIT or len(entries) > PARTS_LIMIT:
        raise TooLarge(unpacked >> 20, ratio)


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The file of the sheet that stands first, which need not be sheet1.xml."""
    sheets = [element for element in _elements(archive, "xl/workbook.xml") if _plain(element.tag) == "sheet"]
    wanted = next((value for name, value in sheets[0].attrib.items() if _plain(name) == "id" and "}" in name), "") if sheets else ""
    for element in _elements(archive, "xl/_rels/workbook.xml.rels"):
        if element.attrib.get("Id") == wanted and "Target" in element.attrib:
            return normpath(join("/xl", element.attrib["Target"])).lstrip("/")
    raise KeyError("first sheet")


def _elements(archive: zipfile.ZipFile, name: str) -> Iterator[ElementTree.Element]:
    text = archive.read(name)
    if len(text) > DIRECTORY_BYTES_LIMIT or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError(f"{name} is not a list of sheets")
    yield from ElementTree.fromstring(text).iter()


def _plain(name: str) -> str:
    return name.rpartition("}")[2]


def _facts(name: str, xml: bytes, row_limit: int) -> FirstSheet:
    file, row_count = name.rpartition("/")[2], len(_ROW.findall(xml))
    if row_count > row_limit + 1:
        return FirstSheet(file, row_count, "", (), ())
    rows = _ROW.split(xml)
    fullest = max((_count_cells(row) for row in rows), default=0)
    return FirstSheet(
        file=file,
        row_count=row_count,
        far_cell=_far_cell(xml, row_limit) or ("" if fullest <= COLUMN_LIMIT else f"…{fullest}"),
        merged=tuple(
            (column.decode(), int(row), last.decode()) for column, row, last in (_MERGED.findall(xml) if b"mergeCell" in xml else ())
        ),
        formulas=tuple(_formulas(xml)) if b"<f" in xml or b":f" in xml else (),
    )


def _count_cells(row: bytes) -> int:
    # The cheap count is never too small; only a row that looks too full is counted properly.
    return len(_CELL.findall(row)) if row.count(b"<") > 150 else 0


def _far_cell(xml: bytes, row_limit: int) -> str:
    """The first reference out of reach that is not merely an empty cell with a colour: those end in `/>` and take no room."""
    down = (found for found in _FAR_DOWN.finditer(xml) if int(found[2]) > row_limit + 1)
    return next((found[1].decode() for found in chain(_FAR_RIGHT.finditer(xml), down) if not _is_empty(xml, found.end())), "")


def _is_empty(xml: bytes, at: int) -> bool:
    end = xml.find(b">", at)
    return xml[end - 1 : end] == b"/"


def _formulas(xml: bytes) -> Iterator[tuple[str, int]]:
    for found in _FORMULA.finditer(xml):
        if reference := _REFERENCE.search(found[1]):
            yield reference[1].decode(), int(reference[2])
