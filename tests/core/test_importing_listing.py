"""Lists by file: every row or none, every wrong cell named and masked, other columns left alone."""

import pytest

from tongchou.core.importing.columns import Column, choice, text
from tongchou.core.importing.listing import read_list
from tongchou.core.importing.tables import FileRefused
from tongchou.core.wording import T

COLUMNS = (
    Column("code", T("编号", "Code"), text(6), "", True, mask=lambda cell: cell[:2] + "*"),
    Column("kind", T("类别", "Kind"), choice({"a": T("甲", "first"), "b": T("乙", "second")}), "", True),
    Column("note", T("备注", "Note"), text(4), ""),
)


def test_rows_come_with_their_numbers_and_what_is_not_asked_for_is_left_alone() -> None:
    rows = read_list("颜色,类别,编号\n红,甲,X1\n,second,X2\n".encode("gb18030"), COLUMNS)
    assert rows == [(2, {"code": "X1", "kind": "a", "note": ""}), (3, {"code": "X2", "kind": "b", "note": ""})]


@pytest.mark.parametrize(
    ("content", "cells", "shown"),
    [
        ("编号,类别,备注\nX1234567,丙,短\nX2,甲,太长的备注\n", ["A2", "B2", "C3"], ["X1*", "丙", "太长的备注"]),
        ("编号,类别\nX1,\n", ["B2"], [""]),
        ("编号\nX1\n", [str(T("整个文件", "the file"))], [""]),
        ("编号,类别\n", [str(T("整个文件", "the file"))], [""]),
    ],
)
def test_wrong_cells_are_all_named_and_nothing_is_kept(content: str, cells: list[str], shown: list[str]) -> None:
    with pytest.raises(FileRefused) as told:
        read_list(content.encode(), COLUMNS)
    assert [(p.cell, p.value) for p in told.value.problems] == list(zip(cells, shown, strict=True))
