"""The columns a file of some register may have: names in both languages, what a cell may say, and how it is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tongchou.core.errors import Refusal
from tongchou.core.wording import T

Parser = Callable[[str], Any]
# Gives back (field, what is wrong, what to do) for a row whose cells are each right but do not agree.
RowCheck = Callable[[Mapping[str, Any]], Sequence[tuple[str, T, T]]]


class CellRefused(Refusal):
    """A cell whose text cannot be what its column holds."""

    status = 422


@dataclass(frozen=True, slots=True)
class Column:
    """One column: model field, headings, parser. `reads` names another register's unique field whose row the cell points to.

    A secret column is sealed in the database, beside it `<field>_index` for equality search; `mask` is how it may be shown.
    """

    field: str
    label: T
    parse: Parser
    example: str
    required: bool = False
    aliases: tuple[str, ...] = ()
    note: T | None = None
    choices: Mapping[str, T] | None = None
    is_secret: bool = False
    is_place: bool = False
    reads: tuple[str, str] | None = None  # (model label, unique field)
    mask: Callable[[str], str] | None = None

    @property
    def headings(self) -> frozenset[str]:
        return frozenset(plain_heading(text) for text in (self.label.zh, self.label.en, self.field, *self.aliases))

    @property
    def index_field(self) -> str:
        """Where a secret column's blind index stands: id_number → id_index, phone → phone_index."""
        return f"{self.field.removesuffix('_number')}_index"

    def shown(self, text: str) -> str:
        """The cell as it may be shown to anybody who sees the row."""
        return self.mask(text) if self.mask and text else text


def plain_heading(text: str) -> str:
    """A heading without spaces, stars and notes in brackets, in lower case."""
    return re.sub(r"[\s*＊]|[（(].*?[)）]", "", text).lower()


def text(longest: int) -> Parser:
    """Any text up to `longest` signs."""

    def parse(cell: str) -> str:
        if len(cell) > longest:
            raise CellRefused(
                T(f"超过 {longest} 个字（现 {len(cell)} 个）", f"longer than {longest} signs ({len(cell)})"), T("请缩短", "Shorten it")
            )
        if any(ord(sign) < 32 for sign in cell):
            raise CellRefused(T("含有换行或控制字符", "holds a line break or control sign"), T("请删去", "Remove it"))
        return cell

    return parse


def code(pattern: str, said: T) -> Parser:
    """Text of one form; `said` describes it."""

    def parse(cell: str) -> str:
        if not re.fullmatch(pattern, cell):
            raise CellRefused(T(f"编码格式不符：{said.zh}", f"not of the form: {said.en}"), T("请核对编码", "Check the code"))
        return cell

    return parse


def whole(least: int = 0, most: int = 2_000_000_000) -> Parser:
    """A whole number within bounds, thousands separators allowed."""

    def parse(cell: str) -> int:
        plain = cell.replace(",", "").replace("，", "")
        if not re.fullmatch(r"-?[0-9]{1,15}(\.0+)?", plain):
            raise CellRefused(T("不是整数", "not a whole number"), T("只填数字", "Digits only"))
        number = int(plain.split(".")[0])
        if not least <= number <= most:
            raise CellRefused(T(f"应在 {least} 到 {most} 之间", f"must be between {least} and {most}"), T("请核对", "Check it"))
        return number

    return parse


def day(earliest: date = date(1880, 1, 1), latest: date = date(2100, 1, 1)) -> Parser:
    """A calendar day: 2022-06-02, 2022/6/2, 2022.6.2, 20220602 or 2022年6月2日."""

    def parse(cell: str) -> date:
        found = re.fullmatch(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))(?: 00:00:00)?", cell)
        try:
            if found is None:
                raise ValueError(cell)
            read = date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5]))
        except ValueError:
            raise CellRefused(T("不是有效日期", "not a day of the calendar"), T("写成 2022-06-02", "Write 2022-06-02")) from None
        if not earliest <= read < latest:
            raise CellRefused(
                T(f"日期应在 {earliest} 与 {latest} 之间", f"must lie between {earliest} and {latest}"), T("请核对", "Check it")
            )
        return read

    return parse


def choice(words: Mapping[str, T]) -> Parser:
    """One of a closed list, by its Chinese or English word or its code."""
    known = {plain_heading(name): key for key, word in words.items() for name in (key, word.zh, word.en)}

    def parse(cell: str) -> str:
        key = known.get(plain_heading(cell))
        if key is None:
            zh, en = "、".join(word.zh for word in words.values()), ", ".join(word.en for word in words.values())
            raise CellRefused(T("不在可选项内", "not one of the allowed words"), T(f"可填：{zh}", f"Allowed: {en}"))
        return key

    return parse


_YES = {"1", "是", "有", "y", "yes", "true", "√", "对"}
_NO = {"0", "否", "无", "n", "no", "false", "×", "x"}
YES_NO = {"1": T("是", "yes"), "0": T("否", "no")}


def flag(cell: str) -> bool:
    """Yes or no."""
    word = cell.lower()
    if word not in _YES and word not in _NO:
        raise CellRefused(T("应填“是”或“否”", "must say yes or no"), T("请填“是”或“否”", "Write yes or no"))
    return word in _YES
