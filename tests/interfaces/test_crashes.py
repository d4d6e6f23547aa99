"""The straight line killed before each statement that writes, from the decision to the delivered letter, then taken up again: as if nothing had happened."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction

from tests.crashes import Killed, killed_before, moments, writes_of
from tests.domains.response.plans import SYSTEM, propose, published
from tests.fixtures_town import AT, SINCE, Town
from tests.workflows.test_early_warning import DAY, _at, watched  # noqa: F401 - a fixture
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import verify_chain
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Link
from tongchou.core.errors import Stale
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.queue import LEASE, work_once
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.places.models import Installation
from tongchou.core.runs.models import Run
from tongchou.domains.response.models import Task, TaskNeed
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.models import Alarm, PlaceEvidence, Signal
from tongchou.interfaces.adapters.channel import Parcel
from tongchou.interfaces.jobs import duties, handlers
from tongchou.workflows.activation import confirm

LATE = AT + timedelta(minutes=16)


class Letters:
    """A mail server that keeps every parcel; a second one with the same key is the same letter."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def is_configured(self) -> bool:
        return True

    def send(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    box = Letters()
    monkeypatch.setattr(handlers, "MAIL", box)
    return box


@pytest.fixture
def alarm(installed_town: Town) -> Alarm:
    parameter = Parameter.objects.create(key="task.remind_before", unit="minute", name_zh="提醒", name_en="remind")
    ParameterValue.objects.create(parameter=parameter, value=20, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low")
    published(installed_town)
    return propose(town=installed_town, is_exercise=False, by=SYSTEM, at=AT)


def _straight_line(town: Town, alarm: Alarm) -> None:
    """What officer and worker do: again and again the same, since neither knows how far it came before."""
    with suppress(Stale):
        confirm(alarm, plan_code="spread", reason="两例核酸阳性", by=town.lin, at=AT)
    for at in (AT, AT + LEASE, LATE, LATE + LEASE):
        with transaction.atomic():  # one statement of its own: this only tells the test's savepoint where it ends
            duties.remind_in_time(at)
        duties.escalate(at)
        while work_once("w", at, handlers.HANDLERS):
            pass


def _world() -> dict[str, list[Any]]:
    """Everything the straight line leaves behind, by what it means rather than by number of row."""
    return {
        "dossiers": sorted(Dossier.objects.values_list("number", "state", "closed_at", "owner_post__code")),
        "tasks": sorted(Task.objects.values_list("plan_task", "dossier__number")),
        "needs": sorted(TaskNeed.objects.values_list("task__plan_task", "needs__plan_task")),
        "hands": sorted(Assignment.objects.values_list("dossier__number", "post__code", "user__username", "from_at"), key=str),
        "clocks": sorted(Deadline.objects.values_list("dossier__number", "key", "due_at", "escalate_at", "stopped_at"), key=str),
        "links": sorted(Link.objects.values_list("source__number", "target__number", "kind")),
        "notices": sorted(Notice.objects.values_list("user__username", "text_zh", "dossier__number")),
        "messages": sorted((m.topic, str(m.payload.get("lines", "")), m.done_at is not None, m.dead_at) for m in Message.objects.all()),
        "entries": sorted(Entry.objects.values_list("action", "reason")),
    }


def _undone(work: Callable[[], object]) -> None:
    """Do it and take it all back."""
    with suppress(ZeroDivisionError), transaction.atomic():
        work()
        raise ZeroDivisionError


def test_straight_line_killed_before_any_statement_ends_as_if_it_had_not_been(
    installed_town: Town, alarm: Alarm, letters: Letters, settings: LazySettings
) -> None:
    expected: dict[str, Any] = {}
    counted: list[int] = []
    _undone(lambda: (counted.append(writes_of(lambda: _straight_line(installed_town, alarm))), expected.update(_world())))
    written = {parcel.to for parcel in letters.parcels}
    assert counted[0] > 60 and {"wu@example.org", "lin@example.org"} <= written
    assert all(done for _, _, done, _ in expected["messages"]) and any(topic == "task.remind" for topic, *_ in expected["messages"])

    def killed_and_resumed(number: int) -> None:
        letters.parcels.clear()
        with pytest.raises(Killed), killed_before(number):
            _straight_line(installed_town, alarm)
        assert verify_chain().problems == ()
        _straight_line(installed_town, alarm)
        assert _world() == expected, f"killed before statement {number}"
        assert verify_chain().problems == ()
        keys = [parcel.key for parcel in letters.parcels]
        assert set(keys) == {f"mail:{m.key}" for m in Message.objects.filter(topic="mail")} and len(keys) <= len(set(keys)) + 1

    for number in moments(counted[0]):
        _undone(lambda n=number: killed_and_resumed(n))  # type: ignore[misc]


def _seen() -> dict[str, list[Any]]:
    return {
        "signals": sorted(Signal.objects.values_list("stream__code", "day", "statistic"), key=str),
        "evidence": sorted(PlaceEvidence.objects.values_list("place__code", "target", "log_evidence"), key=str),
        "runs": sorted(Run.objects.values_list("input_digest", flat=True)),
        "alarms": sorted(Alarm.objects.values_list("target", "dossier__number", "day")),
        "notices": sorted(Notice.objects.values_list("user__username", "text_zh")),
        "entries": sorted(Entry.objects.values_list("action", flat=True)),
    }


def test_morning_killed_before_any_statement_is_read_to_its_end(watched: Town, letters: Letters) -> None:  # noqa: F811
    Installation.objects.update(targets=[{"code": c, "zh": c, "en": c} for c in ("covid19", "influenza")])
    Stream.objects.update(targets=["covid19", "influenza"])
    morning = _at(DAY, 9)

    def work() -> None:
        for at in (morning, morning + LEASE):
            with transaction.atomic():
                duties.screen_this_morning(at)
            while work_once("w", at, handlers.HANDLERS):
                pass

    expected: dict[str, Any] = {}
    counted: list[int] = []
    _undone(lambda: (counted.append(writes_of(work)), expected.update(_seen())))
    # Two readings, and whether the promise is in doubt.
    assert len(expected["runs"]) == 3 and expected["alarms"] and len({target for _, target, _ in expected["evidence"]}) == 2

    def killed_and_resumed(number: int) -> None:
        with pytest.raises(Killed), killed_before(number):
            work()
        work()
        assert _seen() == expected, f"killed before statement {number}"
        assert verify_chain().problems == ()

    for number in moments(counted[0]):
        _undone(lambda n=number: killed_and_resumed(n))  # type: ignore[misc]
