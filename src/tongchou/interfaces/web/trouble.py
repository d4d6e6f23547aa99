"""When something breaks underneath: what it was, whether anything has changed, what to do now. Asks neither database nor session."""

import errno
import sys
from dataclasses import dataclass
from typing import cast

from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from tongchou.core.wording import Language, T, use_language

RETRY_AFTER_S = "5"
_NO_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of the machine in the words of its users."""

    status: int
    said: T
    remedy: T


FULL = Trouble(
    503,
    T("磁盘已满或不可写，没有办成，什么都没有改动。", "The disk is full or cannot be written: not done, and nothing has changed."),
    T(
        "请通知管理员腾出空间（命令 tongchou check 可查看），然后重新提交。",
        "Ask the administrator to make room (tongchou check shows it), then send it again.",
    ),
)
BUSY = Trouble(
    503,
    T("数据库正忙，没有办成，什么都没有改动。", "The database is busy: not done, and nothing has changed."),
    T("请过几秒重新提交。", "Send it again in a few seconds."),
)
AWAY = Trouble(
    503,
    # A connection can be lost while a commit is on its way: only the register itself can tell whether it arrived.
    T(
        "数据库没有回应；所提交的要么全部办成，要么完全没有。",
        "The database does not answer; what was sent is either done wholly or not at all.",
    ),
    T(
        "请稍候重新打开页面，看是否已办成，没有再提交；若仍不行，请管理员运行 tongchou check。",
        "Open the page again shortly, see whether it was done, and only then send it again; if it stays, the administrator runs tongchou check.",
    ),
)
TOO_MUCH = Trouble(
    422,
    T("有一项内容太长或超出范围，没有保存。", "A value is longer or larger than can be kept: nothing was saved."),
    T("请缩短后重新提交。", "Shorten it and send it again."),
)
DEFECT = Trouble(
    500,
    T("程序出错，没有办成；没有留下办了一半的事。", "The program failed: not done, and nothing was left half-done."),
    T("详情已记入日志，请把时间和页面告诉管理员。", "The log has the details: tell the administrator the time and the page."),
)


def trouble_of(error: BaseException | None) -> Trouble:
    """Which trouble an error means."""
    told = str(error).lower()
    if isinstance(error, OSError) and error.errno in _NO_WRITING:
        return FULL
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        if "disk is full" in told or "no space left" in told or "readonly database" in told or "could not extend" in told:
            return FULL
        return BUSY if "locked" in told else AWAY
    return TOO_MUCH if isinstance(error, DataError) else DEFECT


def answer(request: HttpRequest) -> HttpResponse:
    """The answer to a request that broke (Django's handler500): a page, or the same words for a program."""
    found = trouble_of(sys.exc_info()[1])
    response: HttpResponse
    if request.path.startswith("/api/"):
        # Not by api.wording: this module must load where the settings do not, and ninja asks them.
        response = JsonResponse({name: {"zh": text.zh, "en": text.en} for name, text in (("said", found.said), ("remedy", found.remedy))})
    else:
        with use_language(cast(Language, getattr(request, "lang", "zh"))):
            if "application/json" in request.headers.get("Accept", ""):
                response = JsonResponse({"said": f"{found.said} {found.remedy}", "problems": []})
            else:
                response = HttpResponse(render_to_string("trouble.html", {"trouble": found, "request": request}))
    response.status_code = found.status
    if found.status == AWAY.status:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return response
