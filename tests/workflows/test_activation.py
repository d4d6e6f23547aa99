"""A confirmed alarm becomes people at work, wholly or not at all; what they leave undone climbs."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import close_old_connections, connections

from tests.domains.response.plans import CALL_IN, HOLD, SYSTEM, propose, published
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import verify_chain
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Link
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.people.rules import Actor
from tongchou.domains.response.models import Incident, Task
from tongchou.domains.warning.models import Alarm
from tongchou.workflows import activation
from tongchou.workflows.activation import confirm, escalate_overdue


@pytest.fixture
def alarm(small_town: Town) -> Alarm:
    published(small_town)
    return propose(town=small_town, is_exercise=False, by=SYSTEM, at=AT)


def _confirm(alarm: Alarm, by: Actor, plan_code: str = "spread") -> Incident:
    return confirm(alarm, plan_code=plan_code, reason="两例核酸阳性", by=by, at=AT)


def _world() -> tuple[object, ...]:
    """Everything an activation writes, as counts and states."""
    counted = (Dossier, Incident, Task, Assignment, Deadline, Link, Notice, Message, Entry)
    return (*(model.objects.count() for model in counted), *Dossier.objects.order_by("pk").values_list("state", "closed_at"))


def test_confirming_sets_the_whole_plan_in_motion(small_town: Town, alarm: Alarm) -> None:
    incident = _confirm(alarm, small_town.lin)
    alarm.refresh_from_db()
    assert (alarm.dossier.state, alarm.verdict) == ("confirmed", "true")
    assert Link.objects.get(source=incident.dossier).target == alarm.dossier
    assert (incident.dossier.grade, incident.dossier.place) == ("orange", small_town.villages[0])
    tasks = {t.plan_task: t for t in Task.objects.filter(incident=incident)}
    assert len(tasks) == 4
    assert Deadline.objects.get(dossier_id=tasks[CALL_IN].pk, key="task.due").due_at == AT + timedelta(minutes=15)
    assert Notice.objects.filter(user__username="wu", dossier_id=tasks[HOLD].pk).exists()
    assert Notice.objects.filter(user__username="fang", dossier=incident.dossier).exists()
    assert Message.objects.filter(topic="mail").count() >= 4
    actions = list(Entry.objects.values_list("action", flat=True))
    assert [a for a in actions if a != "task.open"][-4:] == ["alarm.open", "alarm.confirm", "incident.open", "incident.give"]
    assert verify_chain().problems == ()


@pytest.mark.parametrize(
    "broken",
    [
        "tongchou.workflows.activation.open_incident",
        "tongchou.workflows.activation.give_tasks",
        "tongchou.domains.response.giving._write_needs",
        "tongchou.domains.response.giving._tell_holders",
        "tongchou.workflows.activation._tell_head",
        "tongchou.core.outbox.queue.post_all",
    ],
)
def test_a_crash_between_any_two_steps_keeps_nothing(small_town: Town, alarm: Alarm, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    before = _world()
    monkeypatch.setattr(broken, crash)
    with pytest.raises(MemoryError):
        _confirm(alarm, small_town.lin)
    assert _world() == before
    assert verify_chain().problems == ()
    monkeypatch.undo()
    assert _confirm(alarm, small_town.lin).tasks.count() == 4


def test_refused_by_post_by_place_and_by_plan(small_town: Town, alarm: Alarm) -> None:
    before = _world()
    for person in (small_town.chen, small_town.zhao, small_town.wu):
        with pytest.raises(Unseen):
            _confirm(alarm, person)
    with pytest.raises(Invalid, match="方案"):
        _confirm(alarm, small_town.lin, plan_code="nothing")
    assert _world() == before


def test_second_officer_is_told_that_somebody_was_first(small_town: Town, alarm: Alarm) -> None:
    _confirm(alarm, small_town.lin)
    before = _world()
    with pytest.raises(Stale):
        _confirm(alarm, small_town.fang)
    assert _world() == before


def test_a_drill_is_activated_without_letters(small_town: Town) -> None:
    published(small_town)
    drill = propose(town=small_town, is_exercise=True, by=SYSTEM, at=AT)
    incident = _confirm(drill, small_town.lin)
    assert incident.dossier.is_exercise and all(t.dossier.is_exercise for t in incident.tasks.all())
    assert Notice.objects.exists() and not Message.objects.filter(topic="mail").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_officers_at_once_one_wins(small_town: Town, alarm: Alarm) -> None:
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def decide(by: Actor) -> None:
        try:
            gate.wait()
            outcomes.append(_confirm(Alarm.objects.get(pk=alarm.pk), by))
        except Refusal as refusal:
            outcomes.append(refusal)
        finally:
            connections.close_all()

    close_old_connections()
    officers = [threading.Thread(target=decide, args=(by,)) for by in (small_town.lin, small_town.fang)]
    for officer in officers:
        officer.start()
    for officer in officers:
        officer.join()
    assert sorted(type(o).__name__ for o in outcomes) == ["Incident", "Stale"]
    assert Incident.objects.count() == 1 and Task.objects.count() == 4
    assert verify_chain().problems == ()


def test_overdue_tasks_climb_post_by_post_and_people_are_told(small_town: Town, alarm: Alarm) -> None:
    incident = _confirm(alarm, small_town.lin)
    task = Task.objects.get(incident=incident, plan_task=HOLD)
    Notice.objects.all().delete()

    def hand() -> str:
        return Assignment.objects.get(dossier_id=task.pk, to_at=None).post.code

    assert escalate_overdue(by=SYSTEM, at=AT + timedelta(minutes=14)) == 0
    assert escalate_overdue(by=SYSTEM, at=AT + timedelta(minutes=16)) > 0
    assert hand() == "duty-officer"
    assert set(Notice.objects.filter(dossier_id=task.pk).values_list("user__username", flat=True)) == {"wu", "lin"}
    assert escalate_overdue(by=SYSTEM, at=AT + timedelta(minutes=17)) == 0
    escalate_overdue(by=SYSTEM, at=AT + timedelta(minutes=47))
    assert hand() == "duty-leader"
    escalate_overdue(by=SYSTEM, at=AT + timedelta(minutes=78))
    assert hand() == "duty-leader"
    assert verify_chain().problems == ()


def test_two_clocks_that_ran_out_together_are_one_step_up(small_town: Town, alarm: Alarm) -> None:
    incident = _confirm(alarm, small_town.lin)
    task = Task.objects.get(incident=incident, plan_task=HOLD)
    late = AT + timedelta(minutes=61)
    assert Deadline.objects.filter(dossier_id=task.pk, stopped_at=None, due_at__lte=late).count() == 2
    escalate_overdue(by=SYSTEM, at=late)
    escalate_overdue(by=SYSTEM, at=late + timedelta(seconds=20))
    assert Assignment.objects.get(dossier_id=task.pk, to_at=None).post.code == "duty-officer"


def test_delay_and_its_message_are_kept_together(small_town: Town, alarm: Alarm, monkeypatch: pytest.MonkeyPatch) -> None:
    _confirm(alarm, small_town.lin)
    before, late = _world(), AT + timedelta(minutes=16)
    plain: Callable[..., object] = activation.notify

    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(activation, "notify", crash)
    with pytest.raises(MemoryError):
        escalate_overdue(by=SYSTEM, at=late)
    assert _world() == before
    monkeypatch.setattr(activation, "notify", plain)
    assert escalate_overdue(by=SYSTEM, at=late) > 0
