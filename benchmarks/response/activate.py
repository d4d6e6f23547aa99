"""Speed of an activation: python benchmarks/response/activate.py [--tasks 1000] [--repeats 3]

Confirms an alarm under a plan of that many tasks, on SQLite with full synchronisation and on PostgreSQL: deadlines, assignments, needs, entries of the
chain, notices and letters, in one transaction. Prints the seconds, the number of queries, and the ratio to as many plain single-row
inserts in one transaction in the same run, which is what the machine could do at best if a task were one row.
"""

import argparse
import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.databases import measure_each

AT = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)
POSTS = 40


def build_town() -> tuple[Any, Any]:
    """A town with its posts and people; gives back the place and the officer who confirms."""
    from tongchou.core.parameters.models import Parameter, ParameterValue
    from tongchou.core.people.models import Post, Posting, Unit, User
    from tongchou.core.people.queries import actor_for
    from tongchou.core.places.models import Place

    town = Place.objects.create(code="town", kind="town", path="/town/", name_zh="镇", name_en="Town", valid_from=date(2020, 1, 1))
    unit = Unit.objects.create(code="office", kind="office", name_zh="办公室", name_en="Office", place=town)
    leader = None
    for number in range(POSTS):
        kind = "duty_leader" if number == 0 else "duty_officer" if number == 1 else "group_leader"
        post = Post.objects.create(
            code=f"post-{number}", kind=kind, unit=unit, place=town, reports_to=leader, name_zh="岗位", name_en="Post"
        )
        leader = leader or post
        user = User.objects.create(username=f"user-{number}", email=f"user-{number}@example.test", name_zh="人", name_en="Person")
        Posting.objects.create(user=user, post=post, from_at=datetime(2022, 1, 1, tzinfo=UTC))
    for key in ("alarm.acknowledge_within", "alarm.decide_within", "incident.report_within", "task.accept_within", "task.escalate_every"):
        parameter = Parameter.objects.create(key=key, unit="minute", name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=30, valid_from=date(2020, 1, 1), source_zh="测试", source_en="test", confidence="low"
        )
    return town, actor_for(User.objects.get(username="user-1"), AT)


def publish(town: Any, tasks: int) -> None:
    """A plan of that many tasks; every tenth waits for the one before."""
    from tongchou.core.packs.contents import GroupSpec, PlanSpec, ProofSpec, TaskSpec
    from tongchou.core.people.rules import system_actor
    from tongchou.core.wording import T
    from tongchou.domains.response.actions import publish_plan

    proofs = (ProofSpec("photo", T("照片", "photo")),)
    specs = tuple(
        TaskSpec(
            f"A{n}", T(f"任务{n}", f"Task {n}"), None, "office", f"post-{n % POSTS}", (f"A{n - 1}",) if n % 10 == 9 else (), 60 + n,
            proofs, (), 0, None,
        )
        for n in range(tasks)
    )  # fmt: skip
    name = T("方案", "Plan")
    group = GroupSpec("office", "post-0", T("协调", "coordinate"))
    plan = PlanSpec("spread", 1, name, "draft", (), name, name, (group,), (), (), specs, "")
    publish_plan(plan=plan, place=town, valid_from=date(2022, 1, 1), by=system_actor("benchmark"), at=AT)


def propose(town: Any) -> Any:
    """An alarm to confirm."""
    from tongchou.core.people.rules import system_actor
    from tongchou.core.runs.models import Run
    from tongchou.core.wording import T
    from tongchou.domains.warning.actions import Finding, propose_alarm

    run = Run.objects.create(function="benchmark", version="1", parameters={}, input_digest="0", as_known_at=AT, recorded_at=AT, result={})
    target = f"target-{run.pk}"
    finding = Finding(
        area=town, place=town, target=target, target_name=T("新冠", "COVID-19"), grade="orange", day=AT.date(), as_known_at=AT,
        raised_by="fusion", log_evidence=6.0, threshold=4.0, probability=0.7, prior_onsets_per_year=2.0, growth_per_day=None,
        growth_low=None, growth_high=None, expected=(), shares=(), run=run,
    )  # fmt: skip
    return propose_alarm(finding=finding, repeat_days=7, by=system_actor("benchmark"), at=AT)


