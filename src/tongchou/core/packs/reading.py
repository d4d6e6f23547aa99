"""YAML, CSV and JSON files of a pack, read with line numbers so that a problem can be named where it is."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from tongchou.core.packs.problems import Problem
from tongchou.core.wording import T

KeyPath = tuple[str | int, ...]
_SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(slots=True)
class Document:
    """One YAML file as plain data (dates as ISO text), and the line on which each value starts."""

    file: str
    content: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: Sequence[str | int]) -> str:
        known = tuple(path)
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return f"line {line}, {key_path(path)}" if path else f"line {line}"

    def report(self, path: Sequence[str | int], what: T, remedy: T) -> None:
        self.problems.append(Problem(self.file, self.where(path), what, remedy))


def key_path(path: Sequence[str | int]) -> str:
    """`tasks[3].due_minutes` for ("tasks", 3, "due_minutes")."""
    said = ""
    for step in path:
        said += f"[{step}]" if isinstance(step, int) else (f".{step}" if said else str(step))
    return said


def read_text(path: Path, file: str, problems: list[Problem]) -> str | None:
    """The text of a UTF-8 file; None with a problem noted when it is missing or in another encoding."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        what, remedy = T("缺少这个文件", "the file is missing"), T("请补上这个文件", "Add the file")
    except UnicodeDecodeError as error:
        what = T(f"第 {error.start} 字节起不是 UTF-8", f"not UTF-8 from byte {error.start} on")
        remedy = T("请另存为 UTF-8", "Save it as UTF-8")
    except OSError as error:
        what = T(f"无法读取：{error.strerror}", f"cannot be read: {error.strerror}")
        remedy = T("请检查文件权限", "Check the file and its permissions")
    problems.append(Problem(file, "", what, remedy))
    return None


def read_yaml(path: Path, file: str, schema: str) -> Document:
    """Read one YAML file and check it against a schema. Problems are on the document; `content` is None when unreadable."""
    document = Document(file, None)
    text = read_text(path, file, document.problems)
    if text is None:
        return document
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        content = None if node is None else _plain(node, (), document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        document.problems.append(
            Problem(file, line, T(f"YAML 写法有误：{reason}", f"broken YAML: {reason}"), T("请修正该行", "Correct this line"))
        )
        return document
    found = list(_schema_problems(document, content, schema))
    document.problems.extend(found)
    if not document.problems:
        document.content = content
    return document


def checked_content(content: Any, file: str, schema: str) -> Document:
    """Plain data that came another way than in a file, checked against a schema; problems name the key."""
    document = Document(file, None)
    document.problems.extend(_schema_problems(document, content, schema))
    if not document.problems:
        document.content = content
    return document


def _plain(node: yaml.Node, path: KeyPath, document: Document) -> Any:
    document.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            document.lines[(*path, key)] = key_node.start_mark.line + 1
            if key in content:
                document.report((*path, key), T(f"键 {key} 写了两次", f"key {key} is given twice"), T("请删去一个", "Remove one of them"))
            content[key] = _plain(value_node, (*path, key), document)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, index), document) for index, item in enumerate(node.value)]
    value = _scalar(node)
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except ValueError as error:  # a date such as 2022-02-30
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error
    finally:
        loader.dispose()


@cache
def _validator(schema: str) -> Draft202012Validator:
    shared = json.loads((_SCHEMAS / "shared.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Registry().with_resource("shared.json", Resource.from_contents(shared))
    content = json.loads((_SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(content, registry=registry, format_checker=FormatChecker())


def _schema_problems(document: Document, content: Any, schema: str) -> Iterator[Problem]:
    errors = sorted(_validator(schema).iter_errors(content), key=lambda error: [str(step) for step in error.absolute_path])
    for error in errors:
        what, remedy = _said(error)
        yield Problem(document.file, document.where(list(error.absolute_path)), what, remedy)


def _said(error: ValidationError) -> tuple[T, T]:
    shown = json.dumps(error.instance, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    rule, wanted, instance, schema = (
        str(error.validator),
        cast(Any, error.validator_value),
        cast(Any, error.instance),
        cast(Any, error.schema),
    )
    if rule == "required":
        missing = ", ".join(sorted(set(wanted) - set(instance)))
        return T(f"缺少 {missing}", f"{missing} is missing"), T(f"请填写 {missing}", f"Give {missing}")
    if rule == "additionalProperties":
        known = set(schema.get("properties", {}))
        extra = ", ".join(sorted(set(instance) - known))
        return (
            T(f"不认识的键 {extra}", f"unknown key {extra}"),
            T(f"可用的键：{', '.join(sorted(known))}", f"Keys known here: {', '.join(sorted(known))}"),
        )
    if rule == "enum":
        allowed = ", ".join(str(option) for option in wanted)
        return T(f"{shown} 不在可选值之内", f"{shown} is not one of the allowed values"), T(f"可选：{allowed}", f"Choose from: {allowed}")
    if rule == "type":
        kinds = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return T(f"{shown} 的类型不对", f"{shown} has the wrong type"), T(f"应为 {kinds}", f"It must be {kinds}")
    if rule in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        sign = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}[rule]
        return T(f"{shown} 超出范围", f"{shown} is out of range"), T(f"应 {sign} {wanted}", f"It must be {sign} {wanted}")
    if rule in ("pattern", "format"):
        return T(f"{shown} 的格式不对", f"{shown} has the wrong form"), T(f"应符合 {wanted}", f"It must match {wanted}")
    return T(f"{shown} 不符合 {rule} 的要求", f"{shown} breaks the rule '{rule}'"), T(f"要求：{wanted}", f"Wanted: {wanted}")


def read_csv(path: Path, file: str, columns: Sequence[str], problems: list[Problem]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV with their line numbers; a problem is noted and nothing returned when the header is not as expected."""
    text = read_text(path, file, problems)
    if text is None:
        return []
    reader = csv.DictReader(text.splitlines())
    if list(reader.fieldnames or ()) != list(columns):
        problems.append(
            Problem(
                file,
                "line 1",
                T(f"表头是 {','.join(reader.fieldnames or ())}", f"the header is {','.join(reader.fieldnames or ())}"),
                T(f"表头应为 {','.join(columns)}", f"The header must be {','.join(columns)}"),
            )
        )
        return []
    rows: list[tuple[int, dict[str, str]]] = []
    for row in reader:
        if None in row or None in row.values():
            problems.append(
                Problem(
                    file,
                    f"line {reader.line_num}",
                    T("列数与表头不符", "the row has another number of cells than the header"),
                    T("请检查逗号和引号", "Check commas and quotes"),
                )
            )
        else:
            rows.append((reader.line_num, row))
    return rows
