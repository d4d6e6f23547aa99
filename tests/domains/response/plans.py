"""A small plan for the small town: four tasks, one of each kind that matters."""

from dataclasses import replace
from datetime import date, datetime

from tests.fixtures_town import AT, Town
from tongchou.core.audit.acting import action
from tongchou.core.casework.life import Opening, open_dossiers
from tongchou.core.packs.contents import DocumentSpec, GroupSpec, PlanSpec, ProofSpec, TaskSpec, TriggerSpec
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.response.actions import give_tasks, open_incident, publish_plan
from tongchou.domains.response.models import Incident, Plan, Task
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.rules import ALARM

SYSTEM = system_actor("test")
CALL_IN, HOLD, DELINEATE, REVIEW = "A01", "A03", "A09", "A16"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
PDF = b"%PDF-1.4 " + b"0" * 40


def _task(code: str, zh: str, en: str, owner: str, group: str, minutes: int, **more: object) -> TaskSpec:
    plain = TaskSpec(code, T(zh, en), None, group, owner, (), minutes, (ProofSpec("text", T("说明", "note")),), (), 0, None)
    return replace(plain, **more)  # type: ignore[arg-type]


def small_plan(town: Town, version: int = 1) -> PlanSpec:
    office, trace = town.posts["duty-officer"].unit.code, town.posts["trace-leader"].unit.code
    tasks = (
        _task(CALL_IN, "启动专班", "Call in", "duty-officer", office, 15),
        _task(
            HOLD, "先行管控", "Hold the place", "village-1", office, 60, after=(CALL_IN,), proofs=(ProofSpec("photo", T("照片", "photo")),)
        ),
        _task(
            DELINEATE,
            "划定风险区",
            "Delineate",
            "trace-leader",
            trace,
            360,
            approvals=2,
            proofs=(ProofSpec("document", T("意见", "opinion")),),
            documents=("notice",),
        ),
        _task(REVIEW, "解除评估", "Release review", "duty-leader", office, 1800, repeat_minutes=1440),
    )
    return PlanSpec(
        code="spread",
        version=version,
        name=T("社会面疫情应急处置方案", "Community-spread plan"),
        status="draft",
        targets=(),
        source=T("测试", "test"),
        command_name=T("一办五组", "One office and five groups"),
        groups=(GroupSpec(office, "duty-leader", T("协调", "coordinate")), GroupSpec(trace, "trace-leader", T("流调", "trace"))),
        triggers=(TriggerSpec("T1", T("预警", "alarm"), "alarm", ("orange",), "activate", "low"),),
        documents=(DocumentSpec("notice", T("通告", "notice")),),
        tasks=tasks,
        file="plans/spread.yaml",
    )


def published(town: Town) -> Plan:
    return publish_plan(plan=small_plan(town), place=town.town, valid_from=date(2022, 1, 1), by=town.fang, at=AT)


def opened(town: Town, *, is_exercise: bool = False) -> Incident:
    return open_incident(
        plan=published(town),
        title=T("徐泾居委会疫情处置", "Response in Xujing"),
        place=town.villages[0],
        grade="orange",
        is_exercise=is_exercise,
        reason="初筛阳性",
        by=town.lin,
        at=AT,
    )


def activated(town: Town, *, is_exercise: bool = False) -> dict[str, Task]:
    """An incident with its tasks given out: plan code → task."""
    return {task.plan_task: task for task in give_tasks(opened(town, is_exercise=is_exercise), by=town.lin, at=AT)}


@action("alarm.propose", place=lambda given: given["town"].villages[0].path)
def propose(*, town: Town, is_exercise: bool, by: Actor, at: datetime) -> Alarm:
    """An alarm that waits to be decided."""
    opening = Opening(
        T("徐泾居委会发热门诊上升", "Rise in Xujing"), town.villages[0], town.posts["duty-officer"], grade="orange", is_exercise=is_exercise
    )
    dossier = open_dossiers(ALARM, [opening], by=by, at=at)[0]
    run = Run.objects.create(function="test", version="1", parameters={}, input_digest="0", as_known_at=AT, recorded_at=AT, result={})
    return Alarm.objects.create(
        dossier=dossier, area=town.town, target="covid19", target_zh="新冠", target_en="COVID-19", day=AT.date(), as_known_at=AT,
        last_seen_on=AT.date(), raised_by="fusion", log_evidence=6.0, threshold=4.0, probability=0.7, prior_onsets_per_year=2.0, run=run,
    )  # fmt: skip
