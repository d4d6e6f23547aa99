"""Files made to do harm, or damaged so that they do: the process lives, nothing is read, and the cell or part at fault is named."""

import io
import random
import struct
import zipfile

import pytest

from tests.core.test_importing_files import HEAD, read, with_sheet, workbook
from tongchou.core.importing.archives import COLUMN_LIMIT
from tongchou.core.importing.tables import ROW_LIMIT, FileRefused, read_table

SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData>%s</worksheet>'
HEADINGS = b'<row r="1">' + b"".join(b'<c r="%s1" t="inlineStr"><is><t>%s</t></is></c>' % (c, t.encode()) for c, t in ((b"A", "姓名"), (b"B", "电话"))) + b"</row>"  # fmt: skip


def sheet(rows: bytes, after: bytes = b"") -> bytes:
    return with_sheet(SHEET % (HEADINGS + rows, after))


def repacked(content: bytes, changed: dict[str, bytes]) -> bytes:
    source, stream = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in {*source.namelist(), *changed}:
            target.writestr(name, changed[name] if name in changed else source.read(name))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        (b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "XFD1048576"),
        (b"<row r = '1048576'><c s='1' r = 'xfd1048576' ><v>1</v></c></row>", "xfd1048576"),
        (b'<row r="4000000000"><c><v>1</v></c></row>', "4000000000"),
        (b'<row r="2"><c r="BA2"><v>1</v></c></row>', "BA2"),
        (b'<row r="2">' + b"<c><v>1</v></c>" * 60 + b"</row>", "60"),
    ],
)
def test_one_stray_cell_far_away_is_named_and_not_laid_out(row: bytes, cell: str) -> None:
    with pytest.raises(FileRefused, match="远处") as refused:
        read(sheet(row))
    assert cell in refused.value.said.en and f"{ROW_LIMIT:,}" in refused.value.remedy.en  # type: ignore[union-attr]


def test_coloured_but_empty_cells_far_away_take_no_room() -> None:
    table = read(sheet(b'<row r="2"><c r="A2"><v>7</v></c><c r="XFD2" s="1"/></row><row r="1048576" hidden="1"/>'))
    assert table.rows == [(2, ["7", ""])]


def test_merged_cells_of_the_sheet_that_stands_first_count_whatever_its_file_is_called() -> None:
    book = workbook([["姓名", "电话"], ["李", "1"], ["王", "2"]])
    source = zipfile.ZipFile(io.BytesIO(book))
    plain, merged = (SHEET % (HEADINGS + b'<row r="2"><c r="A2"><v>1</v></c></row>', after) for after in (b"", b'<mergeCells><mergeCell ref="A2:A3"/></mergeCells>'))  # fmt: skip
    links = source.read("xl/_rels/workbook.xml.rels").replace(
        b"</Relationships>",
        b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="/xl/worksheets/sheet9.xml"/></Relationships>',
    )
    names = source.read("xl/workbook.xml").replace(b"<sheets>", '<sheets><sheet name="新表" sheetId="9" r:id="rId99"/>'.encode())
    parts = {"xl/_rels/workbook.xml.rels": links, "xl/workbook.xml": names}
    with pytest.raises(FileRefused, match="合并") as refused:
        read(repacked(book, {**parts, "xl/worksheets/sheet9.xml": merged}))
    assert refused.value.problems[0].cell == "A2"
    assert read(repacked(book, {**parts, "xl/worksheets/sheet9.xml": plain, "xl/worksheets/sheet1.xml": merged})).sheet == "新表"


def test_prefixed_xml_of_other_programs_is_looked_into_as_well() -> None:
    rows = HEADINGS + b'<row r="2"><c t="str" r="A2">\n<f>1+1</f><v>2</v></c></row>'
    prefixed = (
        (SHEET % (rows, b"")).replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:").replace(b"xmlns=", b"xmlns:x=")
    )
    assert [fault.cell for fault in read(with_sheet(prefixed)).faults] == ["A2"]
    merged = prefixed.replace(b"</x:worksheet>", b'<x:mergeCells><x:mergeCell ref="A2:A3"/></x:mergeCells></x:worksheet>')
    with pytest.raises(FileRefused, match="合并"):
        read(with_sheet(merged))


def test_part_that_lies_about_its_size_is_not_unpacked() -> None:
    name = b"xl/sharedStrings.xml"
    content = bytearray(repacked(workbook([["姓名", "电话"]]), {name.decode(): b"<sst>" + b"A" * (64 * 2**20) + b"</sst>"}))
    entry = content.rfind(b"PK\x01\x02", 0, content.rfind(name))
    content[entry + 24 : entry + 28] = struct.pack("<I", 5000)
    with pytest.raises(FileRefused, match="损坏"):
        read(bytes(content))


def test_names_that_multiply_are_not_expanded() -> None:
    names = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "]>"  # fmt: skip
    book = workbook([["姓名", "电话"]])
    told = zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml").replace(b"?>", b"?>" + names.encode(), 1)
    with pytest.raises(FileRefused, match="损坏"):
        read(repacked(book, {"xl/workbook.xml": told}))


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_are_refused_or_read_but_never_a_crash(seed: int) -> None:
    content, draw = workbook([["姓名", "电话"], *[["李", str(n)] for n in range(40)]]), random.Random(seed)
    outcomes = set()
    for _ in range(150):
        hurt = bytearray(content)
        for _ in range(3):
            hurt[draw.randrange(len(hurt))] = draw.randrange(256)
        try:
            outcomes.add(bool(read(bytes(hurt)).rows))
        except FileRefused as refused:
            outcomes.add(refused.said.en)
    assert any("incomplete" in str(outcome) for outcome in outcomes)


def test_million_rows_with_old_line_ends_are_refused_too() -> None:
    with pytest.raises(FileRefused, match="1,000,00"):
        read(HEAD.replace("\n", "\r").encode() + b"x,1\r" * 1_000_000)


def test_too_many_columns_and_too_long_a_cell_are_named() -> None:
    with pytest.raises(FileRefused, match=f"最多 {COLUMN_LIMIT} 列|at most"):
        read(",".join(f"c{n}" for n in range(100_000)))
    with pytest.raises(FileRefused, match="第 3 行") as refused:
        read(HEAD + "李,1\n" + "李" * 140_000 + ",2\n")
    assert "131,072" in refused.value.said.en


@pytest.mark.parametrize("encoding", ["big5", "shift-jis", "latin-1"])
def test_other_encodings_under_plain_headings_are_not_taken_for_chinese(encoding: str) -> None:
    names = {"big5": "李小明,1\n王大同,2\n", "shift-jis": "山田太郎,1\n", "latin-1": "Müller,1\nGrüßler,2\nLübke,3\n"}
    with pytest.raises(FileRefused, match="编码"):
        read_table(("name,phone\n" + names[encoding]).encode(encoding), frozenset({"name", "phone"}))


def test_chinese_of_rare_signs_is_still_chinese() -> None:
    assert read((HEAD + "李赟,1\n王堃,2\n").encode("gb18030")).encoding == "gb18030"


def test_null_sign_deep_in_a_file_is_found() -> None:
    with pytest.raises(FileRefused, match="二进制"):
        read(HEAD + "李,1\n" * 3000 + "a\x00b,1\n")
