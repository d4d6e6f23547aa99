"""What was read of a person, in words."""

from collections.abc import Mapping, Sequence

from tongchou.core.wording import T
from tongchou.workflows.looked_up import Look

# The fields that an `Access` names.
FIELDS: Mapping[str, T] = {
    "name": T("姓名", "name"), "phone": T("手机号", "phone"), "id_number": T("身份证号", "identity number"), "address": T("住址", "address"),
    "sampled_at": T("最近采样时间", "time of the last sample"), "presence": T("到访记录", "where you were"),
}  # fmt: skip


def in_words(looks: Sequence[Look]) -> list[dict[str, object]]:
    """Each reading with its fields in words, as `components/looks.html` shows it."""
    return [{"look": look, "fields": [FIELDS.get(name, T(name, name)) for name in look.fields]} for look in looks]
