"""One row from texts of a form or request, by the same rules as a row of a file."""

from collections.abc import Mapping
from typing import Any

from tongchou.core.errors import FieldProblem, Invalid, Refusal
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.importing.columns import Column
from tongchou.core.importing.matching import rows_by_key
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T


def read_row(spec: ImportSpec, given: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field; fields not given keep what is `known`. A place is given by its code. Raises Invalid with every wrong field at once."""
    row, problems = dict(known), []
    unknown = set(given) - {column.field for column in spec.columns}
    problems += [FieldProblem(name, T("没有这个字段", "no such field")) for name in sorted(unknown)]
    for column in spec.columns:
        if column.field not in given and column.field in known:
            continue
        try:
            row[column.field] = _value(column, given.get(column.field, "").strip())
        except Refusal as refused:
            remedy = refused.remedy or T("请核对", "Check it")
            problems.append(FieldProblem(column.field, T(f"{refused.said.zh}（{remedy.zh}）", f"{refused.said.en} ({remedy.en})")))
    if not problems:
        for check in spec.checks:
            problems += [FieldProblem(name, T(f"{said.zh}（{do.zh}）", f"{said.en} ({do.en})")) for name, said, do in check(row)]
    if problems:
        raise Invalid(problems)
    return row


def _value(column: Column, cell: str) -> Any:
    if not cell:
        if column.required:
            raise Refusal(T("必填", "required"), T("请补填", "Fill it in"))
        return None
    if column.is_place:
        return place_by_code(cell).pk
    if column.reads:
        found = rows_by_key(*column.reads, [cell])
        if cell not in found:
            raise Refusal(T("登记册里没有这个编号", "no such number in the register"), T("请核对", "Check it"))
        return found[cell]
    return column.parse(cell)
