"""Publishing plans; opening, reporting, noting on and closing incidents."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.domains.response.plans import CALL_IN, HOLD, SYSTEM, activated, opened, published, small_plan
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import history_of, verify_chain
from tongchou.core.casework.models import Assignment, Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.wording import T
from tongchou.domains.response.actions import (
    add_log,
    close_incident,
    give_tasks,
    open_incident,
    propose_closing,
    publish_plan,
    report_incident,
    resume_incident,
)
from tongchou.domains.response.actions_tasks import cancel_task
from tongchou.domains.response.models import Plan, Task, TaskNeed
from tongchou.domains.response.queries import clock_of, incidents_seen, log_of, plans_in_force, seen_incident, tasks_of


def test_plan_is_published_once_and_kept_by_version(small_town: Town) -> None:
    first = published(small_town)
    again = publish_plan(plan=small_plan(small_town), place=small_town.town, valid_from=date(2022, 5, 1), by=small_town.fang, at=AT)
    assert again.pk == first.pk and again.valid_from == date(2022, 1, 1)
    changed = replace(small_plan(small_town), name=T("改动", "changed"))
    with pytest.raises(Invalid, match="raise its version"):
        publish_plan(plan=changed, place=small_town.town, valid_from=date(2022, 5, 1), by=small_town.fang, at=AT)
    second = publish_plan(plan=replace(changed, version=2), place=small_town.town, valid_from=date(2022, 6, 1), by=small_town.fang, at=AT)
    path = small_town.villages[0].path
    assert plans_in_force(date(2022, 5, 31), path) == [first] and plans_in_force(date(2022, 6, 1), path) == [second]
    assert plans_in_force(date(2022, 6, 1), small_town.elsewhere.path) == []
    assert [e.action for e in history_of(first)] == ["plan.publish", "plan.publish"]


def test_plan_that_names_a_missing_post_or_waits_in_a_circle_is_refused(small_town: Town) -> None:
    plan = small_plan(small_town)
    call, hold, *rest = plan.tasks
    broken = replace(plan, tasks=(replace(call, owner="nobody", after=(HOLD,)), hold, *rest))
    with pytest.raises(Invalid) as told:
        publish_plan(plan=broken, place=small_town.town, valid_from=date(2022, 1, 1), by=small_town.fang, at=AT)
    assert "post nobody does not exist" in str(told.value.args) and f"{CALL_IN} → {HOLD}" in str(told.value.args)
    assert not Plan.objects.exists() and not Entry.objects.exists()


def test_plan_needs_the_post_and_the_place(small_town: Town) -> None:
    for person in (small_town.lin, small_town.zhao):
        with pytest.raises(Unseen):
            publish_plan(plan=small_plan(small_town), place=small_town.town, valid_from=date(2022, 1, 1), by=person, at=AT)
    with pytest.raises(Unseen):
        publish_plan(plan=small_plan(small_town), place=small_town.elsewhere, valid_from=date(2022, 1, 1), by=small_town.fang, at=AT)


def test_incident_opens_with_owner_clock_and_entry(small_town: Town) -> None:
    incident = opened(small_town)
    head = incident.dossier
    assert (head.number, head.state, head.grade) == ("SJ-2022-0001", "active", "orange")
    assert Assignment.objects.get(dossier=head).user.username == "fang"  # type: ignore[union-attr]
    assert Deadline.objects.get(dossier=head).due_at == AT + timedelta(hours=2)
    assert history_of(head).get().details["plan"] == "spread"


def test_incident_is_refused_by_post_place_and_plan(small_town: Town) -> None:
    plan = published(small_town)
    given = {"plan": plan, "title": T("疫情", "outbreak"), "reason": "x", "at": AT}
    for person, place in ((small_town.wu, small_town.villages[0]), (small_town.zhao, small_town.villages[0])):
        with pytest.raises(Unseen):
            open_incident(place=place, by=person, **given)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="does not hold"):
        open_incident(place=small_town.elsewhere, by=small_town.zhao, **given)  # type: ignore[arg-type]


def test_tasks_go_to_the_posts_on_duty_with_deadlines_needs_and_messages(small_town: Town) -> None:
    tasks = activated(small_town)
    rows = {row.task.plan_task: row for row in tasks_of(tasks[CALL_IN].incident)}
    assert [rows[c].hand.user.username for c in rows] == ["lin", "wu", "gao", "fang"]  # type: ignore[union-attr]
    assert rows[HOLD].clock.due_at == AT + timedelta(hours=1)  # type: ignore[union-attr]
    assert [d.pk for d in rows[HOLD].waits_for] == [tasks[CALL_IN].pk]
    assert TaskNeed.objects.count() == 1
    assert tasks["A09"].documents == [{"code": "notice", "zh": "通告", "en": "notice"}]
    assert set(Notice.objects.values_list("user__username", flat=True)) == {"lin", "wu", "gao", "fang"}
    assert set(Message.objects.filter(topic="mail").values_list("payload__to", flat=True)) == {
        f"{who}@example.org" for who in ("lin", "wu", "gao", "fang")
    }
    assert verify_chain().problems == ()


def test_tasks_are_given_out_once_and_only_in_ones_own_place(small_town: Town) -> None:
    incident = activated(small_town)[CALL_IN].incident
    with pytest.raises(Stale):
        give_tasks(incident, by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        give_tasks(incident, by=small_town.zhao, at=AT)
    assert Task.objects.count() == 4


def test_a_drill_tells_people_in_the_pages_only(small_town: Town) -> None:
    activated(small_town, is_exercise=True)
    assert Notice.objects.count() == 4 and not Message.objects.exists()


def test_report_stops_the_clock_and_starts_the_notified_instant(small_town: Town) -> None:
    incident = opened(small_town)
    with pytest.raises(Unseen):
        report_incident(incident, receipt="区指挥部", by=small_town.zhao, at=AT)
    with pytest.raises(Invalid):
        report_incident(incident, receipt=" ", by=small_town.lin, at=AT)
    report_incident(incident, receipt="区指挥部 王", by=small_town.lin, at=AT + timedelta(hours=1))
    assert Deadline.objects.get(dossier_id=incident.pk).stopped_at == AT + timedelta(hours=1)
    _, notify, respond = clock_of(incident, detected_at=AT - timedelta(hours=2))
    assert notify.took == timedelta(hours=3) and notify.is_kept is None
    assert respond.from_at == AT + timedelta(hours=1) and respond.took is None


def test_notes_are_part_of_the_log(small_town: Town) -> None:
    incident = opened(small_town)
    add_log(incident, text="已到现场", by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        add_log(incident, text="看看", by=small_town.zhao, at=AT)
    with pytest.raises(Invalid):
        add_log(incident, text="", by=small_town.lin, at=AT)
    assert log_of(incident)[0].reason == "已到现场"


def test_incident_closes_with_review_when_nothing_is_open(small_town: Town) -> None:
    tasks = activated(small_town)
    incident = tasks[CALL_IN].incident
    with pytest.raises(Stale, match="cannot 'close' from 'active'"):
        close_incident(incident, review="总结", by=small_town.fang, at=AT)
    propose_closing(incident, reason="七天无新增", by=small_town.lin, at=AT)
    resume_incident(incident, reason="又有新增", by=small_town.lin, at=AT)
    propose_closing(incident, reason="七天无新增", by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        close_incident(incident, review="总结", by=small_town.lin, at=AT)
    with pytest.raises(Invalid, match="RW-2022-0001"):
        close_incident(incident, review="总结", by=small_town.fang, at=AT)
    for task in tasks.values():
        cancel_task(task, reason="不再需要", by=small_town.fang, at=AT)
    with pytest.raises(Invalid):
        close_incident(incident, review=" ", by=small_town.fang, at=AT)
    closed = close_incident(incident, review="布控快，漏检两人", by=small_town.fang, at=AT + timedelta(days=7))
    assert closed.dossier.state == "closed" and closed.dossier.closed_at == AT + timedelta(days=7)
    with pytest.raises(Stale):
        add_log(incident, text="再记一条", by=small_town.lin, at=AT)
    assert verify_chain().problems == ()


def test_officer_of_another_town_sees_no_incident(small_town: Town) -> None:
    incident = opened(small_town)
    assert not incidents_seen(small_town.zhao).exists()
    with pytest.raises(Unseen):
        seen_incident(incident.dossier.number, small_town.zhao)
    assert seen_incident(incident.dossier.number, small_town.chen).pk == incident.pk
    assert incidents_seen(SYSTEM).get().tasks_open == 0
