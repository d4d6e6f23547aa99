"""The log in words: entries about dossiers as the lines of a timeline."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse

from tongchou.core.audit.models import Entry
from tongchou.core.casework.machine import Machine
from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import Post
from tongchou.core.wording import T
from tongchou.domains.approvals import rules as approvals
from tongchou.domains.difficulties import rules as difficulties
from tongchou.domains.exposures.rules import APPROVE_WITHIN, EXPOSURE
from tongchou.domains.gate.rules import APPEAL
from tongchou.domains.policies import rules as policies
from tongchou.domains.projects import rules as projects
from tongchou.domains.response.rules import ACCEPT_WITHIN, DUE, INCIDENT, REPORT_WITHIN, TASK
from tongchou.domains.resumption import rules as resumption
from tongchou.domains.spot_checks.rules import DRAW_WITHIN, FINISH_WITHIN, SPOT_CHECK
from tongchou.domains.suspensions.rules import APPROVE_WITHIN as SUSPEND_WITHIN
from tongchou.domains.suspensions.rules import OBJECTION, SUSPENSION
from tongchou.domains.testing.rules import RETEST_WITHIN, ROUND, ROUND_WITHIN
from tongchou.domains.tracing.rules import CASE, CORE_WITHIN, FIRST_WITHIN, FULL_WITHIN
from tongchou.domains.warning.rules import ACKNOWLEDGE, ALARM, DECIDE

SYSTEM = T("系统", "system")
ACTS: Mapping[str, T] = {
    "alarm.open": T("提出预警", "Alarm proposed"),
    "alarm.assign": T("预警转交", "Alarm passed on"),
    "alarm.verdict": T("预警结论", "Verdict on the alarm"),
    "alarm.draft": T("取用预警文稿", "Warning draft taken"),
    "incident.open": T("启动处置", "Incident opened"),
    "incident.note": T("情况记录", "Situation note"),
    "incident.assign": T("事件转交", "Incident passed on"),
    "appeal.open": T("门岗申诉", "Gate appeal made"),
    "suspension.open": T("申请暂停通行码", "Suspension asked for"),
    "suspension.assign": T("申请转交", "Request passed on"),
    "objection.open": T("对暂停提出申诉", "Objection made"),
    "objection.again": T("重复提交申诉", "Objection sent again"),
    "objection.assign": T("申诉转交", "Objection passed on"),
    "task.open": T("派发", "Given out"),
    "task.assign": T("转交", "Passed on"),
    "task.approve": T("批准", "Approved"),
    "case.correct": T("更正病例", "Case corrected"),
    "chain.link": T("记录传播关系", "Link recorded"),
    "chain.withdraw": T("撤回传播关系", "Link withdrawn"),
    "contact.add": T("列入接触者", "Contact added"),
    "contact.check": T("随访记录", "Contact asked"),
    "contact.end": T("结束随访", "Follow-up ended"),
    "contact.release": T("解除随访", "Contacts released"),
    "exposure.correct": T("更正查询时段", "Span corrected"),
    "exposure.learn": T("当事人查询", "Asked for own accesses"),
    "exposure.list": T("生成人员名单", "List made"),
    "exposure.publish": T("公开场所时段", "Venues published"),
    "exposure.unpublish": T("撤下公开告知", "Public notice taken down"),
    "report.apart": T("判为非同一人", "Kept apart"),
    "report.merge": T("归入病例", "Put to a case"),
    "sample.result": T("检测结果", "Test result"),
    "sample.take": T("采样", "Sampled"),
    "visit.add": T("记录到访", "Visit noted"),
    "person.read": T("查看个人信息", "Personal data read"),
    "case.open": T("立案调查", "Case opened"),
    "case.assign": T("病例转交", "Case passed on"),
    "exposure.open": T("提出查询", "Asked for"),
    "exposure.assign": T("查询转交", "Request passed on"),
    "evidence.attach": T("提交佐证", "Proof added"),
    "round.open": T("计划检测轮次", "Testing round planned"),
    "round.assign": T("轮次转交", "Round passed on"),
    "spot_check.open": T("拟定抽检", "Spot check planned"),
    "spot_check.assign": T("抽检转交", "Spot check passed on"),
    "spot_check.take": T("登记采样", "Taken"),
    "spot_check.miss": T("写明未采原因", "Not taken, with the reason"),
    "spot_check.results": T("登记检测结果", "Results kept"),
    "application.open": T("提交申请", "Applied"),
    "application.assign": T("申请转交", "Application passed on"),
    "application.reuse": T("沿用已交材料", "Paper given before is used"),
    "application.papers": T("添加材料", "Papers added"),
    "application.page": T("发给申请人页面", "Applicant's page given"),
    "approval_step.open": T("环节开始排队", "Step opened"),
    "approval_step.assign": T("环节转交", "Step passed on"),
    "difficulty.open": T("提出困难", "Difficulty raised"),
    "difficulty.assign": T("困难转交", "Difficulty passed on"),
    "difficulty.permit": T("开通行证", "Permit issued"),
    "difficulty.permit_revoked": T("收回通行证", "Permit taken back"),
    "difficulty.sampling": T("设采样点", "Sampling site set up"),
    "difficulty.join": T("归入共性问题", "Put to a common cause"),
    "cause.open": T("确认共性问题", "Common cause confirmed"),
    "cause.join": T("又归入几件", "More put to it"),
    "cause.assign": T("共性问题转交", "Common cause passed on"),
    "filing.open": T("复工备案", "Resumption filed"),
    "filing.cleared": T("可以复工", "Nothing stands in the way"),
    "filing.reconsider": T("按新规则重新判定", "Looked at again under newer rules"),
    "filing.absences": T("登记缺课", "Absences counted"),
    "site_check.open": T("安排现场核查", "On-site check arranged"),
    "site_check.assign": T("核查转交", "Check passed on"),
    "absence.open": T("因病缺课报警", "Alarm about absences"),
    "absence.assign": T("报警转交", "Alarm passed on"),
    "award.pay": T("登记兑现", "Fulfilled"),
    "policy.open": T("收到文件", "Document received"),
    "policy.assign": T("文件转交", "Document passed on"),
    "payment_list.open": T("编制兑现清单", "List prepared"),
    "payment_list.assign": T("清单转交", "List passed on"),
    "project.open": T("项目入库", "Project taken in"),
    "project.assign": T("项目转交", "Project passed on"),
    "project.plan_milestones": T("安排节点", "Milestones planned"),
    "project.plan_years": T("安排年度投资", "Investment planned"),
    "project.reach": T("节点完成", "Milestone reached"),
    "project.spending": T("报投资完成额", "Investment reported"),
    "project.take_back": T("撤回节点完成", "Milestone not reached after all"),
    "slip.open": T("发督办单", "Slip opened"),
    "slip.assign": T("督办单转交", "Slip passed on"),
    "issue.open": T("提出问题", "Issue raised"),
    "issue.assign": T("问题转交", "Issue passed on"),
    "dossier.escalate": T("逾期上报", "Overdue, passed up"),
}
MACHINES: Mapping[str, Machine] = {
    m.kind: m
    for m in (
        ALARM,
        INCIDENT,
        TASK,
        ROUND,
        CASE,
        EXPOSURE,
        APPEAL,
        SPOT_CHECK,
        SUSPENSION,
        OBJECTION,
        difficulties.DIFFICULTY,
        approvals.APPLICATION,
        approvals.STEP,
        difficulties.CAUSE,
        resumption.FILING,
        resumption.SITE_CHECK,
        resumption.ABSENCE,
        policies.DOCUMENT,
        policies.PAYMENT_LIST,
        projects.PROJECT,
        projects.SLIP,
        projects.ISSUE,
    )
}
STEPS: Mapping[str, T] = {f"{m.kind}.{s.name}": s.label for m in MACHINES.values() for s in m.steps}
WHY: Mapping[str, T] = {
    "handed_over": T("移交", "Handed over"),
    "escalated": T("逾期上报", "Overdue, passed up"),
    "returned": T("退回上级", "Returned to the post above"),
    "to_check": T("交核实", "To be checked"),
    "routed": T("交办", "Routed"),
    "delegated": T("交代办岗位", "To whoever stands in"),
    "reopened": T("企业说又遇到了", "It is back, says the firm"),
}
TONES: Mapping[str, str] = {
    "task.finish": "ok",
    "task.cancel": "warn",
    "task.return": "warn",
    "incident.open": "red",
    "incident.close": "ok",
    "dossier.escalate": "bad",
}
MISSED: Mapping[str, T] = {
    DUE: T("未按时完成", "not done in time"),
    ACCEPT_WITHIN: T("未按时接收", "not accepted in time"),
    REPORT_WITHIN: T("未按时上报", "not reported in time"),
    ACKNOWLEDGE: T("未按时签收", "not acknowledged in time"),
    DECIDE: T("未按时研判", "not decided in time"),
    ROUND_WITHIN: T("本轮未按时完成", "round not finished in time"),
    RETEST_WITHIN: T("复核未按时完成", "retest not finished in time"),
    CORE_WITHIN: T("核心信息未按时提交", "core facts not handed in in time"),
    FIRST_WITHIN: T("初步报告未按时提交", "first report not handed in in time"),
    FULL_WITHIN: T("完整报告未按时提交", "full report not handed in in time"),
    DRAW_WITHIN: T("公布后未按时抽取", "not drawn in time"),
    FINISH_WITHIN: T("抽检未按时办结", "spot check not finished in time"),
    APPROVE_WITHIN: T("未按时批复", "not decided in time"),
    SUSPEND_WITHIN: T("未按时批复", "not decided in time"),
    approvals.TELL: T("未按时一次性告知", "missing papers not told in time"),
    approvals.PROMISED: T("超过承诺时限", "promise not kept"),
    approvals.STATUTORY: T("超过法定时限", "limit of the law passed"),
    approvals.STEP_DUE: T("环节超时", "step not done in time"),
    difficulties.ROUTE_WITHIN: T("困难未按时交办", "difficulty not routed in time"),
    difficulties.PROMISE_WITHIN: T("未按时承诺", "nothing promised in time"),
    difficulties.PROMISED: T("未按承诺办好", "promise not kept in time"),
    difficulties.CONFIRM_WITHIN: T("未按时问到企业", "firm not asked in time"),
    difficulties.CALL_BACK_WITHIN: T("未按时回访", "firm not called back in time"),
    difficulties.ANSWER_CAUSE_WITHIN: T("共性问题未按时答复", "common cause not answered in time"),
    resumption.CHECK_WITHIN: T("未按时现场核查", "not checked on site in time"),
    resumption.CORRECT_WITHIN: T("未按时复查", "not looked at again in time"),
    resumption.ANSWER_WITHIN: T("缺课未按时核实", "absences not looked into in time"),
    policies.BREAK_DOWN: T("文件未按时分解", "document not broken down in time"),
    policies.ISSUE: T("文件未按时下发", "document not handed down in time"),
    policies.DELIVER: T("政策未按时传达到企业", "firms not told in time"),
    policies.REPORT: T("文件成效未按时上报", "outcome not reported in time"),
    policies.APPROVE_WITHIN: T("清单未按时批复", "list not decided in time"),
    policies.PAY_WITHIN: T("未按时兑现", "not fulfilled in time"),
    projects.BLUE_WITHIN: T("蓝单未按时答复", "blue slip not answered in time"),
    projects.YELLOW_WITHIN: T("黄单未按时答复", "yellow slip not answered in time"),
    projects.RED_WITHIN: T("红单未按时答复", "red slip not answered in time"),
    projects.CHECK_WITHIN: T("督办答复未按时核实", "answer to a slip not checked in time"),
    projects.ISSUE_DUE: T("项目问题未按时解决", "issue of a project not solved in time"),
    "gate.appeal_within": T("申诉未按时答复", "appeal not answered in time"),
}
ADDRESSES: Mapping[str, str] = {
    "alarm": "alarm",
    "incident": "incident",
    "task": "task",
    "round": "round",
    "case": "case",
    "exposure": "exposure",
    "appeal": "appeal",
    "spot_check": "spot_check",
    "suspension": "suspension",
    "objection": "objection",
    "filing": "filing",
    "site_check": "site_check",
    "absence": "absence",
    "difficulty": "difficulty",
    "application": "approval",
    "approval_step": "approval_work",
    "cause": "cause",
    "policy": "policy_document",
    "payment_list": "payment_list",
    "project": "project",
    "slip": "slip",
    "issue": "issue",
}


def address_of(dossier: Dossier) -> str:
    """Where the page of a dossier is."""
    return reverse(ADDRESSES[dossier.kind], args=[dossier.number])


def state_of(dossier: Dossier) -> T:
    """The state in words."""
    return MACHINES[dossier.kind].states[dossier.state]


def story_of(entries: Iterable[Entry], dossiers: Mapping[int, Dossier], here: Dossier) -> list[dict[str, Any]]:
    """Timeline lines; entries about another dossier than `here` name it and lead there. One query for the posts named."""
    known = list(entries)
    posts = {
        p.code: p.name for p in Post.objects.filter(code__in={str(e.details.get("to")) for e in known if e.action.endswith(".assign")})
    }
    lines = []
    for entry in known:
        about = dossiers.get(int(entry.subject_id))
        elsewhere = about is not None and about.pk != here.pk
        said = _said(entry, posts)
        title = T(f"{said.zh}：{about.title_zh}", f"{said.en}: {about.title_en}") if about and elsewhere else said
        escalated = entry.action == "dossier.escalate" or entry.details.get("why") == "escalated"
        lines.append(
            {
                "at": entry.at,
                "title": title,
                "who": entry.actor.name if entry.actor else SYSTEM,
                "note": _missed(entry) if escalated else entry.reason,
                "url": address_of(about) if about and elsewhere else None,
                "tone": "bad" if escalated else TONES.get(entry.action, ""),
            }
        )
    return lines


def _said(entry: Entry, posts: Mapping[str, T]) -> T:
    if entry.action == "incident.give":
        count = entry.details.get("tasks")
        return T(f"派发 {count} 项任务", "1 task given out" if count == 1 else f"{count} tasks given out")
    if entry.action.endswith(".assign"):
        found, post = WHY.get(str(entry.details.get("why"))), posts.get(str(entry.details.get("to")))
        if found is not None and post is not None:
            return T(f"{found.zh} → {post.zh}", f"{found.en} → {post.en}")
    return ACTS.get(entry.action) or STEPS.get(entry.action) or T(entry.action, entry.action)


def _missed(entry: Entry) -> T | str:
    """Which clock ran out: an escalation's reason is "KEY +LEVEL", at the top only its detail names the key."""
    key = str(entry.details.get("key") or entry.reason.partition(" ")[0])
    return MISSED.get(key, "")
