"""How the interface says no: one form for every refusal, and words for what a schema found wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from tongchou.core.wording import T

_PAIR = {"type": "object", "required": ["zh", "en"], "properties": {"zh": {"type": "string"}, "en": {"type": "string"}}}

# Components of the OpenAPI document.
FAULTS: Mapping[str, Any] = {
    "FieldFault": {
        "title": "FieldFault",
        "description": "一个有误的字段 One wrong field",
        "type": "object",
        "required": ["field", "zh", "en"],
        "properties": {"field": {"type": "string"}, "zh": {"type": "string"}, "en": {"type": "string"}},
    },
    "Fault": {
        "title": "Fault",
        "description": "拒绝了什么、为何、现在怎么办；没有任何改动 What was refused, why, and what to do now; nothing has changed",
        "type": "object",
        "required": ["said"],
        "properties": {
            "said": _PAIR,
            "remedy": _PAIR,
            "problems": {"type": "array", "items": {"$ref": "#/components/schemas/FieldFault"}},
        },
    },
}

# What was refused and what to do, for whoever speaks this interface.
MALFORMED = T("请求的内容不合格式。", "The request is not of the right form."), T("请按所列字段改正。", "Correct the fields named.")
UNKNOWN_TOKEN = (
    T("没有令牌，或令牌无效、已作废、已过期。", "No token, or one that is unknown, revoked or expired."),
    T("请求头写 Authorization: Bearer 令牌；令牌由管理员签发。", "Send Authorization: Bearer TOKEN; the administrator issues tokens."),
)

# By the kind of error pydantic reports; {x} is filled from its context.
_SAID: Mapping[str, T] = {
    "missing": T("缺少此项。", "Missing."),
    "literal_error": T("只能取：{expected}。", "One of: {expected}."),
    "string_type": T("应为文字。", "Must be text."),
    "string_too_long": T("最多 {max_length} 个字符。", "At most {max_length} characters."),
    "too_long": T("最多 {max_length} 项。", "At most {max_length} items."),
    "int_type": T("应为整数。", "Must be a whole number."),
    "int_parsing": T("应为整数。", "Must be a whole number."),
    "float_type": T("应为数字。", "Must be a number."),
    "float_parsing": T("应为数字。", "Must be a number."),
    "bool_type": T("应为 true 或 false。", "Must be true or false."),
    "bool_parsing": T("应为 true 或 false。", "Must be true or false."),
    "list_type": T("应为列表。", "Must be a list."),
    "dict_type": T("应为对象。", "Must be an object."),
    "model_attributes_type": T("应为对象。", "Must be an object."),
    "date_parsing": T("应为日期，如 2022-06-02。", "Must be a day such as 2022-06-02."),
    "date_from_datetime_parsing": T("应为日期，如 2022-06-02。", "Must be a day such as 2022-06-02."),
    "datetime_parsing": T("应为带时区的时刻，如 2022-06-02T19:00:00+08:00。", "Must be an instant such as 2022-06-02T19:00:00+08:00."),
    "datetime_from_date_parsing": T(
        "应为带时区的时刻，如 2022-06-02T19:00:00+08:00。", "Must be an instant such as 2022-06-02T19:00:00+08:00."
    ),
    "timezone_aware": T("时刻须带时区。", "An instant needs its time zone."),
    "instant_range": T("年份应在 {first} 至 {last} 之间。", "The year must lie between {first} and {last}."),
    "greater_than_equal": T("不得小于 {ge}。", "Not below {ge}."),
    "less_than_equal": T("不得大于 {le}。", "Not above {le}."),
}


def problems_of(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Errors of a schema as fields with words in both languages."""
    return [{"field": _field(e["loc"]), **_words(e)} for e in errors]


def _field(loc: Sequence[str | int]) -> str:
    """`rows[2].day` for ("body", "given", "rows", 1, "day"): rows are counted from one, as the actions count them."""
    written = ""
    for part in loc[1:]:
        written += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return written.removeprefix(".given").removeprefix(".") or str(loc[0])


def _words(error: Mapping[str, Any]) -> dict[str, str]:
    said = _SAID.get(error["type"], T("格式不对（{message}）。", "Not of the right form ({message})."))
    context = {**error.get("ctx", {}), "message": error["msg"]}
    return {"zh": said.zh.format(**context), "en": said.en.format(**context)}
