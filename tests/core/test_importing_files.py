"""Files that are wrong in every way a file can be wrong: each is refused with what, where and what to do, and nothing is read from it."""

import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from tongchou.core.importing.files import csv_lines, harmless
from tongchou.core.importing.tables import ROW_LIMIT, FileRefused, Table, column_letter, read_table

KNOWN = frozenset({"姓名", "电话"})
HEAD = "姓名,电话\n"


def read(content: bytes | str) -> Table:
    return read_table(content.encode() if isinstance(content, str) else content, KNOWN)


def workbook(rows: list[list[object]], change: object = None) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet("表一")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    if change:
        change(sheet)  # type: ignore[operator]
    book.close()
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ((HEAD + "李示例,13800138000\n").encode(), "utf-8"),
        (b"\xef\xbb\xbf" + (HEAD + "李示例,13800138000\n").encode(), "utf-8"),
        ((HEAD + "李示例,13800138000\n").encode("gb18030"), "gb18030"),
        ((HEAD + "㐀示例,13800138000\r\n").encode("gb18030"), "gb18030"),
        (workbook([["姓名", "电话"], ["李示例", "13800138000"]]), "xlsx"),
    ],
)
def test_same_rows_from_every_encoding_and_format(content: bytes, encoding: str) -> None:
    table = read(content)
    assert (table.headings, table.encoding) == (["姓名", "电话"], encoding)
    assert table.rows[0][0] == 2 and table.rows[0][1][1] == "13800138000" and not table.faults


def test_wrong_encoding_names_the_line() -> None:
    with pytest.raises(FileRefused, match="第 3 行") as refused:
        read(HEAD.encode() + "李,13800138000\n".encode() + "王,1\n".encode("gb18030"))
    assert "UTF-8" in refused.value.remedy.zh  # type: ignore[union-attr]


@pytest.mark.parametrize("content", [(HEAD + "李,1\n").encode("utf-16"), "姓名\n".encode("big5") + b"\xff\xff", b"\x00\x01\x02" * 50])
def test_other_encodings_and_binaries_are_refused(content: bytes) -> None:
    with pytest.raises(FileRefused, match=r"UTF-16|编码|字节"):
        read(content)


def test_empty_file_and_file_without_headings() -> None:
    with pytest.raises(FileRefused, match="空"):
        read("  \n")
    with pytest.raises(FileRefused, match="表头"):
        read(",,\n,,\n")


def test_merged_cells_are_named() -> None:
    content = workbook([["姓名", "电话"], ["李", "1"], ["王", "2"]], lambda sheet: sheet.merge_range("A2:A3", "李"))
    with pytest.raises(FileRefused, match="合并") as refused:
        read(content)
    assert [p.cell for p in refused.value.problems] == ["A2"] and "A2:A3" in refused.value.problems[0].what.zh


def test_a_million_rows_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(FileRefused, match="1,000,00") as refused:
        read(HEAD.encode() + b"x,1\n" * 1_000_000)
    assert f"{ROW_LIMIT:,}" in refused.value.remedy.zh  # type: ignore[union-attr]


def test_a_workbook_of_a_million_rows_is_refused() -> None:
    body = b'<row r="1"><c r="A1" t="inlineStr"><is><t>1</t></is></c></row>' * 1_000_000
    with pytest.raises(FileRefused, match=r"1,000,000|解压"):
        read(with_sheet(b"<worksheet><sheetData>" + body + b"</sheetData></worksheet>"))


def with_sheet(xml: bytes) -> bytes:
    """A workbook whose sheet is this XML."""
    source, stream = zipfile.ZipFile(io.BytesIO(workbook([["姓名", "电话"]]))), io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, xml if name.endswith("sheet1.xml") else source.read(name))
    return stream.getvalue()


def test_zip_bomb_is_not_opened() -> None:
    with pytest.raises(FileRefused, match="没有打开") as refused:
        read(with_sheet(b" " * (300 * 2**20)))
    assert "拆成" in refused.value.remedy.zh  # type: ignore[union-attr]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_truncated_workbook(share: float) -> None:
    content = workbook([["姓名", "电话"], *[["李", str(n)] for n in range(500)]])
    with pytest.raises(FileRefused, match=r"不完整|损坏"):
        read(content[: int(len(content) * share)])


def test_truncated_csv_names_the_row() -> None:
    with pytest.raises(FileRefused, match="第 3 行") as refused:
        read(HEAD + '李,13800138000\n"王示')
    assert refused.value.problems[0].row == 3
    cut = read(HEAD + "李,13800138000\n王").faults
    assert [(f.row, f.column) for f in cut] == [(3, "B")] and "只有 1 列" in cut[0].what.zh


def test_password_or_old_workbook_says_save_as() -> None:
    with pytest.raises(FileRefused, match="密码"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600)


def test_formulas_are_named_not_believed() -> None:
    faults = read(workbook([["姓名", "电话"], ["李", "1"]], lambda sheet: sheet.write_formula("B2", "=1+1"))).faults
    assert [f.cell for f in faults] == ["B2"] and "公式" in faults[0].what.zh
    assert read(HEAD + "=cmd|'/c calc'!A0,1\n").faults[0].cell == "A2"
    assert read(HEAD + '李,"=""013800138000"""\n').rows[0][1][1] == "013800138000"


def test_long_number_kept_as_figure_is_named() -> None:
    table = read(workbook([["姓名", "电话"], ["李", 310118199001011234]]))
    assert [f.cell for f in table.faults] == ["B2"] and table.faults[0].value == ""


@given(st.text(max_size=30))
def test_no_exported_cell_begins_like_a_formula(text: str) -> None:
    assert str(harmless(text))[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}


def test_export_reads_back() -> None:
    content = b"".join(csv_lines(["姓名", "电话"], [["=1+1", "a,b"], ["李", "x"]]))
    assert [cells for _, cells in read(content).rows] == [["'=1+1", "a,b"], ["李", "x"]]


@given(st.integers(0, 20_000))
def test_column_letters_count_like_a_spreadsheet(index: int) -> None:
    value = 0
    for letter in column_letter(index):
        value = value * 26 + ord(letter) - 64
    assert value == index + 1