def plain_inserts(rows: int) -> float:
    """Seconds for so many single-row inserts in one transaction."""
    from django.db import transaction

    from tongchou.core.outbox.models import Message

    begin = time.perf_counter()
    with transaction.atomic():
        for n in range(rows):
            Message.objects.create(topic="benchmark", key=f"{time.perf_counter_ns()}-{n}", payload={}, created_at=AT, due_at=AT)
    return time.perf_counter() - begin


def measure(kind: str, tasks: int, repeats: int) -> None:
    """The whole of it on the database that the environment names; ends with the row of figures."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tongchou.core.audit.queries import verify_chain
    from tongchou.workflows.activation import confirm

    call_command("migrate", verbosity=0)
    town, officer = build_town()
    publish(town, tasks)
    alone, cpu, beside = [], [], []
    for _ in range(repeats):
        alarm = propose(town)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        confirm(alarm, plan_code="spread", reason="两例阳性 two positives", by=officer, at=AT)
        alone.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
        beside.append(plain_inserts(tasks))
    alarm = propose(town)
    with CaptureQueriesContext(connection) as queries:
        incident = confirm(alarm, plan_code="spread", reason="两例阳性 two positives", by=officer, at=AT)
    if problems := verify_chain().problems:
        raise SystemExit(f"the chain does not hold: {problems}")
    check_whole(incident, tasks)
    base = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    print(f"{base}: confirm, {tasks} tasks with deadlines, assignments, entries and messages: {min(alone):.2f} s wall,"
          f" {min(cpu):.2f} s of one core in this process (least of {repeats} runs; median {median(alone):.2f} s); {len(queries)} queries")  # fmt: skip
    print(f"beside {tasks} single-row inserts in one transaction: {min(beside):.2f} s, ratio {min(alone) / min(beside):.2f}")
    row = {
        "promise": {
            "zh": f"确认预警，派出 {tasks:,} 项任务（时限、指派、记录、通知；{base}）：不到 1 秒",
            "en": f"confirm, and {tasks:,} tasks are out with deadlines, assignments, entries, messages ({base}): under 1 s",
        },
        "measured": f"{min(alone):.2f} s",
        "peer": {
            "zh": f"用时是 {tasks:,} 次单行插入的 {min(alone) / min(beside):.1f} 倍；{len(queries)} 次查询",
            "en": f"{min(alone) / min(beside):.1f} times as long as {tasks:,} single-row inserts; {len(queries)} queries",
        },
        "kept": min(alone) < 1,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))


def check_whole(incident: Any, tasks: int) -> None:
    """What was timed is what was promised: every task with a running clock and hands, an entry, and somebody told."""
    from tongchou.core.audit.models import Entry
    from tongchou.core.casework.models import Assignment, Deadline
    from tongchou.core.outbox.models import Message, Notice

    ids = list(incident.tasks.values_list("pk", flat=True))
    found = {
        "tasks": len(ids),
        "clocks": Deadline.objects.filter(dossier_id__in=ids, stopped_at=None).values("dossier").distinct().count(),
        "hands": Assignment.objects.filter(dossier_id__in=ids, to_at=None).count(),
        "entries": Entry.objects.filter(subject_kind="dossier", subject_id__in=map(str, ids)).values("subject_id").distinct().count(),
    }
    if set(found.values()) != {tasks} or not Notice.objects.exists() or not Message.objects.exclude(topic="benchmark").exists():
        raise SystemExit(f"not the whole of it: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    measure_each(parser, __file__, lambda on, options: measure(on, options.tasks, options.repeats))


if __name__ == "__main__":
    main()
