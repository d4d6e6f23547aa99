"""The steps of a task: allowed, refused by post, by place, by state; proof, approvals, needs, repeats."""

from datetime import timedelta

import pytest

from tests.domains.response.plans import CALL_IN, DELINEATE, HOLD, PDF, PNG, REVIEW, SYSTEM, activated
from tests.fixtures_town import AT, Town
from tongchou.core.audit.queries import history_of
from tongchou.core.casework.actions import escalate
from tongchou.core.casework.models import Assignment, Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.people.models import Post, Posting, User
from tongchou.core.people.queries import actor_for
from tongchou.domains.response.actions_tasks import (
    accept_task,
    approve_task,
    cancel_task,
    finish_task,
    hand_over_task,
    prove_task,
    return_task,
    start_task,
)
from tongchou.domains.response.models import Task
from tongchou.domains.response.queries import clock_of, inbox_rows, seen_task
from tongchou.domains.response.rules import ACCEPT_WITHIN, NotYours


@pytest.fixture
def tasks(small_town: Town) -> dict[str, Task]:
    return activated(small_town)


def _finished(task: Task, by: object, at: object = AT) -> Task:
    prove_task(task, note="已办", by=by, at=at)  # type: ignore[arg-type]
    return finish_task(task, by=by, at=at)  # type: ignore[arg-type]


def test_owner_accepts_starts_and_finishes_with_proof(small_town: Town, tasks: dict[str, Task]) -> None:
    task = tasks[CALL_IN]
    accept_task(task, by=small_town.lin, at=AT)
    assert Deadline.objects.get(dossier_id=task.pk, key=ACCEPT_WITHIN).stopped_at == AT
    start_task(task, by=small_town.lin, at=AT)
    with pytest.raises(Invalid, match="proof missing: note"):
        finish_task(task, by=small_town.lin, at=AT)
    done = _finished(task, small_town.lin, AT + timedelta(minutes=10))
    assert done.dossier.state == "finished" and not Deadline.objects.filter(dossier_id=task.pk, stopped_at=None).exists()
    assert [e.action for e in history_of(task.dossier)] == ["task.open", "task.accept", "task.start", "evidence.attach", "task.finish"]


@pytest.mark.parametrize("step", [accept_task, start_task, finish_task])
def test_steps_are_refused_by_post_and_by_place(small_town: Town, tasks: dict[str, Task], step: object) -> None:
    with pytest.raises(NotYours, match="Duty officer"):
        step(tasks[CALL_IN], by=small_town.chen, at=AT)  # type: ignore[operator]
    with pytest.raises(Unseen):
        step(tasks[CALL_IN], by=small_town.zhao, at=AT)  # type: ignore[operator]
    assert tasks[CALL_IN].dossier.state == "new"


def test_zhao_sees_no_task_and_can_do_nothing_to_it(small_town: Town, tasks: dict[str, Task]) -> None:
    task, zhao = tasks[HOLD], small_town.zhao
    with pytest.raises(Unseen):
        seen_task(task.dossier.number, zhao)
    for attempt in (
        lambda: prove_task(task, note="假的", by=zhao, at=AT),
        lambda: return_task(task, reason="不办", by=zhao, at=AT),
        lambda: cancel_task(task, reason="不办", by=zhao, at=AT),
        lambda: approve_task(task, by=zhao, at=AT),
        lambda: hand_over_task(task, post=small_town.posts["elsewhere-officer"], reason="给我", by=zhao, at=AT),
    ):
        with pytest.raises(Unseen):
            attempt()
    assert [e.action for e in history_of(task.dossier)] == ["task.open"]


def test_post_above_may_do_the_work_but_a_neighbour_may_not(small_town: Town, tasks: dict[str, Task]) -> None:
    with pytest.raises(NotYours):
        start_task(tasks[HOLD], by=small_town.gao, at=AT)
    start_task(tasks[HOLD], by=small_town.fang, at=AT)
    assert tasks[HOLD].pk in {r.dossier.pk for r in inbox_rows(small_town.wu)}


def test_second_step_is_stale_and_says_what_is_allowed(small_town: Town, tasks: dict[str, Task]) -> None:
    accept_task(tasks[CALL_IN], by=small_town.lin, at=AT)
    with pytest.raises(Stale, match=r"cannot 'accept' from 'accepted'; allowed now: \['start', 'finish', 'return', 'cancel'\]"):
        accept_task(tasks[CALL_IN], by=small_town.fang, at=AT)


def test_photo_must_be_a_picture_and_needs_come_first(small_town: Town, tasks: dict[str, Task]) -> None:
    task = tasks[HOLD]
    start_task(task, by=small_town.wu, at=AT)
    prove_task(task, content=PDF, name="名单.pdf", by=small_town.wu, at=AT)
    with pytest.raises(Invalid) as told:
        finish_task(task, by=small_town.wu, at=AT)
    assert [p.field for p in told.value.problems] == ["proof", "needs"]
    prove_task(task, content=PNG, name="门口.png", by=small_town.wu, at=AT)
    start_task(tasks[CALL_IN], by=small_town.lin, at=AT)
    Notice.objects.all().delete()
    _finished(tasks[CALL_IN], small_town.lin)
    assert Notice.objects.get().user.username == "wu"
    assert finish_task(task, by=small_town.wu, at=AT).dossier.state == "finished"


