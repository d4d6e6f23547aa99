"""What is kept of a firm: fields in the words its owner reads. Criteria of policies ask for these and no others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tongchou.core.packs.reading import Document, read_yaml
from tongchou.core.wording import T
from tongchou.science.eligibility.model import SEPARATOR

FLAGS: Mapping[str, T] = MappingProxyType({"true": T("是", "yes"), "false": T("否", "no")})
_FLAG_WORDS = {"true": "true", "yes": "true", "1": "true", "是": "true", "false": "false", "no": "false", "0": "false", "否": "false"}


class BadFact(ValueError):
    """A value that its field cannot take; `said` tells what it takes."""

    def __init__(self, said: T) -> None:
        super().__init__(said.en)
        self.said = said


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `values`: the words it may take, by key; `is_fixed`: nobody changes it to get a measure; `register`: the column it follows from."""

    name: str
    kind: str
    label: T
    unit: T | None
    question: T | None
    values: Mapping[str, T]
    is_fixed: bool
    asked_of: str
    register: str | None

    @property
    def is_number(self) -> bool:
        return self.kind in ("number", "day")

    @property
    def ask(self) -> T:
        """The question to whoever can tell it."""
        return self.question or T(f"{self.label.zh}？", f"{self.label.en}?")

    def read(self, given: str) -> str:
        """A value as it is kept: a flag as true or false, a number plain, a day as 2022-06-01, words by their key. Raises BadFact."""
        text = given.strip()
        if self.kind == "flag":
            return _found(_FLAG_WORDS, text.lower(), T("请填“是”或“否”", "yes or no is wanted"))
        if self.kind == "words":
            by_label = {word: key for key, label in self.values.items() for word in (key, label.zh, label.en)}
            wanted = T("可填：" + "、".join(v.zh for v in self.values.values()), "one of: " + ", ".join(v.en for v in self.values.values()))
            return SEPARATOR.join(_found(by_label, part.strip(), wanted) for part in text.split(SEPARATOR))
        if self.kind == "code":
            if not (text.isascii() and text.isdigit() and 2 <= len(text) <= 4):
                raise BadFact(T("请填2到4位行业代码", "an industry code of two to four digits is wanted"))
            return text
        try:
            if self.kind == "day":
                return date.fromisoformat(text).isoformat()
            number = float(text.replace(",", ""))
        except ValueError:
            number = math.nan
        if not (0 <= number < 1e15) or self.kind == "day":
            day, plain = (
                T("请填日期，如 2022-06-01", "a day such as 2022-06-01 is wanted"),
                T("请填不小于0的数字", "a number of 0 or more is wanted"),
            )
            raise BadFact(day if self.kind == "day" else plain)
        return f"{number:.15g}"

    def keeps(self, value: str) -> bool:
        """Whether a value is one that this field keeps: one recorded under an earlier book may be none."""
        try:
            return self.read(value) == value
        except BadFact:
            return False

    def number(self, value: str) -> float:
        """A kept value as a number: a day as its ordinal, a flag as 0 or 1."""
        if self.kind == "day":
            return float(date.fromisoformat(value).toordinal())
        return float(value == "true") if self.kind == "flag" else float(value)

    def shown(self, value: str) -> T:
        """A kept value in words."""
        if self.kind == "flag":
            return FLAGS[value]
        if self.kind == "words":
            parts = [self.values.get(part, T(part, part)) for part in value.split(SEPARATOR)]
            return T("、".join(p.zh for p in parts), ", ".join(p.en for p in parts))
        if self.kind == "number":
            return self.with_unit(float(value))
        return T(value, value)

    def with_unit(self, number: float) -> T:
        """A number in words: shares as per cent, days as days."""
        if self.kind == "day":
            said = date.fromordinal(int(number)).isoformat()
            return T(said, said)
        if self.unit is not None and self.unit.en == "share":
            return T(f"{number * 100:g}%", f"{number * 100:g} %")
        if self.unit is not None and self.unit.en == "year":
            return T(f"{number:.0f} 年", f"{number:.0f}")
        said = f"{number:,.10g}"
        return T(said, said) if self.unit is None else T(f"{said} {self.unit.zh}", f"{said} {self.unit.en}")


def _found(words: Mapping[str, str], text: str, wanted: T) -> str:
    if text not in words:
        raise BadFact(wanted)
    return words[text]


Fields = Mapping[str, FieldSpec]


def read_fields(path: Path) -> tuple[Fields, Document]:
    """The fields of a file, and the document with its problems; no fields when it has any."""
    document = read_yaml(path, path.name, "firm_fields")
    return (fields_of(document.content) if document.content else {}), document


def fields_of(content: Mapping[str, Any]) -> Fields:
    """Fields by name, from a file's content as it was read."""
    return {
        name: FieldSpec(
            name, row["kind"], T(row["zh"], row["en"]), _pair(row.get("unit")), _pair(row.get("ask")),
            {key: T(**words) for key, words in row.get("values", {}).items()}, row.get("fixed", False), row.get("asked_of", "firm"), row.get("from"),
        )
        for name, row in content["fields"].items()
    }  # fmt: skip


def _pair(given: Mapping[str, str] | None) -> T | None:
    return T(**given) if given else None
