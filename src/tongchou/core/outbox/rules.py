"""What may leave the house, and how a finished message ended. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from tongchou.core.wording import T

# Topics that reach people outside the pages. A drill must never use one.
REAL_CHANNELS = frozenset({"mail"})

OUTCOMES: Mapping[str, T] = MappingProxyType(
    {
        "": T("已完成", "Done"),
        "sent": T("已发出", "Sent"),
        "nothing": T("没有可做的", "There was nothing to do"),
        "no_mail_server": T("未配置邮件服务器，未发邮件", "No mail server configured: not sent by mail"),
    }
)


def may_leave(topic: str, is_exercise: bool) -> bool:
    """False for a real channel during a drill."""
    return not (is_exercise and topic in REAL_CHANNELS)
