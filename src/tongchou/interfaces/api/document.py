"""Writes the OpenAPI document and its page: python -m tongchou.interfaces.api.document FOLDER."""

import json
import os
import sys
from pathlib import Path
from typing import Any

TAGS = {
    "town": "本镇、地方、岗位 The town, its places and posts",
    "desk": "值班席、方案、因果 The desk, plans, causes",
    "warning": "预警 Alarms",
    "response": "事件、任务、待办 Incidents, tasks, inbox",
    "sentinels": "哨点与上报 Sentinels and reports",
    "testing": "检测：轮次、采样、送检、结果 Testing: rounds, sampling, boxes, results",
    "spot checks": "抽检：拟定、公布、抽取、采样、结果 Spot checks: plan, announce, draw, take, results",
    "resumption": "复工备案、现场核查、缺课、白名单 Resumption: filings, on-site checks, absences, white lists",
    "tracing": "流调、随访、同时段人员 Investigations, follow-up, exposed people",
    "gate": "门岗：入口、扫码数、通行码 The gate: doors, what is counted at them, passes",
    "registers": "底数与导入 Registers and imports",
    "approvals": "审批 Approvals",
    "difficulties": "企业走访、企业困难、共性问题 Visits to firms, their difficulties, common causes",
    "policies": "惠企政策、应享、清单 Policies, what firms are due, lists to fulfil",
    "projects": "项目四个一批、督办单 Projects in four batches, supervision slips",
    "evidence": "佐证 Evidence",
    "office": "参数、留痕、消息、提醒 Parameters, log, messages, notices",
}


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of this program, as plain JSON values."""
    import tongchou.interfaces.web.urls  # noqa: F401 - puts the routers into the interface
    from tongchou.interfaces.api.api import api

    return dict(json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), ensure_ascii=False)))


def document_text(found: dict[str, Any]) -> str:
    """The document as it is committed."""
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def document_page(found: dict[str, Any]) -> str:
    """Every operation on one line, by subject, as Markdown."""
    lines = [
        "# Programming interface 编程接口",
        "",
        "Written by `python dev.py docs`. The whole document, with every field: [openapi.json](openapi.json) (OpenAPI 3.1).",
        "",
        "A token comes from the People page or `tongchou users token`; send it as `Authorization: Bearer TOKEN`. It acts for the person or"
        " device it was issued to, in the posts they hold at that moment, and never beyond its scopes. Accounts and tokens themselves are"
        " made by a signed-in administrator only, so that a stolen token cannot make another.",
        "",
        "令牌在“人员”页或用 `tongchou users token` 签发，请求头写 `Authorization: Bearer 令牌`。令牌以持有人当时的岗位办事，不超过签发时选定的权限；账号和令牌只能由登录的管理员办理。",
        "",
        "Every refusal has the same form, and nothing has changed when one is given 拒绝都是同一格式，且没有任何改动：",
        "",
        "```json",
        '{"said": {"zh": "…", "en": "…"}, "remedy": {"zh": "…", "en": "…"}, "problems": [{"field": "rows[2].value", "zh": "…", "en": "…"}]}',
        "```",
        "",
        "| status | 含义 | meaning |",
        "|---|---|---|",
        "| 400 | 不合规则 | declined by a rule, or not JSON |",
        "| 401 | 令牌无效、作废或过期 | no token, or one that is unknown, revoked or expired |",
        "| 403 | 不是本岗位的事 | seen, but not for your post |",
        "| 404 | 没有，或无权查看 | missing, or not yours to see: both look the same |",
        "| 409 | 别人已先一步 | another was first; read again |",
        "| 422 | 填写有误 | wrong fields, all named at once |",
    ]
    for tag, title in TAGS.items():
        lines += ["", f"## {title}", "", "| | | |", "|---|---|---|"]
        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    lines.append(f"| {method.upper()} | `{path}` | {operation['summary']} |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Write both files into the folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
    import django

    django.setup()
    found = document()
    (folder / "openapi.json").write_text(document_text(found), "utf-8")
    (folder / "api.md").write_text(document_page(found), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