def test_a_cancelled_prerequisite_holds_nobody_up(small_town: Town, tasks: dict[str, Task]) -> None:
    cancel_task(tasks[CALL_IN], reason="人已在岗", by=small_town.fang, at=AT)
    start_task(tasks[HOLD], by=small_town.wu, at=AT)
    prove_task(tasks[HOLD], content=PNG, name="门口.png", by=small_town.wu, at=AT)
    assert finish_task(tasks[HOLD], by=small_town.wu, at=AT).dossier.state == "finished"


def test_approvals_come_from_others(small_town: Town, tasks: dict[str, Task]) -> None:
    task = tasks[DELINEATE]
    start_task(task, by=small_town.gao, at=AT)
    prove_task(task, content=PDF, name="意见.pdf", by=small_town.gao, at=AT)
    with pytest.raises(Invalid, match="Somebody other"):
        approve_task(task, by=small_town.gao, at=AT)
    with pytest.raises(Unseen):
        approve_task(task, by=small_town.chen, at=AT)
    approve_task(task, by=small_town.fang, at=AT)
    with pytest.raises(Stale):
        approve_task(task, by=small_town.fang, at=AT)
    with pytest.raises(Invalid, match="2 approvals needed, 1 given"):
        finish_task(task, by=small_town.gao, at=AT)
    approve_task(task, by=small_town.lin, at=AT)
    assert finish_task(task, by=small_town.gao, at=AT).dossier.state == "finished"
    with pytest.raises(Stale):
        approve_task(task, by=small_town.fang, at=AT)


def test_repeating_task_is_opened_anew_while_the_incident_is_active(small_town: Town, tasks: dict[str, Task]) -> None:
    start_task(tasks[REVIEW], by=small_town.fang, at=AT)
    later = AT + timedelta(hours=20)
    _finished(tasks[REVIEW], small_town.fang, later)
    again = Task.objects.filter(plan_task=REVIEW).latest("pk")
    assert again.pk != tasks[REVIEW].pk and again.dossier.state == "new"
    assert Deadline.objects.get(dossier_id=again.pk, key="task.due").due_at == later + timedelta(days=1)


def test_returned_task_goes_to_the_post_above(small_town: Town, tasks: dict[str, Task]) -> None:
    with pytest.raises(Invalid):
        return_task(tasks[HOLD], reason="", by=small_town.wu, at=AT)
    return_task(tasks[HOLD], reason="人手不够", by=small_town.wu, at=AT)
    assert Assignment.objects.get(dossier_id=tasks[HOLD].pk, to_at=None).post.code == "duty-officer"
    with pytest.raises(NotYours):
        accept_task(tasks[HOLD], by=small_town.wu, at=AT)
    accept_task(tasks[HOLD], by=small_town.lin, at=AT)
    with pytest.raises(Invalid, match="no post above"):
        return_task(tasks[REVIEW], reason="无", by=small_town.fang, at=AT)


def test_hand_over_takes_the_task_from_the_old_hands(small_town: Town, tasks: dict[str, Task]) -> None:
    with pytest.raises(Unseen):
        hand_over_task(tasks[HOLD], post=small_town.posts["doctor"], reason="更近", by=small_town.wu, at=AT)
    with pytest.raises(Invalid, match="does not answer"):
        hand_over_task(tasks[HOLD], post=small_town.posts["elsewhere-officer"], reason="更近", by=small_town.lin, at=AT)
    hand_over_task(tasks[HOLD], post=small_town.posts["doctor"], reason="更近", by=small_town.lin, at=AT)
    start_task(tasks[HOLD], by=small_town.chen, at=AT)
    with pytest.raises(NotYours):
        prove_task(tasks[HOLD], note="我来", by=small_town.wu, at=AT)
    assert Notice.objects.filter(user__username="chen").exists()


def test_escalated_task_stays_in_the_hands_of_those_who_do_it(small_town: Town, tasks: dict[str, Task]) -> None:
    late = AT + timedelta(minutes=16)
    escalate(tasks[HOLD].dossier, by=SYSTEM, at=late)
    assert Assignment.objects.get(dossier_id=tasks[HOLD].pk, to_at=None).user.username == "lin"  # type: ignore[union-attr]
    rows = {r.dossier.pk: r for r in inbox_rows(small_town.wu)}
    assert rows[tasks[HOLD].pk].is_escalated_away
    assert start_task(tasks[HOLD], by=small_town.wu, at=late).dossier.state == "started"


def test_task_of_an_empty_post_belongs_to_whoever_takes_it(small_town: Town) -> None:
    Posting.objects.filter(user__username="wu").delete()
    task = activated(small_town)[HOLD]
    assert Assignment.objects.get(dossier_id=task.pk).user is None
    wu = User.objects.get(username="wu")
    Posting.objects.create(user=wu, post=Post.objects.get(code="village-1"), from_at=AT)
    accept_task(task, by=actor_for(wu, AT + timedelta(minutes=1)), at=AT + timedelta(minutes=1))
    assert Assignment.objects.get(dossier_id=task.pk).user == wu


def test_response_is_complete_when_the_last_early_task_is_closed(small_town: Town, tasks: dict[str, Task]) -> None:
    incident = tasks[CALL_IN].incident
    for hours, task in enumerate(tasks.values(), 1):
        assert clock_of(incident, detected_at=AT)[2].to_at is None
        cancel_task(task, reason="演示", by=small_town.fang, at=AT + timedelta(hours=hours))
    assert clock_of(incident, detected_at=AT)[2].to_at == AT + timedelta(hours=4)
